"""The log: its tree and heads, who cosigned them, and what this node cosigned for others. Source: docs/protocol.md 4."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column

from node.store.schema import Big, Blob, Str, table

# Roots over 256, 256², … entries, so that neither a start nor a proof reads the whole log; derived from `entry`.
log_hash: Final = table(
    "log_hash",
    Column("level", Big, primary_key=True),  # from 1: each hash is over 256 to that power entries
    Column("no", Big, primary_key=True),
    Column("hash", Blob, nullable=False),
)

# The newest heads. A head is stored before it is signed; sizes never fall and no size has two roots (I10).
log_head: Final = table(
    "log_head",
    Column("size", Big, primary_key=True),
    Column("root", Blob, nullable=False),
    Column("stored_ms", Big, nullable=False),
    Column("note", Blob),  # signed, with the cosignatures that came; none: not signed yet
    Column("cosigned", Big, nullable=False),  # by how many witnesses
    rowid=True,
)

# What each witness cosigned last of our log: by this note it is shown so (6.7 j).
log_witness: Final = table(
    "log_witness",
    Column("scheme", Blob, primary_key=True),
    Column("size", Big, nullable=False),
    Column("note", Blob, nullable=False),
    Column("cosigned_ms", Big, nullable=False),
    rowid=True,
)

# What this node cosigned last of each log it witnesses.
witnessed: Final = table(
    "witnessed",
    Column("scheme", Blob, primary_key=True),
    Column("size", Big, nullable=False),
    Column("root", Blob, nullable=False),
    Column("note", Blob, nullable=False),  # with our own cosignature
    Column("cosigned_ms", Big, nullable=False),
    Column("refused", Str, nullable=False),  # why the last request could not be cosigned; empty: it was
    rowid=True,
)

# Checkpoints of other schemes, to compare others with: two of one size and two roots are evidence (10.1).
checkpoint_seen: Final = table(
    "checkpoint_seen",
    Column("scheme", Blob, primary_key=True),
    Column("size", Big, primary_key=True),
    Column("root", Blob, nullable=False),
    Column("note", Blob, nullable=False),
    rowid=True,
)
