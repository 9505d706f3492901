"""Searches that members keep and what was found for them; how they want to be written to. Source: docs/pages.md 7.2, 9."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Small, Str, table

saved_search: Final = table(
    "saved_search",
    Column("no", Big, primary_key=True),
    Column("member_no", Big, ForeignKey("member.no"), nullable=False),
    Column("words", Str, nullable=False),  # as typed
    Column("kind", Str, nullable=False),
    Column("category", Str, nullable=False),
    Column("scheme", Blob),  # none: all
    Column("km", Small),  # from the place below; none: anywhere
    Column("north", Big),  # hundredths of a degree on the kilometre grid, never finer
    Column("east", Big),
    Column("tell", Str, nullable=False),  # a word of `Tell` in services/alert_rows.py
    Column("made_ms", Big, nullable=False),
    Index("ix_saved_search_member", "member_no"),
)

# Listings that came into the index and were not yet held against anybody's search; gone within minutes.
listing_new: Final = table(
    "listing_new", Column("scheme", Blob, primary_key=True), Column("item_key", Blob, primary_key=True)
)

# What was found for somebody: a listing once, by whichever search.
search_hit: Final = table(
    "search_hit",
    Column("member_no", Big, ForeignKey("member.no"), primary_key=True),
    Column("scheme", Blob, primary_key=True),
    Column("item_key", Blob, primary_key=True),
    Column("search_no", Big, nullable=False),  # whichever found it; it may be gone
    Column("at_ms", Big, nullable=False),
    Column("told_ms", Big),  # when it was written to them
    Index("ix_search_hit_search", "search_no", "at_ms"),
)

# Who chose how often we write; whoever did not gets what is usual.
mail_wish: Final = table(
    "mail_wish",
    Column("member_no", Big, ForeignKey("member.no"), primary_key=True),
    Column("level", Str, nullable=False),  # a word of `Level` in services/mail_wishes.py
    # When they last asked for more than they got, of either kind: links from before stop nothing.
    Column("news_again_ms", Big, nullable=False),
    Column("searches_again_ms", Big, nullable=False),
)

# What waits for somebody's weekly mail, in their words.
mail_news: Final = table(
    "mail_news",
    Column("no", Big, primary_key=True),
    Column("member_no", Big, ForeignKey("member.no"), nullable=False),
    Column("at_ms", Big, nullable=False),
    Column("text", Str, nullable=False),
    Column("path", Str, nullable=False),  # of the page it is about
    Index("ix_mail_news_member", "member_no", "no"),
)

# The weekly mail of which week (by the number of its Monday) was written to somebody, or had nothing to say.
weekly_mail: Final = table(
    "weekly_mail",
    Column("member_no", Big, ForeignKey("member.no"), primary_key=True),
    Column("week", Small, primary_key=True),
    Column("at_ms", Big, nullable=False),
)
