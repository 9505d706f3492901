"""Members of other schemes who borrow, rent and stay: they ask by letter, and stand in the calendar among our own.

A guest from abroad has no account: in bookings they are minus the number of the first request of theirs. Their deposit is
held in the ledger of their own scheme, which says so. Source: docs/protocol.md 5.9, 7.8, 7.10.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from node.clock import Chance, Clock
from node.mail.texts import words_of
from node.services.booking_rows import Booking, CannotBook, Why, booking_by_no
from node.services.bookings import Bookings, NewBooking, UnfitPeriod, whole_price
from node.services.guest_deposits import is_listed_deposit, note_held
from node.services.own_listings import find_own
from node.services.picture_rows import pictures_of_booking
from node.services.request_rows import Request, over_unanswered, person_of, request_about
from node.services.request_words import STAY, lines_of
from node.services.requests_abroad import RequestsAbroad, Standing
from node.services.settings import Settings
from node.services.telling import Telling
from node.services.thing_rows import who_answers
from node.store import Store, Tx
from node.web.period_words import last_words
from node.web.words import Words
from protocol.beyond import FINAL, Stands, Wants
from protocol.booking import BookingEvent, BookingState, Period, Unfit

S, E = BookingState, BookingEvent
ONCE_BYTES: Final = 16
_STANDS: Final = {
    S.WAITING: Stands.WAITING,
    S.ASKED: Stands.ASKED,
    S.AGREED: Stands.AGREED,
    S.HANDED_OVER: Stands.AGREED,
    S.OVERDUE: Stands.AGREED,
    S.BROUGHT_BACK: Stands.AGREED,
    S.RETURNED: Stands.DONE,
    S.DECLINED: Stands.DECLINED,
    S.WITHDRAWN: Stands.TAKEN_BACK,
    S.LAPSED: Stands.ENDED,
}
_WITHDRAWS: Final = {S.WAITING: E.WITHDRAW, S.ASKED: E.WITHDRAW, S.AGREED: E.CANCEL}


class BookingsAbroad:
    """See the head of this file."""

    def __init__(
        self, *, store: Store, clock: Clock, chance: Chance, settings: Settings, bookings: Bookings,
        requests: Callable[[], RequestsAbroad], telling: Telling,
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._chance: Final = chance
        self._settings: Final = settings
        self._bookings: Final = bookings
        self._requests: Final = requests
        self._telling: Final = telling

    # --- what comes ---------------------------------------------------------------------------------------------

    def hear(self, tx: Tx, request: Request) -> Standing:
        """Unit: do what somebody abroad asks for or says of what they have; the same again changes nothing."""
        if request.stands in FINAL and request.stands is not None:
            # Said for good: a letter that comes late takes no hour of anybody.
            return Standing(stands=request.stands, lines=lines_of(request.said), about_no=request.about_no)
        if request.about_no is not None:
            before = booking_by_no(tx, request.about_no)
            booking = note_held(tx, before, request.no)
            if booking != before:
                self._tell_held(tx, booking)
            booking = self._act(tx, request, booking)
            return self._standing(booking, request.wants)
        if request.wants is not Wants.ASK:
            return Standing(stands=Stands.TAKEN_BACK)
        try:
            return self._standing(self._ask(tx, request), request.wants)
        except CannotBook as no:
            return Standing(stands=Stands.DECLINED, lines=(_cannot_words(no.why, self._words()),))

    def _ask(self, tx: Tx, request: Request) -> Booking:
        """Enter what is asked for into the calendar. Raises CannotBook: nothing was written."""
        owned = find_own(tx, request.key)
        if owned is None or not owned.listing.shared or owned.listing.content.terms is None:
            raise CannotBook(Why.GONE)
        if request.start is None or request.end is None:
            raise CannotBook(Why.GONE)
        content, terms = owned.listing.content, owned.listing.content.terms
        period = Period(request.start, request.end)
        # What is free has no price in a letter.
        price = 0 if content.price.per == "free" else request.price
        if price != whole_price(content, period) or not is_listed_deposit(tx, request.no, terms.deposit):
            raise CannotBook(Why.CHANGED)
        new = NewBooking(
            key=request.key, period=period, guests=request.places, text=request.wanted, terms=terms, price=price,
            in_line=True,
        )  # fmt: skip
        once = self._chance.bytes(ONCE_BYTES)
        try:
            return self._bookings.ask_in(tx, new, -person_of(tx, request), None, once)
        except UnfitPeriod as no:
            raise CannotBook(Why.OTHERWISE if no.unfit is Unfit.PAST else Why.CHANGED) from None

    def _act(self, tx: Tx, request: Request, booking: Booking) -> Booking:
        """Do what is said of a booking, as far as it can be done now."""
        now_hour = self._bookings.wall(self._clock.now_ms())
        stands, events = booking.stands(now_hour), []
        if request.wants is Wants.TAKE_BACK and stands in _WITHDRAWS:
            events = [_WITHDRAWS[stands]]
        if request.wants is Wants.HAS_IT and stands in (S.HANDED_OVER, S.OVERDUE):
            events = [E.BRING_BACK]
        if request.wants is Wants.HAS_IT and stands is S.AGREED and booking.period.start <= now_hour:
            events = [E.HAND_OVER, E.BRING_BACK]
        try:
            for event in events:
                booking = self._bookings.abroad_in(tx, booking, event)
        except CannotBook:
            return booking  # the one before still has it; the owner sees to that first
        return booking

    # --- what is told -------------------------------------------------------------------------------------------

    def tell(self, tx: Tx, booking: Booking, said: str) -> None:
        """Unit: tell whoever borrows from abroad how it stands, with the owner's words."""
        request, booking = request_about(tx, booking.kind, booking.no), booking_by_no(tx, booking.no)
        # What was said for good is said once more only of a deposit, and in pictures.
        also = booking.deposit or pictures_of_booking(tx, booking.no)
        if request is not None and (request.stands not in FINAL or also):
            before = lines_of(request.said) if request.stands in FINAL else ()
            standing = self._standing(booking, request.wants, (said,) if said else before)
            self._requests().answer_in(tx, booking.kind, standing)

    def show_in(self, tx: Tx, booking: Booking) -> None:
        """Unit: tell whoever borrows from abroad that the owner shows how the thing is."""
        self.tell(tx, booking, self._words().gettext("I show how it is, in a picture."))

    def _tell_held(self, tx: Tx, booking: Booking) -> None:
        """Tell those who own a thing that whoever borrows it from abroad has set the deposit aside."""
        for owner in who_answers(tx, booking.key, booking.owner_no):
            words = words_of(self._settings.now, owner.language)
            line = words.gettext("The deposit is set aside: %(what)s") % {"what": booking.title}
            self._telling.told(tx, owner, (line,), f"/my/bookings/{booking.no}")

    async def look(self) -> int:
        """Tell those whose time is over without a yes or no; a job."""
        return await self._store.write(self._look)

    def _look(self, tx: Tx) -> int:
        over = over_unanswered(tx, self._bookings.wall(self._clock.now_ms()))
        for request in over:
            assert request.about_no is not None, "found so"
            self.tell(tx, booking_by_no(tx, request.about_no), "")
        return len(over)

    def _standing(self, booking: Booking, wants: Wants, said: Sequence[str] = ()) -> Standing:
        stands = booking.stands(self._bookings.wall(self._clock.now_ms()))
        if stands is S.CANCELLED:
            how = Stands.TAKEN_BACK if wants is Wants.TAKE_BACK else Stands.ENDED
        else:
            how = _STANDS[stands]
        lines = (*said, *_lines(booking, stands, self._words()))
        return Standing(stands=how, lines=lines, about_no=booking.no)

    def _words(self) -> Words:
        return words_of(self._settings.now, "")


def _lines(booking: Booking, stands: BookingState, words: Words) -> tuple[str, ...]:
    """Return what one word does not say of a booking."""
    _, stay = words.gettext, booking.kind == STAY
    last = {"day": last_words(booking.period, booking.step, words)}
    match stands:
        case S.HANDED_OVER if not stay:
            return (_("It was handed over. It is to be back by %(day)s.") % last,)
        case S.OVERDUE if not stay:
            return (_("It was to be back by %(day)s.") % last,)
        case S.BROUGHT_BACK:
            return (_("You say that it is over. The other side confirms it."),)
        case S.LAPSED:
            return (_("Nobody said yes or no in time."),)
        case _:
            return ()


def _cannot_words(why: Why, words: Words) -> str:
    """Return why something is not to be had."""
    _ = words.gettext
    match why:
        case Why.CHANGED:
            return _("The price or the terms have just changed. Please look at them again.")
        case Why.SAME:
            return _("You have asked for this time already.")
        case Why.OPEN | Why.OPEN_OF_ONE:
            return _("You have asked for this often enough for now. Others would like it too.")
        case Why.LINE_FULL:
            return _("Many people are in line for this already.")
        case Why.OTHERWISE:
            return _("This time is over. Please choose a later one.")
        case _:
            return _("It is no longer there to be booked.")
