"""The life of a swap: what one member offers for what another lists, answered with yes, no or another proposal, and done.

Nothing moves before both have said that it happened; then the difference, if there is one, is one ordinary trade. Every
transition is in this file, and nothing else decides one. Source: docs/protocol.md 5.14; docs/pages.md 8.15.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeAlias, assert_never

from protocol.errors import InvalidValue, OutOfOrder
from protocol.limits import AMOUNT_MAX, LISTING_TITLE_BYTES_MAX, SWAP_VALID_MS
from protocol.names import ItemKey

# What can be swapped: all that its owner offers for something. A gift is for nothing, and a want is nothing to give.
SWAPPABLE: Final = frozenset({"offer", "lend", "rent", "stay", "lift"})


class Side(StrEnum):
    """Who does something: whoever asked for the swap, or whoever owns what they asked for."""

    ASKER = "asker"
    OWNER = "owner"

    @property
    def other(self) -> Side:
        """The other of the two."""
        return Side.OWNER if self is Side.ASKER else Side.ASKER


class SwapState(StrEnum):
    """Where a swap stands."""

    PROPOSED = "proposed"
    AGREED = "agreed"
    DONE = "done"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    CALLED_OFF = "called-off"  # after a yes, by one of the two
    ENDED = "ended"  # what it was about, or one of the two, is gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the asker gives for what is listed, and what one of the two adds to it."""

    given: str  # a title of the asker's, or words; 1..LISTING_TITLE_BYTES_MAX bytes, and none once one of the two was erased
    given_key: ItemKey | None = None  # of that listing
    amount: int = 0  # minor units of the scheme, 0..AMOUNT_MAX
    payer: Side | None = None  # None exactly where the amount is 0

    def __post_init__(self) -> None:
        if len(self.given.encode()) > LISTING_TITLE_BYTES_MAX:
            raise InvalidValue("a swap of too many words")
        if type(self.amount) is not int or not 0 <= self.amount <= AMOUNT_MAX:
            raise InvalidValue(f"amount {self.amount} not in 0..{AMOUNT_MAX}")
        if (self.amount == 0) is not (self.payer is None):
            raise InvalidValue("a difference has a payer, and nothing else has one")


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """One swap. `turn` counts the proposals, so that a yes is to the one that was read."""

    terms: Terms
    by: Side = Side.ASKER  # who made the latest proposal
    turn: int = 1
    state: SwapState = SwapState.PROPOSED
    happened: frozenset[Side] = frozenset()  # who said so


@dataclass(frozen=True, slots=True, kw_only=True)
class Countered:
    """Whoever is to answer proposes something else."""

    side: Side
    turn: int  # of the proposal it answers
    terms: Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """Whoever is to answer says yes."""

    side: Side
    turn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """Whoever is to answer says no."""

    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """Whoever made the latest proposal takes it back."""

    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One of the two says that it happened."""

    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class CalledOff:
    """One of the two says that it does not happen."""

    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Lapsed:
    """Nobody answered in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """A listing that was to be swapped is no longer there. What was agreed to stays agreed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """One of the two left the scheme."""


SwapEvent: TypeAlias = (
    Countered | Accepted | Declined | Withdrawn | Happened | CalledOff | Lapsed | Gone | Left
)  # fmt: skip

# The state that follows; AGREED is DONE in its place once both said that it happened.
TRANSITIONS: Final[Mapping[SwapState, Mapping[type[SwapEvent], SwapState]]] = {
    SwapState.PROPOSED: {
        Countered: SwapState.PROPOSED,
        Accepted: SwapState.AGREED,
        Declined: SwapState.DECLINED,
        Withdrawn: SwapState.WITHDRAWN,
        Lapsed: SwapState.LAPSED,
        Gone: SwapState.ENDED,
        Left: SwapState.ENDED,
    },
    # No clock leads out of AGREED: what was handed over is handed over, and silence never spends.
    SwapState.AGREED: {
        Happened: SwapState.AGREED,
        CalledOff: SwapState.CALLED_OFF,
        Gone: SwapState.AGREED,
        Left: SwapState.ENDED,
    },
    SwapState.DONE: {},
    SwapState.DECLINED: {},
    SwapState.WITHDRAWN: {},
    SwapState.LAPSED: {},
    SwapState.CALLED_OFF: {},
    SwapState.ENDED: {},
}


def swap_step(swap: Swap, event: SwapEvent) -> Swap:
    """Return the swap after `event`.

    Raises:
        OutOfOrder: `event` is not allowed in this state, by this side, or to a proposal that is not the latest;
            nothing changed.
    """
    state = TRANSITIONS[swap.state].get(type(event))
    if state is None:
        raise OutOfOrder(f"{type(event).__name__} while {swap.state.value}")
    match event:
        case Countered():
            _check_turn(swap, event.side, event.turn)
            return replace(swap, state=state, terms=event.terms, by=event.side, turn=swap.turn + 1)
        case Accepted():
            _check_turn(swap, event.side, event.turn)
            return replace(swap, state=state)
        case Declined():
            _check_turn(swap, event.side, swap.turn)
            return replace(swap, state=state)
        case Withdrawn():
            if event.side is not swap.by:
                raise OutOfOrder("a proposal is taken back by whoever made it")
            return replace(swap, state=state)
        case Happened():
            if event.side in swap.happened:
                raise OutOfOrder("said before")
            happened = swap.happened | {event.side}
            return replace(swap, happened=happened, state=SwapState.DONE if happened == set(Side) else state)
        case CalledOff() | Lapsed() | Gone() | Left():
            return replace(swap, state=state)
        case _:
            assert_never(event)


def _check_turn(swap: Swap, side: Side, turn: int) -> None:
    if side is swap.by:
        raise OutOfOrder("a proposal is answered by the other side")
    if turn != swap.turn:
        raise OutOfOrder("there is another proposal by now")


def swap_state(state: SwapState, until_ms: int, now_ms: int) -> SwapState:
    """Return where a swap stands at `now_ms`: a proposal runs out by the clock alone, and nothing moves by that."""
    return SwapState.LAPSED if state is SwapState.PROPOSED and until_ms <= now_ms else state


def answer_until(now_ms: int) -> int:
    """Return until when a proposal made now can be answered."""
    return now_ms + SWAP_VALID_MS
