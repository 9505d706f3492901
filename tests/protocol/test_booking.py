"""Bookings: terms, periods, and every state times every event times every side. Rule 5.9."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.booking import (
    IS_OUT,
    MAY,
    TAKES_TIME,
    TRANSITIONS,
    BookingEvent,
    BookingState,
    BookingTerms,
    Period,
    Side,
    Unfit,
    booking_state,
    booking_step,
    check_period,
    price_of,
)
from protocol.errors import InvalidValue, OutOfOrder
from protocol.limits import AMOUNT_MAX, BOOKING_AHEAD_HOURS_MAX, BOOKING_STEPS_MAX
from protocol.market import AskingPrice, Listing
from protocol.message import decode_message, encode_message

E, S = BookingEvent, BookingState
HOURLY = BookingTerms(step="hour", longest=8)
DAILY = BookingTerms(step="day", longest=7)
NIGHTLY = BookingTerms(step="night", longest=14, guests=2)
DAY = 24 * 20_000  # the first hour of some day
NOW = DAY - 24
ALLOWED = {
    (S.WAITING, E.FREE, Side.CLOCK): S.ASKED,
    (S.WAITING, E.WITHDRAW, Side.BORROWER): S.WITHDRAWN,
    (S.WAITING, E.LAPSE, Side.CLOCK): S.LAPSED,
    (S.ASKED, E.QUEUE, Side.CLOCK): S.WAITING,
    (S.ASKED, E.AGREE, Side.OWNER): S.AGREED,
    (S.ASKED, E.DECLINE, Side.OWNER): S.DECLINED,
    (S.ASKED, E.WITHDRAW, Side.BORROWER): S.WITHDRAWN,
    (S.ASKED, E.LAPSE, Side.CLOCK): S.LAPSED,
    (S.AGREED, E.HAND_OVER, Side.OWNER): S.HANDED_OVER,
    (S.AGREED, E.HAND_OVER, Side.BORROWER): S.HANDED_OVER,
    (S.AGREED, E.CANCEL, Side.OWNER): S.CANCELLED,
    (S.AGREED, E.CANCEL, Side.BORROWER): S.CANCELLED,
    (S.HANDED_OVER, E.FALL_DUE, Side.CLOCK): S.OVERDUE,
    (S.HANDED_OVER, E.BRING_BACK, Side.BORROWER): S.BROUGHT_BACK,
    (S.HANDED_OVER, E.TAKE_BACK, Side.OWNER): S.RETURNED,
    (S.OVERDUE, E.BRING_BACK, Side.BORROWER): S.BROUGHT_BACK,
    (S.OVERDUE, E.TAKE_BACK, Side.OWNER): S.RETURNED,
    (S.BROUGHT_BACK, E.MISS, Side.OWNER): S.HANDED_OVER,
    (S.BROUGHT_BACK, E.TAKE_BACK, Side.OWNER): S.RETURNED,
}


@pytest.mark.parametrize("state, event, side", list(product(S, E, Side)))
def test_every_event_of_every_side_in_every_state_is_decided(
    state: BookingState, event: BookingEvent, side: Side
) -> None:
    after = ALLOWED.get((state, event, side))
    if after is not None:
        assert booking_step(state, event, side) is after
        return
    with pytest.raises(OutOfOrder):
        booking_step(state, event, side)


def test_every_state_and_event_is_in_the_tables() -> None:
    assert set(TRANSITIONS) == set(S)
    assert set(MAY) == set(E)
    assert IS_OUT < TAKES_TIME
    reached, some = {S.ASKED, S.WAITING}, {S.ASKED}
    while some:
        some = {after for state in some for after in TRANSITIONS[state].values()} - reached
        reached |= some
    assert reached == set(S)


@pytest.mark.parametrize("state", S)
def test_time_alone_ends_what_nobody_agreed_to_and_takes_nothing_from_anybody(state: BookingState) -> None:
    """What was handed over is overdue, and no clock says that it is back."""
    period = Period(DAY, DAY + 24)
    assert booking_state(state, period, DAY + 23) is state
    late = {S.WAITING: S.LAPSED, S.ASKED: S.LAPSED, S.HANDED_OVER: S.OVERDUE}
    assert booking_state(state, period, DAY + 24) is late.get(state, state)
    assert (booking_state(state, period, 10**9) in TAKES_TIME) is (state in TAKES_TIME)


# --- Periods -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "terms, start, end, guests, unfit",
    [
        (DAILY, DAY, DAY + 24, 0, None),
        (DAILY, DAY, DAY + 7 * 24, 0, None),
        (DAILY, DAY, DAY + 8 * 24, 0, Unfit.LONG),
        (DAILY, DAY + 1, DAY + 25, 0, Unfit.GRID),
        (DAILY, DAY, DAY + 23, 0, Unfit.GRID),
        (DAILY, DAY, DAY + 24, 1, Unfit.GUESTS),
        (DAILY, NOW, NOW + 24, 0, None),  # today
        (DAILY, NOW - 24, NOW, 0, Unfit.PAST),
        (HOURLY, NOW, NOW + 1, 0, None),
        (HOURLY, NOW - 1, NOW + 1, 0, Unfit.PAST),
        (HOURLY, NOW + 23, NOW + 25, 0, None),  # over midnight
        (HOURLY, NOW, NOW + 9, 0, Unfit.LONG),
        (NIGHTLY, DAY + 12, DAY + 36, 1, None),
        (NIGHTLY, DAY + 12, DAY + 36, 0, Unfit.GUESTS),
        (NIGHTLY, DAY + 12, DAY + 36, 3, Unfit.GUESTS),
        (NIGHTLY, DAY, DAY + 24, 1, Unfit.GRID),
        (DAILY, NOW + BOOKING_AHEAD_HOURS_MAX - 24, NOW + BOOKING_AHEAD_HOURS_MAX, 0, None),
        (DAILY, NOW + BOOKING_AHEAD_HOURS_MAX, NOW + BOOKING_AHEAD_HOURS_MAX + 24, 0, Unfit.AHEAD),
    ],
)
def test_what_can_be_asked_for(
    terms: BookingTerms, start: int, end: int, guests: int, unfit: Unfit | None
) -> None:
    assert check_period(terms, Period(start, end), guests, NOW) is unfit


@pytest.mark.parametrize("start, end", [(5, 5), (5, 4), (-1, 5)])
def test_a_period_ends_after_it_begins(start: int, end: int) -> None:
    with pytest.raises(InvalidValue):
        Period(start, end)


@given(*[st.integers(0, 40)] * 2, *[st.integers(1, 20)] * 2)
def test_periods_overlap_where_they_share_an_hour(one: int, other: int, long: int, short: int) -> None:
    first, second = Period(one, one + long), Period(other, other + short)
    shared = set(range(one, one + long)) & set(range(other, other + short))
    assert first.overlaps(second) == second.overlaps(first) == bool(shared)


@given(st.sampled_from([HOURLY, DAILY, NIGHTLY]), st.integers(0, 1000), st.integers(1, BOOKING_STEPS_MAX))
def test_slots_of_periods_that_meet_on_one_grid_share_one(
    terms: BookingTerms, first: int, number: int
) -> None:
    size = terms.step_hours
    period = Period(first * size + terms.begins_at, (first + number) * size + terms.begins_at)
    assert len(period.slots(terms)) == period.steps(terms) == number
    after = Period(period.end, period.end + size)
    assert not set(period.slots(terms)) & set(after.slots(terms))
    within = Period(period.end - size, period.end + size)
    assert set(period.slots(terms)) & set(within.slots(terms)) == {period.end - size}


def test_a_price_is_for_each_step() -> None:
    assert price_of(DAILY, Period(DAY, DAY + 72), 60) == 180
    assert price_of(HOURLY, Period(DAY, DAY + 3), 60) == 180
    assert price_of(NIGHTLY, Period(DAY + 12, DAY + 36), AMOUNT_MAX) == AMOUNT_MAX
    assert price_of(NIGHTLY, Period(DAY + 12, DAY + 60), AMOUNT_MAX) is None


# --- Terms in a listing ------------------------------------------------------------------------------------

DRILL = Listing(
    kind="lend",
    title="Drill",
    text="18 V, with two batteries",
    category="borrow-tools",
    price=AskingPrice(amount=0, per="free"),
    language="en",
    terms=replace(DAILY, deposit=120),
)


def test_a_listing_with_terms_is_read_as_it_was_written() -> None:
    room = replace(DRILL, kind="stay", terms=NIGHTLY, price=AskingPrice(amount=60, per="night"))
    for listing in (DRILL, room, replace(DRILL, kind="rent", terms=None)):
        assert decode_message(Listing, encode_message(listing)) == listing


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "offer"},
        {"kind": "want"},
        {"kind": "stay"},  # by the night
        {"terms": NIGHTLY},  # which only a stay is
        {"price": AskingPrice(amount=60, per="hour")},  # booked by the day
    ],
)
def test_terms_fit_their_listing(changed: dict[str, object]) -> None:
    with pytest.raises(InvalidValue):
        replace(DRILL, **changed)  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize(
    "changed",
    [
        {"step": "week"},
        {"longest": 0},
        {"longest": BOOKING_STEPS_MAX + 1},
        {"deposit": -1},
        {"deposit": AMOUNT_MAX + 1},
        {"approval": 1},
        {"guests": 1},  # by the day
        {"step": "night"},  # without guests
    ],
)
def test_what_are_no_terms_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(InvalidValue):
        replace(DAILY, **changed)  # type: ignore[arg-type]  # fields by name
