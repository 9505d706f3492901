"""Deposits across schemes as the borrower's scheme holds them: every state times every event, and every letter in every state. Rule 7.8."""

from __future__ import annotations

from itertools import product

import pytest

from protocol.beyond import FINAL, Stands
from protocol.deposit import DepositState
from protocol.errors import OutOfOrder
from protocol.pledge import (
    ASIDE,
    SAYS,
    TRANSITIONS,
    UNDER_WAY,
    Pledge,
    PledgeEvent,
    pledge_heard,
    pledge_step,
)

P, E, D = Pledge, PledgeEvent, DepositState
ALLOWED = {
    (P.NONE, E.HOLD): P.HELD,
    (P.NONE, E.CANNOT): P.VOID,
    (P.NONE, E.FREE): P.VOID,
    (P.HELD, E.ASK): P.ASKED,
    (P.HELD, E.FREE): P.FREED,
    (P.ASKED, E.ASK): P.ASKED,
    (P.ASKED, E.KEEP): P.DUE,
    (P.ASKED, E.FREE): P.FREED,
    (P.DUE, E.PAY): P.PAYING,
    (P.DUE, E.FREE): P.FREED,
    (P.PAYING, E.PAID): P.KEPT,
    (P.PAYING, E.FAILED): P.DUE,
    (P.PAYING, E.TAKEN): P.FREED,
    (P.PAYING, E.FREE): P.LETTING,
    (P.LETTING, E.PAID): P.KEPT,
    (P.LETTING, E.FAILED): P.FREED,
    (P.LETTING, E.TAKEN): P.FREED,
}


@pytest.mark.parametrize("state, event", list(product(P, E)))
def test_every_event_in_every_state_is_decided(state: Pledge, event: PledgeEvent) -> None:
    after = ALLOWED.get((state, event))
    if after is not None:
        assert pledge_step(state, event) is after
        return
    with pytest.raises(OutOfOrder):
        pledge_step(state, event)


def test_it_is_set_aside_once_and_freed_once() -> None:
    """No way leads back to a hold, and each way out of one leads to an end."""
    entered = [
        (before, event)
        for (before, event), after in ALLOWED.items()
        if after in ASIDE and before not in ASIDE
    ]
    assert entered == [(P.NONE, E.HOLD)]
    assert UNDER_WAY < ASIDE
    ends = {state for state in P if not TRANSITIONS[state]}
    assert {
        after for (before, _), after in ALLOWED.items() if before in ASIDE and after not in ASIDE
    } == ends - {P.VOID}
    assert set(SAYS) == set(P)
    assert {state for state in P if SAYS[state] is D.HELD} == ASIDE


@pytest.mark.parametrize("state, stands", list(product(P, Stands)))
def test_every_letter_in_every_state_is_decided(state: Pledge, stands: Stands) -> None:
    """Rule 7.8: never beyond what may follow; twice is once; a last word without a question ends it."""
    for word, back in product((None, *D), (False, True)):
        events = pledge_heard(state, stands, word, taking_back=back)
        after = state
        for event in events:
            assert event in (E.HOLD, E.ASK, E.FREE), "money moves by no letter"
            after = pledge_step(after, event)
        again = pledge_heard(after, stands, word, taking_back=back)
        assert all(pledge_step(after, event) is after for event in again) or not again, (
            "the same again changes nothing"
        )
        asked = stands is Stands.DONE and word is D.ASKED
        if E.HOLD in events:
            assert state is P.NONE
            assert asked or (stands is Stands.AGREED and not back and word in (D.NONE, D.HELD, D.ASKED))
        if stands in FINAL and not asked:
            assert after not in ASIDE - {P.LETTING}
        if asked and state not in (P.VOID, P.KEPT, P.FREED):
            assert after in ASIDE


def test_what_is_let_go_while_it_is_paid_is_not_paid_again() -> None:
    events = pledge_heard(P.PAYING, Stands.DONE, D.FREED, taking_back=False)
    assert events == (E.FREE,)
    assert pledge_step(pledge_step(P.PAYING, E.FREE), E.FAILED) is P.FREED


def test_a_letter_that_was_overtaken_by_a_yes_to_keep_does_not_ask_again() -> None:
    assert pledge_heard(P.DUE, Stands.DONE, D.ASKED, taking_back=False) == ()
    assert pledge_heard(P.PAYING, Stands.DONE, D.ASKED, taking_back=False) == ()
