"""Accounts of groups: asking for one, one account, giving to it and from it, and the organisers' list. Source: docs/pages.md 7.2, 7.3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import EMPTY, Filled
from node.web.views.chest import ChestMove
from node.web.views.page import Desk, Fact, Link, Option, Place, View


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAccountAskView(View):
    """GET and POST /groups/{key}/account. Fields: t-NO for each who may be a treasurer."""

    TEMPLATE: ClassVar[str] = "member/group_account_ask.html"
    PLACE: ClassVar[Place] = "home"

    group: Link
    people: tuple[Option, ...]  # value: the field's name; empty for who asks for nothing
    told: str  # how it stands, where there is nothing to ask
    form: Filled = EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class GivingRow:
    """What a treasurer wants given and a second has to say yes to."""

    title: str  # "Ben wants “Bread” to give 5 hours to Maud Ellis"
    text: str
    after: str
    until: str
    yes_action: str  # "" for who wants it, or would get it
    no_action: str
    no_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAccountView(View):
    """GET /accounts/{key}. Fields: amount, what · who, amount, what · t-NO for each who may be a treasurer."""

    TEMPLATE: ClassVar[str] = "member/group_account.html"
    PLACE: ClassVar[Place] = "home"

    name: str
    group: Link | None
    base: str
    closed: bool
    balance: str  # "3 hours 30 minutes"; "" for who does not read it
    facts: tuple[Fact, ...]
    wanted: tuple[GivingRow, ...] = ()  # for treasurers
    moves: tuple[ChestMove, ...]
    may_give: bool
    may_pay: bool
    people: tuple[Option, ...]  # for who says who its treasurers are
    by_number: bool = False  # for an organiser, of a group that is gone. Field: who
    unit_name: str
    amount_hint: str
    give_form: Filled = EMPTY
    pay_form: Filled = EMPTY
    names_form: Filled = EMPTY
    may_two: bool = False  # say above which amount two treasurers give. Field: two_above
    two_form: Filled = EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAccountCheckView(View):
    """POST /accounts/{key}/check: both names and the amount before anything moves."""

    TEMPLATE: ClassVar[str] = "member/group_account_check.html"
    PLACE: ClassVar[Place] = "home"

    what: str
    people: tuple[Fact, ...]
    after: str  # "The group has 3 hours now, 2 hours afterwards."
    second: str = ""  # that a second treasurer has to say yes
    button: str
    hidden: tuple[tuple[str, str], ...]
    once: str
    base: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAccountRow:
    """One account in the organisers' list."""

    no: str
    name: str
    href: str
    treasurers: str
    balance: str  # "" of one that is asked for
    own: bool  # its reader is a treasurer of it: another organiser decides
    may_close: bool
    form: Filled = EMPTY  # of one that is asked for. Fields: lower, upper


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAccountsView(View):
    """GET /admin/group-accounts"""

    TEMPLATE: ClassVar[str] = "admin/group_accounts.html"
    DESK: ClassVar[Desk] = "chest"

    asked: tuple[GroupAccountRow, ...]
    open: tuple[GroupAccountRow, ...]
    unit_name: str
