"""Deposits, compared with the bookings they are for: a part of checking the whole book.

No signature speaks of a hold; what is set aside must at least be for something that is lent, or asked for. Source: docs/protocol.md 3.3, 7.8.
"""

from __future__ import annotations

from node.services.deposit_rows import deposit_rows
from node.services.ledger_walk import Findings
from node.services.pledge_rows import pledge_rows
from node.store import ReadTx
from protocol.booking import TAKES_TIME, BookingState
from protocol.deposit import DepositState
from protocol.pledge import UNDER_WAY, Pledge

_WRITTEN: frozenset[str] = frozenset(state.value for state in TAKES_TIME)


def check_deposits(tx: ReadTx, findings: Findings) -> None:
    """Look at the deposit of every booking."""
    for no, state, deposit, aside, keep, borrower_no in deposit_rows(tx):
        match aside:
            case DepositState.NONE.value:
                # A guest from abroad may have a thing before their scheme says that it is held.
                right = keep == 0 and (deposit == 0 or state not in _WRITTEN or borrower_no < 0)
            case DepositState.HELD.value:
                right = keep == 0 and deposit > 0 and state in _WRITTEN
            case DepositState.ASKED.value | DepositState.KEPT.value:
                right = 0 < keep <= deposit and state == BookingState.RETURNED.value
            case DepositState.FREED.value:
                right = keep == 0 and deposit > 0
            case _:
                right = False
        if not right:
            findings.add(
                "booking", no, f"it is {state}, and its deposit of {deposit} is {aside}, {keep} kept"
            )
    _check_pledges(tx, findings)


def _check_pledges(tx: ReadTx, findings: Findings) -> None:
    """Look at the pledge of every request."""
    for no, role, amount, aside, state, keep, paying, trade_no in pledge_rows(tx):
        if role == "in":
            right = (
                amount > 0
                and (aside, keep, paying, trade_no) == (0, 0, 0, None)
                and state in set(DepositState)
            )
        else:
            right = (
                state in set(Pledge)
                and amount > 0
                and aside > 0
                and _pledge_right(Pledge(state), amount, aside, keep, paying)
            )
            right = right and (state not in UNDER_WAY or trade_no is not None)
        if not right:
            findings.add(
                "pledge", no, f"of {amount} ({aside} here) it is {state}, {keep} to keep, {paying} being paid"
            )


def _pledge_right(state: Pledge, amount: int, aside: int, keep: int, paying: int) -> bool:
    if state in UNDER_WAY:
        return 0 < keep <= amount and 0 < paying <= aside
    asked = state in (Pledge.ASKED, Pledge.DUE, Pledge.KEPT)
    return paying == 0 and (0 < keep <= amount if asked else keep == 0 or state is Pledge.FREED)
