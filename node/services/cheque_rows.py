"""Envelopes of cheques and slips in the store: as values, how they are found, and how each slip stands.

Queries, and one end; what organisers do with them is in `cheques.py`.

Source: docs/pages.md 8.9; docs/protocol.md 7.11.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sqlalchemy import and_, bindparam, or_, select

from node.services.ask_rows import ask_by_no, end_ask
from node.services.cheque_check import NOT_TAKEN, WAS_FREED
from node.services.threads import WAITING
from node.store import ReadTx, Tx
from node.store.schema import asks, books, letters
from node.store.schema import desk as schema
from node.store.statements import Row
from protocol.asking import AskState, ask_state

_M: Final = letters.message.c
_LETTER: Final = select(_M.state).where(
    _M.thread_no == bindparam("thread_no"), _M.reference == bindparam("reference"), _M.mine.is_(True)
).order_by(_M.no).limit(1)  # fmt: skip


class Stands(StrEnum):
    """Where a slip is."""

    BOOKED = "booked"
    SET_ASIDE = "set-aside"  # ours gives, and the other scheme has not confirmed it yet
    LATE = "late"  # longer than usual
    SENT = "sent"  # on its way to its giver's scheme
    ASKED = "asked"  # there, and waits for a yes
    FREED = "freed"  # organisers freed its giver: the other scheme may still say that it was paid, so it is not sent anew
    UNDONE = "undone"  # back: nothing moved
    REFUSED = "refused"
    RAN_OUT = "ran-out"
    TAKEN_BACK = "taken-back"
    NOT_TAKEN = "not-taken"  # the letter: `why` is what was answered

    @property
    def on_its_way(self) -> bool:
        """Whether it waits for another scheme."""
        return self in (Stands.SET_ASIDE, Stands.LATE, Stands.SENT, Stands.ASKED)

    @property
    def is_back(self) -> bool:
        """Whether nothing moved and nothing will: it is to be sorted out again."""
        return self not in (Stands.BOOKED, Stands.FREED) and not self.on_its_way


_ENDED: Final = {
    AskState.PAID: Stands.BOOKED,
    AskState.DECLINED: Stands.REFUSED,
    AskState.WITHDRAWN: Stands.TAKEN_BACK,
    AskState.LAPSED: Stands.RAN_OUT,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a slip is, and why it came back."""

    stands: Stands
    trade_no: int | None = None
    why: str = ""


def _stands_of_trade(state: str, late: bool, reason: str | None) -> Stands:
    """Return where a slip is that became a trade."""
    if state == "undone":
        return Stands.FREED if reason in WAS_FREED else Stands.UNDONE
    if state == "set-aside":
        return Stands.LATE if late else Stands.SET_ASIDE
    return Stands.BOOKED


def _stands_of_ask(state: AskState, letter: str | None) -> Stands:
    """Return where a slip is that became a request, whose letter stands so."""
    if state is not AskState.ASKED:
        return _ENDED[state]
    if letter in NOT_TAKEN:
        return Stands.NOT_TAKEN
    return Stands.SENT if letter == WAITING else Stands.ASKED


def _of_trade(trade_no: int, state: str, late: bool, reason: str | None) -> Standing:
    stands = _stands_of_trade(state, late, reason)
    why = (reason or "") if state == "undone" else ""
    return Standing(stands, None if stands is Stands.UNDONE else trade_no, why)


def _of_ask(tx: ReadTx, ask_no: int | None, now_ms: int) -> Standing | None:
    """Return where a slip is that became this request, and why; None if it became none."""
    ask = None if ask_no is None else ask_by_no(tx, ask_no)
    if ask is None:
        return None
    tx.holds_until(ask.until_ms)
    state = ask.stands(now_ms)
    if state is not AskState.ASKED:
        return Standing(_stands_of_ask(state, None), ask.trade_no, ask.said)
    letter = tx.scalar(_LETTER, thread_no=ask.thread_no, reference=ask.id)
    stands = _stands_of_ask(state, letter)
    return Standing(stands, None, str(letter) if stands is Stands.NOT_TAKEN else "")


def end_unanswered(tx: Tx, ask_no: int, now_ms: int) -> None:
    """Unit: a slip that came back is sent anew; what nobody took or answered is no request any more."""
    ask = ask_by_no(tx, ask_no)
    if ask is not None and ask.state is AskState.ASKED:
        end_ask(tx, ask, AskState.WITHDRAWN, now_ms)


SLIPS_MAX: Final = 50
LISTED_MAX: Final = 30
COLUMNS: Final = ("scheme", "number", "day", "payer", "payee", "amount", "what")


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """One slip as it was typed, by column; in the books or on its way it stands as it is here."""

    row: int  # 1..SLIPS_MAX
    values: Mapping[str, str]
    by_name: str = ""
    dated: str = ""
    trade_no: int | None = None  # what it became, also if that came back undone
    ask_no: int | None = None
    paid_no: int | None = None  # the trade that it is in the books as, or is to be
    stands: Stands | None = None  # None: it was never written or sent
    why: str = ""  # why it is undone, was refused or not taken: a word of the other scheme, or theirs
    minor: int = 0  # what counts of it for the envelope, in minor units

    @property
    def waits(self) -> bool:
        """Whether it can be typed into: not in the books and not on its way, or back from it."""
        return self.stands is None or self.stands.is_back


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What is written on an envelope, as it was typed."""

    day: str
    place: str
    slips: str
    total: str
    same: Mapping[str, str] = field(default_factory=dict)  # what all slips share, by column


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """An envelope with its slips."""

    no: int
    envelope: Envelope
    by_name: str
    created_ms: int
    closed_ms: int | None
    rows: tuple[Typed, ...] = ()

    @property
    def left(self) -> int:
        """How many slips are to be sorted out: not in the books and not on their way."""
        return sum(row.waits for row in self.rows)

    @property
    def on_their_way(self) -> int:
        """How many slips wait for another scheme."""
        return sum(row.stands is not None and row.stands.on_its_way for row in self.rows)


class StillOut(Exception):
    """Something of the batch is on its way, and may come back to be sorted out."""


class BatchClosed(Exception):
    """The batch was put away, or there is none."""


_B: Final = schema.cheque_batch.c
_R: Final = schema.cheque_row.c
_BATCH: Final = select(
    _B.no, _B.day, _B.place, _B.slips, _B.total, _B.same, _B.by_name, _B.created_ms, _B.closed_ms, _B.once
)
_BY_NO: Final = _BATCH.where(_B.no == bindparam("no"))
_NEWEST: Final = _BATCH.order_by(_B.closed_ms.is_not(None), _B.no.desc()).limit(bindparam("most"))
_ROWS: Final = (
    select(
        _R.row,
        _R.scheme,
        _R.number,
        _R.day,
        _R.payer,
        _R.payee,
        _R.amount,
        _R.what,
        _R.by_name,
        _R.dated,
        _R.trade_no,
        _R.ask_no,
        _R.minor,
        books.trade.c.state,
        books.trade.c.late,
        books.trade.c.reason,
    )
    .select_from(schema.cheque_row.outerjoin(books.trade, books.trade.c.no == _R.trade_no))
    .where(_R.batch_no == bindparam("batch_no"))
    .order_by(_R.row)
)
# How everything stands that is on its way, or came back, in envelopes that are open.
_ALL_STANDING: Final = (
    select(
        _R.batch_no,
        _R.row,
        books.trade.c.state,
        books.trade.c.late,
        books.trade.c.reason,
        asks.ask.c.state,
        asks.ask.c.until_ms,
        _M.state,
    )
    .select_from(
        schema.cheque_row.join(schema.cheque_batch, _B.no == _R.batch_no)
        .outerjoin(books.trade, books.trade.c.no == _R.trade_no)
        .outerjoin(asks.ask, asks.ask.c.no == _R.ask_no)
        .outerjoin(letters.message, and_(_M.thread_no == asks.ask.c.thread_no, _M.reference == asks.ask.c.id))
    )
    .where(_B.closed_ms.is_(None), or_(books.trade.c.kind == "out", _R.ask_no.is_not(None)))
    .order_by(_R.batch_no, _R.row, _M.no)
)
# What a cheque of somebody elsewhere brought us, and what one of ours that was brought elsewhere took.
_OF_ASK: Final = (
    select(_R.number, _R.dated, _R.by_name)
    .select_from(schema.cheque_row.join(asks.ask, asks.ask.c.no == _R.ask_no))
    .where(asks.ask.c.trade_no == bindparam("trade_no"))
)
_OF_YES: Final = (
    select(asks.ask.c.cheque, asks.ask.c.dated, books.trade.c.entered_by)
    .select_from(asks.ask.join(books.trade, books.trade.c.once == asks.ask.c.answer_once))
    .where(books.trade.c.no == bindparam("trade_no"), asks.ask.c.cheque.is_not(None))
)
_OF_TRADE: Final = select(_R.number, _R.dated, _R.by_name).where(_R.trade_no == bindparam("trade_no"))


# --- Queries -----------------------------------------------------------------------------------------------------


def read_batch(tx: ReadTx, no: int, now_ms: int) -> Batch | None:
    """Return a batch with its slips."""
    row = tx.one(_BY_NO, no=no)
    return None if row is None else _batch_of(tx, row, now_ms)


def open_batch(tx: ReadTx, no: int, now_ms: int) -> Batch:
    """Return a batch in which something can still be done. Raises BatchClosed."""
    batch = read_batch(tx, no, now_ms)
    if batch is None or batch.closed_ms is not None:
        raise BatchClosed
    return batch


def newest_batches(tx: ReadTx, now_ms: int, most: int = LISTED_MAX) -> list[Batch]:
    """Return batches, those with something to do first, newest first."""
    return [_batch_of(tx, row, now_ms) for row in tx.all(_NEWEST, most=most)]


def all_standing(tx: ReadTx) -> list[Row]:
    """Return how every slip stands that went to another scheme, in envelopes that are open: it changes when one of them does."""
    return tx.all(_ALL_STANDING)


def count_back(tx: ReadTx, now_ms: int) -> int:
    """Return how many slips came back from other schemes and wait to be sorted out, in envelopes that are open."""
    back = set()
    for batch_no, row, trade, late, reason, ask, until_ms, letter in all_standing(tx):
        stands = (
            _stands_of_ask(ask_state(AskState(ask), until_ms, now_ms), letter)
            if trade is None
            else _stands_of_trade(trade, late, reason)
        )
        if stands.is_back:
            back.add((batch_no, row))
    return len(back)


def _batch_of(tx: ReadTx, row: Row, now_ms: int) -> Batch:
    no, day, place, slips, total, same, by_name, created_ms, closed_ms, _ = row
    return Batch(
        no=no,
        envelope=Envelope(
            day=str(day), place=str(place), slips=str(slips), total=str(total), same=json.loads(str(same))
        ),
        by_name=str(by_name),
        created_ms=created_ms,
        closed_ms=closed_ms,
        rows=tuple(_typed(tx, each, now_ms) for each in tx.all(_ROWS, batch_no=no)),
    )


def _typed(tx: ReadTx, row: Row, now_ms: int) -> Typed:
    (
        at,
        scheme,
        number,
        day,
        payer,
        payee,
        amount,
        what,
        by_name,
        dated,
        trade_no,
        ask_no,
        minor,
        state,
        late,
        reason,
    ) = row
    typed = (scheme, number, day, payer, payee, amount, what)
    found = _of_ask(tx, ask_no, now_ms) if trade_no is None else _of_trade(trade_no, state, late, reason)
    return Typed(
        row=at,
        values={name: str(value) for name, value in zip(COLUMNS, typed, strict=True)},
        by_name=str(by_name),
        dated=str(dated or ""),
        trade_no=trade_no,
        ask_no=ask_no,
        paid_no=None if found is None else found.trade_no,
        stands=None if found is None else found.stands,
        why="" if found is None else found.why,
        minor=minor or 0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FromPaper:
    """The cheque or slip that a trade was entered from."""

    number: str  # "" for a slip without one
    dated: str  # 2026-03-04
    by_name: str


def paper_of(tx: ReadTx, trade_no: int) -> FromPaper | None:
    """Return what a trade was entered from, if it was entered from paper, here or by the desk of another scheme."""
    row = (
        tx.one(_OF_TRADE, trade_no=trade_no)
        or tx.one(_OF_ASK, trade_no=trade_no)
        or tx.one(_OF_YES, trade_no=trade_no)
    )
    return None if row is None else FromPaper(number=row[0], dated=row[1], by_name=row[2])
