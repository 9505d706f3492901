"""The community chest and fees: the desk's pages and the members'. Source: docs/protocol.md 3.8; docs/pages.md 7.2, 7.3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import EMPTY, Filled
from node.web.views.page import Desk, Fact, Option, Pill, Place, View


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeRow:
    """A fee in a list."""

    href: str  # "" for members
    text: str
    rule: str
    next: str  # "Next on 1 Jan 2027"; "" once it has ended
    state: Pill


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeRow:
    """What somebody owes, owed, or would owe."""

    href: str
    who: str  # "" on a member's own page
    text: str
    amount: str
    note: str = ""  # that it would take them too far behind, say
    state: Pill | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChestMove:
    href: str
    date: str
    text: str
    amount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChestView(View):
    """GET /admin/chest. Fields of the form that asks the chest to give: who, amount, what, once."""

    TEMPLATE: ClassVar[str] = "admin/chest.html"
    DESK: ClassVar[Desk] = "chest"

    holds: str
    facts: tuple[Fact, ...]  # of the last twelve months
    fees: tuple[FeeRow, ...]
    owed: tuple[ChargeRow, ...]
    owed_in_all: str
    moves: tuple[ChestMove, ...]
    unit_name: str
    amount_hint: str
    form: Filled = EMPTY
    once: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeFormView(View):
    """GET and POST /admin/chest/fees/new. Fields: text, kind, amount, share, side, every, first, once."""

    TEMPLATE: ClassVar[str] = "admin/fee_new.html"
    DESK: ClassVar[Desk] = "chest"

    form: Filled
    kinds: tuple[Option, ...]
    sides: tuple[Option, ...]
    rounds: tuple[Option, ...]
    unit_name: str
    amount_hint: str
    notice_days: int
    once: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeView(View):
    """GET /admin/chest/fees/{number}: a rule, and who would owe what at its next time."""

    TEMPLATE: ClassVar[str] = "admin/fee.html"
    DESK: ClassVar[Desk] = "chest"

    text: str
    rule: str
    state: Pill
    facts: tuple[Fact, ...]
    preview: tuple[ChargeRow, ...]
    preview_text: str  # "2 members would give 4 hours together"
    too_far: str  # how many would be taken too far behind; "" for nobody
    end_action: str  # "" once it has ended


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeView(View):
    """GET /admin/chest/charges/{number}. Fields: how, reason."""

    TEMPLATE: ClassVar[str] = "admin/charge.html"
    DESK: ClassVar[Desk] = "chest"

    title: str
    state: Pill
    facts: tuple[Fact, ...]
    trade_href: str
    own: bool  # the reader's own: another decides
    form: Filled = EMPTY
    action: str  # "" unless it is owed
    ways: tuple[Option, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MyFeesView(View):
    """GET /my/fees. Fields of the form that gives: amount, what, once."""

    TEMPLATE: ClassVar[str] = "member/fees.html"
    PLACE: ClassVar[Place] = "me"

    fees: tuple[FeeRow, ...]
    charges: tuple[ChargeRow, ...]
    ring: str
    unit_name: str
    amount_hint: str
    form: Filled = EMPTY
    once: str
