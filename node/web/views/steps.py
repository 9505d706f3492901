"""The pages of the second step of logging in. Source: docs/pages.md 8.13."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup

from node.web.forms import EMPTY, Filled
from node.web.views.page import Place, View


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginStepView(View):
    """GET and POST /login/step, after the first proof was right. Field: code."""

    TEMPLATE: ClassVar[str] = "visitor/login_step.html"

    form: Filled = EMPTY
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondStepView(View):
    """GET /my/second-step: not set up, waiting for its first code, or on. Field of each form: code."""

    TEMPLATE: ClassVar[str] = "member/second_step.html"
    PLACE: ClassVar[Place] = "me"

    since: str = ""  # the day since which it is asked for; "" while it is not
    spare_left: int = 0
    picture: Markup | str = ""  # SVG of what the app reads, while the first code is waited for
    secret: str = ""  # the same to type, in groups of four
    codes: tuple[str, ...] = ()  # new spare codes, shown this once
    held_back: bool = False  # the desk stays closed without it
    confirm_form: Filled = EMPTY
    renew_form: Filled = EMPTY
    end_form: Filled = EMPTY
