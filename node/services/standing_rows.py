"""Standing orders in the store: as values, how they are found, and how they are written down.

Units and queries only; what members and the days do with them is in `standing.py`. Source: docs/protocol.md 3.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import bindparam, func, insert, select, update

from node.store import ReadTx, Tx
from node.store.schema import standing as schema
from node.store.statements import Row
from protocol.standing import Every, LeftOutBecause, Standing, StandingState

LISTED_MAX: Final = 40

_S: Final = schema.standing.c
_COLUMNS: Final = (
    _S.no, _S.id, _S.payer_no, _S.payee_no, _S.amount, _S.text, _S.every, _S.first_day, _S.times, _S.last_day, _S.state,
    _S.turn, _S.waiting_since, _S.hindrance, _S.proved_by, _S.created_ms, _S.ended_ms, _S.ended_by,
)  # fmt: skip
_ORDERS: Final = select(*_COLUMNS)
_BY_NO: Final = _ORDERS.where(_S.no == bindparam("no"))
_BY_ONCE: Final = _ORDERS.where(_S.once == bindparam("once"))
_RUNS: Final = _S.state == StandingState.RUNNING.value
_OF_PAYER: Final = (
    _ORDERS.where(_S.payer_no == bindparam("account_no"))
    .order_by(_RUNS.desc(), _S.no.desc())
    .limit(LISTED_MAX)
)
_WAITING: Final = _ORDERS.where(
    _S.payer_no == bindparam("account_no"), _RUNS, _S.waiting_since.is_not(None)
).order_by(_S.no)
_COUNT: Final = (
    select(func.count()).select_from(schema.standing).where(_S.payer_no == bindparam("account_no"), _RUNS)
)
_DUE: Final = select(_S.no).where(_S.next_day <= bindparam("today")).order_by(_S.next_day, _S.no)
_NEW: Final = insert(schema.standing)
_CHANGED: Final = (
    update(schema.standing)
    .where(_S.no == bindparam("which"))
    .values(
        state=bindparam("new_state"), turn=bindparam("new_turn"), next_day=bindparam("new_next_day"),
        waiting_since=bindparam("new_waiting_since"), hindrance=bindparam("new_hindrance"),
        ended_ms=bindparam("new_ended_ms"), ended_by=bindparam("new_ended_by"),
    )
)  # fmt: skip
_T: Final = schema.standing_turn.c
_NEW_TURN: Final = insert(schema.standing_turn)
_TURNS: Final = (
    select(_T.turn, _T.day, _T.trade_no, _T.why, _T.hindrance, _T.at_ms)
    .where(_T.standing_no == bindparam("no"))
    .order_by(_T.turn.desc())
    .limit(bindparam("most"))
)


class Hindrance(StrEnum):
    """What is in the way of a turn."""

    TOO_FAR = "too-far"  # it would take the payer too far behind
    NO_ROOM = "no-room"  # it would take the payee too far ahead
    PAYER_PAUSED = "payer-paused"
    PAYEE_PAUSED = "payee-paused"


class EndedBy(StrEnum):
    """Who ended an order before its last turn."""

    NOBODY = ""
    PAYER = "payer"
    CLOSED = "closed"  # one of the two has left
    NOTHING_LEFT = "nothing-left"  # the loan it pays back is paid back, or forgiven


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A standing order as stored."""

    no: int
    id: bytes
    payer_no: int
    payee_no: int
    text: str
    standing: Standing
    hindrance: Hindrance | None
    proved_by: str
    created_ms: int
    ended_ms: int | None
    ended_by: EndedBy


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What became of one turn."""

    turn: int
    day: int  # on which it was due
    trade_no: int | None  # what paid it
    why: LeftOutBecause | None  # it was left out
    hindrance: Hindrance | None
    at_ms: int


def _order(row: Row) -> Order:
    (
        no, id_, payer_no, payee_no, amount, text, every, first_day, times, last_day, state, turn, waiting_since, hindrance,
        proved_by, created_ms, ended_ms, ended_by,
    ) = row  # fmt: skip
    standing = Standing(
        amount=amount, every=Every(every), first=first_day, times=times, last=last_day, state=StandingState(state),
        turn=turn, waiting_since=waiting_since,
    )  # fmt: skip
    return Order(
        no=no, id=id_, payer_no=payer_no, payee_no=payee_no, text=text, standing=standing,
        hindrance=Hindrance(hindrance) if hindrance else None, proved_by=proved_by, created_ms=created_ms,
        ended_ms=ended_ms, ended_by=EndedBy(ended_by),
    )  # fmt: skip


# --- reading --------------------------------------------------------------------------------------------------


def order_by_no(tx: ReadTx, no: int) -> Order | None:
    """Return an order, whoever's it is."""
    row = tx.one(_BY_NO, no=no)
    return None if row is None else _order(row)


def order_by_once(tx: ReadTx, once: bytes) -> Order | None:
    """Return the order a form's key made."""
    row = tx.one(_BY_ONCE, once=once)
    return None if row is None else _order(row)


def own_order(tx: ReadTx, no: int, account_no: int) -> Order | None:
    """Return an order of this payer; None whoever else's it is."""
    found = order_by_no(tx, no)
    return found if found is not None and found.payer_no == account_no else None


def orders_of(tx: ReadTx, account_no: int) -> list[Order]:
    """Return a payer's orders: those that run first, then the newest."""
    return [_order(row) for row in tx.all(_OF_PAYER, account_no=account_no)]


def orders_waiting(tx: ReadTx, account_no: int) -> list[Order]:
    """Return a payer's orders whose turn could not be paid yet."""
    return [_order(row) for row in tx.all(_WAITING, account_no=account_no)]


def count_running(tx: ReadTx, account_no: int) -> int:
    """Return how many orders of a payer run."""
    return int(tx.scalar(_COUNT, account_no=account_no))


def orders_due(tx: ReadTx, today: int) -> list[int]:
    """Return the orders whose next turn is due on this day, the one that waits longest first."""
    return [row[0] for row in tx.all(_DUE, today=today)]


def turns_of(tx: ReadTx, no: int, most: int) -> list[Turn]:
    """Return what became of an order's turns, the newest first."""
    return [
        Turn(
            turn=turn, day=day, trade_no=trade_no, why=LeftOutBecause(why) if why else None,
            hindrance=Hindrance(hindrance) if hindrance else None, at_ms=at_ms,
        )
        for turn, day, trade_no, why, hindrance, at_ms in tx.all(_TURNS, no=no, most=most)
    ]  # fmt: skip


# --- writing --------------------------------------------------------------------------------------------------


def put_order(
    tx: Tx, standing: Standing, *, id_: bytes, payer_no: int, payee_no: int, text: str, proved_by: str, once: bytes,
    now_ms: int,
) -> Order:  # fmt: skip
    """Unit: write a new order down."""
    no = tx.insert(
        _NEW, id=id_, payer_no=payer_no, payee_no=payee_no, amount=standing.amount, text=text, every=standing.every.value,
        first_day=standing.first, times=standing.times, last_day=standing.last, state=standing.state.value,
        turn=standing.turn, next_day=standing.next_day, waiting_since=None, hindrance="", proved_by=proved_by, once=once,
        created_ms=now_ms, ended_ms=None, ended_by=EndedBy.NOBODY.value,
    )  # fmt: skip
    made = order_by_no(tx, no)
    assert made is not None
    return made


def change_order(
    tx: Tx, no: int, after: Standing, now_ms: int, *, hindrance: Hindrance | None, ended_by: EndedBy
) -> None:  # fmt: skip
    """Unit: write down where an order stands now."""
    runs = after.state is StandingState.RUNNING
    tx.run(
        _CHANGED, which=no, new_state=after.state.value, new_turn=after.turn, new_next_day=after.next_day,
        new_waiting_since=after.waiting_since, new_hindrance="" if hindrance is None else hindrance.value,
        new_ended_ms=None if runs else now_ms, new_ended_by=ended_by.value,
    )  # fmt: skip


def put_turn(tx: Tx, no: int, turn: Turn) -> None:
    """Unit: write down what became of a turn; there is one such row for each."""
    tx.run(
        _NEW_TURN, standing_no=no, turn=turn.turn, day=turn.day, trade_no=turn.trade_no,
        why="" if turn.why is None else turn.why.value,
        hindrance="" if turn.hindrance is None else turn.hindrance.value, at_ms=turn.at_ms,
    )  # fmt: skip
