"""Other nodes an admin added or the network hinted at: where they are, and what they say of themselves. Source: docs/protocol.md 9.1."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column

from node.store.schema import Big, Blob, Flag, Str, table

peer: Final = table(
    "peer",
    Column("scheme", Blob, primary_key=True),
    Column("address", Str, nullable=False),  # as typed by the admin or found; tried first
    Column("lan", Flag, nullable=False),  # the admin says it lies in the own network
    Column("name", Str, nullable=False),  # as its descriptor says
    Column("descriptor", Blob, nullable=False),  # wire
    Column("state", Str, nullable=False),  # wanted: kept in session; blocked: refused at the door
    Column("added_ms", Big, nullable=False),
    Column("heard_ms", Big, nullable=False),  # last in session; 0 never
    rowid=True,
)
