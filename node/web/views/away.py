"""The page on which a member says that they are away. Source: docs/pages.md 7.2, 8.10."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import EMPTY, Filled
from node.web.views.page import Place, View


@dataclass(frozen=True, slots=True, kw_only=True)
class AwayView(View):
    """GET and POST /my/away. Field: until, the last day."""

    TEMPLATE: ClassVar[str] = "member/away.html"
    PLACE: ClassVar[Place] = "me"

    form: Filled = EMPTY
    until: str = ""  # "Friday 12 May 2026"; "" for whoever is here
