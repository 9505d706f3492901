"""What members say they can do, and how others may reach them beside messages. Source: docs/pages.md 7.2."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Small, Str, table

skill: Final = table(
    "skill",
    Column("no", Big, primary_key=True),
    Column("member_no", Big, ForeignKey("member.no"), nullable=False),
    Column("category", Str, nullable=False),  # what was ticked; empty for words of their own
    Column("text", Str, nullable=False),
    Column("folded", Str, nullable=False),  # the text as it is searched for
    Index("ix_skill_member", "member_no"),
)

contact_line: Final = table(
    "contact_line",
    Column("no", Big, primary_key=True),
    Column("member_no", Big, ForeignKey("member.no"), nullable=False),
    Column("position", Small, nullable=False),
    Column("text", Str, nullable=False),
    Column("seen_by", Str, nullable=False),  # a word of `SeenBy` in services/profiles.py
    Index("ix_contact_line_member", "member_no"),
)
