"""The life of one deposit: set aside with the yes, free again when the thing is back, or kept as two agree.

It is a hold in the ledger of the borrower's scheme and never a lock on a line. No clock ends it, and nobody keeps any of
it by their own word. Source: docs/protocol.md 3.3, 7.8.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from protocol.errors import OutOfOrder


class DepositState(StrEnum):
    """Where a deposit stands."""

    NONE = "none"  # there is none, or nobody has agreed yet
    HELD = "held"
    ASKED = "asked"  # the owner has the thing back and asks to keep some
    KEPT = "kept"
    FREED = "freed"


class DepositEvent(StrEnum):
    """What happens to it."""

    SET_ASIDE = "deposit-set-aside"
    ASK = "deposit-asked"
    KEEP = "deposit-kept"
    FREE = "deposit-freed"


class Hand(StrEnum):
    """Whose act it is; `BOOKING` stands for what follows from a yes, a return or a calling off."""

    BOOKING = "booking"
    OWNER = "owner"
    BORROWER = "borrower"
    ORGANISERS = "organisers"  # two of them: 6.9


S, E = DepositState, DepositEvent
TRANSITIONS: Final[Mapping[DepositState, Mapping[DepositEvent, DepositState]]] = {
    S.NONE: {E.SET_ASIDE: S.HELD},
    S.HELD: {E.FREE: S.FREED, E.ASK: S.ASKED},
    S.ASKED: {E.FREE: S.FREED, E.KEEP: S.KEPT},
    S.KEPT: {},
    S.FREED: {},
}
# The owner asks and lets go; only the borrower, or two organisers, say that it is kept.
MAY: Final[Mapping[DepositEvent, frozenset[Hand]]] = {
    E.SET_ASIDE: frozenset({Hand.BOOKING}),
    E.ASK: frozenset({Hand.OWNER}),
    E.KEEP: frozenset({Hand.BORROWER, Hand.ORGANISERS}),
    E.FREE: frozenset({Hand.BOOKING, Hand.OWNER}),
}
# While a deposit is in one of these, all of it is set aside.
ASIDE: Final = frozenset({S.HELD, S.ASKED})


def deposit_step(state: DepositState, event: DepositEvent, hand: Hand) -> DepositState:
    """Return where a deposit stands after `event`.

    Raises:
        OutOfOrder: `event` is not allowed in `state`, or not by this hand; nothing changed.
    """
    after = TRANSITIONS[state].get(event)
    if after is None or hand not in MAY[event]:
        raise OutOfOrder(f"{event.value} by the {hand.value} while {state.value}")
    return after
