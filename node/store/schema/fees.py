"""Fees to the community chest, who owes them, and what the chest gives. Source: docs/protocol.md 3.8."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Small, Str, table

# Never deleted: what a rule asked for stays readable.
fee_rule: Final = table(
    "fee_rule",
    Column("no", Big, primary_key=True),
    Column("id", Blob, nullable=False),  # 16 random bytes, from which the keys of its charges are made
    Column("text", Str, nullable=False),
    Column("every", Str, nullable=False),  # month, year
    Column("first_day", Small, nullable=False),  # a number of protocol/days.py
    Column("amount", Big, nullable=False),  # fixed; 0: a share
    Column("share", Small, nullable=False),  # hundredths of a hundredth; 0: fixed
    Column("side", Str, nullable=False),  # of a share: given, got, both
    Column("state", Str, nullable=False),  # asked, running, ended
    Column("turn", Small, nullable=False),  # the next one
    Column("next_day", Small),  # on which it is due; none: there is no next
    Column("once", Blob, nullable=False),  # of the form it was made by
    Column("created_ms", Big, nullable=False),
    Column("began_ms", Big),  # with the second yes
    Column("ended_ms", Big),
    Index("ix_fee_rule_next", "next_day"),
    Index("ix_fee_rule_once", "once", unique=True),
)

# What one member owes for one time of a rule: one row, whatever became of it.
charge: Final = table(
    "charge",
    Column("no", Big, primary_key=True),
    Column("rule_no", Big, ForeignKey("fee_rule.no"), nullable=False),
    Column("turn", Small, nullable=False),
    Column("account_no", Big, ForeignKey("account.no"), nullable=False),
    Column("day", Small, nullable=False),  # on which it was due
    Column("base", Big, nullable=False),  # what a share was taken of; 0: fixed
    Column("amount", Big, nullable=False),
    Column("state", Str, nullable=False),  # owed, paid, waived, written-off, given-back
    Column("hindrance", Str, nullable=False),  # too-far, paused, or nothing
    Column("tried_day", Small),  # on which it was last tried
    Column("trade_no", Big, ForeignKey("trade.no")),  # what paid it
    Column("reason", Str, nullable=False),  # why it was waived or written off
    Column("changed_ms", Big, nullable=False),
    Index("ix_charge_turn", "rule_no", "turn", "account_no", unique=True),
    Index("ix_charge_account", "account_no", "no"),
    Index("ix_charge_owed", "state", "no"),
    Index("ix_charge_trade", "trade_no"),
)

# What organisers want the chest to give a member.
chest_gift: Final = table(
    "chest_gift",
    Column("no", Big, primary_key=True),
    Column("account_no", Big, ForeignKey("account.no"), nullable=False),
    Column("amount", Big, nullable=False),
    Column("text", Str, nullable=False),
    Column("once", Blob, nullable=False),  # of the form; the key of the trade as well
    Column("trade_no", Big, ForeignKey("trade.no")),
    Column("created_ms", Big, nullable=False),
    Index("ix_chest_gift_once", "once", unique=True),
)
