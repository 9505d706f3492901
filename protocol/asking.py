"""The life of one request for payment: asked, then paid, declined, withdrawn or run out.

Nothing moves by a request, and silence never spends. A payment that was begun before a request ended counts all the
same, so "paid" follows every other end. Source: docs/protocol.md 7.7; docs/pages.md 0.10, 4, 8.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from protocol.errors import OutOfOrder


class AskState(StrEnum):
    """Where a request stands."""

    ASKED = "asked"
    PAID = "paid"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


class AskEvent(StrEnum):
    """What happens to it."""

    PAY = "pay"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    LAPSE = "lapse"


TRANSITIONS: Final[Mapping[AskState, Mapping[AskEvent, AskState]]] = {
    AskState.ASKED: {
        AskEvent.PAY: AskState.PAID,
        AskEvent.DECLINE: AskState.DECLINED,
        AskEvent.WITHDRAW: AskState.WITHDRAWN,
        AskEvent.LAPSE: AskState.LAPSED,
    },
    # What was paid is paid, whatever was said while it was under way.
    AskState.DECLINED: {AskEvent.PAY: AskState.PAID},
    AskState.WITHDRAWN: {AskEvent.PAY: AskState.PAID},
    AskState.LAPSED: {AskEvent.PAY: AskState.PAID},
    AskState.PAID: {},
}


def ask_step(state: AskState, event: AskEvent) -> AskState:
    """Return where a request stands after `event`.

    Raises:
        OutOfOrder: `event` is not allowed in `state`; nothing changed.
    """
    after = TRANSITIONS[state].get(event)
    if after is None:
        raise OutOfOrder(f"{event.value} while {state.value}")
    return after


def ask_state(state: AskState, until_ms: int, now_ms: int) -> AskState:
    """Return where a request stands at `now_ms`: its time runs out by the clock alone, and nothing moves by that."""
    return ask_step(state, AskEvent.LAPSE) if state is AskState.ASKED and until_ms <= now_ms else state
