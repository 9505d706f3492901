"""Members' pages about agreeing a day. Source: docs/pages.md 8.5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import EMPTY, Filled
from node.web.views.page import Link, Option, Pill, Place, View


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCard:
    """A day in a conversation."""

    what: str
    state: Pill
    lines: tuple[str, ...]  # when, where, who pays what
    accept_action: str = ""
    decline_action: str = ""
    withdraw_action: str = ""
    withdraw_text: str = ""
    record_action: str = ""
    calendar_href: str = ""
    trade: Link | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayView(View):
    """GET and POST /messages/{n}/day. Fields: what, day, time, place, amount, pays."""

    TEMPLATE: ClassVar[str] = "member/day.html"
    PLACE: ClassVar[Place] = "messages"

    name: str
    badge: str = ""
    back_href: str
    action: str
    once: str
    form: Filled = EMPTY
    unit_name: str = ""  # "" where no price can be agreed
    amount_hint: str = ""
    payers: tuple[Option, ...] = ()  # empty where it is settled who pays
    payer_note: str = ""  # "You pay Karim."
