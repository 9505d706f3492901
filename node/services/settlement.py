"""Payments of our members to other schemes: begin, wait, call late. Source: docs/protocol.md 6.6, 7.1, 7.2.

The price is in `quotes.py`, the LOCK in `payer_desk.py`, what answers it in `payment_desk.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

import structlog
from sqlalchemy import and_, bindparam, or_, select, update

from crypto.keys import BadKey
from node.clock import Clock
from node.services.books import Refused, reference_number
from node.services.lines import LineService
from node.services.payer_desk import UNDER_WAY, NewPayment
from node.services.quotes import Offer, QuoteService
from node.store import ReadTx, Store, Tx
from node.store.schema import books as books_schema
from node.store.schema import payments as schema
from protocol.errors import InvalidOp
from protocol.ledger import Refusal
from protocol.line_ops import MODE_NORMAL, Lock
from protocol.names import QuoteId
from protocol.payment import PayerEvent, PayerState, is_late, payer_step
from protocol.quote import deadline, is_fresh

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

LATE_CHECK_S: Final = 60.0
WATCHED_MAX: Final = 10_000  # payments whose end is noted in memory; of others it is read from the store

_P: Final = schema.payment.c
_T: Final = books_schema.trade.c
_BY_ONCE: Final = select(_P.no, _P.trade_no, _P.state).where(
    _P.trade_no == select(_T.no).where(_T.once == bindparam("once")).scalar_subquery()
)
_STATE: Final = select(_P.no, _P.trade_no, _P.state).where(_P.no == bindparam("no"))
_SAME_WAITING: Final = (
    select(_T.no)
    .select_from(schema.payment.join(books_schema.trade, _P.trade_no == _T.no))
    .where(
        UNDER_WAY,
        _P.account_no == bindparam("account_no"),
        _T.other_scheme == bindparam("other_scheme"),
        or_(
            and_(
                _T.listing.is_not_distinct_from(bindparam("listing")),
                _T.other_name == bindparam("other_name"),
                _T.other_amount == bindparam("other_amount"),
                _T.text == bindparam("text"),
            ),
            # What a restore gave back has lost its words (6.7 b), and the form's mark: the amount tells.
            and_(
                _T.entered_by == "",
                _T.listing.is_not_distinct_from(bindparam("listing")),
                _T.other_amount == bindparam("other_amount"),
            ),
            # While one is late, other words or another amount do not make it another thing.
            and_(_T.late.is_(True), _P.state == PayerState.LOCKED.value, _T.listing == bindparam("listing")),
        ),
    )
)
# What stands against a payment: one of its quote, a trade with its reference, one for the same thing under way.
_AGAINST: Final = select(
    select(_P.no).where(_P.quote_id == bindparam("quote_id")).scalar_subquery(),
    select(_T.no).where(_T.reference == bindparam("reference")).scalar_subquery(),
    _SAME_WAITING.limit(1).scalar_subquery(),
)
_NOT_LATE_YET: Final = (
    select(_P.no, _P.state, _P.trade_no, _P.deadline)
    .select_from(schema.payment.join(books_schema.trade, _P.trade_no == _T.no))
    .where(and_(UNDER_WAY, _P.state == PayerState.LOCKED.value, _T.late.is_(False)))
)
_LATE: Final = update(books_schema.trade).where(_T.no == bindparam("which")).values(late=True)


class NoPayment(StrEnum):
    """Why a payment was not begun; nothing moved."""

    STALE = "stale"  # the price is no longer firm: ask again
    NO_WAY = "no-way"  # the line has no room any more, or is not in touch
    TOO_LITTLE = "too-little"  # the member cannot spend it
    WAITING = "waiting"  # one for the same thing is under way
    CLOSED = "closed"
    DEARER = "dearer"  # more than is written on the cheque
    CHANGED = "changed"  # it stands otherwise by now


class CannotPay(Exception):
    """An honest no, before anything was set aside."""

    def __init__(self, reason: NoPayment):
        super().__init__(reason.value)
        self.reason: Final = reason


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment that was begun."""

    no: int
    trade_no: int
    state: PayerState

    @property
    def ended(self) -> bool:
        """Whether it is paid or undone."""
        return self.state in (PayerState.PAID, PayerState.FAILED)


@dataclass(frozen=True, slots=True)
class _Watched:
    """A payment whose end is noted as it comes, so that waiting for it asks the store for nothing."""

    end: asyncio.Future[PayerState]
    payment: Payment | None  # as it was begun, if it was begun here


class Along(Protocol):
    """What happens in the unit that begins a payment."""

    def check(self, tx: ReadTx) -> None:
        """Raise CannotPay if it is not to begin; nothing has moved then."""

    def begun(self, tx: Tx, trade_no: int) -> None:
        """Unit: note that it began, once."""


class Settlement:
    """See the head of this file."""

    def __init__(self, *, store: Store, clock: Clock, lines: LineService, quotes: QuoteService):
        self._store: Final = store
        self._clock: Final = clock
        self._lines: Final = lines
        self._quotes: Final = quotes
        self._watched: Final[dict[int, _Watched]] = {}

    def payment_ended(self, no: int, state: str) -> None:
        """Told after the commit that ended a payment; wakes whoever waits for it."""
        watched = self._watched.get(no)
        if watched is not None and not watched.end.done():
            watched.end.set_result(PayerState(state))

    def _watch(self, no: int, payment: Payment | None = None) -> _Watched:
        """Note the end of a payment from now on."""
        while len(self._watched) >= WATCHED_MAX:
            self._watched.pop(next(iter(self._watched)))
        watched = self._watched[no] = _Watched(asyncio.get_running_loop().create_future(), payment)
        return watched

    async def pay(
        self, offer: Offer, *, account_no: int, entered_by: str, once: bytes, pledge_no: int | None = None,
        along: Along | None = None,
    ) -> Payment:  # fmt: skip
        """Begin the payment of an offer; the same `once` again gives the payment it began. Source: 7.2, first row.

        With `pledge_no` it is paid out of what is set aside for a deposit, and of nothing else. Source: 7.8.
        `along` is a part of the unit that begins it.

        Raises:
            CannotPay: nothing moved.
        """
        try:
            acceptance, note = self._quotes.notes.accept(offer.quote, offer.request.payer_handle, offer.note)
        except BadKey:  # the payee's sealing key is gone since; a new quote may find another
            raise CannotPay(NoPayment.STALE) from None
        quote, now = offer.quote.body, self._clock.now_ms()
        end = deadline(quote, offer.received_ms, now)
        lock = Lock(
            quote_id=offer.id,
            part=1,
            parts=1,
            amount=quote.hours,
            receipt_key=quote.receipt_key,
            mode=MODE_NORMAL,
            deadline=end,
            route=offer.route[2:],
            note=note,
            memo=b"",
        )
        payment = await self._store.write(
            self._begin,
            offer,
            NewPayment(
                peer=offer.route[1],
                account_no=account_no,
                amount=offer.amount,
                quote=offer.quote,
                acceptance=acceptance,
                lock=lock,
                deadline_ms=offer.received_ms + (end - quote.time),
                text=offer.request.text,
                payee_name=offer.payee_name,
                entered_by=entered_by,
                once=once,
                pledge_no=pledge_no,
            ),
            along,
        )
        self._quotes.use(offer.id)
        # Its end, if it is on the way, is told in a later turn of the loop than this one.
        if not payment.ended and payment.no not in self._watched:
            self._watch(payment.no, payment)
        return payment

    def _begin(self, tx: Tx, offer: Offer, new: NewPayment, along: Along | None) -> Payment:
        known = tx.one(_BY_ONCE, once=new.once)
        if known is not None:
            return _payment(known)
        if along is not None:
            along.check(tx)
        quote = new.quote.body
        now = self._clock.now_ms()
        against = tx.one(
            _AGAINST, quote_id=offer.id, reference=reference_number(offer.id), account_no=new.account_no,
            other_scheme=quote.payee_scheme, listing=quote.listing, other_name=new.payee_name,
            other_amount=quote.amount, text=new.text,
        )  # fmt: skip
        assert against is not None
        used, taken, same = against
        # A reference is taken by chance (7.9): another quote has another.
        if used is not None or taken is not None or not is_fresh(quote, offer.received_ms, now):
            raise CannotPay(NoPayment.STALE)
        if same is not None:
            raise CannotPay(NoPayment.WAITING)
        lines, payments = self._lines.desks(tx)
        line = lines.by_peer(new.peer)
        if line is None or lines.room(line) < quote.hours:
            raise CannotPay(NoPayment.NO_WAY)
        try:
            no, trade_no = payments.payer.begin(line, new)
        except Refused as refused:
            closed = refused.reason is Refusal.PAYER_CLOSED
            raise CannotPay(NoPayment.CLOSED if closed else NoPayment.TOO_LITTLE) from None
        except InvalidOp:
            raise CannotPay(NoPayment.NO_WAY) from None
        self._lines.finish(tx, lines)
        if along is not None:
            along.begun(tx, trade_no)
        return Payment(no, trade_no, PayerState.LOCKED)

    async def wait(self, no: int, timeout_s: float) -> Payment:
        """Return a payment once it has ended, or as it stands after `timeout_s`."""
        watched = self._watched.get(no) or self._watch(no)
        payment = watched.payment or await self.payment(no)
        if not payment.ended:
            await asyncio.wait((watched.end,), timeout=timeout_s)
            if watched.end.done():
                payment = Payment(no, payment.trade_no, watched.end.result())
            else:
                payment = await self.payment(no)
        if payment.ended:
            self._watched.pop(no, None)
        return payment

    async def payment(self, no: int) -> Payment:
        """Return a payment as it stands."""
        return await self._store.read(_read, no)

    def offer(self, quote_id: QuoteId) -> Offer | None:
        """Return an offer that is still fresh."""
        return self._quotes.offer(quote_id)

    async def run(self) -> None:
        """Call payments late that are, until cancelled. Source: 7.2; nothing moves by this."""
        while True:
            await asyncio.sleep(LATE_CHECK_S)
            late = await self._store.read(_late_now, self._clock.now_ms())
            if late:
                await self._store.write(_call_late, late)


def _read(tx: ReadTx, no: int) -> Payment:
    row = tx.one(_STATE, no=no)
    if row is None:
        raise LookupError(f"no payment {no}")
    return _payment(row)


def _payment(row: tuple[int, int, str]) -> Payment:
    return Payment(row[0], row[1], PayerState(row[2]))


def _late_now(tx: ReadTx, now_ms: int) -> list[int]:
    found = []
    for _, state, trade_no, deadline_ms in tx.all(_NOT_LATE_YET):
        if is_late(deadline_ms, now_ms):
            payer_step(PayerState(state), PayerEvent.LATE)
            found.append(trade_no)
    return found


def _call_late(tx: Tx, trades: list[int]) -> None:
    for no in trades:
        tx.run(_LATE, which=no)
