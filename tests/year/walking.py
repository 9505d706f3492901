"""A person at a browser: opens pages, reads, fills, presses, and says at once when a page is not as it should be."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, ConsoleMessage, Locator, Page, Response, ViewportSize

DESK: Final = ViewportSize(width=1000, height=760)
PICTURE_WIDE: Final = 640
PICTURE_HIGH: Final = 1_000  # of the page, which is as wide as DESK
PICTURE_QUALITY: Final = 40
WAITS_MS: Final = 60_000.0
# What a page of an organiser never says: a text nobody filled in.
UNFILLED: Final = re.compile(r"%\(\w+\)|\bNone\b|\{\{|\bnull\b|Traceback")
# Chromium asks for an invisible user name beside fields for new passwords; ours are PINs.
NOT_OURS: Final = ("Password forms should have",)


class Stumbled(Exception):
    """A page is not what somebody who follows the guide was told to expect."""


@dataclass
class Walker:
    """One person's browser at one node."""

    page: Page
    origin: str
    used: set[str]  # every button, link and field by its words, for the guide to be held against
    taken: list[str]  # names of pictures, whether they are wanted or not
    pictures: Path | None = None
    visited: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    _expected: int = 0

    def __post_init__(self) -> None:
        self.page.set_default_timeout(WAITS_MS)
        self.page.on("response", self._on_response)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.wrong.append(f"{self.page.url}: {error}"))

    def _on_response(self, response: Response) -> None:
        asked = response.request
        if asked.is_navigation_request() and response.status >= 400 and response.status != self._expected:
            self.wrong.append(f"{asked.method} {response.url} answers {response.status}")

    def _on_console(self, message: ConsoleMessage) -> None:
        expected = self._expected and str(self._expected) in message.text
        if not expected and not any(each in message.text for each in NOT_OURS):
            self.wrong.append(f"{message.location.get('url', '')}: {message.text}")

    @contextmanager
    def refused(self, status: int = 422) -> Iterator[None]:
        """Expect pages that do not do what was asked, and say why."""
        self._expected = status
        try:
            yield
        finally:
            self._expected = 0

    async def open(self, path: str) -> Walker:
        """Open a page by its address."""
        await self.page.goto(path if path.startswith("http") else self.origin + path)
        return await self.look()

    async def look(self) -> Walker:
        """Read the page. Raises Stumbled if something is wrong with it."""
        self.visited.add(re.sub(r"\d+", "N", self.page.url.removeprefix(self.origin).partition("?")[0]))
        if found := UNFILLED.search(await self.words()):
            raise Stumbled(f"{self.page.url} says “{found[0]}”")
        if self.wrong:
            raise Stumbled("; ".join(self.wrong))
        return self

    async def words(self) -> str:
        """Return the words of the page, with every space a plain one."""
        return " ".join((await self.page.locator("main").inner_text()).split())

    async def says(self, *expected: str) -> Walker:
        """Raises Stumbled unless the page says all of this."""
        words = await self.words()
        for each in expected:
            if each not in words:
                raise Stumbled(f"{self.page.url} does not say “{each}”: {words[:1500]}")
        return self

    async def says_not(self, *unwanted: str) -> Walker:
        """Raises Stumbled if the page says any of this."""
        words = await self.words()
        for each in unwanted:
            if each in words:
                raise Stumbled(f"{self.page.url} says “{each}”")
        return self

    async def fill(self, **fields: str) -> Walker:
        """Write into fields, by their names; a choice or a list is chosen from, a tick is set with "on"."""
        for name, value in fields.items():
            where = self.page.locator(f'main [name="{name.replace("__", "-")}"]:not([type=hidden])')
            await _unfold(where.first)
            kind = await where.first.evaluate("at => at.tagName == 'SELECT' ? 'select' : at.type")
            match kind:
                case "radio":
                    await self.page.locator(
                        f'main [name="{name.replace("__", "-")}"][value="{value}"]'
                    ).check()
                case "select":
                    await where.first.select_option(value)
                case "checkbox":
                    await where.first.set_checked(value == "on")
                case _:
                    await where.first.fill(value)
        return self

    async def fill_in(self, action: str, **fields: str) -> Walker:
        """Write into fields of the form that is sent to `action`, where a page has several."""
        for name, value in fields.items():
            field = self.page.locator(f'form[action="{action}"] [name="{name}"]')
            await _unfold(field)
            await field.fill(value)
        return self

    async def press(self, words: str, *, within: str = "main", exact: bool = True) -> Walker:
        """Press a button; where it is folded away, unfold it first."""
        # By what it says, since one that is folded away has no role yet; a form's hidden first button is nobody's.
        said = re.compile(rf"^\s*{re.escape(words)}\s*$") if exact else words
        button = self.page.locator(f'{within} button:not([aria-hidden="true"])').filter(has_text=said).first
        await _unfold(button)
        async with self.page.expect_navigation():
            await button.click()
        self.used.add(words)
        return await self.look()

    async def follow(self, words: str, *, within: str = "body") -> Walker:
        """Follow a link."""
        async with self.page.expect_navigation():
            await self.page.locator(within).get_by_role("link", name=words, exact=True).first.click()
        self.used.add(words)
        return await self.look()

    async def send(self, action: str) -> Walker:
        """Press the button of the form that is sent to `action` (the end of an address)."""
        button = self.page.locator(f'form[action$="{action}"] button').first
        await _unfold(button)
        self.used.add((await button.inner_text()).strip())
        async with self.page.expect_navigation():
            await button.click()
        return await self.look()

    async def secret(self) -> str:
        """Return the PIN, link or word that is shown this once."""
        return (await self.page.locator("main .secret").first.inner_text()).strip()

    async def saved(self, words: str, where: Path) -> Path:
        """Follow a link that saves a file."""
        async with self.page.expect_download() as saving:
            await self.page.get_by_role("link", name=words, exact=True).first.click()
        self.used.add(words)
        await (await saving.value).save_as(where)
        return where

    async def text_of(self, path: str) -> str:
        """Return a file of the node, as the browser may read it."""
        answer = await self.page.request.get(self.origin + path)
        if answer.status != 200:
            raise Stumbled(f"{path} answers {answer.status}")
        return await answer.text()

    async def picture(self, name: str, at: str | None = None) -> None:
        """Take a picture of the page from its top, or from `at`, where pictures are wanted."""
        self.taken.append(name)
        if self.pictures is None:
            return
        # Beginning with what matters, and not longer than a hand.
        tall = await self.page.evaluate("document.documentElement.scrollHeight")
        await self.page.set_viewport_size({"width": DESK["width"], "height": int(tall)})
        box = None if at is None else await self.page.locator(at).first.bounding_box()
        top = 0 if box is None else max(0, int(box["y"]) - 12)
        height = min(int(tall) - top, PICTURE_HIGH)
        png = await self.page.screenshot(clip={"x": 0, "y": top, "width": DESK["width"], "height": height})
        await self.page.set_viewport_size(DESK)
        write_picture(png, self.pictures / f"{name}.webp")


def write_picture(png: bytes, target: Path) -> None:
    """Write a picture small enough for a guide."""
    from PIL import Image

    with Image.open(io.BytesIO(png)) as seen:
        wide = PICTURE_WIDE
        seen.convert("RGB").resize((wide, seen.height * wide // seen.width), Image.Resampling.LANCZOS).save(
            target, quality=PICTURE_QUALITY, method=6
        )


async def _unfold(what: Locator) -> None:
    folded = what.locator("xpath=ancestor::details[not(@open)]")
    for at in range(await folded.count()):
        await folded.nth(at).locator("summary").first.click()


@asynccontextmanager
async def walking(
    browser: Browser, origin: str, used: set[str], taken: list[str], pictures: Path | None
) -> AsyncIterator[Walker]:
    """Give somebody a browser of their own."""
    context = await browser.new_context(
        viewport=DESK, accept_downloads=True, locale="en-GB", timezone_id="UTC"
    )
    try:
        yield Walker(await context.new_page(), origin, used, taken, pictures)
    finally:
        await context.close()
