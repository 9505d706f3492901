"""Days that people agree, here and across schemes. Source: docs/protocol.md 7.7; docs/pages.md 8.5."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Str, table

appointment: Final = table(
    "appointment",
    Column("no", Big, primary_key=True),
    Column("id", Blob, nullable=False),  # 16 random bytes: by it both schemes name it
    Column("thread_id", Blob, nullable=False),  # the conversation it belongs to
    Column("other_scheme", Blob),  # none: both are members of ours
    Column("proposer_no", Big, ForeignKey("account.no")),  # none: somebody abroad
    Column("other_no", Big, ForeignKey("account.no")),  # as above
    Column("state", Str, nullable=False),  # an AgreementState; that it was paid is not written
    Column("what", Str, nullable=False),
    Column("place", Str, nullable=False),
    Column("at_ms", Big, nullable=False),
    Column("amount", Big, nullable=False),  # in the minor units of whoever is paid; 0: nothing
    Column("payer", Str, nullable=False),  # a Side; means nothing where the amount is 0
    Column("pay_once", Blob, nullable=False),  # the key of the payment that ends it
    Column("once", Blob),  # of the form it was made by
    Column("created_ms", Big, nullable=False),
    Column("changed_ms", Big, nullable=False),
    Index("ix_appointment_id", "id", unique=True),
    Index("ix_appointment_once", "once", unique=True),
    Index("ix_appointment_thread", "thread_id"),
    Index("ix_appointment_proposer", "proposer_no", "state"),
    Index("ix_appointment_other", "other_no", "state"),
)
