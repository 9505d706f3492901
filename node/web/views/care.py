"""Helpers who were checked, for organisers and for themselves. Source: docs/pages.md 7.6."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import EMPTY, Filled
from node.web.views.page import Desk, Empty, Link, Option, Pill, Place, View


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """One thing that was checked."""

    what: str
    state: Pill  # "Counts until 4 Mar 2027", "Ended", "Withdrawn"
    lines: tuple[str, ...]  # who, when, the note, why it was withdrawn
    who: Link | None = None  # about whom, on the list of all
    withdraw_action: str = ""
    form: Filled = EMPTY
    prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpersView(View):
    """GET /desk/helpers; the form says what is checked here: needed, more (a line each)."""

    TEMPLATE: ClassVar[str] = "admin/helpers.html"
    DESK: ClassVar[Desk] = "help"

    helpers: tuple[Link, ...]  # "Ben Carter (0042), until 4 Mar 2027"
    soon: tuple[CheckRow, ...]  # what ends within thirty days
    ended: tuple[CheckRow, ...]  # what ended lately
    empty: Empty | None
    form: Filled
    saved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HelperView(View):
    """GET /desk/helpers/{no}: what was checked about one member. Fields: what, checked, until, note; reason."""

    TEMPLATE: ClassVar[str] = "admin/helper.html"
    DESK: ClassVar[Desk] = "help"

    name: str
    number: str
    member_href: str
    badge: str  # "Checked helper until May 2027"; "" for none
    lacking: str  # what is missing for it; "" for nothing
    rows: tuple[CheckRow, ...]
    form: Filled = EMPTY
    whats: tuple[Option, ...]
    action: str  # "" where the reader may not


@dataclass(frozen=True, slots=True, kw_only=True)
class MyChecksView(View):
    """GET /my/checks: what organisers wrote down about the reader."""

    TEMPLATE: ClassVar[str] = "member/checks.html"
    PLACE: ClassVar[Place] = "me"

    badge: str
    rows: tuple[CheckRow, ...]
    empty: Empty | None
