"""Deposits, every state times every event times every hand. Rule 7.8."""

from __future__ import annotations

from itertools import product

import pytest

from protocol.deposit import ASIDE, DepositEvent, DepositState, Hand, deposit_step
from protocol.errors import OutOfOrder

E, S = DepositEvent, DepositState
ALLOWED = {
    (S.NONE, E.SET_ASIDE, Hand.BOOKING): S.HELD,
    (S.HELD, E.FREE, Hand.BOOKING): S.FREED,
    (S.HELD, E.FREE, Hand.OWNER): S.FREED,
    (S.HELD, E.ASK, Hand.OWNER): S.ASKED,
    (S.ASKED, E.FREE, Hand.BOOKING): S.FREED,
    (S.ASKED, E.FREE, Hand.OWNER): S.FREED,
    (S.ASKED, E.KEEP, Hand.BORROWER): S.KEPT,
    (S.ASKED, E.KEEP, Hand.ORGANISERS): S.KEPT,
}


@pytest.mark.parametrize("state, event, hand", list(product(S, E, Hand)))
def test_every_event_of_every_hand_in_every_state_is_decided(
    state: DepositState, event: DepositEvent, hand: Hand
) -> None:
    """Rule 7.8: kept only by the borrower's yes or that of two organisers, and only what the owner asked for."""
    after = ALLOWED.get((state, event, hand))
    if after is not None:
        assert deposit_step(state, event, hand) is after
        return
    with pytest.raises(OutOfOrder):
        deposit_step(state, event, hand)


def test_what_has_ended_is_not_set_aside() -> None:
    assert {S.HELD, S.ASKED} == ASIDE
