"""Groups of members, who is in them, and their notice boards. Source: docs/protocol.md 5.12; docs/pages.md 7.2."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Flag, Str, table

circle: Final = table(
    "circle",
    Column("no", Big, primary_key=True),
    Column("key", Blob, nullable=False),  # 16 random bytes: its name in addresses
    Column("name", Str, nullable=False),
    Column("purpose", Str, nullable=False),
    Column("door", Str, nullable=False),  # a Door of protocol/circle.py
    Column("once", Blob),  # of the form it was started by
    Column("created_ms", Big, nullable=False),
    Index("ix_circle_key", "key", unique=True),
    Index("ix_circle_once", "once", unique=True),
)

circle_person: Final = table(
    "circle_person",
    Column("circle_no", Big, ForeignKey("circle.no"), primary_key=True),
    Column("member_no", Big, ForeignKey("member.no"), primary_key=True),
    Column("standing", Str, nullable=False),  # a Standing of protocol/circle.py
    Column("turn", Big, nullable=False),  # who came in before whom
    Column("changed_ms", Big, nullable=False),
    Index("ix_circle_person_member", "member_no"),
)

# What is pinned to the board of a group.
circle_note: Final = table(
    "circle_note",
    Column("no", Big, primary_key=True),
    Column("circle_no", Big, ForeignKey("circle.no"), nullable=False),
    Column("member_no", Big, ForeignKey("member.no"), nullable=False),
    Column("title", Str, nullable=False),
    Column("text", Str, nullable=False),
    Column("pinned", Flag, nullable=False),  # stays on top
    Column("once", Blob),
    Column("created_ms", Big, nullable=False),
    Column("removed_ms", Big),  # taken off the board: then only its author reads it
    Column("removed_by_no", Big, ForeignKey("member.no")),
    Column("reason", Str, nullable=False),  # why it was taken off
    Index("ix_circle_note_circle", "circle_no", "no"),
    Index("ix_circle_note_member", "member_no"),
    Index("ix_circle_note_once", "once", unique=True),
)

circle_reply: Final = table(
    "circle_reply",
    Column("no", Big, primary_key=True),
    Column("note_no", Big, ForeignKey("circle_note.no"), nullable=False),
    Column("member_no", Big, ForeignKey("member.no"), nullable=False),
    Column("text", Str, nullable=False),
    Column("once", Blob),
    Column("created_ms", Big, nullable=False),
    Column("removed_ms", Big),
    Column("removed_by_no", Big, ForeignKey("member.no")),
    Column("reason", Str, nullable=False),
    Index("ix_circle_reply_note", "note_no", "no"),
    Index("ix_circle_reply_member", "member_no"),
    Index("ix_circle_reply_once", "once", unique=True),
)
