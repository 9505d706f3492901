"""The life of a standing order: a fixed amount to one other member, every week or month, each day's turn once.

A turn is one of its days. The node says which day it is, tries to pay what is asked for, and says what came of it. Silence
never spends: an order begins with its payer's own yes and always has an end. Source: docs/protocol.md 3.6; docs/pages.md 0.10.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeAlias, assert_never

from protocol.days import DAY_MAX, months_after
from protocol.errors import InvalidValue, OutOfOrder
from protocol.limits import AMOUNT_MAX, STANDING_TRIED_DAYS, STANDING_TURNS_MAX

_WEEK: Final = 7


class Every(StrEnum):
    """How often."""

    WEEK = "week"
    MONTH = "month"


class StandingState(StrEnum):
    """Where an order stands."""

    RUNNING = "running"
    ENDED = "ended"  # its last turn is over
    STOPPED = "stopped"


class LeftOutBecause(StrEnum):
    """Why a turn is over without being paid."""

    HINDERED = "hindered"  # something was in the way for as long as it was tried
    MISSED = "missed"  # a later turn was due before anybody looked


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One order. Days are numbers of `days.py`; it ends with `last`, or after `times` turns, whichever is said."""

    amount: int  # minor units of the scheme, each time
    every: Every
    first: int
    times: int | None = None
    last: int | None = None
    state: StandingState = StandingState.RUNNING
    turn: int = 0  # the turn that is next, from 0 on
    waiting_since: int | None = None  # the day from which this turn could not be paid

    def __post_init__(self) -> None:
        if type(self.amount) is not int or not 1 <= self.amount <= AMOUNT_MAX:
            raise InvalidValue(f"amount {self.amount} not in 1..{AMOUNT_MAX}")
        if type(self.first) is not int or not 1 <= self.first <= DAY_MAX:
            raise InvalidValue(f"first day {self.first} not in 1..{DAY_MAX}")
        if (self.times is None) == (self.last is None):
            raise InvalidValue("an order ends with a day, or after a number of times")
        if self.times is not None and not 1 <= self.times <= STANDING_TURNS_MAX:
            raise InvalidValue(f"times {self.times} not in 1..{STANDING_TURNS_MAX}")
        if self.last is not None and not (
            self.first <= self.last <= DAY_MAX and _day(self, STANDING_TURNS_MAX) > self.last
        ):
            raise InvalidValue(f"last day {self.last} before the first, or after {STANDING_TURNS_MAX} turns")

    @property
    def next_day(self) -> int | None:
        """The day of the next turn; None when there is none."""
        has_one = self.state is StandingState.RUNNING and _has(self, self.turn)
        return _day(self, self.turn) if has_one else None


def days_of(order: Standing) -> tuple[int, ...]:
    """Return the days of all turns, past and to come: at most STANDING_TURNS_MAX."""
    return tuple(_day(order, turn) for turn in range(STANDING_TURNS_MAX) if _has(order, turn))


def _day(order: Standing, turn: int) -> int:
    """Return the day of a turn. Each is reckoned from the first, so that the 31st comes back after February."""
    if order.every is Every.WEEK:
        return order.first + _WEEK * turn
    return months_after(order.first, turn)


def _has(order: Standing, turn: int) -> bool:
    if order.times is not None:
        return turn < order.times
    return order.last is not None and _day(order, turn) <= order.last


# --- Events and effects ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """Somebody looks at the order on this day."""

    today: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """The next turn was paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindered:
    """The next turn could not be paid on this day."""

    today: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The payer stops the order, or one of the two accounts is closed."""


Event: TypeAlias = Looked | Paid | Hindered | Stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A turn is over and was not paid."""

    turn: int
    day: int
    why: LeftOutBecause


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """Pay this turn, and say what came of it."""

    turn: int
    day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """The payer is to be told that this turn waits; said once for each turn."""

    turn: int
    day: int


Effect: TypeAlias = LeftOut | Try | Waits

_RUNNING: Final = StandingState.RUNNING
# The state that follows where the order goes on; that of its last turn is ENDED in its place.
TRANSITIONS: Final[Mapping[StandingState, Mapping[type[Event], StandingState]]] = {
    StandingState.RUNNING: {
        Looked: _RUNNING,
        Paid: _RUNNING,
        Hindered: _RUNNING,
        Stopped: StandingState.STOPPED,
    },
    StandingState.ENDED: {},
    StandingState.STOPPED: {},
}


def standing_step(order: Standing, event: Event) -> tuple[Standing, tuple[Effect, ...]]:
    """Return the order after `event`, and what the node must now do.

    Raises:
        OutOfOrder: `event` is not allowed in `order.state`, or its turn is not due; nothing changed.
    """
    if type(event) not in TRANSITIONS[order.state]:
        raise OutOfOrder(f"{type(event).__name__} while {order.state.value}")
    match event:
        case Looked():
            return _look(order, event.today)
        case Paid():
            return _over(order), ()
        case Hindered():
            return _hinder(order, event.today)
        case Stopped():
            return replace(order, state=StandingState.STOPPED, waiting_since=None), ()
        case _:
            assert_never(event)


def _look(order: Standing, today: int) -> tuple[Standing, tuple[Effect, ...]]:
    effects: list[Effect] = []
    while (why := _why_over(order, today)) is not None:
        effects.append(LeftOut(turn=order.turn, day=_day(order, order.turn), why=why))
        order = _over(order)
    day = order.next_day
    if day is not None and day <= today:
        effects.append(Try(turn=order.turn, day=day))
    return order, tuple(effects)


def _why_over(order: Standing, today: int) -> LeftOutBecause | None:
    """Return why the next turn is left out on this day, or None if it is still to be paid."""
    if order.next_day is None:
        return None
    since = order.waiting_since
    if since is not None and today >= since + STANDING_TRIED_DAYS:
        return LeftOutBecause.HINDERED
    # Only the newest turn that is due is made up for: nobody wants three months' worth at once.
    if _has(order, order.turn + 1) and _day(order, order.turn + 1) <= today:
        return LeftOutBecause.MISSED if since is None else LeftOutBecause.HINDERED
    return None


def _over(order: Standing) -> Standing:
    """Return the order with its next turn behind it."""
    after = replace(order, turn=order.turn + 1, waiting_since=None)
    return after if _has(after, after.turn) else replace(after, state=StandingState.ENDED)


def _hinder(order: Standing, today: int) -> tuple[Standing, tuple[Effect, ...]]:
    day = order.next_day
    if day is None or day > today:
        raise OutOfOrder(f"turn {order.turn} is not due")
    if order.waiting_since is not None:
        return order, ()
    return replace(order, waiting_since=today), (Waits(turn=order.turn, day=day),)
