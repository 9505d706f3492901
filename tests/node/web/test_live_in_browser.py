"""An open page shows by itself what changed, and leaves alone whoever is typing; in a real browser. Source: docs/pages.md 0.4."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.chromium import started
from tests.conftest import chromium_path
from tests.node.web.oakvale import Oakvale, open_oakvale, text
from tests.node.web.test_live import write
from tests.node.web.towns import Browser, cookies_of

pytestmark = pytest.mark.e2e


async def sign_in(context: BrowserContext, browser: Browser, oakvale: Oakvale) -> None:
    """Let a real browser have the cookies of a town's."""
    url = str(oakvale.town.server.make_url("/"))
    await context.add_cookies(
        [{"name": name, "value": value, "url": url} for name, value in cookies_of(browser).items()]
    )


async def opened(context: BrowserContext, path: str, trouble: list[str]) -> Page:
    """Return a page on which the stream has begun; what the browser refuses goes into `trouble`."""
    page = await context.new_page()
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    async with page.expect_request("**/live?*"):
        await page.goto(path)
    return page


def test_a_message_comes_while_somebody_types_the_answer() -> None:
    """The list and the number in the bar change; words typed, focus and place on the screen do not."""
    trouble: list[str] = []

    async def act() -> None:
        async with open_oakvale() as oakvale, started(chromium_path()) as browser:
            await write(oakvale, "Is the plum jam still there?")
            listed = await text(oakvale.browser, "/messages")
            path = listed.split('class="row-link" href="')[1].partition('"')[0]
            context = await browser.new_context(
                base_url=str(oakvale.town.server.make_url("/")), viewport={"width": 360, "height": 640}
            )
            await sign_in(context, oakvale.browser, oakvale)
            page = await opened(context, path, trouble)
            await page.locator("#text").press_sequentially("Yes, four ja")
            before = await page.locator("#text").bounding_box()

            sent = await text(oakvale.bens, "/messages")
            theirs = sent.split('class="row-link" href="')[1].partition('"')[0]
            form = await text(oakvale.bens, theirs)
            fields = dict.fromkeys(("form_token", "once"), "")
            fields = {name: form.split(f'name="{name}" value="')[1].partition('"')[0] for name in fields}
            await oakvale.bens.post(theirs, data={**fields, "text": "I can come on Saturday."})

            await expect(page.locator(".thread")).to_contain_text("I can come on Saturday.")
            await expect(page.locator("[data-said]")).to_have_text("This conversation has something new.")
            await page.keyboard.type("rs.")
            assert await page.locator("#text").input_value() == "Yes, four jars."
            after = await page.locator("#text").bounding_box()
            assert before is not None
            assert after is not None
            assert abs(before["y"] - after["y"]) < 2

            home = await opened(context, "/home", trouble)
            await expect(home.locator(".bar .count")).to_have_count(0)
            await write(oakvale, "Something else")
            await expect(home.locator(".bar .count")).to_contain_text("1")

    asyncio.run(act())
    assert trouble == []
