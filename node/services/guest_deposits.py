"""Deposits of guests from abroad for things of ours: held in the ledger of their own scheme, which says so.

Parts of units. What is done with the booking is in `bookings.py`, what they say in `requests_abroad.py`. Source: docs/protocol.md 7.8.
"""

from __future__ import annotations

from node.services.booking_rows import Booking, booking_by_no, note_act_of, set_deposit
from node.services.deposit_rows import asked_of_guest
from node.services.pledge_rows import said_of
from node.store import ReadTx, Tx
from protocol.booking import TAKES_TIME
from protocol.deposit import DepositEvent, DepositState, Hand, deposit_step
from protocol.letter import DepositSaid
from protocol.names import Handle, SchemeId
from protocol.references import reference_of


def note_held(tx: Tx, booking: Booking, request_no: int) -> Booking:
    """Unit: write down that the scheme of whoever borrows holds the deposit, if it says so while the booking takes its time."""
    waits = booking.borrower_no < 0 and booking.deposit and booking.deposit_state is DepositState.NONE
    said = said_of(tx, request_no) if waits and booking.state in TAKES_TIME else None
    if said != (booking.deposit, DepositState.HELD):
        return booking
    set_deposit(tx, booking.no, deposit_step(booking.deposit_state, DepositEvent.SET_ASIDE, Hand.BOOKING), 0)
    return booking_by_no(tx, booking.no)


def deposit_said(booking: Booking) -> DepositSaid | None:
    """Return what our letters say of the deposit for a booking; None where none is asked."""
    if not booking.deposit:
        return None
    return DepositSaid(amount=booking.deposit, word=booking.deposit_state.value, keep=booking.keep)


def deposit_paid(
    tx: Tx, account_no: int, scheme: SchemeId, handle: Handle, amount: int, text: str, now_ms: int
) -> None:
    """Unit: a payment from abroad came; if it is what an owner asked to keep of a deposit, that is kept. Source: 7.8.

    What a restore gave back has lost its text.
    """
    for no, request in asked_of_guest(tx, account_no, scheme, handle, amount):
        if text and reference_of(request) not in text:
            continue
        booking = booking_by_no(tx, no)
        after = deposit_step(booking.deposit_state, DepositEvent.KEEP, Hand.BORROWER)
        set_deposit(tx, no, after, booking.keep)
        note_act_of(tx, no, DepositEvent.KEEP, by_no=booking.borrower_no, now_ms=now_ms)
        return


def is_listed_deposit(tx: ReadTx, request_no: int, deposit: int) -> bool:
    """Tell whether whoever asks from abroad has read exactly this deposit."""
    said = said_of(tx, request_no)
    return (0 if said is None else said[0]) == deposit
