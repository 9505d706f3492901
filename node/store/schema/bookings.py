"""Things lent or let for a while: who has asked for what, who did what with it, and which time is taken.

Source: docs/protocol.md 5.9; docs/pages.md 7.2.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Flag, Str, table

# A booking is never deleted: what became of it stays readable for both. It says itself what was agreed, because a
# listing may change or go meanwhile.
booking: Final = table(
    "booking",
    Column("no", Big, primary_key=True),
    Column("item_key", Blob, nullable=False),  # the listing of ours
    Column("kind", Str, nullable=False),  # lend, rent, stay
    Column("title", Str, nullable=False),
    Column(
        "state", Str, nullable=False
    ),  # a word of protocol/booking.py; what follows from the clock is not written
    Column("owner_no", Big, ForeignKey("account.no"), nullable=False),
    # An account: also the owner's, who keeps it for herself. Below 0: somebody of another scheme, minus the number of the
    # request by which they first asked for anything here.
    Column("borrower_no", Big, nullable=False),
    Column("start_hour", Big, nullable=False),  # wall hours
    Column("end_hour", Big, nullable=False),  # the first that does not belong to it
    Column("step", Str, nullable=False),
    Column("guests", Big, nullable=False),
    Column("price", Big),  # of the whole, in minor units; none: to agree
    Column("deposit", Big, nullable=False),
    Column("deposit_state", Str, nullable=False),  # a word of protocol/deposit.py
    Column("keep", Big, nullable=False),  # of the deposit: what the owner asks to keep, or was given
    Column("approval", Flag, nullable=False),  # the owner is asked first
    Column("text", Str, nullable=False),  # what whoever asked wrote
    Column("once", Blob, nullable=False),  # of the form it was made by
    Column("created_ms", Big, nullable=False),
    Column("changed_ms", Big, nullable=False),
    Column("reminded_ms", Big, nullable=False),  # when its end was last written about; 0: never
    Index("ix_booking_once", "once", unique=True),
    Index("ix_booking_item", "item_key", "end_hour"),
    Index("ix_booking_owner", "owner_no", "no"),
    Index("ix_booking_borrower", "borrower_no", "no"),
    Index("ix_booking_state", "state", "end_hour"),
)

booking_act: Final = table(
    "booking_act",
    Column("no", Big, primary_key=True),
    Column("booking_no", Big, ForeignKey("booking.no"), nullable=False),
    Column("event", Str, nullable=False),  # a word of protocol/booking.py
    Column("by_no", Big),  # as of who borrows; none: it followed from something else
    Column("words", Str, nullable=False),  # in what condition, why not
    Column("at_ms", Big, nullable=False),
    Column("once", Blob),  # of the form it was done by
    Index("ix_booking_act_booking", "booking_no", "no"),
    Index("ix_booking_act_once", "once", unique=True),
)

# The first hour of each step that is taken: beside the look at all hours, nothing else can give one step away twice.
booking_slot: Final = table(
    "booking_slot",
    Column("item_key", Blob, primary_key=True),
    Column("hour", Big, primary_key=True),
    Column("booking_no", Big, ForeignKey("booking.no"), nullable=False),
    Index("ix_booking_slot_booking", "booking_no"),
)
