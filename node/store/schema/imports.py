"""Files of other programs that were looked at or brought in, and what each line became. Source: docs/pages.md 7.4."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Small, Str, table

import_run: Final = table(
    "import_run",
    Column("no", Big, primary_key=True),
    Column("layout", Str, nullable=False),  # a word of `Layout`
    Column("state", Str, nullable=False),  # looked, done, undone, dropped
    Column("file", Blob),  # until it is brought in, a day at most
    Column("faults", Str, nullable=False),  # the lines left out, as JSON; for a day
    Column("by_name", Str, nullable=False),
    Column("people", Small, nullable=False),
    Column("listings", Small, nullable=False),
    Column("left_out", Small, nullable=False),
    Column("total", Big, nullable=False),  # of the balances brought in
    Column("remainder", Str, nullable=False),  # where it went if it is not zero: a word of `Remainder`
    Column("remainder_seq", Big),  # the entry that moved it there
    Column("looked_ms", Big, nullable=False),
    Column("ended_ms", Big),  # brought in, or undone
    Index("ix_import_run_state", "state", "looked_ms"),
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
