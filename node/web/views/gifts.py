"""Members' pages about what is given away. Source: docs/pages.md 8.14."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import EMPTY, Filled
from node.web.views.page import Empty, Link, Pill, Place, View


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftPart:
    """What a listing's page shows of a thing that is given away."""

    sentence: str = ""  # how it stands for the reader
    form: Filled = EMPTY  # field: text
    wish_action: str = ""  # "" where the reader cannot ask
    received_action: str = ""
    back_action: str = ""
    who: Link | None = None  # for the giver: who would like it


@dataclass(frozen=True, slots=True, kw_only=True)
class WishCard:
    """One who would like a thing, as its giver sees them."""

    name: str
    href: str = ""
    badge: str = ""
    when: str  # "asked yesterday, 9:40"
    paragraphs: tuple[str, ...] = ()
    message_href: str = ""
    promise_href: str = ""  # "" while it is promised


@dataclass(frozen=True, slots=True, kw_only=True)
class PromisedCard:
    """To whom a thing is promised."""

    name: str
    badge: str = ""
    lines: tuple[str, ...]
    message_href: str
    collected_action: str
    back_action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WishesView(View):
    """GET /l/{id}/wishes: for the giver."""

    TEMPLATE: ClassVar[str] = "member/wishes.html"
    PLACE: ClassVar[Place] = "find"

    title: str
    listing_href: str
    promised: PromisedCard | None
    waiting: tuple[WishCard, ...]
    wrote: tuple[WishCard, ...]  # people of other schemes
    empty: Empty | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseView(View):
    """GET and POST /l/{id}/promise. Fields: day, time, said."""

    TEMPLATE: ClassVar[str] = "member/promise.html"
    PLACE: ClassVar[Place] = "find"

    title: str
    name: str
    back_href: str
    action: str
    hidden: tuple[tuple[str, str], ...]
    form: Filled = EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftRow:
    """A thing in a list of my own."""

    title: str
    href: str
    state: Pill
    lines: tuple[str, ...] = ()
    action: Link | None = None
    received_action: str = ""
    back_action: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftsView(View):
    """GET /my/gifts"""

    TEMPLATE: ClassVar[str] = "member/gifts.html"
    PLACE: ClassVar[Place] = "me"

    counts: str  # "You gave 2 things away. You were given 1 thing."
    giving: tuple[GiftRow, ...]
    wanting: tuple[GiftRow, ...]
    empty: Empty | None
