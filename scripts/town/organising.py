"""What two organisers do to become neighbours, on their pages."""

from __future__ import annotations

import re
from typing import Final

from scripts.town.filling import Scheme
from scripts.town.pages import Browser, Seen, Unexpected
from scripts.town.plan import SchemePlan
from scripts.town.processes import until

HOURS_EACH_WAY: Final = 40
HEARD_WITHIN_S: Final = 20.0
SIX_WORDS: Final = re.compile(r'<ol class="six-words">(.*?)</ol>', re.DOTALL)


async def make_neighbours(
    asking: Scheme, first: Browser, agreeing: Scheme, second: Browser, *, address: str = ""
) -> None:
    """Let `first` ask and `second` agree, each with limits in its own unit. Raises Unexpected, Trouble.

    `address` is where `first` finds the other node, if not where its pages are.
    """
    own_words = [six_words(await browser.open("/admin/neighbours")) for browser in (first, second)]
    page = await first.open("/admin/neighbours/add")
    page = await first.send(page.form("/admin/neighbours/add$"), address=address or second.origin)
    page.must_say(agreeing.plan.name)
    _must_be_same(own_words[1], page)
    limit = typed_hours(asking.plan, HOURS_EACH_WAY)
    form = page.form("/admin/neighbours/.+/ask")
    await first.send(form, "^Ask ", they_may_owe=limit, we_may_owe=limit)

    page = await _until_asked(second, asking)
    _must_be_same(own_words[0], page)
    limit = typed_hours(agreeing.plan, HOURS_EACH_WAY)
    form = page.form("/admin/neighbours/.+/agree")
    await second.send(form, "Agree to trade", they_may_owe=limit, we_may_owe=limit)
    for browser, other in ((first, agreeing), (second, asking)):
        await _until_trading(browser, other)


def neighbour_path(other: Scheme) -> str:
    """Return where the page of a neighbour is."""
    return f"/admin/neighbours/{other.scheme_id}"


def six_words(page: Seen) -> tuple[str, ...]:
    """Return the words by which two organisers compare over the telephone whom they see."""
    found = SIX_WORDS.search(page.html)
    words = tuple(re.findall(r"<li>([a-z]+)</li>", found[1])) if found else ()
    if len(words) != 6:
        raise Unexpected(f"{page.url} shows no six words: {page.text[:300]}")
    return words


def _must_be_same(own: tuple[str, ...], page: Seen) -> None:
    if six_words(page) != own:
        raise Unexpected(f"{page.url} shows the words {six_words(page)}, and the scheme itself {own}")


async def _until_asked(browser: Browser, other: Scheme) -> Seen:
    async def asked() -> Seen | None:
        page = await browser.open(neighbour_path(other))
        return page if page.status == 200 else None

    return await until(asked, f"{other.plan.name} asks {browser.origin} to trade", HEARD_WITHIN_S)


async def _until_trading(browser: Browser, other: Scheme) -> None:
    async def trading() -> bool:
        page = await browser.open(neighbour_path(other))
        return "Trading" in page.text and page.heading == other.plan.name

    await until(trading, f"{other.plan.name} trades with {browser.origin}", HEARD_WITHIN_S)


def typed_hours(plan: SchemePlan, hours: int) -> str:
    """Return so many hours of work as an organiser of this scheme types them."""
    if plan.unit.kind == "hours":
        return str(hours)
    return str(hours * plan.per_hour // plan.unit.minor_per_unit)
