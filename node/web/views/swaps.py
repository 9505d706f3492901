"""Members' pages about swaps. Source: docs/pages.md 8.15."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import EMPTY, Filled
from node.web.views.page import Fact, Link, Option, Pill, Place, View


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapRow:
    """One swap in a list, or in its conversation."""

    href: str
    text: str  # "Bike repair for Plum jam"
    who: str  # "with Ben"
    state: Pill
    waits: bool = False  # something is wanted of the reader


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapsView(View):
    """GET /my/swaps"""

    TEMPLATE: ClassVar[str] = "member/swaps.html"
    PLACE: ClassVar[Place] = "me"

    rows: tuple[SwapRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapFormView(View):
    """GET and POST /l/{id}/swap /my/swaps/{number}/other, and the two of a swap with another scheme. Fields: thing, words, pays, amount, said."""

    TEMPLATE: ClassVar[str] = "member/swap_form.html"
    PLACE: ClassVar[Place] = "find"

    title: str  # "Propose a swap", "Propose something else"
    lead: str  # "Ben gives you: Bike repair"
    question: str  # "What do you give Ben for it?"
    things: tuple[Option, ...]  # listings, and the last: other words
    payers: tuple[Option, ...]
    unit_name: str
    amount_hint: str
    action: str
    back: Link
    hidden: tuple[tuple[str, str], ...]
    form: Filled = EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapView(View):
    """GET /my/swaps/{number}, /my/swaps/abroad/{number} and /my/abroad/{number}/swap: for the two. Field: gone."""

    TEMPLATE: ClassVar[str] = "member/swap.html"
    PLACE: ClassVar[Place] = "me"

    title: str
    asked_abroad: bool = False  # the reader asked for it in another scheme
    state: Pill
    sentences: tuple[str, ...]
    facts: tuple[Fact, ...]  # who gives what
    turn: int  # of the proposal that is shown
    balances: str = ""  # before and after, where the reader would give something
    yes_action: str = ""
    no_action: str = ""
    other_href: str = ""
    withdraw_action: str = ""
    happened_action: str = ""
    gone: str = ""  # "Bike repair", of the reader's, which can be taken off the lists with the same button
    call_off_action: str = ""
    talk_href: str = ""
    trade: Link | None = None
