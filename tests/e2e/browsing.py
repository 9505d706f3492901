"""Chromium driven by the asynchronous interface, from plain test functions that each own a loop.

Source: docs/pages.md 10 and 13.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize

from scripts.town.processes import until
from scripts.town.town import Town
from tests.chromium import started

PHONE = ViewportSize(width=360, height=740)
GOSSIP_WITHIN_S = 30.0
# Chromium asks for an invisible user name beside fields for new passwords; ours are PINs.
NOT_OURS = ("Password forms should have",)


@dataclass
class Complaints:
    """What browsers wrote to their consoles: refused content, broken scripts."""

    texts: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        """Collect what this page complains about."""
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.texts.append(f"{page.url}: {error}"))

    def _on_console(self, message: ConsoleMessage) -> None:
        if not any(each in message.text for each in NOT_OURS):
            self.texts.append(f"{message.location.get('url', '')}: {message.text}")


def in_browser(chromium: str, act: Callable[[Browser], Awaitable[None]]) -> None:
    """Run `act` with a browser, in a loop of its own."""

    async def run() -> None:
        async with started(chromium) as browser:
            await act(browser)

    asyncio.run(run())


@asynccontextmanager
async def opened(browser: Browser, complaints: Complaints, **options: Any) -> AsyncIterator[Page]:
    """Give a page of a new browser session, as on a phone unless `options` say otherwise."""
    options.setdefault("viewport", PHONE)
    context: BrowserContext = await browser.new_context(**options)
    try:
        page = await context.new_page()
        complaints.listen(page)
        yield page
    finally:
        await context.close()


async def log_in(page: Page, origin: str, number: str, pin: str) -> None:
    """Log in with number and PIN."""
    await page.goto(f"{origin}/login")
    await page.get_by_label("Member number", exact=True).fill(number)
    await page.get_by_label("PIN", exact=True).fill(pin)
    await page.locator('form[action="/login/pin"] button').click()
    await page.wait_for_url("**/home")


async def log_in_as(page: Page, town: Town, key: str, name: str) -> None:
    """Log in as a member of the town who has a PIN."""
    scheme = town[key]
    await log_in(page, scheme.process.origin, scheme.number(name), scheme.pin(name))


async def log_in_organiser(page: Page, town: Town, key: str) -> None:
    """Log in as the scheme's organiser, by a link for once."""
    await page.goto(await town.link(key, town[key].plan.organiser))
    await page.locator("form button").first.click()
    await page.wait_for_url("**/home")


async def find(page: Page, origin: str, title: str) -> None:
    """Search for an offer until it is there, and open it."""

    async def found() -> bool:
        await page.goto(f"{origin}/find")
        await page.get_by_label("What are you looking for?").fill(title)
        await page.get_by_role("button", name="Search").click()
        return await page.get_by_role("link", name=title, exact=True).count() > 0

    await until(found, f"“{title}” at {origin}", GOSSIP_WITHIN_S, 0.5)
    await page.get_by_role("link", name=title, exact=True).first.click()


async def heading(page: Page) -> str:
    """Return the main heading."""
    return (await page.locator("h1").inner_text()).strip()


async def said(page: Page) -> str:
    """Return the words of the page, with every space a plain one."""
    return " ".join((await page.locator("main").inner_text()).split())
