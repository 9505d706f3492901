"""Believable views of the pages about lifts, for `samples.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from node.web.forms import Filled
from node.web.views.events import EventCheckView, EventRow, EventView, NearEventView
from node.web.views.lifts import LiftFormView, LiftListView
from node.web.views.page import Fact, Link, Option, Pager, Pill, View
from node.web.views.requests import AbroadPart

WEEKDAYS: Final = tuple(
    Option(value=name.lower()[:3], text=name)
    for name in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
)
COST: Final = "The whole way costs 1 hour 30 minutes. Ana and all who ride share it equally, so each gives 45 minutes at most. That is recorded afterwards, when Ana confirms who was there."
ROW: Final = EventRow(
    href="/events/7", title="Oakvale to Riverside station", kind="Lift", when="Monday 9 March 2026, 8:30 to 9:15",
    where="By the church", places="1 comes, 2 places are free",
)  # fmt: skip
FORM: Final = LiftFormView(
    form=Filled({"pays": "nobody", "approval": "yes"}), action="/lifts/check", new=True, weekdays=WEEKDAYS, seats_most=8,
    unit_name="hours", amount_hint="For example 2, 1:30 or 90 min", back_href="/lifts", may_be_near=True,
)  # fmt: skip
LIFT: Final = EventView(
    row=ROW, paragraphs=("Room for a pram. Back at six.",), host=Link(text="Ana Lopez", href="/people/0001"),
    facts=(Fact(label="Where", text="By the church"), Fact(label="Places", text="1 comes, 2 places are free")), cost=COST,
    cancelled="", mine="", yes="Ask for a seat", no=True, base="/events/7", coming=("Ben Carter",), waiting=(),
    dates=(Link(text="Friday 13 March 2026, 8:30 to 9:15", href="/events/8"),), comments=(), may_say=True,
    may_manage=False, lift=True, once="AAAAAAAAAAAAAAAAAAAAAA",
)  # fmt: skip
VIEWS: Final[Mapping[str, View]] = {
    "lifts": LiftListView(
        rows=(ROW, replace(ROW, href="/events/8", when="Friday 13 March 2026, 8:30 to 9:15", state=Pill(text="You asked", tone="wait"))),
        pager=Pager(text="1 to 20 of 31", next_href="/lifts?page=2"), may_post=True,
        near=(replace(ROW, href="/near/7", kind="Riverside", title="Riverside to the sea", places=""),),
    ),
    "lifts-none": LiftListView(rows=(), pager=None, may_post=False),
    "lift-form": FORM,
    "lift-form-wrong": replace(
        FORM, form=Filled({"title": "Oakvale to Riverside station", "pays": "shared", "amount": "1 min", "mon": "yes"}, {"until": "Please choose a last day, after the first one, within a year.", "amount": "That is too little to share. Please write more."}),
    ),
    "lift-edit": replace(FORM, new=False, action="/lifts/7/edit", back_href="/events/7"),
    "lift-check": EventCheckView(
        row=replace(ROW, href="", places=""), paragraphs=("Room for a pram. Back at six.",), facts=LIFT.facts[:1], cost=COST,
        dates=(ROW.when, "Friday 13 March 2026, 8:30 to 9:15"), hidden=(("title", "Oakvale to Riverside station"),),
        shown_to="You say yes or no to each who asks. Only members see it.", once="AAAAAAAAAAAAAAAAAAAAAA", base="/lifts",
    ),
    "lift": LIFT,
    "lift-near": NearEventView(
        row=replace(ROW, href="/near/7", kind="Riverside", title="Riverside to the sea", places=""),
        paragraphs=("Room for a pram. Back at six.",), lift=True, ask="Ask for a seat",
        facts=(Fact(label="Where", text="By the church"), Fact(label="Places", text="room for 3")),
        cost="The whole way costs 12 Acorns. All who ride and the driver share it equally, so each gives 6 Acorns at most. If you were there you are asked for your part afterwards, and pay it yourself. 6 Acorns there is about 30 minutes here.",
        abroad=AbroadPart(ask_action="/near/7/come"),
    ),
    "lift-own": replace(LIFT, yes="", no=False, may_manage=True, asked=(Option(value="7", text="Maud Ellis"), Option(value="118", text="Wolfgang Nwosu-Featherstonehaugh"))),
}  # fmt: skip
