"""Decisions of a group, or of the organisers: what is put, who votes on it, how votes are counted, and what the minutes say.

Who votes is written down when something is put. Nothing is counted before the closing moment, and nothing changes after it.
Source: docs/protocol.md 5.13; docs/pages.md 7.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from protocol.errors import InvalidValue, OutOfOrder
from protocol.limits import (
    PROPOSAL_LENGTH_MS_MAX,
    PROPOSAL_OPTIONS_MAX,
    PROPOSAL_QUORUM_MAX,
    TIME_MS_MAX,
)

# --- What is put ----------------------------------------------------------------------------------------------


class Voters(StrEnum):
    """Who votes; written down, name by name, when something is put."""

    GROUP = "group"  # everybody in the group
    KEEPERS = "keepers"
    ORGANISERS = "organisers"
    MEMBERS = "members"  # every member of the scheme


OF_GROUP: Final = frozenset({Voters.GROUP, Voters.KEEPERS})  # the others are for what organisers put

YES: Final = "yes"
NO: Final = "no"
ABSTAIN: Final = "abstain"
ASIDE: Final = "aside"  # does not agree, and stands in nobody's way


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """Something put to the vote: yes or no, or one of several options."""

    voters: Voters
    options: tuple[str, ...] = ()  # none: yes or no; else 2..PROPOSAL_OPTIONS_MAX, in words
    secret: bool = False  # who voted how is known to nobody afterwards
    quorum: int | None = None  # how many have to vote, 1..PROPOSAL_QUORUM_MAX; None: any number
    closes: int  # ms UTC: a vote counts if it came before

    def __post_init__(self) -> None:
        if len(self.options) == 1 or len(self.options) > PROPOSAL_OPTIONS_MAX:
            raise InvalidValue(f"{len(self.options)} options")
        if len(set(self.options)) != len(self.options) or not all(self.options):
            raise InvalidValue("an option twice, or without words")
        if self.quorum is not None and not 1 <= self.quorum <= PROPOSAL_QUORUM_MAX:
            raise InvalidValue(f"a quorum of {self.quorum}")
        if not 0 < self.closes <= TIME_MS_MAX:
            raise InvalidValue("a vote that never closes")

    @property
    def choices(self) -> tuple[str, ...]:
        """What one can vote, in the order in which it is counted; options by their number from 1 on."""
        own = tuple(str(at + 1) for at in range(len(self.options))) if self.options else (YES, NO)
        return (*own, ABSTAIN, ASIDE)


def put(motion: Motion, now_ms: int) -> Motion:
    """Return something that may be put now.

    Raises:
        InvalidValue: it closes in the past, or too far ahead.
    """
    if not now_ms < motion.closes <= now_ms + PROPOSAL_LENGTH_MS_MAX:
        raise InvalidValue("a vote that closes in the past or too far ahead")
    return motion


# --- Its life -------------------------------------------------------------------------------------------------


class State(StrEnum):
    """Where a proposal stands."""

    OPEN = "open"
    WITHDRAWN = "withdrawn"
    DECIDED = "decided"  # counted; the minutes have no words yet
    MINUTED = "minuted"


class Event(StrEnum):
    """What happens to a proposal."""

    VOTED = "voted"
    WITHDREW = "withdrew"
    CLOSED = "closed"  # the closing moment came
    MINUTED = "minuted"  # words were added to the minutes


TRANSITIONS: Final[Mapping[State, Mapping[Event, State]]] = {
    State.OPEN: {
        Event.VOTED: State.OPEN,
        Event.WITHDREW: State.WITHDRAWN,
        Event.CLOSED: State.DECIDED,
    },
    State.WITHDRAWN: {},
    State.DECIDED: {Event.MINUTED: State.MINUTED},  # nothing leads back: what was decided stays
    State.MINUTED: {},
}


def step(state: State, event: Event, motion: Motion, now_ms: int) -> State:
    """Return where a proposal stands after something happened to it at `now_ms`, by the clock of its node.

    Raises:
        OutOfOrder: not from there, or a vote or withdrawal too late, or a close too early.
    """
    then = TRANSITIONS[state].get(event)
    if then is None:
        raise OutOfOrder(f"{event.value} while {state.value}")
    over = now_ms >= motion.closes
    if state is State.OPEN and over is not (event is Event.CLOSED):
        raise OutOfOrder(f"{event.value} {'after' if over else 'before'} the closing moment")
    return then


# --- Counting -------------------------------------------------------------------------------------------------


class Outcome(StrEnum):
    """What came of it."""

    CARRIED = "carried"  # more yes than no
    NOT_CARRIED = "not-carried"
    CHOSEN = "chosen"  # one option has more votes than any other
    TIED = "tied"  # several have the most, or none has any
    TOO_FEW = "too-few"  # fewer voted than the quorum says


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What was counted."""

    entitled: int  # who could vote when it closed
    voted: int
    votes: tuple[tuple[str, int], ...]  # for each choice, in its order
    outcome: Outcome
    winner: str  # the number of the option chosen; "" else


def count(motion: Motion, entitled: int, votes: Iterable[str]) -> Count:
    """Return what so many votes come to. Whoever abstains or stands aside has voted. Source: 5.13.

    Raises:
        InvalidValue: a vote for what was not put, or more votes than voters.
    """
    given = list(votes)
    if len(given) > entitled or not set(given) <= set(motion.choices):
        raise InvalidValue("votes that nobody could give")
    counted = tuple((choice, given.count(choice)) for choice in motion.choices)
    outcome, winner = _outcome(motion, len(given), dict(counted))
    return Count(entitled=entitled, voted=len(given), votes=counted, outcome=outcome, winner=winner)


def _outcome(motion: Motion, voted: int, votes: Mapping[str, int]) -> tuple[Outcome, str]:
    if motion.quorum is not None and voted < motion.quorum:
        return Outcome.TOO_FEW, ""
    if not motion.options:
        return (Outcome.CARRIED if votes[YES] > votes[NO] else Outcome.NOT_CARRIED), ""
    own = motion.choices[: len(motion.options)]
    most = max(votes[each] for each in own)
    first = [each for each in own if votes[each] == most]
    return (Outcome.CHOSEN, first[0]) if most and len(first) == 1 else (Outcome.TIED, "")
