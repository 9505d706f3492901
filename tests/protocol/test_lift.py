"""Lifts: seats that the driver gives, never twice, and a cost that is shared. Rule 5.11."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import InvalidValue, OutOfOrder
from protocol.event import (
    Answer,
    Guests,
    Kind,
    OwnEvent,
    Pays,
    Plan,
    admitted,
    edited,
    resized,
    says,
    share_of,
)
from protocol.limits import DAY_MS, HOUR_MS, LIFT_SEATS_MAX

NOW = 1_000 * DAY_MS
LIFT = Plan(
    kind=Kind.LIFT, title="To the market", text="", where="Church", starts=NOW + DAY_MS, ends=NOW + DAY_MS + HOUR_MS,
    capacity=2, pays=Pays.SHARED, amount=60, approval=True,
)  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"capacity": None},
        {"capacity": LIFT_SEATS_MAX + 1},
        {"public": True},
        {"pays": Pays.HOST},
        {"amount": 2},  # three share it
        {"kind": Kind.TALK},  # which nobody shares
        {"kind": Kind.TALK, "pays": Pays.GUESTS},  # nor is its host asked
    ],
)
def test_what_no_lift_says_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        replace(LIFT, **changes)


@given(amount=st.integers(2, 10_000), seats=st.integers(1, LIFT_SEATS_MAX))
def test_a_share_is_something_and_no_more_than_half_and_never_more_than_it_costs(
    amount: int, seats: int
) -> None:
    if amount <= seats:
        return
    plan = replace(LIFT, amount=amount, capacity=seats)
    for there in range(1, seats + 1):
        share = share_of(plan, there)
        assert 1 <= share <= share_of(plan, 1) <= amount / 2
        assert share * (there + 1) <= amount < (share + 1) * (there + 1), "what is left over is the driver's"


def test_what_is_not_shared_is_the_same_for_each() -> None:
    assert share_of(replace(LIFT, pays=Pays.GUESTS), 2) == 60


def test_whoever_asks_has_a_seat_when_the_driver_says_so() -> None:
    guests = says(Guests(1, approval=True), 1, True).guests
    guests = says(guests, 2, True).guests
    assert ([each.who for each in guests.asked], guests.coming, guests.waiting) == ([1, 2], (), ())
    assert says(guests, 1, True).guests == guests, "asked once"
    given_ = admitted(guests, 2, True).guests
    assert (given_.answer_of(2), admitted(given_, 2, True).guests) == (Answer.COMING, given_)
    full = admitted(given_, 1, True).guests
    assert full.answer_of(1) is Answer.WAITING, "no seat is given twice"
    assert says(full, 2, False).moved_up == (1,)


def test_a_no_is_not_asked_again_but_the_driver_may_change_their_mind() -> None:
    guests = admitted(says(Guests(1, approval=True), 1, True).guests, 1, False).guests
    assert guests.answer_of(1) is Answer.DECLINED
    for comes in (True, False):
        assert says(guests, 1, comes).guests == guests
    assert admitted(guests, 1, False).guests == guests
    assert admitted(guests, 1, True).guests.answer_of(1) is Answer.COMING


@pytest.mark.parametrize("yes", [True, False])
@pytest.mark.parametrize("answer", [Answer.UNSAID, Answer.NOT_COMING])
def test_who_did_not_ask_is_not_answered(answer: Answer, yes: bool) -> None:
    guests = Guests(1, approval=True)
    if answer is Answer.NOT_COMING:
        guests = says(guests, 1, False).guests
    with pytest.raises(OutOfOrder):
        admitted(guests, 1, yes)


def test_whoever_has_a_seat_is_not_put_out() -> None:
    guests = admitted(says(Guests(1, approval=True), 1, True).guests, 1, True).guests
    with pytest.raises(OutOfOrder):
        admitted(guests, 1, False)


@pytest.mark.parametrize("changes", [{"amount": 90}, {"pays": Pays.GUESTS}, {"approval": False}])
def test_what_somebody_asked_for_stays_as_it_is(changes: dict[str, Any]) -> None:
    event, asked = OwnEvent(plan=LIFT), says(Guests(2, approval=True), 1, True).guests
    assert edited(event, replace(LIFT, **changes), Guests(2, approval=True), NOW)[0].plan != LIFT
    with pytest.raises(OutOfOrder):
        edited(event, replace(LIFT, **changes), asked, NOW)


@given(
    seats=st.integers(1, 3),
    happened=st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from(["asks", "goes", "yes", "no", "seats"])), max_size=40
    ),
)
def test_no_seat_is_given_twice_and_none_without_a_yes(seats: int, happened: list[tuple[int, str]]) -> None:
    """For any history of asking, answering and changing the car."""
    guests, welcome = Guests(seats, approval=True), set[int]()
    for who, what in happened:
        before = guests
        try:
            match what:
                case "asks" | "goes":
                    guests = says(guests, who, what == "asks").guests
                    if what == "goes" and before.answer_of(who) is not Answer.DECLINED:
                        welcome.discard(who)
                case "yes" | "no":
                    guests = admitted(guests, who, what == "yes").guests
                    if what == "yes":
                        welcome.add(who)
                case _:
                    guests = resized(guests, who + 1).guests
        except OutOfOrder:
            continue
        coming = {each.who for each in guests.coming}
        assert coming <= welcome
        assert len(coming) <= (guests.capacity or 0) or coming <= {each.who for each in before.coming}
        assert not (guests.waiting and guests.room), "a seat is free and somebody waits"
