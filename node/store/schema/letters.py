"""Messages people write each other, and letters on their way between schemes. Source: docs/protocol.md 7.7."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Flag, Str, table

# One side of a conversation: two members here have two, one each.
thread: Final = table(
    "thread",
    Column("no", Big, primary_key=True),
    Column("id", Blob, nullable=False),
    Column("account_no", Big, ForeignKey("account.no")),  # whose it is; none: the desk's
    Column("scheme", Blob, nullable=False),  # of the other side
    Column(
        "their_handle", Blob
    ),  # in another scheme; none until they answer where the listing's owner was written to
    Column("their_account", Big),  # in our own
    Column("their_name", Str, nullable=False),
    Column("listing_scheme", Blob),
    Column("listing_key", Blob),
    Column("begun_here", Flag, nullable=False),
    Column("blocked", Flag, nullable=False),  # what they write is taken and not shown
    Column("unread", Big, nullable=False),
    Column("created_ms", Big, nullable=False),
    Column("last_ms", Big, nullable=False),
    Index("ix_thread_account", "account_no", "last_ms"),
    Index("ix_thread_id", "id", "scheme"),
    Index("ix_thread_begun", "begun_here", "created_ms"),
)

message: Final = table(
    "message",
    Column("no", Big, primary_key=True),
    Column("thread_no", Big, ForeignKey("thread.no"), nullable=False),
    Column("mine", Flag, nullable=False),
    Column("author", Str, nullable=False),
    Column("kind", Str, nullable=False),
    Column("text", Str, nullable=False),
    Column("amount_scheme", Blob),
    Column("amount", Big),
    Column("until_ms", Big),
    Column("reference", Blob),
    Column(
        "state", Str, nullable=False
    ),  # of mine: waiting, or an answer of protocol/letter.py; theirs: arrived
    Column("at_ms", Big, nullable=False),
    Column("answered_ms", Big),
    Index("ix_message_thread", "thread_no", "no"),
)

# Letters that nobody has acknowledged to us yet, ours and those we carry for others.
carried: Final = table(
    "carried",
    Column("sender", Blob, primary_key=True),
    Column("letter", Blob, primary_key=True),  # drawn by the sender, so it is known by both only
    Column("message_no", Big),  # of ours
    Column("recipient", Blob, nullable=False),
    Column("from_peer", Blob),  # who gave it to us; none: it is ours
    Column("wire", Blob, nullable=False),
    Column("size", Big, nullable=False),
    Column("expires", Big, nullable=False),
    Column("next_ms", Big, nullable=False),
    Column("tries", Big, nullable=False),
    Column("handed", Flag, nullable=False),  # somebody carries it now: no hurry
    Column("ack", Blob),  # wire; kept so that whoever asks again is answered
    Index("ix_carried_next", "next_ms"),
    Index("ix_carried_peer", "from_peer"),
    rowid=True,
)

# What came for us, with what was answered: the same letter again gets the same answer.
received: Final = table(
    "received",
    Column("sender", Blob, primary_key=True),
    Column("letter", Blob, primary_key=True),
    Column("ack", Blob, nullable=False),
    Column("expires", Big, nullable=False),
    Index("ix_received_expires", "expires"),
    rowid=True,
)
