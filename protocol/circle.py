"""Groups of members: who is in one, who keeps it, and who may do what there.

A group always has a keeper: the last one hands over before leaving, and where that cannot be waited for, whoever is in it
longest moves up. Source: docs/protocol.md 5.12; docs/pages.md 7.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from protocol.errors import OutOfOrder
from protocol.limits import CIRCLE_PEOPLE_MAX


class Door(StrEnum):
    """How one comes in, and who reads what is written there."""

    OPEN = "open"  # everybody of the scheme may come in, and reads it
    CLOSED = "closed"  # a keeper says yes to whoever asks, and only who is in it reads it


class Standing(StrEnum):
    """What somebody is to a group."""

    OUTSIDE = "outside"
    ASKING = "asking"
    IN = "in"
    KEEPER = "keeper"
    HAS_TO_ASK = "has-to-ask"  # was told no, or was sent away: an open group is not open to them


class Act(StrEnum):
    """What is done about one person's place in a group."""

    JOIN = "join"
    ASK = "ask"
    LEAVE = "leave"  # also: ask no longer
    LOWER = "lower"  # is a keeper no longer
    ACCEPT = "accept"
    DECLINE = "decline"
    REMOVE = "remove"
    RAISE = "raise"  # becomes a keeper too


OWN_ACTS: Final = frozenset({Act.JOIN, Act.ASK, Act.LEAVE, Act.LOWER})  # the others are a keeper's

TRANSITIONS: Final[Mapping[Standing, Mapping[Act, Standing]]] = {
    Standing.OUTSIDE: {Act.JOIN: Standing.IN, Act.ASK: Standing.ASKING},
    Standing.ASKING: {
        Act.LEAVE: Standing.HAS_TO_ASK,
        Act.ACCEPT: Standing.IN,
        Act.DECLINE: Standing.HAS_TO_ASK,
    },
    Standing.IN: {
        Act.LEAVE: Standing.OUTSIDE,
        Act.REMOVE: Standing.HAS_TO_ASK,
        Act.RAISE: Standing.KEEPER,
    },
    Standing.KEEPER: {Act.LEAVE: Standing.OUTSIDE, Act.LOWER: Standing.IN},
    Standing.HAS_TO_ASK: {Act.ASK: Standing.ASKING},
}
INSIDE: Final = frozenset({Standing.IN, Standing.KEEPER})


class No(StrEnum):
    """Why something is not done; nothing changed."""

    NOT_NOW = "not-now"  # not from where the person stands
    NOT_YOURS = "not-yours"  # a keeper's to do, or the person's own
    LAST_KEEPER = "last-keeper"  # somebody else has to keep it first
    FULL = "full"  # as many are in it, or ask, as there may be


@dataclass(frozen=True, slots=True)
class Person:
    """One who is or was something to a group. `who` means nothing here; `turn` says who came in before whom."""

    who: int
    standing: Standing
    turn: int


@dataclass(frozen=True, slots=True)
class Circle:
    """A group: its door, and everybody who is something to it."""

    door: Door
    people: tuple[Person, ...] = ()

    def of(self, *standings: Standing) -> tuple[Person, ...]:
        """Return who stands so, in the order in which they came."""
        found = (each for each in self.people if each.standing in standings)
        return tuple(sorted(found, key=lambda each: each.turn))

    @property
    def inside(self) -> tuple[Person, ...]:
        """Who is in it, the keepers among them."""
        return self.of(*INSIDE)

    @property
    def keepers(self) -> tuple[Person, ...]:
        """Who keeps it."""
        return self.of(Standing.KEEPER)

    def standing_of(self, who: int) -> Standing:
        """Return what somebody is to it."""
        return next((each.standing for each in self.people if each.who == who), Standing.OUTSIDE)

    def _set(self, who: int, standing: Standing) -> Circle:
        others = tuple(each for each in self.people if each.who != who)
        before = next((each for each in self.people if each.who == who), None)
        if standing is Standing.OUTSIDE:
            return replace(self, people=others)
        turn = max((each.turn for each in self.people), default=0) + 1
        if before is not None and before.standing in INSIDE and standing in INSIDE:
            turn = before.turn  # still in it since they came
        return replace(self, people=(*others, Person(who, standing, turn)))


def started(door: Door, who: int) -> Circle:
    """Return a new group, kept by whoever starts it."""
    return Circle(door, (Person(who, Standing.KEEPER, 1),))


def reads(circle: Circle, who: int) -> bool:
    """Tell whether a member of the scheme reads what is written in it. Source: 5.12."""
    return circle.door is Door.OPEN or circle.standing_of(who) in INSIDE


def refusal(circle: Circle, act: Act, by: int, who: int) -> No | None:
    """Return why `by` cannot do this about `who`, or None if they can. Source: 5.12."""
    now = circle.standing_of(who)
    if not circle.inside:
        return No.NOT_NOW  # the last has left: there is no group any more
    if act in OWN_ACTS:
        if by != who:
            return No.NOT_YOURS
    elif by == who or circle.standing_of(by) is not Standing.KEEPER:
        return No.NOT_YOURS
    if act not in TRANSITIONS[now]:
        return No.NOT_NOW
    if now is Standing.OUTSIDE and (act is Act.JOIN) is not (circle.door is Door.OPEN):
        return No.NOT_NOW
    if act in (Act.JOIN, Act.ASK) and len(circle.of(*INSIDE, Standing.ASKING)) >= CIRCLE_PEOPLE_MAX:
        return No.FULL
    if act in (Act.LEAVE, Act.LOWER) and len(circle.keepers) == 1 and now is Standing.KEEPER:
        alone = len(circle.inside) == 1
        return None if act is Act.LEAVE and alone else No.LAST_KEEPER
    return None


def after(circle: Circle, act: Act, by: int, who: int) -> Circle:
    """Return the group after `by` did this about `who`; whoever is the last to leave leaves nobody.

    Raises:
        OutOfOrder: `refusal` says no.
    """
    if (no := refusal(circle, act, by, who)) is not None:
        raise OutOfOrder(f"{act.value} is {no.value}")
    return circle._set(who, TRANSITIONS[circle.standing_of(who)][act])


def without(circle: Circle, who: int) -> Circle:
    """Return the group after somebody left the scheme: if they kept it alone, whoever is in it longest keeps it now."""
    rest = circle._set(who, Standing.OUTSIDE)
    if rest.inside and not rest.keepers:
        return rest._set(rest.inside[0].who, Standing.KEEPER)
    return rest
