"""Members' pages about lending and letting: when a thing is free, asking for it, and what became of it.

Source: docs/pages.md 7.2, 8.5; docs/protocol.md 5.9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from node.web.forms import EMPTY, Filled
from node.web.views.page import Fact, Link, Option, PictureShown, Pill, Place, View

Step = Literal["hour", "day", "night"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCell:
    """One day of a month; its colour only repeats what the word says."""

    number: str  # "5"
    spoken: str  # "Saturday 5 December 2026", for those who do not see where it stands
    word: str  # "free", "taken", "partly", "yours"; "" for a day that is over
    tone: Literal["", "free", "taken", "mine"] = ""
    href: str = ""  # where it is chosen; "" where it cannot be
    chosen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarView(View):
    """GET /l/{id}/when?month&from, POST /l/{id}/when. Fields: from, from_hour, until, until_hour, guests, text."""

    TEMPLATE: ClassVar[str] = "member/calendar.html"
    PLACE: ClassVar[Place] = "find"

    title: str
    listing_href: str
    facts: tuple[Fact, ...]
    month: str  # "December 2026"
    weekdays: tuple[str, ...]  # "Mon" to "Sun"
    before: int  # days of the week before the first of the month
    days: tuple[DayCell, ...]
    previous_href: str
    next_href: str
    hours: tuple[Fact, ...] = ()  # of the chosen day: "10:00 to 12:00", "taken"
    chosen: str = ""  # "Saturday 5 December 2026"
    step: Step
    own: bool  # the reader's own thing
    cannot: str = ""  # why nothing can be asked for now
    form: Filled = EMPTY
    first_hours: tuple[Option, ...] = ()
    last_hours: tuple[Option, ...] = ()
    guests_max: int = 0
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DaysAbroadView(View):
    """GET and POST /l/{id}/days: of another scheme's listing. Fields: from, from_hour, until, until_hour, guests, text."""

    TEMPLATE: ClassVar[str] = "member/days_abroad.html"
    PLACE: ClassVar[Place] = "find"

    title: str
    listing_href: str
    lines: tuple[str, ...]  # who decides, and when
    facts: tuple[Fact, ...]
    step: Step
    form: Filled = EMPTY
    first_hours: tuple[Option, ...] = ()
    last_hours: tuple[Option, ...] = ()
    guests_max: int = 0
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingCheckView(View):
    """The check page: nothing is asked before its button."""

    TEMPLATE: ClassVar[str] = "member/booking_check.html"
    PLACE: ClassVar[Place] = "find"

    title: str  # "Drill"
    facts: tuple[Fact, ...]
    sentences: tuple[str, ...]
    button: str  # "Ask Ana"
    action: str
    hidden: tuple[tuple[str, str], ...]
    once: str
    change_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingRow:
    """A booking in a list."""

    href: str
    text: str  # "Ben asks for: Drill"
    when: str
    state: Pill


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingsView(View):
    """GET /my/bookings"""

    TEMPLATE: ClassVar[str] = "member/bookings.html"
    PLACE: ClassVar[Place] = "me"

    for_me: tuple[BookingRow, ...]  # what only the reader can do
    borrowed: tuple[BookingRow, ...]
    abroad: tuple[BookingRow, ...] = ()  # of other schemes
    lent: tuple[BookingRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActForm:
    """Something the reader can do with a booking."""

    name: str  # keeps ids apart
    action: str
    button: str
    once: str
    amount: str = ""  # what a field for an amount asks; "" for none
    words: str = ""  # what the field beside it asks; "" for none
    hint: str = ""
    folded: str = ""  # what it is unfolded by; "" for what lies open
    form: Filled = EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How a thing was: pictures by either side, seen by both and by whoever looks into a complaint."""

    pictures: tuple[tuple[PictureShown, str], ...]  # each with who showed it, and when
    action: str = ""  # where one more is sent; "" where that is over
    form: Filled = EMPTY  # fields: picture, words
    two_alone: bool = False  # of different schemes: no organiser sees it


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingView(View):
    """GET /my/bookings/{number}: for either side. Fields of each act: words, amount."""

    TEMPLATE: ClassVar[str] = "member/booking.html"
    PLACE: ClassVar[Place] = "me"

    title: str  # "Drill"
    state: Pill
    sentences: tuple[str, ...]
    facts: tuple[Fact, ...]
    history: tuple[Fact, ...]  # when: who did what, and said what
    acts: tuple[ActForm, ...]
    links: tuple[Link, ...]
    warning: str = ""  # what to wait for before it begins
    condition: Condition | None = None
