"""What the pages about the node itself show. Source: docs/pages.md 7.5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import Filled
from node.web.views.page import Desk, Fact, Pill, View


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    name: str
    state: Pill
    text: str
    fix: str  # empty: nothing is to be done


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView(View):
    """GET /node"""

    TEMPLATE: ClassVar[str] = "admin/node.html"
    DESK: ClassVar[Desk] = "dashboard"

    lead: str
    rows: tuple[FindingRow, ...]  # what needs mending first
    may_back_up: bool
    hindered: str  # why the backup that was just wanted could not be made, in the computer's own words; mostly empty
    tried: Pill | None  # of the backup tried last
    tried_text: str
    tried_said: str  # what is wrong with it, in the computer's own words
    may_try: bool
    mail_text: str
    may_mail: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverView(View):
    """GET /node/handover"""

    TEMPLATE: ClassVar[str] = "admin/handover.html"
    DESK: ClassVar[Desk] = "dashboard"

    facts: tuple[Fact, ...]
    form: Filled
    printed: str
