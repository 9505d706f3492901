"""Standing orders: every state times every event, and what any run of days makes of one. Rule 3.6; docs/pages.md 0.10."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import InvalidValue, OutOfOrder
from protocol.limits import STANDING_TRIED_DAYS, STANDING_TURNS_MAX
from protocol.standing import (
    TRANSITIONS,
    Effect,
    Event,
    Every,
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
    days_of,
    standing_step,
)

RUNNING, ENDED, STOPPED = StandingState
FIRST = date(2026, 1, 31).toordinal()
ORDER = Standing(amount=60, every=Every.MONTH, first=FIRST, times=3)
MARCH = date(2026, 3, 31).toordinal()


def weekly(**given: Any) -> Standing:
    return replace(ORDER, every=Every.WEEK, **given)


# --- The table ------------------------------------------------------------------------------------------------

ALLOWED = {
    (RUNNING, Looked): RUNNING,
    (RUNNING, Paid): RUNNING,
    (RUNNING, Hindered): RUNNING,
    (RUNNING, Stopped): STOPPED,
}


@pytest.mark.parametrize("state", StandingState)
@pytest.mark.parametrize("event", [Looked(today=FIRST), Paid(), Hindered(today=FIRST), Stopped()], ids=repr)
def test_every_event_in_every_state_is_decided(state: StandingState, event: Event) -> None:
    after = ALLOWED.get((state, type(event)))
    assert (type(event) in TRANSITIONS[state]) == (after is not None)
    if after is not None:
        assert standing_step(replace(ORDER, state=state), event)[0].state is after
        return
    with pytest.raises(OutOfOrder):
        standing_step(replace(ORDER, state=state), event)


def test_the_last_turn_ends_it_however_it_is_over() -> None:
    last = replace(ORDER, turn=2)
    assert standing_step(last, Paid())[0].state is ENDED
    waiting, _ = standing_step(last, Hindered(today=MARCH))
    after, effects = standing_step(waiting, Looked(today=MARCH + STANDING_TRIED_DAYS))
    assert after.state is ENDED
    assert effects == (LeftOut(turn=2, day=MARCH, why=LeftOutBecause.HINDERED),)


# --- Days -----------------------------------------------------------------------------------------------------


def test_the_31st_comes_back_after_february() -> None:
    assert [date.fromordinal(day) for day in days_of(ORDER)] == [
        date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)
    ]  # fmt: skip


@pytest.mark.parametrize(("last", "turns"), [(FIRST, 1), (FIRST + 6, 1), (FIRST + 7, 2), (FIRST + 14, 3)])
def test_the_last_day_is_included(last: int, turns: int) -> None:
    assert days_of(weekly(times=None, last=last)) == tuple(FIRST + 7 * turn for turn in range(turns))


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 0}, {"amount": -1}, {"amount": True}, {"times": 0}, {"times": STANDING_TURNS_MAX + 1}, {"times": None},
        {"last": FIRST + 1}, {"times": None, "last": FIRST - 1}, {"first": 0}, {"times": None, "last": FIRST + 366 * 30},
    ],
    ids=repr,
)  # fmt: skip
def test_there_is_no_order_without_an_amount_and_an_end(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        replace(ORDER, **wrong)


# --- What is done on a day --------------------------------------------------------------------------------------


def test_nothing_is_tried_before_its_day() -> None:
    assert standing_step(ORDER, Looked(today=FIRST - 1)) == (ORDER, ())
    assert standing_step(ORDER, Looked(today=FIRST))[1] == (Try(turn=0, day=FIRST),)
    with pytest.raises(OutOfOrder):
        standing_step(ORDER, Hindered(today=FIRST - 1))


def test_after_days_switched_off_one_is_made_up_for() -> None:
    """The newest that is due; those before it are left out, and said so."""
    after, effects = standing_step(weekly(times=9), Looked(today=FIRST + 7 * 3 + 2))
    assert after.turn == 3
    assert effects == (
        *(LeftOut(turn=each, day=FIRST + 7 * each, why=LeftOutBecause.MISSED) for each in range(3)),
        Try(turn=3, day=FIRST + 21),
    )


def test_what_is_in_the_way_is_waited_for_seven_days_and_told_once() -> None:
    order, effects = standing_step(ORDER, Hindered(today=FIRST + 1))
    assert effects == (Waits(turn=0, day=FIRST),)
    again, effects = standing_step(order, Hindered(today=FIRST + 2))
    assert (again, effects) == (order, ())
    for day in range(FIRST + 1, FIRST + 1 + STANDING_TRIED_DAYS):
        assert standing_step(order, Looked(today=day))[1] == (Try(turn=0, day=FIRST),)
    after, effects = standing_step(order, Looked(today=FIRST + 1 + STANDING_TRIED_DAYS))
    assert effects == (LeftOut(turn=0, day=FIRST, why=LeftOutBecause.HINDERED),)
    assert (after.turn, after.waiting_since) == (1, None)


def test_a_week_that_waits_gives_way_to_the_next() -> None:
    order, _ = standing_step(weekly(), Hindered(today=FIRST + 3))
    after, effects = standing_step(order, Looked(today=FIRST + 7))
    assert effects == (
        LeftOut(turn=0, day=FIRST, why=LeftOutBecause.HINDERED),
        Try(turn=1, day=FIRST + 7),
    )
    assert after.waiting_since is None


# --- Any run of days --------------------------------------------------------------------------------------------

orders = st.builds(
    lambda every, times, last: Standing(
        amount=1, every=every, first=FIRST, times=times if last is None else None, last=None if last is None else FIRST + last
    ),
    st.sampled_from(Every),
    st.integers(1, 12),
    st.none() | st.integers(0, 200),
)  # fmt: skip
# How many days later somebody looks (a clock set back is below zero), and whether something is in the way.
looks = st.lists(st.tuples(st.integers(-3, 40), st.booleans()), max_size=60)


@given(orders, looks)
def test_each_turn_is_over_once_and_never_before_its_day(
    order: Standing, seen: list[tuple[int, bool]]
) -> None:
    days, today, over = days_of(order), FIRST - 5, [list[str]() for _ in days_of(order)]
    for later, hindered in seen:
        today += later
        if order.state is not RUNNING:
            break
        order, effects = standing_step(order, Looked(today=today))
        for effect in effects:
            _note(effect, days, today, over)
            if isinstance(effect, Try):
                order, told = standing_step(order, Hindered(today=today) if hindered else Paid())
                assert len(told) <= 1
                if not hindered:
                    over[effect.turn].append("paid")
        assert sum("paid" in each for each in over) <= sum(day <= today for day in days)
    assert all(len(each) <= 1 for each in over)
    assert [len(each) for each in over] == [1] * order.turn + [0] * (len(days) - order.turn)
    assert (order.state is ENDED) == (order.turn == len(days))


def _note(effect: Effect, days: tuple[int, ...], today: int, over: list[list[str]]) -> None:
    assert isinstance(effect, LeftOut | Try)
    assert effect.day == days[effect.turn] <= today
    if isinstance(effect, LeftOut):
        over[effect.turn].append(effect.why.value)
