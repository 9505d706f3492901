"""Payments between schemes: as payer, as connector, as payee. Source: docs/protocol.md 7."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Str, only, table

# My members pay. The hold is `amount` in the member's account (or the chest's, once frozen).
payment: Final = table(
    "payment",
    Column("no", Big, primary_key=True),
    Column("quote_id", Blob, nullable=False),
    Column("state", Str, nullable=False),
    Column("line_no", Big, ForeignKey("line.no"), nullable=False),
    Column("lock_seq", Big, nullable=False),
    Column("account_no", Big, ForeignKey("account.no"), nullable=False),
    Column("trade_no", Big, ForeignKey("trade.no"), nullable=False),
    Column("amount", Big, nullable=False),  # local minor units set aside
    Column("hours", Big, nullable=False),
    Column("deadline", Big, nullable=False),  # on my own clock
    Column("quote", Blob, nullable=False),  # wire
    Column("acceptance", Blob, nullable=False),  # wire
    Column("receipt", Blob),
    Column("started_ms", Big, nullable=False),
    Column("ended_ms", Big),
    Index("ix_payment_lock", "line_no", "lock_seq", unique=True),
    Index("ix_payment_quote", "quote_id", unique=True),
    Index("ix_payment_state", "state", **only("state IN ('locked', 'frozen')")),
    Index("ix_payment_trade", "trade_no"),
)

# Locks that go through us, known by the incoming lock (7.2).
forward: Final = table(
    "forward",
    Column("line_no", Big, ForeignKey("line.no"), primary_key=True),
    Column("lock_seq", Big, primary_key=True),
    Column("state", Str, nullable=False),
    Column("out_line_no", Big),
    Column("out_seq", Big),
    Column("amount", Big, nullable=False),
    Column("receipt", Blob),
    Column("started_ms", Big, nullable=False),
    Index("ix_forward_out", "out_line_no", "out_seq", unique=True),
    Index("ix_forward_state", "state", **only("state = 'wait'")),
)

# Quotes I gave: kept 30 days past their end, paid at most once.
promise: Final = table(
    "promise",
    Column("quote_id", Blob, primary_key=True),
    Column("state", Str, nullable=False),  # given, paid
    Column("account_no", Big, ForeignKey("account.no"), nullable=False),
    Column("quote", Blob, nullable=False),  # wire
    Column("text", Str, nullable=False),
    Column("payer_name", Str, nullable=False),
    Column("payer_handle", Blob, nullable=False),
    Column("via", Blob, nullable=False),  # the neighbour who brought the question
    Column("valid_until", Big, nullable=False),
    Column("trade_no", Big),
    Column("acceptance", Blob),
    Column("receipt", Blob),
    Column("line_no", Big),
    Column("lock_seq", Big),
    Index("ix_promise_valid", "state", "valid_until"),  # the few that are given and not paid
    Index("ix_promise_trade", "trade_no", **only("trade_no IS NOT NULL")),
    rowid=True,
)

# How members of ours are called towards one other scheme, and who theirs say they are (7.7).
handle: Final = table(
    "handle",
    Column("scheme", Blob, primary_key=True),
    Column("account_no", Big, ForeignKey("account.no"), primary_key=True),
    Column("handle", Blob, nullable=False),
    Index("ix_handle_handle", "handle"),
)
