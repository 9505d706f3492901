"""What two organisers do to become neighbours, on their pages."""

from __future__ import annotations

from typing import Final

from scripts.town.pages import Browser, Seen, Unexpected
from scripts.town.plan import SchemePlan
from scripts.town.processes import until

HOURS_EACH_WAY: Final = 40


async def make_neighbours(asking: SchemePlan, first: Browser, agreeing: SchemePlan, second: Browser) -> None:
    """Let `first` ask and `second` agree, each with limits in its own unit. Raises Unexpected."""
    page = await first.open("/admin/neighbours/add")
    page = await first.send(page.form("/admin/neighbours/add"), address=second.origin)
    page.must_say(agreeing.name, agreeing.unit.code)
    limit = typed_hours(asking, HOURS_EACH_WAY)
    form = page.form("/admin/neighbours/.+")
    page = await first.send(form, f"Ask {agreeing.name}", they_may_owe=limit, we_may_owe=limit)
    page.must_say(agreeing.name)

    page = await neighbour_page(second, asking.name)
    limit = typed_hours(agreeing, HOURS_EACH_WAY)
    form = page.form("/admin/neighbours/.+/agree")
    page = await second.send(form, "Agree to trade", they_may_owe=limit, we_may_owe=limit)

    for browser, other in ((first, agreeing), (second, asking)):
        await _until_trading(browser, other.name)


async def neighbour_page(browser: Browser, name: str) -> Seen:
    """Return the page of the neighbour called so, once there is one."""

    async def card() -> str:
        page = await browser.open("/admin/neighbours")
        return page.link(f"^{name}$").href if page.has_link(f"^{name}$") else ""

    return await browser.open(await until(card, f"{name} among the neighbours at {browser.origin}", 20))


async def _until_trading(browser: Browser, name: str) -> None:
    async def trading() -> bool:
        page = await neighbour_page(browser, name)
        if page.status != 200:
            raise Unexpected(f"{page.url}: {page.status}")
        return "Trading" in page.text

    await until(trading, f"{name} trades with {browser.origin}", 20)


def typed_hours(plan: SchemePlan, hours: int) -> str:
    """Return so many hours of work as an organiser of this scheme types them."""
    if plan.unit.kind == "hours":
        return str(hours)
    return str(hours * plan.per_hour // plan.unit.minor_per_unit)
