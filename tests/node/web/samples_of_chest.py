"""Believable views of the pages about fees and the community chest, for `samples.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from node.web.forms import Filled
from node.web.views.chest import (
    ChargeRow,
    ChargeView,
    ChestMove,
    ChestView,
    FeeFormView,
    FeeRow,
    FeeView,
    MyFeesView,
)
from node.web.views.page import Fact, Option, Pill, View
from node.web.views.roles import RoleView

HINT: Final = "For example 2, 1:30 or 90 min"
ONCE: Final = "AZzJz2KFEjRWeJCrze8SNA"
RUNNING: Final = Pill(text="Running", tone="good")
YEARLY: Final = "2 hours every year, the first time on 1 Apr 2026."
SHARE: Final = "1.5% of what you got from others here since 1 Apr 2026, rounded down. It is reckoned after every month. Loans, and trades with other schemes, do not count."  # fmt: skip
KINDS: Final = (Option(value="fixed", text="The same amount from everybody"), Option(value="share", text="A share of what somebody traded here"))  # fmt: skip
SIDES: Final = (Option(value="got", text="of what they got from others"), Option(value="given", text="of what they gave others"), Option(value="both", text="of both"))  # fmt: skip
ROUNDS: Final = (Option(value="year", text="Every year"), Option(value="month", text="Every month"))
WAYS: Final = (Option(value="waived", text="Let off: they need not give it"), Option(value="written-off", text="Written off: it will not come any more"))  # fmt: skip
FAR: Final = "It would go further behind than the limit."
CHARGE: Final = ChargeView(
    title="Membership fee of Wolfgang Amadeus Sommerfeld-Bridgewater", state=Pill(text="Not gone yet", tone="wait"),
    facts=(Fact(label="Who", text="Wolfgang Amadeus Sommerfeld-Bridgewater"), Fact(label="For what", text="Membership fee"), Fact(label="Due on", text="1 Apr 2026"), Fact(label="Amount", text="2 hours"), Fact(label="Why", text=FAR)),
    trade_href="", own=False, action="/admin/chest/charges/7/let-off", ways=WAYS,
)  # fmt: skip
DESK: Final[Mapping[str, View]] = {
    "chest": ChestView(
        holds="31 h 15",
        facts=(Fact(label="Fees", text="+48 h"), Fact(label="Gifts from members", text="+6 h 30"), Fact(label="Given to members", text="\u221222 h"), Fact(label="Other", text="\u22121 h 15")),
        fees=(FeeRow(href="/admin/chest/fees/1", text="Membership fee", rule=YEARLY, next="next on 1 Apr 2027", state=RUNNING), FeeRow(href="/admin/chest/fees/2", text="For the hall", rule=SHARE, next="", state=Pill(text="Ended"))),
        owed=(ChargeRow(href="/admin/chest/charges/7", who="Wolfgang Amadeus Sommerfeld-Bridgewater", text="Membership fee, 1 Apr 2026", amount="2 h", note=FAR), ChargeRow(href="/admin/chest/charges/9", who="Ben Carter", text="Membership fee, 1 Apr 2026", amount="2 h", note="The account is paused.")),
        owed_in_all="2 fees have not gone yet: 4 hours together.",
        moves=(ChestMove(href="/t/K7F-3QM-92X", date="3 May 2026", text="Marquee for the feast, for Maud Ellis", amount="\u22123 h"), ChestMove(href="/t/K7F-3QM-92X", date="1 Apr 2026", text="Membership fee, 1 Apr 2026, for Ana Silva", amount="+2 h"), ChestMove(href="", date="2 Mar 2026", text="Entered by the organisers", amount="+1 h")),
        unit_name="hours", amount_hint=HINT, once=ONCE,
    ),
    "chest-new": ChestView(holds="0 h", facts=(), fees=(), owed=(), owed_in_all="", moves=(), unit_name="hours", amount_hint=HINT, form=Filled({"who": "0007", "amount": "2", "what": "Marquee"}, {"amount": "There is not that much in the chest."}), once=ONCE),
    "fee-new": FeeFormView(form=Filled({"kind": "fixed", "side": "got", "every": "year"}), kinds=KINDS, sides=SIDES, rounds=ROUNDS, unit_name="hours", amount_hint=HINT, notice_days=14, once=ONCE),
    "fee-new-wrong": FeeFormView(form=Filled({"text": "For the hall", "kind": "share", "share": "12", "side": "got", "every": "month", "first": "2026-03-09"}, {"share": "Please write a number up to 10, with at most two places: 2 or 2.5.", "first": "Members must know it 14 days before. Please choose a later first day, and ask anew."}), kinds=KINDS, sides=SIDES, rounds=ROUNDS, unit_name="hours", amount_hint=HINT, notice_days=14, once=ONCE),
    "fee": FeeView(
        text="For the hall", rule=SHARE, state=RUNNING,
        facts=(Fact(label="First on", text="Friday 1 May 2026"), Fact(label="Members were told on", text="3 Mar 2026"), Fact(label="Next on", text="Friday 1 May 2026")),
        preview=(ChargeRow(href="/admin/members/123", who="Ana Silva", text="1.5% of 6 h 40", amount="6 min"), ChargeRow(href="/admin/members/42", who="Ben Carter", text="1.5% of 9 h", amount="8 min", note=FAR)),
        preview_text="2 members would give 14 minutes together.", too_far="For 1 of them it would go further behind than their limit: it waits.", end_action="/admin/chest/fees/2/end",
    ),
    "charge": CHARGE,
    "charge-paid": ChargeView(title="Membership fee of Ana Silva", state=Pill(text="Paid", tone="good"), facts=CHARGE.facts[1:4], trade_href="/t/K7F-3QM-92X", own=False, action="", ways=WAYS),
    "role": RoleView(
        name="Wolfgang Amadeus Sommerfeld-Bridgewater", member_href="/admin/members/44", form=Filled({"role": "treasurer"}, {"reason": "Please say why."}), action="/admin/members/44/role",
        roles=(Option(value="member", text="Member", hint="Nothing at the desk."), Option(value="broker", text="Broker", hint="Applications, members and their ways to log in, cheques and letters, acting for somebody."), Option(value="treasurer", text="Treasurer", hint="The community chest, fees, tokens, figures and the books of a year."), Option(value="auditor", text="Auditor", hint="Reads the desk, without conversations and mails. Changes nothing, and cannot trade meanwhile."), Option(value="organiser", text="Organiser", hint="Everything at the desk."), Option(value="admin", text="Admin", hint="Everything at the desk, who does what there, and bringing in files.")),
    ),
    "charge-own": ChargeView(title="Membership fee of Rosa Whitfield", state=Pill(text="Not gone yet", tone="wait"), facts=CHARGE.facts[1:], trade_href="", own=True, action="", ways=WAYS),
}  # fmt: skip
MINE: Final[Mapping[str, View]] = {
    "my-fees": MyFeesView(
        fees=(FeeRow(href="", text="Membership fee", rule=YEARLY, next="next on 1 Apr 2027", state=RUNNING), FeeRow(href="", text="For the hall", rule=SHARE, next="next on 1 May 2026", state=RUNNING)),
        charges=(ChargeRow(href="", who="", text="Membership fee, 1 Apr 2026", amount="2 hours", note=FAR, state=Pill(text="Not gone yet", tone="wait")), ChargeRow(href="/t/K7F-3QM-92X", who="", text="For the hall, 1 Mar 2026", amount="6 minutes", note="1.5% of 6 h 40", state=Pill(text="Paid", tone="good")), ChargeRow(href="", who="", text="Membership fee, 1 Apr 2025", amount="2 hours", note="ill since May", state=Pill(text="Let off"))),
        ring="Ring Rosa on 01632 960 123.", unit_name="hours", amount_hint=HINT, once=ONCE,
    ),
    "my-fees-none": MyFeesView(fees=(), charges=(), ring="Ring Rosa on 01632 960 123.", unit_name="hours", amount_hint=HINT, form=Filled({"amount": "1.30"}, {"amount": "Do you mean 1 h 30 or 1 h 18? Please write it like that."}), once=ONCE),
}  # fmt: skip
