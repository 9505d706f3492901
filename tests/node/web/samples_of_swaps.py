"""Believable views of the pages about swaps, for `samples.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from node.web.forms import Filled
from node.web.views.page import Fact, Link, Option, Pill, View
from node.web.views.swaps import SwapFormView, SwapRow, SwapsView, SwapView
from tests.node.web.day_samples import TALK
from tests.node.web.gift_samples import SOFA

PATH: Final = "/my/swaps/3"
WAITS: Final = Pill(text="Your answer?", tone="wait")
FORM: Final = SwapFormView(
    title="Propose a swap", lead="Ben gives you: Bicycle repair and a new chain", question="What do you give Ben for it?",
    things=(Option(value="jam", text="Plum jam, four jars"), Option(value="words", text="Something else")),
    payers=(
        Option(value="nobody", text="No, one thing for the other"),
        Option(value="me", text="Yes, I also give Ben something"),
        Option(value="them", text="Yes, Ben also gives me something"),
    ),
    unit_name="hours", amount_hint="For example 2, 1:30 or 90 min", action="/l/repair/swap",
    back=Link(text="Bicycle repair and a new chain", href="/l/repair"), hidden=(("once", "b25jZQ"),),
    form=Filled({"thing": "jam", "pays": "nobody"}),
)  # fmt: skip
ASKED: Final = SwapView(
    title="Bicycle repair and a new chain for Plum jam, four jars", state=WAITS,
    sentences=("Please say yes or no. If you do nothing, it runs out on Saturday 21 March 2026.",),
    facts=(Fact(label="You give", text="Bicycle repair and a new chain"), Fact(label="Ana gives", text="Plum jam, four jars"),
           Fact(label="You also give", text="30 minutes")),
    turn=1, balances="You have 3 hours now, 2 hours 30 minutes afterwards.", yes_action=f"{PATH}/yes",
    no_action=f"{PATH}/no", other_href=f"{PATH}/other", talk_href="/messages/4",
)  # fmt: skip
AGREED: Final = replace(
    ASKED, state=Pill(text="Agreed", tone="good"), yes_action="", no_action="", other_href="",
    sentences=("Ana says that it happened. Please say so too, or talk to each other.",
               "What one of you adds goes when both have said so."),
    happened_action=f"{PATH}/happened", gone="Bicycle repair and a new chain", call_off_action=f"{PATH}/off",
)  # fmt: skip
ROW: Final = SwapRow(
    href=PATH, text="Bicycle repair and a new chain for Plum jam, four jars", who="with Ana Lopez", state=WAITS, waits=True
)  # fmt: skip
VIEWS: Final[Mapping[str, View]] = {
    "swaps": SwapsView(
        rows=(
            ROW,
            SwapRow(href="/my/swaps/2", text="Garden help for Eggs", who="with Wolfgang Nwosu-Featherstonehaugh", state=Pill(text="Swapped", tone="good")),
            SwapRow(href="/my/swaps/1", text="A swap", who="with 0011", state=Pill(text="Not possible any more")),
        )
    ),
    "swaps-none": SwapsView(rows=()),
    "swap-form": FORM,
    "swap-form-wrong": replace(
        FORM, title="Propose something else", hidden=(("turn", "1"),),
        form=Filled(
            {"thing": "words", "words": "", "pays": "me", "amount": "x"},
            {"words": "Please say in a few words what it is.", "amount": "Please write a time, for example 2, 1:30 or 90 min."},
        ),
    ),
    "swap-form-abroad": replace(FORM, unit_name="Acorns if you give it, in hours if you get it"),
    "swap-asked": ASKED,
    "swap-abroad": replace(
        ASKED, balances="", facts=(*ASKED.facts[:1], Fact(label="Ana (Oakvale) gives", text="Plum jam, four jars"), Fact(label="Ana (Oakvale) also gives", text="6 Acorns"), Fact(label="A few words", text="Two jars")),
        sentences=("Please say yes or no, or propose something else. Nothing moves by it.", "When both have said that it happened, Ana is asked for what they add."),
    ),
    "swap-answer-abroad": replace(
        ASKED, asked_abroad=True, balances="", title="Bike repair for Pears and figs", facts=(Fact(label="You give", text="Pears and figs"), Fact(label="Karim gives", text="Bike repair"), Fact(label="You also give", text="12 Acorns")),
        sentences=("Karim proposes something else. Please say yes or no.", "Nothing moves by it.", "Ripe ones"),
    ),
    "swap-waits": replace(
        ASKED, state=Pill(text="Waiting for an answer", tone="wait"), balances="", yes_action="", no_action="",
        other_href="", withdraw_action=f"{PATH}/withdraw",
        sentences=("Waiting for Ana. Nothing has moved.", "If there is no answer by Saturday 21 March 2026, it runs out."),
    ),
    "swap-agreed": AGREED,
    "swap-done": replace(
        AGREED, state=Pill(text="Swapped", tone="good"), sentences=("Both of you said that it happened.",), balances="",
        happened_action="", gone="", call_off_action="", trade=Link(text="See the trade", href="/t/K7F-3QM-92X"),
    ),
    "thread-swaps": replace(TALK, days=(), swaps=(ROW,)),
    "listing-swap": replace(
        SOFA, card=replace(SOFA.card, kind="offer", price="to agree"), gift=None, record_href="/record/what?listing=sofa",
        swap_href="/l/sofa/swap",
    ),
}  # fmt: skip
