"""The life of what one person proposes to another and both may agree to: a day, a place, perhaps a price.

Nothing moves by an agreement: what it costs is paid by an ordinary payment, and that ends it. Every transition is in this
file. Source: docs/protocol.md 7.7; docs/pages.md 8.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from protocol.errors import OutOfOrder


class AgreementState(StrEnum):
    """Where it stands."""

    PROPOSED = "proposed"
    AGREED = "agreed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"  # also after a yes
    PAID = "paid"


class AgreementEvent(StrEnum):
    """What happens to it."""

    ACCEPT = "accept"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    PAY = "pay"


class Side(StrEnum):
    """Who does it: whoever proposed it, or the other."""

    PROPOSER = "proposer"
    OTHER = "other"


TRANSITIONS: Final[Mapping[AgreementState, Mapping[AgreementEvent, AgreementState]]] = {
    AgreementState.PROPOSED: {
        AgreementEvent.ACCEPT: AgreementState.AGREED,
        AgreementEvent.DECLINE: AgreementState.DECLINED,
        AgreementEvent.WITHDRAW: AgreementState.WITHDRAWN,
    },
    AgreementState.AGREED: {
        AgreementEvent.WITHDRAW: AgreementState.WITHDRAWN,
        AgreementEvent.PAY: AgreementState.PAID,
    },
    AgreementState.DECLINED: {},
    # A payment that was under way counts, whatever was said meanwhile.
    AgreementState.WITHDRAWN: {AgreementEvent.PAY: AgreementState.PAID},
    AgreementState.PAID: {},
}
_BOTH: Final = frozenset(Side)
# Who may cause which event, where it stands so.
MAY: Final[Mapping[tuple[AgreementState, AgreementEvent], frozenset[Side]]] = {
    (AgreementState.PROPOSED, AgreementEvent.ACCEPT): frozenset({Side.OTHER}),
    (AgreementState.PROPOSED, AgreementEvent.DECLINE): frozenset({Side.OTHER}),
    (AgreementState.PROPOSED, AgreementEvent.WITHDRAW): frozenset({Side.PROPOSER}),
    (AgreementState.AGREED, AgreementEvent.WITHDRAW): _BOTH,
    (AgreementState.AGREED, AgreementEvent.PAY): _BOTH,
    (AgreementState.WITHDRAWN, AgreementEvent.PAY): _BOTH,
}


def agreement_step(state: AgreementState, event: AgreementEvent, side: Side) -> AgreementState:
    """Return where an agreement stands after `event`, done by `side`.

    Raises:
        OutOfOrder: not in this state, or not by this side; nothing changed.
    """
    after = TRANSITIONS[state].get(event)
    if after is None:
        raise OutOfOrder(f"{event.value} while {state.value}")
    if side not in MAY[state, event]:
        raise OutOfOrder(f"{event.value} by {side.value}")
    return after
