"""Lending and letting within the scheme: asked for, agreed, handed over, brought back; and whoever waits in line.

What may follow what is decided in `protocol/booking.py`. That no two bookings of a thing share an hour is looked at in
the unit that gives the time away. Source: docs/protocol.md 5.9; docs/pages.md 7.2, 8.5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from node.clock import Clock
from node.services.acts import Actor
from node.services.booking_guests import Guest, borrower_of
from node.services.booking_price import whole_price
from node.services.booking_rows import (
    Booking,
    CannotBook,
    Why,
    acted_by_once,
    asking,
    booking_by_no,
    booking_by_once,
    check_line,
    check_room,
    deposits_of_owner,
    ending,
    find_booking,
    in_line,
    move,
    note_act_of,
    note_reminded,
    open_bookings,
    out_now,
    put_booking,
    set_deposit,
    side_in,
    taking,
)
from node.services.booking_telling import BookingTelling
from node.services.deposits import Deposits, step_deposit
from node.services.members import Member, member_by_account, member_by_no
from node.services.own_listings import find_own
from node.services.thing_rows import may_book, who_answers
from node.store import Store, Tx
from protocol.booking import (
    DAY_HOURS,
    MAY,
    TAKES_TIME,
    TRANSITIONS,
    BookingEvent,
    BookingState,
    BookingTerms,
    Period,
    Side,
    Unfit,
    booking_step,
    check_period,
)
from protocol.deposit import DepositEvent, DepositState, Hand
from protocol.errors import OutOfOrder
from protocol.limits import BOOKING_REMINDED_EVERY_MS
from protocol.listing import State
from protocol.names import ItemKey


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBooking:
    """What a member asks for, as its check page showed it."""

    key: ItemKey
    period: Period
    guests: int
    text: str
    terms: BookingTerms
    price: int | None
    in_line: bool  # they would wait, if somebody else has the time


class UnfitPeriod(Exception):
    """A thing cannot be booked like this at all."""

    def __init__(self, unfit: Unfit):
        super().__init__(unfit.value)
        self.unfit: Final = unfit


class Bookings:
    """See the head of this file. `wall` gives the wall hour of a moment; `tell_abroad` tells a guest of another scheme."""

    def __init__(
        self, *, store: Store, clock: Clock, telling: BookingTelling, deposits: Deposits, wall: Callable[[int], int],
        tell_abroad: Callable[[Tx, Booking, str], None],
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._telling: Final = telling
        self._deposits: Final = deposits
        self._tell_abroad: Final = tell_abroad
        self.wall: Final = wall

    # --- asking -------------------------------------------------------------------------------------------------

    async def ask(self, new: NewBooking, borrower: Member, once: bytes) -> Booking:
        """Ask for a thing, or have it at once where its owner is not asked; the same `once` gives what it asked for.

        Raises:
            CannotBook, UnfitPeriod: nothing was asked.
        """
        return await self._store.write(self._ask, new, borrower.no, once)

    def _ask(self, tx: Tx, new: NewBooking, borrower_no: int, once: bytes) -> Booking:
        known = booking_by_once(tx, once)
        if known is not None:
            return known
        borrower = member_by_no(tx, borrower_no)
        if borrower is None or not borrower.may_trade:
            raise CannotBook(Why.NOT_NOW)
        return self.ask_in(tx, new, borrower.account_no, borrower.no, once)

    def ask_in(
        self, tx: Tx, new: NewBooking, borrower_no: int, member_no: int | None, once: bytes
    ) -> Booking:
        """Unit: as `ask`, for an account of ours or, below 0, somebody who is no member. Raises before it writes."""
        now_ms = self._clock.now_ms()
        now_hour = self.wall(now_ms)
        owned = find_own(tx, new.key)
        if owned is None or owned.listing.state is not State.PUBLISHED or owned.listing.content.terms is None:
            raise CannotBook(Why.GONE)
        content, terms = owned.listing.content, owned.listing.content.terms
        owner = member_by_no(tx, owned.member_no)
        if owner is None or not owner.may_trade:
            raise CannotBook(Why.NOT_NOW)
        own_use = owner.account_no == borrower_no
        if not own_use and not may_book(tx, new.key, member_no):
            raise CannotBook(Why.GROUP_ONLY)
        unfit = check_period(terms, new.period, new.guests, now_hour)
        if unfit is not None:
            raise UnfitPeriod(unfit)
        if (new.terms, new.price) != (terms, whole_price(content, new.period)):
            raise CannotBook(Why.CHANGED)
        check_room(tx, borrower_no, new.key, now_hour)
        state = self._first_state(tx, new, borrower_no, terms, now_hour, own_use=own_use)
        deposit = 0 if own_use else terms.deposit
        aside = DepositState.NONE
        if state is BookingState.AGREED:
            aside = self._deposits.set_aside(tx, borrower_no, deposit)
        booking = put_booking(
            tx, item_key=new.key, kind=content.kind, title=content.title, owner_no=owner.account_no,
            borrower_no=borrower_no, period=new.period, step=terms.step, guests=new.guests,
            price=0 if own_use else new.price, deposit=deposit, deposit_state=aside.value, approval=terms.approval,
            text=new.text, once=once, state=state, now_ms=now_ms,
        )  # fmt: skip
        if state is BookingState.AGREED:
            self._given_away(tx, booking, now_ms)
        if not own_use:
            self._tell_asked(tx, booking)
        return booking

    def _first_state(
        self, tx: Tx, new: NewBooking, account_no: int, terms: BookingTerms, now_hour: int, *, own_use: bool
    ) -> BookingState:
        """Return where a new booking begins. Raises CannotBook."""
        mine = [*asking(tx, new.key, new.period), *in_line(tx, new.key, now_hour)]
        if any(each.borrower_no == account_no and each.period.overlaps(new.period) for each in mine):
            raise CannotBook(Why.SAME)
        taken = taking(tx, new.key, new.period)
        if not taken:
            return BookingState.AGREED if own_use or not terms.approval else BookingState.ASKED
        if any(each.borrower_no == account_no for each in taken):
            raise CannotBook(Why.SAME)
        if own_use or not new.in_line:
            raise CannotBook(Why.TAKEN)
        check_line(tx, new.key, now_hour)
        return BookingState.WAITING

    # --- acting -------------------------------------------------------------------------------------------------

    async def act(
        self, no: int, event: BookingEvent, account_no: int, *, words: str = "", keep: int = 0, once: bytes
    ) -> Booking:
        """Do something with a booking of one's own; the same `once` again changes nothing.

        Whoever takes a thing back may ask to `keep` so much of the deposit, in minor units.

        Raises:
            CannotBook: nothing was changed. LookupError: no such booking of theirs.
        """
        return await self._store.write(self._act, no, event, account_no, words, keep, once)

    def _act(
        self, tx: Tx, no: int, event: BookingEvent, account_no: int, words: str, keep: int, once: bytes
    ) -> Booking:
        booking = find_booking(tx, no, account_no)
        side = None if booking is None else side_in(tx, booking, account_no)
        if booking is None or side is None:
            raise LookupError(f"booking {no}")
        if acted_by_once(tx, once) == no:
            return booking
        return self._do(tx, booking, event, side, account_no=account_no, words=words, keep=keep, once=once)

    def abroad_in(self, tx: Tx, booking: Booking, event: BookingEvent) -> Booking:
        """Unit: what somebody of another scheme does with what they borrow. Raises CannotBook. Source: 7.10."""
        return self._do(
            tx, booking, event, Side.BORROWER, account_no=booking.borrower_no, words="", once=None
        )

    def _do(
        self, tx: Tx, booking: Booking, event: BookingEvent, side: Side, *, account_no: int, words: str,
        once: bytes | None, keep: int = 0,
    ) -> Booking:  # fmt: skip
        now_ms = self._clock.now_ms()
        try:
            after = booking_step(booking.stands(self.wall(now_ms)), event, side)
        except OutOfOrder:
            raise CannotBook(Why.OTHERWISE) from None
        self._check(tx, booking, event)
        booking = self._with_deposit(tx, booking, event, after, keep)
        moved = move(tx, booking, after, now_ms)
        note_act_of(tx, booking.no, event, by_no=account_no, words=words, once=once, now_ms=now_ms)
        self._tell(tx, moved, event, side, words, account_no)
        if event is BookingEvent.AGREE:
            self._given_away(tx, moved, now_ms)
        elif after not in TAKES_TIME:
            self._freed(tx, moved, now_ms)
        return moved

    def leave_in(self, tx: Tx, account_no: int) -> None:
        """Unit: end what can be ended of a member who leaves. What is handed over stays so: it has to come back."""
        now_ms = self._clock.now_ms()
        for booking in open_bookings(tx, account_no):
            side = booking.side_of(account_no)
            if side is None:
                continue  # of a thing that they answer for too: the others still do
            stands = booking.stands(self.wall(now_ms))
            for event in (BookingEvent.WITHDRAW, BookingEvent.DECLINE, BookingEvent.CANCEL):
                if event in TRANSITIONS[stands] and side in MAY[event]:
                    self._do(tx, booking, event, side, account_no=account_no, words="", once=None)
        for booking in deposits_of_owner(tx, account_no):
            freed = self._deposits.free(tx, booking, Hand.OWNER)
            if freed.borrower_no < 0:
                self._tell_abroad(tx, freed, "")

    def _with_deposit(
        self, tx: Tx, booking: Booking, event: BookingEvent, after: BookingState, keep: int
    ) -> Booking:
        """Do what an act does to the deposit. Raises CannotBook, before anything was written."""
        if event is BookingEvent.AGREE and booking.deposit:
            aside = self._deposits.set_aside(tx, booking.borrower_no, booking.deposit)
            set_deposit(tx, booking.no, aside, 0)
        elif event is BookingEvent.TAKE_BACK and keep:
            return self._deposits.ask(tx, booking, keep)
        elif after not in TAKES_TIME:
            return self._deposits.free(tx, booking)
        return booking

    async def settle(
        self, no: int, event: DepositEvent, member: Member, *, proved_by: str, once: bytes
    ) -> Booking:
        """Say yes to what the owner asks to keep, as the borrower, or let it go, as the owner.

        Raises:
            CannotBook: nothing was changed. LookupError: no such booking of theirs.
        """
        return await self._store.write(self._settle, no, event, member, proved_by, once)

    def _settle(
        self, tx: Tx, no: int, event: DepositEvent, member: Member, proved_by: str, once: bytes
    ) -> Booking:
        booking = find_booking(tx, no, member.account_no)
        side = None if booking is None else side_in(tx, booking, member.account_no)
        if booking is None or side is None:
            raise LookupError(f"booking {no}")
        if acted_by_once(tx, once) == no:
            return booking
        hand = Hand(side.value)
        if booking.deposit_state is not DepositState.ASKED:
            raise CannotBook(Why.OTHERWISE)
        step_deposit(booking, event, hand)
        if event is DepositEvent.KEEP:
            self._deposits.keep(tx, booking, hand, member, proved_by=proved_by)
        else:
            self._deposits.free(tx, booking, hand)
        note_act_of(tx, no, event, by_no=member.account_no, once=once, now_ms=self._clock.now_ms())
        self._tell(tx, booking, event, side, "", member.account_no)
        return booking_by_no(tx, no)

    def keep_in(self, tx: Tx, no: int, by: Actor, reason: str) -> None:
        """Unit: two organisers say that what the owner asks for is kept. Raises CannotBook. Source: 6.9, 7.8."""
        booking = booking_by_no(tx, no)
        self._deposits.keep(tx, booking, Hand.ORGANISERS, by, proved_by="broker", reason=reason)
        note_act_of(tx, no, DepositEvent.KEEP, by_no=None, now_ms=self._clock.now_ms())
        for side in (Side.OWNER, Side.BORROWER):
            self._tell(tx, booking, DepositEvent.KEEP, side, "")

    @staticmethod
    def _check(tx: Tx, booking: Booking, event: BookingEvent) -> None:
        """Raises CannotBook: something else stands in the way of an act."""
        if event is BookingEvent.AGREE and taking(tx, booking.key, booking.period):
            raise CannotBook(Why.TAKEN)
        if event is BookingEvent.HAND_OVER and out_now(tx, booking.key) is not None:
            raise CannotBook(Why.STILL_OUT)

    def _given_away(self, tx: Tx, booking: Booking, now_ms: int) -> None:
        """Let those who asked for an hour of the same wait in line."""
        for each in asking(tx, booking.key, booking.period):
            self._by_clock(tx, each, BookingEvent.QUEUE, now_ms)

    def _freed(self, tx: Tx, booking: Booking, now_ms: int) -> None:
        """Let those in line ask for what is free now, the first of them first."""
        for each in in_line(tx, booking.key, self.wall(now_ms)):
            if not each.period.overlaps(booking.period):
                continue
            if taking(tx, each.key, each.period) or asking(tx, each.key, each.period):
                continue
            if not each.approval and not self._may_have(tx, each):
                continue
            asked = self._by_clock(tx, each, BookingEvent.FREE, now_ms)
            if not each.approval:
                agreed = move(tx, asked, booking_step(asked.state, BookingEvent.AGREE, Side.OWNER), now_ms)
                note_act_of(tx, agreed.no, BookingEvent.AGREE, by_no=None, now_ms=now_ms)
                self._tell(tx, agreed, BookingEvent.AGREE, Side.OWNER, "")
            self._tell_asked(tx, booking_by_no(tx, each.no))

    def _may_have(self, tx: Tx, booking: Booking) -> bool:
        """Set the deposit of somebody aside who gets a thing without a question; tell whether that was possible."""
        try:
            aside = self._deposits.set_aside(tx, booking.borrower_no, booking.deposit)
        except CannotBook:
            return False
        set_deposit(tx, booking.no, aside, 0)
        return True

    def _by_clock(self, tx: Tx, booking: Booking, event: BookingEvent, now_ms: int) -> Booking:
        after = booking_step(booking.state, event, Side.CLOCK)
        moved = move(tx, booking, after, now_ms)
        note_act_of(tx, booking.no, event, by_no=None, now_ms=now_ms)
        if event is not BookingEvent.FREE or booking.approval:  # else a yes follows, and is told
            self._tell(tx, moved, event, Side.OWNER, "")
        return moved

    def _tell_asked(self, tx: Tx, booking: Booking) -> None:
        """Tell everybody who says yes or no that somebody asks."""
        borrower = borrower_of(tx, booking)
        for each in who_answers(tx, booking.key, booking.owner_no):
            if borrower is not None and each.no != borrower.no:
                self._telling.asked(tx, booking, borrower, each)

    def _tell(
        self, tx: Tx, booking: Booking, event: BookingEvent | DepositEvent, side: Side, words: str,
        by_no: int | None = None,
    ) -> None:  # fmt: skip
        """Tell the side that did not act: of owners all. `by_no` is the owner's account who did, where not the lister's."""
        owner, borrower = member_by_account(tx, booking.owner_no), borrower_of(tx, booking)
        if owner is None or borrower is None or booking.own_use:
            return
        if side is Side.BORROWER:
            for each in who_answers(tx, booking.key, booking.owner_no):
                if each.no != borrower.no:
                    self._telling.moved(tx, booking, event, borrower, each, words)
        elif isinstance(borrower, Guest):
            self._tell_abroad(tx, booking, words)
        else:
            acted = owner if by_no is None else member_by_account(tx, by_no)
            self._telling.moved(tx, booking, event, acted or owner, borrower, words)

    # --- reminding ----------------------------------------------------------------------------------------------

    async def remind(self) -> int:
        """Write to those who have something that is to be back within a day, and again while it is overdue; a job."""
        return await self._store.write(self._remind)

    def _remind(self, tx: Tx) -> int:
        now_ms = self._clock.now_ms()
        now_hour = self.wall(now_ms)
        due = ending(tx, now_hour + DAY_HOURS, now_ms - BOOKING_REMINDED_EVERY_MS)
        for booking in due:
            borrower, owner = borrower_of(tx, booking), member_by_account(tx, booking.owner_no)
            if isinstance(borrower, Guest):
                self._tell_abroad(tx, booking, "")
            elif borrower is not None and owner is not None and not booking.own_use:
                overdue = booking.stands(now_hour) is BookingState.OVERDUE
                self._telling.ends(tx, booking, borrower, owner, overdue=overdue)
            note_reminded(tx, booking.no, now_ms)
        return len(due)


__all__ = ["Booking", "Bookings", "CannotBook", "NewBooking", "UnfitPeriod", "Why", "whole_price"]
