"""Events people come to: what one says, its life, and who has a place.

A place is given once: whoever says yes while there is room has one, whoever comes later waits, and who waited longest
moves up when a place is free. Days and times on the wall are turned into moments by the node (`event_days.py`).
Source: docs/protocol.md 5.11; docs/pages.md 7.2.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from protocol.errors import InvalidValue, OutOfOrder
from protocol.limits import (
    AMOUNT_MAX,
    EVENT_AHEAD_MS_MAX,
    EVENT_GUESTS_MAX,
    EVENT_LENGTH_MS_MAX,
    EVENT_PAID_PLACES_MAX,
    EVENT_SETTLE_MS,
    LIFT_SEATS_MAX,
    LISTING_TEXT_BYTES_MAX,
    LISTING_TITLE_BYTES_MAX,
    TIME_MS_MAX,
)

# --- What an event says -------------------------------------------------------------------------------------


class Kind(StrEnum):
    """What people do there."""

    SOCIAL = "social"
    TRADING = "trading"
    WORK = "work"
    TALK = "talk"
    LIFT = "lift"  # seats in a car, from one place to another


class Pays(StrEnum):
    """Who gives units for having been there."""

    NOBODY = "nobody"
    GUESTS = "guests"  # it costs: each guest gives the host `amount`
    HOST = "host"  # it is rewarded: the host gives each guest `amount`
    SHARED = "shared"  # a lift costs `amount`: host and guests share it equally


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an event says."""

    kind: Kind
    title: str  # 1..LISTING_TITLE_BYTES_MAX bytes
    text: str
    where: str  # in words
    starts: int  # ms UTC
    ends: int
    capacity: int | None = (
        None  # 1..EVENT_GUESTS_MAX, 1..EVENT_PAID_PLACES_MAX where units move; None: as many as may
    )
    pays: Pays = Pays.NOBODY
    amount: int = 0  # minor units, of each guest, or of the whole lift; 0 only where nobody pays
    public: bool = False  # visitors may read it
    near: bool = False  # a lift that members of neighbouring schemes may ask for; else `public` says so
    inside: bool = False  # for those in the group alone for which it is put (5.12)
    approval: bool = False  # the host says yes or no to each who asks

    def __post_init__(self) -> None:
        if not 1 <= len(self.title.encode()) <= LISTING_TITLE_BYTES_MAX:
            raise InvalidValue("a title without words, or too long")
        if (
            len(self.text.encode()) > LISTING_TEXT_BYTES_MAX
            or len(self.where.encode()) > LISTING_TITLE_BYTES_MAX
        ):
            raise InvalidValue("a text too long")
        if not 0 <= self.starts < self.ends <= TIME_MS_MAX:
            raise InvalidValue("an event ends before it starts")
        if self.ends - self.starts > EVENT_LENGTH_MS_MAX:
            raise InvalidValue("an event longer than a week")
        most = EVENT_GUESTS_MAX if self.pays is Pays.NOBODY else EVENT_PAID_PLACES_MAX
        if self.capacity is not None and not 1 <= self.capacity <= most:
            raise InvalidValue(f"{self.capacity} places")
        if not 0 <= self.amount <= AMOUNT_MAX or (self.amount == 0) is not (self.pays is Pays.NOBODY):
            raise InvalidValue(f"{self.pays.value} pays {self.amount}")
        if self.inside and (self.public or self.kind is Kind.LIFT):
            raise InvalidValue("for a group alone, and for everybody")
        if self.kind is Kind.LIFT:
            self._check_lift()
        elif self.approval or self.near or self.pays is Pays.SHARED:
            raise InvalidValue("only a lift asks its host, is shared, or is for neighbours alone")

    def _check_lift(self) -> None:
        if self.capacity is None or self.capacity > LIFT_SEATS_MAX or self.public or self.pays is Pays.HOST:
            raise InvalidValue("a lift without seats, or one that everybody reads of, or is paid for riding")
        if self.pays is Pays.SHARED and self.amount <= self.capacity:
            raise InvalidValue("a cost so small that somebody's share of it is nothing")

    @property
    def places(self) -> int | None:
        """How many places there are; None: as many as come."""
        if self.capacity is None and self.pays is not Pays.NOBODY:
            return EVENT_PAID_PLACES_MAX
        return self.capacity


def share_of(plan: Plan, there: int) -> int:
    """Return what each of so many guests gives or gets, in minor units; of a shared cost the host bears the rest.

    Nobody gives more than was said when they said yes: the more there are, the less each. Source: 5.11.
    """
    return plan.amount // (there + 1) if plan.pays is Pays.SHARED else plan.amount


def most_given(plan: Plan) -> int:
    """Return the most that a guest gives, in minor units: to that they say yes. 0: nothing, or they get something."""
    return 0 if plan.pays in (Pays.NOBODY, Pays.HOST) else share_of(plan, 1)


# --- The life of an event -----------------------------------------------------------------------------------


class State(StrEnum):
    """Where an event stands; that it is over, the clock says."""

    PLANNED = "planned"
    CANCELLED = "cancelled"
    SETTLED = "settled"  # what it costs or gives was recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnEvent:
    """An event of this scheme."""

    plan: Plan
    state: State = State.PLANNED
    reason: str = ""  # why it was cancelled

    def is_over(self, now_ms: int) -> bool:
        """Tell whether it has ended by the clock."""
        return self.plan.ends <= now_ms

    def takes_answers(self, now_ms: int) -> bool:
        """Tell whether people can still say that they come."""
        return self.state is State.PLANNED and not self.is_over(now_ms)

    def wants_settling(self, now_ms: int) -> bool:
        """Tell whether its host can say who was there, so that units move. Source: 5.11."""
        plan = self.plan
        if self.state is not State.PLANNED or plan.pays is Pays.NOBODY:
            return False
        return plan.starts <= now_ms < plan.ends + EVENT_SETTLE_MS


def planned(plan: Plan, now_ms: int) -> OwnEvent:
    """Return a new event.

    Raises:
        InvalidValue: it has begun already, or begins more than 400 days ahead.
    """
    if not now_ms < plan.starts <= now_ms + EVENT_AHEAD_MS_MAX:
        raise InvalidValue("an event that begins in the past or too far ahead")
    return OwnEvent(plan=plan)


def edited(event: OwnEvent, plan: Plan, guests: Guests, now_ms: int) -> tuple[OwnEvent, bool]:
    """Return the event with another plan, and whether its guests have to be told: its time or place is another.

    What it costs or gives stays as it is once somebody said yes: a yes was to that amount. Source: 5.11. That it is for a
    group alone, or is not, stays too: 5.12.

    Raises:
        OutOfOrder: it was cancelled or is over, or somebody said yes to another amount, or it would be for others.
        InvalidValue: as `planned`, where the time is another.
    """
    if not event.takes_answers(now_ms):
        raise OutOfOrder("an event that is cancelled or over")
    before = event.plan
    agreed = (before.pays, before.amount, before.approval)
    if (plan.pays, plan.amount, plan.approval) != agreed and (
        guests.coming or guests.waiting or guests.asked
    ):
        raise OutOfOrder("somebody said yes to another amount")
    if plan.inside is not before.inside:
        raise OutOfOrder("for whom it is was said when it was put")
    if plan.starts != before.starts:
        planned(plan, now_ms)
    elif plan.ends <= now_ms:
        raise InvalidValue("an event that ends in the past")
    moved = (plan.starts, plan.ends, plan.where) != (before.starts, before.ends, before.where)
    return replace(event, plan=plan), moved


def cancelled(event: OwnEvent, reason: str, now_ms: int) -> OwnEvent:
    """Return the event cancelled.

    Raises:
        OutOfOrder: it was cancelled before, or is over.
    """
    if not event.takes_answers(now_ms):
        raise OutOfOrder("an event that is cancelled or over")
    return replace(event, state=State.CANCELLED, reason=reason)


def settled(event: OwnEvent, guests: Guests, there: Collection[int], now_ms: int) -> OwnEvent:
    """Return the event settled, with those who were `there`.

    Raises:
        OutOfOrder: not now, not once more, nobody was there, or somebody who had no place. Source: 5.11.
    """
    if not event.wants_settling(now_ms):
        raise OutOfOrder("an event that is not settled now")
    if not there or len(set(there)) != len(there) or not set(there) <= {each.who for each in guests.coming}:
        raise OutOfOrder("nobody was there, or somebody without a place")
    return replace(event, state=State.SETTLED)


# --- Who comes ----------------------------------------------------------------------------------------------


class Answer(StrEnum):
    """What stands beside a name."""

    UNSAID = "unsaid"
    COMING = "coming"  # has a place
    WAITING = "waiting"
    NOT_COMING = "not-coming"
    ASKED = "asked"  # for a place that the host gives
    DECLINED = "declined"  # by the host


class Heard(StrEnum):
    """What happens to one guest."""

    YES_ROOM = "yes-room"  # says yes, and there is a place
    YES_FULL = "yes-full"  # says yes, and there is none
    NO = "no"
    FREED = "freed"  # a place became free
    ASKS = "asks"  # says yes where the host gives the places
    REFUSED = "refused"  # by the host


TRANSITIONS: Final[Mapping[Answer, Mapping[Heard, Answer]]] = {
    Answer.UNSAID: {
        Heard.YES_ROOM: Answer.COMING,
        Heard.YES_FULL: Answer.WAITING,
        Heard.NO: Answer.NOT_COMING,
        Heard.ASKS: Answer.ASKED,
    },
    Answer.COMING: {Heard.NO: Answer.NOT_COMING},
    Answer.WAITING: {Heard.NO: Answer.NOT_COMING, Heard.FREED: Answer.COMING},
    Answer.NOT_COMING: {
        Heard.YES_ROOM: Answer.COMING,
        Heard.YES_FULL: Answer.WAITING,
        Heard.ASKS: Answer.ASKED,
    },
    Answer.ASKED: {
        Heard.YES_ROOM: Answer.COMING,
        Heard.YES_FULL: Answer.WAITING,
        Heard.NO: Answer.NOT_COMING,
        Heard.REFUSED: Answer.DECLINED,
    },
    # The host may change their mind; whoever was declined does not ask again.
    Answer.DECLINED: {Heard.YES_ROOM: Answer.COMING, Heard.YES_FULL: Answer.WAITING},
}


def step(answer: Answer, heard: Heard) -> Answer:
    """Return what stands beside a name after `heard`.

    Raises:
        OutOfOrder: `heard` is not allowed there; nothing changed.
    """
    after = TRANSITIONS[answer].get(heard)
    if after is None:
        raise OutOfOrder(f"{heard.value} while {answer.value}")
    return after


@dataclass(frozen=True, slots=True)
class Guest:
    """One answer. `who` means nothing here; `turn` says who answered yes before whom."""

    who: int
    answer: Answer
    turn: int


@dataclass(frozen=True, slots=True)
class Guests:
    """Every answer to one event."""

    capacity: int | None
    all: tuple[Guest, ...] = ()
    approval: bool = False  # the host gives the places

    def _with(self, answer: Answer) -> tuple[Guest, ...]:
        return tuple(sorted((each for each in self.all if each.answer is answer), key=lambda each: each.turn))

    @property
    def coming(self) -> tuple[Guest, ...]:
        """Who has a place, in the order of their answers."""
        return self._with(Answer.COMING)

    @property
    def waiting(self) -> tuple[Guest, ...]:
        """Who waits for one, the longest first."""
        return self._with(Answer.WAITING)

    @property
    def asked(self) -> tuple[Guest, ...]:
        """Who waits for the host's yes, in the order in which they asked."""
        return self._with(Answer.ASKED)

    @property
    def room(self) -> int | None:
        """How many places are free; None: as many as come. Never below zero, also after the capacity was lowered."""
        return None if self.capacity is None else max(0, self.capacity - len(self.coming))

    def answer_of(self, who: int) -> Answer:
        """Return what stands beside a name."""
        return next((each.answer for each in self.all if each.who == who), Answer.UNSAID)

    def _set(self, who: int, answer: Answer, turn: int) -> Guests:
        others = tuple(each for each in self.all if each.who != who)
        return replace(self, all=(*others, Guest(who, answer, turn)))


@dataclass(frozen=True, slots=True)
class Seated:
    """The answers after something happened, and who moved up by it: they have to be told."""

    guests: Guests
    moved_up: tuple[int, ...] = ()


def says(guests: Guests, who: int, comes: bool) -> Seated:
    """Return the answers after somebody said that they come, or that they cannot. The same again changes nothing.

    Raises:
        OutOfOrder: as many answered as one event takes.
    """
    now = guests.answer_of(who)
    wanted = (Answer.COMING, Answer.WAITING, Answer.ASKED) if comes else (Answer.NOT_COMING,)
    if now in wanted or now is Answer.DECLINED:
        return Seated(guests)
    if now is Answer.UNSAID and len(guests.all) >= EVENT_GUESTS_MAX:
        raise OutOfOrder("an event with as many answers as it takes")
    heard = (Heard.ASKS if guests.approval else _yes(guests)) if comes else Heard.NO
    turn = max((each.turn for each in guests.all), default=0) + 1
    return fill(guests._set(who, step(now, heard), turn))


def admitted(guests: Guests, who: int, yes: bool) -> Seated:
    """Return the answers after the host said yes or no to somebody who asked. The same again changes nothing.

    Raises:
        OutOfOrder: they did not ask, or have a place already.
    """
    now = guests.answer_of(who)
    if now in ((Answer.COMING, Answer.WAITING) if yes else (Answer.DECLINED,)):
        return Seated(guests)
    if now not in (Answer.ASKED, Answer.DECLINED):
        raise OutOfOrder(f"{now.value}, and did not ask")
    after = step(now, _yes(guests) if yes else Heard.REFUSED)
    turn = next((each.turn for each in guests.all if each.who == who), 0)
    return fill(guests._set(who, after, turn))


def _yes(guests: Guests) -> Heard:
    """Return what a yes means: nobody passes those who wait already, though there be room for a moment."""
    free = guests.room is None or guests.room > len(guests.waiting)
    return Heard.YES_ROOM if free else Heard.YES_FULL


def resized(guests: Guests, capacity: int | None) -> Seated:
    """Return the answers under another capacity: whoever has a place keeps it, whoever waits moves up if there is room."""
    return fill(replace(guests, capacity=capacity))


def fill(guests: Guests) -> Seated:
    """Return the answers with every free place given to whoever waits longest."""
    free = guests.waiting if guests.room is None else guests.waiting[: guests.room]
    for each in free:
        guests = guests._set(each.who, step(each.answer, Heard.FREED), each.turn)
    return Seated(guests, tuple(each.who for each in free))
