"""Members' pages about amounts that go by themselves on their days, and loans. Source: docs/protocol.md 3.6, 3.7; docs/pages.md 0.10, 7.2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import EMPTY, Filled
from node.web.views.member import PersonCard
from node.web.views.page import Fact, Link, Pill, Place, View


@dataclass(frozen=True, slots=True, kw_only=True)
class _MyView(View):
    PLACE: ClassVar[Place] = "me"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoosePersonView(_MyView):
    """One question whose answer is another member. Query: q."""

    TEMPLATE: ClassVar[str] = "member/choose_person.html"

    title: str  # "A regular amount, step 1 of 3"
    question: str  # "Who gets it?"
    path: str  # where the search goes
    query: str
    recent: tuple[PersonCard, ...]
    found: tuple[PersonCard, ...] | None  # None before anybody was looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingRow:
    """One order in the list."""

    href: str
    text: str  # "2 hours for Ben, every month"
    what: str
    when: str  # "next on Friday 1 May 2026"
    state: Pill


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingListView(_MyView):
    """GET /my/standing"""

    TEMPLATE: ClassVar[str] = "member/standing_list.html"

    rows: tuple[StandingRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingWhatView(_MyView):
    """GET and POST /my/standing/what. Fields: what, amount, every (week, month), first, times, last."""

    TEMPLATE: ClassVar[str] = "member/standing_what.html"

    name: str
    form: Filled = EMPTY
    who: str  # "0002"
    unit_name: str
    amount_hint: str
    times_most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingCheckView(_MyView):
    """The check page: nothing goes before the yes on it."""

    TEMPLATE: ClassVar[str] = "member/standing_check.html"

    what: str
    facts: tuple[Fact, ...]  # to whom, how much each time, how often, from, until, all together
    days: tuple[str, ...]  # the first of them, in full
    more_days: str  # "and 9 more"; ""
    tries: int  # days for which one is tried
    hidden: tuple[tuple[str, str], ...]
    once: str
    change_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRow:
    """What became of one day."""

    day: str
    text: str  # "Paid", "Left out: …"
    href: str = ""  # to the trade


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingView(_MyView):
    """GET /my/standing/{number}: for whoever gives."""

    TEMPLATE: ClassVar[str] = "member/standing.html"

    title: str
    state: Pill
    sentences: tuple[str, ...]  # what comes next, or why it waits or ended
    facts: tuple[Fact, ...]
    turns: tuple[TurnRow, ...]
    stop_action: str = ""
    next: Link | None = None  # to begin it again, or to the loan it pays back


# --- loans ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanRow:
    """One loan in a list."""

    href: str
    text: str  # "Ben lends you 5 hours"
    what: str
    left: str  # "3 hours are left"; ""
    state: Pill


@dataclass(frozen=True, slots=True, kw_only=True)
class LoansView(_MyView):
    """GET /my/loans"""

    TEMPLATE: ClassVar[str] = "member/loans.html"

    borrowed: tuple[LoanRow, ...]
    lent: tuple[LoanRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanWhatView(_MyView):
    """GET and POST /my/loans/what. Fields: what, amount, part, every (week, month), first."""

    TEMPLATE: ClassVar[str] = "member/loan_what.html"

    name: str
    form: Filled = EMPTY
    who: str  # "0002"
    unit_name: str
    amount_hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanCheckView(_MyView):
    """The lender's check page: nothing moves before the other says yes too."""

    TEMPLATE: ClassVar[str] = "member/loan_check.html"

    name: str
    what: str
    facts: tuple[Fact, ...]
    mine: str  # "You have 3 hours now and are 2 hours behind afterwards."
    until: str  # until when the other can say yes
    hidden: tuple[tuple[str, str], ...]
    once: str
    change_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanView(_MyView):
    """GET /my/loans/{number}: for its two parties. Field: amount (to pay back early)."""

    TEMPLATE: ClassVar[str] = "member/loan.html"

    title: str  # "Ben lends you 5 hours"
    state: Pill
    sentences: tuple[str, ...]
    facts: tuple[Fact, ...]
    balances: str = ""  # what a yes would do to the reader's
    yes_action: str = ""
    no_action: str = ""
    withdraw_action: str = ""
    repay_action: str = ""
    repay_form: Filled = EMPTY
    unit_name: str = ""
    amount_hint: str = ""
    forgive_action: str = ""
    left: str = ""
    order: Link | None = None  # to what goes by itself
    parts: tuple[TurnRow, ...] = ()  # what came back so far
    message_href: str = ""
