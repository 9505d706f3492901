"""Groups: the list, one group with its notice board, its people, and one note."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import EMPTY, Filled
from node.web.views.events import EventRow
from node.web.views.page import Empty, Link, Option, Pager, Pill, Place, View


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow:
    """One group in a list."""

    href: str
    name: str
    purpose: str  # its first line
    size: str  # "12 people"
    state: Pill | None = None  # what the reader is to it, or that one has to ask


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupsView(View):
    """GET /groups"""

    TEMPLATE: ClassVar[str] = "member/groups.html"
    PLACE: ClassVar[Place] = "home"

    mine: tuple[GroupRow, ...]
    others: tuple[GroupRow, ...]
    empty: Empty | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFormView(View):
    """GET /groups/new and /groups/{key}/edit. Fields: name, purpose, door."""

    TEMPLATE: ClassVar[str] = "member/group_form.html"
    PLACE: ClassVar[Place] = "home"

    form: Filled
    action: str
    new: bool
    doors: tuple[Option, ...]  # empty for a group that is closed: it stays so
    once: str = ""
    back: Link


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidItem:
    """A note, or what was answered below one."""

    href: str  # of a note on the board; "" elsewhere
    title: str  # "" for an answer
    author: str
    when: str  # "yesterday, 9:40"
    paragraphs: tuple[str, ...]
    pinned: bool = False
    answers: str = ""  # "3 answers"; "" for none
    off: str = ""  # to its author: "Rosa took this off: …"
    no: str = ""  # of an answer: its number
    may_take_away: bool = False  # it is the reader's
    may_take_off: bool = False  # it is somebody else's
    report_href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAct:
    """A button about one's own place, or somebody's."""

    act: str  # an Act of protocol/circle.py
    text: str
    quiet: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView(View):
    """GET /groups/{key}. Fields: title, text."""

    TEMPLATE: ClassVar[str] = "member/group.html"
    PLACE: ClassVar[Place] = "home"

    name: str
    purpose: tuple[str, ...]
    door: str  # "Open: everybody of Oakvale may come in."
    size: str
    keepers: str  # "Kept by Ana and Ben."
    mine: str  # what the reader is to it: "You are in it."
    base: str  # "/groups/…"
    acts: tuple[GroupAct, ...]  # about the reader's own place
    people_href: str  # "" for who may not see them
    edit_href: str
    asking: str  # to a keeper: "2 people ask to come in."
    reads: bool  # whether the board is shown
    account_href: str = ""  # of its account, or where one is asked for
    events: tuple[EventRow, ...] = ()  # put for it, ahead
    event_href: str = ""  # where one is put; "" for who may not
    things: tuple[Link, ...] = ()  # that belong to it, and can be found
    notes: tuple[SaidItem, ...]
    pager: Pager | None
    may_write: bool
    once: str
    form: Filled = EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPerson:
    """One who is in a group, or asks to be."""

    no: str
    name: str
    href: str
    state: Pill | None
    acts: tuple[GroupAct, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPeopleView(View):
    """GET /groups/{key}/people"""

    TEMPLATE: ClassVar[str] = "member/group_people.html"
    PLACE: ClassVar[Place] = "home"

    name: str
    base: str
    asking: tuple[GroupPerson, ...]
    inside: tuple[GroupPerson, ...]
    note: str  # to a keeper: what being one means


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteView(View):
    """GET /groups/{key}/notes/{number}. Fields: text; reason."""

    TEMPLATE: ClassVar[str] = "member/group_note.html"
    PLACE: ClassVar[Place] = "home"

    group: Link
    note: SaidItem
    base: str  # "/groups/…/notes/7"
    answers: tuple[SaidItem, ...]
    pin: str  # "pin" or "unpin"; "" for who may not
    may_answer: bool
    once: str
    form: Filled = EMPTY
    off_form: Filled = EMPTY
