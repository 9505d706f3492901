"""Our own listings as the store has them; what is done with them is in `market.py`. Source: docs/protocol.md 5.8."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sqlalchemy import bindparam, select

from node.store import ReadTx
from node.store.schema import market as schema
from node.store.schema import people as people_schema
from node.store.statements import Row
from protocol.listing import OwnListing, State
from protocol.market import Listing
from protocol.message import decode_message
from protocol.names import ItemKey

_L: Final = schema.listing.c
_COLUMNS: Final = (
    _L.item_key, _L.member_no, _L.state, _L.shared, _L.content, _L.created, _L.expires, _L.revision, _L.feed_until,
    _L.changed_ms, _L.reason,
)  # fmt: skip
_ONE: Final = select(*_COLUMNS).where(_L.item_key == bindparam("item_key"))
_OF_MEMBER: Final = (
    select(*_COLUMNS)
    .where(_L.member_no == bindparam("member_no"), _L.state != State.WITHDRAWN.value)
    .order_by(_L.changed_ms.desc(), _L.item_key)
)
_IN_STATE: Final = (
    select(*_COLUMNS).where(_L.state == bindparam("state")).order_by(_L.changed_ms, _L.item_key).limit(200)
)
_M: Final = people_schema.member.c
_OWNER: Final = (
    select(_M.account_no, _M.state)
    .select_from(schema.listing.join(people_schema.member, _L.member_no == _M.no))
    .where(_L.item_key == bindparam("item_key"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """One of our own listings, and whose it is."""

    listing: OwnListing
    member_no: int
    changed_ms: int
    reason: str  # why an organiser took it down


# Long enough for what is on everybody's lists at one time; at most some megabytes.
@lru_cache(maxsize=1024)
def _content(data: bytes) -> Listing:
    return decode_message(Listing, data)


def _owned(row: Row) -> Owned:
    key, member_no, state, shared, content, created, expires, revision, feed_until, changed_ms, reason = row
    listing = OwnListing(
        key=ItemKey(key),
        content=_content(content),
        state=State(state),
        shared=bool(shared),
        created=created,
        expires=expires,
        revision=revision,
        feed_until=feed_until,
    )
    return Owned(listing=listing, member_no=member_no, changed_ms=changed_ms, reason=reason)


def find_own(tx: ReadTx, key: ItemKey) -> Owned | None:
    """Return one of our own listings, in whatever state."""
    row = tx.one(_ONE, item_key=key)
    return None if row is None else _owned(row)


def existing(tx: ReadTx, key: ItemKey) -> Owned:
    """Return one of our own listings. Raises LookupError."""
    owned = find_own(tx, key)
    if owned is None:
        raise LookupError("no such listing")
    return owned


def listings_of(tx: ReadTx, member_no: int) -> list[Owned]:
    """Return a member's listings, the newest change first; withdrawn ones are left out."""
    return [_owned(row) for row in tx.all(_OF_MEMBER, member_no=member_no)]


def listings_in(tx: ReadTx, state: State) -> list[Owned]:
    """Return the own listings in a state, the one that waits longest first."""
    return [_owned(row) for row in tx.all(_IN_STATE, state=state.value)]


def owner_account(tx: ReadTx, key: ItemKey) -> int | None:
    """Return the account of whoever placed a listing of ours, in whatever state it is."""
    owner = find_owner(tx, key)
    return None if owner is None else owner[0]


def find_owner(tx: ReadTx, key: ItemKey) -> tuple[int, str] | None:
    """Return the account and the state of the member who placed a listing of ours."""
    row = tx.one(_OWNER, item_key=key)
    return None if row is None else (row[0], row[1])
