"""Requests for payment between schemes: sent and taken as letters, paid by an ordinary payment.

A member asks somebody abroad who wrote to them, in that conversation; both schemes must allow it. That payment is what
makes a request paid, on both sides: `payee_desk.py` finds the request a payment answers, and here the key of the
payment tells. Source: docs/protocol.md 7.7; docs/pages.md 8.11.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from node.clock import Chance, Clock
from node.services.acts import clip
from node.services.ask_rows import (
    Ask,
    CannotAsk,
    Cheque,
    Kind,
    Reason,
    Why,
    answer_anew,
    ask_by_id,
    ask_by_once,
    check_new,
    check_pestering_abroad,
    check_room,
    end_ask,
    find_ask,
    put_ask,
)
from node.services.asks import ID_BYTES, ONCE_BYTES, step_ask
from node.services.letters import CannotWrite, Letters, Writing
from node.services.members import Member, member_by_account
from node.services.telling import Telling
from node.services.threads import Thread, find_thread
from node.store import ReadTx, Store, Tx
from protocol.asking import AskEvent, AskState
from protocol.errors import OutOfOrder
from protocol.letter import (
    NOBODY,
    NOT_UNDERSTOOD,
    PAYMENT_REQUEST,
    REQUEST_DECLINED,
    REQUEST_WITHDRAWN,
    TOO_MANY,
    LetterText,
    Sum,
)
from protocol.limits import (
    ASK_REASON_CHARACTERS_MAX,
    ASK_VALID_MS,
    LETTER_NAME_BYTES_MAX,
    QUOTE_TEXT_BYTES_MAX,
)
from protocol.names import SchemeId


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAskAbroad:
    """What a member asks somebody abroad for, in a conversation with them."""

    payee: Member
    thread_no: int
    amount: int
    text: str


class AsksAbroad:
    """See the head of this file."""

    def __init__(
        self, *, store: Store, clock: Clock, chance: Chance, own: SchemeId, letters: Callable[[], Letters],
        allowed: Callable[[], bool], telling: Telling,
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._chance: Final = chance
        self._own: Final = own
        self._letters: Final = letters
        self._allowed: Final = allowed
        self._telling: Final = telling

    # --- asking -----------------------------------------------------------------------------------------------

    async def ask(self, new: NewAskAbroad, once: bytes) -> Ask:
        """Ask somebody abroad; the same `once` again gives what it asked. Raises CannotAsk, LookupError."""
        return await self._store.write(self.ask_in, new, once)

    def ask_in(self, tx: Tx, new: NewAskAbroad, once: bytes) -> Ask:
        """Unit: the same. Raises CannotAsk, LookupError."""
        known = ask_by_once(tx, once, new.payee.account_no)
        if known is not None:
            return known
        payee, now = new.payee, self._clock.now_ms()
        thread = find_thread(tx, new.thread_no, payee.account_no)
        if thread is None or thread.scheme == self._own or thread.their_handle is None:
            raise LookupError("no conversation with somebody abroad")
        if not self._allowed():
            raise CannotAsk(Why.UNREACHABLE)
        text = clip(new.text, QUOTE_TEXT_BYTES_MAX)  # as it will stand in the quote
        check_room(tx, payee.account_no, now)
        check_pestering_abroad(tx, payee.account_no, None, thread.their_handle, now)
        check_new(tx, payee.account_no, None, thread.their_handle, new.amount, text, now)
        ask = put_ask(
            tx, id=self._chance.bytes(ID_BYTES), kind=Kind.OUT, payee_no=payee.account_no,
            other_scheme=thread.scheme, their_handle=thread.their_handle, their_name=thread.their_name,
            thread_no=thread.no, amount=new.amount, text=text, once=once, now_ms=now, until_ms=now + ASK_VALID_MS,
        )  # fmt: skip
        self._write(tx, ask, payee, PAYMENT_REQUEST, text)
        return ask

    async def withdraw(self, no: int, payee: Member) -> None:
        """Take a request back, and tell the other side. Raises CannotAsk, LookupError."""
        await self._store.write(self._withdraw, no, payee)

    def _withdraw(self, tx: Tx, no: int, payee: Member) -> None:
        ask, now = self._find(tx, no, payee.account_no, Kind.OUT), self._clock.now_ms()
        end_ask(tx, ask, step_ask(ask, AskEvent.WITHDRAW, now), now)
        self._write(tx, ask, payee, REQUEST_WITHDRAWN, "")

    # --- answering --------------------------------------------------------------------------------------------

    async def decline(
        self, no: int, payer: Member, reason: Reason, said: str, words: str, *, also: Callable[[Tx], None] | None = None
    ) -> None:  # fmt: skip
        """Say no; `words` tells the asker why, in a sentence; `also` is a part of the unit. Raises CannotAsk, LookupError."""
        await self._store.write(self._decline, no, payer, reason, said, words, also)

    def _decline(
        self, tx: Tx, no: int, payer: Member, reason: Reason, said: str, words: str,
        also: Callable[[Tx], None] | None,
    ) -> None:  # fmt: skip
        ask, now = self._find(tx, no, payer.account_no, Kind.IN), self._clock.now_ms()
        if ask.under_way:
            raise CannotAsk(Why.UNDER_WAY)
        end_ask(tx, ask, step_ask(ask, AskEvent.DECLINE, now), now, reason=reason.value, said=said)
        self._write(tx, ask, payer, REQUEST_DECLINED, words)
        if also is not None:
            also(tx)

    async def ready_to_pay(self, no: int, payer: Member) -> Ask:
        """Return a request that may be paid now, with the key its payment will have. Raises CannotAsk, LookupError.

        Whichever page or device pays it uses that key, so it is paid once; one that came to nothing gets another.
        """
        return await self._store.write(self._ready_to_pay, no, payer)

    def _ready_to_pay(self, tx: Tx, no: int, payer: Member) -> Ask:
        ask = self._find(tx, no, payer.account_no, Kind.IN)
        if ask.stands(self._clock.now_ms()) is not AskState.ASKED:
            raise CannotAsk(Why.ENDED)
        if ask.under_way:
            raise CannotAsk(Why.UNDER_WAY)
        if ask.trade_state == "undone":
            answer_anew(tx, ask, self._chance.bytes(ONCE_BYTES))
            return self._find(tx, no, payer.account_no, Kind.IN)
        return ask

    def _find(self, tx: ReadTx, no: int, account_no: int, kind: Kind) -> Ask:
        ask = find_ask(tx, no, account_no)
        if ask is None or ask.kind is not kind:
            raise LookupError(f"request {no}")
        return ask

    def _write(self, tx: Tx, ask: Ask, member: Member, kind: str, text: str) -> None:
        assert ask.thread_no is not None, "requests across schemes are in a conversation"
        asking = kind == PAYMENT_REQUEST
        writing = Writing(
            account_no=member.account_no, name=clip(member.public_name, LETTER_NAME_BYTES_MAX), scheme=self._own,
            kind=kind, text=text, reference=ask.id, until=ask.until_ms if asking else None,
            amount=Sum(scheme=self._own, amount=ask.amount) if asking else None,
        )  # fmt: skip
        try:
            self._letters().reply_in(tx, ask.thread_no, writing)
        except CannotWrite:
            raise CannotAsk(Why.UNREACHABLE) from None

    # --- letters that come ------------------------------------------------------------------------------------

    def refuses(self, tx: ReadTx, sender: SchemeId, text: LetterText, account_no: int | None) -> str | None:
        """Return why a letter is not taken, before anything of it is written; None if it is. Source: 7.7."""
        if not _is_request(text):
            return None
        if account_no is None:
            return NOBODY
        if not self._allowed():
            return TOO_MANY
        assert text.amount is not None
        line = " ".join(text.text.split())
        fits = (
            line == text.text and line and line.isprintable() and len(line.encode()) <= QUOTE_TEXT_BYTES_MAX
        )
        if text.amount.scheme != sender or not fits:
            return NOT_UNDERSTOOD
        try:
            check_pestering_abroad(tx, None, account_no, text.from_handle, self._clock.now_ms())
        except CannotAsk:
            return TOO_MANY
        return None

    def takes(self, tx: Tx, thread: Thread, text: LetterText) -> None:
        """Unit: note a request, or how one of ours ended; a letter about anything else is words only."""
        if thread.account_no is None or text.reference is None:
            return
        if _is_request(text):
            self.take_request(tx, thread, text)
        elif text.kind == REQUEST_DECLINED:
            self._take_end(tx, thread, text, Kind.OUT, AskEvent.DECLINE)
        elif text.kind == REQUEST_WITHDRAWN:
            self._take_end(tx, thread, text, Kind.IN, AskEvent.WITHDRAW)

    def take_request(self, tx: Tx, thread: Thread, text: LetterText, cheque: Cheque | None = None) -> None:
        """Unit: note that a member of ours is asked to pay, once, and tell them; `cheque` is what it is from (7.11)."""
        assert text.reference is not None
        assert text.amount is not None
        assert text.until is not None
        if ask_by_id(tx, text.reference) is not None:
            return  # the name of another: whoever chose it has their request once, or not at all
        now = self._clock.now_ms()
        ask = put_ask(
            tx, id=text.reference, kind=Kind.IN, payer_no=thread.account_no, other_scheme=thread.scheme,
            their_handle=text.from_handle, their_name=text.from_name, thread_no=thread.no, amount=text.amount.amount,
            text=text.text, answer_once=self._chance.bytes(ONCE_BYTES), now_ms=now,
            until_ms=min(text.until, now + ASK_VALID_MS), cheque=cheque,
        )  # fmt: skip
        payer = None if thread.account_no is None else member_by_account(tx, thread.account_no)
        if payer is not None:
            self._telling.asked_abroad(
                tx, ask.no, ask.until_ms, asker=text.from_name, text=text.text, payer=payer
            )

    def _take_end(self, tx: Tx, thread: Thread, text: LetterText, kind: Kind, event: AskEvent) -> None:
        assert text.reference is not None
        ask, now = ask_by_id(tx, text.reference), self._clock.now_ms()
        if ask is None or ask.kind is not kind or ask.thread_no != thread.no:
            return
        try:
            after = step_ask(ask, event, now)
        except (CannotAsk, OutOfOrder):
            return  # it ended otherwise before the letter came
        said = " ".join(text.text.split())[:ASK_REASON_CHARACTERS_MAX]
        end_ask(tx, ask, after, now, said=said)


def _is_request(text: LetterText) -> bool:
    """Tell whether a letter is a request that can be answered; without name or time it is words. Source: 7.7."""
    named = text.reference is not None and len(text.reference) == ID_BYTES
    return text.kind == PAYMENT_REQUEST and named and text.until is not None
