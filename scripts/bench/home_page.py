"""Pages for a signed-in member against a bare aiohttp + Jinja2 page with as many rows.

Both are served by a process of their own and asked over kept connections by this one. The bare page knows its rows;
ours looks up the session, chooses words and amounts, and sends its security headers. What it reads of the database is
remembered until a commit changes it, so both are also measured with a node that remembers nothing: each page as the
first one after a commit.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from aiohttp import ClientSession, CookieJar
from yarl import URL

from scripts.bench.harness import Comparison, Options, Result, callers, scratch, take_turns
from scripts.bench.processes import Child, free_ports

LISTINGS: Final = 200
ROWS: Final = 20
CALLERS: Final = 8
# (what, path): the home page shows the newest of both kinds; the list shows twenty.
PAGES: Final = (("the home page of a member", "/home"), ("the list of offers, 20 rows", "/find"))


async def fetch(session: ClientSession, address: str) -> None:
    """Ask for a page and read it."""
    async with session.get(address, allow_redirects=False) as answer:
        body = await answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{address}: {answer.status}, {len(body)} bytes")


async def sign_in(session: ClientSession, address: str, path: str) -> None:
    """Follow a one-time link as a browser does."""
    async with session.get(address + path) as answer:
        page = await answer.text()
    token = page.split('name="form_token" value="', 1)[1].split('"', 1)[0]
    headers = {"Origin": address, "Sec-Fetch-Site": "same-origin"}
    async with session.post(
        address + path, data={"form_token": token}, headers=headers, allow_redirects=False
    ) as answer:
        if answer.status != 303:
            raise RuntimeError(f"signing in answered {answer.status}")


async def run(options: Options) -> list[Result]:
    """Compare both pages."""
    port, bare_port = free_ports(2)
    address, bare_address = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{bare_port}/"
    settings: dict[str, Any] = {"name": "Oakvale", "ports": {"Oakvale": port}, "uvloop": options.uvloop}
    results: list[Result] = []
    async with (
        scratch(options) as directory,
        Child("node_process", path=str(directory / "node.db"), **settings) as node,
        Child("bare_page", port=bare_port, rows=ROWS, uvloop=options.uvloop) as bare,
        ClientSession(cookie_jar=CookieJar(unsafe=True)) as session,
    ):
        await bare.ask("ready")
        (link,) = await node.ask("sign_in", listings=LISTINGS)
        await sign_in(session, address, link)
        assert session.cookie_jar.filter_cookies(URL(address))
        for what, path in (*PAGES, *((f"{what}, read anew", path) for what, path in PAGES)):
            if what.endswith("read anew"):
                await node.ask("remember_nothing")
            ours, limit = await take_turns(
                options,
                partial(callers, CALLERS, partial(fetch, session, address + path)),
                partial(callers, CALLERS, partial(fetch, session, bare_address)),
            )
            results.append(
                Comparison(
                    what=what, unit="/s", limit_is="a bare aiohttp + Jinja2 page", ours=ours, limit=limit, goal=0.5
                )
            )  # fmt: skip
    return results
