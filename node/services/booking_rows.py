"""Bookings in the store: as values, how they are found, and how they are written down.

Units and queries only; what members do with them is in `bookings.py`. Source: docs/protocol.md 5.9.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, insert, or_, select, update

from node.services.thing_rows import THINGS_KEPT, keeps_thing
from node.store import Ordered, ReadTx, Tx
from node.store.schema import bookings as schema
from node.store.statements import Row
from protocol.booking import (
    IS_OUT,
    TAKES_TIME,
    BookingEvent,
    BookingState,
    BookingTerms,
    Period,
    Side,
    booking_state,
)
from protocol.deposit import ASIDE, DepositEvent, DepositState
from protocol.limits import (
    BOOKING_STEPS_MAX,
    BOOKINGS_OPEN_MAX,
    BOOKINGS_OPEN_OF_ONE_MAX,
    BOOKINGS_WAITING_MAX,
)
from protocol.names import ItemKey

LISTED_MAX: Final = 60
TAKING_MAX: Final = 800  # the hours of a month
OPEN: Final = frozenset({BookingState.WAITING, BookingState.ASKED}) | TAKES_TIME


def _words(states: frozenset[BookingState]) -> list[str]:
    return sorted(state.value for state in states)


_B: Final = schema.booking.c
_COLUMNS: Final = (
    _B.no, _B.item_key, _B.kind, _B.title, _B.state, _B.owner_no, _B.borrower_no, _B.start_hour, _B.end_hour, _B.step,
    _B.guests, _B.price, _B.deposit, _B.deposit_state, _B.keep, _B.approval, _B.text, _B.created_ms, _B.changed_ms, _B.reminded_ms,
)  # fmt: skip
_ALL: Final = select(*_COLUMNS)
_BY_NO: Final = _ALL.where(_B.no == bindparam("no"))
_BY_ONCE: Final = _ALL.where(_B.once == bindparam("once"))
_KEPT: Final = _B.item_key.in_(THINGS_KEPT)  # what somebody else lists, and the account answers for too
_LENT: Final = or_(
    _B.owner_no == bindparam("account_no"), _KEPT & (_B.borrower_no != bindparam("account_no"))
)
_OF_OWNER: Final = _ALL.where(_LENT, _B.borrower_no != _B.owner_no)
_OF_BORROWER: Final = _ALL.where(_B.borrower_no == bindparam("account_no"))
_NEWEST_OF_OWNER: Final = _OF_OWNER.order_by(_B.no.desc()).limit(LISTED_MAX)
_NEWEST_OF_BORROWER: Final = _OF_BORROWER.order_by(_B.no.desc()).limit(LISTED_MAX)
_OF_ITEM: Final = _B.item_key == bindparam("item_key")
_MEETS: Final = (_B.start_hour < bindparam("end_hour"), _B.end_hour > bindparam("start_hour"))
_TAKING: Final = (
    _ALL.where(_OF_ITEM, _B.state.in_(_words(TAKES_TIME)), *_MEETS).order_by(_B.start_hour).limit(TAKING_MAX)
)
_ASKING: Final = (
    _ALL.where(_OF_ITEM, _B.state == BookingState.ASKED.value, *_MEETS).order_by(_B.no).limit(LISTED_MAX)
)
_IN_LINE: Final = (
    _ALL.where(_OF_ITEM, _B.state == BookingState.WAITING.value, _B.end_hour > bindparam("now_hour"))
    .order_by(_B.no)
    .limit(LISTED_MAX)
)
_OUT: Final = _ALL.where(_OF_ITEM, _B.state.in_(_words(IS_OUT))).limit(1)
_STILL: Final = or_(
    _B.state.in_(_words(IS_OUT)), _B.state.in_(_words(OPEN)) & (_B.end_hour > bindparam("now_hour"))
)
_COUNT: Final = select(func.count()).select_from(schema.booking)
_COUNT_OPEN: Final = _COUNT.where(_B.borrower_no == bindparam("account_no"), _STILL)
_COUNT_OF_ONE: Final = _COUNT_OPEN.where(_OF_ITEM)
_COUNT_LINE: Final = _COUNT.where(
    _OF_ITEM, _B.state == BookingState.WAITING.value, _B.end_hour > bindparam("now_hour")
)
_LISTED_OPEN: Final = (
    _ALL.where(
        or_(
            _B.owner_no == bindparam("account_no"),
            _B.borrower_no == bindparam("account_no"),
            _KEPT & (_B.borrower_no != _B.owner_no),
        ),
        or_(_B.state.in_(_words(OPEN)), _B.deposit_state == DepositState.ASKED.value),
    )
    .order_by(_B.start_hour, _B.no)
    .limit(LISTED_MAX)
)
_ENDING: Final = (
    _ALL.where(
        _B.state == BookingState.HANDED_OVER.value,
        _B.end_hour <= bindparam("before"),
        _B.reminded_ms < bindparam("since"),
    )
    .order_by(_B.end_hour)
    .limit(LISTED_MAX)
)
_ASIDE: Final = _B.deposit_state.in_(sorted(state.value for state in ASIDE))
_ASKED_HERE: Final = (_B.deposit_state == DepositState.ASKED.value) & (_B.borrower_no >= 0)
_ASKED_TO_KEEP: Final = _ALL.where(_ASKED_HERE).order_by(_B.no).limit(LISTED_MAX)
_MAY_BE_KEPT: Final = _COUNT.where(_B.no == bindparam("no"), _B.keep == bindparam("keep"), _ASKED_HERE)
_DEPOSITS_OF_OWNER: Final = _ALL.where(_B.owner_no == bindparam("account_no"), _ASIDE).order_by(_B.no)
_SET_DEPOSIT: Final = (
    update(schema.booking)
    .where(_B.no == bindparam("which"))
    .values(deposit_state=bindparam("new_deposit_state"), keep=bindparam("new_keep"))
)
_NEW: Final = insert(schema.booking)
_MOVE: Final = (
    update(schema.booking)
    .where(_B.no == bindparam("which"))
    .values(state=bindparam("new_state"), changed_ms=bindparam("now"))
)
_REMINDED: Final = (
    update(schema.booking).where(_B.no == bindparam("which")).values(reminded_ms=bindparam("now"))
)
_A: Final = schema.booking_act.c
_NEW_ACT: Final = insert(schema.booking_act)
_ACT_BY_ONCE: Final = select(_A.booking_no).where(_A.once == bindparam("once"))
_ACTS: Final = (
    select(_A.event, _A.by_no, _A.words, _A.at_ms)
    .where(_A.booking_no == bindparam("booking_no"))
    .order_by(_A.no)
    .limit(LISTED_MAX)
)
_NEW_SLOT: Final = Ordered(insert(schema.booking_slot), "item_key", "hour", "booking_no")
_NO_SLOTS: Final = delete(schema.booking_slot).where(schema.booking_slot.c.booking_no == bindparam("which"))


class Why(StrEnum):
    """Why something is not done; nothing changed."""

    GONE = "gone"  # the listing is no longer there, or is not booked
    NOT_NOW = "not-now"  # one of the two cannot trade now
    CHANGED = "changed"  # price, deposit or terms are no longer what was shown
    TAKEN = "taken"  # somebody has an hour of it
    SAME = "same"  # you have asked for this time already
    OPEN = "open"  # too many of yours are open
    OPEN_OF_ONE = "open-of-one"  # too many of yours of this one thing
    LINE_FULL = "line-full"
    OTHERWISE = "otherwise"  # it has gone another way meanwhile
    STILL_OUT = "still-out"  # the one before has not brought it back
    DEPOSIT = "deposit"  # the borrower cannot set the deposit aside now
    GROUP_ONLY = "group-only"  # it is for those in its group
    TOO_MUCH = "too-much"  # more than the deposit
    NOT_POSTED = "not-posted"  # the owner's account cannot take it now


class CannotBook(Exception):
    """An honest no: nothing was changed."""

    def __init__(self, why: Why):
        super().__init__(why.value)
        self.why: Final = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """A booking as stored."""

    no: int
    key: ItemKey
    kind: str
    title: str
    state: BookingState  # as written; `stands` says where it is now
    owner_no: int
    borrower_no: int
    period: Period
    step: str
    guests: int
    price: int | None
    deposit: int
    deposit_state: DepositState
    keep: int  # of the deposit: what the owner asks to keep, or was given
    approval: bool
    text: str
    created_ms: int
    changed_ms: int
    reminded_ms: int

    def stands(self, now_hour: int) -> BookingState:
        """Return where it stands by the clock on the wall."""
        return booking_state(self.state, self.period, now_hour)

    @property
    def own_use(self) -> bool:
        """Whether the owner keeps the thing for herself."""
        return self.owner_no == self.borrower_no

    @property
    def slots(self) -> range:
        """The first hours of its steps."""
        terms = BookingTerms(step=self.step, longest=BOOKING_STEPS_MAX, guests=int(self.step == "night"))
        return self.period.slots(terms)

    def side_of(self, account_no: int) -> Side | None:
        """Return which side an account is; None for neither. Who keeps a thing for herself acts as its owner."""
        if account_no == self.owner_no:
            return Side.OWNER
        return Side.BORROWER if account_no == self.borrower_no else None


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody did with a booking, and said with it."""

    event: BookingEvent | DepositEvent
    by_no: int | None
    words: str
    at_ms: int


def _booking(row: Row) -> Booking:
    (
        no, key, kind, title, state, owner_no, borrower_no, start, end, step, guests, price, deposit, aside, keep, approval,
        text, created_ms, changed_ms, reminded_ms,
    ) = row  # fmt: skip
    return Booking(
        no=no, key=ItemKey(key), kind=kind, title=title, state=BookingState(state), owner_no=owner_no,
        borrower_no=borrower_no, period=Period(start, end), step=step, guests=guests, price=price, deposit=deposit,
        deposit_state=DepositState(aside), keep=keep, approval=bool(approval), text=text, created_ms=created_ms, changed_ms=changed_ms, reminded_ms=reminded_ms,
    )  # fmt: skip


# --- reading --------------------------------------------------------------------------------------------------


def find_booking(tx: ReadTx, no: int, account_no: int) -> Booking | None:
    """Return a booking this account is a party to, or of a thing it answers for; None whoever else's it is."""
    row = tx.one(_BY_NO, no=no)
    found = None if row is None else _booking(row)
    return found if found is not None and side_in(tx, found, account_no) is not None else None


def side_in(tx: ReadTx, booking: Booking, account_no: int) -> Side | None:
    """Return which side an account is; whoever owns the thing too is its owner's, except of what they asked for. Source: 5.9."""
    side = booking.side_of(account_no)
    if side is None and not booking.own_use and keeps_thing(tx, booking.key, account_no):
        return Side.OWNER
    return side


def booking_by_no(tx: ReadTx, no: int) -> Booking:
    """Return a booking that is known to be there."""
    row = tx.one(_BY_NO, no=no)
    assert row is not None
    return _booking(row)


def booking_by_once(tx: ReadTx, once: bytes) -> Booking | None:
    """Return the booking a form's key made."""
    row = tx.one(_BY_ONCE, once=once)
    return None if row is None else _booking(row)


def acted_by_once(tx: ReadTx, once: bytes) -> int | None:
    """Return the booking something was done with by a form's key."""
    no = tx.scalar(_ACT_BY_ONCE, once=once)
    return None if no is None else int(no)


def acts_of(tx: ReadTx, no: int) -> list[Act]:
    """Return what was done with a booking, oldest first."""
    return [Act(_event(event), by, words, at) for event, by, words, at in tx.all(_ACTS, booking_no=no)]


def _event(word: str) -> BookingEvent | DepositEvent:
    return BookingEvent(word) if word in set(BookingEvent) else DepositEvent(word)


def bookings_of(tx: ReadTx, account_no: int) -> tuple[list[Booking], list[Booking]]:
    """Return the newest bookings of an account's things, and those it made, newest first in each."""
    lent = [_booking(row) for row in tx.all(_NEWEST_OF_OWNER, account_no=account_no)]
    return lent, [_booking(row) for row in tx.all(_NEWEST_OF_BORROWER, account_no=account_no)]


def open_bookings(tx: ReadTx, account_no: int) -> list[Booking]:
    """Return what has not ended, of either side and of things the account answers for, the earliest first."""
    return [_booking(row) for row in tx.all(_LISTED_OPEN, account_no=account_no)]


def taking(tx: ReadTx, key: ItemKey, period: Period) -> list[Booking]:
    """Return what takes an hour of a thing within `period`, the earliest first."""
    return _meeting(tx, _TAKING, key, period)


def asking(tx: ReadTx, key: ItemKey, period: Period) -> list[Booking]:
    """Return what is asked for and not answered within `period`, the first to ask first."""
    return _meeting(tx, _ASKING, key, period)


def _meeting(tx: ReadTx, statement: Any, key: ItemKey, period: Period) -> list[Booking]:
    rows = tx.all(statement, item_key=key, start_hour=period.start, end_hour=period.end)
    return [_booking(row) for row in rows]


def in_line(tx: ReadTx, key: ItemKey, now_hour: int) -> list[Booking]:
    """Return who waits for a thing, the first in line first."""
    return [_booking(row) for row in tx.all(_IN_LINE, item_key=key, now_hour=now_hour)]


def out_now(tx: ReadTx, key: ItemKey) -> Booking | None:
    """Return with whom a thing is."""
    row = tx.one(_OUT, item_key=key)
    return None if row is None else _booking(row)


def ending(tx: ReadTx, before: int, since: int) -> list[Booking]:
    """Return what is out, is to be back before the hour `before`, and was not written about after `since`."""
    return [_booking(row) for row in tx.all(_ENDING, before=before, since=since)]


def asked_to_keep(tx: ReadTx) -> list[Booking]:
    """Return the bookings whose owner asks to keep some of the deposit, the oldest first."""
    return [_booking(row) for row in tx.all(_ASKED_TO_KEEP)]


def may_be_kept(tx: ReadTx, no: int, amount: int) -> bool:
    """Tell whether the owner of a thing asks to keep exactly so much of its deposit now."""
    return bool(tx.scalar(_MAY_BE_KEPT, no=no, keep=amount))


def deposits_of_owner(tx: ReadTx, account_no: int) -> list[Booking]:
    """Return the bookings of an owner's things for which a deposit is set aside."""
    return [_booking(row) for row in tx.all(_DEPOSITS_OF_OWNER, account_no=account_no)]


def check_room(tx: ReadTx, account_no: int, key: ItemKey, now_hour: int) -> None:
    """Raises CannotBook: this member has asked for enough."""
    if (
        tx.scalar(_COUNT_OF_ONE, account_no=account_no, item_key=key, now_hour=now_hour)
        >= BOOKINGS_OPEN_OF_ONE_MAX
    ):
        raise CannotBook(Why.OPEN_OF_ONE)
    if tx.scalar(_COUNT_OPEN, account_no=account_no, now_hour=now_hour) >= BOOKINGS_OPEN_MAX:
        raise CannotBook(Why.OPEN)


def check_line(tx: ReadTx, key: ItemKey, now_hour: int) -> None:
    """Raises CannotBook: many wait for this thing already."""
    if tx.scalar(_COUNT_LINE, item_key=key, now_hour=now_hour) >= BOOKINGS_WAITING_MAX:
        raise CannotBook(Why.LINE_FULL)


# --- writing --------------------------------------------------------------------------------------------------


def put_booking(tx: Tx, *, period: Period, state: BookingState, now_ms: int, **values: Any) -> Booking:
    """Unit: write a new booking down, with the time it takes."""
    no = tx.insert(
        _NEW, **values, keep=0, state=state.value, start_hour=period.start, end_hour=period.end, created_ms=now_ms,
        changed_ms=now_ms, reminded_ms=0,
    )  # fmt: skip
    made = booking_by_no(tx, no)
    if state in TAKES_TIME:
        take_time(tx, made)
    return made


def move(tx: Tx, booking: Booking, after: BookingState, now_ms: int) -> Booking:
    """Unit: write down where a booking stands, with the time it takes or gives back."""
    tx.run(_MOVE, which=booking.no, new_state=after.value, now=now_ms)
    if after in TAKES_TIME and booking.state not in TAKES_TIME:
        take_time(tx, booking)
    if booking.state in TAKES_TIME and after not in TAKES_TIME:
        tx.run(_NO_SLOTS, which=booking.no)
    return booking_by_no(tx, booking.no)


def set_deposit(tx: Tx, no: int, state: DepositState, keep: int) -> None:
    """Unit: write down where a deposit stands."""
    tx.run(_SET_DEPOSIT, which=no, new_deposit_state=state.value, new_keep=keep)


def take_time(tx: Tx, booking: Booking) -> None:
    """Unit: note the steps a booking takes; one that is taken breaks the unit."""
    tx.put_many(_NEW_SLOT, [(booking.key, hour, booking.no) for hour in booking.slots])


def note_act_of(
    tx: Tx, no: int, event: BookingEvent | DepositEvent, *, by_no: int | None, words: str = "", once: bytes | None = None, now_ms: int
) -> None:  # fmt: skip
    """Unit: note what was done with a booking, and what was said with it."""
    tx.run(_NEW_ACT, booking_no=no, event=event.value, by_no=by_no, words=words, at_ms=now_ms, once=once)


def note_reminded(tx: Tx, no: int, now_ms: int) -> None:
    """Unit: note that whoever has a thing was written to about its end."""
    tx.run(_REMINDED, which=no, now=now_ms)
