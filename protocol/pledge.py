"""A deposit for a thing of another scheme, as the borrower's scheme holds it in its own ledger: a *pledge*.

It is set aside when the owner's yes is read, ends by a word of the listing's scheme, and is paid from only on the borrower's
yes or that of two organisers. What a letter of the listing's scheme means for it is decided here, and so is what may follow
what; no clock ends it. Source: docs/protocol.md 7.8, 7.10.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from protocol.beyond import FINAL, Stands
from protocol.deposit import DepositState
from protocol.errors import OutOfOrder


class Pledge(StrEnum):
    """Where a pledge stands."""

    NONE = "none"  # asked for, and nothing is set aside
    HELD = "held"
    ASKED = "asked"  # the owner has the thing back and asks to keep some
    DUE = "due"  # the borrower, or two organisers, said yes: to be paid
    PAYING = "paying"  # a payment out of it is under way
    LETTING = "letting"  # and the owner let it go meanwhile
    KEPT = "kept"
    FREED = "freed"
    VOID = "void"  # nothing was ever set aside, and nothing will be


class PledgeEvent(StrEnum):
    """What happens to it."""

    HOLD = "hold"  # set aside, with the yes
    CANNOT = "cannot"  # the yes was read, and it could not be
    ASK = "ask"
    KEEP = "keep"
    PAY = "pay"
    PAID = "paid"
    FAILED = "failed"
    TAKEN = "taken"  # two organisers freed the payment, which was late: 7.2
    FREE = "free"


P, E = Pledge, PledgeEvent
TRANSITIONS: Final[Mapping[Pledge, Mapping[PledgeEvent, Pledge]]] = {
    P.NONE: {E.HOLD: P.HELD, E.CANNOT: P.VOID, E.FREE: P.VOID},
    P.HELD: {E.ASK: P.ASKED, E.FREE: P.FREED},
    P.ASKED: {E.ASK: P.ASKED, E.KEEP: P.DUE, E.FREE: P.FREED},
    P.DUE: {E.PAY: P.PAYING, E.FREE: P.FREED},
    P.PAYING: {E.PAID: P.KEPT, E.FAILED: P.DUE, E.TAKEN: P.FREED, E.FREE: P.LETTING},
    P.LETTING: {E.PAID: P.KEPT, E.FAILED: P.FREED, E.TAKEN: P.FREED},
    P.KEPT: {},
    P.FREED: {},
    P.VOID: {},
}
# While it is in one of these, something is set aside for it: all of it, but for what a payment under way has taken.
ASIDE: Final = frozenset({P.HELD, P.ASKED, P.DUE, P.PAYING, P.LETTING})
UNDER_WAY: Final = frozenset({P.PAYING, P.LETTING})
# What the letters of the borrower's scheme call it.
SAYS: Final[Mapping[Pledge, DepositState]] = {
    P.NONE: DepositState.NONE,
    P.VOID: DepositState.NONE,
    P.HELD: DepositState.HELD,
    P.ASKED: DepositState.HELD,
    P.DUE: DepositState.HELD,
    P.PAYING: DepositState.HELD,
    P.LETTING: DepositState.HELD,
    P.KEPT: DepositState.KEPT,
    P.FREED: DepositState.FREED,
}


def pledge_step(state: Pledge, event: PledgeEvent) -> Pledge:
    """Return where a pledge stands after `event`.

    Raises:
        OutOfOrder: `event` is not allowed in `state`; nothing changed.
    """
    after = TRANSITIONS[state].get(event)
    if after is None:
        raise OutOfOrder(f"{event.value} while {state.value}")
    return after


def pledge_heard(
    state: Pledge, stands: Stands, word: DepositState | None, *, taking_back: bool
) -> tuple[PledgeEvent, ...]:
    """Return what a letter of the listing's scheme does to a pledge; nothing where it says nothing new. Source: 7.8.

    `stands` is how it calls the request and `word` the deposit, None where it speaks of none, or of another amount. What
    whoever asked has taken back is not set aside any more.
    """
    asked = stands is Stands.DONE and word is DepositState.ASKED
    over = (stands in FINAL and not asked) or word in (DepositState.FREED, DepositState.KEPT)
    events: tuple[PledgeEvent, ...]
    if over:
        events = (E.FREE,)
    elif asked:
        # Its `held` was read there: where nothing is known of that here, this side was restored from an old copy.
        events = (E.HOLD, E.ASK) if state is P.NONE else (E.ASK,)
    elif stands is Stands.AGREED and word is not None and not taking_back:
        events = (E.HOLD,)
    else:
        events = ()
    after, done = state, []
    for event in events:
        if event in TRANSITIONS[after]:
            after = TRANSITIONS[after][event]
            done.append(event)
    return tuple(done)
