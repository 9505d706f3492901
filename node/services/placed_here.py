"""What people of other schemes know by a key: something of ours that they can ask for. Source: docs/protocol.md 7.10."""

from __future__ import annotations

from dataclasses import dataclass

from node.services.event_rows import event_by_key
from node.services.members import member_by_no
from node.services.own_listings import find_own, owner_account
from node.services.request_words import EVENT
from node.store import ReadTx
from protocol.names import ItemKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What somebody abroad asks for: something of ours."""

    kind: str
    title: str
    owner_no: int  # an account
    timed: bool = False  # it is booked, and so asked for with a time


def placed_here(tx: ReadTx, key: ItemKey) -> Placed | None:
    """Query: what people abroad know by this key."""
    owned, owner = find_own(tx, key), owner_account(tx, key)
    if owned is not None and owner is not None:
        content = owned.listing.content
        return Placed(kind=content.kind, title=content.title, owner_no=owner, timed=content.terms is not None)
    hosted = event_by_key(tx, key)
    host = None if hosted is None else member_by_no(tx, hosted.host_no)
    if hosted is None or host is None:
        return None
    return Placed(kind=EVENT, title=hosted.event.plan.title, owner_no=host.account_no)
