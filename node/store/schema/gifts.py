"""Who would like what is given away, and to whom it is promised. Source: docs/protocol.md 5.10; docs/pages.md 8.14."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Str, only, table

# A wish is never deleted: what was given and received is counted from them.
wish: Final = table(
    "wish",
    Column("no", Big, primary_key=True),  # rises in the order in which they came
    Column("item_key", Blob, nullable=False),  # of our own listing
    Column("giver_no", Big, ForeignKey("account.no"), nullable=False),
    Column("taker_no", Big, ForeignKey("account.no")),  # none: somebody of another scheme
    Column("other_scheme", Blob),
    Column("their_name", Str, nullable=False),  # of somebody abroad
    Column("thread_id", Blob, nullable=False),  # the conversation of the two
    Column("state", Str, nullable=False),  # a WishState of protocol/giving.py
    Column("wanted", Str, nullable=False),  # the taker's words to the wish
    Column("day", Str, nullable=False),  # when to collect it: 2026-11-28, or nothing
    Column("time", Str, nullable=False),  # 10:30, or nothing
    Column("said", Str, nullable=False),  # the giver's words to the promise
    Column("asked_ms", Big, nullable=False),
    Column("changed_ms", Big, nullable=False),
    Index("ix_wish_key", "item_key", "no"),
    Index("ix_wish_giver", "giver_no", "state"),
    Index("ix_wish_taker", "taker_no", "state"),
    # Promised to one, whatever the code above it does.
    Index("ix_wish_one", "item_key", unique=True, **only("state IN ('promised', 'received')")),
)
