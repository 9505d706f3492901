"""Bookings as one of their sides reads them: who is on the other, of ours or of another scheme. Source: docs/pages.md 8.5, 8.18."""

from __future__ import annotations

from dataclasses import dataclass, replace

from node.services.booking_guests import Guest, borrower_of
from node.services.booking_rows import Act, acts_of, bookings_of, find_booking, open_bookings, side_in
from node.services.bookings import Booking
from node.services.circle_account_rows import GroupAccount
from node.services.members import Member, member_by_account
from node.services.thing_rows import group_of_thing
from node.store import ReadTx
from node.web.pages.schemes import read_schemes
from node.web.present import first_name
from protocol.booking import Side


@dataclass(frozen=True, slots=True)
class Shown:
    """A booking with who is on the other side of it, of one moment."""

    booking: Booking
    side: Side
    other: Member | Guest | None
    badge: str = ""  # the scheme of whoever borrows from abroad
    acts: tuple[tuple[Act, str], ...] = ()  # each with the name of whoever acted
    lists: bool = True  # of an owner: the listing is theirs, and what it costs goes to them
    account: GroupAccount | None = None  # of the group whose the thing is: what it costs goes there

    @property
    def name(self) -> str:
        """How the other side is called."""
        if isinstance(self.other, Guest):
            return f"{self.other.name or '?'} ({self.badge})"
        return "" if self.other is None else self.other.name or self.other.number

    @property
    def short(self) -> str:
        """The same in a sentence: a member by the first name, a guest with their scheme."""
        return self.name if isinstance(self.other, Guest) else first_name(self.name)


def _other(tx: ReadTx, booking: Booking, account_no: int, now_ms: int) -> Shown:
    side = side_in(tx, booking, account_no)
    assert side is not None, "read as theirs"
    other = borrower_of(tx, booking) if side is Side.OWNER else member_by_account(tx, booking.owner_no)
    if not isinstance(other, Guest):
        return Shown(booking, side, other)
    scheme = read_schemes(tx, now_ms).get(other.scheme)
    return Shown(booking, side, other, "?" if scheme is None else scheme.name)


def read_one(tx: ReadTx, no: int, account_no: int, now_ms: int) -> Shown | None:
    """Query: one booking of a member, with what was done with it; None whoever else's it is."""
    booking = find_booking(tx, no, account_no)
    if booking is None:
        return None
    shown = _other(tx, booking, account_no, now_ms)
    done = acts_of(tx, no)
    names = {by: _name(tx, by) for by in {each.by_no for each in done} if by is not None}
    if isinstance(shown.other, Guest):
        names[booking.borrower_no] = shown.name
    acts = tuple((each, names.get(each.by_no or 0, "")) for each in done)
    group = group_of_thing(tx, booking.key)
    return replace(
        shown,
        acts=acts,
        lists=booking.owner_no == account_no,
        account=None if group is None else group.account,
    )


def _name(tx: ReadTx, account_no: int) -> str:
    member = member_by_account(tx, account_no)
    return "" if member is None else member.name or member.number


def read_all(tx: ReadTx, account_no: int, now_ms: int) -> tuple[list[Shown], list[Shown], list[Shown]]:
    """Query: what a member lends, what she borrows, and what of both has not ended."""
    lent, borrowed = bookings_of(tx, account_no)
    return (
        [_other(tx, each, account_no, now_ms) for each in lent],
        [_other(tx, each, account_no, now_ms) for each in borrowed],
        read_open(tx, account_no, now_ms),
    )


def read_open(tx: ReadTx, account_no: int, now_ms: int) -> list[Shown]:
    """Query: what has not ended of a member's bookings, of either side."""
    return [_other(tx, each, account_no, now_ms) for each in open_bookings(tx, account_no)]
