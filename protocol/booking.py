"""Things that are lent or let for a while: for how long, at what terms, and the life of one booking.

Time is counted in *wall hours*: whole hours since 1 January 1970, 0:00, by the clock on the wall of the owner's scheme, so
that a day always has 24 and no change of clocks moves a booking. What takes the time of a thing is a period `[start, end)`;
that no two of them overlap is for whoever records them. Source: docs/protocol.md 5.9.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from protocol.errors import InvalidValue, OutOfOrder
from protocol.limits import (
    AMOUNT_MAX,
    BOOKING_AHEAD_HOURS_MAX,
    BOOKING_GUESTS_MAX,
    BOOKING_STEPS_MAX,
)
from protocol.message import Code, Flag, Int, Part

# --- Terms ----------------------------------------------------------------------------------------------------

STEPS: Final = ("hour", "day", "night")
DAY_HOURS: Final = 24
# Of each step: its hours, and at which hour of the day it begins. A night goes from noon to noon.
_GRID: Final[Mapping[str, tuple[int, int]]] = {
    "hour": (1, 0),
    "day": (DAY_HOURS, 0),
    "night": (DAY_HOURS, 12),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingTerms(Part):
    """How a thing is booked. The price of a step is the listing's. Source: 5.9."""

    step: Annotated[str, Code(STEPS)]
    longest: Annotated[int, Int(1, BOOKING_STEPS_MAX)]  # steps at a time
    deposit: Annotated[int, Int(0, AMOUNT_MAX)] = 0  # minor units of the lister's scheme
    approval: Annotated[bool, Flag()] = True  # the owner says yes first
    guests: Annotated[int, Int(0, BOOKING_GUESTS_MAX)] = 0  # at most, for a stay; 0: it is not asked

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        if (self.step == "night") != (self.guests > 0):
            raise InvalidValue("nights have guests, and nothing else has")

    @property
    def step_hours(self) -> int:
        """Return how many hours a step has."""
        return _GRID[self.step][0]

    @property
    def begins_at(self) -> int:
        """Return the hour of the day at which a step of a day or more begins."""
        return _GRID[self.step][1]


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """The wall hours `start`…`end`, without the last."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise InvalidValue("a period ends after it begins")

    def overlaps(self, other: Period) -> bool:
        """Tell whether one hour belongs to both."""
        return self.start < other.end and other.start < self.end

    def steps(self, terms: BookingTerms) -> int:
        """Return how many steps it has; of a period on the grid this is exact."""
        return -(-(self.end - self.start) // terms.step_hours)

    def slots(self, terms: BookingTerms) -> range:
        """Return the first hours of its steps."""
        return range(self.start, self.end, terms.step_hours)


class Unfit(StrEnum):
    """Why a period cannot be asked for at all."""

    GRID = "grid"  # it does not begin and end where steps do
    PAST = "past"
    AHEAD = "ahead"  # further away than anybody plans
    LONG = "long"
    GUESTS = "guests"


def check_period(terms: BookingTerms, period: Period, guests: int, now_hour: int) -> Unfit | None:
    """Return why a thing cannot be asked for like this, or None. Source: 5.9.

    The step that is under way may still be asked for: somebody stands at the door.
    """
    size, begins_at = _GRID[terms.step]
    if (period.start - begins_at) % size or (period.end - begins_at) % size:
        return Unfit.GRID
    if period.start + size <= now_hour:
        return Unfit.PAST
    if period.end > now_hour + BOOKING_AHEAD_HOURS_MAX:
        return Unfit.AHEAD
    if period.steps(terms) > terms.longest:
        return Unfit.LONG
    if not (1 if terms.guests else 0) <= guests <= terms.guests:
        return Unfit.GUESTS
    return None


def price_of(terms: BookingTerms, period: Period, step_amount: int) -> int | None:
    """Return what a period costs at `step_amount` minor units a step; None for more than any amount."""
    price = period.steps(terms) * step_amount
    return price if price <= AMOUNT_MAX else None


# --- The life of one booking ----------------------------------------------------------------------------------


class BookingState(StrEnum):
    """Where a booking stands. `LAPSED` and `OVERDUE` follow from the clock and are never written down."""

    WAITING = "waiting"  # in line for a time that somebody else has
    ASKED = "asked"
    AGREED = "agreed"
    HANDED_OVER = "handed-over"
    OVERDUE = "overdue"
    BROUGHT_BACK = "brought-back"  # the borrower says so
    RETURNED = "returned"  # and the owner has it
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"  # nobody said yes before its time was over


class BookingEvent(StrEnum):
    """What happens to it."""

    FREE = "free"  # the time it waited for is free
    QUEUE = "queue"  # somebody else was given the time
    AGREE = "agree"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    CANCEL = "cancel"
    HAND_OVER = "hand-over"
    BRING_BACK = "bring-back"
    MISS = "miss"  # the owner does not have it, whatever the borrower says
    TAKE_BACK = "take-back"
    FALL_DUE = "fall-due"
    LAPSE = "lapse"


class Side(StrEnum):
    """Who acts; the clock stands for all that follows from something else."""

    OWNER = "owner"
    BORROWER = "borrower"
    CLOCK = "clock"


_E: Final = BookingEvent
TRANSITIONS: Final[Mapping[BookingState, Mapping[BookingEvent, BookingState]]] = {
    BookingState.WAITING: {
        _E.FREE: BookingState.ASKED,
        _E.WITHDRAW: BookingState.WITHDRAWN,
        _E.LAPSE: BookingState.LAPSED,
    },
    BookingState.ASKED: {
        _E.AGREE: BookingState.AGREED,
        _E.DECLINE: BookingState.DECLINED,
        _E.WITHDRAW: BookingState.WITHDRAWN,
        _E.QUEUE: BookingState.WAITING,
        _E.LAPSE: BookingState.LAPSED,
    },
    # No clock leads out of here: a thing is with whoever has it until people say otherwise.
    BookingState.AGREED: {_E.HAND_OVER: BookingState.HANDED_OVER, _E.CANCEL: BookingState.CANCELLED},
    BookingState.HANDED_OVER: {
        _E.BRING_BACK: BookingState.BROUGHT_BACK,
        _E.TAKE_BACK: BookingState.RETURNED,
        _E.FALL_DUE: BookingState.OVERDUE,
    },
    BookingState.OVERDUE: {
        _E.BRING_BACK: BookingState.BROUGHT_BACK,
        _E.TAKE_BACK: BookingState.RETURNED,
    },
    BookingState.BROUGHT_BACK: {
        _E.TAKE_BACK: BookingState.RETURNED,
        _E.MISS: BookingState.HANDED_OVER,
    },
    BookingState.RETURNED: {},
    BookingState.DECLINED: {},
    BookingState.WITHDRAWN: {},
    BookingState.CANCELLED: {},
    BookingState.LAPSED: {},
}
# Whose act each event is. Both may say that a thing was handed over, and both may call an agreed booking off.
MAY: Final[Mapping[BookingEvent, frozenset[Side]]] = {
    _E.FREE: frozenset({Side.CLOCK}),
    _E.QUEUE: frozenset({Side.CLOCK}),
    _E.AGREE: frozenset({Side.OWNER}),
    _E.DECLINE: frozenset({Side.OWNER}),
    _E.WITHDRAW: frozenset({Side.BORROWER}),
    _E.CANCEL: frozenset({Side.OWNER, Side.BORROWER}),
    _E.HAND_OVER: frozenset({Side.OWNER, Side.BORROWER}),
    _E.BRING_BACK: frozenset({Side.BORROWER}),
    _E.MISS: frozenset({Side.OWNER}),
    _E.TAKE_BACK: frozenset({Side.OWNER}),
    _E.FALL_DUE: frozenset({Side.CLOCK}),
    _E.LAPSE: frozenset({Side.CLOCK}),
}
# While a booking is in one of these, nobody else has the hours of its period.
TAKES_TIME: Final = frozenset(
    {BookingState.AGREED, BookingState.HANDED_OVER, BookingState.OVERDUE, BookingState.BROUGHT_BACK}
)
# And while it is in one of these, the thing is not with its owner.
IS_OUT: Final = frozenset({BookingState.HANDED_OVER, BookingState.OVERDUE, BookingState.BROUGHT_BACK})


def booking_step(state: BookingState, event: BookingEvent, side: Side) -> BookingState:
    """Return where a booking stands after `event`.

    Raises:
        OutOfOrder: `event` is not allowed in `state`, or not this side's; nothing changed.
    """
    after = TRANSITIONS[state].get(event)
    if after is None or side not in MAY[event]:
        raise OutOfOrder(f"{event.value} by the {side.value} while {state.value}")
    return after


def booking_state(state: BookingState, period: Period, now_hour: int) -> BookingState:
    """Return where a booking stands at `now_hour`, of what was written down: what nobody agreed to has lapsed when its
    time is over, and what was to be back by now is overdue."""
    if period.end > now_hour:
        return state
    if state in (BookingState.WAITING, BookingState.ASKED):
        return booking_step(state, BookingEvent.LAPSE, Side.CLOCK)
    if state is BookingState.HANDED_OVER:
        return booking_step(state, BookingEvent.FALL_DUE, Side.CLOCK)
    return state
