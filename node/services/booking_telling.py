"""Telling members what happens to their bookings and to their things: by mail, or on the letters list; a part of the unit it tells of.

Source: docs/pages.md 8.5, 9.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, assert_never

from node.clock import Clock
from node.mail import texts
from node.mail.outbox import Outbox
from node.services.booking_rows import Booking
from node.services.members import Member, Reach
from node.services.paper_notes import put_note
from node.services.settings import Settings
from node.store import Tx
from node.web.period_words import last_words, period_words
from node.web.words import Words
from protocol.booking import BookingEvent, BookingState
from protocol.deposit import DepositEvent


class Named(Protocol):
    """Who did something: a member, or somebody of another scheme."""

    @property
    def no(self) -> int | None:
        """The number of a member of ours."""

    @property
    def name(self) -> str:
        """As the reader knows them."""


class BookingTelling:
    """Writes mails about bookings, and notes for whoever is told by letter or telephone."""

    def __init__(self, outbox: Outbox, settings: Settings, clock: Clock, origin: str):
        self._outbox: Final = outbox
        self._clock: Final = clock
        self._settings: Final = settings
        self._origin: Final = origin.rstrip("/")

    def asked(self, tx: Tx, booking: Booking, borrower: Named, owner: Member) -> None:
        """Tell an owner that somebody asks for a thing, or has booked it."""

        def subject(words: Words) -> str:
            said = {"who": borrower.name, "what": booking.title}
            if booking.state is BookingState.AGREED:
                return words.gettext("%(who)s has booked: %(what)s") % said
            return words.gettext("%(who)s asks for: %(what)s") % said

        if booking.state is not BookingState.WAITING:  # who waits in line asks nothing of the owner yet
            self._tell(tx, booking, borrower, owner, subject, booking.text)

    def moved(
        self,
        tx: Tx,
        booking: Booking,
        event: BookingEvent | DepositEvent,
        who: Named,
        reader: Member,
        said: str,
    ) -> None:
        """Tell the other side what was done."""
        self._tell(
            tx, booking, who, reader, lambda words: _subject(event, who.name, booking.title, words), said
        )

    def ends(self, tx: Tx, booking: Booking, borrower: Member, owner: Member, *, overdue: bool) -> None:
        """Remind whoever has a thing of when it is to be back."""

        def subject(words: Words) -> str:
            if booking.kind == "stay":
                return words.gettext("Your stay ends: %(what)s") % {"what": booking.title}
            if overdue:
                return words.gettext("Please bring it back: %(what)s") % {"what": booking.title}
            return words.gettext("To be back soon: %(what)s") % {"what": booking.title}

        words = texts.words_of(self._settings.now, borrower.language)
        until = last_words(booking.period, booking.step, words)
        said = words.gettext("%(name)s expects it by %(day)s.") % {"name": owner.name, "day": until}
        self._tell(tx, booking, owner, borrower, subject, said if booking.kind != "stay" else "")

    def _tell(
        self, tx: Tx, booking: Booking, who: Named, reader: Member, subject: Callable[[Words], str], said: str
    ) -> None:  # fmt: skip
        """Tell a reader what `who` did, or expects."""
        settings = self._settings.now
        words = texts.words_of(settings, reader.language)
        when = period_words(booking.period, booking.step, words)
        if reader.reach is not Reach.EMAIL:
            note = " ".join(each for each in (f"{subject(words)}.", f"{when}.", said) if each)
            put_note(tx, reader.no, note, now_ms=self._clock.now_ms(), by_no=who.no)
            return
        if reader.email is None or not self._outbox.sends:
            return
        hello = words.gettext("Hello %(name)s,") % {"name": reader.name}
        link = f"{self._origin}/my/bookings/{booking.no}"
        mail = texts.text_of(settings, subject(words), hello, when, said, link)
        self._outbox.queue(
            tx, reader.email, mail.subject, mail.body, member_no=reader.no, private=True, rests=True
        )


def _subject(event: BookingEvent | DepositEvent, who: str, title: str, words: Words) -> str:
    _ = words.gettext
    said = {"who": who, "what": title}
    match event:
        case BookingEvent.AGREE:
            return _("%(who)s said yes: %(what)s") % said
        case BookingEvent.DECLINE:
            return _("%(who)s said no: %(what)s") % said
        case BookingEvent.WITHDRAW:
            return _("%(who)s no longer asks for: %(what)s") % said
        case BookingEvent.CANCEL:
            return _("%(who)s called it off: %(what)s") % said
        case BookingEvent.HAND_OVER:
            return _("Handed over: %(what)s") % said
        case BookingEvent.BRING_BACK:
            return _("%(who)s says it is back: %(what)s") % said
        case BookingEvent.MISS:
            return _("%(who)s does not have it yet: %(what)s") % said
        case BookingEvent.TAKE_BACK:
            return _("%(who)s has it back: %(what)s") % said
        case BookingEvent.FREE:
            return _("Free now, and %(who)s is asked: %(what)s") % said
        case BookingEvent.QUEUE:
            return _("Somebody else has it, and you wait in line: %(what)s") % said
        case DepositEvent.ASK:
            return _("%(who)s asks to keep some of the deposit: %(what)s") % said
        case DepositEvent.KEEP:
            return _("Some of the deposit is kept: %(what)s") % said
        case DepositEvent.FREE:
            return _("%(who)s lets the deposit go: %(what)s") % said
        case BookingEvent.FALL_DUE | BookingEvent.LAPSE | DepositEvent.SET_ASIDE:
            raise AssertionError("what follows from the clock alone is told by nobody")
        case _:
            assert_never(event)
