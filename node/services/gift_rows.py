"""Who would like what is given away, in the store: as values, how they are found, and how they are written down.

Queries and units only; what givers and takers do is in `gifts.py`. Source: docs/protocol.md 5.10; docs/pages.md 8.14.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, insert, select, update

from node.services.own_listings import find_own
from node.services.threads import Thread, thread_by_no
from node.store import ReadTx, Tx
from node.store.schema import gifts as schema
from node.store.schema import letters as letters_schema
from node.store.statements import Row
from protocol.giving import Gift, WishState, gift_of
from protocol.listing import State
from protocol.names import ItemKey, SchemeId

LISTED_MAX: Final = 100
WROTE_MAX: Final = 20  # people of other schemes who wrote about one thing, the newest

_W: Final = schema.wish.c
_COLUMNS: Final = (
    _W.no, _W.item_key, _W.giver_no, _W.taker_no, _W.other_scheme, _W.their_name, _W.thread_id, _W.state, _W.wanted, _W.day,
    _W.time, _W.said, _W.asked_ms, _W.changed_ms,
)  # fmt: skip
_BY_NO: Final = select(*_COLUMNS).where(_W.no == bindparam("no"))
_OF_KEY: Final = select(*_COLUMNS).where(_W.item_key == bindparam("item_key")).order_by(_W.no)
_OF_GIVER: Final = (
    select(*_COLUMNS).where(_W.giver_no == bindparam("account_no")).order_by(_W.no.desc()).limit(LISTED_MAX)
)
_OF_TAKER: Final = (
    select(*_COLUMNS).where(_W.taker_no == bindparam("account_no")).order_by(_W.no.desc()).limit(LISTED_MAX)
)
_OPEN_OF_TAKER: Final = _OF_TAKER.where(
    _W.state.in_([WishState.WAITING.value, WishState.PROMISED.value])
)  # fmt: skip
_OPEN_OF_GIVER: Final = _OF_GIVER.where(
    _W.state.in_([WishState.WAITING.value, WishState.PROMISED.value])
)  # fmt: skip
_RECEIVED: Final = select(func.count()).select_from(schema.wish).where(_W.state == WishState.RECEIVED.value)
_COUNT_GIVEN: Final = _RECEIVED.where(_W.giver_no == bindparam("account_no"))
_COUNT_TAKEN: Final = _RECEIVED.where(_W.taker_no == bindparam("account_no"))
_NEW: Final = insert(schema.wish)
_BECAME: Final = (
    update(schema.wish)
    .where(_W.no == bindparam("which"))
    .values(state=bindparam("new_state"), changed_ms=bindparam("now"))
)
_WHEN: Final = (
    update(schema.wish)
    .where(_W.no == bindparam("which"))
    .values(day=bindparam("new_day"), time=bindparam("new_time"), said=bindparam("new_said"))
)
_T: Final = letters_schema.thread.c
_ABOUT: Final = select(_T.no).where(
    _T.account_no == bindparam("account_no"), _T.listing_key == bindparam("item_key")
)
_WITH_MEMBER: Final = (
    _ABOUT.where(_T.scheme == bindparam("own"), _T.their_account == bindparam("their_account"))
    .order_by(_T.no.desc())
    .limit(1)
)
_FROM_ABROAD: Final = (
    _ABOUT.where(
        _T.scheme != bindparam("own"),
        _T.begun_here.is_(False),
        _T.blocked.is_(False),
        _T.their_handle.is_not(None),
    )
    .order_by(_T.no.desc())
    .limit(WROTE_MAX)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pickup:
    """When something is collected, as far as it was said: a day, a time of it, and words."""

    day: str = ""  # 2026-11-28
    time: str = ""  # 10:30
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A wish as stored."""

    no: int
    key: ItemKey
    giver_no: int
    taker_no: int | None
    other_scheme: SchemeId | None
    their_name: str
    thread_id: bytes
    state: WishState
    wanted: str  # the taker's words
    pickup: Pickup
    asked_ms: int
    changed_ms: int

    @property
    def open(self) -> bool:
        """Whether it may still come true."""
        return self.state in (WishState.WAITING, WishState.PROMISED)


def _wish(row: Row) -> Wish:
    (
        no,
        key,
        giver_no,
        taker_no,
        scheme,
        name,
        thread_id,
        state,
        wanted,
        day,
        time,
        said,
        asked_ms,
        changed_ms,
    ) = row
    return Wish(
        no=no, key=ItemKey(key), giver_no=giver_no, taker_no=taker_no,
        other_scheme=None if scheme is None else SchemeId(scheme), their_name=name, thread_id=thread_id,
        state=WishState(state), wanted=wanted, pickup=Pickup(day=day, time=time, said=said), asked_ms=asked_ms,
        changed_ms=changed_ms,
    )  # fmt: skip


# --- reading --------------------------------------------------------------------------------------------------


def find_wish(tx: ReadTx, no: int) -> Wish | None:
    """Return a wish, whoever's it is."""
    row = tx.one(_BY_NO, no=no)
    return None if row is None else _wish(row)


def wishes_for(tx: ReadTx, key: ItemKey) -> list[Wish]:
    """Return every wish for a listing of ours, in the order in which they came."""
    return [_wish(row) for row in tx.all(_OF_KEY, item_key=key)]


def wishes_of(tx: ReadTx, account_no: int) -> list[Wish]:
    """Return the newest wishes of a member of ours."""
    return [_wish(row) for row in tx.all(_OF_TAKER, account_no=account_no)]


def open_wishes(tx: ReadTx, account_no: int) -> tuple[list[Wish], list[Wish]]:
    """Return what a member may still get, and what others may still get from them; the newest first."""
    mine = [_wish(row) for row in tx.all(_OPEN_OF_TAKER, account_no=account_no)]
    return mine, [_wish(row) for row in tx.all(_OPEN_OF_GIVER, account_no=account_no)]


def given_and_received(tx: ReadTx, account_no: int) -> tuple[int, int]:
    """Return how many things a member gave away, and how many they were given."""
    given = tx.scalar(_COUNT_GIVEN, account_no=account_no)
    return int(given), int(tx.scalar(_COUNT_TAKEN, account_no=account_no))


def gift_in(tx: ReadTx, key: ItemKey) -> Gift:
    """Return how a listing of ours stands as something given away. Source: 5.10."""
    owned = find_own(tx, key)
    ended = owned is None or owned.listing.state is State.WITHDRAWN
    return gift_of({each.no: each.state for each in wishes_for(tx, key)}, ended=ended)


def thread_about(tx: ReadTx, account_no: int, key: ItemKey, own: SchemeId, other_no: int) -> int | None:
    """Return the number of a member's conversation with another about a listing of ours."""
    found = tx.scalar(_WITH_MEMBER, account_no=account_no, item_key=key, own=own, their_account=other_no)
    return None if found is None else int(found)


def who_wrote(tx: ReadTx, account_no: int, key: ItemKey, own: SchemeId) -> list[Thread]:
    """Return the conversations that people of other schemes began about a listing, the newest first."""
    return [
        thread_by_no(tx, no)
        for (no,) in tx.all(_FROM_ABROAD, account_no=account_no, item_key=key, own=own)
    ]  # fmt: skip


# --- writing --------------------------------------------------------------------------------------------------


def put_wish(
    tx: Tx, key: ItemKey, giver_no: int, thread: Thread, *, taker_no: int | None, wanted: str = "", now_ms: int
) -> int:  # fmt: skip
    """Unit: write a new wish down, of a member or of somebody abroad in `thread`; return its number."""
    abroad = taker_no is None
    return tx.insert(
        _NEW, item_key=key, giver_no=giver_no, taker_no=taker_no, other_scheme=thread.scheme if abroad else None,
        their_name=thread.their_name if abroad else "", thread_id=thread.id, state=WishState.WAITING.value, wanted=wanted,
        day="", time="", said="", asked_ms=now_ms, changed_ms=now_ms,
    )  # fmt: skip


def note_became(tx: Tx, no: int, state: WishState, now_ms: int) -> None:
    """Unit: a wish stands differently now."""
    tx.run(_BECAME, which=no, new_state=state.value, now=now_ms)


def note_pickup(tx: Tx, no: int, pickup: Pickup) -> None:
    """Unit: note when what was promised is collected."""
    tx.run(_WHEN, which=no, new_day=pickup.day, new_time=pickup.time, new_said=pickup.said)
