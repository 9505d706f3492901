"""A payment leaves: what the payer's scheme does, inside one unit of work.

Source: docs/protocol.md 7.2–7.4, 0.4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from sqlalchemy import bindparam, func, insert, literal_column, select, update

from crypto.canonical import encode
from crypto.signing import SIGNATURE_BYTES, Signed
from node import crash
from node.keyring import KeyRing
from node.services.books import Books, load, reference_number
from node.services.line_desk import LineDesk
from node.services.line_ends import owed_more
from node.services.line_rows import Line
from node.services.pledge_holds import check_payable, payment_back, payment_begun, payment_ended
from node.store import ReadTx, Tx
from node.store.schema import books as books_schema
from node.store.schema import payments as schema
from protocol.entry import ListingRef, Words
from protocol.ledger import HOURS, LOCAL, SystemRole
from protocol.limits import FROZEN_AFTER_MS
from protocol.line_ops import Lock, Op
from protocol.memo import Paying, quote_of, rest_of
from protocol.message import encode_message, trusted_message
from protocol.names import ItemKey, QuoteId, SchemeId
from protocol.payment import (
    Effect,
    PayerEvent,
    PayerState,
    is_late,
    may_freeze,
    payer_step,
)
from protocol.pledge import PledgeEvent
from protocol.quote import Acceptance, Quote

STUCK_MAX: Final = 100  # shown at once

_P: Final = schema.payment.c
# In the words of the index over the few payments that have not ended.
UNDER_WAY: Final = _P.state.in_([literal_column("'locked'"), literal_column("'frozen'")])
_STUCK: Final = (
    select(_P.trade_no)
    .where(UNDER_WAY, _P.state == PayerState.LOCKED.value, _P.deadline <= bindparam("before"))
    .order_by(_P.no)
    .limit(STUCK_MAX)
)
_PAYMENT_ENDS: Final = (
    update(schema.payment)
    .where(_P.no == bindparam("which"))
    .values(
        state=bindparam("new_state"), receipt=func.coalesce(bindparam("new_receipt"), _P.receipt),
        ended_ms=bindparam("new_ended_ms"),
    )
)  # fmt: skip
_RECEIPT_LEARNED: Final = (
    update(schema.payment).where(_P.no == bindparam("which")).values(receipt=bindparam("new_receipt"))
)
_NEW_PAYMENT: Final = insert(schema.payment)
_T: Final = books_schema.trade.c
_NEW_TRADE: Final = insert(books_schema.trade)
_TRADE_ENDS: Final = (
    update(books_schema.trade)
    .where(_T.no == bindparam("which"))
    .values(
        state=bindparam("new_state"),
        entry_seq=bindparam("new_entry_seq"),
        ended_ms=bindparam("new_ended_ms"),
        reason=bindparam("new_reason"),
    )
)
_PAYMENT_BY_LOCK: Final = (
    select(_P.no, _P.state, _P.account_no, _P.trade_no, _P.amount, _P.hours, _P.quote_id, _P.deadline)
    .where(_P.line_no == bindparam("line_no"), _P.lock_seq == bindparam("lock_seq"))
)  # fmt: skip
_PAYMENT_OF_TRADE: Final = select(
    _P.no, _P.state, _P.account_no, _P.amount, _P.deadline, _P.line_no, _P.lock_seq
).where(_P.trade_no == bindparam("trade_no"))
_PAYMENT_FROZEN: Final = (
    update(schema.payment).where(_P.no == bindparam("which")).values(state=bindparam("new_state"))
)
FREED: Final = "freed"  # why a trade is undone: organisers freed its member
FREED_PAID: Final = "freed-paid"  # and later its claim came, and the chest paid
_FREED: Final = (
    update(books_schema.trade)
    .where(_T.no == bindparam("which"))
    .values(state="undone", ended_ms=bindparam("new_ended_ms"), reason=FREED)
)
_FREED_PAID: Final = update(books_schema.trade).where(_T.no == bindparam("which")).values(reason=FREED_PAID)
_TRADE_WORDS: Final = select(_T.text, _T.other_name, _T.other_scheme, _T.listing).where(
    _T.no == bindparam("no")
)
_TRADE_STATE: Final = select(_T.state).where(_T.no == bindparam("no"))

Tell = Callable[[Tx, int], None]  # in the unit: the number of a trade across schemes that members hear of
Ended = Callable[[int, str], None]  # told the number and new state of a payment of ours, after the commit


def stuck_trades(tx: ReadTx, now_ms: int) -> list[int]:
    """Return the numbers of trades whose member two organisers may free now. A part of a page's read."""
    return [row[0] for row in tx.all(_STUCK, before=now_ms - FROZEN_AFTER_MS)]


class Freed(NamedTuple):
    """A payment whose member was freed."""

    account_no: int
    amount: int
    line_no: int
    lock_seq: int


class _Begun(NamedTuple):
    """A payment as its LOCK finds it: the columns of `_PAYMENT_BY_LOCK`."""

    no: int
    state: str
    account_no: int
    trade_no: int
    amount: int
    hours: int
    quote_id: bytes
    deadline_ms: int


class _Said(NamedTuple):
    """What its trade says of it: the columns of `_TRADE_WORDS`."""

    text: str
    other_name: str | None
    other_scheme: SchemeId
    listing: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPayment:
    """What the payer's unit needs, all of it decided before: the unit only records. Source: 7.2, first row."""

    peer: SchemeId
    account_no: int
    amount: int
    quote: Signed[Quote]
    acceptance: Signed[Acceptance]
    lock: Lock
    deadline_ms: int  # on my own clock
    text: str
    payee_name: str
    entered_by: str
    once: bytes
    pledge_no: int | None = None  # what of a deposit is kept is paid out of what was set aside for it: 7.8


class Rebuilt(NamedTuple):
    """What a returned op moved at home."""

    trade_no: int | None
    amount: int
    known: bool  # whether the account it named is here


def unsigned_quote(quote: Quote) -> Signed[Quote]:
    """Return a quote in the form quotes are kept in, its signature being lost; the receipt is over its id."""
    return trusted_message(Quote, encode((encode_message(quote), 0, bytes(SIGNATURE_BYTES))))


class PayerDesk:
    """Carries out the payer's table of `protocol/payment.py`."""

    def __init__(self, tx: Tx, lines: LineDesk, books: Books, on_ended: Ended, tell: Tell):
        self._tx: Final = tx
        self._lines: Final = lines
        self._books: Final = books
        self._on_ended: Final = on_ended
        self._tell: Final = tell

    def begin(self, line: Line, new: NewPayment) -> tuple[int, int]:
        """Set the amount aside and write the LOCK; return the numbers of payment and trade.

        Raises:
            Refused: it cannot be spent. InvalidOp: the line has no room for it any more.
        """
        payer_step(PayerState.NEW, PayerEvent.CONFIRMED)
        if new.pledge_no is None:
            self._books.hold(self._tx, new.account_no, new.amount)
        else:
            check_payable(self._tx, new.pledge_no, new.account_no, new.amount)
        quote, now = new.quote.body, self._lines.now_ms
        memory = Paying(
            account=load(self._tx, new.account_no).value.account_id,
            amount=new.amount,
            handle=new.acceptance.body.payer_handle,
            quote=rest_of(quote),
        )
        memo = self._lines.memo(memory, new.lock.quote_id)
        lock = self._lines.author(line, replace(new.lock, memo=memo))
        trade_no = self._tx.insert_keeping(
            _NEW_TRADE, reference=reference_number(new.quote.id), kind="out", state="set-aside",
            payer_no=new.account_no, payee_no=None, amount=new.amount, text=new.text, listing=quote.listing,
            other_scheme=quote.payee_scheme, other_name=new.payee_name, other_amount=quote.amount, other_unit=quote.unit,
            hours=quote.hours, entry_seq=None, created_ms=now, ended_ms=None, reason=None, late=False,
            entered_by=new.entered_by, once=new.once, corrects_no=None, corrected_by_no=None,
        )  # fmt: skip
        if new.pledge_no is not None:
            payment_begun(self._tx, new.pledge_no, new.amount, trade_no)
        payment_no = self._tx.insert_keeping(
            _NEW_PAYMENT, quote_id=new.quote.id, state=PayerState.LOCKED.value, line_no=line.no,
            lock_seq=lock.body.seq, account_no=new.account_no, trade_no=trade_no, amount=new.amount,
            hours=quote.hours, deadline=new.deadline_ms, quote=new.quote.wire, acceptance=new.acceptance.wire,
            receipt=None, started_ms=now, ended_ms=None,
        )  # fmt: skip
        # Its end is near, and then both rows are wanted again.
        self._tx.kept(schema.payment)[line.no, lock.body.seq] = _Begun(
            payment_no,
            PayerState.LOCKED.value,
            new.account_no,
            trade_no,
            new.amount,
            quote.hours,
            new.quote.id,
            new.deadline_ms,
        )
        self._tx.kept(books_schema.trade)[trade_no] = _Said(
            new.text, new.payee_name, quote.payee_scheme, quote.listing
        )
        self._tx.on_commit(crash.point, "lock-committed")
        return payment_no, trade_no

    def began(self, line: Line, seq: int) -> bool:
        """Tell whether my LOCK at `seq` is known to be a payment's without asking the store."""
        return (line.no, seq) in self._tx.kept(schema.payment)

    def begin_again(self, line: Line, op: Signed[Op], lock: Lock, memory: Paying, me: KeyRing) -> Rebuilt:
        """Set aside again what a LOCK of mine stands for that a restore forgot. Source: 6.7 (b).

        Raises:
            InvalidValue: the memo does not belong to this lock.
        """
        state, _ = payer_step(PayerState.NEW, PayerEvent.CONFIRMED)
        payee = lock.route[-1] if lock.route else line.peer
        quote = quote_of(memory.quote, lock, payer=me.scheme, payee=payee)
        account_no = self._books.find(self._tx, memory.account)
        if (
            account_no is None
        ):  # whoever joined since the backup: the chest answers until an organiser knows more
            state, _ = payer_step(state, PayerEvent.ORGANISERS)
        holder = self._chest() if account_no is None else account_no
        self._books.hold(self._tx, holder, memory.amount, beyond_limits=True)
        acceptance = me.sign(
            "line",
            Acceptance(quote_id=lock.quote_id, payer_scheme=me.scheme, payer_handle=memory.handle),
        )
        trade_no = self._tx.insert(
            _NEW_TRADE, reference=reference_number(lock.quote_id), kind="out", state="set-aside",
            payer_no=holder, payee_no=None, amount=memory.amount, text="", listing=quote.listing, other_scheme=payee,
            other_name="", other_amount=quote.amount, other_unit=quote.unit, hours=lock.amount, entry_seq=None,
            created_ms=op.body.time, ended_ms=None, reason=None, late=False, entered_by="", once=None, corrects_no=None,
            corrected_by_no=None,
        )  # fmt: skip
        self._tx.insert(
            _NEW_PAYMENT, quote_id=lock.quote_id, state=state.value, line_no=line.no, lock_seq=op.body.seq,
            account_no=holder, trade_no=trade_no, amount=memory.amount, hours=lock.amount, deadline=lock.deadline,
            quote=unsigned_quote(quote).wire, acceptance=acceptance.wire, receipt=None, started_ms=op.body.time, ended_ms=None,
        )  # fmt: skip
        if account_no is not None:
            payment_back(
                self._tx, self._books, account_no, payee, quote.payee_handle, keep=quote.amount, amount=memory.amount,
                trade_no=trade_no,
            )  # fmt: skip
        return Rebuilt(trade_no, memory.amount, known=account_no is not None)

    def lock_ended(self, line: Line, seq: int, receipt: bytes | None, reason: str) -> None:
        """Spend what was set aside, or give it back."""
        begun: _Begun | None = self._tx.kept(schema.payment).pop((line.no, seq), None)
        if begun is None:
            row = self._tx.one(_PAYMENT_BY_LOCK, line_no=line.no, lock_seq=seq)
            assert row is not None, "a lock of mine is a payment's or a forwarded one"
            begun = _Begun(*row)
        no, state, account_no, trade_no, amount, *_ = begun
        event = PayerEvent.RELEASED if receipt is None else PayerEvent.CLAIMED
        after, effects = payer_step(PayerState(state), event)
        holder = self._chest() if PayerState(state) is PayerState.FROZEN else account_no
        entry_seq = None
        for effect in effects:
            match effect:
                case Effect.POST_HOLD:
                    entry_seq = self._pay_from(holder, line, begun)
                case Effect.DROP_HOLD:
                    self._books.drop_hold(self._tx, holder, amount)
                case Effect.TELL_PAID | Effect.TELL_FAILED:
                    self._tx.on_commit(self._on_ended, no, after.value)
                case _:
                    assert effect is Effect.STORE_RECEIPT
        payment_ended(
            self._tx, self._books, trade_no, PledgeEvent.FAILED if receipt is None else PledgeEvent.PAID
        )
        self._tx.on_commit(crash.point, "payment-ended")
        now = self._lines.now_ms
        self._tx.run_keeping(
            _PAYMENT_ENDS, which=no, new_state=after.value, new_receipt=receipt, new_ended_ms=now
        )
        if PayerState(state) is PayerState.FROZEN and self._tx.scalar(_TRADE_STATE, no=trade_no) == "undone":
            # For the member it was over when organisers freed it; whatever comes now concerns the chest.
            if receipt is not None:
                self._tx.run(_FREED_PAID, which=trade_no)
            return
        self._tx.run_keeping(
            _TRADE_ENDS, which=trade_no, new_state="undone" if receipt is None else "done",
            new_entry_seq=entry_seq, new_ended_ms=now, new_reason=reason or None,
        )  # fmt: skip
        if is_late(begun.deadline_ms, now):
            self._tell(self._tx, trade_no)

    def receipt_learned(self, line: Line, seq: int, receipt: bytes) -> None:
        """Keep a receipt that came in another way than by a CLAIM: a proof of payment. Nothing is posted until the CLAIM."""
        row = self._tx.one(_PAYMENT_BY_LOCK, line_no=line.no, lock_seq=seq)
        if row is None or PayerState(row[1]) not in (PayerState.LOCKED, PayerState.FROZEN):
            return
        _, effects = payer_step(PayerState(row[1]), PayerEvent.RECEIPT)
        assert effects == (Effect.STORE_RECEIPT,)
        self._tx.run(_RECEIPT_LEARNED, which=row[0], new_receipt=receipt)

    def free(self, trade_no: int) -> Freed | None:
        """Move what a late payment set aside from the member to the chest; None if it is not to be. Source: 7.2.

        The lock stays: its CLAIM will be paid by the chest, its RELEASE gives the chest back what it set aside.
        """
        row = self._tx.one(_PAYMENT_OF_TRADE, trade_no=trade_no)
        now = self._lines.now_ms
        if row is None or not may_freeze(row[4], now) or row[1] != PayerState.LOCKED.value:
            return None
        no, state, account_no, amount, _, line_no, lock_seq = row
        after, effects = payer_step(PayerState(state), PayerEvent.ORGANISERS)
        assert effects == (Effect.HOLD_TO_CHEST,)
        self._books.move_hold(self._tx, account_no, self._chest(), amount)
        payment_ended(self._tx, self._books, trade_no, PledgeEvent.TAKEN)
        # Kept rows of this payment tell of another state: these writes forget them.
        self._tx.run(_PAYMENT_FROZEN, which=no, new_state=after.value)
        self._tx.run(_FREED, which=trade_no, new_ended_ms=now)
        return Freed(account_no, amount, line_no, lock_seq)

    def _chest(self) -> int:
        return self._books.system(self._tx, SystemRole.CHEST, LOCAL)

    def _pay_from(self, holder: int, line: Line, begun: _Begun) -> int:
        books, tx, amount, hours = self._books, self._tx, begun.amount, begun.hours
        said: _Said | None = tx.kept(books_schema.trade).pop(begun.trade_no, None)
        if said is None:
            row = tx.one(_TRADE_WORDS, no=begun.trade_no)
            assert row is not None
            said = _Said(*row)
        words = Words(
            text=said.text,
            done_by=said.other_name or "a neighbour scheme",
            on_behalf_of=None,
            proved_by="neighbour",
            listing=None
            if said.listing is None
            else ListingRef(scheme=said.other_scheme, key=ItemKey(said.listing)),
            quote=QuoteId(begun.quote_id),
        )
        return books.post(
            tx,
            [
                (holder, -amount),
                (books.system(tx, SystemRole.EXCHANGE, LOCAL), amount),
                (books.system(tx, SystemRole.EXCHANGE, HOURS), -hours),
                *owed_more(self._lines, books, line, hours),
            ],
            words,
            releasing={holder: amount},
        ).seq
