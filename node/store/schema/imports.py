"""Files of other programs that were looked at or brought in, and what each line became. Source: docs/pages.md 7.4."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Flag, Small, Str, table

import_run: Final = table(
    "import_run",
    Column("no", Big, primary_key=True),
    Column("layout", Str, nullable=False),  # a word of `Layout`
    Column("state", Str, nullable=False),  # looked, done, undone, dropped
    Column("file", Blob),  # until it is brought in, a day at most
    Column("digest", Blob, nullable=False),  # of layout and file: the same one again is known
    Column("faults", Str, nullable=False),  # the lines left out, as JSON; for a day
    Column("by_name", Str, nullable=False),
    Column("people", Small, nullable=False),
    Column("listings", Small, nullable=False),
    Column("trades", Small, nullable=False),
    Column("left_out", Small, nullable=False),
    Column("total", Big, nullable=False),  # of the balances brought in
    Column("remainder", Str, nullable=False),  # where it went if it is not zero: a word of `Remainder`
    Column("remainder_seq", Big),  # the entry that moved it there
    Column("unit", Str, nullable=False),  # theirs, where it is another: hours, or the digits behind its point
    Column("theirs", Big),  # so much of it, …
    Column("ours", Big),  # … is so much of ours, in the smallest parts of each
    Column("rounding", Big, nullable=False),  # what rounding each balance came to, for the chest
    Column("rounding_seq", Big),  # the entry that moved it there
    Column("looked_ms", Big, nullable=False),
    Column("ended_ms", Big),  # brought in, or undone
    Index("ix_import_run_state", "state", "looked_ms"),
    Index("ix_import_run_digest", "digest"),
)

import_row: Final = table(
    "import_row",
    Column("import_no", Big, ForeignKey("import_run.no"), primary_key=True),
    Column("line", Small, primary_key=True),
    Column("old", Str, nullable=False),  # the number or name a member had in the other program
    Column("member_no", Big, ForeignKey("member.no"), nullable=False),
    Column("item_key", Blob),  # of a listing
    Column("amount", Big, nullable=False),  # the opening balance
    Column("trade_no", Big, ForeignKey("trade.no")),  # by which it was booked
    Index("ix_import_row_member", "member_no"),
    Index("ix_import_row_old", "old"),
)

# Trades made in the old program: kept to be read, beside the ledger. What they come to is in the opening balances.
past_trade: Final = table(
    "past_trade",
    Column("no", Big, primary_key=True),
    Column("import_no", Big, ForeignKey("import_run.no"), nullable=False),
    Column("line", Small, nullable=False),
    Column("mark", Blob, unique=True),  # of what it says: the same one comes in once; none once it was erased
    Column("day", Str, nullable=False),  # like 2015-04-02; the day it was brought in, where none was told
    Column("dated", Flag, nullable=False),  # whether one was
    Column("payer_no", Big, ForeignKey("member.no")),  # none: nobody who is a member here
    Column("payee_no", Big, ForeignKey("member.no")),
    Column("payer_name", Str, nullable=False),  # of who is no member here; empty: the old program itself
    Column("payee_name", Str, nullable=False),
    Column("amount", Big, nullable=False),
    Column("text", Str, nullable=False),
    Index("ix_past_trade_import", "import_no"),
    Index("ix_past_trade_payer", "payer_no", "day"),
    Index("ix_past_trade_payee", "payee_no", "day"),
)
