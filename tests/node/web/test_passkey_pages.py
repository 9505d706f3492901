"""Passkeys through the pages: asked for by the script, sent by the form, and shown nowhere that browsers make none. Source: docs/pages.md 8.13."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.node.web.oakvale import words_of
from tests.node.web.towns import PIN, Browser, Town, cookies_of, form_token_of, open_town, send
from tests.passkey_device import Device, b64

HERE = "/my/passkeys"
ORIGIN = "http://localhost"


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with open_town(origin=ORIGIN) as made:
        await made.member("Ana", pin=PIN)
        yield made


async def log_in(town: Town, number: str = "1") -> Browser:
    browser = town.browser()
    assert (await send(browser, "/login/pin", "/login", number=number, pin=PIN)).status == 303
    return browser


async def question(browser: Browser, path: str, page: str, status: int = 200) -> dict[str, Any]:
    """Ask as the script does; return what the browser's own question would be made of."""
    token = form_token_of(await (await browser.get(page)).text())
    answer = await browser.post(path, data={"form_token": token})
    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/json; charset=utf-8")
    told: dict[str, Any] = await answer.json()
    return told


async def add(browser: Browser, device: Device, name: str = "My telephone") -> int:
    made = device.make(await question(browser, HERE + "/ask", HERE))
    return (await send(browser, HERE, HERE, name=name, answer=made)).status


async def enter(browser: Browser, device: Device, **fields: str) -> tuple[int, str]:
    signed = device.sign(await question(browser, "/login/passkey/ask", "/login"))
    answer = await send(browser, "/login/passkey", "/login", answer=signed, **fields)
    return answer.status, answer.headers.get("Location") or words_of(await answer.text())


async def test_added_used_and_removed(town: Town) -> None:
    here, device = await log_in(town), Device(ORIGIN, "localhost")
    assert await add(here, device) == 303
    page = words_of(await (await here.get(HERE)).text())
    assert "My telephone" in page
    assert "Not used yet" in page
    browser = town.browser()
    assert await enter(browser, device, own_computer="yes", after="/statement") == (303, "/statement")
    assert not [name for name in cookies_of(browser) if name.endswith("-passkey")]
    assert "Last used today" in words_of(await (await browser.get(HERE)).text())
    assert (await send(browser, HERE + "/1/remove", HERE)).status == 303
    status, said = await enter(town.browser(), device)
    assert status == 403
    assert "This passkey did not work here." in said


async def test_an_answer_is_good_once_and_in_its_own_browser(town: Town) -> None:
    device = Device(ORIGIN, "localhost")
    await add(await log_in(town), device)
    browser, thief = town.browser(), town.browser()
    signed = device.sign(await question(browser, "/login/passkey/ask", "/login"))
    assert (await send(thief, "/login/passkey", "/login", answer=signed)).status == 403
    await question(thief, "/login/passkey/ask", "/login")
    assert (await send(thief, "/login/passkey", "/login", answer=signed)).status == 403
    assert (await send(browser, "/login/passkey", "/login", answer=signed)).status == 303
    await send(browser, "/logout", "/my")
    assert (await send(browser, "/login/passkey", "/login", answer=signed)).status == 403


async def test_what_is_forged_or_nonsense_opens_nothing(town: Town) -> None:
    device = Device(ORIGIN, "localhost")
    await add(await log_in(town), device)
    browser = town.browser()
    for answer in ("", "{}", "x" * 9000, "null"):
        await question(browser, "/login/passkey/ask", "/login")
        assert (await send(browser, "/login/passkey", "/login", answer=answer)).status == 403
    options = await question(browser, "/login/passkey/ask", "/login")
    forged = device.sign(options, signature=b64(b"forged"))
    assert (await send(browser, "/login/passkey", "/login", answer=forged)).status == 403
    assert (await browser.get("/home", allow_redirects=False)).status == 303


async def test_nobody_elses_key_is_removed_and_none_is_added_after_logging_out(town: Town) -> None:
    await town.member("Ben", pin=PIN)
    anas, bens = await log_in(town), await log_in(town, "2")
    device = Device(ORIGIN, "localhost")
    assert await add(anas, device) == 303
    assert (await send(bens, HERE + "/1/remove", HERE)).status == 404
    made = Device(ORIGIN, "localhost").make(await question(anas, HERE + "/ask", HERE))
    assert (await send(bens, HERE, HERE, name="x", answer=made)).status == 422
    await send(anas, "/logout", HERE)
    assert (await send(anas, HERE, "/login", name="x", answer=made)).status == 403
    assert "My telephone" not in await (await bens.get(HERE)).text()


async def test_a_browser_left_open_is_told_to_log_in_again(town: Town) -> None:
    browser = await log_in(town)
    town.clock.now += 16 * 60_000
    page = await (await browser.get(HERE)).text()
    assert "log in again and come here within 15 minutes" in words_of(page)
    assert "data-passkey" not in page
    assert await question(browser, HERE + "/ask", "/my/settings", status=409) == {}
    assert (await send(browser, HERE, "/my/settings", name="x", answer="{}")).status == 422


async def test_without_scripts_the_page_says_so_and_other_ways_stay(town: Town) -> None:
    """What needs a script is hidden until one shows it."""
    page = await (await (await log_in(town)).get(HERE)).text()
    assert 'data-passkey="/my/passkeys/ask" hidden' in page
    assert "in which scripts are switched on" in words_of(page)
    login = await (await town.browser().get("/login")).text()
    assert 'data-passkey="/login/passkey/ask" hidden' in login
    assert "/login/pin" in login
    assert "/login/mail" in login


async def test_many_questions_wait(town: Town) -> None:
    browser = town.browser()
    for _ in range(20):
        await question(browser, "/login/passkey/ask", "/login")
    told = await question(browser, "/login/passkey/ask", "/login", status=429)
    assert "There were many tries." in told["said"]


async def test_where_browsers_make_none_nothing_is_shown() -> None:
    async with open_town() as plain:
        await plain.member("Ana", pin=PIN)
        browser = await log_in(plain)
        assert (await browser.get(HERE)).status == 404
        assert HERE not in await (await browser.get("/my/settings")).text()
        assert "passkey" not in await (await plain.browser().get("/login")).text()
        for path in (HERE, HERE + "/ask", HERE + "/1/remove", "/login/passkey", "/login/passkey/ask"):
            assert (await send(browser, path, "/my/settings", name="x", answer="{}")).status == 404
