"""Requests for payment, within the scheme and across. Source: docs/protocol.md 3.11, 7.7; docs/pages.md 4, 8.6."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Flag, Str, table

# A request is never deleted: what became of it stays readable for both.
ask: Final = table(
    "ask",
    Column("no", Big, primary_key=True),
    Column("id", Blob, nullable=False),  # 16 random bytes: by it both schemes name it
    Column(
        "kind", Str, nullable=False
    ),  # local; out: a member of ours asks abroad; in: one of ours is asked from abroad
    Column(
        "state", Str, nullable=False
    ),  # a word of protocol/asking.py; that its time ran out is not written
    Column("payee_no", Big, ForeignKey("account.no")),  # who asks; none: somebody abroad
    Column("payer_no", Big, ForeignKey("account.no")),  # who is asked; none: somebody abroad
    Column("other_scheme", Blob),
    Column("their_handle", Blob),
    Column("their_name", Str, nullable=False),
    Column("thread_no", Big, ForeignKey("thread.no")),  # the conversation that carries it across
    Column("amount", Big, nullable=False),  # in the payee's minor units
    Column("text", Str, nullable=False),
    Column("reason", Str, nullable=False),  # why it was declined: a word of `Reason`
    Column("said", Str, nullable=False),  # and in words
    Column("answer_once", Blob),  # the key of the payment that answers it, whichever device sends it
    Column("trade_no", Big, ForeignKey("trade.no")),  # what paid it, where no key tells
    Column("once", Blob),  # of the form it was made by
    Column("cheque", Str),  # the number of the cheque it is from, empty for a slip; none: it is from no paper
    Column("dated", Str),  # the day on the paper: 2026-03-04
    Column("written", Big),  # what stands there, in the payer's minor units
    Column("created_ms", Big, nullable=False),
    Column("until_ms", Big, nullable=False),
    Column("ended_ms", Big),
    Column("reminded_ms", Big, nullable=False),
    Column("counts", Flag, nullable=False),  # whether silence is a yes when its time is over (3.11)
    Column("warned", Big, nullable=False),  # how many warnings of that were written
    Column("warning_no", Big),  # the mail of the newest
    Index("ix_ask_payee", "payee_no", "no"),
    Index("ix_ask_payer", "payer_no", "no"),
    Index("ix_ask_once", "payee_no", "once", unique=True),
    Index("ix_ask_id", "id", unique=True),
)
