"""What people say of a trade afterwards: thanks, and what is wrong with it. Source: docs/pages.md 8.8."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Flag, Str, table

thanks: Final = table(
    "thanks",
    Column("no", Big, primary_key=True),
    Column("trade_no", Big, ForeignKey("trade.no"), nullable=False),
    Column("account_no", Big, ForeignKey("account.no")),  # who thanks; none: the other side, abroad
    Column("text", Str, nullable=False),
    Column("at_ms", Big, nullable=False),
    # Shown on the page of whoever is thanked once both agree; asked of neither.
    Column("giver_agrees", Flag, nullable=False),
    Column("receiver_agrees", Flag, nullable=False),
    Index("ix_thanks_account", "account_no"),
    Index("ix_thanks_trade", "trade_no"),
)

# Read by organisers only. Several may be about one trade: each side has its words.
complaint: Final = table(
    "complaint",
    Column("no", Big, primary_key=True),
    Column("trade_no", Big, ForeignKey("trade.no"), nullable=False),
    Column("account_no", Big, ForeignKey("account.no")),  # whose words; none: another scheme's
    Column("who", Str, nullable=False),
    Column("text", Str, nullable=False),
    Column("state", Str, nullable=False),  # open, corrected, closed
    Column(
        "told", Str, nullable=False
    ),  # whether the other scheme's organisers were written to: yes, no, or ""
    Column("created_ms", Big, nullable=False),
    Column("ended_ms", Big),
    Column("ended_by", Str, nullable=False),
    Column("outcome", Str, nullable=False),  # what came of it, in words
    Index("ix_complaint_trade", "trade_no"),
    Index("ix_complaint_state", "state", "no"),
)
