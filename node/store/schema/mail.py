"""Mail waiting to be sent, and what became of it. Source: docs/pages.md 0.8."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Flag, Small, Str, table

mail: Final = table(
    "mail",
    Column("no", Big, primary_key=True),
    Column("recipient", Str, nullable=False),
    Column("subject", Str, nullable=False),
    Column(
        "text", Str, nullable=False
    ),  # erased once it was sent or is no longer worth sending, like the two below
    Column("html", Str, nullable=False),  # the same for those who read it so; empty where there is none
    Column(
        "stop_link", Str, nullable=False
    ),  # where its reader stops such mail by one press; empty for what nobody can
    Column("member_no", Big, ForeignKey("member.no")),
    Column("private", Flag, nullable=False),  # lets its reader sign in: organisers do not see the text
    Column("state", Str, nullable=False),  # waiting, sent, refused, lapsed
    Column("tries", Small, nullable=False),
    Column("reason", Str, nullable=False),  # why the last try failed
    Column("created_ms", Big, nullable=False),
    Column("next_ms", Big, nullable=False),  # when to try next
    Column("until_ms", Big),  # worth nothing afterwards
    Column("ended_ms", Big),
    Index("ix_mail_state", "state", "next_ms"),
)
