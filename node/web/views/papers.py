"""What organisers print: the directory, the market sheet, cheques, cards, labels, the joining form.

Each is a page that can be read and printed as it is, and made into a PDF. Source: docs/pages.md 7.3, 9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup

from node.web.forms import EMPTY, Filled
from node.web.views.page import Desk, Link, View
from node.web.views.trade import StatementView


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintView(View):
    """GET /admin/print. Fields, all in the address: what, paper, large, names, first, count."""

    TEMPLATE: ClassVar[str] = "admin/print.html"
    DESK: ClassVar[Desk] = "members"

    form: Filled
    statements_form: Filled = EMPTY  # from, to, size, large, post, begin
    makes_pdf: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One listing in a line."""

    title: str
    price: str
    whose: str = ""  # a name or number; "" where it stands below its owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One member of the directory."""

    name: str  # "" where only numbers are printed
    number: str
    place: str
    offers: tuple[Line, ...]
    wants: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper(View):
    """What all papers share."""

    size: str  # "a4", "letter"
    large: bool  # for people who do not see well
    printed: str  # "Printed on 27 November 2026"
    back_href: str = "/admin/print"


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryView(Paper):
    """Everybody, with what they offer and look for."""

    TEMPLATE: ClassVar[str] = "paper/directory.html"

    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """One category of the market sheet."""

    name: str
    offers: tuple[Line, ...]
    wants: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSheetView(Paper):
    """Everything offered and looked for, by category, with numbers to ring the desk about."""

    TEMPLATE: ClassVar[str] = "paper/market.html"

    shelves: tuple[Shelf, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChequesView(Paper):
    """Blank cheques in a row of numbers, each with a stub for either side."""

    TEMPLATE: ClassVar[str] = "paper/cheques.html"

    numbers: tuple[str, ...]
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A member's card: whoever reads its drawing with a telephone comes to the page that pays them."""

    name: str
    number: str
    code: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class CardsView(Paper):
    """Cards to cut out."""

    TEMPLATE: ClassVar[str] = "paper/cards.html"

    cards: tuple[Card, ...]
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsView(Paper):
    """Addresses to stick on letters."""

    TEMPLATE: ClassVar[str] = "paper/labels.html"

    labels: tuple[tuple[str, ...], ...]  # the lines of each
    without: tuple[str, ...]  # who has no address


@dataclass(frozen=True, slots=True, kw_only=True)
class JoiningView(Paper):
    """The joining form, to be filled in by hand."""

    TEMPLATE: ClassVar[str] = "paper/joining.html"

    agreement: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberStatement:
    """The statement of one member, with where it is sent."""

    address: tuple[str, ...]
    statement: StatementView
    complete: bool  # False: there are more trades than were read


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementsView(Paper):
    """The statements of members for a time, one sheet for each."""

    TEMPLATE: ClassVar[str] = "paper/statements.html"

    statements: tuple[MemberStatement, ...]
    more: Link | None  # where the next ones are
