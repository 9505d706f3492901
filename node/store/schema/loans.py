"""Loans between members, and the trades that paid them back. Source: docs/protocol.md 3.7."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Flag, Small, Str, table

# Never deleted: what was lent and what came back stays readable for both.
loan: Final = table(
    "loan",
    Column("no", Big, primary_key=True),
    Column("lender_no", Big, ForeignKey("account.no"), nullable=False),
    Column("borrower_no", Big, ForeignKey("account.no"), nullable=False),
    Column("amount", Big, nullable=False),  # repaid + remaining + forgiven
    Column("repaid", Big, nullable=False),
    Column("remaining", Big, nullable=False),
    Column("forgiven", Big, nullable=False),
    Column("text", Str, nullable=False),
    Column("part", Big, nullable=False),  # what is paid back each time
    Column("every", Str, nullable=False),  # week, month
    Column("first_day", Small, nullable=False),  # of paying back: a number of protocol/days.py
    Column("state", Str, nullable=False),  # a word of protocol/loan.py; that an offer ran out is not written
    Column("proved_by", Str, nullable=False),  # how the lender proved who they were
    Column("trade_no", Big, ForeignKey("trade.no")),  # by which it was given
    Column("standing_no", Big, ForeignKey("standing.no")),  # by which it is paid back
    Column("give_once", Blob, nullable=False),  # the key of the one trade that gives it
    Column("once", Blob, nullable=False),  # of the form it was made by
    Column("created_ms", Big, nullable=False),
    Column("until_ms", Big, nullable=False),  # the offer
    Column("agreed_ms", Big),
    Column("ended_ms", Big),
    Index("ix_loan_lender", "lender_no", "no"),
    Index("ix_loan_borrower", "borrower_no", "no"),
    Index("ix_loan_standing", "standing_no"),
    Index("ix_loan_trade", "trade_no"),
    Index("ix_loan_once", "once", unique=True),
)

loan_part: Final = table(
    "loan_part",
    Column("trade_no", Big, ForeignKey("trade.no"), primary_key=True),
    Column("loan_no", Big, ForeignKey("loan.no"), nullable=False),
    Column("amount", Big, nullable=False),
    Column("undone", Flag, nullable=False),  # the trade was corrected
    Index("ix_loan_part_loan", "loan_no"),
)
