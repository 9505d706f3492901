"""What a pledge does to the book of the borrower's scheme: set aside, freed, and paid from. Parts of units.

What is set aside for a pledge and what a payment out of it has set aside are together always what was set aside with the
yes; one becomes the other in the transaction that begins or ends the payment. Source: docs/protocol.md 3.3, 7.2, 7.8.
"""

from __future__ import annotations

from node.services.books import Books, Refused
from node.services.pledge_rows import (
    Pledged,
    note_paid,
    note_paying,
    note_pledge,
    pledge_of,
    pledge_paid_by,
    pledge_to,
)
from node.store import Tx
from protocol.ledger import Refusal
from protocol.names import Handle, SchemeId
from protocol.pledge import ASIDE, UNDER_WAY, Pledge, PledgeEvent, pledge_step

E = PledgeEvent


def hold_in(tx: Tx, books: Books, pledged: Pledged, *, beyond_limits: bool = False) -> None:
    """Set a pledge aside. Raises Refused, before anything was written."""
    after = pledge_step(pledged.state, E.HOLD)
    books.hold(tx, pledged.account_no, pledged.aside, beyond_limits=beyond_limits)
    note_pledge(tx, pledged.no, after)


def free_in(tx: Tx, books: Books, pledged: Pledged) -> None:
    """Free what is set aside; while a payment is under way note only that none follows it."""
    after = pledge_step(pledged.state, E.FREE)
    if pledged.state in ASIDE and after not in UNDER_WAY:
        books.drop_hold(tx, pledged.account_no, pledged.aside)
    note_pledge(tx, pledged.no, after)


def check_payable(tx: Tx, no: int, account_no: int, amount: int) -> None:
    """Raises Refused: nothing is to be paid out of this pledge, or not so much."""
    pledged = pledge_of(tx, no)
    if pledged is None or pledged.account_no != account_no or pledged.state is not Pledge.DUE:
        raise Refused(Refusal.NOT_HELD)
    if amount > pledged.aside:
        raise Refused(Refusal.EXCEEDS_CREDIT_LIMIT)


def payment_begun(tx: Tx, no: int, amount: int, trade_no: int) -> None:
    """Note that of what a pledge set aside `amount` is now what its payment has set aside: the account holds as before."""
    pledged = pledge_of(tx, no)
    assert pledged is not None, "looked at a moment ago"
    note_paying(tx, no, pledge_step(pledged.state, E.PAY), amount, trade_no)


def payment_ended(tx: Tx, books: Books, trade_no: int, event: PledgeEvent) -> None:
    """Do what the end of a payment means for the pledge it was paid from, if it was: `PAID`, `FAILED` or `TAKEN`.

    What the payment itself had set aside is posted, dropped or moved by then.
    """
    pledged = pledge_paid_by(tx, trade_no)
    if pledged is None:
        return
    after = pledge_step(pledged.state, event)
    rest = pledged.aside - pledged.paying
    if after in ASIDE:
        # It was set aside with the yes: no limit that was lowered since takes it away. Source: 3.3.
        books.hold(tx, pledged.account_no, pledged.paying, beyond_limits=True)
    elif rest:
        books.drop_hold(tx, pledged.account_no, rest)
    note_paid(tx, pledged.no, after, pledged.tries + (event is E.FAILED))


def payment_back(
    tx: Tx, books: Books, account_no: int, scheme: SchemeId, handle: Handle, *, keep: int, amount: int, trade_no: int
) -> None:  # fmt: skip
    """Take a payment that a restore gave back, and that is set aside beside the pledge, out of the pledge. Source: 6.7 (b), 7.8."""
    pledged = pledge_to(tx, account_no, scheme, handle, keep)
    if pledged is None:
        return
    due = pledge_step(pledged.state, E.KEEP) if pledged.state is Pledge.ASKED else pledged.state
    paying = min(amount, pledged.aside)
    books.drop_hold(tx, account_no, paying)
    note_paying(tx, pledged.no, pledge_step(due, E.PAY), paying, trade_no)
