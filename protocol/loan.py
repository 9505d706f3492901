"""The life of a loan from one member to another: offered, agreed to, paid back; free of interest, and the rest may be forgiven.

What is lent is at all times what was paid back, what is left and what was forgiven, together. What a correction does to the
trades of a loan it does to the loan. Source: docs/protocol.md 3.7; docs/pages.md 0.10.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeAlias, assert_never

from protocol.errors import InvalidValue, OutOfOrder
from protocol.limits import AMOUNT_MAX


class LoanState(StrEnum):
    """Where a loan stands."""

    OFFERED = "offered"
    RUNNING = "running"
    REPAID = "repaid"
    FORGIVEN = "forgiven"  # what was left of it
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    VOID = "void"  # the trade by which it was given was corrected


@dataclass(frozen=True, slots=True, kw_only=True)
class Loan:
    """One loan. Amounts are minor units of the scheme; repaid + left + forgiven is what was lent."""

    amount: int
    repaid: int
    left: int
    forgiven: int
    state: LoanState = LoanState.OFFERED

    def __post_init__(self) -> None:
        if type(self.amount) is not int or not 1 <= self.amount <= AMOUNT_MAX:
            raise InvalidValue(f"amount {self.amount} not in 1..{AMOUNT_MAX}")
        parts = (self.repaid, self.left, self.forgiven)
        if any(type(part) is not int or part < 0 for part in parts) or sum(parts) != self.amount:
            raise InvalidValue(f"{parts} are not the parts of {self.amount}")

    @property
    def owed(self) -> int:
        """What is still to be paid back now; nothing before it is given or after it has ended."""
        return self.left if self.state is LoanState.RUNNING else 0


def new_loan(amount: int) -> Loan:
    """Return a loan that is offered. Raises InvalidValue."""
    return Loan(amount=amount, repaid=0, left=amount, forgiven=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """The borrower said yes, and it was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """The borrower said no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """The lender took the offer back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lapsed:
    """Nobody answered in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidBack:
    """The borrower paid some of it back."""

    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """A trade that paid some of it back was corrected."""

    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgave:
    """The lender forgave what is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voided:
    """The trade that gave it was corrected: nothing was lent."""


LoanEvent: TypeAlias = Agreed | Declined | Withdrawn | Lapsed | PaidBack | TakenBack | Forgave | Voided

# The state that follows; one that is paid back whole is REPAID in place of RUNNING.
TRANSITIONS: Final[Mapping[LoanState, Mapping[type[LoanEvent], LoanState]]] = {
    LoanState.OFFERED: {
        Agreed: LoanState.RUNNING,
        Declined: LoanState.DECLINED,
        Withdrawn: LoanState.WITHDRAWN,
        Lapsed: LoanState.LAPSED,
    },
    LoanState.RUNNING: {
        PaidBack: LoanState.RUNNING,
        TakenBack: LoanState.RUNNING,
        Forgave: LoanState.FORGIVEN,
        Voided: LoanState.VOID,
    },
    LoanState.REPAID: {TakenBack: LoanState.RUNNING, Voided: LoanState.VOID},
    # What was forgiven stays so; what a correction took back is owed again.
    LoanState.FORGIVEN: {TakenBack: LoanState.RUNNING, Voided: LoanState.VOID},
    LoanState.DECLINED: {},
    LoanState.WITHDRAWN: {},
    LoanState.LAPSED: {},
    LoanState.VOID: {TakenBack: LoanState.VOID},
}


def loan_step(loan: Loan, event: LoanEvent) -> Loan:
    """Return the loan after `event`.

    Raises:
        OutOfOrder: `event` is not allowed in `loan.state`; nothing changed.
        InvalidValue: more is paid back than is left, or taken back than was paid.
    """
    state = TRANSITIONS[loan.state].get(type(event))
    if state is None:
        raise OutOfOrder(f"{type(event).__name__} while {loan.state.value}")
    match event:
        case PaidBack():
            _check(event.amount, loan.left)
            left = loan.left - event.amount
            return replace(
                loan, repaid=loan.repaid + event.amount, left=left, state=state if left else LoanState.REPAID
            )
        case TakenBack():
            _check(event.amount, loan.repaid)
            return replace(
                loan, repaid=loan.repaid - event.amount, left=loan.left + event.amount, state=state
            )
        case Forgave():
            return replace(loan, left=0, forgiven=loan.forgiven + loan.left, state=state)
        case Agreed() | Declined() | Withdrawn() | Lapsed() | Voided():
            return replace(loan, state=state)
        case _:
            assert_never(event)


def _check(amount: int, most: int) -> None:
    if type(amount) is not int or not 1 <= amount <= most:
        raise InvalidValue(f"amount {amount} not in 1..{most}")


def loan_state(state: LoanState, until_ms: int, now_ms: int) -> LoanState:
    """Return where a loan stands at `now_ms`: an offer runs out by the clock alone, and nothing moves by that."""
    return LoanState.LAPSED if state is LoanState.OFFERED and until_ms <= now_ms else state


def times_to_repay(amount: int, part: int) -> int:
    """Return how many parts pay an amount back; the last may be smaller. Both are at least 1."""
    return -(-amount // part)
