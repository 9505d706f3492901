"""The organisers' page about the end of their scheme. Source: docs/protocol.md 2.4; docs/pages.md 7.4."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from node.web.forms import EMPTY, Filled
from node.web.views.page import Desk, Fact, Link, View


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingView(View):
    """GET /admin/closing"""

    TEMPLATE: ClassVar[str] = "admin/closing.html"
    DESK: ClassVar[Desk] = "scheme"

    stage: Literal["open", "asked", "announced", "closed"]
    form: Filled = EMPTY
    notice_days: int = 0
    readable_days: int = 0
    facts: tuple[Fact, ...] = ()
    said: str = ""  # what stands in the way of taking it back
    left: tuple[Link, ...] = ()  # neighbours with whom something is still open
    sheet_href: str = ""
