"""Requests for payment, every state times every event. Rule 7.7; docs/pages.md 0.10 and 4."""

from __future__ import annotations

import pytest

from protocol.asking import AskEvent, AskState, ask_state, ask_step
from protocol.errors import OutOfOrder

ASKED, PAID, DECLINED, WITHDRAWN, LAPSED = AskState
ALLOWED = {
    (ASKED, AskEvent.PAY): PAID,
    (ASKED, AskEvent.DECLINE): DECLINED,
    (ASKED, AskEvent.WITHDRAW): WITHDRAWN,
    (ASKED, AskEvent.LAPSE): LAPSED,
    (DECLINED, AskEvent.PAY): PAID,
    (WITHDRAWN, AskEvent.PAY): PAID,
    (LAPSED, AskEvent.PAY): PAID,
}


@pytest.mark.parametrize("state", AskState)
@pytest.mark.parametrize("event", AskEvent)
def test_every_event_in_every_state_is_decided(state: AskState, event: AskEvent) -> None:
    after = ALLOWED.get((state, event))
    if after is not None:
        assert ask_step(state, event) is after
        return
    with pytest.raises(OutOfOrder):
        ask_step(state, event)


@pytest.mark.parametrize("state", AskState)
def test_time_ends_only_what_nobody_answered(state: AskState) -> None:
    """pages.md 0.10: silence never spends, and never undoes an answer."""
    assert ask_state(state, until_ms=100, now_ms=99) is state
    assert ask_state(state, until_ms=100, now_ms=100) is (LAPSED if state is ASKED else state)
