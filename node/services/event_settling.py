"""What an event costs or gives is recorded: its host says who was there, and one trade for each is made, all or none, once.

Guests said yes to the amount before (`protocol/event.py` keeps it as it was), so their yes is what a payer's own press of a
button is elsewhere; the entry says who confirmed it and for whom. Nobody of another scheme can be entered so: they are asked
(`events_abroad.py`). Source: docs/protocol.md 3.5, 5.11; docs/pages.md 7.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import bindparam, update

from node.clock import Clock
from node.services.acts import NotAllowed, clip
from node.services.ask_rows import CannotAsk
from node.services.asks import part_of
from node.services.books import Refused
from node.services.event_rows import Hosted, event_by_key, guests_of
from node.services.event_telling import EventTelling
from node.services.events_abroad import EventsAbroad
from node.services.members import Member, existing
from node.services.trades import NewTrade, Trade, Trades
from node.store import Store, Tx
from node.store.schema import events as schema
from protocol.event import Pays, State, settled, share_of
from protocol.ledger import Refusal
from protocol.limits import ENTRY_NAME_BYTES_MAX
from protocol.names import ItemKey

_E: Final = schema.event.c
_G: Final = schema.guest.c
_SETTLED: Final = (
    update(schema.event)
    .where(_E.no == bindparam("which"))
    .values(state=State.SETTLED.value, changed_ms=bindparam("now"))
)
_WAS_THERE: Final = (
    update(schema.guest)
    .where(_G.event_no == bindparam("which"), _G.who == bindparam("guest_no"))
    .values(trade_no=bindparam("new_trade_no"))
)


class CannotSettle(Exception):
    """An honest no: nobody gave anything. `member` is in the way, or somebody of another scheme, who is none of ours."""

    def __init__(self, member: Member | None, name: str = ""):
        super().__init__(name if member is None else member.number)
        self.member: Final = member
        self.name: Final = name if member is None else member.name


class EventSettling:
    """See the head of this file."""

    def __init__(self, *, store: Store, clock: Clock, trades: Trades, telling: EventTelling, visitors: Callable[[], EventsAbroad]):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._trades: Final = trades
        self._telling: Final = telling
        self._visitors: Final = visitors

    async def settle(self, key: ItemKey, host: Member, proof: str, there: Sequence[int]) -> list[Trade]:
        """Record what all who were `there` give or get, and ask those of other schemes; `proof` says how the host signed in.

        Raises:
            LookupError. NotAllowed: somebody else hosts it. OutOfOrder: not now, not again, or somebody without a place.
            CannotSettle: somebody may not trade or cannot be asked, or an account cannot give or take that much.
        """
        return await self._store.write(self._settle, key, host.no, proof, tuple(there))

    def _settle(self, tx: Tx, key: ItemKey, host_no: int, proof: str, there: tuple[int, ...]) -> list[Trade]:
        hosted, host = event_by_key(tx, key), existing(tx, host_no)
        if hosted is None:
            raise LookupError("no such event")
        if hosted.host_no != host_no:
            raise NotAllowed(host.name)
        guests = guests_of(tx, hosted)
        after = settled(hosted.event, guests, there, self._clock.now_ms())
        people = [existing(tx, who) for who in there if who > 0]
        for each in (host, *people):
            if not each.may_trade:
                raise CannotSettle(each)
        share = share_of(hosted.event.plan, len(there))
        trades = [
            self._record(tx, hosted, host, each, proof, number, share) for number, each in enumerate(people)
        ]
        tx.run(_SETTLED, which=hosted.no, now=self._clock.now_ms())
        for guest, trade in zip(people, trades, strict=True):
            tx.run(_WAS_THERE, which=hosted.no, guest_no=guest.no, new_trade_no=trade.no)
            self._telling.tell_recorded(tx, guest, host, trade, hosted.event.plan)
        try:
            self._visitors().settled_in(tx, replace(hosted, event=after), host, guests, there, share)
        except CannotAsk as no:
            raise CannotSettle(None, no.name) from None
        return trades

    def _record(
        self, tx: Tx, hosted: Hosted, host: Member, guest: Member, proof: str, number: int, share: int
    ) -> Trade:  # fmt: skip
        plan = hosted.event.plan
        costs = plan.pays is not Pays.HOST
        payer, payee = (guest, host) if costs else (host, guest)
        new = NewTrade(
            payer_no=payer.account_no, payee_no=payee.account_no, amount=share, text=plan.title, entered_by=host.name,
            proved_by=proof, once=part_of(hosted.key, number), payer_name=payer.name, payee_name=payee.name,
            on_behalf_of=clip(guest.name, ENTRY_NAME_BYTES_MAX) if costs else None,
        )  # fmt: skip
        try:
            return self._trades.record_in(tx, new)
        except Refused as no:
            takes = no.reason in (Refusal.EXCEEDS_CEILING, Refusal.PAYEE_CLOSED)
            raise CannotSettle(payee if takes else payer) from None
