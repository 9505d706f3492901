"""Things that several people own together, or that belong to a group: who else answers for one. Source: docs/protocol.md 5.9."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Flag, Str, table

# Whoever placed the listing is an owner without a row here.
thing_owner: Final = table(
    "thing_owner",
    Column("item_key", Blob, primary_key=True),  # the listing of ours
    Column("member_no", Big, ForeignKey("member.no"), primary_key=True),
    Column("state", Str, nullable=False),  # asked, yes
    Column("created_ms", Big, nullable=False),
    Index("ix_thing_owner_member", "member_no"),
)

# It is the group's while whoever lists it is in the group.
thing_group: Final = table(
    "thing_group",
    Column("item_key", Blob, primary_key=True),
    Column("circle_no", Big, ForeignKey("circle.no"), nullable=False),
    Column("members_only", Flag, nullable=False),  # booked by those in the group alone
    Index("ix_thing_group_circle", "circle_no"),
)
