"""Notes of thanks. Source: docs/pages.md 7.2 (`/my/thanks`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.views.page import Empty, Link, Place, View


@dataclass(frozen=True, slots=True, kw_only=True)
class ThanksRow:
    """One note: what was said, by whom or to whom, for which trade."""

    text: str
    who: str
    when: str
    trade: Link
    state: str  # whether it is seen, and who has still to agree
    action: str  # "" where both cannot agree
    agree: bool  # whether the button agrees, or takes it back


@dataclass(frozen=True, slots=True, kw_only=True)
class MyThanksView(View):
    """GET /my/thanks; each row posts `show` to its action."""

    TEMPLATE: ClassVar[str] = "member/my_thanks.html"
    PLACE: ClassVar[Place] = "me"

    received: tuple[ThanksRow, ...]
    given: tuple[ThanksRow, ...]
    empty: Empty | None
