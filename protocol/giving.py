"""The life of a thing that is given away: who would like it, to whom it is promised, who has it.

A thing is promised to one at a time, by its giver alone; only what was promised is collected. Every transition is in this
file, and nothing else decides one. Source: docs/protocol.md 5.10; docs/pages.md 8.14.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeAlias

from protocol.errors import OutOfOrder


class GiftState(StrEnum):
    """Where the thing stands."""

    FREE = "free"
    PROMISED = "promised"
    GIVEN = "given"
    ENDED = "ended"  # not given away any more, to anybody


class WishState(StrEnum):
    """Where the wish of one person stands."""

    WAITING = "waiting"
    PROMISED = "promised"
    RECEIVED = "received"
    TAKEN_BACK = "taken-back"  # by whoever had it
    PASSED = "passed"  # somebody else has the thing, or nobody gets it


class News(StrEnum):
    """What somebody who would like it is told."""

    PROMISED = "promised"
    UNPROMISED = "unpromised"  # the promise to them was taken back
    FREE_AGAIN = "free-again"  # a promise to somebody else came to nothing
    RECEIVED = "received"
    GONE = "gone"  # somebody else has it
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gift:
    """A thing that is given away. Wishes are known by numbers that rise in the order in which they came."""

    state: GiftState = GiftState.FREE
    promised_to: int | None = None  # a wish; also once it was given
    waiting: tuple[int, ...] = ()  # the other wishes that may still come true, the longest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Wished:
    """Somebody would like it."""

    wish: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WishTakenBack:
    """Somebody who waits for it would rather not."""

    wish: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """The giver promises it to one of those who wait."""

    wish: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseTakenBack:
    """The giver takes the promise back; whoever had it waits again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseDeclined:
    """Whoever has the promise would rather not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """One of the two says that it changed hands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The giver keeps it after all, or is no longer there to give it."""


Event: TypeAlias = (
    Wished | WishTakenBack | Promised | PromiseTakenBack | PromiseDeclined | Collected | Ended
)  # fmt: skip

TRANSITIONS: Final[Mapping[GiftState, Mapping[type[Event], GiftState]]] = {
    GiftState.FREE: {
        Wished: GiftState.FREE,
        WishTakenBack: GiftState.FREE,
        Promised: GiftState.PROMISED,
        Ended: GiftState.ENDED,
    },
    GiftState.PROMISED: {
        Wished: GiftState.PROMISED,
        WishTakenBack: GiftState.PROMISED,
        PromiseTakenBack: GiftState.FREE,
        PromiseDeclined: GiftState.FREE,
        Collected: GiftState.GIVEN,
        Ended: GiftState.ENDED,
    },
    GiftState.GIVEN: {},
    GiftState.ENDED: {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Became:
    """A wish stands differently now, and whoever has it is told why, if `news` says so."""

    wish: int
    state: WishState
    news: News | None = None


def step(gift: Gift, event: Event) -> tuple[Gift, tuple[Became, ...]]:
    """Return the gift after `event`, and how its wishes stand now.

    Raises:
        OutOfOrder: `event` is not allowed in this state, or its wish does not wait; nothing changed.
    """
    state = TRANSITIONS[gift.state].get(type(event))
    if state is None:
        raise OutOfOrder(f"{type(event).__name__} while {gift.state}")
    after = replace(gift, state=state)
    match event:
        case Wished():
            if event.wish in gift.waiting or event.wish == gift.promised_to:
                raise OutOfOrder("this wish is known")
            after = replace(after, waiting=tuple(sorted((*gift.waiting, event.wish))))
            return after, (Became(wish=event.wish, state=WishState.WAITING),)
        case WishTakenBack():
            return _without(after, event.wish), (Became(wish=event.wish, state=WishState.TAKEN_BACK),)
        case Promised():
            after = replace(_without(after, event.wish), promised_to=event.wish)
            return after, (Became(wish=event.wish, state=WishState.PROMISED, news=News.PROMISED),)
        case PromiseTakenBack():
            before = _promised(gift)
            after = replace(after, promised_to=None, waiting=tuple(sorted((*gift.waiting, before))))
            told = Became(wish=before, state=WishState.WAITING, news=News.UNPROMISED)
            return after, (told, *_others(gift, WishState.WAITING, News.FREE_AGAIN))
        case PromiseDeclined():
            told = Became(wish=_promised(gift), state=WishState.TAKEN_BACK)
            return replace(after, promised_to=None), (
                told,
                *_others(gift, WishState.WAITING, News.FREE_AGAIN),
            )
        case Collected():
            told = Became(wish=_promised(gift), state=WishState.RECEIVED, news=News.RECEIVED)
            return replace(after, waiting=()), (told, *_others(gift, WishState.PASSED, News.GONE))
        case Ended():
            ended = [] if gift.promised_to is None else [gift.promised_to]
            told_all = (
                Became(wish=wish, state=WishState.PASSED, news=News.ENDED) for wish in (*ended, *gift.waiting)
            )
            return replace(after, promised_to=None, waiting=()), tuple(told_all)


def _without(gift: Gift, wish: int) -> Gift:
    if wish not in gift.waiting:
        raise OutOfOrder("this wish does not wait")
    return replace(gift, waiting=tuple(each for each in gift.waiting if each != wish))


def _promised(gift: Gift) -> int:
    assert gift.promised_to is not None, "what is promised is promised to somebody"
    return gift.promised_to


def _others(gift: Gift, state: WishState, news: News) -> tuple[Became, ...]:
    return tuple(Became(wish=wish, state=state, news=news) for wish in gift.waiting)


def gift_of(wishes: Mapping[int, WishState], *, ended: bool) -> Gift:
    """Return the gift that all its wishes, and whether it is still to be had, amount to."""
    waiting = tuple(sorted(wish for wish, state in wishes.items() if state is WishState.WAITING))
    for wish, state in wishes.items():
        if state is WishState.RECEIVED:
            return Gift(state=GiftState.GIVEN, promised_to=wish)
    promised = next((wish for wish, state in wishes.items() if state is WishState.PROMISED), None)
    if ended:
        # What ends tells everybody in the same unit; nothing that waits is left over.
        return Gift(state=GiftState.ENDED)
    if promised is not None:
        return Gift(state=GiftState.PROMISED, promised_to=promised, waiting=waiting)
    return Gift(waiting=waiting)
