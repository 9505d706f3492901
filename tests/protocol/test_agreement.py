"""What two may agree to, every state times every event times both sides. Rule 7.7; docs/pages.md 8.5."""

from __future__ import annotations

import pytest

from protocol.agreement import MAY, TRANSITIONS, AgreementEvent, AgreementState, Side, agreement_step
from protocol.errors import OutOfOrder

PROPOSED, AGREED, DECLINED, WITHDRAWN, PAID = AgreementState
ACCEPT, DECLINE, WITHDRAW, PAY = AgreementEvent
PROPOSER, OTHER = Side
ALLOWED = {
    (PROPOSED, ACCEPT, OTHER): AGREED,
    (PROPOSED, DECLINE, OTHER): DECLINED,
    (PROPOSED, WITHDRAW, PROPOSER): WITHDRAWN,
    (AGREED, WITHDRAW, PROPOSER): WITHDRAWN,
    (AGREED, WITHDRAW, OTHER): WITHDRAWN,
    (AGREED, PAY, PROPOSER): PAID,
    (AGREED, PAY, OTHER): PAID,
    (WITHDRAWN, PAY, PROPOSER): PAID,
    (WITHDRAWN, PAY, OTHER): PAID,
}


@pytest.mark.parametrize("state", AgreementState)
@pytest.mark.parametrize("event", AgreementEvent)
@pytest.mark.parametrize("side", Side)
def test_every_event_in_every_state_is_decided(
    state: AgreementState, event: AgreementEvent, side: Side
) -> None:
    """Nobody says yes to what they proposed themselves."""
    after = ALLOWED.get((state, event, side))
    if after is not None:
        assert agreement_step(state, event, side) is after
        return
    with pytest.raises(OutOfOrder):
        agreement_step(state, event, side)


def test_whatever_can_happen_somebody_may_do() -> None:
    assert {(state, event) for state, events in TRANSITIONS.items() for event in events} == set(MAY)


def test_a_yes_and_a_withdrawal_that_cross_end_alike_on_both_sides() -> None:
    """Rule 7.7: the letters pass each other; neither side thinks it agreed."""
    proposers = agreement_step(PROPOSED, WITHDRAW, PROPOSER)
    with pytest.raises(OutOfOrder):
        agreement_step(proposers, ACCEPT, OTHER)
    others = agreement_step(agreement_step(PROPOSED, ACCEPT, OTHER), WITHDRAW, PROPOSER)
    assert proposers is others is WITHDRAWN
