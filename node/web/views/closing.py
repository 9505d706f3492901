"""The books of a closed year, for organisers. Source: docs/pages.md 7.4."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import Filled
from node.web.views.page import Desk, Empty, Fact, View


@dataclass(frozen=True, slots=True, kw_only=True)
class SumTable:
    """Balances that sum to zero."""

    caption: str
    rows: tuple[tuple[str, str], ...]
    sum: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedYearView(View):
    """GET /admin/close-year?year. Fields: year."""

    TEMPLATE: ClassVar[str] = "admin/close_year.html"
    DESK: ClassVar[Desk] = "scheme"

    year: str  # "2025", "2026, so far"
    form: Filled
    proof: str = ""
    figures: tuple[Fact, ...] = ()
    tables: tuple[SumTable, ...] = ()
    vouched: tuple[str, ...] = ()  # under which state of the book, and who checked that
    file_href: str = ""
    csv_href: str = ""
    pdf_href: str = ""  # "": papers are not made here
    empty: Empty | None = None
    printed: str
