"""A member buys from another scheme, page by page, and looks at what became of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from scripts.town.pages import Browser, Seen, Unexpected

REFERENCE: Final = re.compile(r"\b[0-9A-Z]{3}-[0-9A-Z]{3}-[0-9A-Z]{3}\b")


class Outcome(StrEnum):
    """What the page after paying says, by the first words of its title."""

    DONE = "Done"
    SET_ASIDE = "Set aside"
    LATE = "It takes longer"
    UNDONE = "Undone"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self in (Outcome.DONE, Outcome.UNDONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """A payment that was begun, and the page it was last seen on."""

    reference: str
    page: Seen

    @property
    def outcome(self) -> Outcome:
        """What the page says of it."""
        return outcome_of(self.page)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a statement: its columns as they are read."""

    what: str
    received: str
    given: str


def outcome_of(page: Seen) -> Outcome:
    """Return what a page says became of a trade. Raises Unexpected if it is another page."""
    for outcome in Outcome:
        if page.title.startswith(outcome.value):
            return outcome
    raise Unexpected(f"{page.url} ({page.status}) does not say what became of a trade: {page.text[:400]}")


async def open_offer(browser: Browser, title: str) -> Seen:
    """Find an offer by its words and open it."""
    page = await browser.open("/find", q=title)
    return await browser.open(page.link(f"^{re.escape(title)}$", "^/l/").href)


async def go_to_check(browser: Browser, title: str, what: str = "") -> Seen:
    """Go from an offer to the page that shows the firm price; nothing has moved on it yet."""
    offer = await open_offer(browser, title)
    page = await browser.open(offer.link("Pay for this").href)
    form = page.form("^/record/what")
    return await browser.send(form, "Next", **({"what": what} if what else {}))


async def pay(browser: Browser, check: Seen) -> Purchase:
    """Press the button of the check page, and return what the page after it says."""
    page = await browser.send(check.form("^/record/do"), "^Pay ")
    outcome_of(page)
    found = REFERENCE.search(page.text)
    if found is None:
        raise Unexpected(f"{page.url} shows no reference: {page.text[:400]}")
    return Purchase(reference=found[0], page=page)


async def look_again(browser: Browser, purchase: Purchase) -> Purchase:
    """Return the purchase as its page shows it now."""
    page = await browser.open(f"/t/{purchase.reference}/check")
    return Purchase(reference=purchase.reference, page=page)


async def statement_lines(browser: Browser, reference: str) -> list[Line]:
    """Return the lines about a trade on the member's statement, those without a posting left out."""
    page = await browser.open("/statement")
    lines = []
    for cells, hrefs in page.rows:
        if f"/t/{reference}" in hrefs and len(cells) == 5 and (cells[2] or cells[3]):
            lines.append(Line(what=cells[1], received=cells[2], given=cells[3]))
    return lines
