"""Events of this scheme, who comes, and what is said about them. Source: docs/protocol.md 5.11; docs/pages.md 7.2."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Flag, Str, table

event: Final = table(
    "event",
    Column("no", Big, primary_key=True),
    Column("key", Blob, nullable=False),  # 16 random bytes: its name in addresses
    Column("series", Blob),  # of the dates of one that repeats, all the same
    Column("host_no", Big, ForeignKey("member.no"), nullable=False),
    Column("state", Str, nullable=False),  # a State of protocol/event.py
    Column("kind", Str, nullable=False),
    Column("title", Str, nullable=False),
    Column("text", Str, nullable=False),
    Column("place", Str, nullable=False),  # where it is, in words
    Column("starts", Big, nullable=False),
    Column("ends", Big, nullable=False),
    Column("capacity", Big),
    Column("pays", Str, nullable=False),
    Column("amount", Big, nullable=False),
    Column("public", Flag, nullable=False),  # visitors may read it
    Column("approval", Flag, nullable=False),  # the host says yes to each who asks
    Column("near", Flag, nullable=False),  # a lift that members of neighbouring schemes may ask for
    Column("circle_no", Big, ForeignKey("circle.no")),  # of the group it is put for
    Column("inside", Flag, nullable=False),  # for those in that group alone
    Column("reason", Str, nullable=False),  # why it was cancelled
    Column("once", Blob),  # of the form it was posted by; the first date's only
    Column("created_ms", Big, nullable=False),
    Column("changed_ms", Big, nullable=False),
    Index("ix_event_key", "key", unique=True),
    Index("ix_event_once", "once", unique=True),
    Index("ix_event_ends", "ends"),
    Index("ix_event_host", "host_no"),
    Index("ix_event_series", "series"),
    Index("ix_event_circle", "circle_no"),
)

guest: Final = table(
    "guest",
    Column("event_no", Big, ForeignKey("event.no"), primary_key=True),
    # The member's number, or minus that of the request by which somebody of another scheme asked.
    Column("who", Big, primary_key=True),
    Column("member_no", Big, ForeignKey("member.no")),  # none: of another scheme
    Column("answer", Str, nullable=False),  # an Answer of protocol/event.py
    Column("turn", Big, nullable=False),  # who answered before whom
    Column("moved_up_ms", Big),  # when a place became free for whoever waited
    Column("trade_no", Big, ForeignKey("trade.no")),  # by which they gave or got, having been there
    Column("share", Big),  # of another scheme, and was there: what they are asked for or get, in minor units
    Column("changed_ms", Big, nullable=False),
    Index("ix_guest_member", "member_no"),
)

# What members say under an event.
event_comment: Final = table(
    "event_comment",
    Column("no", Big, primary_key=True),
    Column("event_no", Big, ForeignKey("event.no"), nullable=False),
    Column("member_no", Big, ForeignKey("member.no"), nullable=False),
    Column("text", Str, nullable=False),
    Column("once", Blob),
    Column("created_ms", Big, nullable=False),
    Index("ix_event_comment_event", "event_no", "no"),
    Index("ix_event_comment_member", "member_no"),
    Index("ix_event_comment_once", "once", unique=True),
)
