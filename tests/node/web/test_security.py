"""Headers on every answer, and changes only from our own pages. Source: docs/pages.md 0.8, 6."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from node.web.assets import KEEP, Assets
from node.web.security import (
    HEADERS,
    Origin,
    cookie_name,
    form_token,
    same_origin,
    security_headers,
    token_fits,
)

ORIGIN = Origin("https://oakvale.example")
ClientMaker = Callable[[web.Application], Awaitable[TestClient[web.Request, web.Application]]]


async def _answer(_request: web.Request) -> web.Response:
    return web.Response(text="done")


async def _redirect(_request: web.Request) -> web.Response:
    raise web.HTTPSeeOther("/")


def make_app() -> web.Application:
    app = web.Application(middlewares=[security_headers, same_origin(ORIGIN)])
    app.router.add_route("*", "/change", _answer)
    app.router.add_get("/away", _redirect)
    Assets().add_to(app)
    return app


@pytest.mark.parametrize("path", ["/change", "/away", "/nowhere", "/static/nothing.css"])
async def test_every_answer_carries_the_headers(aiohttp_client: ClientMaker, path: str) -> None:
    client = await aiohttp_client(make_app())
    answer = await client.get(path, allow_redirects=False)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert answer.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    "headers, status",
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://oakvale.example"}, 403),
        ({"Origin": "https://oakvale.example"}, 200),
        ({"Origin": "http://oakvale.example"}, 403),
        ({"Origin": "https://oakvale.example.evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 200),
    ],
)
async def test_a_change_asked_for_by_another_sites_page_is_refused(
    aiohttp_client: ClientMaker, headers: dict[str, str], status: int
) -> None:
    client = await aiohttp_client(make_app())
    assert (await client.post("/change", headers=headers)).status == status
    assert (await client.get("/change", headers=headers)).status == 200


def test_a_form_token_fits_one_browser_only() -> None:
    mine, other = b"m" * 32, b"o" * 32
    assert token_fits(mine, form_token(mine))
    assert not token_fits(mine, form_token(other))
    assert not token_fits(mine, "")
    assert not token_fits(mine, "ü")
    assert not token_fits(mine, "\ud800")


def test_cookies_of_two_schemes_on_one_host_do_not_meet() -> None:
    plain = Origin("http://127.0.0.1:8080")
    assert cookie_name("lets1a", plain) != cookie_name("lets1b", plain)
    assert cookie_name("lets1a", ORIGIN).startswith("__Host-")


async def test_static_files_are_kept_for_a_year_under_a_name_of_their_content(
    aiohttp_client: ClientMaker,
) -> None:
    client = await aiohttp_client(make_app())
    url = Assets().urls["style.css"]
    zipped = await client.get(url, headers={"Accept-Encoding": "gzip"})
    bare = await client.get(url, headers={"Accept-Encoding": "identity"})
    assert zipped.headers["Cache-Control"] == bare.headers["Cache-Control"] == KEEP
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert await zipped.read() == await bare.read()
    assert (await client.get("/static/style.css")).status == 404
    assert (await client.get("/static/..%2f..%2frender.py")).status == 404
