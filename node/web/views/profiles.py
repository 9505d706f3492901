"""Members' pages about what they can do and who sees what of them. Source: docs/pages.md 7.2 (`/my/profile`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import EMPTY, Filled
from node.web.views.page import Fact, Link, Option, PictureShown, Place, View


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillGroup:
    """Skills to tick that belong together; what is ticked in it is open on the page."""

    name: str
    options: tuple[Option, ...]
    ticked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRow:
    """One contact line to fill in, and who sees it."""

    number: int
    seen_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileView(View):
    """GET /my/profile; each form posts by itself.

    Fields: words, can-CATEGORY for each · text1, seen1 and so on.
    """

    TEMPLATE: ClassVar[str] = "member/profile.html"
    PLACE: ClassVar[Place] = "me"

    skills_form: Filled = EMPTY
    groups: tuple[SkillGroup, ...]
    ticked: frozenset[str]
    contacts_form: Filled = EMPTY
    rows: tuple[ContactRow, ...]
    seen_options: tuple[Option, ...]
    portrait: PictureShown | None = None
    portrait_form: Filled = EMPTY  # field: picture


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenView(View):
    """GET /my/profile/seen?by: my own page as others see it."""

    TEMPLATE: ClassVar[str] = "member/profile_seen.html"
    PLACE: ClassVar[Place] = "me"

    name: str
    who: str  # "As a member sees you"
    others: tuple[Link, ...]  # as whom else one may look
    facts: tuple[Fact, ...]
    skills: tuple[str, ...]
    contacts: tuple[Fact, ...]
    note: str
