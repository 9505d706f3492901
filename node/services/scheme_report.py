"""What happened in a scheme over a time, for its organisers: who helped whom, how balances spread, what is on the board.

Queries, and reckoning on their values; words are the page's. Trades that were put right count as if they had not been.
Source: docs/pages.md 7.3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import bindparam, func, literal_column, select

from node.services.accounts import load
from node.services.member_lists import Which, count_members_in
from node.services.members import MAY_TRADE, MEMBER_COLUMNS, Member, member_of_row
from node.store import ReadTx
from node.store.schema import books, market, people

TRADES_MAX: Final = 200_000  # in one report
BINS_MAX: Final = 12
_NICE: Final = (1, 2, 5)

_T: Final = books.trade.c
_D: Final = market.search_doc.c
_TRADES: Final = (
    select(_T.created_ms, _T.payer_no, _T.payee_no, _T.amount)
    .where(
        _T.created_ms >= bindparam("from_ms"),
        _T.created_ms < bindparam("to_ms"),
        _T.state == literal_column("'done'"),
        _T.corrects_no.is_(None),
    )
    .order_by(_T.no.desc())
    .limit(TRADES_MAX + 1)
)
_MEMBERS: Final = select(*MEMBER_COLUMNS).order_by(people.member.c.folded, people.member.c.no)
_ON_THE_BOARD: Final = (
    select(_D.category, _D.kind, func.count())
    .where(_D.feed_no == 0, _D.expires > bindparam("now"))
    .group_by(_D.category, _D.kind)
)


class Moved(NamedTuple):
    """One trade; a side of another scheme has no account here."""

    at_ms: int
    payer_no: int | None
    payee_no: int | None
    amount: int  # minor units


class Helped(NamedTuple):
    """What one member gave and got of others' help in that time, in minor units."""

    member: Member
    gave: int  # help, for which units came
    got: int
    trades: int


class Bin(NamedTuple):
    """Members whose balance is `low` or more and below `high`."""

    low: int
    high: int
    members: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """See the head of this file."""

    moves: tuple[Moved, ...]  # oldest first
    complete: bool  # whether those are all of that time
    helped: tuple[Helped, ...]  # everybody who traded, by name
    balances: tuple[int, ...]  # of members who can trade, rising
    board: Mapping[str, Mapping[str, int]]  # category → kind → how many
    without: Mapping[Which, int]  # members who do too little here, as they can be listed


def read_report(tx: ReadTx, from_ms: int, to_ms: int, now_ms: int) -> Report:
    """Return what happened from a moment until before another, and how it stands now."""
    rows = tx.all(_TRADES, from_ms=from_ms, to_ms=to_ms)
    moves = tuple(Moved(*row) for row in reversed(rows[:TRADES_MAX]))
    members = [member_of_row(row) for row in tx.all(_MEMBERS)]
    board: dict[str, dict[str, int]] = {}
    for category, kind, count in tx.all(_ON_THE_BOARD, now=now_ms):
        board.setdefault(str(category), {})[str(kind)] = int(count)
    return Report(
        moves=moves,
        complete=len(rows) <= TRADES_MAX,
        helped=helped_of(moves, members),
        balances=tuple(
            sorted(load(tx, each.account_no).value.balance for each in members if each.state in MAY_TRADE)
        ),
        board=board,
        without={which: count_members_in(tx, which, now_ms) for which in Which if which in _TOO_LITTLE},
    )


_TOO_LITTLE: Final = frozenset({Which.NO_OFFERS, Which.NO_TRADE, Which.NEITHER, Which.BEYOND})


def helped_of(moves: Sequence[Moved], members: Sequence[Member]) -> tuple[Helped, ...]:
    """Return what each of `members` gave and got, without those who did neither."""
    gave: Counter[int] = Counter()
    got: Counter[int] = Counter()
    trades: Counter[int] = Counter()
    for move in moves:
        for no, sums in ((move.payee_no, gave), (move.payer_no, got)):
            if no is not None:
                sums[no] += move.amount
                trades[no] += 1
    return tuple(
        Helped(
            member=each, gave=gave[each.account_no], got=got[each.account_no], trades=trades[each.account_no]
        )
        for each in members
        if trades[each.account_no]
    )


def bins_of(balances: Sequence[int], unit: int) -> tuple[Bin, ...]:
    """Return how many balances lie where, in at most BINS_MAX steps of 1, 2 or 5 times a power of ten of `unit`.

    Zero is always the edge of a step, so that who is ahead stands apart from who is behind.
    """
    if not balances:
        return ()
    step = next(
        size * unit * 10**power
        for power in range(20)
        for size in _NICE
        if balances[-1] // (size * unit * 10**power) - balances[0] // (size * unit * 10**power) < BINS_MAX
    )
    counts = Counter(balance // step for balance in balances)
    return tuple(
        Bin(low=at * step, high=(at + 1) * step, members=counts[at])
        for at in range(balances[0] // step, balances[-1] // step + 1)
    )
