"""Standing orders, and what became of each of their turns. Source: docs/protocol.md 3.6."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Small, Str, table

# Days are numbers of protocol/days.py. An order is never deleted: what it paid stays readable.
standing: Final = table(
    "standing",
    Column("no", Big, primary_key=True),
    Column("id", Blob, nullable=False),  # 16 random bytes, from which the keys of its turns are made
    Column("payer_no", Big, ForeignKey("account.no"), nullable=False),
    Column("payee_no", Big, ForeignKey("account.no"), nullable=False),
    Column("amount", Big, nullable=False),
    Column("text", Str, nullable=False),
    Column("every", Str, nullable=False),  # week, month
    Column("first_day", Small, nullable=False),
    Column("times", Small),  # it ends after so many turns,
    Column("last_day", Small),  # or with this day
    Column("state", Str, nullable=False),  # a word of protocol/standing.py
    Column("turn", Small, nullable=False),  # the next one
    Column("next_day", Small),  # its day; none: there is no next
    Column("waiting_since", Small),  # the day from which it could not be paid
    Column("hindrance", Str, nullable=False),  # what is in the way: a word of `Hindrance`
    Column("proved_by", Str, nullable=False),  # how the payer proved who they were when they said yes
    Column("once", Blob, nullable=False),  # of the form it was made by
    Column("created_ms", Big, nullable=False),
    Column("ended_ms", Big),
    Column("ended_by", Str, nullable=False),  # a word of `EndedBy`; "" for one that ran its course
    Index("ix_standing_payer", "payer_no", "no"),
    Index("ix_standing_payee", "payee_no"),
    Index("ix_standing_next", "next_day"),
    Index("ix_standing_once", "once", unique=True),
)

standing_turn: Final = table(
    "standing_turn",
    Column("standing_no", Big, ForeignKey("standing.no"), primary_key=True),
    Column("turn", Small, primary_key=True),
    Column("day", Small, nullable=False),  # on which it was due
    Column("trade_no", Big, ForeignKey("trade.no")),  # what paid it; none: it was left out
    Column("why", Str, nullable=False),  # it was left out: a word of `LeftOutBecause`
    Column("hindrance", Str, nullable=False),  # what was in the way
    Column("at_ms", Big, nullable=False),
)
