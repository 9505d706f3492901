"""Help that is asked for in private: the pages of whoever asks, of helpers, and of organisers. Source: docs/pages.md 7.6."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import EMPTY, Filled
from node.web.views.page import Desk, Empty, Fact, Link, Option, Pill, Place, View


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpRow:
    """One request in a list."""

    href: str
    what: str
    state: Pill
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MyHelpView(View):
    """GET /my/help"""

    TEMPLATE: ClassVar[str] = "member/help_list.html"
    PLACE: ClassVar[Place] = "me"

    asked: tuple[HelpRow, ...]
    brought: tuple[HelpRow, ...]  # what the reader is asked to help with
    empty: Empty | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHelpView(View):
    """GET and POST /my/help/new. Fields: task, when, where, category, checked, named."""

    TEMPLATE: ClassVar[str] = "member/help_new.html"
    PLACE: ClassVar[Place] = "me"

    form: Filled = EMPTY
    once: str
    categories: tuple[Option, ...]
    ring: str  # whom to ring instead; "" for nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpView(View):
    """GET /my/help/{no}, for whoever asks and for helpers who were asked; an action is "" where it is not theirs now."""

    TEMPLATE: ClassVar[str] = "member/help_one.html"
    PLACE: ClassVar[Place] = "me"

    what: str
    state: Pill
    sentence: str
    facts: tuple[Fact, ...]
    helper: Link | None = None  # who comes
    helper_badge: str = ""
    said: str = ""  # the helper's words
    links: tuple[Link, ...] = ()  # to write, and to record it afterwards
    once_said: Filled = EMPTY  # why nothing was done
    yes_action: str = ""  # Field: said
    no_action: str = ""
    off_action: str = ""
    done_action: str = ""
    another_action: str = ""
    back_action: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpDeskView(View):
    """GET /desk/help"""

    TEMPLATE: ClassVar[str] = "admin/help_list.html"
    DESK: ClassVar[Desk] = "help"

    waiting: tuple[HelpRow, ...]
    found: tuple[HelpRow, ...]
    ended: tuple[HelpRow, ...]
    empty: Empty | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HelperCard:
    """Somebody who could be asked."""

    name: str
    number: str
    href: str
    badge: str
    lines: tuple[str, ...]  # what they can do, how far away they live


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpMatchView(View):
    """GET /desk/help/{no}. Forms: helper (a number) · words, why it is closed."""

    TEMPLATE: ClassVar[str] = "admin/help_one.html"
    DESK: ClassVar[Desk] = "help"

    what: str
    state: Pill
    facts: tuple[Fact, ...]
    asker: Link
    answers: tuple[HelpRow, ...]  # who was asked, and what they say
    fitting: tuple[HelperCard, ...]
    query: str
    note: str  # that only checked helpers are asked; that none fits
    said: Filled = EMPTY
    ask_action: str
    close_form: Filled = EMPTY
    close_action: str
    done_action: str
    another_action: str
