"""What two organisers keep of a deposit for its owner: of one held for a thing here, or for a thing of another scheme. Source: docs/protocol.md 6.9, 7.8."""

from __future__ import annotations

from typing import Final

from node.services.acts import Actor
from node.services.booking_rows import CannotBook, may_be_kept
from node.services.bookings import Bookings
from node.services.deposit_rows import is_party
from node.services.joint_kinds import Kind
from node.services.pledge_rows import pledge_of, pledges_party
from node.services.pledges import CannotPledge, Pledges
from node.store import ReadTx, Tx
from protocol.pledge import Pledge


def may_keep(tx: ReadTx, kind: Kind, no: int, amount: int) -> bool:
    """Tell whether an owner asks to keep exactly so much of a deposit now; `amount` is in the units of the owner's scheme."""
    if kind is Kind.DEPOSIT:
        return may_be_kept(tx, no, amount)
    pledged = pledge_of(tx, no)
    return pledged is not None and (pledged.state, pledged.keep) == (Pledge.ASKED, amount)


def has_part(tx: ReadTx, kind: Kind, no: int, member_no: int | None) -> bool:
    """Tell whether a deposit is a member's own, of either side that is here."""
    return (is_party if kind is Kind.DEPOSIT else pledges_party)(tx, no, member_no)


class KeptByTwo:
    """See the head of this file."""

    def __init__(self, bookings: Bookings, pledges: Pledges):
        self._bookings: Final = bookings
        self._pledges: Final = pledges

    def keep_in(self, tx: Tx, kind: Kind, no: int, by: Actor, reason: str) -> bool:
        """Unit: keep it; of one across schemes the payment follows. False: it stands otherwise by now, and nothing was written."""
        assert by.no is not None, "two people"
        try:
            if kind is Kind.DEPOSIT:
                self._bookings.keep_in(tx, no, by, reason)
            else:
                self._pledges.agree_in(tx, no, by.no)
        except (CannotBook, CannotPledge):
            return False
        return True
