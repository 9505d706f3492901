"""Believable views of what is left of a scheme at an address, for `samples.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from node.moved import Moved
from node.web.gone import moved_page
from node.web.views.page import Page, View

_, _MOVED = moved_page(
    Moved(
        address="https://oakvale.example", name="Oakvale", language="en", wording="lets", help_name="Rosa",
        help_phone="01632 960 123", help_hours="Tuesday 10 to 12",
    )
)  # fmt: skip


def gone_pages(visitor: Page) -> Mapping[str, tuple[Page, View]]:
    """Return the pages by name, for whoever comes."""
    return {"moved": (replace(visitor, bare=True), _MOVED)}
