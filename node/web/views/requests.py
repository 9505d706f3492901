"""Members' pages about what they asked for in other schemes. Source: docs/protocol.md 7.10; docs/pages.md 8.18."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import EMPTY, Filled
from node.web.views.page import Empty, Link, Pill, Place, View


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestActions:
    """What can be done with a request now: where each button leads, "" where there is none."""

    received_action: str = ""
    back_action: str = ""
    again_action: str = ""
    message: Link | None = None
    event: bool = False  # what is taken back is having said that one comes
    received_text: str = ""  # what the two buttons say, where that is something else
    back_text: str = ""
    pay: Link | None = None
    keep_action: str = ""  # the yes to what the owner asks to keep of a deposit
    keep_text: str = ""
    looks: Link | None = None  # to pictures of how it is


@dataclass(frozen=True, slots=True, kw_only=True)
class AbroadPart:
    """What the page of another scheme's listing shows of asking for it."""

    lines: tuple[str, ...] = ()  # how it stands for the reader
    form: Filled = EMPTY  # field: text
    ask_action: str = ""  # "" where the reader cannot ask
    hint: str = ""
    days: Link | None = None  # to where a time is chosen
    acts: RequestActions = RequestActions()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """One request in a list of my own."""

    title: str
    href: str  # "" where it is no longer listed
    badge: str  # whose it is: the name of the scheme
    state: Pill
    lines: tuple[str, ...] = ()
    acts: RequestActions = RequestActions()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestsView(View):
    """GET /my/abroad"""

    TEMPLATE: ClassVar[str] = "member/requests.html"
    PLACE: ClassVar[Place] = "me"

    rows: tuple[RequestRow, ...]
    empty: Empty | None
