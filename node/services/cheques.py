"""Cheques and slips that organisers enter from paper, an envelope at a time.

What was typed is kept as it was typed, until it is right: then it is written into the books, each slip once, and
everybody concerned is told. Who typed a slip stays with it. What is wrong with one is found in `cheque_check.py`, how one
with another scheme stands in `cheque_rows.py`, and what happens between the schemes is in `cheques_abroad.py`.
Source: docs/pages.md 8.9; docs/protocol.md 3.5, 7.11.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import bindparam, delete, insert, or_, select, update

from crypto.digest import tagged
from node.clock import Clock
from node.services.acts import Actor, Deed, Work, note_act
from node.services.asks import ONCE_BYTES, part_of
from node.services.cheque_check import WAS_FREED, Judged, Slip, Wrong, judge
from node.services.cheque_rows import (
    Batch,
    BatchClosed,
    Envelope,
    StillOut,
    Typed,
    end_unanswered,
    open_batch,
)
from node.services.cheques_abroad import ChequesAbroad
from node.services.settlement import CannotPay, NoPayment
from node.services.telling import Telling
from node.services.trades import NewTrade, Trades, trade_by_no
from node.store import ReadTx, Store, Tx
from node.store.schema import books
from node.store.schema import desk as schema

_B: Final = schema.cheque_batch.c
_R: Final = schema.cheque_row.c
_T: Final = books.trade.c
_OF_ONCE: Final = select(_B.no).where(_B.once == bindparam("once"))
_ONCE_OF: Final = select(_B.once).where(_B.no == bindparam("no"))
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
    _R.batch_no == bindparam("of_batch"), _R.row == bindparam("which")
)
_POSTED: Final = (
    update(schema.cheque_row)
    .where(_R.batch_no == bindparam("of_batch"), _R.row == bindparam("which"))
    .values(
        trade_no=bindparam("new_trade_no"), ask_no=bindparam("new_ask_no"), dated=bindparam("new_dated"),
        minor=bindparam("new_minor"), key=bindparam("new_key"),
    )
)  # fmt: skip
_COME_BACK: Final = select(_T.no).where(
    _T.state == "undone", or_(_T.reason.is_(None), _T.reason.not_in(WAS_FREED))
)
# A number whose payment came back undone is free for the next slip that has it.
_FREE_KEY: Final = (
    update(schema.cheque_row)
    .where(_R.key == bindparam("which_key"), _R.trade_no.in_(_COME_BACK))
    .values(key="")
)
_STATE_OF: Final = select(_T.state).where(_T.once == bindparam("once"))


class Cheques:
    """See the head of this file."""

    def __init__(
        self, *, store: Store, clock: Clock, trades: Trades, telling: Telling, abroad: Callable[[], ChequesAbroad]
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._trades: Final = trades
        self._telling: Final = telling
        self._abroad: Final = abroad

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
        batch = open_batch(tx, no, self._clock.now_ms())
        known, read = {row.row: row for row in batch.rows}, {slip.row: slip for slip in slips}
        if envelope != batch.envelope:
            tx.run(
                _ENVELOPE, which=no, new_day=envelope.day, new_place=envelope.place, new_slips=envelope.slips,
                new_total=envelope.total, new_same=json.dumps(dict(envelope.same)),
            )  # fmt: skip
        for row in rows:
            old = known.get(row.row)
            if old is not None and (not old.waits or old.values == row.values):
                continue
            if old is not None:
                tx.run(_NO_ROW, of_batch=no, which=row.row)
            if any(row.values.values()):
                slip = read.get(row.row)
                tx.run(
                    _NEW_ROW, batch_no=no, row=row.row, **row.values, key="" if slip is None or (old is not None and old.trade_no is not None) else slip.key,
                    payer_no=None if slip is None else slip.payer, payee_no=None if slip is None else slip.payee,
                    by_no=by.no, by_name=by.name, dated=None, minor=None,
                    trade_no=None if old is None else old.trade_no, ask_no=None if old is None else old.ask_no,
                )  # fmt: skip
        return open_batch(tx, no, self._clock.now_ms())

    async def post(
        self, by: Actor, no: int, envelope: Envelope, rows: Sequence[Typed], slips: Sequence[Slip], today: date
    ) -> list[Judged]:  # fmt: skip
        """Write every good slip into the books, in one unit and each once; return what is wrong with the others.

        What pays somebody of another scheme is sent on its way after that, each in a unit of its own. A slip that is in
        the books or on its way is left alone, however often the same page is sent. Raises BatchClosed.
        """
        by.must_do(Work.PEOPLE)
        judged, once = await self._store.write(self._post, by, no, envelope, rows, slips, today)
        priced = await self._abroad().priced([each for each in judged if each.pays_abroad])
        typed = {row.row: row for row in rows}
        begun, bad = [], [each for each in (*judged, *priced) if not each.good]
        for each in priced:
            if not each.good:
                continue
            sent = _Sent(self, by, no, typed[each.slip.row], each, today)
            outcome = await self._abroad().pay(
                by, each, await self._store.read(_next_once, each.slip.row, once), sent
            )
            if isinstance(outcome, Wrong):
                bad.append(each.refused("scheme", outcome))
            else:
                begun.append(outcome)
        await self._abroad().wait(begun)
        return bad

    def _post(
        self, tx: Tx, by: Actor, no: int, envelope: Envelope, rows: Sequence[Typed], slips: Sequence[Slip],
        today: date,
    ) -> tuple[list[Judged], bytes]:  # fmt: skip
        batch = self._save(tx, by, no, envelope, rows, slips)
        once = bytes(tx.scalar(_ONCE_OF, no=no))
        waiting = {row.row: row for row in batch.rows if row.waits}
        judged = judge(tx, [slip for slip in slips if slip.row in waiting], today, self._clock.now_ms())
        return [self._do(tx, by, no, each, waiting[each.slip.row], once) for each in judged], once

    def _do(self, tx: Tx, by: Actor, no: int, judged: Judged, typed: Typed, once: bytes) -> Judged:
        """Write a good slip into the books, or send it to its giver's scheme; return what is wrong if it is not done."""
        if not judged.good or judged.pays_abroad:
            return judged
        if judged.slip.abroad is None:
            self._enter(tx, by, no, judged, part_of(once, judged.slip.row))
            return judged
        assert judged.payee is not None
        assert judged.slip.day is not None
        slip, abroad = judged.slip, judged.slip.abroad
        if typed.ask_no is not None:
            end_unanswered(tx, typed.ask_no, self._clock.now_ms())
        why = self._abroad().why_not(tx, judged.payee, abroad, slip.what, slip.number)
        if why is not None:
            return judged.refused("scheme", why)
        ask = self._abroad().send_in(
            tx, by, judged.payee, abroad, number=slip.number, day=judged.slip.day, what=slip.what
        )
        self.note_sent(tx, no, slip, ask_no=ask.no)
        return judged

    def note_sent(
        self, tx: Tx, no: int, slip: Slip, *, trade_no: int | None = None, ask_no: int | None = None
    ) -> None:  # fmt: skip
        """Unit: note what a slip became."""
        assert slip.day is not None
        if slip.key:
            tx.run(_FREE_KEY, which_key=slip.key)
        tx.run(
            _POSTED, of_batch=no, which=slip.row, new_trade_no=trade_no, new_ask_no=ask_no, new_minor=slip.amount,
            new_dated=slip.day.isoformat(), new_key=slip.key,
        )  # fmt: skip

    def note_paid(self, tx: Tx, by: Actor, no: int, judged: Judged, trade_no: int) -> None:
        """Unit: a slip pays somebody of another scheme; its giver is told."""
        slip, payer = judged.slip, judged.payer
        assert slip.day is not None
        assert payer is not None
        self.note_sent(tx, no, slip, trade_no=trade_no)
        note_act(
            tx, by, Deed.CHEQUE, now_ms=self._clock.now_ms(), for_no=payer.no, detail=slip.number, why=slip.what
        )  # fmt: skip
        trade = trade_by_no(tx, trade_no)
        self._telling.entered(
            tx, trade, member=payer, other=trade.other_name or "", given=True, by=by, number=slip.number, day=slip.day
        )  # fmt: skip

    def now_ms(self) -> int:
        """The moment, for what is looked at in a unit."""
        return self._clock.now_ms()

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
        self.note_sent(tx, no, slip, trade_no=trade.no)
        note_act(
            tx, by, Deed.CHEQUE, now_ms=self._clock.now_ms(), for_no=payer.no, detail=slip.number, why=slip.what
        )  # fmt: skip
        for member, other, given in ((payer, payee, True), (payee, payer, False)):
            self._telling.entered(
                tx, trade, member=member, other=other.name, given=given, by=by, number=slip.number, day=slip.day
            )  # fmt: skip

    async def close(self, by: Actor, no: int) -> None:
        """Put a batch away; what is not in the books stays with it, to look up. Raises BatchClosed, StillOut."""
        by.must_do(Work.PEOPLE)
        await self._store.write(self._close, no)

    def _close(self, tx: Tx, no: int) -> None:
        if open_batch(tx, no, self._clock.now_ms()).on_their_way:
            raise StillOut
        tx.run(_CLOSE, which=no, now=self._clock.now_ms())


@dataclass(frozen=True, slots=True)
class _Sent:
    """A slip that pays somebody of another scheme, in the unit that begins the payment."""

    cheques: Cheques
    by: Actor
    batch_no: int
    typed: Typed
    judged: Judged
    today: date

    def check(self, tx: ReadTx) -> None:
        try:
            batch = open_batch(tx, self.batch_no, self.cheques.now_ms())
        except BatchClosed:
            raise CannotPay(NoPayment.CHANGED) from None
        row = next((each for each in batch.rows if each.row == self.typed.row), None)
        if row is None or not row.waits or row.values != self.typed.values:
            raise CannotPay(NoPayment.CHANGED)
        # What the slips paid since have moved, and a number that was entered meanwhile.
        (again,) = judge(tx, [self.judged.slip], self.today, self.cheques.now_ms())
        if not again.good:
            over = again.wrong[0][1] is Wrong.TOO_FAR
            raise CannotPay(NoPayment.TOO_LITTLE if over else NoPayment.CHANGED)

    def begun(self, tx: Tx, trade_no: int) -> None:
        self.cheques.note_paid(tx, self.by, self.batch_no, self.judged, trade_no)


def _next_once(tx: ReadTx, row: int, once: bytes) -> bytes:
    """Return the key of a slip's payment; after one that came back undone it is another."""
    attempt = 0
    while True:
        attempt += 1
        key = tagged("interlets/once", once + row.to_bytes(4, "big") + attempt.to_bytes(4, "big"))[
            :ONCE_BYTES
        ]
        if tx.scalar(_STATE_OF, once=key) != "undone":
            return key
