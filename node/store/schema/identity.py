"""Identities of schemes as far as this node knows them: events as signed, and whose each key is. Source: docs/protocol.md 2, 1.4."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index

from node.store.schema import Big, Blob, table

identity_event: Final = table(
    "identity_event",
    Column("scheme", Blob, primary_key=True),
    Column("seq", Big, primary_key=True),
    Column("wire", Blob, nullable=False),
    Column("seen_ms", Big, nullable=False),
    Index("ix_identity_event_seq", "seq", "seen_ms"),  # the strangers seen longest ago
    rowid=True,
)

# No key serves two schemes (1.4): the first one seen that proved to hold it has it.
identity_key: Final = table(
    "identity_key",
    Column("public_key", Blob, primary_key=True),
    Column("scheme", Blob, nullable=False),
    Index("ix_identity_key_scheme", "scheme"),
)

# Two rotations at one seq freeze a scheme; both are kept as evidence (2.3, 10).
identity_conflict: Final = table(
    "identity_conflict",
    Column("scheme", Blob, primary_key=True),
    Column("seq", Big, primary_key=True),
    Column("first", Blob, nullable=False),
    Column("second", Blob, nullable=False),
    Column("seen_ms", Big, nullable=False),
    rowid=True,
)
