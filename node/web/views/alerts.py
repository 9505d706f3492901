"""Members' pages about searches they keep and about mail to them. Source: docs/pages.md 7.1 (`/m/{token}`), 7.2, 9."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import Filled
from node.web.views.page import Link, Option, Place, View


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRow:
    """One search, and the newest of what it found."""

    number: int
    title: str  # "“jam”, offers, up to 5 km"
    href: str  # of what it finds now
    found: tuple[Link, ...]
    tell: str  # one of the values of `tells`


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchesView(View):
    """GET /my/searches; each row posts `tell` to /my/searches/{number}, or nothing to /my/searches/{number}/remove."""

    TEMPLATE: ClassVar[str] = "member/searches.html"
    PLACE: ClassVar[Place] = "find"

    rows: tuple[SearchRow, ...]
    tells: tuple[Option, ...]
    note: str  # why no mail comes of them, where none does
    full: str  # that no further one can be kept; "" while one can


@dataclass(frozen=True, slots=True, kw_only=True)
class MailView(View):
    """GET /my/mail; posts `level` to /my/mail/level."""

    TEMPLATE: ClassVar[str] = "member/mail.html"
    PLACE: ClassVar[Place] = "me"

    form: Filled
    levels: tuple[Option, ...]
    where: str  # "Mail goes to ana@example.org."
    night: str  # when no mail comes


@dataclass(frozen=True, slots=True, kw_only=True)
class MailStopView(View):
    """GET /m/{token}: behind a link of a mail. A button, because mail scanners follow links."""

    TEMPLATE: ClassVar[str] = "visitor/mail_stop.html"

    title: str
    sentences: tuple[str, ...]
    action: str  # where the button posts to; "" where there is nothing to press
    button: str = ""
    more: Link
