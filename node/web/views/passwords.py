"""The pages about logging in with a password. Source: docs/pages.md 8.13."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import EMPTY, Filled
from node.web.views.page import Place, View


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginPasswordView(View):
    """GET and POST /login/password. Fields: number, password, own_computer (a tick)."""

    TEMPLATE: ClassVar[str] = "visitor/login_password.html"

    form: Filled = EMPTY
    after: str = ""  # where to go afterwards


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordView(View):
    """GET and POST /my/password; POST /my/password/remove. Fields: password, password_again."""

    TEMPLATE: ClassVar[str] = "member/password.html"
    PLACE: ClassVar[Place] = "me"

    form: Filled = EMPTY
    since: str  # "3 May 2026"; "" where there is none
    number: str  # for the browser that remembers it
    may_change: bool  # logged in a moment ago
    fresh_minutes: int
    characters_min: int
    characters_max: int
