"""Requests for payment: asked by whoever gave, answered by whoever received; nothing moves before a yes.

Within the scheme a yes is recorded in the unit that notes it. Source: docs/protocol.md 3.11, 7.7; docs/pages.md 0.10, 4, 8.6.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from crypto.digest import tagged
from node.clock import Chance, Clock
from node.services.acts import Hand
from node.services.ask_counting import away_until, may_count
from node.services.ask_rows import (
    Ask,
    CannotAsk,
    Kind,
    Reason,
    Why,
    ask_by_no,
    ask_by_once,
    asks_of,
    asks_waiting,
    check_new,
    check_pestering,
    check_room,
    end_ask,
    find_ask,
    note_reminded,
    put_ask,
)
from node.services.members import Member, member_by_account
from node.services.settings import Settings
from node.services.telling import Telling
from node.services.trades import NewTrade, Trade, Trades, trade_by_no
from node.store import ReadTx, Store, Tx
from protocol.asking import AskEvent, AskState, ask_step
from protocol.errors import OutOfOrder
from protocol.limits import ASK_REMINDED_EVERY_MS, DAY_MS

ONCE_BYTES: Final = 16
ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAsk:
    """What a member asks another for, all of it known."""

    payee: Member
    payer: Member
    amount: int
    text: str


def part_of(once: bytes, number: int) -> bytes:
    """Return the key of the `number`-th of several acts that one form does; the first has the form's own."""
    return once if number == 0 else tagged("interlets/once", once + number.to_bytes(4, "big"))[:ONCE_BYTES]


class Asks:
    """See the head of this file."""

    def __init__(
        self, *, store: Store, clock: Clock, chance: Chance, trades: Trades, settings: Settings, telling: Telling
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._chance: Final = chance
        self._trades: Final = trades
        self._settings: Final = settings
        self._telling: Final = telling

    def time_for(self, payer: Member) -> tuple[int, bool]:
        """Return until when a request made now waits for this payer, and whether silence then counts. Source: 3.11."""
        settings, now_ms = self._settings.now, self._clock.now_ms()
        counts = settings.silence_days > 0 and may_count(payer, self._telling)
        begins = max(now_ms, away_until(payer) or now_ms)  # no clock runs while they are away
        return begins + (settings.silence_days if counts else settings.ask_days) * DAY_MS, counts

    async def ask(self, asks: Sequence[NewAsk], once: bytes) -> list[Ask]:
        """Ask one or several members, all of them or nobody; the same `once` again gives what it asked.

        Raises:
            CannotAsk: nobody was asked.
        """
        return await self._store.write(self._ask_all, asks, once)

    def _ask_all(self, tx: Tx, asks: Sequence[NewAsk], once: bytes) -> list[Ask]:
        known = [
            ask_by_once(tx, part_of(once, number), new.payee.account_no) for number, new in enumerate(asks)
        ]
        if known and known[0] is not None:
            return [each for each in known if each is not None]
        return [self._ask_in(tx, new, part_of(once, number)) for number, new in enumerate(asks)]

    def _ask_in(self, tx: Tx, new: NewAsk, once: bytes) -> Ask:
        payee, payer, now = new.payee, new.payer, self._clock.now_ms()
        check_room(tx, payee.account_no, now)
        check_pestering(tx, payee.account_no, payer.account_no, now)
        check_new(tx, payee.account_no, payer.account_no, None, new.amount, new.text, now)
        until_ms, counts = self.time_for(payer)
        ask = put_ask(
            tx, id=self._chance.bytes(ID_BYTES), kind=Kind.LOCAL, payee_no=payee.account_no,
            payer_no=payer.account_no, amount=new.amount, text=new.text, answer_once=self._chance.bytes(ONCE_BYTES),
            once=once, now_ms=now, until_ms=until_ms, counts=counts,
        )  # fmt: skip
        self._telling.asked(tx, ask, asker=payee.name, payer=payer)
        return ask

    async def pay(
        self, no: int, payer: Member, payee: Member, *, hand: Hand, also: Callable[[Tx, Trade], None] | None = None
    ) -> Trade:  # fmt: skip
        """Say yes to a request within the scheme: it is recorded, once, however often it is said.

        `hand` enters it; `also` is a part of the unit that records it.

        Raises:
            CannotAsk: it has ended otherwise. Refused: the ledger says no. LookupError: no such request of theirs.
        """
        return await self._store.write(self._pay, no, payer, payee, hand, also)

    def _pay(
        self, tx: Tx, no: int, payer: Member, payee: Member, hand: Hand, also: Callable[[Tx, Trade], None] | None
    ) -> Trade:  # fmt: skip
        ask = _own(tx, no, payer.account_no, payer=True)
        if ask.kind is not Kind.LOCAL or ask.payee_no != payee.account_no:
            raise LookupError(f"request {no}")
        now = self._clock.now_ms()
        if ask.stands(now) is AskState.PAID and ask.trade_no is not None:
            return trade_by_no(tx, ask.trade_no)
        after = step_ask(ask, AskEvent.PAY, now)
        assert ask.answer_once is not None, "requests within the scheme have one from the start"
        trade = self._trades.record_in(
            tx,
            NewTrade(
                payer_no=payer.account_no, payee_no=payee.account_no, amount=ask.amount, text=ask.text,
                entered_by=hand.entered_by, proved_by=hand.proved_by, on_behalf_of=hand.on_behalf_of,
                reason=hand.reason, once=ask.answer_once, payer_name=payer.name, payee_name=payee.name,
            ),
        )  # fmt: skip
        end_ask(tx, ask, after, now, trade_no=trade.no)
        if also is not None:
            also(tx, trade)
        self._telling.answered(tx, no, payer=payer.name, text=ask.text, paid=True, payee=payee)
        return trade

    async def decline(
        self, no: int, payer: Member, reason: Reason, said: str, *, also: Callable[[Tx], None] | None = None
    ) -> Ask:  # fmt: skip
        """Say no, with a reason; the same once more changes nothing. Raises CannotAsk, LookupError."""
        return await self._store.write(self._decline, no, payer, reason, said, also)

    def _decline(
        self, tx: Tx, no: int, payer: Member, reason: Reason, said: str, also: Callable[[Tx], None] | None
    ) -> Ask:  # fmt: skip
        ask, now = _own(tx, no, payer.account_no, payer=True), self._clock.now_ms()
        if ask.under_way:
            raise CannotAsk(Why.UNDER_WAY)
        if also is not None and ask.stands(now) is AskState.ASKED:
            also(tx)
        end_ask(tx, ask, step_ask(ask, AskEvent.DECLINE, now), now, reason=reason.value, said=said)
        payee = None if ask.payee_no is None else member_by_account(tx, ask.payee_no)
        if payee is not None:
            self._telling.answered(tx, no, payer=payer.name, text=ask.text, paid=False, payee=payee)
        return _again(tx, no)

    async def withdraw(self, no: int, account_no: int) -> Ask:
        """Take a request of one's own back. Raises CannotAsk, LookupError."""
        return await self._store.write(self._withdraw, no, account_no)

    def _withdraw(self, tx: Tx, no: int, account_no: int) -> Ask:
        ask, now = _own(tx, no, account_no, payer=False), self._clock.now_ms()
        end_ask(tx, ask, step_ask(ask, AskEvent.WITHDRAW, now), now)
        return _again(tx, no)

    async def remind(self, no: int, payee: Member, payer: Member) -> None:
        """Tell the payer once more, at most once a day. Raises CannotAsk, LookupError."""
        await self._store.write(self._remind, no, payee, payer)

    def _remind(self, tx: Tx, no: int, payee: Member, payer: Member) -> None:
        ask, now = _own(tx, no, payee.account_no, payer=False), self._clock.now_ms()
        if ask.stands(now) is not AskState.ASKED or ask.payer_no != payer.account_no:
            raise CannotAsk(Why.ENDED)
        if now - ask.reminded_ms < ASK_REMINDED_EVERY_MS:
            raise CannotAsk(Why.SOON)
        note_reminded(tx, no, now)
        self._telling.asked(tx, ask, asker=payee.name, payer=payer)


def _own(tx: ReadTx, no: int, account_no: int, *, payer: bool) -> Ask:
    ask = find_ask(tx, no, account_no)
    if ask is None or (ask.payer_no if payer else ask.payee_no) != account_no:
        raise LookupError(f"request {no}")
    return ask


def _again(tx: ReadTx, no: int) -> Ask:
    ask = ask_by_no(tx, no)
    assert ask is not None
    return ask


def step_ask(ask: Ask, event: AskEvent, now_ms: int) -> AskState:
    """Return what follows what stands. Raises CannotAsk: it has ended."""
    stands = ask.stands(now_ms)
    if event is AskEvent.PAY and stands is not AskState.ASKED:
        raise CannotAsk(Why.ENDED)  # a late yes is no yes: only a payment already begun outlives an end
    try:
        return ask_step(stands, event)
    except OutOfOrder:
        raise CannotAsk(Why.ENDED) from None


__all__ = [
    "Ask",
    "Asks",
    "CannotAsk",
    "Kind",
    "NewAsk",
    "Reason",
    "Why",
    "asks_of",
    "asks_waiting",
    "find_ask",
    "part_of",
]
