"""Every page of the samples in a real browser: axe, narrow phones, big text, no refused content.

The browser is driven by the asynchronous interface from plain test functions that each own a loop.
Source: pages.md 0.13, 10 and 13.5.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import pytest
from aiohttp import web
from playwright.async_api import Browser

from node.web.words import Words, words_for
from tests.axe import add_axe, serious
from tests.chromium import started
from tests.conftest import chromium_path
from tests.node.web.gallery import make_gallery
from tests.node.web.samples import PAGES
from tests.node.web.tongues import FROM_THE_RIGHT, LONG

pytestmark = pytest.mark.e2e


async def with_browser(act: Callable[[Browser, str], Awaitable[None]], words: Words | None = None) -> None:
    """Run `act` with a browser and the gallery's address."""
    runner = web.AppRunner(make_gallery(words))
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        async with started(chromium_path()) as browser:
            await act(browser, f"http://{host}:{port}/gallery/")
    finally:
        await runner.cleanup()


SHARES: Final = 4


@pytest.mark.parametrize("share", range(SHARES))
def test_axe_finds_nothing_serious(share: int) -> None:
    """pages.md 13.5; in dark colours too. In shares, so that all workers take part.

    The content policy is off, because axe itself is an inline script. Motion is off, so that dark colours
    are looked at when they have arrived and not on their way.
    """
    found: dict[str, list[str]] = {}

    async def act(browser: Browser, base: str) -> None:
        context = await browser.new_context(
            viewport={"width": 360, "height": 740}, bypass_csp=True, reduced_motion="reduce"
        )
        await add_axe(context)
        page = await context.new_page()
        for name in list(PAGES)[share::SHARES]:
            await page.emulate_media(color_scheme="light")
            await page.goto(base + name)
            findings = await serious(page)
            await page.emulate_media(color_scheme="dark")
            findings += await serious(page, "runOnly: ['color-contrast'],")
            if findings:
                found[name] = findings

    asyncio.run(with_browser(act))
    assert found == {}


# Writes another page where one is open; returns its title and how wide it is once its style has come.
WRITTEN: Final = """async (address) => {
    const text = await (await fetch(address)).text();
    document.open();
    document.write(text);
    document.close();
    if (document.readyState !== "complete") await new Promise((go) => addEventListener("load", go, {once: true}));
    if (!document.styleSheets.length) throw new Error("no style");
    return [document.title, document.documentElement.scrollWidth];
}"""


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(LONG, id="longer"),
        pytest.param(FROM_THE_RIGHT, id="from the right"),
        pytest.param(words_for("de"), id="de", marks=pytest.mark.slow),  # shorter than the first
    ],
)
def test_no_language_makes_a_page_scroll_sideways(words: Words) -> None:
    """pages.md 13.7: words two fifths longer, words from the right, and the longest that we speak.

    Each page is written into the first one, which takes a third of the time of going there.
    """
    wide: dict[str, int] = {}
    shown: set[str] = set()

    async def act(browser: Browser, base: str) -> None:
        page = await browser.new_page(viewport={"width": 320, "height": 640})
        await page.goto(base + "home")
        for name in PAGES:
            title, width = await page.evaluate(WRITTEN, base + name)
            shown.add(title)
            if width > 320:
                wide[name] = width

    asyncio.run(with_browser(act, words))
    assert wide == {}
    assert len(shown) > len(PAGES) / 2


# Buttons, the bar and fields that are lower than 44 px.
SMALL: Final = """() => [...document.querySelectorAll(`button, .button, .bar a, input:not([type=hidden], [type=radio],
    [type=checkbox]), select, .choice, .top a, .row-link`)].filter((each) => each.offsetParent)
    .filter((each) => each.getBoundingClientRect().height < 44).map((each) => each.outerHTML.slice(0, 80))"""

# How wide the page is, in each size of text.
WIDTHS: Final = """() => [1, 2, 3].map((size) => {
    document.documentElement.className = `size-${size}`;
    return document.documentElement.scrollWidth;
})"""


@pytest.mark.parametrize("share", range(2))
def test_a_narrow_phone_shows_all_refuses_nothing_and_targets_are_large(share: int) -> None:
    """WCAG 1.4.10 at 320 px, also with bigger text; no content-policy message; WCAG 2.5.8 with ours of 44 px and more."""
    messages: list[str] = []
    small: dict[str, list[str]] = {}
    wide: dict[str, list[int]] = {}

    async def act(browser: Browser, base: str) -> None:
        page = await browser.new_page(viewport={"width": 320, "height": 640})
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        for name in list(PAGES)[share::2]:
            await page.goto(base + name)
            if found := await page.evaluate(SMALL):
                small[name] = found
            widths = await page.evaluate(WIDTHS)
            if max(widths) > 320:
                wide[name] = widths

    asyncio.run(with_browser(act))
    assert [text for text in messages if "Password forms should have" not in text] == []
    assert small == {}
    assert wide == {}


def test_the_bar_stays_at_the_bottom_only_where_there_is_room() -> None:
    """pages.md 0.13: not fixed below 360 px or with big text; never over the field in focus."""
    positions: dict[str, str] = {}

    async def act(browser: Browser, base: str) -> None:
        for label, width, size in [("phone", 360, 1), ("narrow", 340, 1), ("big", 360, 2), ("desk", 1200, 1)]:
            page = await browser.new_page(viewport={"width": width, "height": 740})
            await page.goto(base + "home")
            await page.evaluate(f"document.documentElement.className = 'size-{size}'")
            positions[label] = await page.evaluate(
                "getComputedStyle(document.querySelector('.bar')).position"
            )
        page = await browser.new_page(viewport={"width": 360, "height": 500})
        await page.goto(base + "post-2")
        await page.locator("#place").focus()
        covered = await page.evaluate(
            """document.querySelector('#place').getBoundingClientRect().bottom
            > document.querySelector('.bar').getBoundingClientRect().top"""
        )
        positions["covers the field"] = str(covered)

    asyncio.run(with_browser(act))
    assert positions == {
        "phone": "fixed",
        "narrow": "static",
        "big": "static",
        "desk": "static",
        "covers the field": "False",
    }
