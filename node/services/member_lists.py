"""Members as organisers list them: those to look after, each with the account. Queries only. Source: docs/pages.md 7.3."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, bindparam, exists, func, literal_column, or_, select

from node.services.accounts import load
from node.services.members import MEMBER_COLUMNS, Member, State, member_of_row, pattern_of
from node.store import ReadTx
from node.store.schema import books, desk, market, people
from protocol.ledger import Account
from protocol.limits import DAY_MS
from protocol.listing import State as Shown

QUIET_DAYS: Final = 90
LISTED_MAX: Final = 20_000  # in a table for a spreadsheet


class Which(StrEnum):
    """Whom a list shows."""

    ALL = ""
    NO_MAIL = "no-mail"
    NOT_SEEN = "quiet"  # not logged in for QUIET_DAYS
    NO_TRADE = "no-trade"  # nothing given or received for QUIET_DAYS
    NO_OFFERS = "no-offers"  # nothing of theirs can be found now, offer or want
    NEITHER = "neither"  # no offers and no trades
    BEYOND = "beyond"  # below or above a limit, as it is now
    TO_TELL = "to-tell"  # something waits for them on the letters list
    PAUSED = "paused"


_M: Final = people.member.c
_A: Final = books.account.c
_L: Final = market.listing.c
_LEG: Final = books.leg.c
_E: Final = books.entry.c
_SINCE: Final = _M.seen_ms < bindparam("since")
# Found once for all members: to look up when each of their trades was would read most of the book; “+ 0” as in `closing.py`.
_FIRST_SINCE: Final = select(func.min(_E.seq + 0)).where(_E.time >= bindparam("since")).scalar_subquery()
_TRADED: Final = exists().where(_LEG.account_no == _M.account_no, _LEG.entry_seq >= _FIRST_SINCE)
_LISTED: Final = exists().where(
    _L.member_no == _M.no,
    _L.state == literal_column(f"'{Shown.PUBLISHED.value}'"),
    _L.expires > bindparam("now"),
)
_WAITING: Final = exists().where(desk.paper_note.c.member_no == _M.no)
_BEYOND: Final = or_(
    _A.balance + _A.credit_limit - _A.held < 0, and_(_A.ceiling.is_not(None), _A.balance > _A.ceiling)
)
_LEFT_OUT: Final = _M.state != literal_column(f"'{State.LEFT.value}'")
_CONDITIONS: Final[dict[Which, ColumnElement[bool]]] = {
    Which.ALL: _LEFT_OUT,
    Which.NO_MAIL: _M.email.is_(None),
    Which.NOT_SEEN: _SINCE,
    Which.NO_TRADE: ~_TRADED,
    Which.NO_OFFERS: ~_LISTED,
    Which.NEITHER: and_(~_TRADED, ~_LISTED),
    Which.BEYOND: _BEYOND,
    Which.TO_TELL: _WAITING,
    Which.PAUSED: _M.state == literal_column(f"'{State.PAUSED.value}'"),
}
_MATCHING: Final = _M.folded.like(bindparam("pattern"), escape="\\")
_FROM: Final = people.member.join(books.account, _A.no == _M.account_no)
_LISTS: Final = {
    which: select(*MEMBER_COLUMNS)
    .select_from(_FROM)
    .where(_MATCHING, _LEFT_OUT, condition)
    .order_by(_M.folded, _M.no)
    .limit(bindparam("most"))
    .offset(bindparam("skip"))
    for which, condition in _CONDITIONS.items()
}
_COUNTS: Final = {
    which: select(func.count()).select_from(_FROM).where(_MATCHING, _LEFT_OUT, condition)
    for which, condition in _CONDITIONS.items()
}
_TIMES: Final[dict[Which, tuple[str, ...]]] = {
    Which.NOT_SEEN: ("since",), Which.NO_TRADE: ("since",), Which.NO_OFFERS: ("now",), Which.NEITHER: ("since", "now")
}  # fmt: skip
_LISTED_NOW: Final = (
    select(func.count())
    .select_from(market.listing)
    .where(
        _L.member_no == bindparam("no"), _L.state == literal_column(f"'{Shown.PUBLISHED.value}'"),
        _L.expires > bindparam("now"),
    )
)  # fmt: skip
_LAST_MOVED: Final = (
    select(_E.time)
    .select_from(books.leg.join(books.entry, _LEG.entry_seq == _E.seq))
    .where(_LEG.account_no == bindparam("account_no"))
    .order_by(_LEG.entry_seq.desc())
    .limit(1)
)


def list_members(
    tx: ReadTx, query: str, which: Which, now_ms: int, *, skip: int = 0, most: int = LISTED_MAX
) -> tuple[list[tuple[Member, Account]], int]:
    """Return members whose name or number holds `query`, by name, with their accounts; and how many there are in all."""
    times = {"since": now_ms - QUIET_DAYS * DAY_MS, "now": now_ms}
    what: dict[str, Any] = {
        "pattern": pattern_of(query),
        **{name: times[name] for name in _TIMES.get(which, ())},
    }
    rows = tx.all(_LISTS[which], **what, skip=skip, most=most)
    found = [member_of_row(row) for row in rows]
    return [(each, load(tx, each.account_no).value) for each in found], int(tx.scalar(_COUNTS[which], **what))


def count_members_in(tx: ReadTx, which: Which, now_ms: int) -> int:
    """Return how many members a list shows."""
    return list_members(tx, "", which, now_ms, most=0)[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """What a member does here."""

    listed: int  # offers and wants that can be found now
    moved_ms: int | None  # when something was last given or received


def read_doing(tx: ReadTx, member: Member, now_ms: int) -> Doing:
    """Return what a member does here."""
    return Doing(
        listed=int(tx.scalar(_LISTED_NOW, no=member.no, now=now_ms)),
        moved_ms=tx.scalar(_LAST_MOVED, account_no=member.account_no),
    )
