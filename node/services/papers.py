"""What is printed of the scheme: its members with what they offer and look for. One query for each table.

Source: docs/pages.md 7.3, 9.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from node.services.folding import fold
from node.services.members import MAY_TRADE, MEMBER_COLUMNS, Member, member_of_row
from node.services.own_listings import listings_in
from node.store import ReadTx
from node.store.schema import people as schema
from protocol.listing import State
from protocol.market import Listing

_TRADING = select(*MEMBER_COLUMNS).where(
    schema.member.c.state.in_(sorted(state.value for state in MAY_TRADE))
)


@dataclass(frozen=True, slots=True)
class Printed:
    """A member who trades, and what they have published, in the order of its titles."""

    member: Member
    listings: tuple[Listing, ...]


def read_printed(tx: ReadTx) -> list[Printed]:
    """Query: everybody who trades, by name. Whoever paused, left or was erased is not printed."""
    of: dict[int, list[Listing]] = {}
    for owned in listings_in(tx, State.PUBLISHED):
        of.setdefault(owned.member_no, []).append(owned.listing.content)
    members = sorted(
        (member_of_row(row) for row in tx.all(_TRADING)), key=lambda each: (fold(each.name), each.no)
    )
    return [
        Printed(each, tuple(sorted(of.get(each.no, ()), key=lambda listing: fold(listing.title))))
        for each in members
    ]
