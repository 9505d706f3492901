"""Swaps: every state times every event, by either side. Rule 5.14."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.errors import InvalidValue, OutOfOrder
from protocol.limits import AMOUNT_MAX, LISTING_TITLE_BYTES_MAX, SWAP_VALID_MS
from protocol.market import COSTS_NOTHING, KINDS
from protocol.swap import (
    SWAPPABLE,
    TRANSITIONS,
    Accepted,
    CalledOff,
    Countered,
    Declined,
    Gone,
    Happened,
    Lapsed,
    Left,
    Side,
    Swap,
    SwapEvent,
    SwapState,
    Terms,
    Withdrawn,
    answer_until,
    swap_state,
    swap_step,
)

PROPOSED, AGREED, DONE, DECLINED, WITHDRAWN, LAPSED, CALLED_OFF, ENDED = SwapState
ASKER, OWNER = Side
JAM = Terms(given="Plum jam")
MORE = Terms(given="Plum jam, four jars", amount=30, payer=ASKER)
# The asker proposed first, the owner something else: the asker is to answer the second proposal.
SOME = Swap(terms=JAM, by=OWNER, turn=2)
ONE_OF_EACH: tuple[SwapEvent, ...] = (
  *(event
    for side in Side
    for event in (
        Countered(side=side, turn=2, terms=MORE), Accepted(side=side, turn=2), Declined(side=side),
        Withdrawn(side=side), Happened(side=side), CalledOff(side=side),
    )),
    Lapsed(), Gone(), Left(),
)  # fmt: skip
ALLOWED: dict[tuple[SwapState, SwapEvent], Swap] = {
    (PROPOSED, Countered(side=ASKER, turn=2, terms=MORE)): Swap(terms=MORE, by=ASKER, turn=3),
    (PROPOSED, Accepted(side=ASKER, turn=2)): replace(SOME, state=AGREED),
    (PROPOSED, Declined(side=ASKER)): replace(SOME, state=DECLINED),
    (PROPOSED, Withdrawn(side=OWNER)): replace(SOME, state=WITHDRAWN),
    (PROPOSED, Lapsed()): replace(SOME, state=LAPSED),
    (PROPOSED, Gone()): replace(SOME, state=ENDED),
    (PROPOSED, Left()): replace(SOME, state=ENDED),
    (AGREED, Happened(side=ASKER)): replace(SOME, state=AGREED, happened=frozenset({ASKER})),
    (AGREED, Happened(side=OWNER)): replace(SOME, state=AGREED, happened=frozenset({OWNER})),
    (AGREED, CalledOff(side=ASKER)): replace(SOME, state=CALLED_OFF),
    (AGREED, CalledOff(side=OWNER)): replace(SOME, state=CALLED_OFF),
    (AGREED, Gone()): replace(SOME, state=AGREED),
    (AGREED, Left()): replace(SOME, state=ENDED),
}


@pytest.mark.parametrize("state", SwapState)
def test_every_event_in_every_state_is_decided(state: SwapState) -> None:
    for event in ONE_OF_EACH:
        before, after = replace(SOME, state=state), ALLOWED.get((state, event))
        if after is not None:
            assert swap_step(before, event) == after, event
            continue
        with pytest.raises(OutOfOrder):
            swap_step(before, event)


def test_the_table_says_the_same() -> None:
    for state in SwapState:
        assert {type(event) for known, event in ALLOWED if known is state} == set(TRANSITIONS[state])


@pytest.mark.parametrize("first", Side)
def test_it_is_done_when_both_said_so(first: Side) -> None:
    swap = swap_step(replace(SOME, state=AGREED), Happened(side=first))
    assert swap.state is AGREED
    with pytest.raises(OutOfOrder):
        swap_step(swap, Happened(side=first))
    done = swap_step(swap, Happened(side=first.other))
    assert (done.state, done.happened) == (DONE, frozenset(Side))


@pytest.mark.parametrize("turn", [0, 1, 3])
def test_a_yes_is_to_the_proposal_it_names(turn: int) -> None:
    """A page that lay open while there was another proposal says yes to nothing."""
    for event in (Accepted(side=ASKER, turn=turn), Countered(side=ASKER, turn=turn, terms=MORE)):
        with pytest.raises(OutOfOrder):
            swap_step(SOME, event)


@pytest.mark.parametrize("state", SwapState)
def test_time_ends_only_a_proposal(state: SwapState) -> None:
    """Silence never spends, and never undoes an answer."""
    until = answer_until(100)
    assert until == 100 + SWAP_VALID_MS
    assert swap_state(state, until, until - 1) is state
    assert swap_state(state, until, until) is (LAPSED if state is PROPOSED else state)


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 1},
        {"payer": ASKER},
        {"amount": -1, "payer": ASKER},
        {"amount": True, "payer": ASKER},
        {"amount": AMOUNT_MAX + 1, "payer": OWNER},
        {"given": "j" * (LISTING_TITLE_BYTES_MAX + 1)},
    ],
)
def test_terms_that_are_none(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidValue):
        Terms(**({"given": "Plum jam"} | wrong))  # type: ignore[arg-type]


def test_the_largest_terms_are_terms() -> None:
    Terms(given="j" * LISTING_TITLE_BYTES_MAX, amount=AMOUNT_MAX, payer=OWNER)


def test_what_is_offered_for_something_can_be_swapped() -> None:
    """Every kind of listing was thought of: a want is nothing to give, and a gift is for nothing."""
    assert set(KINDS) - SWAPPABLE == {"want", "gift"}
    assert "lend" in COSTS_NOTHING
    assert set(KINDS) >= SWAPPABLE
