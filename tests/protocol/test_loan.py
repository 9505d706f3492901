"""Loans between members: every state times every event, and that no unit of one is ever lost. Rule 3.7; docs/pages.md 0.10."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import InvalidValue, OutOfOrder
from protocol.loan import (
    TRANSITIONS,
    Agreed,
    Declined,
    Forgave,
    Lapsed,
    Loan,
    LoanEvent,
    LoanState,
    PaidBack,
    TakenBack,
    Voided,
    Withdrawn,
    loan_state,
    loan_step,
    new_loan,
    times_to_repay,
)

OFFERED, RUNNING, REPAID, FORGIVEN, DECLINED, WITHDRAWN, LAPSED, VOID = LoanState
# One part of each kind, so that every event has something to work on.
SOME = Loan(amount=100, repaid=40, left=35, forgiven=25)
ALLOWED: dict[tuple[LoanState, type[LoanEvent]], Loan] = {
    (OFFERED, Agreed): replace(SOME, state=RUNNING),
    (OFFERED, Declined): replace(SOME, state=DECLINED),
    (OFFERED, Withdrawn): replace(SOME, state=WITHDRAWN),
    (OFFERED, Lapsed): replace(SOME, state=LAPSED),
    (RUNNING, PaidBack): replace(SOME, state=RUNNING, repaid=50, left=25),
    (RUNNING, TakenBack): replace(SOME, state=RUNNING, repaid=30, left=45),
    (RUNNING, Forgave): replace(SOME, state=FORGIVEN, left=0, forgiven=60),
    (RUNNING, Voided): replace(SOME, state=VOID),
    (REPAID, TakenBack): replace(SOME, state=RUNNING, repaid=30, left=45),
    (REPAID, Voided): replace(SOME, state=VOID),
    (FORGIVEN, TakenBack): replace(SOME, state=RUNNING, repaid=30, left=45),
    (FORGIVEN, Voided): replace(SOME, state=VOID),
    (VOID, TakenBack): replace(SOME, state=VOID, repaid=30, left=45),
}
ONE_OF_EACH: tuple[LoanEvent, ...] = (
    Agreed(), Declined(), Withdrawn(), Lapsed(), PaidBack(amount=10), TakenBack(amount=10), Forgave(), Voided(),
)  # fmt: skip


@pytest.mark.parametrize("state", LoanState)
@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
def test_every_event_in_every_state_is_decided(state: LoanState, event: LoanEvent) -> None:
    after = ALLOWED.get((state, type(event)))
    assert (type(event) in TRANSITIONS[state]) == (after is not None)
    if after is not None:
        assert loan_step(replace(SOME, state=state), event) == after
        return
    with pytest.raises(OutOfOrder):
        loan_step(replace(SOME, state=state), event)


def test_the_last_part_ends_it() -> None:
    lent = loan_step(new_loan(100), Agreed())
    assert lent.owed == 100
    assert loan_step(lent, PaidBack(amount=99)).state is RUNNING
    done = loan_step(lent, PaidBack(amount=100))
    assert (done.state, done.owed) == (REPAID, 0)


@pytest.mark.parametrize("state", LoanState)
def test_only_a_loan_that_runs_is_owed(state: LoanState) -> None:
    """An offer, what was declined, and what turned out never to have been given bind nobody."""
    assert replace(SOME, state=state).owed == (35 if state is RUNNING else 0)


@pytest.mark.parametrize(
    ("event", "wrong"), [(PaidBack, 36), (PaidBack, 0), (PaidBack, -1), (TakenBack, 41), (TakenBack, 0)]
)
def test_no_more_is_paid_back_than_is_left(event: type[PaidBack] | type[TakenBack], wrong: int) -> None:
    with pytest.raises(InvalidValue):
        loan_step(replace(SOME, state=RUNNING), event(amount=wrong))


@pytest.mark.parametrize(
    "parts",
    [(100, 0, 0, 99), (100, 50, 51, 0), (100, -1, 101, 0), (0, 0, 0, 0), (-5, 0, -5, 0), (1, True, 0, 0)],
)
def test_what_does_not_add_up_is_no_loan(parts: tuple[int, int, int, int]) -> None:
    amount, repaid, left, forgiven = parts
    with pytest.raises(InvalidValue):
        Loan(amount=amount, repaid=repaid, left=left, forgiven=forgiven)


@pytest.mark.parametrize("state", LoanState)
def test_time_ends_only_an_offer(state: LoanState) -> None:
    """Silence never spends, and never undoes an answer."""
    assert loan_state(state, until_ms=100, now_ms=99) is state
    assert loan_state(state, until_ms=100, now_ms=100) is (LAPSED if state is OFFERED else state)


@pytest.mark.parametrize(("amount", "part", "times"), [(100, 100, 1), (100, 99, 2), (100, 50, 2), (1, 7, 1)])
def test_as_many_parts_as_it_takes(amount: int, part: int, times: int) -> None:
    assert times_to_repay(amount, part) == times


EVENTS = st.one_of(
    st.sampled_from([Agreed(), Declined(), Withdrawn(), Lapsed(), Forgave(), Voided()]),
    st.integers(-1, 120).map(lambda amount: PaidBack(amount=amount)),
    st.integers(-1, 120).map(lambda amount: TakenBack(amount=amount)),
)


@given(st.integers(1, 200), st.lists(EVENTS, max_size=40))
def test_what_was_lent_is_repaid_left_and_forgiven_together(amount: int, events: list[LoanEvent]) -> None:
    loan, paid = loan_step(new_loan(amount), Agreed()), 0
    for event in events:
        try:
            after = loan_step(loan, event)
        except (OutOfOrder, InvalidValue):
            continue
        match event:
            case PaidBack():
                paid += event.amount
            case TakenBack():
                paid -= event.amount
            case _:
                pass
        assert after.repaid + after.left + after.forgiven == after.amount == amount
        assert after.repaid == paid
        assert after.forgiven >= loan.forgiven, "nobody takes back what they forgave"
        assert (after.state is REPAID) <= (after.left == 0)
        assert 0 <= after.owed <= after.left
        loan = after
