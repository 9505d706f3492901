"""A payment arrives: what the payee's scheme does, inside one unit of work.

Source: docs/protocol.md 7.2–7.4, 0.4.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, insert, select, update

from crypto.signing import Signed
from node import crash
from node.keyring import KeyRing
from node.services.ask_rows import note_paid_abroad
from node.services.books import Books, Refused, load, reference_number, reference_taken
from node.services.guest_deposits import deposit_paid
from node.services.line_desk import LineDesk
from node.services.line_rows import Line
from node.services.payer_desk import Rebuilt, Tell, unsigned_quote
from node.services.promises import Given
from node.store import Tx
from node.store.schema import books as books_schema
from node.store.schema import payments as schema
from protocol.entry import ListingRef, Words
from protocol.ledger import HOURS, LOCAL, SystemRole
from protocol.line_ops import Claim, Lock, Op
from protocol.memo import Paid, quote_of, rest_of
from protocol.message import trusted_message
from protocol.names import QuoteId
from protocol.payment import (
    Effect,
    PayeeEvent,
    PayeeState,
    Promise,
    payee_step,
    payee_verdict,
)
from protocol.quote import Acceptance, Quote, make_receipt

_Q: Final = schema.promise.c
_PROMISE: Final = select(_Q.state, _Q.account_no, _Q.quote, _Q.text, _Q.payer_name).where(
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
_NEW_PROMISE: Final = insert(schema.promise)
_NEW_TRADE: Final = insert(books_schema.trade)


class PayeeDesk:
    """Carries out the payee's table of `protocol/payment.py`."""

    def __init__(self, tx: Tx, lines: LineDesk, books: Books, keyring: KeyRing, tell: Tell):
        self._tx: Final = tx
        self._lines: Final = lines
        self._books: Final = books
        self._keyring: Final = keyring
        self._tell: Final = tell

    def be_paid(self, line: Line, seq: int, lock: Lock, acceptance: Signed[Acceptance] | None) -> None:
        """Credit the member and claim, or release."""
        given, promise = self._given(lock.quote_id), None
        if given is not None:
            can = self._can_be_credited(given.account_no, given.quote)
            promise = Promise(quote=given.quote.body, paid=given.paid, member_can_be_credited=can)
            own_key = self._keyring.signing["receipt"][1].public.raw
            if given.quote.body.receipt_key != own_key and not given.paid:
                # Its key was revoked since the quote (6.3), and no receipt of another opens the lock.
                self._lines.decide(line, seq, None, "cannot-now")
                return
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
        assert given is not None
        assert acceptance is not None
        try:
            trade_no = self._credit(line, given)
        except Refused:  # beyond what any ledger can write; nothing was posted
            self._lines.decide(line, seq, None, "cannot-now")
            return
        body = given.quote.body
        note_paid_abroad(
            self._tx, given.account_no, body.payer_scheme, acceptance.body.payer_handle, body.amount, given.text,
            trade_no, self._lines.now_ms,
        )  # fmt: skip
        if body.listing is None:
            deposit_paid(
                self._tx, given.account_no, body.payer_scheme, acceptance.body.payer_handle, body.amount, given.text,
                self._lines.now_ms,
            )  # fmt: skip
        receipt = make_receipt(lock.quote_id, self._keyring.signing["receipt"][1])
        memory = Paid(
            account=load(self._tx, given.account_no).value.account_id,
            payer=given.quote.body.payer_scheme,
            quote=rest_of(given.quote.body),
        )
        self._lines.decide(line, seq, receipt, memory=memory)
        payee_step(PayeeState.CLAIMED, PayeeEvent.UP_CLAIM_AUTHORED)
        self._tx.kept(schema.promise).pop(lock.quote_id, None)
        self._tx.run_keeping(
            _PROMISE_PAID, which=lock.quote_id, new_trade_no=trade_no, new_acceptance=acceptance.wire,
            new_receipt=receipt, new_line_no=line.no, new_lock_seq=line.state.own_length,
        )  # fmt: skip
        self._tell(self._tx, trade_no)
        self._tx.on_commit(crash.point, "claim-committed")

    def be_paid_again(
        self, line: Line, claim: Signed[Op], lock: Lock, memory: Paid, acceptance: Signed[Acceptance] | None
    ) -> Rebuilt:
        """Credit again whom a CLAIM of mine stands for that a restore forgot. Source: 6.7 (b).

        Raises:
            InvalidValue: the memo does not belong to this lock.
        """
        step, tx = claim.body.step, self._tx
        assert isinstance(step, Claim)
        state, _ = payee_step(PayeeState.NEW, PayeeEvent.GOOD)
        payee_step(state, PayeeEvent.UP_CLAIM_AUTHORED)
        quote = unsigned_quote(quote_of(memory.quote, lock, payer=memory.payer, payee=self._keyring.scheme))
        given = self._given(lock.quote_id)
        if given is not None and given.paid:
            # Claimed over two lines, which only a payer who pays twice brings about: the member has theirs.
            self._to_chest(line, lock.amount)
            return Rebuilt(None, 0, known=False)
        found = self._books.find(tx, memory.account)
        account_no = self._chest() if found is None else found
        if given is None:
            given = Given(False, account_no, quote, "", "")
            tx.run(
                _NEW_PROMISE, quote_id=lock.quote_id, state="given", account_no=account_no, quote=quote.wire, text="",
                payer_name="", payer_handle=bytes(16) if acceptance is None else acceptance.body.payer_handle,
                via=line.peer, valid_until=quote.body.valid_until, trade_no=None, acceptance=None, receipt=None,
                line_no=None, lock_seq=None,
            )  # fmt: skip
        trade_no = self._credit(line, given._replace(account_no=account_no), beyond_limits=True)
        if acceptance is not None and quote.body.listing is None:
            handle, now = acceptance.body.payer_handle, self._lines.now_ms
            deposit_paid(tx, account_no, memory.payer, handle, quote.body.amount, given.text, now)
        tx.run(
            _PROMISE_PAID, which=lock.quote_id, new_trade_no=trade_no,
            new_acceptance=None if acceptance is None else acceptance.wire, new_receipt=step.receipt,
            new_line_no=line.no, new_lock_seq=claim.body.seq,
        )  # fmt: skip
        return Rebuilt(trade_no, quote.body.amount, known=found is not None)

    def _chest(self) -> int:
        return self._books.system(self._tx, SystemRole.CHEST, LOCAL)

    def _to_chest(self, line: Line, hours: int) -> None:
        chest = self._books.system(self._tx, SystemRole.CHEST, HOURS)
        words = Words(text="", done_by="interlets", on_behalf_of=None, proved_by="system")
        self._books.post(self._tx, [(self._books.line(self._tx, line.peer), -hours), (chest, hours)], words)

    def _can_be_credited(self, account_no: int, quote: Signed[Quote]) -> bool:
        account = load(self._tx, account_no).value
        if account.closed or (account.room is not None and account.room < quote.body.amount):
            return False
        # A trade recorded since the quote may bear its reference by chance (7.9); the payer asks for another quote.
        return not reference_taken(self._tx, reference_number(quote.id))

    def _given(self, quote_id: QuoteId) -> Given | None:
        kept: Given | None = self._tx.kept(schema.promise).get(quote_id)
        if kept is not None:
            return kept
        row = self._tx.one(_PROMISE, quote_id=quote_id)
        if row is None:
            return None
        state, account_no, wire, text, payer_name = row
        return Given(state == "paid", account_no, trusted_message(Quote, wire), text, payer_name)

    def _credit(self, line: Line, given: Given, *, beyond_limits: bool = False) -> int:
        """Credit the member and book the line, in one entry; return the trade's number."""
        _, account_no, quote, text, payer_name = given
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
            beyond_limits=beyond_limits,
        )
        return tx.insert_keeping(
            _NEW_TRADE, reference=reference_number(quote.id), kind="in", state="done", payer_no=None,
            payee_no=account_no, amount=body.amount, text=text, listing=body.listing, other_scheme=body.payer_scheme,
            other_name=payer_name, other_amount=None, other_unit=None, hours=body.hours, entry_seq=entered.seq,
            created_ms=self._lines.now_ms, ended_ms=self._lines.now_ms, reason=None, late=False, entered_by=payer_name,
            once=None, corrects_no=None, corrected_by_no=None,
        )  # fmt: skip
