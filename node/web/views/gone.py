"""The one page that is left of a scheme at an address: it moved, or it has closed. Source: docs/pages.md 7.1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.views.page import Link, View


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneView(View):
    """Every address."""

    TEMPLATE: ClassVar[str] = "gone.html"

    title: str
    sentences: tuple[str, ...]
    action: Link | None = None
