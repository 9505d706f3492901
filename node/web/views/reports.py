"""Reporting a listing or a conversation, and the organisers' pages about it. Source: docs/pages.md 7.2, 7.3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import EMPTY, Filled
from node.web.views.complaints import ComplaintRow
from node.web.views.page import Desk, Link, Place, View


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView(View):
    """GET and POST /l/{id}/report, /messages/{n}/report, /groups/{key}/notes/{n}/report, /decisions/{key}/report. Field: text."""

    TEMPLATE: ClassVar[str] = "member/report.html"
    PLACE: ClassVar[Place] = "find"

    what: str
    readers: str
    ring: str
    form: Filled = EMPTY
    action: str
    back: Link


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportsView(View):
    """GET /admin/reports: what waits for an organiser."""

    TEMPLATE: ClassVar[str] = "admin/reports.html"
    DESK: ClassVar[Desk] = "dashboard"

    rows: tuple[ComplaintRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedView(View):
    """GET /admin/reports/{number}. Fields: reason · words."""

    TEMPLATE: ClassVar[str] = "admin/report.html"
    DESK: ClassVar[Desk] = "dashboard"

    title: str
    who: str
    when: str
    said: tuple[str, ...]
    quoted_title: str
    quoted: tuple[str, ...]
    listing: Link | None
    people: tuple[Link, ...]
    outcome: str
    own: bool
    is_note: bool = False  # on the board of a group
    is_remark: bool = False  # about a proposal; where neither, a listing
    take_down_action: str
    take_down_form: Filled = EMPTY
    close_action: str
    close_form: Filled = EMPTY
