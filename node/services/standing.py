"""Standing orders: a fixed amount goes to another member on its days, each turn once, and never without the payer's own yes.

What became of a turn is written in the unit that pays it, and the trade bears a key made of the order and the turn: after a
crash, a restore or two looks at one moment it is still paid once. Source: docs/protocol.md 3.6; docs/pages.md 0.10.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum
from typing import Final

from crypto.digest import tagged
from node.clock import Chance, Clock
from node.services.books import Refused
from node.services.members import Member, State, member_by_account
from node.services.standing_rows import (
    EndedBy,
    Hindrance,
    Order,
    Turn,
    change_order,
    count_running,
    order_by_no,
    order_by_once,
    orders_due,
    own_order,
    put_order,
    put_turn,
)
from node.services.telling import Telling
from node.services.trades import NewTrade, Trade, Trades
from node.store import ReadTx, Store, Tx
from node.web.dates import local
from protocol.ledger import Refusal
from protocol.limits import STANDING_RUNNING_MAX
from protocol.standing import (
    Hindered,
    LeftOut,
    LeftOutBecause,
    Looked,
    Paid,
    Standing,
    StandingState,
    Stopped,
    Try,
    Waits,
    standing_step,
)

ID_BYTES: Final = 16
ONCE_BYTES: Final = 16
LOOK_EVERY_S: Final = 1800.0

_IN_THE_WAY: Final = {
    Refusal.EXCEEDS_CREDIT_LIMIT: Hindrance.TOO_FAR,
    Refusal.EXCEEDS_CEILING: Hindrance.NO_ROOM,
    Refusal.BALANCE_TOO_LARGE: Hindrance.NO_ROOM,
}


class Why(StrEnum):
    """Why an order was not begun; nothing changed."""

    TOO_MANY = "too-many"  # enough orders of this payer run
    PAST = "past"  # its first day is over
    NOT_NOW = "not-now"  # one of the two may not trade now, or they are one and the same


class CannotBegin(Exception):
    """An honest no: nothing was changed."""

    def __init__(self, why: Why):
        super().__init__(why.value)
        self.why: Final = why


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStanding:
    """What a payer says yes to."""

    payer: Member
    payee: Member
    text: str
    standing: Standing
    proved_by: str  # how the payer proved who they are: a word of the ledger's PROOFS


@dataclass(frozen=True, slots=True)
class _Came:
    """What a look at an order came to."""

    after: Standing
    turns: tuple[Turn, ...]  # that are over
    hindrance: Hindrance | None = None
    waits: bool = False  # the payer has to be told
    ended_by: EndedBy = EndedBy.NOBODY


def key_of_turn(id_: bytes, turn: int) -> bytes:
    """Return the key of the trade that pays a turn. Source: 3.6."""
    return tagged("interlets/standing-turn", id_ + turn.to_bytes(4, "big"))[:ONCE_BYTES]


class StandingOrders:
    """See the head of this file."""

    def __init__(
        self, *, store: Store, clock: Clock, chance: Chance, trades: Trades, telling: Telling, zone: tzinfo,
        most_due: Callable[[ReadTx, int], int | None], turn_paid: Callable[[Tx, int, Trade], None],
    ):  # fmt: skip
        """`most_due` says how much at most is still to go by an order, None without end; `turn_paid` is told what went."""
        self._store: Final = store
        self._clock: Final = clock
        self._chance: Final = chance
        self._trades: Final = trades
        self._telling: Final = telling
        self._zone: Final = zone
        self._most_due: Final = most_due
        self._turn_paid: Final = turn_paid

    def today(self) -> int:
        """Return the number of the day that it is where the scheme lives."""
        return local(self._clock.now_ms(), self._zone).date().toordinal()

    # --- the payer's own acts ----------------------------------------------------------------------------------

    async def begin(self, new: NewStanding, once: bytes) -> Order:
        """Begin an order by its payer's yes, and pay its first turn where that is today; the same `once` again begins nothing.

        Raises:
            CannotBegin: nothing was changed.
        """
        order = await self._store.write(self._begin, new, once)
        await self._store.write(self._look_at, order.no)
        return order

    def _begin(self, tx: Tx, new: NewStanding, once: bytes) -> Order:
        known = order_by_once(tx, once)
        if known is not None:
            return known
        return self.begin_in(tx, new, once)

    def check(self, tx: ReadTx, new: NewStanding) -> None:
        """Raises CannotBegin: `begin_in` would refuse this."""
        if new.payer.no == new.payee.no or not (new.payer.may_trade and new.payee.may_trade):
            raise CannotBegin(Why.NOT_NOW)
        if new.standing.first < self.today():
            raise CannotBegin(Why.PAST)
        if count_running(tx, new.payer.account_no) >= STANDING_RUNNING_MAX:
            raise CannotBegin(Why.TOO_MANY)

    def begin_in(self, tx: Tx, new: NewStanding, once: bytes) -> Order:
        """Unit: begin an order, as a part of something larger. Raises CannotBegin."""
        self.check(tx, new)
        return put_order(
            tx, new.standing, id_=self._chance.bytes(ID_BYTES), payer_no=new.payer.account_no,
            payee_no=new.payee.account_no, text=new.text, proved_by=new.proved_by, once=once, now_ms=self._clock.now_ms(),
        )  # fmt: skip

    async def stop(self, no: int, account_no: int) -> None:
        """Let the payer stop an order; one that has ended stays as it is. Raises LookupError: no such order of theirs."""
        await self._store.write(self._stop, no, account_no)

    def _stop(self, tx: Tx, no: int, account_no: int) -> None:
        order = own_order(tx, no, account_no)
        if order is None:
            raise LookupError(f"standing order {no}")
        self.end_in(tx, no, EndedBy.PAYER)

    def end_in(self, tx: Tx, no: int, ended_by: EndedBy) -> None:
        """Unit: end an order before its last turn; one that has ended stays as it is."""
        order = order_by_no(tx, no)
        if order is not None and order.standing.state is StandingState.RUNNING:
            after, _ = standing_step(order.standing, Stopped())
            change_order(tx, no, after, self._clock.now_ms(), hindrance=None, ended_by=ended_by)

    # --- what the days bring -----------------------------------------------------------------------------------

    async def look(self) -> None:
        """Pay what is due, each order in a unit of its own."""
        for no in await self._store.read(orders_due, self.today()):
            await self._store.write(self._look_at, no)

    def _look_at(self, tx: Tx, no: int) -> None:
        order, today, now = order_by_no(tx, no), self.today(), self._clock.now_ms()
        if order is None or order.standing.next_day is None or order.standing.next_day > today:
            return
        payer, payee = member_by_account(tx, order.payer_no), member_by_account(tx, order.payee_no)
        # Nothing is written before the ledger has answered: what it refuses leaves the unit clean.
        came = self._try(tx, order, payer, payee)
        for turn in came.turns:
            put_turn(tx, no, turn)
        if came.after != order.standing or came.hindrance is not order.hindrance:
            change_order(tx, no, came.after, now, hindrance=came.hindrance, ended_by=came.ended_by)
        if payer is not None and payee is not None and payer.state is not State.LEFT:
            self._tell(tx, order, came, payer, payee)

    def _try(self, tx: Tx, order: Order, payer: Member | None, payee: Member | None) -> _Came:
        today, now = self.today(), self._clock.now_ms()
        after, effects = standing_step(order.standing, Looked(today=today))
        over = tuple([_left_out(each, order, now) for each in effects if isinstance(each, LeftOut)])
        due = next((each for each in effects if isinstance(each, Try)), None)
        if due is None:
            return _Came(after, over)
        if payer is None or payee is None or State.LEFT in (payer.state, payee.state):
            return _Came(standing_step(after, Stopped())[0], over, ended_by=EndedBy.CLOSED)
        if self._most_due(tx, order.no) == 0:
            return _Came(standing_step(after, Stopped())[0], over, ended_by=EndedBy.NOTHING_LEFT)
        paid = self._pay(tx, order, due.turn, payer, payee)
        if isinstance(paid, Hindrance):
            after, told = standing_step(after, Hindered(today=today))
            return _Came(after, over, hindrance=paid, waits=any(isinstance(each, Waits) for each in told))
        turn = Turn(turn=due.turn, day=due.day, trade_no=paid.no, why=None, hindrance=None, at_ms=now)
        self._turn_paid(tx, order.no, paid)
        after, ended_by = standing_step(after, Paid())[0], EndedBy.NOBODY
        if after.state is StandingState.RUNNING and self._most_due(tx, order.no) == 0:
            after, ended_by = standing_step(after, Stopped())[0], EndedBy.NOTHING_LEFT
        return _Came(after, (*over, turn), ended_by=ended_by)

    def _pay(self, tx: Tx, order: Order, turn: int, payer: Member, payee: Member) -> Trade | Hindrance:
        if not payer.may_trade:
            return Hindrance.PAYER_PAUSED
        if not payee.may_trade:
            return Hindrance.PAYEE_PAUSED
        amount, most = order.standing.amount, self._most_due(tx, order.no)
        new = NewTrade(
            payer_no=order.payer_no, payee_no=order.payee_no, amount=amount if most is None else min(amount, most),
            text=order.text,
            entered_by=payer.name, proved_by=order.proved_by, once=key_of_turn(order.id, turn), payer_name=payer.name,
            payee_name=payee.name,
        )  # fmt: skip
        try:
            return self._trades.record_told_in(tx, new)
        except Refused as no:
            if no.reason not in _IN_THE_WAY:
                raise
            return _IN_THE_WAY[no.reason]

    def _tell(self, tx: Tx, order: Order, came: _Came, payer: Member, payee: Member) -> None:
        left_out, name, text = sum(turn.why is not None for turn in came.turns), payee.name, order.text
        if left_out:
            self._telling.turns_left_out(tx, order.no, left_out, payee=name, text=text, payer=payer)
        if came.waits:
            amount = order.standing.amount
            self._telling.turn_waits(tx, order.no, amount, payee=name, text=text, payer=payer)
        if came.ended_by is EndedBy.CLOSED:
            self._telling.order_closed(tx, order.no, payee=name, text=text, payer=payer)


def _left_out(each: LeftOut, order: Order, now_ms: int) -> Turn:
    hindrance = order.hindrance if each.why is LeftOutBecause.HINDERED else None
    return Turn(turn=each.turn, day=each.day, trade_no=None, why=each.why, hindrance=hindrance, at_ms=now_ms)


__all__ = [
    "CannotBegin",
    "NewStanding",
    "Order",
    "StandingOrders",
    "Why",
    "key_of_turn",
]
