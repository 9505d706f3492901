"""The organisers' pages about trades with which something is wrong. Source: docs/pages.md 7.3, 8.8."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import EMPTY, Filled
from node.web.views.page import Desk, Link, PictureShown, View


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintRow:
    href: str
    who: str
    what: str
    when: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintsView(View):
    """GET /admin/complaints: what waits for an organiser."""

    TEMPLATE: ClassVar[str] = "admin/complaints.html"
    DESK: ClassVar[Desk] = "dashboard"

    rows: tuple[ComplaintRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidView:
    """What one side says."""

    who: str
    when: str
    paragraphs: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintView(View):
    """GET /admin/complaints/{number}. Fields: reason · words."""

    TEMPLATE: ClassVar[str] = "admin/complaint.html"
    DESK: ClassVar[Desk] = "dashboard"

    title: str
    badge: str
    amount: str
    trade: Link
    said: tuple[SaidView, ...]
    people: tuple[Link, ...]  # where to write to them
    own: bool  # the reader is a party to the trade
    across: bool
    correct_action: str
    correct_form: Filled = EMPTY
    once: str
    close_action: str
    close_form: Filled = EMPTY
    condition: tuple[
        tuple[PictureShown, str], ...
    ] = ()  # of what one lent the other, each with who showed it and when
