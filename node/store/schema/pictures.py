"""Pictures that members sent, made anew: in the database, so that what is said and what is shown go in one transaction.

Source: docs/protocol.md 5.7; decision 62.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Flag, Small, Str, table

picture: Final = table(
    "picture",
    Column("no", Big, primary_key=True),
    Column("member_no", Big, ForeignKey("member.no"), nullable=False),  # who sent it
    Column("item_key", Blob),  # of the listing that shows it; none: not published yet
    Column("booking_no", Big, ForeignKey("booking.no")),  # of what was lent, where it shows how that was
    Column("request_no", Big, ForeignKey("request.no")),  # the same, of what was borrowed in another scheme
    Column("shared_id", Blob),  # of the request across schemes whose other side sees it too
    Column("sealed_key", Blob),  # by which it is sealed for them
    Column("sealed_name", Blob),  # of what is sent
    Column("portrait", Flag, nullable=False),  # of whoever sent it
    Column("words", Str, nullable=False),  # what is on it; "" of a listing's, which says it itself
    Column("name", Blob, nullable=False),  # of the full one: its hash (5.7)
    Column("thumbnail_name", Blob, nullable=False),
    Column("taken_ms", Big, nullable=False),
    Column("length", Big, nullable=False),  # bytes of all three together
    Column("page_width", Small, nullable=False),  # dots
    Column("page_height", Small, nullable=False),
    # Last: a row's long part is only read by whoever asks for it.
    Column("thumbnail", Blob, nullable=False),
    Column("page", Blob, nullable=False),
    Column("full", Blob, nullable=False),
    Index("ix_picture_member", "member_no", "length"),
    Index("ix_picture_key", "item_key"),
    Index("ix_picture_booking", "booking_no"),
    Index("ix_picture_request", "request_no"),
    Index("ix_picture_sealed", "sealed_name"),
)

# What the other side of something lent across schemes shows of how it was, as its newest letter says. Source: 5.9.
picture_told: Final = table(
    "picture_told",
    Column("request_no", Big, ForeignKey("request.no"), primary_key=True),
    Column("name", Blob, primary_key=True),  # of what is sent, which is sealed
    Column("sealed_key", Blob, nullable=False),
    Column("words", Str, nullable=False),
    Column("taken_ms", Big, nullable=False),
)

# Of other schemes' listings, as members looked at them or other schemes asked for them: kept while there is room.
picture_abroad: Final = table(
    "picture_abroad",
    Column("name", Blob, primary_key=True),  # of what was sent: its hash (5.7)
    Column("kept_ms", Big, nullable=False),
    Column("length", Big, nullable=False),  # bytes of all together
    Column("page_width", Small, nullable=False),  # dots; 0: not made anew yet
    Column("page_height", Small, nullable=False),
    Column("sent", Blob, nullable=False),  # as it came: for other schemes, never for a browser
    Column("small", Blob),  # made anew
    Column("page", Blob),
    Column("full", Blob),
    Index("ix_picture_abroad_kept", "kept_ms", "length"),
    rowid=True,
)
