"""Believable views of accounts of groups, for `samples.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from node.web.forms import Filled
from node.web.views.chest import ChestMove
from node.web.views.circle_accounts import (
    GivingRow,
    GroupAccountAskView,
    GroupAccountCheckView,
    GroupAccountRow,
    GroupAccountsView,
    GroupAccountView,
)
from node.web.views.page import Fact, Link, Option, View

HINT: Final = "For example 2, 1:30 or 90 min"
BREAD: Final = Link(text="Bread and yeast", href="/groups/1")
PEOPLE: Final = (
    Option(value="t-2", text="Ben Carter"), Option(value="t-3", text="Priya Nair"), Option(value="t-5", text="Maud Ellis")
)  # fmt: skip
ACCOUNT: Final = GroupAccountView(
    name="Bread and yeast", group=BREAD, base="/accounts/1", closed=False, balance="12 h 30",
    facts=(Fact(label="Treasurers", text="Ben Carter, Priya Nair"), Fact(label="May go to", text="\u22125 h")),
    moves=(
        ChestMove(href="", date="4 Mar 2026", text="Flour by the sack, from Maud Ellis", amount="\u22122 h 30"),
        ChestMove(href="/t/K7F-3QM-92X", date="1 Mar 2026", text="Bread for the fair, for Ana Silva", amount="+15 h"),
    ),
    wanted=(
        GivingRow(
            title="Priya wants “Bread and yeast” to give 5 hours to Maud Ellis", text="Flour by the sack",
            after="Bread and yeast: 12 hours 30 minutes now, 7 hours 30 minutes afterwards.",
            until="Nothing has moved yet. If nobody says yes by Friday 11 December 2026, 9:40, nothing comes of it.",
            yes_action="/accounts/1/givings/1/yes", no_action="/accounts/1/givings/1/no", no_text="No",
        ),
    ),
    may_two=True, two_form=Filled({"two_above": "x"}, {"two_above": "Please write an amount like 1:30."}),
    may_give=True, may_pay=True, people=PEOPLE, unit_name="hours", amount_hint=HINT,
    pay_form=Filled({"way": "pay", "who": "9999", "amount": "2:30", "what": "Flour"}, {"who": "Nobody here has this number."}),
    names_form=Filled({"t-2": "yes", "t-3": "yes"}),
)  # fmt: skip
ASK: Final = GroupAccountAskView(
    group=BREAD, people=PEOPLE, told="", form=Filled({}, {"": "Please choose one to 5 people."})
)
ROW: Final = GroupAccountRow(
    no="4", name="Bread and yeast", href="/accounts/1", treasurers="Treasurers: Ben Carter, Priya Nair", balance="", own=False,
    may_close=False,
)  # fmt: skip
MINE: Final[Mapping[str, View]] = {
    "group-account": ACCOUNT,
    "group-account-outside": replace(ACCOUNT, balance="", facts=ACCOUNT.facts[:1], moves=(), may_pay=False, people=(), wanted=(), may_two=False),
    "group-account-closed": replace(
        ACCOUNT, closed=True, group=None, balance="0 h", facts=(), may_give=False, may_pay=False, people=()
    ),
    "group-account-left": replace(ACCOUNT, group=None, facts=(), may_give=False, may_pay=False, people=(), by_number=True),
    "group-account-ask": ASK,
    "group-account-asked": replace(ASK, people=(), told="It is asked for. An organiser looks at it.", form=Filled({})),
    "group-account-check": GroupAccountCheckView(
        what="Flour by the sack",
        people=(
            Fact(label="From", text="Bread and yeast"), Fact(label="To", text="Maud Ellis"), Fact(label="Amount", text="2 hours 30 minutes"),
        ),
        after="Bread and yeast: 15 hours now, 12 hours 30 minutes afterwards.", button="Record it",
        hidden=(("way", "pay"), ("who", "5"), ("amount", "2:30"), ("what", "Flour by the sack")), once="AZzJz2KFEjRWeJCrze8SNA",
        base="/accounts/1",
        second="For so much a second treasurer has to say yes, within 7 days. Until then nothing moves.",
    ),
}  # fmt: skip
DESK: Final[Mapping[str, View]] = {
    "group-accounts": GroupAccountsView(
        asked=(replace(ROW, form=Filled({"lower": "x"}, {"lower": "Please write an amount like 1:30."})), replace(ROW, no="5", name="Menders", own=True)),
        open=(
            replace(ROW, no="6", name="Walking at eight", balance="0 h", may_close=True),
            replace(ROW, no="7", name="Choir", balance="+3 h 15", treasurers="It has no treasurer."),
        ),
        unit_name="hours",
    ),
    "group-accounts-none": GroupAccountsView(asked=(), open=(), unit_name="hours"),
}  # fmt: skip
