"""What locks, claims and releases do to payments and to the books, inside one unit of work.

The tables of `protocol/payment.py` decide; here their effects are carried out in the transaction of the event.
Source: docs/protocol.md 7.2–7.4, 0.4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, insert, select, update

from crypto.signing import Signed
from node import crash
from node.keyring import KeyRing
from node.services.books import Books, Refused, load, reference_number
from node.services.line_desk import LineDesk
from node.services.line_rows import Line
from node.store import Tx
from node.store.schema import books as books_schema
from node.store.schema import payments as schema
from node.store.statements import upsert
from protocol.entry import ListingRef, Words
from protocol.ledger import HOURS, LOCAL, SystemRole
from protocol.line_ops import Claim, Limit, Lock, Op, Release
from protocol.message import trusted_message
from protocol.names import ItemKey, QuoteId, SchemeId
from protocol.payment import (
    ConnectorEvent,
    ConnectorState,
    Effect,
    Onward,
    PayeeEvent,
    PayeeState,
    PayerEvent,
    PayerState,
    Promise,
    connector_step,
    forward_verdict,
    onward_lock,
    payee_step,
    payee_verdict,
    payer_step,
)
from protocol.quote import Acceptance, Quote, make_receipt

_P: Final = schema.payment.c
_PAYMENT_BY_LOCK: Final = select(
    _P.no, _P.state, _P.account_no, _P.trade_no, _P.amount, _P.hours, _P.quote_id, _P.quote
).where(_P.line_no == bindparam("line_no"), _P.lock_seq == bindparam("lock_seq"))
_PAYMENT_ENDS: Final = (
    update(schema.payment)
    .where(_P.no == bindparam("which"))
    .values(
        state=bindparam("new_state"), receipt=bindparam("new_receipt"), ended_ms=bindparam("new_ended_ms")
    )
)
_F: Final = schema.forward.c
_FORWARD: Final = select(_F.state, _F.out_line_no, _F.out_seq).where(
    _F.line_no == bindparam("line_no"), _F.lock_seq == bindparam("lock_seq")
)
_FORWARD_BY_OUT: Final = select(_F.line_no, _F.lock_seq, _F.state, _F.amount).where(
    _F.out_line_no == bindparam("line_no"), _F.out_seq == bindparam("lock_seq")
)
_FORWARDS_WAITING: Final = select(_F.line_no, _F.lock_seq).where(_F.state == ConnectorState.WAIT.value)
_PUT_FORWARD: Final = upsert(
    schema.forward, key=("line_no", "lock_seq"), update=("state", "out_line_no", "out_seq")
)
_FORWARD_STATE: Final = (
    update(schema.forward)
    .where(_F.line_no == bindparam("which_line"), _F.lock_seq == bindparam("which_seq"))
    .values(state=bindparam("new_state"), receipt=func.coalesce(_F.receipt, bindparam("new_receipt")))
)
_Q: Final = schema.promise.c
_PROMISE: Final = select(_Q.state, _Q.account_no, _Q.quote, _Q.text, _Q.payer_name, _Q.trade_no).where(
    _Q.quote_id == bindparam("quote_id")
)
_PROMISE_PAID: Final = (
    update(schema.promise)
    .where(_Q.quote_id == bindparam("which"))
    .values(
        state="paid",
        trade_no=bindparam("new_trade_no"),
        acceptance=bindparam("new_acceptance"),
        receipt=bindparam("new_receipt"),
        line_no=bindparam("new_line_no"),
        lock_seq=bindparam("new_lock_seq"),
    )
)
_T: Final = books_schema.trade.c
_NEW_TRADE: Final = insert(books_schema.trade)
_REFERENCE_TAKEN: Final = select(_T.no).where(_T.reference == bindparam("reference"))
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
_TRADE_TEXT: Final = select(_T.text, _T.other_name, _T.listing).where(_T.no == bindparam("no"))

Acceptances = Mapping[bytes, Signed[Acceptance]]  # by op id: what was found, verified, in the notes of locks
AcceptanceOf = Callable[[Lock], Signed[Acceptance] | None]
Ended = Callable[[int, str], None]  # told the number and new state of a payment of ours, after the commit


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


class PaymentDesk:
    """Carries out the effects of payments within one unit of work."""

    def __init__(self, tx: Tx, lines: LineDesk, books: Books, keyring: KeyRing, on_ended: Ended):
        self._tx: Final = tx
        self._lines: Final = lines
        self._books: Final = books
        self._keyring: Final = keyring
        self._on_ended: Final = on_ended

    # --- what arrives -----------------------------------------------------------------------------------------

    def on_step(self, line: Line, op: Signed[Op], acceptances: Acceptances) -> None:
        """Do what the peer's op, just stored, causes."""
        step = op.body.step
        match step:
            case Lock() if line.usable:
                self.decide_lock(line, op.body.seq, step, acceptances.get(op.id))
            case Claim():
                self._own_lock_ended(line, step.lock, step.receipt, "")
            case Release():
                self._own_lock_ended(line, step.lock, None, step.reason)
            case Limit():
                pass  # the line has it; nothing else changes
            case _:
                pass  # OPEN, MARK and CREDIT are the business of `neighbours.py`; a lock on an unusable line waits

    def became_usable(self, line: Line, acceptance_of: AcceptanceOf) -> None:
        """Do what waited for this line: decisions to write, locks to decide, locks of others waiting to go on."""
        for lock_seq, claimed in self._lines.write_decisions(line):
            if claimed:
                self._post_up(line, self._lines.peer_lock(line, lock_seq).amount)
        for lock_seq in line.open_locks_of_peer():
            state = self._forward_state(line, lock_seq)
            if state in (ConnectorState.NEW, ConnectorState.WAIT) and not self._lines.is_decided(
                line, lock_seq
            ):
                op = self._lines.peer_op(line, lock_seq)
                assert isinstance(op.body.step, Lock)
                acceptance = None if op.body.step.route else acceptance_of(op.body.step)
                self.decide_lock(line, lock_seq, op.body.step, acceptance)
        for line_no, lock_seq in self._tx.all(_FORWARDS_WAITING):
            upstream = self._lines.by_no(line_no)
            lock = self._lines.peer_lock(upstream, lock_seq)
            if upstream.usable and lock.route and lock.route[0] == line.peer:
                self.decide_lock(upstream, lock_seq, lock, None)

    def decide_lock(self, line: Line, seq: int, lock: Lock, acceptance: Signed[Acceptance] | None) -> None:
        """Decide an incoming lock on a line that is usable."""
        if lock.route:
            self._connect(line, seq, lock)
        else:
            self._be_paid(line, seq, lock, acceptance)

    # --- connector --------------------------------------------------------------------------------------------

    def _forward_state(self, line: Line, seq: int) -> ConnectorState:
        row = self._tx.one(_FORWARD, line_no=line.no, lock_seq=seq)
        return ConnectorState.NEW if row is None else ConnectorState(row[0])

    def _connect(self, line: Line, seq: int, lock: Lock) -> None:
        onward = self._lines.by_peer(lock.route[0])
        event, reason = forward_verdict(
            lock,
            Onward(
                exists=onward is not None,
                usable=onward is not None and onward.usable,
                room=0 if onward is None else self._lines.room(onward, lock.mode),
            ),
            now_ms=self._lines.now_ms,
            old=seq <= line.horizon,
        )
        before = self._forward_state(line, seq)
        state, effects = connector_step(before, event)
        out_line_no = out_seq = None
        for effect in effects:
            if effect is Effect.LOCK:
                assert onward is not None
                out = self._lines.author(onward, onward_lock(lock, b""))
                out_line_no, out_seq = onward.no, out.body.seq
                self._tx.on_commit(crash.point, "forward-committed")
            elif effect is Effect.RELEASE_UP:
                self._lines.decide(line, seq, None, reason)
        if event is not ConnectorEvent.REFUSE or before is not ConnectorState.NEW:
            self._tx.run(
                _PUT_FORWARD, line_no=line.no, lock_seq=seq, state=state.value, out_line_no=out_line_no,
                out_seq=out_seq, amount=lock.amount, receipt=None, started_ms=self._lines.now_ms,
            )  # fmt: skip

    def _own_lock_ended(self, line: Line, seq: int, receipt: bytes | None, reason: str) -> None:
        forward = self._tx.one(_FORWARD_BY_OUT, line_no=line.no, lock_seq=seq)
        if forward is None:
            self._payment_ended(line, seq, receipt, reason)
            return
        up_no, up_seq, state, amount = forward
        event = ConnectorEvent.DOWN_RELEASED if receipt is None else ConnectorEvent.DOWN_CLAIMED
        after, effects = connector_step(ConnectorState(state), event)
        amounts: list[tuple[int, int]] = []
        for effect in effects:
            match effect:
                case Effect.POST_DOWN:
                    amounts += [(self._books.line(self._tx, line.peer), amount), (self._transit(), -amount)]
                case Effect.CLAIM_UP | Effect.RELEASE_UP:
                    up = self._lines.by_no(up_no)
                    written = self._lines.decide(up, up_seq, receipt, reason)
                    if written and effect is Effect.CLAIM_UP:
                        amounts += self._up_amounts(up, amount)
                    self._tx.on_commit(crash.point, "claim-stored")
                case Effect.LOSS_TO_CHEST:
                    chest = self._books.system(self._tx, SystemRole.CHEST, HOURS)
                    amounts += [(self._transit(), amount), (chest, -amount)]
                case _:
                    assert effect is Effect.STORE_RECEIPT
        self._tx.run(
            _FORWARD_STATE, which_line=up_no, which_seq=up_seq, new_state=after.value, new_receipt=receipt
        )
        if _moves_something(amounts):
            self._books.post(self._tx, amounts, _PASSED_ON)

    def _transit(self) -> int:
        return self._books.system(self._tx, SystemRole.TRANSIT, HOURS)

    def _up_amounts(self, line: Line, amount: int) -> list[tuple[int, int]]:
        connector_step(ConnectorState.CLAIMED, ConnectorEvent.UP_CLAIM_AUTHORED)
        return [(self._books.line(self._tx, line.peer), -amount), (self._transit(), amount)]

    def _post_up(self, line: Line, amount: int) -> None:
        self._books.post(self._tx, self._up_amounts(line, amount), _PASSED_ON)

    # --- payee ------------------------------------------------------------------------------------------------

    def _be_paid(self, line: Line, seq: int, lock: Lock, acceptance: Signed[Acceptance] | None) -> None:
        row = self._tx.one(_PROMISE, quote_id=lock.quote_id)
        quote, promise = None, None
        if row is not None:
            quote = trusted_message(Quote, row[2])
            can = self._can_be_credited(row[1], quote)
            promise = Promise(quote=quote.body, paid=row[0] == "paid", member_can_be_credited=can)
        event, reason = payee_verdict(
            lock,
            promise,
            None if acceptance is None else acceptance.body,
            me=self._keyring.scheme,
            now_ms=self._lines.now_ms,
        )
        _, effects = payee_step(PayeeState.NEW, event)
        if event is PayeeEvent.REFUSE:
            assert effects == (Effect.RELEASE_UP,)
            self._lines.decide(line, seq, None, reason)
            return
        assert row is not None
        assert quote is not None
        assert acceptance is not None
        try:
            trade_no = self._credit(line, row[1], quote, row[3], row[4])
        except Refused:  # beyond what any ledger can write; nothing was posted
            self._lines.decide(line, seq, None, "cannot-now")
            return
        receipt = make_receipt(lock.quote_id, self._keyring.signing["receipt"][1])
        self._lines.decide(line, seq, receipt)
        payee_step(PayeeState.CLAIMED, PayeeEvent.UP_CLAIM_AUTHORED)
        self._tx.run(
            _PROMISE_PAID, which=lock.quote_id, new_trade_no=trade_no, new_acceptance=acceptance.wire,
            new_receipt=receipt, new_line_no=line.no, new_lock_seq=line.state.own_length,
        )  # fmt: skip
        self._tx.on_commit(crash.point, "claim-committed")

    def _can_be_credited(self, account_no: int, quote: Signed[Quote]) -> bool:
        account = load(self._tx, account_no).value
        if account.closed or (account.room is not None and account.room < quote.body.amount):
            return False
        # A trade recorded since the quote may bear its reference by chance (7.9); the payer asks for another quote.
        return self._tx.one(_REFERENCE_TAKEN, reference=reference_number(quote.id)) is None

    def _credit(self, line: Line, account_no: int, quote: Signed[Quote], text: str, payer_name: str) -> int:
        """Credit the member and book the line, in one entry; return the trade's number."""
        body = quote.body
        books, tx = self._books, self._tx
        words = Words(
            text=text,
            done_by=payer_name or "a neighbour scheme",
            on_behalf_of=None,
            proved_by="neighbour",
            listing=None
            if body.listing is None
            else ListingRef(scheme=self._keyring.scheme, key=body.listing),
            quote=QuoteId(quote.id),
        )
        entered = books.post(
            tx,
            [
                (books.line(tx, line.peer), -body.hours),
                (books.system(tx, SystemRole.EXCHANGE, HOURS), body.hours),
                (books.system(tx, SystemRole.EXCHANGE, LOCAL), -body.amount),
                (account_no, body.amount),
            ],
            words,
        )
        return tx.insert(
            _NEW_TRADE, reference=reference_number(quote.id), kind="in", state="done", payer_no=None,
            payee_no=account_no, amount=body.amount, text=text, listing=body.listing, other_scheme=body.payer_scheme,
            other_name=payer_name, other_amount=None, other_unit=None, hours=body.hours, entry_seq=entered.seq,
            created_ms=self._lines.now_ms, ended_ms=self._lines.now_ms, reason=None, late=False, entered_by=payer_name,
            once=None, corrects_no=None, corrected_by_no=None,
        )  # fmt: skip

    # --- payer ------------------------------------------------------------------------------------------------

    def begin(self, line: Line, new: NewPayment) -> tuple[int, int]:
        """Set the amount aside and write the LOCK; return the numbers of payment and trade.

        Raises:
            Refused: it cannot be spent. InvalidOp: the line has no room for it any more.
        """
        payer_step(PayerState.NEW, PayerEvent.CONFIRMED)
        self._books.hold(self._tx, new.account_no, new.amount)
        lock = self._lines.author(line, new.lock)
        quote, now = new.quote.body, self._lines.now_ms
        trade_no = self._tx.insert(
            _NEW_TRADE, reference=reference_number(new.quote.id), kind="out", state="set-aside",
            payer_no=new.account_no, payee_no=None, amount=new.amount, text=new.text, listing=quote.listing,
            other_scheme=quote.payee_scheme, other_name=new.payee_name, other_amount=quote.amount, other_unit=quote.unit,
            hours=quote.hours, entry_seq=None, created_ms=now, ended_ms=None, reason=None, late=False,
            entered_by=new.entered_by, once=new.once, corrects_no=None, corrected_by_no=None,
        )  # fmt: skip
        payment_no = self._tx.insert(
            _NEW_PAYMENT, quote_id=new.quote.id, state=PayerState.LOCKED.value, line_no=line.no,
            lock_seq=lock.body.seq, account_no=new.account_no, trade_no=trade_no, amount=new.amount,
            hours=quote.hours, deadline=new.deadline_ms, quote=new.quote.wire, acceptance=new.acceptance.wire,
            receipt=None, started_ms=now, ended_ms=None,
        )  # fmt: skip
        self._tx.on_commit(crash.point, "lock-committed")
        return payment_no, trade_no

    def _payment_ended(self, line: Line, seq: int, receipt: bytes | None, reason: str) -> None:
        row = self._tx.one(_PAYMENT_BY_LOCK, line_no=line.no, lock_seq=seq)
        assert row is not None, "a lock of mine is a payment's or a forwarded one"
        no, state, account_no, trade_no, amount, hours, quote_id, quote_wire = row
        event = PayerEvent.RELEASED if receipt is None else PayerEvent.CLAIMED
        after, effects = payer_step(PayerState(state), event)
        holder = self._chest() if PayerState(state) is PayerState.FROZEN else account_no
        entry_seq = None
        for effect in effects:
            match effect:
                case Effect.POST_HOLD:
                    entry_seq = self._pay_from(
                        holder, line.peer, amount, hours, trade_no, quote_id, quote_wire
                    )
                case Effect.DROP_HOLD:
                    self._books.drop_hold(self._tx, holder, amount)
                case Effect.TELL_PAID | Effect.TELL_FAILED:
                    self._tx.on_commit(self._on_ended, no, after.value)
                case _:
                    assert effect is Effect.STORE_RECEIPT
        now = self._lines.now_ms
        self._tx.run(_PAYMENT_ENDS, which=no, new_state=after.value, new_receipt=receipt, new_ended_ms=now)
        self._tx.run(
            _TRADE_ENDS, which=trade_no, new_state="undone" if receipt is None else "done",
            new_entry_seq=entry_seq, new_ended_ms=now, new_reason=reason or None,
        )  # fmt: skip

    def _chest(self) -> int:
        return self._books.system(self._tx, SystemRole.CHEST, LOCAL)

    def _pay_from(
        self, holder: int, peer: SchemeId, amount: int, hours: int, trade_no: int, quote_id: bytes, quote_wire: bytes
    ) -> int:  # fmt: skip
        row = self._tx.one(_TRADE_TEXT, no=trade_no)
        assert row is not None
        text, other_name, listing = row
        payee_scheme = trusted_message(Quote, quote_wire).body.payee_scheme
        books, tx = self._books, self._tx
        words = Words(
            text=text,
            done_by=other_name or "a neighbour scheme",
            on_behalf_of=None,
            proved_by="neighbour",
            listing=None if listing is None else ListingRef(scheme=payee_scheme, key=ItemKey(listing)),
            quote=QuoteId(quote_id),
        )
        return books.post(
            tx,
            [
                (holder, -amount),
                (books.system(tx, SystemRole.EXCHANGE, LOCAL), amount),
                (books.system(tx, SystemRole.EXCHANGE, HOURS), -hours),
                (books.line(tx, peer), hours),
            ],
            words,
            releasing={holder: amount},
        ).seq


def _moves_something(amounts: list[tuple[int, int]]) -> bool:
    # A route that comes back over the line it went out by moves nothing here.
    sums: dict[int, int] = {}
    for no, amount in amounts:
        sums[no] = sums.get(no, 0) + amount
    return any(sums.values())


_NEW_PAYMENT: Final = insert(schema.payment)
_PASSED_ON: Final = Words(text="", done_by="interlets", on_behalf_of=None, proved_by="system")

__all__ = ["Acceptances", "NewPayment", "PaymentDesk", "Refused"]
