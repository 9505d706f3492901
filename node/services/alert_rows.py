"""Searches that members keep, and what was found by them: as values, and how they are read. What is done is in `alerts.py`.

Source: docs/pages.md 7.2 (`/my/searches`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, delete, exists, func, insert, select, update

from node.services.members import Member, State, member_by_no
from node.services.search import km_between, words_of
from node.store import ReadTx, Tx
from node.store.schema import alerts as schema
from node.store.schema import market as market_schema
from node.store.statements import Row
from protocol.market import Place
from protocol.names import ItemKey, SchemeId

AT_ONCE_MAX: Final = 200  # listings held against all searches in one go


class Tell(StrEnum):
    """How somebody is told of what a search finds."""

    AT_ONCE = "at-once"
    WEEKLY = "weekly"
    NOT_NOW = "not-now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a search looks for."""

    words: str = ""  # as typed
    kind: str = ""
    category: str = ""  # or a group of them
    scheme: SchemeId | None = None
    place: Place | None = None
    km: int | None = None  # needs the place

    def fits(self, found: Fresh) -> bool:
        """Tell whether a listing fits, as the page that finds listings does."""
        if self.kind and found.kind != self.kind:
            return False
        if self.category and not (
            found.category == self.category or found.category.startswith(self.category + "-")
        ):
            return False
        if self.scheme is not None and found.scheme != self.scheme:
            return False
        if self.km is not None:
            km = km_between(self.place, found.north, found.east)
            if km is None or km > self.km:
                return False
        return all(any(each.startswith(word) for each in found.words) for word in words_of(self.words))


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A search somebody keeps."""

    no: int
    member_no: int
    wanted: Wanted
    tell: Tell
    made_ms: int


class Fresh(NamedTuple):
    """A listing that came into the index; its words are folded."""

    scheme: SchemeId
    key: ItemKey
    member_no: int | None  # who placed it, if it is ours
    kind: str
    category: str
    north: int | None
    east: int | None
    words: frozenset[str]


class Hit(NamedTuple):
    """What was found for somebody."""

    scheme: SchemeId
    key: ItemKey
    search_no: int
    at_ms: int


_S: Final = schema.saved_search.c
_SAVED: Final = (
    _S.no, _S.member_no, _S.words, _S.kind, _S.category, _S.scheme, _S.km, _S.north, _S.east, _S.tell, _S.made_ms,
)  # fmt: skip
_OF_MEMBER: Final = select(*_SAVED).where(_S.member_no == bindparam("member_no")).order_by(_S.no)
_LOOKING: Final = select(*_SAVED).order_by(_S.member_no, _S.no)
_NEW: Final = insert(schema.saved_search)
_TELL: Final = (
    update(schema.saved_search)
    .where(_S.no == bindparam("which"), _S.member_no == bindparam("whose"))
    .values(tell=bindparam("new_tell"))
)
_DROP: Final = delete(schema.saved_search).where(
    _S.no == bindparam("which"), _S.member_no == bindparam("whose")
)
_PAUSE: Final = (
    update(schema.saved_search).where(_S.member_no == bindparam("whose")).values(tell=Tell.NOT_NOW.value)
)
_ANY: Final = select(_S.no).limit(1)
_F: Final = schema.listing_new.c
_D: Final = market_schema.search_doc.c
_T: Final = market_schema.listing_text.c
_L: Final = market_schema.listing.c
_NOTE_FRESH: Final = insert(schema.listing_new)
_IS_FRESH: Final = select(_F.scheme).where(
    _F.scheme == bindparam("scheme"), _F.item_key == bindparam("item_key")
)
_FRESH_KEYS: Final = select(_F.scheme, _F.item_key).limit(AT_ONCE_MAX)
_DOC: Final = (
    select(_D.no, _D.kind, _D.category, _D.north, _D.east, _T.title, _T.body)
    .select_from(market_schema.search_doc.join(market_schema.listing_text, _T.rowid == _D.no))
    .where(_D.scheme == bindparam("scheme"), _D.item_key == bindparam("item_key"))
)
_OWNER: Final = select(_L.member_no).where(_L.item_key == bindparam("item_key"))
_LOOKED_AT: Final = delete(schema.listing_new).where(
    _F.scheme == bindparam("scheme"), _F.item_key == bindparam("item_key")
)
_H: Final = schema.search_hit.c
_KNOWN: Final = select(_H.search_no).where(
    _H.member_no == bindparam("member_no"),
    _H.scheme == bindparam("scheme"),
    _H.item_key == bindparam("item_key"),
)
# The number may be another search's one day.
_NOBODYS: Final = (
    update(schema.search_hit)
    .where(_H.search_no == bindparam("which"), _H.member_no == bindparam("whose"))
    .values(search_no=0)
)
_NEW_HIT: Final = insert(schema.search_hit)
_HITS: Final = (
    select(_H.scheme, _H.item_key, _H.search_no, _H.at_ms)
    .where(_H.search_no == bindparam("search_no"), _H.member_no == bindparam("member_no"))
    .order_by(_H.at_ms.desc(), _H.item_key)
    .limit(bindparam("most"))
)
_UNTOLD: Final = (
    select(_H.scheme, _H.item_key, _H.search_no, _H.at_ms)
    .where(
        _H.member_no == bindparam("member_no"), _H.told_ms.is_(None),
        _H.search_no.in_(select(_S.no).where(_S.tell == bindparam("tell"))),
    )
    .order_by(_H.at_ms, _H.item_key)
)  # fmt: skip
_WAITING_MEMBERS: Final = (
    select(_H.member_no)
    .join(schema.saved_search, _S.no == _H.search_no)
    .where(_H.told_ms.is_(None), _S.tell == bindparam("tell"))
    .group_by(_H.member_no)
)
_TOLD: Final = (
    update(schema.search_hit)
    .where(
        _H.member_no == bindparam("whose"), _H.scheme == bindparam("which_scheme"),
        _H.item_key == bindparam("which_key"),
    )
    .values(told_ms=bindparam("now"))
)  # fmt: skip
_MAILS_SINCE: Final = select(func.count(_H.told_ms.distinct())).where(
    _H.member_no == bindparam("member_no"), _H.told_ms > bindparam("since")
)
_FORGET: Final = delete(schema.search_hit).where(
    _H.at_ms < bindparam("before"),
    ~exists().where(_D.scheme == _H.scheme, _D.item_key == _H.item_key),
)


def _saved(row: Row) -> Saved:
    no, member_no, words, kind, category, scheme, km, north, east, tell, made_ms = row
    wanted = Wanted(
        words=words, kind=kind, category=category, scheme=None if scheme is None else SchemeId(scheme), km=km,
        place=None if north is None else Place(north=north, east=east),
    )  # fmt: skip
    return Saved(no=no, member_no=member_no, wanted=wanted, tell=Tell(tell), made_ms=made_ms)


def searches_of(tx: ReadTx, member_no: int) -> list[Saved]:
    """Return the searches somebody keeps, the oldest first."""
    return [_saved(row) for row in tx.all(_OF_MEMBER, member_no=member_no)]


def all_searches(tx: ReadTx) -> list[Saved]:
    """Return every search that is kept, by member."""
    return [_saved(row) for row in tx.all(_LOOKING)]


def put_search(tx: Tx, member_no: int, wanted: Wanted, tell: Tell, now_ms: int) -> None:
    """Keep a search."""
    place = wanted.place
    tx.run(
        _NEW, member_no=member_no, words=wanted.words, kind=wanted.kind, category=wanted.category, scheme=wanted.scheme,
        km=wanted.km, north=None if place is None else place.north, east=None if place is None else place.east,
        tell=tell.value, made_ms=now_ms,
    )  # fmt: skip


def change_search(tx: Tx, no: int, member_no: int, tell: Tell) -> bool:
    """Let a member's search tell in another way; return whether it is theirs."""
    return tx.run(_TELL, which=no, whose=member_no, new_tell=tell.value) == 1


def drop_search(tx: Tx, no: int, member_no: int) -> None:
    """Forget a member's search. What it found is not told again by another."""
    if tx.run(_DROP, which=no, whose=member_no):
        tx.run(_NOBODYS, which=no, whose=member_no)


def pause_all(tx: Tx, member_no: int) -> None:
    """Let none of a member's searches tell them anything."""
    tx.run(_PAUSE, whose=member_no)


# --- what came in ---------------------------------------------------------------------------------------------


def note_fresh(tx: Tx, scheme: SchemeId, key: ItemKey) -> None:
    """Note that a listing came into the index, where anybody keeps a search."""
    if tx.one(_ANY) is not None and tx.one(_IS_FRESH, scheme=scheme, item_key=key) is None:
        tx.run(_NOTE_FRESH, scheme=scheme, item_key=key)


def read_fresh(tx: ReadTx) -> list[tuple[SchemeId, ItemKey, Fresh | None]]:
    """Return some listings that came in and were not yet looked at; without what it says where it is gone again."""
    return [
        (scheme, key, _fresh(tx, scheme, key)) for scheme, key in tx.all(_FRESH_KEYS)
    ]  # fmt: skip


def _fresh(tx: ReadTx, scheme: SchemeId, key: ItemKey) -> Fresh | None:
    row = tx.one(_DOC, scheme=scheme, item_key=key)
    if row is None:
        return None
    _, kind, category, north, east, title, body = row
    owner: Any = tx.scalar(_OWNER, item_key=key)
    words = "".join(sign if sign.isalnum() else " " for sign in f"{title} {body}")
    return Fresh(scheme, key, owner, kind, category, north, east, frozenset(words.split()))


def looked_at(tx: Tx, scheme: SchemeId, key: ItemKey) -> None:
    """Note that a listing was held against all searches."""
    tx.run(_LOOKED_AT, scheme=scheme, item_key=key)


# --- what was found -------------------------------------------------------------------------------------------


def put_hit(tx: Tx, saved: Saved, found: Fresh, now_ms: int) -> None:
    """Note that a search found something; what was found for its owner before stays as it is.

    What a search finds that tells nothing now is on its page, and not told later.
    """
    which = {"member_no": saved.member_no, "scheme": found.scheme, "item_key": found.key}
    if tx.one(_KNOWN, **which) is None:
        tx.run(
            _NEW_HIT,
            **which,
            search_no=saved.no,
            at_ms=now_ms,
            told_ms=now_ms if saved.tell is Tell.NOT_NOW else None,
        )


def hits_of(tx: ReadTx, saved: Saved, most: int) -> list[Hit]:
    """Return what a search found, the newest first."""
    rows = tx.all(_HITS, search_no=saved.no, member_no=saved.member_no, most=most)
    return [Hit(SchemeId(scheme), ItemKey(key), no, at_ms) for scheme, key, no, at_ms in rows]


def untold(tx: ReadTx, member_no: int, tell: Tell) -> list[Hit]:
    """Return what searches that tell in this way found and somebody was not told yet, the oldest first."""
    rows = tx.all(_UNTOLD, member_no=member_no, tell=tell.value)
    return [Hit(SchemeId(scheme), ItemKey(key), no, at_ms) for scheme, key, no, at_ms in rows]


def members_untold(tx: ReadTx, tell: Tell) -> list[Member]:
    """Return who is to be told in this way of something, and is there to hear it."""
    found = [member_by_no(tx, no) for (no,) in tx.all(_WAITING_MEMBERS, tell=tell.value)]
    return [each for each in found if each is not None and each.state is State.ACTIVE]


def count_told(tx: ReadTx, member_no: int, since_ms: int) -> int:
    """Return how often somebody was told of something since a moment."""
    return int(tx.scalar(_MAILS_SINCE, member_no=member_no, since=since_ms))


def note_told(tx: Tx, member_no: int, hits: list[Hit], now_ms: int) -> None:
    """Note that somebody was written to about these, or never will be."""
    for hit in hits:
        tx.run(_TOLD, whose=member_no, which_scheme=hit.scheme, which_key=hit.key, now=now_ms)


def forget_hits(tx: Tx, before_ms: int) -> int:
    """Forget what was found before a moment and cannot be found any more; return how many."""
    return tx.run(_FORGET, before=before_ms)
