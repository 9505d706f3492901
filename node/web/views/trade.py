"""Members' pages about trades: recording one, what became of it, and the statement.

Source: docs/pages.md 4, 8.6 and 8.11 with the amendments of section 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from node.web.forms import EMPTY, Filled
from node.web.views.member import PersonCard
from node.web.views.page import Fact, Link, Pager, Pill, Place, View

# Which side of the trade the person recording it is on.
Did = Literal["received", "gave"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _RecordView(View):
    PLACE: ClassVar[Place] = "record"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordWhoView(_RecordView):
    """GET /record?q&with: who helped you? GET /ask?q&with: whom did you help?"""

    TEMPLATE: ClassVar[str] = "member/record_who.html"

    did: Did
    path: str = "/record"
    query: str
    recent: tuple[PersonCard, ...]
    found: tuple[PersonCard, ...] | None  # None before anything was looked for
    last: tuple[Link, ...] = ()  # "Ben Carter, garden help, 2 hours", to do once more
    several: bool = False  # more than one person is being chosen
    chosen: tuple[Link, ...] = ()  # each with where to go to leave them out again
    chosen_numbers: str = ""  # "0002,0003"
    several_href: str = "/record?several=1"
    next_href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordWhatView(_RecordView):
    """GET and POST /record/what, /record/several and /ask/what. Fields: what, amount, share (each, all)."""

    TEMPLATE: ClassVar[str] = "member/record_what.html"

    did: Did
    action: str = "/record/what"
    several: bool = False  # `name` is more than one person
    name: str
    badge: str
    form: Filled = EMPTY
    hidden: tuple[tuple[str, str], ...] = ()
    unit_name: str  # of the price: "hours", "Acorns"
    amount_hint: str
    rate_note: str  # "12 Acorns are 1 hour."; "" in the own scheme
    change_who_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskCheckView(_RecordView):
    """The check page of a request to one or several: nothing moves by it."""

    TEMPLATE: ClassVar[str] = "member/ask_check.html"

    what: str
    people: tuple[Fact, ...]  # label: name, text: amount
    total: str = ""  # of several
    until: str  # "12 March 2026"
    counts: str = ""  # the day on which silence is a yes, where it is
    button: str  # "Ask Ben"
    action: str = "/ask/do"
    hidden: tuple[tuple[str, str], ...]
    once: str
    change_href: str
    cancel_href: str = "/home"
    note: str = ""  # what whoever is asked abroad gives is reckoned in their unit


@dataclass(frozen=True, slots=True, kw_only=True)
class SeveralCheckView(_RecordView):
    """The check page of paying several at once."""

    TEMPLATE: ClassVar[str] = "member/several_check.html"

    what: str
    people: tuple[Fact, ...]  # label: name, text: amount
    total: str
    mine: str  # "You have 3 hours now, 1 hour afterwards."
    button: str
    hidden: tuple[tuple[str, str], ...]
    once: str
    change_href: str
    cancel_href: str = "/home"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeveralDoneView(_RecordView):
    """GET /record/several/done: what paying several came to."""

    TEMPLATE: ClassVar[str] = "member/several_done.html"

    what: str
    trades: tuple[Link, ...]  # "Ben Carter: 30 minutes", to each trade
    balance: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskView(View):
    """GET /asks/{number}: for whoever asked and for whoever is asked."""

    TEMPLATE: ClassVar[str] = "member/ask.html"
    PLACE: ClassVar[Place] = "home"

    title: str  # "Ben asks you for 2 hours."
    badge: str = ""
    state: Pill
    sentences: tuple[str, ...]
    facts: tuple[Fact, ...]
    balances: str = ""  # what the payer has now and afterwards
    yes_action: str = ""  # while the reader is asked
    yes_text: str = ""  # "Yes, pay Ben"
    no_action: str = ""
    no_form: Filled = EMPTY
    remind_action: str = ""  # while the reader waits
    withdraw_action: str = ""
    trade: Link | None = None  # what paid it
    again_href: str = ""
    message_href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskRow:
    """A request in a list."""

    href: str
    text: str  # "Ben Carter asks you for 2 hours"
    what: str
    when: str
    state: Pill


@dataclass(frozen=True, slots=True, kw_only=True)
class AsksView(View):
    """GET /asks: what I was asked, and what I asked."""

    TEMPLATE: ClassVar[str] = "member/asks.html"
    PLACE: ClassVar[Place] = "me"

    to_me: tuple[AskRow, ...]
    by_me: tuple[AskRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCheckView(_RecordView):
    """The check page: nothing has moved yet. POST with `hidden` and `once` does it."""

    TEMPLATE: ClassVar[str] = "member/record_check.html"

    did: Did
    dated: str  # "Saturday 7 March 2026"
    payer: str
    payer_scheme: str
    payee: str
    payee_scheme: str
    what: str
    payee_gets: str  # "6 Acorns"
    payer_gives: str  # "30 minutes"
    payer_gives_short: str  # "30 min", for the box of the cheque
    mine_now: str  # "3 hours"
    mine_after: str  # "2 hours 30 minutes"
    mine: str = ""  # both in a sentence of their own, where one of them is below zero
    theirs_after: str = ""  # where the scheme shows balances
    button: str  # "Pay Karim"
    action: str
    hidden: tuple[tuple[str, str], ...]
    once: str
    change_href: str
    cancel_href: str
    more: tuple[Fact, ...] = ()  # the rate, what the schemes then owe each other, rounding
    changed: str = ""  # "The price was 6 Acorns. It is 6.50 Acorns now."
    again: str = ""  # "You recorded the same 4 minutes ago. Again?"
    sign_ask: str = ""  # where a browser asks what its passkey is to sign; empty: the payer has none


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordStoppedView(_RecordView):
    """A trade that cannot be recorded as it is: a limit, or one already waiting."""

    TEMPLATE: ClassVar[str] = "member/record_stopped.html"

    title: str  # "This would take you too far"
    sentences: tuple[str, ...]  # "You can go to 10 hours behind. This would be 11 hours. …"
    action: Link
    other: Link | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Both amounts of a trade, the reader's first."""

    sentence: str  # "Karim gave you plum jam, 4 jars."
    mine: str  # "You gave 30 minutes."
    theirs: str  # "Karim got 6 Acorns."; "" when it is the same amount
    reference: str  # "K7F-3QM-92X"
    badge: str = ""  # the other scheme's name; "" for our own


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAsideView(_RecordView):
    """The other scheme has not answered yet; the button asks again."""

    TEMPLATE: ClassVar[str] = "member/set_aside.html"
    CHANGES_WHOLE: ClassVar[bool] = True

    sides: Sides
    amount: str  # "30 minutes"
    scheme: str  # "Riverside"
    since: str  # "14:05"
    slow: bool = False  # for longer than a trade usually takes
    check_href: str
    trade_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneView(_RecordView):
    """Recorded."""

    TEMPLATE: ClassVar[str] = "member/done.html"
    CHANGES_WHOLE: ClassVar[bool] = True

    sides: Sides
    by_both: bool  # recorded by both schemes, not only by ours
    told: str  # "Karim has been told."
    balance: str  # "You have 2 hours 30 minutes now."
    trade_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LateView(_RecordView):
    """The other scheme is silent for longer. Source: docs/pages.md 0.5."""

    TEMPLATE: ClassVar[str] = "member/late.html"
    CHANGES_WHOLE: ClassVar[bool] = True

    sides: Sides
    amount: str
    scheme: str
    since: str
    days: int  # after which an organiser can free the amount
    check_href: str
    trade_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoneView(_RecordView):
    """Nothing moved in the end."""

    TEMPLATE: ClassVar[str] = "member/undone.html"
    CHANGES_WHOLE: ClassVar[bool] = True

    sides: Sides
    amount: str
    reason: str  # "Riverside could not take it now."
    again_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeView(View):
    """GET /t/{ref}"""

    TEMPLATE: ClassVar[str] = "member/trade.html"
    PLACE: ClassVar[Place] = "me"
    CHANGES_WHOLE: ClassVar[bool] = True

    sides: Sides
    state: Pill
    state_text: tuple[str, ...]
    facts: tuple[Fact, ...]  # when, who entered it, who agreed, rate, other scheme
    history: tuple[Fact, ...]  # label: moment, text: what happened
    check_href: str = ""  # while something is under way
    receipt_href: str = ""  # once it is in the book
    message_href: str = ""
    thanks: tuple[Fact, ...] = ()  # label: who, text: what they said
    thank_href: str = ""
    wrong_href: str = ""
    again_href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThankView(View):
    """GET and POST /t/{ref}/thank. Field: text."""

    TEMPLATE: ClassVar[str] = "member/thank.html"
    PLACE: ClassVar[Place] = "me"

    name: str
    sentence: str
    form: Filled = EMPTY
    action: str
    back_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongView(View):
    """GET and POST /t/{ref}/wrong. Field: text."""

    TEMPLATE: ClassVar[str] = "member/wrong.html"
    PLACE: ClassVar[Place] = "me"

    sentence: str
    reference: str  # to read out on the phone
    readers: str  # who reads what is written here
    ring: str
    form: Filled = EMPTY
    action: str  # "" once it is too late
    back_href: str
    pay_back_href: str  # for whoever was paid
    pay_back: str
    other_pays: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    date: str
    sentence: str  # "Karim gave you plum jam"
    who: str
    badge: str
    href: str
    received: str  # "+2 h" or ""
    given: str  # "−30 min" or ""
    balance: str
    theirs: str = ""  # "6.00 Acorns in Riverside"
    reference: str = ""  # "K7F-3QM-92X"; "" where the organisers entered it
    state: Pill | None = None  # "Set aside"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastLine:
    """A trade of the old scheme."""

    date: str  # "2 Apr 2015"; "" if none was told
    sentence: str  # "Yoga, with Nil Roca"
    received: str
    given: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementView(View):
    """GET /statement?from&to. Fields: from, to (dates)."""

    TEMPLATE: ClassVar[str] = "member/statement.html"
    PLACE: ClassVar[Place] = "me"

    name: str
    number: str
    period: str  # "1 December 2025 to 28 February 2026"
    form: Filled
    unit_name: str
    opening: str
    closing: str
    closing_words: str  # "2 hours 30 minutes ahead"
    set_aside: str = ""  # how much of it is set aside as deposits
    total_received: str
    total_given: str
    lines: tuple[StatementLine, ...]
    csv_href: str
    pdf_href: str  # "": papers are not made here
    printed: str  # "Printed on 7 March 2026"
    seal: tuple[str, ...] = ()  # when the books were signed, and who checked them
    as_of: str = ""  # as on the first page
    pager: Pager | None = None
    past: tuple[PastLine, ...] = ()  # of these days, from the old scheme
    past_elsewhere: str = (
        ""  # "34 trades from the old scheme, 2 April 2015 to 9 March 2019", where other days show them
    )
    past_href: str = ""
