"""Accounts of groups: asked for, opened, closed; and who lets them give. Source: docs/protocol.md 3.10."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Str, table

# Never deleted once it was opened: statements name it.
circle_account: Final = table(
    "circle_account",
    Column("no", Big, primary_key=True),
    Column("key", Blob, nullable=False),  # 16 random bytes: its name in addresses
    Column("circle_no", Big, ForeignKey("circle.no")),  # none: the group is gone
    Column("account_no", Big, ForeignKey("account.no")),  # none: it is asked for
    Column("name", Str, nullable=False),  # the group's
    Column("state", Str, nullable=False),  # asked, open, closed
    Column("two_above", Big),  # minor units: for more than this two treasurers say yes; none: one alone does
    Column("created_ms", Big, nullable=False),
    Index("ix_circle_account_key", "key", unique=True),
    Index("ix_circle_account_account", "account_no", unique=True),
    Index("ix_circle_account_circle", "circle_no"),
)

circle_treasurer: Final = table(
    "circle_treasurer",
    Column("circle_account_no", Big, ForeignKey("circle_account.no"), primary_key=True),
    Column("member_no", Big, ForeignKey("member.no"), primary_key=True),
    Index("ix_circle_treasurer_member", "member_no"),
)

# What one treasurer wants given and a second has to say yes to. Never deleted: what became of it stays.
circle_giving: Final = table(
    "circle_giving",
    Column("no", Big, primary_key=True),
    Column("circle_account_no", Big, ForeignKey("circle_account.no"), nullable=False),
    Column("payee_no", Big, ForeignKey("member.no"), nullable=False),
    Column("amount", Big, nullable=False),  # minor units
    Column("text", Str, nullable=False),
    Column("by_no", Big, ForeignKey("member.no"), nullable=False),  # the treasurer who wants it
    Column("once", Blob, nullable=False),  # of the form it was asked by
    Column(
        "state", Str, nullable=False
    ),  # waiting, given, declined, lapsed; that its time ran out is noted later
    Column("created_ms", Big, nullable=False),
    Column("ended_ms", Big),
    Column("ended_by_no", Big, ForeignKey("member.no")),  # who said yes, or no
    Column("trade_no", Big, ForeignKey("trade.no")),
    Index("ix_circle_giving_once", "once", unique=True),
    Index("ix_circle_giving_account", "circle_account_no", "state"),
    Index("ix_circle_giving_payee", "payee_no"),
    Index("ix_circle_giving_by", "by_no"),
)
