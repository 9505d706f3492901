"""Who borrows: a member of ours, or somebody of another scheme. Source: docs/protocol.md 5.9, 7.10."""

from __future__ import annotations

from dataclasses import dataclass

from node.services.booking_rows import Booking
from node.services.members import Member, member_by_account
from node.services.request_rows import guest_of, request_about
from node.store import ReadTx
from protocol.names import SchemeId


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """Somebody of another scheme, who has no account here."""

    name: str
    scheme: SchemeId
    thread_no: int | None = None  # the conversation in which they asked

    @property
    def no(self) -> None:
        """Not a member of ours."""


def borrower_of(tx: ReadTx, booking: Booking) -> Member | Guest | None:
    """Return who borrows; None: a member who is no longer known."""
    if booking.borrower_no >= 0:
        return member_by_account(tx, booking.borrower_no)
    found, request = guest_of(tx, -booking.borrower_no), request_about(tx, booking.kind, booking.no)
    if found is None:
        return None
    name = found[0] if request is None else request.their_name
    return Guest(name=name, scheme=found[1], thread_no=None if request is None else request.thread_no)
