"""What happened in a scheme over a time, for its organisers: who helped whom, how balances spread, what is on the board.

Queries, and reckoning on their values; words are the page's. Trades that were put right count as if they had not been.
Source: docs/pages.md 7.3.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, func, literal_column, select

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
_MEMBERS: Final = (
    select(*MEMBER_COLUMNS, books.account.c.balance)
    .join_from(people.member, books.account, books.account.c.no == people.member.c.account_no)
    .order_by(people.member.c.folded, people.member.c.no)
)
_ON_THE_BOARD: Final = (
    select(_D.category, _D.kind, func.count())
    .where(_D.feed_no == 0, _D.expires > bindparam("now"))
    .group_by(_D.category, _D.kind)
)


class Month(NamedTuple):
    """What was traded from one moment until the next month begins."""

    start_ms: int
    trades: int
    moved: int  # minor units
    people: int  # of this scheme, who gave or got


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

    months: tuple[Month, ...]  # those with a trade, oldest first
    complete: bool  # whether those are all of that time
    helped: tuple[Helped, ...]  # everybody who traded, by name
    balances: tuple[int, ...]  # of members who can trade, rising
    board: Mapping[str, Mapping[str, int]]  # category → kind → how many
    without: Mapping[Which, int]  # members who do too little here, as they can be listed


def read_report(tx: ReadTx, edges: Sequence[int], to_ms: int, now_ms: int) -> Report:
    """Return what happened before a moment, month by month from each of `edges` (rising; one at least), and how it stands now."""
    rows = tx.all(_TRADES, from_ms=edges[0], to_ms=to_ms)
    months, done = reckon(rows[:TRADES_MAX], edges)
    members = [(member_of_row(row[:-1]), int(row[-1])) for row in tx.all(_MEMBERS)]
    board: dict[str, dict[str, int]] = {}
    for category, kind, count in tx.all(_ON_THE_BOARD, now=now_ms):
        board.setdefault(str(category), {})[str(kind)] = int(count)
    return Report(
        months=months,
        complete=len(rows) <= TRADES_MAX,
        helped=done.of([member for member, _ in members]),
        balances=tuple(sorted(balance for member, balance in members if member.state in MAY_TRADE)),
        board=board,
        without={which: count_members_in(tx, which, now_ms) for which in Which if which in _TOO_LITTLE},
    )


_TOO_LITTLE: Final = frozenset({Which.NO_OFFERS, Which.NO_TRADE, Which.NEITHER, Which.BEYOND})


class Done(NamedTuple):
    """What each account gave and got, by its number, in minor units."""

    gave: Mapping[int, int]
    got: Mapping[int, int]
    trades: Mapping[int, int]

    def of(self, members: Sequence[Member]) -> tuple[Helped, ...]:
        """Return what each of `members` did, without those who did nothing."""
        return tuple(
            Helped(each, self.gave.get(no, 0), self.got.get(no, 0), self.trades[no])
            for each in members
            if (no := each.account_no) in self.trades
        )


def reckon(rows: Iterable[Sequence[Any]], edges: Sequence[int]) -> tuple[tuple[Month, ...], Done]:
    """Return the months with a trade, and what everybody did: in one pass, for there may be TRADES_MAX rows.

    A row is the moment, who paid, who was paid (none of somebody of another scheme), and the amount.
    """
    gave: dict[int, int] = {}
    got: dict[int, int] = {}
    trades: dict[int, int] = {}
    counted: dict[int, list[int]] = {}
    met: dict[int, set[int]] = {}
    for at_ms, payer_no, payee_no, amount in rows:
        month = bisect_right(edges, at_ms) - 1
        if month not in counted:
            counted[month], met[month] = [0, 0], set()
        counted[month][0] += 1
        counted[month][1] += amount
        for no, sums in ((payee_no, gave), (payer_no, got)):
            if no is not None:
                sums[no] = sums.get(no, 0) + amount
                trades[no] = trades.get(no, 0) + 1
                met[month].add(no)
    months = tuple(Month(edges[at], counted[at][0], counted[at][1], len(met[at])) for at in sorted(counted))
    return months, Done(gave, got, trades)


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
