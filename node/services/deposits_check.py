"""Deposits, compared with the bookings they are for: a part of checking the whole book.

No signature speaks of a hold; what is set aside must at least be for something that is lent, or asked for. Source: docs/protocol.md 3.3, 7.8.
"""

from __future__ import annotations

from node.services.deposit_rows import deposit_rows
from node.services.ledger_walk import Findings
from node.store import ReadTx
from protocol.booking import TAKES_TIME, BookingState
from protocol.deposit import DepositState

_WRITTEN: frozenset[str] = frozenset(state.value for state in TAKES_TIME)


def check_deposits(tx: ReadTx, findings: Findings) -> None:
    """Look at the deposit of every booking."""
    for no, state, deposit, aside, keep in deposit_rows(tx):
        match aside:
            case DepositState.NONE.value:
                right = keep == 0 and (deposit == 0 or state not in _WRITTEN)
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
