"""Folding anew, at a start, what an older release folded otherwise: names of members, and all listings in the index.

The index goes on as it is meanwhile; feeds of neighbours are gone through again behind it. Source: docs/pages.md 12.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import bindparam, select, update

from node.services.folding import FOLDING
from node.services.indexing import Doc, index
from node.services.members import folded_name
from node.store import ReadTx, Store, Tx, upsert
from node.store.schema import feeds as feeds_schema
from node.store.schema import market as market_schema
from node.store.schema import meta
from node.store.schema import people as people_schema
from protocol.listing import State
from protocol.market import Listing
from protocol.message import decode_message
from protocol.names import ItemKey, SchemeId

ROWS_AT_A_TIME: Final = 200
NOTED: Final = "folding"  # in `meta`: by which version everything here was folded

_META: Final = select(meta.c.value).where(meta.c.key == bindparam("key"))
_PUT_META: Final = upsert(meta, key=("key",), update=("value",))
_L: Final = market_schema.listing.c
_PUBLISHED: Final = (
    select(_L.item_key, _L.content, _L.shared, _L.created, _L.expires)
    .where(_L.state == State.PUBLISHED.value, _L.item_key > bindparam("after"))
    .order_by(_L.item_key)
    .limit(ROWS_AT_A_TIME)
)
_M: Final = people_schema.member.c
_MEMBERS: Final = (
    select(_M.no, _M.name).where(_M.no > bindparam("after")).order_by(_M.no).limit(ROWS_AT_A_TIME)
)
_FOLDED: Final = (
    update(people_schema.member).where(_M.no == bindparam("which")).values(folded=bindparam("new_folded"))
)
_FEEDS_AGAIN: Final = update(feeds_schema.feed).values(indexed=0)


class _At(NamedTuple):
    """Behind which row the next batch begins; None: nothing is left of that table."""

    listing: bytes | None = b""
    member: int | None = -1


async def fold_anew(store: Store, own: SchemeId) -> None:
    """Fold everything anew unless this release's folding did it; broken off, it begins again at the next start."""
    if await store.read(_is_current):
        return
    at = _At()
    while at != (None, None):
        at = await store.write(_fold_some, own, at)


def _is_current(tx: ReadTx) -> bool:
    return bool(tx.scalar(_META, key=NOTED) == str(FOLDING))


def _fold_some(tx: Tx, own: SchemeId, at: _At) -> _At:
    behind = _At(
        None if at.listing is None else _listings_from(tx, own, at.listing),
        None if at.member is None else _members_from(tx, at.member),
    )
    if behind == (None, None):
        tx.run(_FEEDS_AGAIN)
        tx.run(_PUT_META, key=NOTED, value=str(FOLDING))
    return behind


def _listings_from(tx: Tx, own: SchemeId, after: bytes) -> bytes | None:
    rows = tx.all(_PUBLISHED, after=after)
    for key, content, shared, created, expires in rows:
        said = decode_message(Listing, content)
        index(tx, Doc(own, ItemKey(key), 0, 0, bool(shared), said, created, expires), anew=True)
    return bytes(rows[-1][0]) if len(rows) == ROWS_AT_A_TIME else None


def _members_from(tx: Tx, after: int) -> int | None:
    rows = tx.all(_MEMBERS, after=after)
    tx.many(_FOLDED, [{"which": no, "new_folded": folded_name(name, no)} for no, name in rows])
    return int(rows[-1][0]) if len(rows) == ROWS_AT_A_TIME else None
