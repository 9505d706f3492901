"""The calendar, one event, and posting one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import EMPTY, Filled
from node.web.views.page import Empty, Fact, Link, Option, Pager, Pill, Place, View
from node.web.views.requests import AbroadPart


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One event in a list."""

    href: str
    title: str
    kind: str  # "Talk"
    when: str  # "Saturday 7 March 2026, 10:30 to 12:00"
    where: str
    places: str = ""  # "5 come, 3 places are free"
    state: Pill | None = None  # cancelled, or what stands beside the reader's name
    group: str = ""  # for which it is put


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarMonth:
    """A month with its events."""

    title: str  # "March 2026"
    rows: tuple[EventRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventListView(View):
    """GET /calendar, also for visitors."""

    TEMPLATE: ClassVar[str] = "member/events.html"
    PLACE: ClassVar[Place] = "home"

    past: bool
    months: tuple[CalendarMonth, ...]
    pager: Pager | None
    empty: Empty | None
    may_post: bool
    near: tuple[EventRow, ...] = ()  # at neighbouring schemes


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentItem:
    """What somebody said under an event, or about a proposal."""

    author: str
    when: str  # "yesterday, 9:40"
    text: str
    no: str = ""  # of one that the reader may take away; "" otherwise
    off: str = ""  # to its author: "Rosa took this off: …"
    report_href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView(View):
    """GET /events/{key}, also for visitors: without names. Fields: text."""

    TEMPLATE: ClassVar[str] = "member/event.html"
    PLACE: ClassVar[Place] = "home"

    row: EventRow
    paragraphs: tuple[str, ...]
    host: Link | None
    group: Link | None = None  # for which it is put
    inside: bool = False  # for those in that group alone
    facts: tuple[Fact, ...]
    cost: str  # "It costs 1 hour. …"; "" when nobody gives anything
    cancelled: str  # why; "" when it was not
    mine: str  # "You have a place."; "" when the reader said nothing
    yes: str  # what the button to come says; "" when there is none
    no: bool  # whether there is a button not to come
    base: str  # "/events/…", where its forms are sent
    coming: tuple[str, ...]
    waiting: tuple[str, ...]
    asked: tuple[Option, ...] = ()  # for the host: who waits for a yes or no; value: their number
    lift: bool = False
    dates: tuple[Link, ...]  # of the same that repeats
    comments: tuple[CommentItem, ...]
    may_say: bool
    may_manage: bool  # edit and cancel
    may_settle: bool = False  # say who was there, so that units move
    recorded: tuple[Fact, ...] = ()  # who was there, and the amount of each
    own_trade: Link | None = None  # by which the reader gave or got
    once: str
    form: Filled = EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class NearEventView(View):
    """GET /near/{id}: an event or a lift of a neighbouring scheme."""

    TEMPLATE: ClassVar[str] = "member/event_near.html"
    PLACE: ClassVar[Place] = "home"

    row: EventRow  # its kind: the name of the scheme
    paragraphs: tuple[str, ...]
    abroad: AbroadPart
    lift: bool = False
    facts: tuple[Fact, ...] = ()
    cost: str = ""  # in the units of that scheme; "" when nobody gives anything
    ask: str = ""  # what the button says


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFormView(View):
    """GET /events/new and /events/{key}/edit. Fields: those of `EventForm`."""

    TEMPLATE: ClassVar[str] = "member/event_form.html"
    PLACE: ClassVar[Place] = "home"

    form: Filled
    action: str
    new: bool  # else one that was posted, whose dates are each their own
    kinds: tuple[Option, ...]
    unit_name: str
    amount_hint: str
    may_be_public: bool
    group: str = ""  # for which a new one is put
    back_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCheckView(View):
    """POST /events/check: this is how others see it."""

    TEMPLATE: ClassVar[str] = "member/event_check.html"
    PLACE: ClassVar[Place] = "home"

    row: EventRow
    paragraphs: tuple[str, ...]
    facts: tuple[Fact, ...]
    cost: str
    dates: tuple[str, ...]  # where it repeats
    shown_to: str
    hidden: tuple[tuple[str, str], ...]
    once: str
    base: str = "/events"  # where it is posted; lifts have a place of their own


@dataclass(frozen=True, slots=True, kw_only=True)
class EventUnitsView(View):
    """GET /events/{key}/units: who was there? Fields: there-NO for each."""

    TEMPLATE: ClassVar[str] = "member/event_units.html"
    PLACE: ClassVar[Place] = "home"

    title: str
    cost: str  # "Each gives you 1 hour."
    people: tuple[Option, ...]  # value: the field's name, text: theirs
    base: str
    form: Filled = EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class EventUnitsCheckView(View):
    """POST /events/{key}/units: all names and amounts before anything moves."""

    TEMPLATE: ClassVar[str] = "member/event_units_check.html"
    PLACE: ClassVar[Place] = "home"

    title: str
    people: tuple[Fact, ...]  # "Ben Carter", "gives 1 hour"
    total: str  # "You get 12 hours together."; "" where only people of other schemes were there
    abroad: str = ""  # how people of other schemes give or get theirs
    mine: str  # "You have 3 hours now, 15 hours afterwards."
    button: str
    hidden: tuple[tuple[str, str], ...]
    base: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCancelView(View):
    """GET /events/{key}/cancel. Fields: reason, and which where it repeats."""

    TEMPLATE: ClassVar[str] = "member/event_cancel.html"
    PLACE: ClassVar[Place] = "home"

    title: str
    when: str
    told: str  # "3 people are told."
    later: str  # "This and 4 later dates"; "" where it does not repeat
    base: str
    form: Filled = EMPTY
