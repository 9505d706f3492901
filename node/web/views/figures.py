"""What happened in the scheme, for organisers: tables with bars. Source: docs/pages.md 7.3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import Filled
from node.web.views.page import Desk, Fact, View


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    label: str
    cells: tuple[str, ...]
    bar: int  # 0..100: how long the bar beside it is
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTable:
    """One table; the bar beside each row draws its last column."""

    caption: str
    heads: tuple[str, ...]  # of the label and of each cell
    rows: tuple[ReportRow, ...]
    empty: str  # what stands there without rows
    csv_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportsView(View):
    """GET /desk/figures?from&to"""

    TEMPLATE: ClassVar[str] = "admin/figures.html"
    DESK: ClassVar[Desk] = "figures"

    form: Filled
    period: str  # "1 Dec 2025 to 7 Mar 2026"
    figures: tuple[Fact, ...]
    tables: tuple[ReportTable, ...]
    printed: str
