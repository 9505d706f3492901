"""Lines with other schemes: the state, both chains as received, and decisions not yet authored. Source: docs/protocol.md 6."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Flag, Str, table

line: Final = table(
    "line",
    Column("no", Big, primary_key=True),
    Column("id", Blob, nullable=False, unique=True),
    Column("peer", Blob, nullable=False),
    Column("low", Blob, nullable=False),
    Column("high", Blob, nullable=False),
    Column("nonce", Blob, nullable=False),
    # What it may be is in services/line_rows.py.
    # asked (they opened), offered (we opened), open (both), replaced (both asked at once: the lower id stands), suspended, …
    Column("state", Str, nullable=False),
    Column("epoch", Big, nullable=False),
    Column("own_length", Big, nullable=False),
    Column("own_id", Blob, nullable=False),
    Column("peer_length", Big, nullable=False),
    Column("peer_id", Blob, nullable=False),
    Column("peer_ack", Big, nullable=False),
    Column("mine", Blob, nullable=False),
    Column("theirs", Blob, nullable=False),
    # 6.7 (a), (c), (d): reset by every boot, set by the answer that echoes this boot's nonce.
    Column("synced", Flag, nullable=False),
    Column("announced", Big, nullable=False),  # length of the peer's chain in its answer to this boot
    Column("returned", Big, nullable=False),  # length of my chain in that answer
    Column("horizon", Big, nullable=False),  # a lock of the peer above this is surely new to me
    Column(
        "seen", Big, nullable=False
    ),  # how much of my chain the peer says it stored; not a proof, for resending
    Column("own_ceiling", Big),  # the most I allow myself to owe, whatever the peer's LIMIT; none: no ceiling
    # What they owe us and we booked as lost; the line itself says it is owed still (6.6).
    Column("written_off", Big, nullable=False),
    # How long both chains were when I last wrote a MARK: what came since is not stated yet.
    Column("marked", Big, nullable=False),
    Column("marked_peer", Big, nullable=False),
    # The last MARK that both sides stand by: its moment, and what I owed then.
    Column("agreed_ms", Big),
    Column("agreed_owed", Big, nullable=False),
    Column("opened_ms", Big, nullable=False),
    Column("heard_ms", Big, nullable=False),
    Index("ix_line_peer", "peer"),
)

op: Final = table(
    "op",
    Column("line_no", Big, ForeignKey("line.no"), primary_key=True),
    Column("mine", Big, primary_key=True),  # 1: I wrote it
    Column("epoch", Big, primary_key=True),
    Column("seq", Big, primary_key=True),
    Column("wire", Blob, nullable=False),
    rowid=True,
)

# How an incoming lock ends, decided while its line could not be written to; the first decision stands (0.4).
decision: Final = table(
    "decision",
    Column("line_no", Big, ForeignKey("line.no"), primary_key=True),
    Column("lock_seq", Big, primary_key=True),
    Column("receipt", Blob),  # none: RELEASE
    Column("reason", Str, nullable=False),
)

# A REOPEN that is not answered yet: ours, where we offer, or theirs (6.8).
reopening: Final = table(
    "reopening",
    Column("line_no", Big, ForeignKey("line.no"), primary_key=True),
    Column("mine", Big, primary_key=True),  # 1: I wrote it
    Column("epoch", Big, primary_key=True),
    Column("wire", Blob, nullable=False),
)

# What somebody sent and we refused or could not handle, with the reason, for the admin and as evidence (0.5, 10).
quarantine: Final = table(
    "quarantine",
    Column("no", Big, primary_key=True),
    Column("at_ms", Big, nullable=False),
    Column("peer", Blob, nullable=False),
    Column("line_id", Blob),
    Column("data", Blob, nullable=False),
    Column("reason", Str, nullable=False),
)
