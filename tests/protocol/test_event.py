"""Events: what one says, its life, and places that are given once. Rule 5.11."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import InvalidValue, OutOfOrder
from protocol.event import (
    TRANSITIONS,
    Answer,
    Guest,
    Guests,
    Heard,
    Kind,
    OwnEvent,
    Pays,
    Plan,
    State,
    cancelled,
    edited,
    planned,
    resized,
    says,
    settled,
    step,
)
from protocol.limits import (
    DAY_MS,
    EVENT_AHEAD_MS_MAX,
    EVENT_GUESTS_MAX,
    EVENT_LENGTH_MS_MAX,
    EVENT_PAID_PLACES_MAX,
    EVENT_SETTLE_MS,
    HOUR_MS,
)

NOW = 1_000 * DAY_MS
PLAN = Plan(
    kind=Kind.SOCIAL, title="Soup evening", text="", where="Village hall", starts=NOW + DAY_MS, ends=NOW + DAY_MS + HOUR_MS
)  # fmt: skip
NOBODY = Guests(None)


@pytest.mark.parametrize(
    "changes",
    [
        {"title": ""},
        {"title": "x" * 161},
        {"text": "x" * 4_001},
        {"where": "x" * 161},
        {"starts": -1},
        {"ends": PLAN.starts},
        {"ends": PLAN.starts + EVENT_LENGTH_MS_MAX + 1},
        {"capacity": 0},
        {"capacity": EVENT_GUESTS_MAX + 1},
        {"pays": Pays.GUESTS},  # nothing
        {"amount": 60},  # by nobody
        {"pays": Pays.HOST, "amount": -1},
    ],
)
def test_what_no_event_says_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        replace(PLAN, **changes)


@pytest.mark.parametrize("starts, fits", [(NOW, False), (NOW + 1, True), (NOW + EVENT_AHEAD_MS_MAX, True), (NOW + EVENT_AHEAD_MS_MAX + 1, False)])  # fmt: skip
def test_an_event_is_posted_before_it_begins_and_within_reach(starts: int, fits: bool) -> None:
    plan = replace(PLAN, starts=starts, ends=starts + HOUR_MS)
    if fits:
        assert planned(plan, NOW).state is State.PLANNED
    else:
        with pytest.raises(InvalidValue):
            planned(plan, NOW)


# --- its life ---


def test_whoever_comes_is_told_of_another_time_or_place_and_of_nothing_else() -> None:
    event = OwnEvent(plan=PLAN)
    for changes, told in (
        ({"title": "Soup night"}, False),
        ({"capacity": 3}, False),
        ({"where": "Church"}, True),
        ({"starts": PLAN.starts + 1}, True),
        ({"ends": PLAN.ends + 1}, True),
    ):
        after, moved = edited(event, replace(PLAN, **changes), NOBODY, NOW)  # type: ignore[arg-type]  # a table
        assert (after.plan, moved) == (replace(PLAN, **changes), told)  # type: ignore[arg-type]  # as above


def test_what_it_costs_stays_as_it_is_once_somebody_said_yes() -> None:
    """Rule 5.11: a yes is to that amount."""
    event, dearer = OwnEvent(plan=PLAN), replace(PLAN, pays=Pays.GUESTS, amount=60)
    assert edited(event, dearer, NOBODY, NOW)[0].plan == dearer
    declined = says(NOBODY, 1, False).guests
    assert edited(event, dearer, declined, NOW)[0].plan == dearer
    for guests in (says(NOBODY, 1, True).guests, Guests(1, (Guest(1, Answer.WAITING, 1),))):
        with pytest.raises(OutOfOrder):
            edited(event, dearer, guests, NOW)


def test_an_event_under_way_can_be_changed_but_not_its_beginning() -> None:
    event, during = OwnEvent(plan=PLAN), PLAN.starts + 1
    assert edited(event, replace(PLAN, text="Bring a bowl."), NOBODY, during)[1] is False
    with pytest.raises(InvalidValue):
        edited(event, replace(PLAN, starts=PLAN.starts - 1), NOBODY, during)
    with pytest.raises(InvalidValue):
        edited(event, replace(PLAN, ends=during), NOBODY, during)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("now_ms", [NOW, PLAN.ends - 1, PLAN.ends])
def test_every_act_in_every_state_and_time_is_decided(state: State, now_ms: int) -> None:
    event = OwnEvent(plan=PLAN, state=state)
    open_still = state is State.PLANNED and now_ms < PLAN.ends
    assert event.takes_answers(now_ms) is open_still
    if open_still:
        assert cancelled(event, "ill", now_ms) == OwnEvent(plan=PLAN, state=State.CANCELLED, reason="ill")
        assert edited(event, PLAN, NOBODY, now_ms) == (event, False)
        return
    with pytest.raises(OutOfOrder):
        cancelled(event, "ill", now_ms)
    with pytest.raises(OutOfOrder):
        edited(event, PLAN, NOBODY, now_ms)


# --- who comes ---


@pytest.mark.parametrize("answer", Answer)
@pytest.mark.parametrize("heard", Heard)
def test_every_answer_at_every_word_is_decided(answer: Answer, heard: Heard) -> None:
    table = {
        (Answer.UNSAID, Heard.YES_ROOM): Answer.COMING,
        (Answer.UNSAID, Heard.YES_FULL): Answer.WAITING,
        (Answer.UNSAID, Heard.NO): Answer.NOT_COMING,
        (Answer.COMING, Heard.NO): Answer.NOT_COMING,
        (Answer.WAITING, Heard.NO): Answer.NOT_COMING,
        (Answer.WAITING, Heard.FREED): Answer.COMING,
        (Answer.NOT_COMING, Heard.YES_ROOM): Answer.COMING,
        (Answer.NOT_COMING, Heard.YES_FULL): Answer.WAITING,
        (Answer.UNSAID, Heard.ASKS): Answer.ASKED,
        (Answer.NOT_COMING, Heard.ASKS): Answer.ASKED,
        (Answer.ASKED, Heard.YES_ROOM): Answer.COMING,
        (Answer.ASKED, Heard.YES_FULL): Answer.WAITING,
        (Answer.ASKED, Heard.NO): Answer.NOT_COMING,
        (Answer.ASKED, Heard.REFUSED): Answer.DECLINED,
        (Answer.DECLINED, Heard.YES_ROOM): Answer.COMING,
        (Answer.DECLINED, Heard.YES_FULL): Answer.WAITING,
    }
    assert set(TRANSITIONS) == set(Answer)
    if (answer, heard) in table:
        assert step(answer, heard) is table[answer, heard]
    else:
        with pytest.raises(OutOfOrder):
            step(answer, heard)


def coming(guests: Guests) -> list[int]:
    return [each.who for each in guests.coming]


def test_who_comes_when_it_is_full_waits_and_moves_up_in_turn() -> None:
    guests = Guests(1)
    for who in (1, 2, 3):
        guests = says(guests, who, True).guests
    assert (coming(guests), [each.who for each in guests.waiting]) == ([1], [2, 3])

    seated = says(guests, 1, False)
    assert (coming(seated.guests), seated.moved_up) == ([2], (2,))
    # Whoever changes their mind stands at the end.
    guests = says(seated.guests, 1, True).guests
    assert [each.who for each in guests.waiting] == [3, 1]


def test_the_same_answer_again_changes_nothing() -> None:
    guests = says(says(Guests(1), 1, True).guests, 2, True).guests
    for who in (1, 2):
        assert says(guests, who, True).guests == guests
    declined = says(guests, 2, False).guests
    assert says(declined, 2, False).guests == declined


def test_more_room_moves_up_and_less_takes_nobodys_place() -> None:
    guests = Guests(2)
    for who in (1, 2, 3, 4):
        guests = says(guests, who, True).guests
    wider = resized(guests, 3)
    assert (coming(wider.guests), wider.moved_up) == ([1, 2, 3], (3,))
    assert resized(guests, None).moved_up == (3, 4)

    less = resized(guests, 1)
    assert (coming(less.guests), less.moved_up, less.guests.room) == ([1, 2], (), 0)
    assert says(less.guests, 1, False).moved_up == ()
    assert says(says(less.guests, 1, False).guests, 2, False).moved_up == (3,)


def test_an_event_takes_so_many_answers_and_no_more() -> None:
    full = Guests(None, tuple(Guest(who, Answer.COMING, who + 1) for who in range(EVENT_GUESTS_MAX)))
    with pytest.raises(OutOfOrder):
        says(full, EVENT_GUESTS_MAX, True)
    assert says(full, 0, False).guests.answer_of(0) is Answer.NOT_COMING


@given(
    start=st.none() | st.integers(1, 4),
    happened=st.lists(
        st.tuples(st.integers(0, 6), st.sampled_from(["yes", "no", "more", "less"])), max_size=40
    ),
)
def test_no_place_is_given_twice_and_none_stays_free_while_somebody_waits(
    start: int | None, happened: list[tuple[int, str]]
) -> None:
    """Rule 5.11, for any history of answers and capacities."""
    guests, had = Guests(start), set[int]()
    for who, what in happened:
        if what in ("yes", "no"):
            seated = says(guests, who, what == "yes")
            if what == "no":
                had.discard(who)
        else:
            size = guests.capacity or 3
            seated = resized(guests, size + who if what == "more" else max(1, size - who))
        before, guests = guests, seated.guests
        now = set(coming(guests))
        assert len(guests.all) == len({each.who for each in guests.all})
        assert len({each.turn for each in guests.all}) == len(guests.all)
        assert now >= had, "a place was taken away"
        if guests.capacity is not None and len(now) > guests.capacity:
            assert now <= set(coming(before)), "a place that is not there was given"
        assert not (guests.waiting and guests.room != 0), "a place is free and somebody waits"
        assert set(seated.moved_up) == {who for who in now if before.answer_of(who) is Answer.WAITING}
        had = now


# --- what it costs or gives ---

PAID = replace(PLAN, pays=Pays.GUESTS, amount=60)


def test_where_units_move_there_are_so_many_places_and_no_more() -> None:
    """Rule 5.11: its host looks over all names on one page."""
    assert (PLAN.places, PAID.places, replace(PAID, capacity=3).places) == (None, EVENT_PAID_PLACES_MAX, 3)
    with pytest.raises(InvalidValue):
        replace(PAID, capacity=EVENT_PAID_PLACES_MAX + 1)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("pays", Pays)
@pytest.mark.parametrize(
    "now_ms, in_time",
    [
        (PLAN.starts - 1, False),
        (PLAN.starts, True),
        (PLAN.ends, True),
        (PLAN.ends + EVENT_SETTLE_MS - 1, True),
        (PLAN.ends + EVENT_SETTLE_MS, False),
    ],
)
def test_what_it_costs_is_settled_once_and_in_its_time(
    state: State, pays: Pays, now_ms: int, in_time: bool
) -> None:
    """Rule 5.11, every state and time."""
    lift = {"kind": Kind.LIFT, "capacity": 3} if pays is Pays.SHARED else {}
    plan = replace(PLAN, pays=pays, amount=0 if pays is Pays.NOBODY else 60, **lift)  # type: ignore[arg-type]  # a table
    event = OwnEvent(plan=plan, state=state)
    guests = says(says(NOBODY, 1, True).guests, 2, True).guests
    if state is State.PLANNED and pays is not Pays.NOBODY and in_time:
        after = settled(event, guests, [2], now_ms)
        assert after == replace(event, state=State.SETTLED)
        assert not after.takes_answers(now_ms)
        assert not after.wants_settling(now_ms)
    else:
        with pytest.raises(OutOfOrder):
            settled(event, guests, [2], now_ms)


@pytest.mark.parametrize("there", [[], [3], [1, 3], [4], [1, 1], [9]])
def test_only_who_had_a_place_was_there(there: list[int]) -> None:
    guests = Guests(2)
    for who in (1, 2, 3):  # the third waits
        guests = says(guests, who, True).guests
    guests = says(guests, 4, False).guests
    with pytest.raises(OutOfOrder):
        settled(OwnEvent(plan=PAID), guests, there, PAID.ends)
