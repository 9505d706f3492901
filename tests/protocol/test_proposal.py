"""Deciding together: what can be put, when one votes, and what votes come to. Rule 5.13."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import InvalidValue, OutOfOrder
from protocol.limits import PROPOSAL_LENGTH_MS_MAX, PROPOSAL_OPTIONS_MAX, PROPOSAL_QUORUM_MAX
from protocol.proposal import (
    ABSTAIN,
    ASIDE,
    NO,
    TRANSITIONS,
    YES,
    Event,
    Motion,
    Outcome,
    State,
    Voters,
    count,
    put,
    step,
)

CLOSES = 1_000_000
MOTION = Motion(voters=Voters.GROUP, closes=CLOSES)
THREE = Motion(voters=Voters.GROUP, closes=CLOSES, options=("hall", "barn", "field"))


@pytest.mark.parametrize("now_ms", [CLOSES - 1, CLOSES, CLOSES + 1])
@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("state", State)
def test_every_state_times_every_event_before_at_and_after_the_closing_moment(
    state: State, event: Event, now_ms: int
) -> None:
    """Rule 5.13: one votes and withdraws before that moment, and counts from it on; what is decided stays."""
    then = TRANSITIONS[state].get(event)
    in_time = state is not State.OPEN or (event is Event.CLOSED) is (now_ms >= CLOSES)
    if then is None or not in_time:
        with pytest.raises(OutOfOrder):
            step(state, event, MOTION, now_ms)
    else:
        assert step(state, event, MOTION, now_ms) is then


def test_nothing_leads_back_from_what_is_decided() -> None:
    for state in (State.DECIDED, State.MINUTED, State.WITHDRAWN):
        assert {State.OPEN, State.WITHDRAWN} & set(TRANSITIONS[state].values()) == set()


@pytest.mark.parametrize(
    "wrong",
    [
        {"options": ("one",)},
        {"options": tuple("abcdefg")},
        {"options": ("a", "a")},
        {"options": ("a", "")},
        {"quorum": 0},
        {"quorum": PROPOSAL_QUORUM_MAX + 1},
        {"closes": 0},
    ],
)
def test_what_cannot_be_put(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidValue):
        Motion(**{"voters": Voters.GROUP, "closes": CLOSES, **wrong})  # type: ignore[arg-type]  # one of them is wrong


def test_it_closes_ahead_and_not_too_far() -> None:
    for now_ms, fits in ((CLOSES - 1, True), (CLOSES, False), (CLOSES - PROPOSAL_LENGTH_MS_MAX - 1, False)):
        if fits:
            assert put(MOTION, now_ms) is MOTION
        else:
            with pytest.raises(InvalidValue):
                put(MOTION, now_ms)


TABLE = [
    (MOTION, [YES, YES, NO], Outcome.CARRIED, ""),
    (MOTION, [YES, NO], Outcome.NOT_CARRIED, ""),  # as many as that is not more
    (MOTION, [ABSTAIN, ASIDE], Outcome.NOT_CARRIED, ""),
    (MOTION, [YES, ABSTAIN, ABSTAIN, ASIDE], Outcome.CARRIED, ""),  # these only fill the room
    (MOTION, [], Outcome.NOT_CARRIED, ""),
    (THREE, ["2", "2", "1"], Outcome.CHOSEN, "2"),
    (THREE, ["2", "1", ABSTAIN, ABSTAIN], Outcome.TIED, ""),
    (THREE, [ABSTAIN], Outcome.TIED, ""),
    (THREE, [], Outcome.TIED, ""),
]


@pytest.mark.parametrize(("motion", "votes", "outcome", "winner"), TABLE)
def test_what_votes_come_to(motion: Motion, votes: list[str], outcome: Outcome, winner: str) -> None:
    found = count(motion, 9, votes)
    assert (found.outcome, found.winner) == (outcome, winner)


@pytest.mark.parametrize(("voted", "outcome"), [(2, Outcome.TOO_FEW), (3, Outcome.CARRIED)])
def test_abstaining_counts_for_the_quorum(voted: int, outcome: Outcome) -> None:
    motion = Motion(voters=Voters.GROUP, closes=CLOSES, quorum=3)
    assert count(motion, 9, [YES, ABSTAIN, ASIDE][:voted]).outcome is outcome


def test_votes_that_nobody_could_give_are_not_counted() -> None:
    for motion, entitled, votes in (
        (MOTION, 1, [YES, YES]),
        (MOTION, 2, ["1"]),
        (THREE, 2, ["4"]),
        (THREE, 2, [YES]),
    ):
        with pytest.raises(InvalidValue):
            count(motion, entitled, votes)


@given(
    options=st.integers(0, PROPOSAL_OPTIONS_MAX).filter(lambda num: num != 1),
    quorum=st.none() | st.integers(1, 12),
    picks=st.lists(st.integers(0, 7), max_size=12),
    away=st.integers(0, 5),
)
def test_counts_agree_with_the_votes(options: int, quorum: int | None, picks: list[int], away: int) -> None:
    """Rule 5.13: each vote is counted once, and the outcome follows from the numbers alone, in whatever order they came."""
    names = tuple(f"option {at}" for at in range(options))
    motion = Motion(voters=Voters.GROUP, closes=CLOSES, options=names, quorum=quorum)
    votes = [motion.choices[pick % len(motion.choices)] for pick in picks]
    found = count(motion, len(votes) + away, votes)
    assert {choice: num for choice, num in found.votes if num} == dict(Counter(votes))
    assert (found.voted, found.entitled) == (len(votes), len(votes) + away)
    assert found == count(motion, len(votes) + away, reversed(votes))
    own = [num for choice, num in found.votes if choice not in (ABSTAIN, ASIDE)]
    if quorum is not None and len(votes) < quorum:
        assert found.outcome is Outcome.TOO_FEW
    elif options:
        alone = max(own) > 0 and own.count(max(own)) == 1
        assert (found.outcome is Outcome.CHOSEN) is alone
        assert found.winner == (str(own.index(max(own)) + 1) if alone else "")
    else:
        assert (found.outcome is Outcome.CARRIED) is (own[0] > own[1])
