"""The page of one's passkeys. Source: docs/pages.md 8.13."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import EMPTY, Filled
from node.web.views.page import Place, View


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """One passkey."""

    name: str
    added: str  # "Added on 3 May 2026"
    used: str  # "Last used today, 9:40"
    warning: str  # why it opens nothing any more; "" for one that works
    remove_action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeysView(View):
    """GET and POST /my/passkeys. Fields: name, answer (filled in by the browser)."""

    TEMPLATE: ClassVar[str] = "member/passkeys.html"
    PLACE: ClassVar[Place] = "me"

    form: Filled = EMPTY
    rows: tuple[KeyRow, ...]
    may_add: bool  # fewer than there may be, and logged in a moment ago
    fresh_minutes: int  # how long after logging in one can be added
    full: bool = False
