"""Listings: our own through their life, and one index for searching them together with neighbours'. Source: docs/protocol.md 5.1, 5.8.

The text is kept folded beside the index, in a table of its own: a full-text table on SQLite, a plain one with an
index over its words on PostgreSQL. Both are made by the events at the end and know the same columns.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import DDL, Column, ForeignKey, Index, Integer, MetaData, Table, Text, event

from node.store.schema import Big, Blob, Flag, Str, metadata, table

listing: Final = table(
    "listing",
    Column("item_key", Blob, primary_key=True),
    Column("member_no", Big, ForeignKey("member.no"), nullable=False),
    Column("state", Str, nullable=False),  # a State of protocol/listing.py
    Column("shared", Flag, nullable=False),  # goes to other schemes
    Column("content", Blob, nullable=False),  # as an item carries it
    Column("created", Big, nullable=False),
    Column("expires", Big, nullable=False),
    Column("revision", Big, nullable=False),  # of its last item in the feed
    Column("feed_until", Big, nullable=False),
    Column("changed_ms", Big, nullable=False),
    Column("reason", Str, nullable=False),  # why an organiser took it down
    Index("ix_listing_member", "member_no", "state", "expires"),
    Index("ix_listing_state", "state", "expires"),
    rowid=True,
)

# One row for each listing that can be found; what it says is read where it is kept.
search_doc: Final = table(
    "search_doc",
    Column("no", Big, primary_key=True),
    Column("scheme", Blob, nullable=False),
    Column("item_key", Blob, nullable=False),
    Column("feed_no", Big, nullable=False),  # 0: our own
    Column("feed_seq", Big, nullable=False),
    Column("shared", Flag, nullable=False),  # also for visitors
    Column("kind", Str, nullable=False),
    Column("category", Str, nullable=False),
    Column("north", Big),
    Column("east", Big),
    Column("created", Big, nullable=False),
    Column("expires", Big, nullable=False),
    Index("ix_search_doc_key", "scheme", "item_key", unique=True),
    Index("ix_search_doc_feed", "feed_no", "feed_seq"),
    Index("ix_search_doc_created", "created"),
    Index("ix_search_doc_expires", "expires"),
    Index("ix_search_doc_place", "north", "east"),
)

# Outside `metadata`, which cannot make a full-text table; `rowid` is the number of the row above.
listing_text: Final = Table(
    "listing_text", MetaData(), Column("rowid", Integer), Column("title", Text), Column("body", Text)
)

# Every word in it, and how many listings have it: nothing of its own, each database reckons it from the table above.
listing_words: Final = Table("listing_text_words", MetaData(), Column("term", Text), Column("doc", Integer))

# `scripts/make_migration --freeze` writes these into the first migration too.
LISTING_TEXT: Final = {
    "sqlite": (
        (
            "CREATE VIRTUAL TABLE listing_text USING"
            " fts5(title, body, tokenize = 'unicode61 remove_diacritics 0')"
        ),
        "CREATE VIRTUAL TABLE listing_text_words USING fts5vocab(listing_text, row)",
    ),
    "postgresql": (
        (
            "CREATE TABLE listing_text (rowid BIGINT PRIMARY KEY, title TEXT NOT NULL, body TEXT NOT NULL);"
            "CREATE INDEX ix_listing_text_words ON listing_text"
            " USING gin (to_tsvector('simple', title || ' ' || body))"
        ),
        (
            "CREATE VIEW listing_text_words AS SELECT word AS term, ndoc AS doc FROM"
            " ts_stat('SELECT to_tsvector(''simple'', title || '' '' || body) FROM listing_text')"
        ),
    ),
}
for _dialect, _statements in LISTING_TEXT.items():
    for _statement in _statements:
        event.listen(
            metadata,
            "after_create",
            DDL(_statement).execute_if(dialect=_dialect),  # type: ignore[no-untyped-call]  # their omission
        )
