"""Believable pages about lending and letting: Ben's drill, Maud's room, and the cargo bike that Ana rents out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from node.web.forms import Filled
from node.web.views.booking import (
    ActForm,
    BookingCheckView,
    BookingRow,
    BookingsView,
    BookingView,
    CalendarView,
    Condition,
    DayCell,
    DaysAbroadView,
)
from node.web.views.page import Fact, Link, Option, PictureShown, Pill, View
from tests.node.web.samples_of_pictures import DRAWN

ONCE: Final = "AAAAAAAAAAAAAAAAAAAAAA"
_WEEK: Final = ("Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "Monday")


def _day(number: int) -> DayCell:
    spoken = f"{_WEEK[(number - 1) % 7]} {number} December 2026"
    if number < 3:
        return DayCell(number=str(number), spoken=spoken, word="")
    if number in (5, 6, 7, 19):
        return DayCell(number=str(number), spoken=spoken, word="taken", tone="taken", href="#ask")
    if number in (24, 25):
        return DayCell(number=str(number), spoken=spoken, word="yours", tone="mine", href="#ask")
    word = "partly" if number == 12 else "free"
    return DayCell(number=str(number), spoken=spoken, word=word, tone="free", href="#ask", chosen=number == 9)


DRILL: Final = CalendarView(
    title="Drill, 18 V, with two batteries", listing_href="/l/drill",
    facts=(Fact(label="Price", text="free"), Fact(label="Booked", text="by the day, at most 7 days"), Fact(label="Deposit", text="2 hours"), Fact(label="Answer", text="the owner says yes or no")),
    month="December 2026", weekdays=("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), before=1, days=tuple(_day(number) for number in range(1, 32)),
    previous_href="/l/drill/when?month=2026-11", next_href="/l/drill/when?month=2027-01", step="day", own=False,
    form=Filled({"from": "2026-12-09", "until": "2026-12-08"}, {"until": "The end is before the beginning."}), action="/l/drill/when",
)  # fmt: skip
_HOURS: Final = tuple(Option(value=str(hour), text=f"{hour:02}:00") for hour in range(24))
BIKE: Final = replace(
    DRILL, title="Cargo bike", step="hour", form=Filled({"from": "2026-12-12", "from_hour": "14"}), chosen="Saturday 12 December 2026",
    hours=(Fact(label="00:00 to 10:00", text="free"), Fact(label="10:00 to 12:00", text="taken"), Fact(label="12:00 to 00:00", text="free")),
    first_hours=_HOURS, last_hours=_HOURS, facts=(Fact(label="Price", text="1 h for an hour"), Fact(label="Booked", text="by the hour, at most 8 hours")),
)  # fmt: skip
ROOM: Final = replace(
    DRILL, title="A room under the roof", step="night", guests_max=2, form=Filled({"from": "2026-12-09"}),
    facts=(Fact(label="Price", text="1 h a night"), Fact(label="Booked", text="by the night, at most 7 nights"), Fact(label="Room for", text="2 people")),
)  # fmt: skip
_FACTS: Final = (
    Fact(label="When", text="Friday 4 December 2026 to Saturday 5 December 2026"),
    Fact(label="Who", text="Ben Carter"),
    Fact(label="Price", text="free"),
    Fact(label="In their words", text="For a shelf, and I bring it back on Saturday evening."),
    Fact(label="Asked", text="Tuesday 1 December 2026, 9:40"),
)
ASKED: Final = BookingView(
    title="Drill, 18 V, with two batteries", state=Pill(text="Asked", tone="wait"), sentences=("Ben asks for this.", "Please say yes or no."), facts=_FACTS, history=(),
    acts=(
        ActForm(name="yes", action="/my/bookings/1/yes", button="Yes, they can have it", once=ONCE),
        ActForm(name="no", action="/my/bookings/1/no", button="Say no", once=ONCE, words="Why? They read it.", folded="No, not this time"),
    ), links=(Link(text="Message", href="/messages/new?to=0042"), Link(text="See the listing", href="/l/drill")),
)  # fmt: skip
OUT: Final = replace(
    ASKED, state=Pill(text="Lent", tone="good"), sentences=("Ben has it until Saturday 5 December 2026.",),
    history=(Fact(label="Tuesday 1 December 2026, 12:10", text="Ana Silva said yes"), Fact(label="Friday 4 December 2026, 8:30", text="Ana Silva noted that it was handed over: “One battery is weak”")),
    acts=(ActForm(name="back", action="/my/bookings/1/back", button="I have it back", once=ONCE, words="In what condition is it?"),),
)  # fmt: skip
BACK: Final = replace(
    OUT, sentences=("Ben has it until Saturday 5 December 2026.", "2 hours of Ben’s are set aside as a deposit until you have it back."),
    acts=(
        *OUT.acts,
        ActForm(
            name="back-broken", action="/my/bookings/1/back-broken", button="I have it back, and ask for this", once=ONCE, words="What is wrong? They read it.", amount="How much of the deposit do you ask for?", hint="For example 2, 1:30 or 90 min",
            folded="Something is wrong with it", form=Filled({"amount": "x"}, {"amount": "This is not an amount."}),
        ),
    ),
)  # fmt: skip
NOT_HELD: Final = replace(
    OUT, title="Cargo bike", state=Pill(text="Agreed", tone="good"), history=OUT.history[:1],
    sentences=("Ana (Oakvale) may have it from Friday 4 December 2026 until Saturday 5 December 2026.",), warning="The deposit of 24 Acorns is not set aside yet. Please wait until it says so here before you hand anything over.",
    facts=(Fact(label="When", text="Friday 4 December 2026 to Saturday 5 December 2026"), Fact(label="Who", text="Ana (Oakvale)"), Fact(label="Price", text="12 Acorns"), Fact(label="Deposit", text="24 Acorns")),
    acts=(
        ActForm(name="call-off", action="/my/bookings/1/call-off", button="Call it off", once=ONCE, words="Why? They read it.", folded="It does not work out"),
        ActForm(name="handed-over", action="/my/bookings/1/handed-over", button="It is handed over", once=ONCE, words="In what condition is it?", folded="Hand it over without a deposit"),
    ),
)  # fmt: skip
RENTED: Final = replace(
    OUT, title="Cargo bike", state=Pill(text="Overdue", tone="stop"), sentences=("You still have it. Ana expected it by Saturday 12 December 2026, 16:00.",),
    facts=(Fact(label="When", text="Saturday 12 December 2026, 14:00 to 16:00"), Fact(label="From", text="Ana Silva"), Fact(label="Price", text="2 hours"), Fact(label="Deposit", text="3 hours")),
    acts=(ActForm(name="brought-back", action="/my/bookings/2/brought-back", button="I brought it back", once=ONCE, words="In what condition is it?", form=Filled({"words": "x" * 300}, {"words": "This is too long. There is room for 280 characters."})),),
    links=(Link(text="Pay 2 hours", href="/record/what?who=0123"), Link(text="Message", href="/messages/new?to=0123")),
)  # fmt: skip
_ROWS: Final = (
    BookingRow(href="/my/bookings/1", text="Ben asks for: Drill, 18 V, with two batteries", when="Friday 4 December 2026 to Saturday 5 December 2026", state=Pill(text="Asked", tone="wait")),
    BookingRow(href="/my/bookings/2", text="Please bring it back: Cargo bike", when="Saturday 12 December 2026, 14:00 to 16:00", state=Pill(text="Overdue", tone="stop")),
    BookingRow(href="/my/bookings/3", text="A room under the roof, from Maud", when="Thursday 24 December 2026 to Saturday 26 December 2026", state=Pill(text="Agreed", tone="good")),
)  # fmt: skip

VIEWS: Final[Mapping[str, View]] = {
    "calendar": DRILL,
    "calendar-hours": BIKE,
    "calendar-nights": ROOM,
    "calendar-own": replace(DRILL, own=True, form=Filled({})),
    "calendar-paused": replace(
        DRILL,
        form=Filled({}),
        days=tuple(replace(_day(number), href="") for number in range(1, 32)),
        cannot="Your membership is paused, so you cannot ask for things now. Ring Rosa on 01632 960 123.",
    ),
    "booking-check": BookingCheckView(
        title="Drill, 18 V, with two batteries", facts=_FACTS[:3], sentences=("Ben says yes or no. Nothing is fixed before that.",), button="Ask Ben",
        action="/l/drill/book", hidden=(("start", "1"),), once=ONCE, change_href="/l/drill/when",
    ),
    "days-abroad": DaysAbroadView(
        title="Cargo bike", listing_href="/l/bike", lines=("Riverside knows what is free, and answers when it has read your question.",), step="hour",
        facts=(Fact(label="Price", text="6.00 Acorns (about 30 min) for an hour"), Fact(label="Booked", text="by the hour, at most 8 hours"), Fact(label="Answer", text="the owner says yes or no")),
        first_hours=_HOURS, last_hours=_HOURS, action="/l/bike/days", form=Filled({"from": "2026-12-12"}, {"until": "The end is before the beginning."}),
    ),
    "nights-abroad": DaysAbroadView(
        title="A room under the roof", listing_href="/l/room", lines=("Riverside knows what is free, and answers when it has read your question.",), step="night",
        facts=(Fact(label="Price", text="free"), Fact(label="Booked", text="by the night, at most 7 nights"), Fact(label="Room for", text="2 people")), guests_max=2, action="/l/room/days",
    ),
    "bookings": BookingsView(
        for_me=_ROWS[:2], borrowed=_ROWS[1:], lent=_ROWS[:1],
        abroad=(BookingRow(href="/my/abroad", text="Drill, from Riverside", when="Friday 18 December 2026", state=Pill(text="Agreed", tone="good")),),
    ),
    "bookings-none": BookingsView(for_me=(), borrowed=(), lent=()),
    "booking-asked": ASKED,
    "booking-out": OUT,
    "booking-condition": replace(
        OUT, condition=Condition(pictures=((PictureShown(src=DRAWN, width=960, height=720, words="One battery is weak", full=DRAWN), "Ana, 4 December 2026, 10:12"),), action="/my/bookings/1/picture", form=Filled({"words": "The chuck"}, {"picture": "Please choose a picture."}))
    ),
    "booking-rented": RENTED,
    "thing-abroad": replace(
        RENTED, state=Pill(text="Agreed", tone="good"), sentences=("It is for you then.",), acts=(), history=(), links=(Link(text="See what to do", href="/my/abroad"),),
        condition=Condition(pictures=((PictureShown(src=DRAWN, width=960, height=720, words="A scratch on the left", full=DRAWN), "Karim (Riverside), 4 December 2026, 10:12"),), action="/my/abroad/1/picture", two_alone=True),
    ),
    "booking-back": BACK,
    "booking-not-held": NOT_HELD,
}  # fmt: skip
