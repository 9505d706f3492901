"""Believable views of the calendar and of events."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from node.web.forms import Filled
from node.web.views.events import (
    CalendarMonth,
    CommentItem,
    EventCancelView,
    EventCheckView,
    EventFormView,
    EventListView,
    EventRow,
    EventUnitsCheckView,
    EventUnitsView,
    EventView,
    NearEventView,
)
from node.web.views.page import Empty, Fact, Link, Option, Pager, Pill, View
from node.web.views.requests import AbroadPart, RequestActions

ONCE: Final = "AAAAAAAAAAAAAAAAAAAAAA"
KINDS: Final = (
    Option(value="social", text="Get-together"),
    Option(value="trading", text="Trading day"),
    Option(value="work", text="Work party"),
    Option(value="talk", text="Talk or course"),
)
SOUP: Final = EventRow(
    href="/events/1", title="Trading day with soup and a table for things to give away", kind="Trading day",
    when="Saturday 7 March 2026, 10:30 to 12:00", where="Village hall, back room", places="12 come, 3 places are free",
    state=Pill(text="You come", tone="good"),
)  # fmt: skip
HEDGE: Final = EventRow(
    href="/events/2", title="Cutting the hedge at the school", kind="Work party",
    when="Sunday 22 March 2026, 14:00 to 17:00", where="Church End", places="6 come, no place is free",
    state=Pill(text="You wait for a place", tone="wait"),
)  # fmt: skip
NEAR: Final = EventRow(
    href="/near/1", title="Repair café", kind="Riverside", when="Saturday 14 March 2026, 10:00 to 13:00", where="Old school",
)  # fmt: skip
NEAR_VIEWS: Final[dict[str, View]] = {
    "near": NearEventView(
        row=NEAR, paragraphs=("Bring what is broken, and somebody who likes cake.",), abroad=AbroadPart(ask_action="/near/1/come"),
        ask="I am coming", facts=(Fact(label="Where", text=NEAR.where),),
    ),
    "near-mine": NearEventView(
        row=NEAR, paragraphs=("Bring what is broken, and somebody who likes cake.",),
        facts=(Fact(label="Where", text=NEAR.where),), abroad=AbroadPart(
            lines=("You said that you come. You have a place.", "Where: Garden"),
            acts=RequestActions(back_action="/my/abroad/4/back", message=Link(text="Messages", href="/messages/9"), event=True),
        ),
    ),
}  # fmt: skip
TALK: Final = EventRow(
    href="/events/3", title="How to graft an apple tree", kind="Talk or course",
    when="Friday 3 April 2026, 19:00 to 20:30", where="Library", state=Pill(text="Cancelled", tone="stop"),
)  # fmt: skip
COST: Final = "It costs 1 hour each. That is recorded afterwards, when Rosa confirms who was there."
EVENT: Final = EventView(
    row=SOUP,
    paragraphs=(
        "Bring what you grew, baked or mended, and a bowl. There is a table for things to give away.",
        "The desk is open for cheques.",
    ),
    host=Link(text="Rosa Whitfield", href="/people/0001"),
    facts=(Fact(label="Where", text="Village hall, back room"), Fact(label="Places", text="12 come, 3 places are free")),
    cost=COST,
    cancelled="",
    mine="You said that you come. You have a place.",
    yes="",
    no=True,
    base="/events/1",
    coming=("Ben Carter", "Maud Ellis", "Priya Nair"),
    waiting=(),
    dates=(Link(text="Saturday 4 April 2026, 10:30 to 12:00", href="/events/4"),),
    comments=(
        CommentItem(author="Maud Ellis", when="yesterday, 9:40", text="Can somebody give me a lift from Church End?"),
        CommentItem(author="Ana Silva", when="today, 8:12", text="I can, at ten.", no="2"),
    ),
    may_say=True,
    may_manage=False,
    once=ONCE,
)  # fmt: skip
TYPED: Final = Filled(
    {"kind": "trading", "title": "Trading day with soup", "where": "Village hall", "day": "2026-03-07", "start": "10:30",
     "end": "12:00", "repeats": "monthly-weekday", "pays": "nobody", "places": "700", "public": "yes"},
    {"until": "Please choose a last day, after the first one, within a year.", "places": "Please write a number from 1 to 500."},
)  # fmt: skip


def member_pages() -> dict[str, View]:
    """Return what members see."""
    calendar = EventListView(
        past=False,
        months=(CalendarMonth(title="March 2026", rows=(SOUP, HEDGE)), CalendarMonth(title="April 2026", rows=(TALK,))),
        pager=Pager(text="1 to 20 of 31", next_href="/calendar?page=2"),
        empty=None,
        may_post=True,
        near=(NEAR,),
    )  # fmt: skip
    form = EventFormView(
        form=TYPED, action="/events/check", new=True, kinds=KINDS, unit_name="hours", amount_hint="For example 2, 1:30 or 90 min",
        may_be_public=True, back_href="/calendar",
    )  # fmt: skip
    return {
        **NEAR_VIEWS,
        "calendar": calendar,
        "calendar-empty": replace(calendar, months=(), pager=None, empty=Empty(text="Nothing is planned yet.")),
        "event": EVENT,
        "event-full": replace(
            EVENT, row=HEDGE, mine="It is full. You wait for a place, and are told when you have one.",
            waiting=("Ana Silva", "George Adeyemi"), dates=(), comments=(), may_manage=True, cost="",
        ),
        "event-of-group": replace(
            EVENT, row=replace(SOUP, group="Bread and yeast"), group=Link(text="Bread and yeast", href="/groups/1"), inside=True,
        ),
        "event-new-of-group": replace(
            form, form=Filled({**TYPED.values, "group": "00" * 16, "who": "group"}), may_be_public=False, group="Bread and yeast",
        ),
        "event-cancelled": replace(
            EVENT, row=TALK, cancelled="This was cancelled: the speaker is ill.", mine="", no=False, cost="", dates=(),
        ),
        "event-recorded": replace(
            EVENT, row=replace(SOUP, state=Pill(text="Recorded", tone="good"), places=""), mine="", no=False, dates=(), comments=(),
            recorded=(Fact(label="Ben Carter", text="gave 1 hour"), Fact(label="Maud Ellis", text="gave 1 hour")),
            own_trade=Link(text="Your trade K7F-3QM-92X", href="/t/K7F-3QM-92X"),
        ),
        "event-units": EventUnitsView(
            title=SOUP.title, cost="Each who was there gives you 1 hour.", base="/events/1",
            people=(Option(value="there-2", text="Ben Carter"), Option(value="there-3", text="Maud Ellis")),
            form=Filled({"there-2": "yes", "there-3": "yes"}),
        ),
        "event-units-check": EventUnitsCheckView(
            title=SOUP.title, people=(Fact(label="Ben Carter", text="gives 1 hour"), Fact(label="Zoe (Hilltop)", text="is asked for 1 hour")),
            abroad="People of other schemes are asked now, and pay it themselves. You are told when they have.", total="You get 2 hours together.", mine="You have 3 hours now, 5 hours afterwards.", button="Record it for all of them",
            hidden=(("there-2", "yes"), ("there-3", "yes")), base="/events/1",
        ),
        "event-new": form,
        "event-edit": replace(form, form=Filled({**TYPED.values, "places": "20"}), new=False, action="/events/1/edit", back_href="/events/1"),
        "event-check": EventCheckView(
            row=replace(SOUP, state=None, places=""), paragraphs=EVENT.paragraphs,
            facts=(Fact(label="Where", text="Village hall, back room"), Fact(label="Places", text="room for 15")), cost=COST,
            dates=("Saturday 7 March 2026, 10:30 to 12:00", "Saturday 4 April 2026, 10:30 to 12:00"),
            shown_to="Visitors may read it too, without names, and members of neighbouring schemes.", hidden=(("title", "Trading day"),), once=ONCE,
        ),
        "event-cancel": EventCancelView(
            title="Trading day with soup", when=SOUP.when, told="14 people are told.", later="This and 1 later date", base="/events/1",
            form=Filled({"which": "this"}),
        ),
    }  # fmt: skip


def visitor_pages() -> dict[str, View]:
    """Return what visitors see: no names."""
    return {
        "event-public": replace(
            EVENT,
            host=None,
            mine="",
            no=False,
            coming=(),
            comments=(),
            may_say=False,
            row=replace(SOUP, state=None),
            cost=COST.replace("Rosa", "the host"),
        )
    }
