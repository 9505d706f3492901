"""The pages of pay codes. Source: docs/pages.md 0.7, 7.1, 7.2, 8.7."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup

from node.web.forms import EMPTY, Filled
from node.web.views.page import Link, Place, View


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeCodeView(View):
    """GET and POST /qr. Fields: what, amount; both may stay empty."""

    TEMPLATE: ClassVar[str] = "member/qr_make.html"
    PLACE: ClassVar[Place] = "record"

    form: Filled = EMPTY
    unit_name: str
    amount_hint: str
    once: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeView(View):
    """GET /qr/{code}: large, for another to read."""

    TEMPLATE: ClassVar[str] = "member/qr.html"
    PLACE: ClassVar[Place] = "record"
    CHANGES_WHOLE: ClassVar[bool] = True

    letters: str  # "K7F-3QM-92X"
    picture: Markup  # SVG; "" once it is used or over
    amount: str
    what: str
    until: str
    paid: Link | None  # the amount, to the trade
    over: bool
    check_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanView(View):
    """GET and POST /scan. Field: code."""

    TEMPLATE: ClassVar[str] = "member/scan.html"
    PLACE: ClassVar[Place] = "record"

    form: Filled = EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class PayLinkView(View):
    """GET /pay/{code} for somebody who is not signed in."""

    TEMPLATE: ClassVar[str] = "visitor/pay_link.html"

    name: str
    what: str
    amount: str
    login_href: str
