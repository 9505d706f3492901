"""Deposits as holds in our own ledger: set aside, freed, or kept as a posting out of the hold. Parts of units.

What may follow what is decided in `protocol/deposit.py`. Source: docs/protocol.md 3.3, 7.8.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from crypto.digest import tagged
from node.services.acts import Actor
from node.services.booking_rows import Booking, CannotBook, Why, booking_by_no, set_deposit
from node.services.books import Books, Refused
from node.services.members import Member, member_by_account
from node.services.thing_rows import group_of_thing
from node.services.trades import NewTrade, Trade, Trades
from node.store import Tx
from protocol.deposit import ASIDE, DepositEvent, DepositState, Hand, deposit_step
from protocol.errors import OutOfOrder

ONCE_BYTES: Final = 16


def step_deposit(booking: Booking, event: DepositEvent, hand: Hand) -> DepositState:
    """Return what follows what stands. Raises CannotBook."""
    try:
        return deposit_step(booking.deposit_state, event, hand)
    except OutOfOrder:
        raise CannotBook(Why.OTHERWISE) from None


class Deposits:
    """See the head of this file."""

    def __init__(
        self, books: Books, trades: Trades, told: Callable[[Tx, Trade], None] = lambda _tx, _trade: None
    ):
        """`told` is told, in the unit that does it, of each deposit of which some is kept."""
        self._books: Final = books
        self._trades: Final = trades
        self._told: Final = told

    def set_aside(self, tx: Tx, borrower_no: int, amount: int) -> DepositState:
        """Set a deposit aside; what its booking says afterwards is for the caller to write. Raises CannotBook."""
        if not amount or borrower_no < 0:
            return DepositState.NONE  # of a guest from abroad their scheme holds it, and says so
        try:
            self._books.hold(tx, borrower_no, amount)
        except Refused:
            raise CannotBook(Why.DEPOSIT) from None
        return deposit_step(DepositState.NONE, DepositEvent.SET_ASIDE, Hand.BOOKING)

    def free(self, tx: Tx, booking: Booking, hand: Hand = Hand.BOOKING) -> Booking:
        """Free what is set aside, if anything is."""
        if booking.deposit_state not in ASIDE:
            return booking
        after = step_deposit(booking, DepositEvent.FREE, hand)
        if booking.borrower_no >= 0:
            self._books.drop_hold(tx, booking.borrower_no, booking.deposit)
        set_deposit(tx, booking.no, after, 0)
        return booking_by_no(tx, booking.no)

    def ask(self, tx: Tx, booking: Booking, keep: int) -> Booking:
        """Note that the owner asks to keep so much; all of it stays set aside. Raises CannotBook."""
        after = step_deposit(booking, DepositEvent.ASK, Hand.OWNER)
        if not 1 <= keep <= booking.deposit:
            raise CannotBook(Why.TOO_MUCH)
        set_deposit(tx, booking.no, after, keep)
        return booking_by_no(tx, booking.no)

    def keep(
        self, tx: Tx, booking: Booking, hand: Hand, by: Actor | Member, *, proved_by: str, reason: str = ""
    ) -> Trade:
        """Pay the owner, or the account of the group whose the thing is, what was asked for out of the hold. Raises CannotBook."""
        after = step_deposit(booking, DepositEvent.KEEP, hand)
        owner, borrower = member_by_account(tx, booking.owner_no), member_by_account(tx, booking.borrower_no)
        if owner is None or borrower is None:
            raise CannotBook(Why.NOT_NOW)
        group = group_of_thing(tx, booking.key)
        account = None if group is None else group.account
        payee_no, payee = booking.owner_no, owner.name
        if account is not None:  # open, and so on the ledger
            assert account.account_no is not None
            payee_no, payee = account.account_no, account.name
        new = NewTrade(
            payer_no=booking.borrower_no, payee_no=payee_no, amount=booking.keep, text=booking.title,
            entered_by=by.name, proved_by=proved_by, payer_name=borrower.name, payee_name=payee,
            once=tagged("interlets/once", b"deposit" + booking.no.to_bytes(8, "big"))[:ONCE_BYTES],
            on_behalf_of=borrower.name if hand is Hand.ORGANISERS else None, reason=reason,
        )  # fmt: skip
        try:
            trade = self._trades.record_in(tx, new, releasing={booking.borrower_no: booking.deposit})
        except Refused:
            raise CannotBook(Why.NOT_POSTED) from None
        set_deposit(tx, booking.no, after, booking.keep)
        self._told(tx, trade)
        return trade
