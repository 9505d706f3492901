"""Evidence against schemes, whom it was shown to, and answers of peers by which we could excuse ourselves. Source: docs/protocol.md 10, 6.5."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index

from node.store.schema import Big, Blob, Flag, Str, table

evidence: Final = table(
    "evidence",
    Column("no", Big, primary_key=True),
    Column("id", Blob, nullable=False, unique=True),  # of what is shown, whoever shows it
    Column("accused", Blob, nullable=False),
    Column("kind", Str, nullable=False),
    Column("data", Blob, nullable=False),  # as it travels and is saved
    Column("excused", Flag, nullable=False),  # the other side had hidden an op: it proves nothing (6.5)
    Column("shown_by", Blob),  # the neighbour that sent it; none: met here
    Column("seen_ms", Big, nullable=False),
    Column("settled_ms", Big),  # an admin has cleared it up: it stops no credit any more
    Column("settled_by", Str),
    Index("ix_evidence_accused", "accused"),
)

evidence_told: Final = table(
    "evidence_told",
    Column("evidence_no", Big, primary_key=True),
    Column("peer", Blob, primary_key=True),
    Column("told_ms", Big, nullable=False),
)

# The first answer of a peer to each boot, as signed: proof of how much of our chain it said it had.
sync_kept: Final = table(
    "sync_kept",
    Column("no", Big, primary_key=True),
    Column("line_no", Big, nullable=False),
    Column("wire", Blob, nullable=False),
    Column("seen_ms", Big, nullable=False),
    Index("ix_sync_kept_line", "line_no"),
)
