"""The ledger: accounts, signed entries, what each moved, and trades as members see them. Source: docs/protocol.md 3."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Flag, Str, only, table

account: Final = table(
    "account",
    Column("no", Big, primary_key=True),
    Column("id", Blob, nullable=False, unique=True),  # 16 bytes; whose it is stands in `member`
    Column("kind", Str, nullable=False),
    Column("unit", Str, nullable=False),
    Column("role", Str, nullable=False),  # of a system account; empty for others
    Column("balance", Big, nullable=False),
    Column("held", Big, nullable=False),
    Column("credit_limit", Big, nullable=False),
    Column("ceiling", Big),
    Column("warn_below", Big),
    Column("warn_above", Big),
    Column("closed", Flag, nullable=False),
)

# The wire form as signed, and beside it what the two commitments hide. `words` and its salt may be erased.
entry: Final = table(
    "entry",
    Column("seq", Big, primary_key=True),
    Column("id", Blob, nullable=False),
    Column("time", Big, nullable=False),
    Column("kind", Str, nullable=False),
    Column("wire", Blob, nullable=False),
    Column("book", Blob, nullable=False),
    Column("book_salt", Blob, nullable=False),
    Column("words", Blob),
    Column("words_salt", Blob),
    # What a period is reckoned from, without a look at the entries themselves.
    Index("ix_entry_time", "time", "kind"),
)

# What one entry did to one account; derived, for statements. An account has at most one leg in an entry.
leg: Final = table(
    "leg",
    Column("account_no", Big, ForeignKey("account.no"), primary_key=True),
    Column("entry_seq", Big, ForeignKey("entry.seq"), primary_key=True),
    Column("amount", Big, nullable=False),
    Column("balance_after", Big, nullable=False),
)

# A trade as its member sees it, within the scheme or across; the one row behind a reference (7.9).
trade: Final = table(
    "trade",
    Column("no", Big, primary_key=True),
    Column("reference", Big, nullable=False),  # 40 bits
    Column("kind", Str, nullable=False),  # local, out (we pay another scheme), in (another scheme pays us)
    Column("state", Str, nullable=False),  # set-aside, done, undone, arriving
    Column("payer_no", Big, ForeignKey("account.no")),  # none: a member of `other_scheme`
    Column("payee_no", Big, ForeignKey("account.no")),
    Column("amount", Big, nullable=False),  # minor units of this scheme
    Column("text", Str, nullable=False),
    Column("listing", Blob),
    Column("other_scheme", Blob),
    Column("other_name", Str),
    Column("other_amount", Big),  # in the other scheme's minor units, where the quote tells
    Column("other_unit", Str),
    Column("hours", Big),
    Column("entry_seq", Big),
    Column("created_ms", Big, nullable=False),
    Column("ended_ms", Big),
    Column("reason", Str),  # why it was undone
    Column("late", Flag, nullable=False),
    Column("entered_by", Str, nullable=False),  # who recorded it, in words
    Column("once", Blob),  # the form's own key: the same form sent twice records once
    Column("corrects_no", Big),
    Column("corrected_by_no", Big),
    Index("ix_trade_reference", "reference", unique=True),
    # Within the scheme, a member's trades are found through `leg`.
    Index("ix_trade_out", "payer_no", "no", **only("kind = 'out'")),
    Index("ix_trade_in", "payee_no", "no", **only("kind = 'in'")),
    Index("ix_trade_entry", "entry_seq", **only("entry_seq IS NOT NULL")),
    Index("ix_trade_once", "once", unique=True, **only("once IS NOT NULL")),
)
