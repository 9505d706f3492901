"""Finding listings: our own and neighbours' together, by words, kind, category, scheme and distance.

Words are folded (`folding.py`), so that both databases find the same; only the match itself is in the words
of each. How listings come into the index is in `indexing.py`. Source: docs/protocol.md 5.1, 5.8; docs/pages.md 8.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final, NamedTuple, Self

import structlog
from sqlalchemy import (
    Boolean,
    ClauseElement,
    ColumnElement,
    Float,
    Text,
    bindparam,
    func,
    or_,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from node.services.folding import fold
from node.store import ReadTx
from node.store.schema import market as schema
from node.store.statements import Row
from protocol.market import Place
from protocol.names import ItemKey, SchemeId

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

PAGE_ROWS: Final = 20
PAGES_MAX: Final = 500
WORDS_MAX: Final = 8
WORD_CHARACTERS_MAX: Final = 40
KM_MAX: Final = 20_000
WHOLE_TURN: Final = 36_000  # hundredths of a degree
COUNTED_MAX: Final = PAGE_ROWS * PAGES_MAX  # what pages can show; of more only that there is more is known
# A word that more listings have is looked for in the newest of them. How well words fit is reckoned of fewer still:
# it takes the longest, and tells least where the words are everybody's.
MATCHES_MAX: Final = COUNTED_MAX + 1
RANKED_MAX: Final = 1_000
# The nearest are looked for within so far first: where many are near, most of the rest is never looked at.
RINGS_KM: Final = (10, 50)
KM_A_HUNDREDTH: Final = 1.112  # of a degree, north to south

_D: Final = schema.search_doc.c
_T: Final = schema.listing_text.c
_COUNTS: Final = (
    select(_D.scheme, func.count())
    .where(_D.expires > bindparam("now"), _D.shared.is_(True))
    .group_by(_D.scheme)
)


# --- Words ------------------------------------------------------------------------------------------------------


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a query, folded: letters and digits only, so that no database reads them as its own."""
    folded = "".join(sign if sign.isalnum() else " " for sign in fold(text[:400]))
    return tuple(word[:WORD_CHARACTERS_MAX] for word in folded.split()[:WORDS_MAX])


class _Matches(ColumnElement[bool]):
    """Every word of the parameter `words` begins a word of the listing."""

    type = Boolean()
    inherit_cache = False

    def __init__(self) -> None:
        self.words: Final = bindparam("words", type_=Text())

    def self_group(self, against: Any = None) -> Self:
        """Stand by itself: FTS5 takes no `= 1` behind a MATCH."""
        del against
        return self


class _Rank(ColumnElement[float]):
    """How well the words fit: less is better."""

    type = Float()
    inherit_cache = False

    def __init__(self) -> None:
        self.words: Final = bindparam("words", type_=Text())


@compiles(_Matches, "sqlite")
def _matches_sqlite(element: _Matches, compiler: SQLCompiler, **_: Any) -> str:
    return f"listing_text MATCH ('\"' || replace({compiler.process(element.words)}, ' ', '\"* \"') || '\"*')"


@compiles(_Matches, "postgresql")
def _matches_postgres(element: _Matches, compiler: SQLCompiler, **_: Any) -> str:
    query = f"to_tsquery('simple', replace({compiler.process(element.words)}, ' ', ':* & ') || ':*')"
    return f"to_tsvector('simple', listing_text.title || ' ' || listing_text.body) @@ {query}"


@compiles(_Rank, "sqlite")
def _rank_sqlite(_element: _Rank, _compiler: SQLCompiler, **_: Any) -> str:
    return "bm25(listing_text, 4.0, 1.0)"  # a word of the title counts like four of the text


@compiles(_Rank, "postgresql")
def _rank_postgres(element: _Rank, compiler: SQLCompiler, **_: Any) -> str:
    query = f"to_tsquery('simple', replace({compiler.process(element.words)}, ' ', ':* & ') || ':*')"
    return f"-ts_rank(to_tsvector('simple', listing_text.title || ' ' || listing_text.body), {query})"


# --- Queries ----------------------------------------------------------------------------------------------------


class Order(StrEnum):
    """How what was found is ordered."""

    BEST = "best"  # by the words; without any, the newest first
    NEAREST = "nearest"  # where no place is known comes last
    NEWEST = "newest"


@dataclass(frozen=True, slots=True, kw_only=True)
class FindQuery:
    """What somebody looks for."""

    text: str = ""
    kind: str = ""  # one of `protocol.market.KINDS`; "" for all
    category: str = ""  # or a group of them
    scheme: SchemeId | None = None
    place: Place | None = None  # from where distances are reckoned
    km: int | None = None  # needs a place
    order: Order = Order.BEST
    page: int = 1
    visitor: bool = False  # sees only what goes to other schemes


class Found(NamedTuple):
    """A listing that was found: where it is kept, and how far away."""

    scheme: SchemeId
    key: ItemKey
    feed_no: int
    feed_seq: int
    created: int
    expires: int
    km: int | None


class _Shape(NamedTuple):
    """Which parts a statement has: there are some hundred of them, each compiled once."""

    text: bool
    kind: bool
    category: bool
    scheme: bool
    km: bool
    visitor: bool
    order: Order


_WORDS_ONLY: Final = _Shape(
    text=True, kind=False, category=False, scheme=False, km=False, visitor=False, order=Order.NEWEST
)
_FIRST_END: Final = select(func.min(_D.expires)).where(_D.expires > bindparam("now"))


def _distance() -> ColumnElement[Any]:
    """Return the square of the distance, in ten thousandths of a squared hundredth of a degree."""
    north, east = _D.north - bindparam("north"), _D.east - bindparam("east")
    return north * north * 10_000 + east * east * bindparam("narrow")


_COLUMNS: Final = (_D.scheme, _D.item_key, _D.feed_no, _D.feed_seq, _D.created, _D.expires, _D.north, _D.east)
_NEWEST_FIRST: Final = (_D.created.desc(), _D.no.desc())
_NEWEST: Final = (
    select(*_COLUMNS).where(_D.expires > bindparam("now")).order_by(*_NEWEST_FIRST).limit(PAGE_ROWS)
)
_NEWEST_OF: Final = _NEWEST.where(_D.scheme == bindparam("scheme"))
_NEWEST_OF_OTHERS: Final = _NEWEST.where(_D.scheme != bindparam("scheme"))


def _matches(ranked: bool) -> Any:
    """Return what the words fit, the newest first, which is how the index is read without sorting."""
    rank = (_Rank().label("rank"),) if ranked else ()
    return select(_T.rowid, *rank).where(_Matches()).order_by(_T.rowid.desc()).limit(MATCHES_MAX).subquery()


def fits_words() -> ColumnElement[bool]:
    """Return the condition that every word of the parameter `words`, folded, begins a word of `listing_text`."""
    return _Matches()


@cache
def _statements(shape: _Shape) -> tuple[ClauseElement, ClauseElement]:
    """Return the statements for one page, and for the number of all, counted up to `COUNTED_MAX` and one."""
    where: list[ColumnElement[bool]] = [_D.expires > bindparam("now")]
    if shape.kind:
        where.append(_D.kind == bindparam("kind"))
    if shape.category:
        where.append(or_(_D.category == bindparam("category"), _D.category.like(bindparam("group"))))
    if shape.scheme:
        where.append(_D.scheme == bindparam("scheme"))
    if shape.visitor:
        where.append(_D.shared.is_(True))
    if shape.km:
        # The square around the circle is found in an index.
        where += [
            _D.north.between(bindparam("south"), bindparam("up")),
            _D.east.between(bindparam("west"), bindparam("right")),
            _distance() <= bindparam("far"),
        ]
    source: Any = schema.search_doc
    ranked = shape.order is Order.BEST and shape.text
    matches = _matches(ranked)
    if shape.text:
        source = schema.search_doc.join(matches, matches.c.rowid == _D.no)
    if shape.order is Order.NEAREST:
        order: tuple[Any, ...] = (_D.north.is_(None), _distance(), *_NEWEST_FIRST)
    elif ranked:
        order = (matches.c.rank, *_NEWEST_FIRST)
    else:
        order = _NEWEST_FIRST
    page = select(*_COLUMNS).select_from(source).where(*where).order_by(*order)
    page = page.limit(PAGE_ROWS).offset(bindparam("skip"))
    some = select(_D.no).select_from(source).where(*where).limit(COUNTED_MAX + 1).subquery()
    return page, select(func.count()).select_from(some)


def find(tx: ReadTx, query: FindQuery, now_ms: int) -> tuple[list[Found], int]:
    """Return one page of what fits, and how many there are in all: `COUNTED_MAX` and one are that many or more."""
    words = words_of(query.text)
    place = query.place
    order = Order.NEWEST if query.order is Order.NEAREST and place is None else query.order
    shape = _Shape(
        text=bool(words), kind=bool(query.kind), category=bool(query.category), scheme=query.scheme is not None,
        km=query.km is not None and place is not None, visitor=query.visitor, order=order,
    )  # fmt: skip
    _, count = _statements(shape._replace(order=Order.NEWEST))
    params: dict[str, Any] = {"now": now_ms}
    if words:
        params["words"] = " ".join(words)
    if query.kind:
        params["kind"] = query.kind
    if query.category:
        params |= {"category": query.category, "group": query.category + "-%"}
    if query.scheme is not None:
        params["scheme"] = query.scheme
    if shape.km and query.km is not None and place is not None:
        params |= _circle(place, query.km)
    total = int(tx.scalar(count, **params))
    if total and (first_end := tx.scalar(_FIRST_END, now=now_ms)) is not None:
        tx.holds_until(first_end)
    skip = (min(max(query.page, 1), PAGES_MAX) - 1) * PAGE_ROWS
    if order is Order.NEAREST and place is not None:
        return _found(_nearest(tx, shape, params, place, skip), place), total
    page, _ = _statements(shape if total <= RANKED_MAX else shape._replace(order=Order.NEWEST))
    return _found(tx.all(page, **params, skip=skip), place), total


def _nearest(tx: ReadTx, shape: _Shape, params: dict[str, Any], place: Place, skip: int) -> list[Row]:
    """Return a page of the nearest: from a ring around the place if it fills one, else from everywhere."""
    if not shape.km and not shape.text:
        page, _ = _statements(shape._replace(km=True))
        for km in RINGS_KM:
            rows = tx.all(page, **params, **_circle(place, km), skip=skip)
            if len(rows) == PAGE_ROWS:
                return rows
    page, _ = _statements(shape)
    return tx.all(page, **(params | _centre(place)), skip=skip)


def _centre(place: Place) -> dict[str, int]:
    return {"north": place.north, "east": place.east, "narrow": _narrow(place)}


def _circle(place: Place, km: int) -> dict[str, int]:
    """Return the parameters of a circle around a place, and of the square around that."""
    reach, narrow = min(km, KM_MAX) / KM_A_HUNDREDTH, _narrow(place)
    high, wide = math.ceil(reach), math.ceil(reach * 100 / math.sqrt(narrow)) if narrow else WHOLE_TURN
    return _centre(place) | {
        "far": int(reach**2 * 10_000), "south": place.north - high, "up": place.north + high,
        "west": place.east - wide, "right": place.east + wide,
    }  # fmt: skip


def newest(tx: ReadTx, scheme: SchemeId, now_ms: int, *, others: bool = False) -> list[Found]:
    """Return the newest listings of a scheme, or of all others: as many as stand on a page, and uncounted."""
    rows = tx.all(_NEWEST_OF_OTHERS if others else _NEWEST_OF, scheme=scheme, now=now_ms)
    found = _found(rows, None)
    # Those that come after these are shown once one of these has ended.
    for each in found:
        tx.holds_until(each.expires)
    return found


def _found(rows: list[Row], place: Place | None) -> list[Found]:
    return [
        Found(scheme, key, feed_no, feed_seq, created, expires, km_between(place, north, east))
        for scheme, key, feed_no, feed_seq, created, expires, north, east in rows
    ]


def count_with(tx: ReadTx, words: tuple[str, ...], now_ms: int) -> int:
    """Return how many listings have words that begin with all of these, folded as `words_of` does."""
    _, count = _statements(_WORDS_ONLY)
    return int(tx.scalar(count, now=now_ms, words=" ".join(words)))


def _narrow(place: Place) -> int:
    """Return how much a degree of longitude is shorter than one of latitude there: squared, of 10,000."""
    return round(10_000 * math.cos(math.radians(place.north / 100)) ** 2)


def km_between(place: Place | None, north: int | None, east: int | None) -> int | None:
    """Return how far a place is, in whole kilometres; None where one of them is not known."""
    if place is None or north is None or east is None:
        return None
    shrink = math.cos(math.radians(place.north / 100))
    return round(KM_A_HUNDREDTH * math.hypot(north - place.north, (east - place.east) * shrink))


def listing_counts(tx: ReadTx, now_ms: int) -> dict[SchemeId, int]:
    """Return how many listings that go to other schemes are known of each scheme."""
    return {SchemeId(scheme): int(count) for scheme, count in tx.all(_COUNTS, now=now_ms)}
