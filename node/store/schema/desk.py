"""What organisers enter from paper, and what is told on paper. Source: docs/pages.md 7.3, 8.9."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Str, only, table

# One envelope of cheques and slips, with what is written on it.
cheque_batch: Final = table(
    "cheque_batch",
    Column("no", Big, primary_key=True),
    Column("day", Str, nullable=False),  # as typed, like everything else that a page may show again
    Column("place", Str, nullable=False),
    Column("slips", Str, nullable=False),
    Column("total", Str, nullable=False),
    Column("same", Str, nullable=False),  # JSON: what is the same on all slips, by column
    Column("once", Blob, nullable=False),  # the form's own key
    Column("by_no", Big, ForeignKey("member.no"), nullable=False),
    Column("by_name", Str, nullable=False),
    Column("created_ms", Big, nullable=False),
    Column("closed_ms", Big),  # none: something is left to sort out
    Index("ix_cheque_batch_once", "once", unique=True),
)

# One slip as it was typed; in the books or on its way nobody changes it any more, unless it comes back undone.
cheque_row: Final = table(
    "cheque_row",
    Column("batch_no", Big, ForeignKey("cheque_batch.no"), primary_key=True),
    Column("row", Big, primary_key=True),
    Column("scheme", Str, nullable=False),  # of whoever is not ours, as typed
    Column("number", Str, nullable=False),
    # The number as numbers are compared, with the scheme whose cheque it is if not ours; empty for a slip without one.
    Column("key", Str, nullable=False),
    Column("day", Str, nullable=False),
    Column("payer", Str, nullable=False),
    Column("payee", Str, nullable=False),
    Column("amount", Str, nullable=False),
    Column("what", Str, nullable=False),
    Column("payer_no", Big),  # the member meant, if the number could be read
    Column("payee_no", Big),
    Column("by_no", Big, ForeignKey("member.no"), nullable=False),  # who typed it
    Column("by_name", Str, nullable=False),
    Column("dated", Str),  # the day on the slip, once it is in the books: 2026-03-04
    Column(
        "minor", Big
    ),  # what counts of it for the envelope, in minor units, once it is in the books or on its way
    Column("trade_no", Big, ForeignKey("trade.no")),  # across schemes set aside, done or undone
    Column("ask_no", Big, ForeignKey("ask.no")),  # the request by which its giver's scheme is asked
    Index("ix_cheque_row_key", "key", unique=True, **only("trade_no IS NOT NULL AND key <> ''")),
    Index("ix_cheque_row_trade", "trade_no", unique=True, **only("trade_no IS NOT NULL")),
    Index("ix_cheque_row_ask", "ask_no", unique=True, **only("ask_no IS NOT NULL")),
)

# What a member without e-mail is still to be told by letter, by telephone or at the market; gone once it was told.
paper_note: Final = table(
    "paper_note",
    Column("no", Big, primary_key=True),
    Column("member_no", Big, ForeignKey("member.no"), nullable=False),
    Column("at_ms", Big, nullable=False),
    Column("text", Str, nullable=False),
    Column("by_no", Big, ForeignKey("member.no")),  # whose act it tells of, and names
    Column("trade_no", Big, ForeignKey("trade.no")),  # the trade it tells of
    Index("ix_paper_note_member", "member_no", "no"),
)
