"""Believable views of what is left of a scheme at an address, for `samples.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from node.moved import Moved
from node.web.forms import Filled
from node.web.gone import moved_page
from node.web.views.ending import ClosingView
from node.web.views.page import Fact, Link, Page, View

_, _MOVED = moved_page(
    Moved(
        address="https://oakvale.example", name="Oakvale", language="en", wording="lets", help_name="Rosa",
        help_phone="01632 960 123", help_hours="Tuesday 10 to 12",
    )
)  # fmt: skip

_FACTS = (
    Fact(label="The last day", text="Sunday 28 June 2026"),
    Fact(label="Members can fetch what is theirs until", text="Saturday 26 September 2026"),
    Fact(label="Why", text="We have become few, and Riverside takes us in: our balances go there with us."),
)
CLOSING: Mapping[str, View] = {
    "closing": ClosingView(
        stage="open", notice_days=14, readable_days=30,
        form=Filled({"last": "2026-03-09", "until": "2026-03-19", "why": ""}, {
            "last": "Members must know it 14 days before. Please choose a later day.",
            "until": "Please choose a day that is at least 31 days after the last day, and at most two years.",
        }),
    ),
    "closing-asked": ClosingView(stage="asked", facts=_FACTS),
    "closing-announced": ClosingView(stage="announced", facts=_FACTS),
    "closing-closed": ClosingView(
        stage="closed", facts=_FACTS, sheet_href="/admin/closing/sheet",
        left=(
            Link(text="Hilltop: they owe us 12 hours 30 minutes", href="/admin/neighbours/lets1h"),
            Link(text="Riverside Acorns: a trade is still under way", href="/admin/neighbours/lets1r"),
        ),
    ),
}  # fmt: skip


def gone_pages(visitor: Page) -> Mapping[str, tuple[Page, View]]:
    """Return the pages by name, for whoever comes."""
    return {"moved": (replace(visitor, bare=True), _MOVED)}
