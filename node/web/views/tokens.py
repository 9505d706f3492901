"""The token desk: tokens and money, receipts, and the book of both. Source: docs/pages.md 7.6."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import EMPTY, Filled
from node.web.views.page import Desk, Empty, Fact, Link, View


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskForm:
    """One thing to do at the desk: its form, its button, and where it is sent. Fields: see `fields`."""

    name: str  # also the prefix of its fields' ids
    title: str
    hint: str
    button: str
    action: str
    once: str
    fields: tuple[tuple[str, str, str, bool], ...]  # name, label, hint, needed
    form: Filled = EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """One line of the book."""

    number: str
    href: str
    when: str
    what: str
    who: str
    tokens: str  # "+3", "−2", ""
    money: str
    tokens_after: str
    money_after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensView(View):
    """GET /desk/tokens. The terms' fields: worth, price, currency."""

    TEMPLATE: ClassVar[str] = "admin/tokens.html"
    DESK: ClassVar[Desk] = "help"

    facts: tuple[Fact, ...]
    forms: tuple[DeskForm, ...]  # empty until somebody has said what a token is
    newest: tuple[TokenRow, ...]
    terms_form: Filled
    unit_name: str
    amount_hint: str
    wrong: str = ""  # which form is to be looked at again


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBookView(View):
    """GET /desk/tokens/book?month"""

    TEMPLATE: ClassVar[str] = "admin/token_book.html"
    DESK: ClassVar[Desk] = "help"

    month: str  # "March 2026"
    rows: tuple[TokenRow, ...]
    earlier: Link
    later: Link | None
    csv_href: str
    printed: str
    empty: Empty | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenReceiptView(View):
    """GET /desk/tokens/{no}: one act as a receipt, to print. Field: reason."""

    TEMPLATE: ClassVar[str] = "admin/token_receipt.html"
    DESK: ClassVar[Desk] = "help"

    number: str
    what: str
    facts: tuple[Fact, ...]
    links: tuple[Link, ...]  # to what it corrects or is corrected by, and to the trade
    pdf_href: str
    form: Filled = EMPTY
    correct_action: str = ""
    printed: str
