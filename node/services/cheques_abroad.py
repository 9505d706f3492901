"""Cheques and slips between our members and those of other schemes, entered by organisers of either.

What our member gives is paid like any purchase, at a firm price that is never above what is written. What one of theirs gives
is asked for by a letter; there, the member or an organiser of theirs says yes. Source: docs/protocol.md 7.11; docs/pages.md 8.9.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from node.clock import Chance, Clock
from node.mail.texts import by_whom, done_sentence, words_of
from node.services.acts import Actor, Deed, NotAllowed, Work, clip, note_act
from node.services.ask_rows import (
    Ask,
    CannotAsk,
    Cheque,
    Kind,
    Reason,
    Why,
    answer_anew,
    ask_by_no,
    check_new,
    put_ask,
)
from node.services.asks import ID_BYTES, ONCE_BYTES
from node.services.asks_abroad import AsksAbroad
from node.services.cheque_check import Abroad, Before, Judged, Wrong, cheques_abroad, entered_before, key_of
from node.services.letters import ChequePart, Letters, Writing
from node.services.members import Member, member_by_account
from node.services.quotes import NoOffer, Offer, QuoteService
from node.services.settings import Settings
from node.services.settlement import Along, CannotPay, NoPayment, Payment, Settlement
from node.services.telling import Telling
from node.services.threads import Thread
from node.services.trades import trade_by_no
from node.store import ReadTx, Store, Tx
from protocol.asking import AskState
from protocol.letter import CHEQUE, NOT_UNDERSTOOD, ChequeText, LetterText, Sum
from protocol.limits import (
    ASK_VALID_MS,
    CHEQUE_NUMBER_BYTES_MAX,
    LETTER_NAME_BYTES_MAX,
    QUOTE_NAME_BYTES_MAX,
    QUOTE_TEXT_BYTES_MAX,
)
from protocol.names import SchemeId
from protocol.quote import ChequeRequest

PRICES_AT_ONCE: Final = 8
PRICES_WAIT_S: Final = 20.0
PAID_WAIT_S: Final = 8.0
_FIRST_DAY: Final = date(1970, 1, 1).toordinal()
_NO_PRICE: Final = {
    "gone": Wrong.NOBODY_THERE,
    "no-way": Wrong.UNREACHABLE,
    "cannot-now": Wrong.CANNOT_NOW,
    "price-changed": Wrong.CANNOT_NOW,
}
_NOT_PAID: Final = {
    NoPayment.STALE: Wrong.CANNOT_NOW,
    NoPayment.NO_WAY: Wrong.UNREACHABLE,
    NoPayment.TOO_LITTLE: Wrong.TOO_FAR,
    NoPayment.WAITING: Wrong.SAME,
    NoPayment.CLOSED: Wrong.CANNOT_TRADE,
    NoPayment.DEARER: Wrong.DEARER,
    NoPayment.CHANGED: Wrong.SAME,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """A cheque of a member of ours that came to a desk elsewhere."""

    ask: Ask
    payer: Member


class ChequesAbroad:
    """See the head of this file."""

    def __init__(
        self, *, store: Store, clock: Clock, chance: Chance, own: SchemeId, letters: Callable[[], Letters],
        quotes: QuoteService, settlement: Settlement, asks: AsksAbroad, settings: Settings, telling: Telling,
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._chance: Final = chance
        self._own: Final = own
        self._letters: Final = letters
        self._quotes: Final = quotes
        self._settlement: Final = settlement
        self._asks: Final = asks
        self._settings: Final = settings
        self._telling: Final = telling

    # --- our member gives -------------------------------------------------------------------------------------

    async def priced(self, judged: Sequence[Judged]) -> list[Judged]:
        """Return the same with a firm price for each that pays somebody elsewhere, or why there is none. Nothing moves."""
        turns = asyncio.Semaphore(PRICES_AT_ONCE)
        found = list(judged)

        async def ask(at: int, each: Judged) -> None:
            async with turns:
                found[at] = await self._priced(each)

        wanted = [(at, each) for at, each in enumerate(found) if each.pays_abroad]
        for at, each in wanted:  # what is not answered in time
            found[at] = each.refused("scheme", Wrong.UNREACHABLE)
        try:
            async with asyncio.timeout(PRICES_WAIT_S), asyncio.TaskGroup() as group:
                for at, each in wanted:
                    group.create_task(ask(at, each))
        except TimeoutError:
            pass
        return found

    async def _priced(self, judged: Judged) -> Judged:
        abroad, payer = judged.slip.abroad, judged.payer
        assert abroad is not None
        assert payer is not None
        request = ChequeRequest(
            listing=None, payee_handle=None,
            payer_handle=await self._quotes.handle_of(abroad.scheme, payer.account_no),
            payer_name=clip(payer.public_name, QUOTE_NAME_BYTES_MAX), amount=abroad.gets, price_seen=None,
            text=self._text(judged.slip.what, judged.slip.number), number=abroad.number,
            name=clip(abroad.name, QUOTE_NAME_BYTES_MAX),
        )  # fmt: skip
        offer = await self._quotes.ask(abroad.scheme, request)
        if isinstance(offer, NoOffer):
            theirs = Wrong.NOBODY_THERE if offer.reason == "gone" else _NO_PRICE[offer.reason]
            return judged.refused("payee" if theirs is Wrong.NOBODY_THERE else "scheme", theirs)
        if offer.amount > abroad.written:
            return judged.refused("amount", Wrong.DEARER)
        return replace(judged, offer=offer)

    async def pay(self, by: Actor, judged: Judged, once: bytes, along: Along) -> Payment | Wrong:
        """Set aside what a checked cheque gives somebody elsewhere, and send it on its way; or say why not."""
        assert judged.payer is not None
        assert judged.offer is not None
        try:
            return await self._settlement.pay(
                judged.offer, account_no=judged.payer.account_no, entered_by=by.name, once=once, along=along
            )
        except CannotPay as no:
            return _NOT_PAID[no.reason]

    async def wait(self, payments: Sequence[Payment]) -> None:
        """Wait a moment for the end of payments that were begun."""
        async with asyncio.TaskGroup() as group:
            for each in payments:
                group.create_task(self._settlement.wait(each.no, PAID_WAIT_S))

    def _text(self, what: str, number: str) -> str:
        """Return what both sides read: what it was for, and from which cheque."""
        if not number:
            return clip(what, QUOTE_TEXT_BYTES_MAX)
        words = words_of(self._settings.now, "")
        said = {"what": what, "number": number}
        return clip(words.gettext("%(what)s (cheque %(number)s)") % said, QUOTE_TEXT_BYTES_MAX)

    # --- one of theirs gives ----------------------------------------------------------------------------------

    def why_not(self, tx: ReadTx, payee: Member, abroad: Abroad, what: str, number: str) -> Wrong | None:
        """Return why a cheque cannot be sent to its giver's scheme now; None if it can."""
        if not self._letters().can_reach(abroad.scheme):
            return Wrong.UNREACHABLE
        text, now_ms = self._text(what, number), self._clock.now_ms()
        try:
            check_new(tx, payee.account_no, None, None, abroad.gets, text, now_ms)
        except CannotAsk:
            return Wrong.SAME
        return None

    def send_in(
        self, tx: Tx, by: Actor, payee: Member, abroad: Abroad, *, number: str, day: date, what: str
    ) -> Ask:
        """Unit: ask the giver's scheme to pay a cheque, in the payee's name; `why_not` was asked before."""
        now_ms, text = self._clock.now_ms(), self._text(what, number)
        until_ms, id_ = now_ms + ASK_VALID_MS, self._chance.bytes(ID_BYTES)
        part = ChequePart(
            number=abroad.number, name=clip(abroad.name, LETTER_NAME_BYTES_MAX),
            cheque=clip(number, CHEQUE_NUMBER_BYTES_MAX), day=max(0, day.toordinal() - _FIRST_DAY), written=abroad.written,
        )  # fmt: skip
        thread_no = self._letters().write_in(
            tx,
            Writing(
                account_no=payee.account_no, name=clip(payee.public_name, LETTER_NAME_BYTES_MAX), scheme=abroad.scheme,
                to_name=abroad.name, kind=CHEQUE, text=text, reference=id_, until=until_ms,
                amount=Sum(scheme=self._own, amount=abroad.gets), cheque=part,
            ),
        )  # fmt: skip
        ask = put_ask(
            tx, id=id_, kind=Kind.OUT, payee_no=payee.account_no, other_scheme=abroad.scheme, their_name=abroad.name,
            thread_no=thread_no, amount=abroad.gets, text=text, now_ms=now_ms, until_ms=until_ms,
            cheque=Cheque(number, day.isoformat(), abroad.written),
        )  # fmt: skip
        note_act(tx, by, Deed.CHEQUE, now_ms=now_ms, for_no=payee.no, detail=number, why=what)
        self._telling.cheque_sent(tx, ask, member=payee, scheme=abroad.scheme_name, by=by, day=day)
        return ask

    # --- what other desks send --------------------------------------------------------------------------------

    def refuses(self, sender: SchemeId, text: LetterText) -> str | None:
        """Return why a letter is not taken, before anything of it is written; None if it is."""
        if not isinstance(text, ChequeText):
            return None
        assert text.amount is not None
        line = " ".join(text.text.split())
        fits = (
            line == text.text and line and line.isprintable() and len(line.encode()) <= QUOTE_TEXT_BYTES_MAX
        )
        plain = text.cheque.isprintable() and text.name.isprintable()
        return None if text.amount.scheme == sender and fits and plain else NOT_UNDERSTOOD

    def takes(self, tx: Tx, thread: Thread, text: LetterText) -> None:
        """Unit: note a cheque that a member of ours gave; anything else is not for here."""
        if not isinstance(text, ChequeText) or thread.account_no is None:
            return
        dated = date.fromordinal(_FIRST_DAY + text.day).isoformat()
        self._asks.take_request(tx, thread, text, Cheque(text.cheque, dated, text.written))

    async def yes(self, by: Actor, ask_no: int, why: str) -> Payment:
        """Say yes for a member who gave a cheque, to no more than is written on it; `why` says how it is known.

        However often it is said, it is paid once.

        Raises:
            CannotAsk: it was answered, or its number is paid. CannotPay: nothing moved. LookupError: no such cheque. NotAllowed: their own.
        """
        by.must_do(Work.PEOPLE)
        brought = await self._store.write(self._ready, by, ask_no)
        ask, payer = brought.ask, brought.payer
        offer = await self._offer_for(brought)
        assert ask.cheque is not None
        assert ask.answer_once is not None
        if offer.amount > ask.cheque.written:
            raise CannotPay(NoPayment.DEARER)
        payment = await self._settlement.pay(
            offer, account_no=payer.account_no, entered_by=by.name, once=ask.answer_once, along=_Said(self, by, brought, why)
        )  # fmt: skip
        return await self._settlement.wait(payment.no, PAID_WAIT_S)

    def _ready(self, tx: Tx, by: Actor, ask_no: int) -> Brought:
        brought = self.find(tx, by, ask_no)
        if self._before(tx, brought.ask, brought.payer) is not None:
            raise CannotAsk(Why.SAME)
        if brought.ask.trade_state == "undone":
            answer_anew(tx, brought.ask, self._chance.bytes(ONCE_BYTES))
            return self.find(tx, by, ask_no)
        return brought

    def find(self, tx: ReadTx, by: Actor, ask_no: int) -> Brought:
        """Return a cheque that waits for a yes. Raises CannotAsk, LookupError, NotAllowed."""
        ask = ask_by_no(tx, ask_no)
        if ask is None or ask.cheque is None or ask.kind is not Kind.IN or ask.payer_no is None:
            raise LookupError(f"cheque {ask_no}")
        payer = member_by_account(tx, ask.payer_no)
        if payer is None:
            raise LookupError(f"cheque {ask_no}")
        if payer.no == by.no:
            raise NotAllowed(by.name)
        if ask.under_way:
            raise CannotAsk(Why.UNDER_WAY)
        if ask.stands(self._clock.now_ms()) is not AskState.ASKED or not payer.may_trade:
            raise CannotAsk(Why.ENDED)
        return Brought(ask=ask, payer=payer)

    def waiting(self, tx: ReadTx) -> list[tuple[Brought, Before | None]]:
        """Return what waits for a yes, the oldest first, with what a number stands for already."""
        found = []
        for ask in cheques_abroad(tx, self._clock.now_ms()):
            payer = None if ask.payer_no is None else member_by_account(tx, ask.payer_no)
            if payer is not None:
                found.append((Brought(ask=ask, payer=payer), self._before(tx, ask, payer)))
        return found

    def _before(self, tx: ReadTx, ask: Ask, payer: Member) -> Before | None:
        assert ask.cheque is not None
        return entered_before(tx, key_of(ask.cheque.number), self._clock.now_ms(), payer)

    async def _offer_for(self, brought: Brought) -> Offer:
        ask = brought.ask
        assert ask.other_scheme is not None
        offer = await self._quotes.ask_for(
            brought.payer, ask.other_scheme, ask.their_handle, ask.amount, ask.text
        )
        if isinstance(offer, NoOffer):
            raise CannotPay(NoPayment.NO_WAY)
        return offer

    def began(self, tx: Tx, by: Actor, brought: Brought, why: str, trade_no: int) -> None:
        """Unit: note that an organiser said yes for a member, and tell them."""
        ask, payer = brought.ask, brought.payer
        assert ask.cheque is not None
        number, day = ask.cheque.number, date.fromisoformat(ask.cheque.dated)
        now_ms = self._clock.now_ms()
        note_act(tx, by, Deed.CHEQUE, now_ms=now_ms, for_no=payer.no, detail=number, why=why)
        self._telling.entered(
            tx, trade_by_no(tx, trade_no), member=payer, other=ask.their_name, given=True, by=by, number=number, day=day
        )  # fmt: skip

    async def no(self, by: Actor, ask_no: int, words: str) -> None:
        """Say no for a member who did not give this cheque, or not like this; `words` tells why, also the other scheme.

        Raises CannotAsk, LookupError, NotAllowed.
        """
        by.must_do(Work.PEOPLE)
        brought = await self._store.read(self.find, by, ask_no)

        def note(tx: Tx) -> None:
            ask, payer, settings = brought.ask, brought.payer, self._settings.now
            note_act(
                tx, by, Deed.ACTED, now_ms=self._clock.now_ms(), for_no=payer.no, detail=ask.text, why=words
            )  # fmt: skip
            said_no = done_sentence(settings, payer.language, "said-no", ask.text)
            lines = (said_no, by_whom(settings, payer.language, by.name))
            self._telling.told_or_noted(tx, payer, lines, f"/asks/{ask.no}")

        await self._asks.decline(ask_no, brought.payer, Reason.OTHER, words, words, also=note)


@dataclass(frozen=True, slots=True)
class _Said:
    """A yes that an organiser says for a member, in the unit that begins the payment."""

    desk: ChequesAbroad
    by: Actor
    brought: Brought
    why: str

    def check(self, tx: ReadTx) -> None:
        try:
            self.desk.find(tx, self.by, self.brought.ask.no)
        except CannotAsk:
            raise CannotPay(NoPayment.CHANGED) from None

    def begun(self, tx: Tx, trade_no: int) -> None:
        self.desk.began(tx, self.by, self.brought, self.why, trade_no)
