"""What came back to a node whose database was older than its neighbours' memory of it. Source: docs/protocol.md 6.7, 6.8."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column

from node.store.schema import Big, Blob, Flag, Str, table

# One row for each op of ours that a neighbour returned, and for each other thing fetched back; for organisers to read.
recovered: Final = table(
    "recovered",
    Column("no", Big, primary_key=True),
    Column("at_ms", Big, nullable=False),
    Column("kind", Str, nullable=False),  # the kind of op, in lower case; `feed`, `identity`
    Column("peer", Blob, nullable=False),  # who returned it
    Column("made_ms", Big, nullable=False),  # when we wrote it
    Column("hours", Big, nullable=False),
    Column("amount", Big, nullable=False),  # of our own unit
    Column("trade_no", Big),
    Column("known", Flag, nullable=False),  # whether the account concerned is here; else the chest answers
    Column("beyond", Flag, nullable=False),  # whether it left the account beyond its limit
)

# What this node keeps for neighbours: sealed, in parts, only their scheme can read it (6.7 g).
kept: Final = table(
    "kept",
    Column("scheme", Blob, primary_key=True),
    Column(
        "generation", Big, primary_key=True
    ),  # when its owner began it; a whole copy and what changed since
    Column("part", Big, primary_key=True),
    Column("whole", Flag, nullable=False),  # with this part the copy is whole; later ones are changes
    Column("size", Big, nullable=False),
    Column("data", Blob, nullable=False),
    rowid=True,
)

# One row for each start that may have written something. Who has the last of them in its own list has all before it, too (6.7 g).
boot: Final = table(
    "boot",
    Column("no", Big, primary_key=True),
    Column("nonce", Blob, nullable=False),
    Column("at_ms", Big, nullable=False),
)

# What a keeper's copy has and this database has not, where both were written to since they parted; for people to enter again.
missing: Final = table(
    "missing",
    Column("no", Big, primary_key=True),
    Column("at_ms", Big, nullable=False),  # when it was found out
    Column("kind", Str, nullable=False),  # trade, member, listing
    Column("made_ms", Big, nullable=False),
    Column("who", Str, nullable=False),  # the payer, the member, or whose listing it is
    Column("other", Str, nullable=False),  # the payee
    Column("text", Str, nullable=False),
    Column("amount", Big, nullable=False),
    Column("reference", Big),
)
