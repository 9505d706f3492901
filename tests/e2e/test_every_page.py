"""Every page a visitor, a member and an organiser can reach by links, looked at by machine.

axe finds nothing serious, nothing scrolls sideways at 320 px, the browser refuses nothing, no page is missing, and no
word is shown that members never read. INTERLETS_TEST_PICTURES names a folder for pictures of all of them.
Source: docs/pages.md 3, 10, 13.5, 13.8.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize

from scripts.town.town import Town
from tests.axe import add_axe, serious
from tests.e2e.browsing import Complaints, in_browser, log_in_as, log_in_organiser
from tests.node.web.test_pages import FORBIDDEN

pytestmark = pytest.mark.e2e

PAGES_MAX = 140
OF_A_KIND = 2  # pages that differ only in whom or what they are about
NARROW = ViewportSize(width=320, height=640)
PICTURE_WIDTHS = (360, 1200)
# Links that do something or lead out: to files, telephones, the same page in other letters.
SKIPPED = re.compile(
    r"^/text\?|\.csv|\.zip|\.pdf|^/static/|^/t/.*/check|^/t/.*/receipt/(file|pdf)|^/my/data/download|^/admin/close-year/file|^/admin/closing/sheet|^/desk/tokens/[0-9]+/pdf|^/about/source$"
)


# An organiser's other pages are a member's, who looks at them too.
DESK = re.compile(r"/(admin|desk|node)\b")
ANYWHERE = re.compile("/")


@dataclass
class Findings:
    """What is wrong, by page."""

    serious: dict[str, list[str]] = field(default_factory=dict)
    wide: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    forbidden: dict[str, list[str]] = field(default_factory=dict)
    visited: list[str] = field(default_factory=list)

    def wrong(self) -> dict[str, object]:
        """Return everything but the pages visited."""
        found = {"serious": self.serious, "wide": self.wide, "missing": self.missing, "words": self.forbidden}
        return {name: value for name, value in found.items() if value}


def kind_of(path: str) -> str:
    """Return a path with what it is about left out: /t/K7F-3QM-92X and /t/9AB-… are pages of a kind."""
    parts = urlsplit(path)
    plain = [part if re.fullmatch(r"[a-z-]{1,20}", part) else "*" for part in parts.path.split("/")]
    query = re.sub(r"=[^&]*", "", parts.query)
    return "/".join(plain) + (f"?{query}" if query else "")


async def crawl(
    page: Page, origin: str, start: tuple[str, ...], within: re.Pattern[str]
) -> AsyncIterator[tuple[str, int]]:
    """Yield every page `within` that links lead to, once it is open, with its status; a few of each kind."""
    waiting, known = list(start), set(start)
    kinds: Counter[str] = Counter()
    while waiting:
        path = waiting.pop(0)
        kinds[kind_of(path)] += 1
        if kinds[kind_of(path)] > OF_A_KIND:
            continue
        response = await page.goto(origin + path)
        yield path, response.status if response else 0
        for href in await page.eval_on_selector_all("a[href]", "all => all.map(a => a.getAttribute('href'))"):
            target = urldefrag(urljoin(page.url, href))[0]
            if not target.startswith(origin + "/"):
                continue
            path = target.removeprefix(origin)
            if path not in known and within.match(path) and not SKIPPED.search(path):
                known.add(path)
                waiting.append(path)


async def look_at(page: Page, path: str, status: int, findings: Findings, *, member: bool) -> None:
    """Note what is wrong with the page that is open."""
    findings.visited.append(path)
    if status != 200:
        findings.missing[path] = status
    width = await page.evaluate("document.documentElement.scrollWidth")
    if width > NARROW["width"]:
        findings.wide[path] = width
    if member:
        text = await page.locator("body").inner_text()
        if found := [line for line in text.splitlines() if FORBIDDEN.search(line)]:
            findings.forbidden[path] = found


async def take_pictures(context: BrowserContext, url: str, path: str, role: str) -> None:
    """Write pictures of a page, if a folder for them is named."""
    named = os.environ.get("INTERLETS_TEST_PICTURES")
    if not named:
        return
    folder = Path(named)
    page = await context.new_page()
    for width in PICTURE_WIDTHS:
        await page.set_viewport_size({"width": width, "height": 800})
        await page.goto(url)
        name = re.sub(r"[^\w-]+", "_", path.strip("/")) or "front"
        await page.screenshot(path=folder / f"{role}-{name[:60]}-{width}.png", full_page=True)
    await page.close()


async def as_visitor(page: Page, town: Town) -> tuple[str, tuple[str, ...]]:
    return town["oakvale"].process.origin, ("/",)


async def as_member(page: Page, town: Town) -> tuple[str, tuple[str, ...]]:
    await log_in_as(page, town, "oakvale", "Ana Silva")
    return town["oakvale"].process.origin, (
        "/home",
        "/post",
        "/find?q=jam",
        "/find?q=nothing+like+it",
        "/statement",
    )


async def as_organiser(page: Page, town: Town) -> tuple[str, tuple[str, ...]]:
    await log_in_organiser(page, town, "hilltop")
    return town["hilltop"].process.origin, ("/admin",)


@pytest.mark.parametrize("enter", [as_visitor, as_member, as_organiser], ids=lambda enter: enter.__name__)
def test_every_page_is_fit_to_be_read(
    town: Town, chromium: str, enter: Callable[[Page, Town], Awaitable[tuple[str, tuple[str, ...]]]]
) -> None:
    findings, complaints = Findings(), Complaints()
    role = enter.__name__.removeprefix("as_")

    async def act(browser: Browser) -> None:
        # The first context keeps the pages' own policy; axe is an inline script, which the second lets in.
        strict = await browser.new_context(viewport=NARROW, reduced_motion="reduce")
        page = await strict.new_page()
        complaints.listen(page)
        origin, start = await enter(page, town)
        lax = await browser.new_context(
            viewport=NARROW,
            reduced_motion="reduce",
            bypass_csp=True,
            storage_state=await strict.storage_state(),
        )
        await add_axe(lax)
        examined = await lax.new_page()
        async for path, status in crawl(page, origin, start, DESK if role == "organiser" else ANYWHERE):
            assert len(findings.visited) < PAGES_MAX, f"more than {PAGES_MAX} pages: {findings.visited}"
            await look_at(page, path, status, findings, member=role == "member")
            await examined.goto(origin + path)
            if found := await serious(examined):
                findings.serious[path] = found
            await take_pictures(strict, origin + path, path, role)

    in_browser(chromium, act)
    assert findings.wrong() == {}
    assert complaints.texts == []
    assert len(findings.visited) >= 8, findings.visited
