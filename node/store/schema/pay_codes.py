"""Pay codes: "pay me", in nine letters or as a picture for a telephone. Source: docs/protocol.md 7.9."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Str, table

pay_code: Final = table(
    "pay_code",
    Column("no", Big, primary_key=True),
    Column("code", Big, nullable=False),  # 40 random bits
    Column("account_no", Big, ForeignKey("account.no"), nullable=False),  # who is paid
    Column("amount", Big),  # none: whoever pays says how much
    Column("text", Str, nullable=False),
    Column("pay_once", Blob, nullable=False),  # the key of the one payment it can be used for
    Column("once", Blob, nullable=False),  # of the form it was made by
    Column("trade_no", Big, ForeignKey("trade.no")),  # what paid it
    Column("created_ms", Big, nullable=False),
    Column("until_ms", Big, nullable=False),
    Index("ix_pay_code_code", "code", unique=True),
    Index("ix_pay_code_once", "once", unique=True),
    Index("ix_pay_code_account", "account_no", "created_ms"),
    Index("ix_pay_code_until", "until_ms"),
)
