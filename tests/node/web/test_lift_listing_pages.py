"""A listing of lifts and the lifts on a day know each other. docs/pages.md 8.16; rule 5.11."""

from __future__ import annotations

import re

from tests.node.web.oakvale import Oakvale, text, words_of
from tests.node.web.test_booking_pages import posted
from tests.node.web.test_lift_pages import oakvale, offered

__all__ = ["oakvale"]

LIFT = {"kind": "lift", "title": "Oakvale to Riverside", "text": "Most Fridays."}
SEAT = {"price_kind": "amount", "price": "0:30", "per": "seat", "category": "transport-lifts"}


async def test_a_lift_on_a_day_begins_from_ones_listing(oakvale: Oakvale) -> None:
    """With its words and its price for each who rides; nobody begins one from another's listing."""
    where = await posted(oakvale.browser, LIFT, SEAT)
    page = await text(oakvale.browser, where)
    assert "None is planned just now." in words_of(page)
    begin = re.search(r'href="(/lifts/new\?listing=[^"]+)"', page)
    assert begin is not None
    form = await text(oakvale.browser, begin[1])
    assert 'value="Oakvale to Riverside"' in form
    assert "Most Fridays." in form
    assert re.search(r'name="pays" value="guests"[^>]* checked', form)
    assert re.search(r'name="amount"[^>]* value="0:30"', form)
    await text(oakvale.bens, begin[1], 404)
    assert "/lifts/new?listing" not in await text(oakvale.bens, where)


async def test_each_page_leads_to_the_other(oakvale: Oakvale) -> None:
    """Whoever reads the listing finds what its owner drives on a day, and what others do; and the other way round."""
    where = await posted(oakvale.browser, LIFT, SEAT)
    on_a_day = await offered(oakvale, title="To the station")
    bens = await text(oakvale.bens, where)
    assert f'href="{on_a_day}"' in bens
    assert 'href="/lifts"' in bens
    assert 'href="/find?kind=lift"' in await text(oakvale.bens, "/lifts")
    assert where in await text(oakvale.bens, "/find?kind=lift")
    loaf = await posted(
        oakvale.browser,
        {"kind": "offer", "title": "Bread", "text": ""},
        {"price_kind": "free", "category": "food-baking"},
    )
    assert "Lifts on a day" not in words_of(await text(oakvale.bens, loaf))
