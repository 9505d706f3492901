"""Feeds, the own one and those followed: items and heads as signed, with the columns the rules read. Source: docs/protocol.md 5."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Flag, Str, table

feed: Final = table(
    "feed",
    Column("no", Big, primary_key=True),
    Column("scheme", Blob, nullable=False),
    Column("head", Blob),  # wire of the newest head that the items here reproduce
    Column("head_seq", Big, nullable=False),  # its feed_seq, time and end; 0 without one
    Column("head_time", Big, nullable=False),
    Column("valid_until", Big, nullable=False),
    Column("complete", Big, nullable=False),  # nothing of the feed up to this feed_seq is missing here
    Column("top", Big, nullable=False),  # the highest feed_seq held
    Column("live", Big, nullable=False),  # items held that are no tombstones
    Column(
        "changes", Big, nullable=False
    ),  # counts up whenever items change: what was reckoned before is void
    Column("day", Big, nullable=False),  # days since 1970 …
    Column("writes", Big, nullable=False),  # … and what was written on that day, for the quota
    Column("indexed", Big, nullable=False),  # searching knows the items up to this feed_seq
    Column("heard_ms", Big, nullable=False),  # when the head was last refreshed, by this node's clock
    Index("ix_feed_scheme", "scheme", unique=True),
)

# A key may have two rows for a moment, while a repair fetches; the higher revision counts.
item: Final = table(
    "item",
    Column("feed_no", Big, ForeignKey("feed.no"), primary_key=True),
    Column("feed_seq", Big, primary_key=True),
    Column("kind", Str, nullable=False),
    Column("item_key", Blob, nullable=False),
    Column("revision", Big, nullable=False),
    Column("id", Blob, nullable=False),
    Column("expires", Big, nullable=False),
    Column("empty", Flag, nullable=False),  # a tombstone
    Column("wire", Blob, nullable=False),
    Index("ix_item_key", "feed_no", "item_key"),
    Index("ix_item_kind", "kind", "feed_no", "feed_seq"),
    rowid=True,
)

# Two items at one revision of one key, or two heads that cannot both be true, to be looked at by `evidence.py` (10).
feed_evidence: Final = table(
    "feed_evidence",
    Column("no", Big, primary_key=True),
    Column("scheme", Blob, nullable=False),
    Column("first", Blob, nullable=False),
    Column("second", Blob, nullable=False),
    Column("seen_ms", Big, nullable=False),
    Index("ix_feed_evidence_scheme", "scheme"),
)
