"""Organisers' pages about schemes that contradicted themselves. Source: docs/protocol.md 10.4."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.views.page import Desk, Empty, Fact, Pill, View


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow:
    href: str
    name: str  # of the scheme
    what: str
    when: str
    state: Pill


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceListView(View):
    """GET /admin/evidence"""

    TEMPLATE: ClassVar[str] = "admin/evidence_list.html"
    DESK: ClassVar[Desk] = "neighbours"

    rows: tuple[EvidenceRow, ...]
    empty: Empty | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceView(View):
    """GET /admin/evidence/{no}"""

    TEMPLATE: ClassVar[str] = "admin/evidence.html"
    DESK: ClassVar[Desk] = "neighbours"

    title: str
    state: Pill
    what: str  # what was signed, in plain words
    follows: str  # what the computer does by itself
    advice: str  # what people can do
    facts: tuple[Fact, ...]
    settle_action: str  # "" where there is nothing to settle, or somebody else may
    once: str
