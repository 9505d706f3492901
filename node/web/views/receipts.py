"""Receipts: a trade's on paper, and what a file proves. Source: docs/protocol.md 4.4, 7.9; docs/pages.md 7.1, 7.2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup

from node.web.forms import EMPTY, Filled
from node.web.views.page import Fact, Pill, Place, View
from node.web.views.trade import Sides


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptView(View):
    """GET /t/{reference}/receipt: to be printed, or saved as a file."""

    TEMPLATE: ClassVar[str] = "member/receipt.html"
    PLACE: ClassVar[Place] = "me"

    sides: Sides
    state: Pill
    facts: tuple[Fact, ...]
    words: tuple[str, ...]  # the six words of our own scheme
    code: str  # "7ZKM 2QR4 XABC DEFG"
    qr: Markup  # of `link`, as SVG
    link: str  # where anybody may ask whether the trade is in the book
    file_href: str
    pdf_href: str  # "": papers are not made here
    back_href: str
    printed: str  # "Printed on 7 March 2026"


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeShown:
    """A scheme that signed something in a receipt."""

    part: str  # "Written by"
    name: str
    words: tuple[str, ...]
    known: str  # whether we know it
    warns: bool = False  # we do not
    note: str = ""  # "on Saturday 28 February 2026, 10:14"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was found."""

    state: Pill
    title: str
    sentences: tuple[str, ...]
    facts: tuple[Fact, ...] = ()
    schemes: tuple[SchemeShown, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyView(View):
    """GET and POST /verify. Fields: file; and of the other form: reference, code."""

    TEMPLATE: ClassVar[str] = "visitor/verify.html"

    result: Result | None = None
    form: Filled = EMPTY
    asked: Filled = EMPTY
