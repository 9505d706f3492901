"""A telephone that loses its connection: what was asked to be kept can be read, and nothing else was kept; in a real browser.

Source: docs/pages.md 11.
"""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import BrowserContext, Error, Page, expect

from node.services.threads import threads_of
from tests.chromium import started
from tests.conftest import chromium_path
from tests.node.web.oakvale import Oakvale, open_oakvale
from tests.node.web.test_installable import own_browser
from tests.node.web.towns import cookies_of

pytestmark = pytest.mark.e2e

KEPT = """async () => {
  const found = [];
  for (const name of await caches.keys())
    for (const request of await (await caches.open(name)).keys())
      found.push(name.split("-")[0] + " " + new URL(request.url).pathname);
  return found;
}"""

DRAFTS = "Object.keys(localStorage).filter((key) => key.startsWith('draft:'))"


async def anas(context: BrowserContext, oakvale: Oakvale, trouble: list[str]) -> Page:
    url = str(oakvale.town.server.make_url("/"))
    cookies = cookies_of(await own_browser(oakvale))
    await context.add_cookies([{"name": name, "value": value, "url": url} for name, value in cookies.items()])
    page = await context.new_page()
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    return page


async def drafts(context: BrowserContext, page: Page, oakvale: Oakvale) -> None:
    """What was typed stays after a sending that could not begin, and after one of which nobody knows; it goes once it was taken."""
    path = f"/messages/new?to={oakvale.ben.number}"
    line, field, send = (
        page.locator("[data-kept]"),
        page.locator("#text"),
        page.get_by_role("button", name="Send"),
    )
    await page.goto(path)
    await field.fill("Is Saturday fine?")
    await context.set_offline(True)
    await send.click()
    await expect(line).to_contain_text("Nothing was sent, and what you typed stays here.")
    await context.set_offline(False)

    await page.goto("/my")
    await page.goto(path)
    await expect(field).to_have_value("Is Saturday fine?")
    await expect(line).to_contain_text("It was not sent.")
    await field.press("End")
    await field.press_sequentially(" At ten?")
    await context.route(
        "**/messages/new*",
        lambda route: route.abort() if route.request.method == "POST" else route.continue_(),
    )
    with pytest.raises(Error):
        async with page.expect_navigation():
            await send.click()
    await context.unroute("**/messages/new*")
    await page.goto(path)
    await expect(field).to_have_value("Is Saturday fine? At ten?")
    await expect(line).to_contain_text("Perhaps it was sent.")

    await send.click()
    await page.wait_for_url("**note=sent")
    assert await page.evaluate(DRAFTS) == []
    threads, _ = await oakvale.town.node.store.read(threads_of, oakvale.ben.account_no)
    assert [last.text for _, last in threads] == ["Is Saturday fine? At ten?"]
    await field.fill("One more")
    assert len(await page.evaluate(DRAFTS)) == 1


def test_without_a_connection() -> None:
    trouble: list[str] = []

    async def act() -> None:
        async with open_oakvale() as oakvale, started(chromium_path()) as browser:
            context = await browser.new_context(base_url=str(oakvale.town.server.make_url("/")))
            page = await anas(context, oakvale, trouble)
            await page.goto("/home")
            assert await page.evaluate(KEPT) == []
            await page.goto("/my/settings")
            await page.get_by_role("button", name="Keep them here").click()
            await expect(page.locator("[data-keep] [role=status]")).to_be_focused()
            for path in ("/people", f"/people/{oakvale.ben.number}", "/statement?from=2025-01-01", "/home"):
                await page.goto(path)
            await page.wait_for_function(
                f"async () => (await ({KEPT})()).filter((each) => each.startsWith('pages')).length === 2"
            )
            kept = await page.evaluate(KEPT)
            assert {each for each in kept if each.startswith("pages")} == {"pages /home", "pages /statement"}
            assert "files /offline" in kept
            assert not [each for each in kept if "/people" in each or "/my" in each]
            assert [text for text in trouble if "Password forms should have" not in text] == []

            await context.set_offline(True)
            await page.goto("/home")
            await expect(page.locator("#offline")).to_contain_text("This is how it stood on Thursday")
            await page.goto("/statement")
            await expect(page.locator("#offline")).to_be_visible()
            await page.goto("/people")
            await expect(page.locator("h1")).to_have_text("There is no connection just now")

            await context.set_offline(False)
            await drafts(context, page, oakvale)
            await page.goto("/my")
            await expect(page.locator("#offline")).to_have_count(0)
            await page.get_by_role("button", name="Log out").click()
            await page.wait_for_url("**/?note=logged-out")
            await page.wait_for_function(f"async () => (await ({KEPT})()).length === 0")
            assert (
                await page.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.length)")
                == 0
            )
            assert await page.evaluate("localStorage.length") == 0

    asyncio.run(act())
