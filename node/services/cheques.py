"""Cheques and slips that organisers enter from paper, an envelope at a time.

What was typed is kept as it was typed, until it is right: then it is written into the books, each slip once, and
everybody concerned is told. Who typed a slip stays with it. What is wrong with one is found in `cheque_check.py`.
Source: docs/pages.md 8.9; docs/protocol.md 3.5.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from sqlalchemy import bindparam, delete, insert, select, update

from node.clock import Clock
from node.services.acts import Actor, Deed, Work, note_act
from node.services.asks import part_of
from node.services.cheque_check import Judged, Slip, judge, key_of
from node.services.telling import Telling
from node.services.trades import NewTrade, Trades
from node.store import ReadTx, Store, Tx
from node.store.schema import desk as schema
from node.store.statements import Row

SLIPS_MAX: Final = 50
LISTED_MAX: Final = 30
COLUMNS: Final = ("number", "day", "payer", "payee", "amount", "what")


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """One slip as it was typed, by column; with `trade_no` it is in the books as it stands here."""

    row: int  # 1..SLIPS_MAX
    values: Mapping[str, str]
    by_name: str = ""
    dated: str = ""
    trade_no: int | None = None


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
        """How many slips are not in the books."""
        return sum(row.trade_no is None for row in self.rows)


class BatchClosed(Exception):
    """The batch was put away, or there is none."""


_B: Final = schema.cheque_batch.c
_R: Final = schema.cheque_row.c
_BATCH: Final = select(
    _B.no, _B.day, _B.place, _B.slips, _B.total, _B.same, _B.by_name, _B.created_ms, _B.closed_ms, _B.once
)
_BY_NO: Final = _BATCH.where(_B.no == bindparam("no"))
_OF_ONCE: Final = select(_B.no).where(_B.once == bindparam("once"))
_NEWEST: Final = _BATCH.order_by(_B.closed_ms.is_not(None), _B.no.desc()).limit(bindparam("most"))
_ROWS: Final = (
    select(
        _R.row, _R.number, _R.day, _R.payer, _R.payee, _R.amount, _R.what, _R.by_name, _R.dated, _R.trade_no
    )
    .where(_R.batch_no == bindparam("batch_no"))
    .order_by(_R.row)
)
_NEW_BATCH: Final = insert(schema.cheque_batch)
_ENVELOPE: Final = (
    update(schema.cheque_batch)
    .where(_B.no == bindparam("which"))
    .values({name: bindparam(f"new_{name}") for name in ("day", "place", "slips", "total", "same")})
)
_CLOSE: Final = (
    update(schema.cheque_batch).where(_B.no == bindparam("which")).values(closed_ms=bindparam("now"))
)
_NEW_ROW: Final = insert(schema.cheque_row)
_NO_ROW: Final = delete(schema.cheque_row).where(
    _R.batch_no == bindparam("of_batch"), _R.row == bindparam("which"), _R.trade_no.is_(None)
)
_POSTED: Final = (
    update(schema.cheque_row)
    .where(_R.batch_no == bindparam("of_batch"), _R.row == bindparam("which"))
    .values(trade_no=bindparam("new_trade_no"), dated=bindparam("new_dated"))
)
_OF_TRADE: Final = select(_R.number, _R.dated, _R.by_name).where(_R.trade_no == bindparam("trade_no"))


class Cheques:
    """See the head of this file."""

    def __init__(self, *, store: Store, clock: Clock, trades: Trades, telling: Telling):
        self._store: Final = store
        self._clock: Final = clock
        self._trades: Final = trades
        self._telling: Final = telling

    async def begin(self, by: Actor, envelope: Envelope, once: bytes) -> int:
        """Begin an envelope; the same form sent twice begins it once. Return its number."""
        by.must_do(Work.PEOPLE)
        return await self._store.write(self._begin, by, envelope, once)

    def _begin(self, tx: Tx, by: Actor, envelope: Envelope, once: bytes) -> int:
        known = tx.scalar(_OF_ONCE, once=once)
        if known is not None:
            return int(known)
        return tx.insert(
            _NEW_BATCH, day=envelope.day, place=envelope.place, slips=envelope.slips, total=envelope.total,
            same=json.dumps(dict(envelope.same)), once=once, by_no=by.no, by_name=by.name,
            created_ms=self._clock.now_ms(), closed_ms=None,
        )  # fmt: skip

    async def save(
        self, by: Actor, no: int, envelope: Envelope, rows: Sequence[Typed], slips: Sequence[Slip]
    ) -> None:
        """Keep a batch as it was typed; what is in the books stays. `slips` says how `rows` were read. Raises BatchClosed."""
        by.must_do(Work.PEOPLE)
        await self._store.write(self._save, by, no, envelope, rows, slips)

    def _save(
        self, tx: Tx, by: Actor, no: int, envelope: Envelope, rows: Sequence[Typed], slips: Sequence[Slip]
    ) -> Batch:
        batch = open_batch(tx, no)
        known, read = {row.row: row for row in batch.rows}, {slip.row: slip for slip in slips}
        if envelope != batch.envelope:
            tx.run(
                _ENVELOPE, which=no, new_day=envelope.day, new_place=envelope.place, new_slips=envelope.slips,
                new_total=envelope.total, new_same=json.dumps(dict(envelope.same)),
            )  # fmt: skip
        for row in rows:
            old = known.get(row.row)
            if old is not None and (old.trade_no is not None or old.values == row.values):
                continue
            if old is not None:
                tx.run(_NO_ROW, of_batch=no, which=row.row)
            if any(row.values.values()):
                slip = read.get(row.row)
                tx.run(
                    _NEW_ROW, batch_no=no, row=row.row, **row.values, key=key_of(row.values["number"]),
                    payer_no=None if slip is None else slip.payer, payee_no=None if slip is None else slip.payee,
                    by_no=by.no, by_name=by.name, dated=None, trade_no=None,
                )  # fmt: skip
        return open_batch(tx, no)

    async def post(
        self, by: Actor, no: int, envelope: Envelope, rows: Sequence[Typed], slips: Sequence[Slip], today: date
    ) -> list[Judged]:  # fmt: skip
        """Write every good slip into the books, in one unit and each once; return what is wrong with the others.

        A slip that is in the books already is left alone, however often the same page is sent. Raises BatchClosed.
        """
        by.must_do(Work.PEOPLE)
        return await self._store.write(self._post, by, no, envelope, rows, slips, today)

    def _post(
        self, tx: Tx, by: Actor, no: int, envelope: Envelope, rows: Sequence[Typed], slips: Sequence[Slip],
        today: date,
    ) -> list[Judged]:  # fmt: skip
        batch = self._save(tx, by, no, envelope, rows, slips)
        once = bytes(tx.one(_BY_NO, no=no)[-1])  # type: ignore[index]  # it was just read
        waiting = {row.row for row in batch.rows if row.trade_no is None}
        judged = judge(tx, [slip for slip in slips if slip.row in waiting], today)
        for each in judged:
            if each.good:
                self._enter(tx, by, no, each, part_of(once, each.slip.row))
        return [each for each in judged if not each.good]

    def _enter(self, tx: Tx, by: Actor, no: int, judged: Judged, once: bytes) -> None:
        slip, payer, payee = judged.slip, judged.payer, judged.payee
        assert payer is not None
        assert payee is not None
        assert slip.amount is not None
        assert slip.day is not None
        dated = slip.day.isoformat()
        trade = self._trades.record_in(
            tx,
            NewTrade(
                payer_no=payer.account_no, payee_no=payee.account_no, amount=slip.amount, text=slip.what,
                entered_by=by.name, proved_by="broker", once=once, payer_name=payer.name, payee_name=payee.name,
                on_behalf_of=payer.name, reason=f"cheque {slip.number}, {dated}" if slip.number else f"slip, {dated}",
            ),
        )  # fmt: skip
        tx.run(_POSTED, of_batch=no, which=slip.row, new_trade_no=trade.no, new_dated=dated)
        note_act(
            tx, by, Deed.CHEQUE, now_ms=self._clock.now_ms(), for_no=payer.no, detail=slip.number, why=slip.what
        )  # fmt: skip
        for member, other, given in ((payer, payee, True), (payee, payer, False)):
            self._telling.entered(
                tx, trade, member=member, other=other.name, given=given, by=by, number=slip.number, day=slip.day
            )  # fmt: skip

    async def close(self, by: Actor, no: int) -> None:
        """Put a batch away; what is not in the books stays with it, to look up. Raises BatchClosed."""
        by.must_do(Work.PEOPLE)
        await self._store.write(self._close, no)

    def _close(self, tx: Tx, no: int) -> None:
        open_batch(tx, no)
        tx.run(_CLOSE, which=no, now=self._clock.now_ms())


# --- Queries -----------------------------------------------------------------------------------------------------


def read_batch(tx: ReadTx, no: int) -> Batch | None:
    """Return a batch with its slips."""
    row = tx.one(_BY_NO, no=no)
    return None if row is None else _batch_of(tx, row)


def open_batch(tx: ReadTx, no: int) -> Batch:
    """Return a batch in which something can still be done. Raises BatchClosed."""
    batch = read_batch(tx, no)
    if batch is None or batch.closed_ms is not None:
        raise BatchClosed
    return batch


def newest_batches(tx: ReadTx, most: int = LISTED_MAX) -> list[Batch]:
    """Return batches, those with something to do first, newest first."""
    return [_batch_of(tx, row) for row in tx.all(_NEWEST, most=most)]


def _batch_of(tx: ReadTx, row: Row) -> Batch:
    no, day, place, slips, total, same, by_name, created_ms, closed_ms, _ = row
    return Batch(
        no=no,
        envelope=Envelope(
            day=str(day), place=str(place), slips=str(slips), total=str(total), same=json.loads(str(same))
        ),
        by_name=str(by_name),
        created_ms=created_ms,
        closed_ms=closed_ms,
        rows=tuple(_typed(each) for each in tx.all(_ROWS, batch_no=no)),
    )


def _typed(row: Row) -> Typed:
    at, number, day, payer, payee, amount, what, by_name, dated, trade_no = row
    typed = (number, day, payer, payee, amount, what)
    return Typed(
        row=at,
        values={name: str(value) for name, value in zip(COLUMNS, typed, strict=True)},
        by_name=str(by_name),
        dated=str(dated or ""),
        trade_no=trade_no,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FromPaper:
    """The cheque or slip that a trade was entered from."""

    number: str  # "" for a slip without one
    dated: str  # 2026-03-04
    by_name: str


def paper_of(tx: ReadTx, trade_no: int) -> FromPaper | None:
    """Return what a trade was entered from, if it was entered from paper."""
    row = tx.one(_OF_TRADE, trade_no=trade_no)
    return None if row is None else FromPaper(number=row[0], dated=row[1], by_name=row[2])
