"""Organisers' pages for what comes on paper: cheques and slips, and what members are told without mail. Source: docs/pages.md 7.3, 8.9."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import Filled
from node.web.views.page import Desk, Empty, Link, Option, Pill, View


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRow:
    href: str
    when: str  # "today, 9:40"
    where: str  # "Market, 4 Mar 2026"
    by: str
    state: Pill  # "3 to sort out", "Put away"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopesView(View):
    """GET and POST /desk/entry. Fields of a new envelope: day, place, slips, total."""

    TEMPLATE: ClassVar[str] = "admin/envelopes.html"
    DESK: ClassVar[Desk] = "entry"

    form: Filled
    unit_name: str
    amount_hint: str
    once: str
    batches: tuple[BatchRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipView:
    """One row of the grid. What is in the books is shown, not asked."""

    row: int
    values: tuple[str, ...]  # as typed, in the order of the columns
    said: tuple[str, ...] = ()  # what the check found, in sentences
    wrong: tuple[str, ...] = ()  # names of the columns in trouble
    good: bool = False
    trade: Link | None = None  # its trade, once it is in the books or set aside
    settled: bool = False  # in the books or on its way: shown, not asked
    pill: Pill | None = None  # how it stands, once it was written or sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of the grid; its `name` begins the names of its fields."""

    name: str
    label: str
    maxlength: int
    numeric: bool = False
    shared: bool = True  # whether one answer can stand for all slips
    names: str = ""  # the list of what can be chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchView(View):
    """GET and POST /desk/entry/{no}. Fields: day, place, slips, total, each column's name with 0 (the same for all) and 1 to 50; do, seen, rows."""

    TEMPLATE: ClassVar[str] = "admin/batch.html"
    DESK: ClassVar[Desk] = "entry"

    title: str
    closed: bool
    action: str
    close_action: str
    form: Filled  # the envelope's fields
    unit_name: str
    columns: tuple[Column, ...]
    same: tuple[str, ...]  # in the order of the columns
    slips: tuple[SlipView, ...]
    total: tuple[str, ...]  # how it compares with the envelope, in sentences
    fits: bool
    wrong: int = 0  # how many rows have something to be put right
    good: int = 0  # how many can be written into the books
    seen: str = ""  # marks what was checked; "" before the check
    more: int = 0  # how many rows can be added
    near: tuple[str, ...] = ()  # names of the schemes that a cheque can be from or for
    again_href: str = ""  # to look how those stand that are on their way


@dataclass(frozen=True, slots=True, kw_only=True)
class BroughtCard:
    """A cheque of a member of ours that came to a desk elsewhere and waits for a yes."""

    title: str  # "Cheque 0412 of 4 March 2026"
    name: str  # of whoever gave it
    number: str
    href: str
    sentences: tuple[str, ...]
    form: Filled  # said
    field: str  # the name of its field: several are on one page
    action: str  # "" where it is not for the reader to answer
    can_pay: bool  # otherwise only a no is left
    own_href: str = ""  # where the reader answers it who gave it


@dataclass(frozen=True, slots=True, kw_only=True)
class BroughtView(View):
    """GET and POST /desk/cheques. Fields of a card's form: said, do (yes, no)."""

    TEMPLATE: ClassVar[str] = "admin/cheques.html"
    DESK: ClassVar[Desk] = "entry"

    cards: tuple[BroughtCard, ...]
    empty: Empty | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotesCard:
    """What one member is to be told."""

    name: str
    number: str
    href: str
    reach: str  # "Ring 01632 960 456", "By letter: 3 Mill Lane"
    notes: tuple[tuple[str, str], ...]  # when, and what
    last: str  # the number of the newest note shown
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LettersView(View):
    """GET /desk/letters. Field of a card's form: last."""

    TEMPLATE: ClassVar[str] = "admin/letters.html"
    DESK: ClassVar[Desk] = "letters"

    cards: tuple[NotesCard, ...]
    empty: Empty | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActView(View):
    """GET and POST /desk/as/{no}. Fields: how, why."""

    TEMPLATE: ClassVar[str] = "admin/act.html"
    DESK: ClassVar[Desk] = "members"

    name: str
    number: str
    action: str
    form: Filled
    hows: tuple[Option, ...]
    back_href: str
