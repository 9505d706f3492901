"""Calendars that members subscribe to. Source: docs/pages.md 7.2 (`/my/calendar`)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey

from node.store.schema import Big, Flag, Small, table

# The secret itself is in no table: it is made of the node's own secret and these.
calendar_feed: Final = table(
    "calendar_feed",
    Column("member_no", Big, ForeignKey("member.no"), primary_key=True),
    Column("renewed", Small, nullable=False),  # how often the address was renewed
    Column("open", Flag, nullable=False),
)
