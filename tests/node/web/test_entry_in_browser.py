"""Fifty cheques by keyboard alone, in a real browser; with scripts by Enter, without by Tab. Source: docs/pages.md 8.9, 13.3."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Browser, Page

from tests.chromium import started
from tests.conftest import chromium_path
from tests.node.web.oakvale import Oakvale, open_oakvale
from tests.node.web.towns import cookies_of

pytestmark = pytest.mark.e2e

TABS_MAX = 40


async def page_of(browser: Browser, oakvale: Oakvale, *, scripts: bool) -> Page:
    """Return a page of Rosa's, signed in."""
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    context = await browser.new_context(
        java_script_enabled=scripts, base_url=str(oakvale.town.server.make_url("/"))
    )
    url = str(oakvale.town.server.make_url("/"))
    await context.add_cookies(
        [{"name": name, "value": value, "url": url} for name, value in cookies_of(rosas).items()]
    )
    return await context.new_page()


async def focused(page: Page) -> str:
    """Return the name, or the words, of what has the focus."""
    return str(
        await page.locator(":focus").evaluate(
            "at => at.name && at.tagName == 'INPUT' ? at.name : at.innerText.trim()"
        )
    )


async def tab_to(page: Page, wanted: str) -> None:
    """Press Tab until `wanted` has the focus."""
    for _ in range(TABS_MAX):
        await page.keyboard.press("Tab")
        if await page.locator(":focus").count() and await focused(page) == wanted:
            return
    raise AssertionError(f"no way to {wanted} by Tab")


async def enter_all(page: Page, oakvale: Oakvale, slips: int, onward: str) -> None:
    """Open an envelope and type its slips, moving on by the key `onward`; nothing is clicked."""
    await page.goto("/desk/entry")
    await tab_to(page, "day")
    for name, typed in (
        ("day", "1 Jan 2026"),
        ("place", "Market"),
        ("slips", str(slips)),
        ("total", f"{slips} min"),
    ):
        assert await focused(page) == name
        await page.keyboard.press("Control+a")
        await page.keyboard.type(typed)
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/desk/entry/*")
    await tab_to(page, "n1")
    for row in range(1, slips + 1):
        cells = (str(400 + row), "", oakvale.ana.number, oakvale.ben.number, "1 min", f"Slip {row}")
        for column, typed in zip("ndpqaw", cells, strict=True):
            assert await focused(page) == f"{column}{row}"
            await page.keyboard.type(typed)
            if (column, row) != ("w", slips):
                await page.keyboard.press(onward)
    await page.keyboard.press("Enter")  # in the last field it checks
    await page.wait_for_url("**check=1*")
    assert f"It fits the envelope: {slips} slips" in (await page.inner_text("main")).replace("\xa0", " ")
    await page.locator(f"#w{slips}").focus()
    await tab_to(page, f"Write {slips} slips into the books")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**note=in-the-books*")


@pytest.mark.parametrize(
    ("scripts", "slips", "onward"),
    [
        (True, 8, "Enter"),
        (False, 3, "Tab"),
        pytest.param(True, 50, "Enter", marks=pytest.mark.slow),
    ],
)
def test_cheques_are_entered_by_keyboard_alone(scripts: bool, slips: int, onward: str) -> None:
    async def act() -> None:
        async with open_oakvale() as oakvale, started(chromium_path()) as browser:
            page = await page_of(browser, oakvale, scripts=scripts)
            await enter_all(page, oakvale, slips, onward)
            assert await oakvale.balance(oakvale.ana) == -slips
            newest = await oakvale.town.node.trades.newest(oakvale.ana.account_no, most=60)
            assert {trade.text for trade in newest} == {f"Slip {row}" for row in range(1, slips + 1)}

    asyncio.run(act())
