"""The desk's pages for bringing in files of other programs. Source: docs/pages.md 7.4."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import EMPTY, Filled
from node.web.views.page import Desk, Fact, Option, Pill, View


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """A file that was looked at."""

    href: str
    text: str  # "Cyclos 3: members"
    when: str
    state: Pill


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportsView(View):
    """GET and POST /admin/import. Fields: layout, unit, theirs, ours, file."""

    TEMPLATE: ClassVar[str] = "admin/imports.html"
    DESK: ClassVar[Desk] = "members"

    form: Filled = EMPTY
    layouts: tuple[Option, ...]
    units: tuple[Option, ...] = ()  # in what a file can count
    unit_name: str = ""  # "hours"
    rows: tuple[ImportRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportView(View):
    """GET /admin/import/{number}: what would be brought in, or what was. Field: remainder."""

    TEMPLATE: ClassVar[str] = "admin/import.html"
    DESK: ClassVar[Desk] = "members"

    title: str
    state: Pill
    sentences: tuple[str, ...]
    facts: tuple[Fact, ...]
    taken: tuple[Fact, ...]  # the first of them: label: line or number, text: what
    more_taken: str  # "and 40 more"
    faults: tuple[Fact, ...]  # label: "Line 3", text: what is wrong
    differences: tuple[Fact, ...] = ()  # label: a member, text: their balance and what their trades come to
    form: Filled = EMPTY
    remainders: tuple[Option, ...] = ()  # where the balances do not sum to zero
    seen: str = ""
    do_action: str = ""
    undo_action: str = ""
