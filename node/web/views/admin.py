"""Organisers' pages. Source: docs/pages.md 7.3, 7.4 and 8.12."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from node.web.forms import EMPTY, Filled
from node.web.views.member import Tile
from node.web.views.page import Desk, Empty, Fact, Option, Pager, Pill, View


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardView(View):
    """GET /admin"""

    TEMPLATE: ClassVar[str] = "admin/dashboard.html"
    DESK: ClassVar[Desk] = "dashboard"

    todo: tuple[Tile, ...]  # what waits for an organiser
    health: tuple[tuple[Pill, str], ...]  # five sentences about the computer
    node_href: str  # for admins
    figures: tuple[Fact, ...]  # members, trades this month, sum of all balances


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationCard:
    name: str
    place: str
    reach: str  # "ana@example.org", "01632 960 456", "by letter: 3 Mill Lane"
    offer: str
    want: str
    when: str
    welcome_action: str
    decline_action: str
    once: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationsView(View):
    """GET /admin/applications. Fields of a card's form: sponsor, limit; of declining: reason."""

    TEMPLATE: ClassVar[str] = "admin/applications.html"
    DESK: ClassVar[Desk] = "applications"

    applications: tuple[ApplicationCard, ...]
    empty: Empty | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterView(View):
    """After a welcome: what the new member needs to log in, to print or to write down. Shown once."""

    TEMPLATE: ClassVar[str] = "admin/letter.html"
    DESK: ClassVar[Desk] = "applications"

    name: str
    address: tuple[str, ...]  # lines for the envelope
    number: str
    pin: str  # "" where a mail brings a link instead
    link: str
    site: str  # the address of our pages
    mailed_to: str  # "" when no mail goes out
    member_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    href: str
    number: str
    name: str
    place: str
    balance: str
    limits: str  # "−10 h to +40 h"
    active: str  # "3 days ago"
    state: Pill


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersView(View):
    """GET /admin/members?q&show"""

    TEMPLATE: ClassVar[str] = "admin/members.html"
    DESK: ClassVar[Desk] = "members"

    query: str
    show: str
    shows: tuple[Option, ...]  # all, no e-mail, nothing given or received for 90 days, beyond a limit
    summary: str
    members: tuple[MemberRow, ...]
    pager: Pager | None
    add_href: str
    import_href: str = ""  # for admins
    csv_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberView(View):
    """GET /admin/members/{n}. Forms: limits (lower, upper, reason) · PIN letter · pause (reason)."""

    TEMPLATE: ClassVar[str] = "admin/member.html"
    DESK: ClassVar[Desk] = "members"

    name: str
    number: str
    state: Pill
    facts: tuple[Fact, ...]
    limits_form: Filled
    amount_hint: str
    unit_name: str
    limits_action: str
    pin_action: str
    pin_set: str  # "Set on 3 May 2026"; "" when there is none
    new_pin: str  # shown once, just after it was made; "" otherwise
    link_action: str  # makes a one-time sign-in link
    new_link: str  # shown once
    log_out_action: str = ""  # ends their sessions on all browsers
    step_since: str = ""  # the day since which they log in with a second step; "" without
    step_action: str = ""  # asks to let them in without it
    pause_action: str
    pause_form: Filled = EMPTY
    paused: bool = False
    checks_href: str = ""  # what was checked about them
    act_href: str = ""  # to act for them; "" where the reader may not
    role_href: str = ""  # to change what they do at the desk; "" where the reader may not
    part_action: str = ""  # notes that the member has left; "" for one who has
    part_form: Filled = EMPTY
    erase_action: str = ""  # asks to erase what is held about a former member
    erased: str = ""  # when that was done
    outside: tuple[str, ...] = ()  # what other schemes were given, in a sentence each


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberAddView(View):
    """GET and POST /admin/members/add. Fields: name, place, email, phone, address, offer, want."""

    TEMPLATE: ClassVar[str] = "admin/member_add.html"
    DESK: ClassVar[Desk] = "members"

    form: Filled = EMPTY
    once: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRow:
    to: str
    subject: str
    when: str
    state: Pill
    lines: tuple[str, ...]  # the text, for reading it out or printing it


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxView(View):
    """GET /admin/outbox: mail that could not be sent."""

    TEMPLATE: ClassVar[str] = "admin/outbox.html"
    DESK: ClassVar[Desk] = "outbox"

    mail_set_up: bool
    mails: tuple[MailRow, ...]
    pager: Pager | None
    empty: Empty | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveredRow:
    text: str  # "Ana Silva gives 2 hours to somebody at Riverside"
    reference: str
    when: str
    state: Pill


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingRow:
    text: str  # "Ana Silva gave 2 hours to Ben Okri: bread"
    reference: str
    when: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveredView(View):
    """GET /admin/recovered: what neighbours gave back after this computer started from an older copy."""

    TEMPLATE: ClassVar[str] = "admin/recovered.html"
    DESK: ClassVar[Desk] = "dashboard"

    trades: tuple[RecoveredRow, ...]
    others: str
    books: tuple[str, ...]  # what happened to the books as a whole
    warnings: tuple[str, ...]
    missing: tuple[MissingRow, ...]  # what a keeper's copy has and this computer has not
    once: str
    keys: bool  # whether to say what to do about the keys
    empty: Empty | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """How much of both limits of a line is used. Percentages are whole, 0..100, of their own side."""

    we_owe: int
    they_owe: int
    we_owe_limit: str  # "40 h"
    they_owe_limit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourCard:
    """One scheme we trade with, or are about to."""

    href: str
    name: str
    place: str
    state: Pill  # "Trading", "Asked us", "Quiet since Tuesday"
    rate: str  # "1 hour of ours is 12 Acorns"
    standing: str  # "They owe us 2 hours 30 minutes." / "Even."
    gauge: Gauge | None
    heard: str  # "heard 4 minutes ago"
    in_flight: str  # "1 trade under way, 30 min"; "" when none
    listings: str  # "41 listings from them, 63 of ours with them"


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighboursView(View):
    """GET /admin/neighbours"""

    TEMPLATE: ClassVar[str] = "admin/neighbours.html"
    DESK: ClassVar[Desk] = "neighbours"

    own_address: str  # to give to another organiser
    own_words: tuple[str, ...]  # six words to read out on the phone
    neighbours: tuple[NeighbourCard, ...]
    found_nearby: tuple[Option, ...]  # value: address, text: name, hint: where it was found
    empty: Empty | None
    ceiling_form: Filled  # field: we_may_owe
    ceiling_now: str  # "Now we owe 3 hours in all, with what is under way."
    unit_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourAddView(View):
    """GET and POST /admin/neighbours/add. Field: address."""

    TEMPLATE: ClassVar[str] = "admin/neighbour_add.html"
    DESK: ClassVar[Desk] = "neighbours"

    form: Filled = EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourProposeView(View):
    """Who they are, and the limits to propose. Fields: they_may_owe, we_may_owe."""

    TEMPLATE: ClassVar[str] = "admin/neighbour_propose.html"
    DESK: ClassVar[Desk] = "neighbours"

    name: str
    facts: tuple[Fact, ...]  # members, place, unit, since when, address
    words: tuple[str, ...]
    rate: str
    form: Filled
    unit_name: str
    amount_hint: str
    suggestion: str  # "Suggested: 1 hour for each member of the smaller scheme, at most 40."
    consequence: str  # "If Hilltop vanished owing 40 hours, …: 20 minutes a member."
    hidden: tuple[tuple[str, str], ...] = ()
    once: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourTrade:
    reference: str
    when: str
    amount: str
    direction: str  # "to them", "from them", "passing through"
    state: Pill
    href: str = ""  # of the trade; "" where it only passes through


Stage = Literal["asked-us", "we-asked", "trading", "stopped", "frozen", "ending", "ended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourView(View):
    """GET /admin/neighbours/{s}: one neighbour, with what can be done in its state."""

    TEMPLATE: ClassVar[str] = "admin/neighbour.html"
    DESK: ClassVar[Desk] = "neighbours"

    card: NeighbourCard
    stage: Stage
    facts: tuple[Fact, ...]
    words: tuple[str, ...]
    consequence: str
    limits_form: Filled
    unit_name: str
    amount_hint: str
    trades: tuple[NeighbourTrade, ...]
    once: str
    agree_action: str = ""
    decline_action: str = ""
    limits_action: str = ""
    take_back_action: str = ""
    stop_action: str = ""
    start_action: str = ""  # sends the limits
    end_action: str = ""
    said: Filled = EMPTY  # why a button did nothing
    settle_form: Filled = EMPTY
    can_settle: str = ""  # the most they can be said to have settled; "" where they owe nothing
    owed_now: str = "0"
    settle_action: str
    loss_form: Filled = EMPTY
    can_be_lost: str = ""  # what they owe and was not written off, where two organisers may write it off
    lost: str = ""  # "2 hours were written off; they owe them still."
    loss_action: str = ""
    go_on: GoOn | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GoOn:
    """How trade with a neighbour can begin anew from what both agree on."""

    why: str  # in one or two sentences
    facts: tuple[Fact, ...]  # what the steps on the line say, what our books say, what they have signed
    then: str = ""  # what we would book by what they signed
    form: Filled = EMPTY
    bases: tuple[Option, ...] = ()  # what it may begin from, where we propose
    action: str = ""  # sends `basis` and `amount`; where they have signed, only `agreed`
    agreed: str = ""  # what they have signed, in hours' 3 600 000ths: to answer exactly that
    told: str = ""  # that they have stopped, where we have not


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedCard:
    """Something that waits for a second organiser."""

    what: str
    detail: str
    then: str  # what happens when it is confirmed
    href: str
    asked: str  # "Asked by Rosa, today, 9:40"
    hindered: str  # why the reader cannot confirm it now; "" if they can
    confirm_action: str
    drop_action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckCard:
    """A trade whose member two organisers may free, or a deposit that they may let an owner keep."""

    what: str
    detail: str
    href: str
    who: str
    ask_action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TogetherView(View):
    """GET /admin/together: what two organisers must want."""

    TEMPLATE: ClassVar[str] = "admin/together.html"
    DESK: ClassVar[Desk] = "dashboard"

    said: Filled = EMPTY
    asked: tuple[AskedCard, ...]
    stuck: tuple[StuckCard, ...]
    deposits: tuple[StuckCard, ...] = ()  # that owners ask to keep some of
    empty: Empty | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeView(View):
    """GET and POST /admin/scheme.

    Fields: name, headline, about, meeting, help_name, help_phone, help_hours · hour_amount (what one hour
    is here; a change is announced 7 days ahead) · lower, upper (limits of new members).
    """

    TEMPLATE: ClassVar[str] = "admin/scheme.html"
    DESK: ClassVar[Desk] = "scheme"

    about_form: Filled
    rate_form: Filled
    limits_form: Filled
    who_form: Filled = EMPTY  # who_records
    abroad_form: Filled = EMPTY  # asks_abroad
    events_form: Filled = EMPTY  # public_events, lifts_abroad
    step_form: Filled = EMPTY  # organisers_second_step
    may_log_out_all: bool = False  # whether the reader may log everybody out
    in_hours: bool
    unit_name: str
    amount_hint: str
    hour_now: str  # "1 hour is 12 Acorns, since 3 May 2026"
    hour_next: str  # "From 12 May 2026 it will be 13 Acorns."; "" when nothing is announced
