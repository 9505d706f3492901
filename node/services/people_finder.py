"""Finding people: by name, number, place, what they can do, and what they offer; where nobody fits whole, who fits best.

Source: docs/pages.md 7.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sqlalchemy import bindparam, or_, select

from node.services.folding import fold
from node.services.members import Member, State, member_by_no
from node.services.search import fits_words, km_between, words_of
from node.store import ReadTx
from node.store.schema import market as market_schema
from node.store.schema import people as people_schema
from node.store.schema import profiles as schema
from node.store.statements import Row
from protocol.market import Place

PAGE_ROWS: Final = 20

_M: Final = people_schema.member.c
_EVERYBODY: Final = (
    select(_M.no, _M.folded, _M.place, _M.north, _M.east)
    .where(_M.state != State.LEFT.value)
    .order_by(_M.folded, _M.no)
)
_S: Final = schema.skill.c
_CAN: Final = select(_S.member_no).where(
    or_(_S.folded.like(bindparam("beginning"), escape="\\"), _S.folded.like(bindparam("within"), escape="\\"))
)
_TICKED: Final = select(_S.member_no, _S.category).where(_S.category != "")
_D: Final = market_schema.search_doc.c
_OFFERING: Final = (
    select(market_schema.listing.c.member_no)
    .select_from(
        market_schema.listing_text.join(
            market_schema.search_doc, _D.no == market_schema.listing_text.c.rowid
        ).join(market_schema.listing, market_schema.listing.c.item_key == _D.item_key)
    )
    .where(fits_words(), _D.feed_no == 0, _D.kind != "want", _D.expires > bindparam("now"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleQuery:
    """Whom somebody looks for."""

    text: str = ""
    can: str = ""  # a category of skills, or a group of them
    place: Place | None = None  # from where distances are reckoned
    km: int | None = None  # needs a place
    only: frozenset[int] | None = None  # nobody but these, by number
    page: int = 1


@dataclass(frozen=True, slots=True)
class FoundPeople:
    """One page of people, how many there are in all, and whether they fit only a part of the words."""

    people: tuple[tuple[Member, int | None], ...]  # with how far away they live
    total: int
    partly: bool


@lru_cache(maxsize=4096)
def _folded(place: str) -> str:
    return fold(place)


def find_people(
    tx: ReadTx, query: PeopleQuery, now_ms: int, names: Mapping[str, str], passed_over: str = ""
) -> FoundPeople:  # fmt: skip
    """Return one page of people who fit, the best first.

    `names` are the categories as the reader calls them, `passed_over` the reader's words that say nothing: "who can mend a
    bike?" asks for two words. Where nobody fits all words, those are found who fit most of them.
    """
    typed, nothing = words_of(query.text), set(words_of(passed_over))
    words = tuple(word for word in typed if word not in nothing) or typed
    ticked = tx.all(_TICKED)
    fits = [_fitting(tx, word, now_ms, names, ticked) for word in words]
    can = (
        {no for no, code in ticked if code == query.can or code.startswith(query.can + "-")}
        if query.can
        else None
    )
    rows = []
    for no, folded, place, north, east in tx.all(_EVERYBODY):
        km = km_between(query.place, north, east)
        if (query.km is not None and (km is None or km > query.km)) or (can is not None and no not in can):
            continue
        if query.only is not None and no not in query.only:
            continue
        by_name = [word in folded or _begins(word, _folded(place)) for word in words]
        fitting = sum(named or no in others for named, others in zip(by_name, fits, strict=True))
        if fitting or not words:
            far = km if words or query.km is not None or can is not None else None
            rows.append((-fitting, not any(by_name), far is None, far or 0, folded, no, km))
    most = -min((row[0] for row in rows), default=0)
    best = sorted(row for row in rows if -row[0] == most)
    skip = (query.page - 1) * PAGE_ROWS
    shown = [(member_by_no(tx, row[-2]), row[-1]) for row in best[skip : skip + PAGE_ROWS]]
    people = tuple((member, km) for member, km in shown if member is not None)
    return FoundPeople(people, len(best), bool(words) and 0 < most < len(words))


def _fitting(
    tx: ReadTx, word: str, now_ms: int, names: Mapping[str, str], ticked: list[Row]
) -> set[int]:  # fmt: skip
    """Return who can do, or offers, what a word begins."""
    pattern = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    codes = {code for code, name in names.items() if _begins(word, _folded(name))}
    found = {no for (no,) in tx.all(_CAN, beginning=f"{pattern}%", within=f"% {pattern}%")}
    found |= {no for no, code in ticked if code in codes}
    return found | {no for (no,) in tx.all(_OFFERING, words=word, now=now_ms)}


def _begins(word: str, folded: str) -> bool:
    return folded.startswith(word) or f" {word}" in folded
