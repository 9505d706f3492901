"""The page of one's logins. Source: docs/pages.md 8.13."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.views.page import Place, View


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRow:
    """One browser in which the reader is logged in."""

    device: str  # "Firefox on Linux"
    seen: str  # "Last used today, 9:40"
    since: str  # "Logged in on 3 May 2026"
    this_one: bool
    shared: bool  # logged out by itself after half an hour without a page
    end_action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginsView(View):
    """GET /my/logins"""

    TEMPLATE: ClassVar[str] = "member/logins.html"
    PLACE: ClassVar[Place] = "me"

    rows: tuple[LoginRow, ...]
    others: int  # how many of them are other browsers
