"""The page of what becomes of requests that nobody answers. Source: docs/protocol.md 3.11; docs/pages.md 7.4."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import Filled
from node.web.views.page import Desk, View


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesView(View):
    """GET and POST /admin/rules. Fields: ask_days, silence_days, in days."""

    TEMPLATE: ClassVar[str] = "admin/rules.html"
    DESK: ClassVar[Desk] = "scheme"

    days_form: Filled
    days_least: int
    days_most: int
    silence_form: Filled
    silence_least: int
    silence_most: int
    counts: str = ""  # "Who does not answer for 14 days has said yes."; "" where silence is none
    asked: bool = False  # whether it waits for a second organiser
