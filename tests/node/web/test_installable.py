"""The scheme on a telephone: what it is called there, what may be kept, on whose wish, and when it goes. Source: docs/pages.md 11."""

from __future__ import annotations

import json
import re

from node.services.acting import How
from node.services.acts import OPERATOR
from node.services.sign_in import SignedIn
from node.web.assets import STATIC
from tests.node.web.oakvale import Oakvale, text, words_of
from tests.node.web.towns import Browser, cookies_of

OFFLINE_LINE = 'id="offline" hidden'


async def shared_browser(oakvale: Oakvale) -> Browser:
    """Return a browser in which Ana is signed in on a library's computer."""
    link = await oakvale.town.node.sign_in.make_link(OPERATOR, oakvale.ana.no)
    outcome = await oakvale.town.node.sign_in.use_link(
        link.rpartition("/")[2], "192.0.2.1", own_computer=False
    )
    assert isinstance(outcome, SignedIn)
    browser = oakvale.town.browser()
    name = next(name for name in cookies_of(oakvale.browser) if not name.endswith(("-form", "-size")))
    browser.session.cookie_jar.update_cookies({name: outcome.token}, oakvale.town.server.make_url("/"))
    return browser


async def own_browser(oakvale: Oakvale) -> Browser:
    """Return a browser in which Ana is signed in on a computer of her own."""
    link = await oakvale.town.node.sign_in.make_link(OPERATOR, oakvale.ana.no)
    outcome = await oakvale.town.node.sign_in.use_link(
        link.rpartition("/")[2], "192.0.2.1", own_computer=True
    )
    assert isinstance(outcome, SignedIn)
    browser = oakvale.town.browser()
    name = next(name for name in cookies_of(oakvale.browser) if not name.endswith(("-form", "-size")))
    browser.session.cookie_jar.update_cookies({name: outcome.token}, oakvale.town.server.make_url("/"))
    return browser


async def test_the_manifest_says_what_the_scheme_is_called_and_every_icon_is_there(oakvale: Oakvale) -> None:
    browser = oakvale.town.browser()
    assert '<link rel="manifest" href="/app.webmanifest">' in await text(browser, "/")
    await oakvale.town.node.settings.change(OPERATOR, name='Oakvale "East"')
    answer = await browser.get("/app.webmanifest")
    assert answer.headers["Content-Type"] == "application/manifest+json; charset=utf-8"
    assert "Set-Cookie" not in answer.headers
    said = json.loads(await answer.text())
    assert (said["name"], said["start_url"], said["scope"]) == ('Oakvale "East"', "/home", "/")
    for icon in said["icons"]:
        drawn = await (await browser.get(icon["src"])).read()
        size = int.from_bytes(drawn[16:20], "big"), int.from_bytes(drawn[20:24], "big")
        assert (drawn[:8], f"{size[0]}x{size[1]}") == (b"\x89PNG\r\n\x1a\n", icon["sizes"])


async def test_the_worker_becomes_another_with_the_scheme_and_names_only_what_is_for_everybody(
    oakvale: Oakvale,
) -> None:
    """Browsers take a new one when its bytes differ, so they must ask each time."""
    answer = await oakvale.browser.get("/worker.js")
    code = await answer.text()
    assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == (
        "text/javascript; charset=utf-8",
        "no-cache",
    )
    assert code == await (await oakvale.bens.get("/worker.js")).text()
    assert code.endswith((STATIC / "worker.js").read_text())
    known = dict(re.findall(r"^const ([A-Z_]+) = (.*);$", code, re.M))
    for path in [*json.loads(known["FILES"]), json.loads(known["OFFLINE"])]:
        alone = await oakvale.town.browser().get(path, allow_redirects=False)
        assert alone.status == 200, "without a session"
    assert json.loads(known["KEPT"]) == ["/home", "/statement"]

    await oakvale.town.node.settings.change(OPERATOR, help_phone="01632 960 999")
    assert await (await oakvale.browser.get("/worker.js")).text() != code


async def test_only_ones_own_computer_may_keep_anything(oakvale: Oakvale) -> None:
    """Pages that may be kept say so by the line shown later; every other page has none, whoever asks."""
    own, shared = await own_browser(oakvale), await shared_browser(oakvale)
    owner = re.search(r'data-owner="([0-9a-f]{16})"', await text(own, "/home"))
    assert owner
    for path in ("/home", "/statement"):
        page = await text(own, path)
        assert page.count(OFFLINE_LINE) == 1
        assert "No connection. This is how it stood on Thursday 1 January 2026" in words_of(page)
        assert owner[0] in page
        other = await text(shared, path)
        assert OFFLINE_LINE not in other
        assert "data-owner" not in other
    for path in (
        "/people",
        f"/people/{oakvale.ben.number}",
        "/find",
        "/messages",
        "/my",
        "/offline",
        "/my/data",
    ):
        assert OFFLINE_LINE not in await text(own, path), path
    assert "data-keep" in await text(own, "/my/settings")
    assert "data-keep" not in await text(shared, "/my/settings")
    bens = await text(oakvale.bens, "/home")
    assert owner[0] not in bens


async def test_nothing_of_somebody_one_acts_for_may_be_kept(oakvale: Oakvale) -> None:
    oakvale.ana = oakvale.rosa
    rosas = await own_browser(oakvale)
    assert "data-owner" in await text(rosas, "/home")
    cookie = next(iter(cookies_of(rosas).values()))
    by = oakvale.rosa.acts("pin")
    await oakvale.town.node.acting.begin(by, cookie, oakvale.maud.no, How.PHONE, "asked to")
    for path in ("/home", "/statement"):
        page = await text(rosas, path)
        assert "acting for Maud" in words_of(page)
        assert OFFLINE_LINE not in page
        assert "data-owner" not in page


async def test_logging_out_clears_what_the_browser_kept(oakvale: Oakvale) -> None:
    for browser, page, path in (
        (oakvale.browser, "/my", "/logout"),
        (oakvale.bens, "/my/logins", "/logout/everywhere"),
    ):
        form = (await text(browser, page)).split(f'action="{path}"')[1]
        sent = {"form_token": form.split('name="form_token" value="')[1].partition('"')[0]}
        answer = await browser.post(path, data=sent, allow_redirects=False)
        assert (answer.status, answer.headers["Clear-Site-Data"]) == (303, '"storage"')
