"""One purchase on the pages of a node that may die under it: pressed again until somebody answers, as people do.

The form carries its own key, so pressing it twice must pay once; that is what is being tried here.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from aiohttp import ClientError

from scripts.storm.town import offer_of
from scripts.town.buying import Outcome, Purchase, go_to_check, look_again, pay, statement_lines
from scripts.town.pages import Browser, NotYet, Seen, Unexpected
from scripts.town.processes import Trouble

AGAIN_S: Final = 0.5
PRICED_WITHIN_S: Final = 60.0
ANSWERED_WITHIN_S: Final = 120.0
# What a browser sees of a node that dies, or that is starting: nothing, or a page that says to try again soon.
NOBODY: Final = (ClientError, TimeoutError, OSError, NotYet)


class Became(Enum):
    """What became of a purchase."""

    DONE = "done"
    UNDONE = "undone"
    NEVER_BEGUN = "never begun"  # there was no way, or the price was no longer firm: nothing was set aside


@dataclass
class Bought:
    """One purchase, from the wish to its end."""

    payer: str
    payee: str
    what: str
    reference: str = ""
    became: Became | None = None
    presses: int = 0
    said: list[str] = field(default_factory=list)


async def buy(browser: Browser, bought: Bought, *, priced_within_s: float = PRICED_WITHIN_S) -> None:
    """Begin a purchase, however long nodes are down; the end is looked for by `see_end`. Raises Trouble."""
    check = await _priced(browser, bought, priced_within_s)
    if check is None:
        bought.became = Became.NEVER_BEGUN
        return
    until_s = time.monotonic() + ANSWERED_WITHIN_S
    while time.monotonic() < until_s:
        bought.presses += 1
        browser.last = check  # the page in front of whoever presses the button
        try:
            purchase = await pay(browser, check)
        except NOBODY as error:
            bought.said.append(type(error).__name__)
            await asyncio.sleep(AGAIN_S)
            continue
        except Unexpected as page:
            # Not begun: the node forgot its quotes when it died, or has no way now; its page says so, and asks anew.
            bought.said.append(str(page)[:200])
            bought.became = Became.NEVER_BEGUN
            return
        bought.reference = purchase.reference
        return
    raise Trouble(
        f"{bought.what}: nobody answered within {ANSWERED_WITHIN_S:.0f} seconds: {bought.said[-3:]}"
    )


async def _priced(browser: Browser, bought: Bought, within_s: float) -> Seen | None:
    """Return the check page once there is a firm price; None if there is none for so long."""
    until_s = time.monotonic() + within_s
    while time.monotonic() < until_s:
        try:
            page = await go_to_check(browser, offer_of(bought.payee), bought.what)
            if any(form.action == "/record/do" for form in page.forms):
                return page
        except NOBODY as error:
            bought.said.append(type(error).__name__)
        except Unexpected as page_said:
            bought.said.append(str(page_said)[:200])
        await asyncio.sleep(AGAIN_S)
    return None


async def see_end(browser: Browser, bought: Bought) -> bool:
    """Look whether a purchase has ended, and note how. Raises Unexpected."""
    if bought.became is not None:
        return True
    now = await look_again(browser, Purchase(reference=bought.reference, page=browser.last or _nothing()))
    if now.outcome.ended:
        bought.became = Became.DONE if now.outcome is Outcome.DONE else Became.UNDONE
    return bought.became is not None


def _nothing() -> Seen:
    return Seen(url="", status=0, html="")


async def times_on_statement(browser: Browser, bought: Bought) -> int:
    """Return how often a statement has this purchase as something that moved."""
    if bought.reference:
        return len(await statement_lines(browser, bought.reference))
    page = await browser.open("/statement")
    return sum(
        any(bought.what in cell for cell in cells) and len(cells) == 5 and bool(cells[2] or cells[3])
        for cells, _hrefs in page.rows
    )
