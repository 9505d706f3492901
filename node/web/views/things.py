"""Whose a thing is that is lent or rented out. Source: docs/pages.md 7.2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import EMPTY, Filled
from node.web.views.page import Option, Pill, Place, View


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerRow:
    """Somebody who owns a thing, or is asked to."""

    name: str
    href: str
    state: Pill | None  # of who did not answer yet
    remove: str = ""  # the member's number, for whoever may end it


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingOwnersView(View):
    """GET /l/{id}/owners. Fields of its forms: who · group, members_only."""

    TEMPLATE: ClassVar[str] = "member/thing_owners.html"
    PLACE: ClassVar[Place] = "find"

    title: str  # "Ladder"
    base: str  # /l/{id}
    sentences: tuple[str, ...]
    owners: tuple[OwnerRow, ...]
    question: str = ""  # to who is asked: "Ana asks you to own this together."
    may_stop: bool = False  # the reader owns it too, and can end that
    may_name: bool = False  # the reader lists it
    groups: tuple[Option, ...] = ()  # that the reader keeps, and none
    group: str = ""  # the one it belongs to
    form: Filled = EMPTY
    group_form: Filled = EMPTY
