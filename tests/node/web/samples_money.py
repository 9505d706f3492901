"""Believable views of the pages about regular amounts, loans and files brought in, for `samples.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from node.web.forms import Filled
from node.web.views.importing import ImportRow, ImportsView, ImportView
from node.web.views.member import PersonCard
from node.web.views.page import Fact, Link, Option, Pill, View
from node.web.views.standing import (
    ChoosePersonView,
    LoanCheckView,
    LoanRow,
    LoansView,
    LoanView,
    LoanWhatView,
    StandingCheckView,
    StandingListView,
    StandingRow,
    StandingView,
    StandingWhatView,
    TurnRow,
)

HINT: Final = "For example 2, 1:30 or 90 min"
ONCE: Final = "sample-once-key-000000"
PEOPLE: Final = (
    PersonCard(href="/my/standing/what?who=0042", name="Ben Carter", number="0042", place="Mill Lane"),
    PersonCard(href="/my/standing/what?who=0007", name="Maud Ellis", number="0007", place="Church End"),
)
FACTS: Final = (
    Fact(label="For whom", text="Maud Ellis"),
    Fact(label="Each time", text="1 hour 30 minutes"),
    Fact(label="How often", text="Every month"),
    Fact(label="First on", text="Saturday 7 March 2026"),
    Fact(label="Last on", text="Sunday 7 February 2027"),
    Fact(label="How many times", text="12 times"),
    Fact(label="All together", text="18 hours"),
)
STANDING: Final[Mapping[str, View]] = {
    "standing-list": StandingListView(
        rows=(
            StandingRow(href="/my/standing/2", text="1 hour 30 minutes for Maud, every month", what="Garden share", when="next on Tuesday 7 April 2026", state=Pill(text="Running", tone="good")),
            StandingRow(href="/my/standing/3", text="10 hours for Wolfgang, every week", what="Help with the move", when="next on Saturday 7 March 2026", state=Pill(text="Waiting", tone="wait")),
            StandingRow(href="/my/standing/1", text="30 minutes for Ben, every week", what="Bread", when="", state=Pill(text="Stopped")),
        ),
    ),
    "standing-none": StandingListView(rows=()),
    "standing-1": ChoosePersonView(title="A regular amount, step 1 of 3", question="Who gets it?", path="/my/standing/new", query="", recent=PEOPLE, found=None),
    "standing-1-found": ChoosePersonView(title="A regular amount, step 1 of 3", question="Who gets it?", path="/my/standing/new", query="car", recent=PEOPLE, found=PEOPLE[:1]),
    "standing-2": StandingWhatView(name="Maud", form=Filled({"every": "month"}), who="0007", unit_name="hours", amount_hint=HINT, times_most=260),
    "standing-2-wrong": StandingWhatView(name="Maud", form=Filled({"what": "Garden share", "amount": "1:30", "every": "month", "first": "2025-12-31"}, {"first": "This day is over. Please choose today or a later one.", "times": "Please say when it ends: after how many times, or with which day."}), who="0007", unit_name="hours", amount_hint=HINT, times_most=260),
    "standing-3": StandingCheckView(what="Garden share", facts=FACTS, days=("Saturday 7 March 2026", "Tuesday 7 April 2026", "Thursday 7 May 2026", "Sunday 7 June 2026"), more_days="and 8 more", tries=7, hidden=(("who", "0007"),), once=ONCE, change_href="/my/standing/what?who=0007"),
    "standing": StandingView(title="1 hour 30 minutes for Maud, every month", state=Pill(text="Running", tone="good"), sentences=("The next time is Tuesday 7 April 2026.",), facts=(Fact(label="For what", text="Garden share"), *FACTS), turns=(TurnRow(day="Saturday 7 March 2026", text="Gone", href="/t/K7F-3QM-92X"), TurnRow(day="Saturday 7 February 2026", text="Left out: the scheme’s computer was off")), stop_action="/my/standing/2/stop"),
    "standing-waits": StandingView(title="10 hours for Wolfgang, every week", state=Pill(text="Waiting", tone="wait"), sentences=("What was to go on Saturday 7 March 2026 waits.", "It would have taken you further behind than you may go.", "We try again until Saturday 14 March 2026. Then this one time is left out."), facts=(Fact(label="For what", text="Help with the move"), *FACTS), turns=(), stop_action="/my/standing/3/stop"),
    "standing-stopped": StandingView(title="30 minutes for Ben, every week", state=Pill(text="Stopped"), sentences=("You stopped it. Nothing more goes by it.",), facts=(Fact(label="For what", text="Bread"), *FACTS), turns=(), next=Link(text="Begin it again", href="/my/standing/what?who=0042")),
}  # fmt: skip
LOAN_FACTS: Final = (
    Fact(label="For what", text="Until the harvest"),
    Fact(label="From", text="Ben Carter"),
    Fact(label="Lent", text="5 hours"),
    Fact(label="Since", text="Saturday 7 February 2026"),
    Fact(label="Paid back", text="1 hour 30 minutes"),
    Fact(label="Left", text="3 hours 30 minutes"),
    Fact(label="Comes back", text="1 hour 30 minutes, every month"),
    Fact(label="The last time", text="30 minutes"),
    Fact(label="First on", text="Saturday 7 March 2026"),
    Fact(label="Last on", text="Sunday 7 June 2026"),
    Fact(label="How many times", text="4 times"),
)
LOANS: Final[Mapping[str, View]] = {
    "loans": LoansView(
        borrowed=(
            LoanRow(href="/my/loans/2", text="Ben lends you 5 hours", what="Until the harvest", left="left: 3 hours 30 minutes", state=Pill(text="Running", tone="good")),
            LoanRow(href="/my/loans/4", text="Wolfgang lends you 40 hours", what="The new roof", left="", state=Pill(text="Offered", tone="wait")),
        ),
        lent=(LoanRow(href="/my/loans/1", text="You lend Maud 2 hours", what="Seedlings", left="", state=Pill(text="Forgiven", tone="good")),),
    ),
    "loans-none": LoansView(borrowed=(), lent=()),
    "loan-2": LoanWhatView(name="Maud", form=Filled({"every": "month"}), who="0007", unit_name="hours", amount_hint=HINT),
    "loan-2-wrong": LoanWhatView(name="Maud", form=Filled({"what": "Seedlings", "amount": "1", "part": "2", "every": "week", "first": "2025-12-31"}, {"part": "That is more than you lend.", "first": "Please choose a day after today."}), who="0007", unit_name="hours", amount_hint=HINT),
    "loan-3": LoanCheckView(name="Maud", what="Seedlings", facts=(Fact(label="To", text="Maud Ellis"), Fact(label="You lend", text="5 hours"), *LOAN_FACTS[6:]), mine="You have 3 hours now and are 2 hours behind afterwards.", until="Saturday 7 March 2026", hidden=(("who", "0007"),), once=ONCE, change_href="/my/loans/what?who=0007"),
    "loan-offered": LoanView(title="Ben lends you 5 hours", state=Pill(text="Offered", tone="wait"), sentences=("Please say yes or no. If you do nothing, it runs out on Saturday 7 March 2026.", "You give back exactly what you get, and no more."), facts=(*LOAN_FACTS[:3], *LOAN_FACTS[6:]), balances="You have 3 hours now, 8 hours afterwards.", yes_action="/my/loans/2/yes", no_action="/my/loans/2/no", message_href="/messages/new?to=0042"),
    "loan-borrowed": LoanView(title="Ben lends you 5 hours", state=Pill(text="Running", tone="good"), sentences=("Left: 3 hours 30 minutes.", "The next part goes back on Tuesday 7 April 2026."), facts=LOAN_FACTS, repay_action="/my/loans/2/repay", unit_name="hours", amount_hint=HINT, order=Link(text="What goes back by itself", href="/my/standing/4"), parts=(TurnRow(day="Saturday 7 March 2026", text="1 hour 30 minutes", href="/t/K7F-3QM-92X"),), message_href="/messages/new?to=0042"),
    "loan-lent": LoanView(title="You lend Maud 5 hours", state=Pill(text="Running", tone="good"), sentences=("Left: 3 hours 30 minutes.", "The next part comes back on Tuesday 7 April 2026."), facts=LOAN_FACTS, forgive_action="/my/loans/2/forgive", left="3 hours 30 minutes", parts=(TurnRow(day="Saturday 7 March 2026", text="1 hour 30 minutes", href="/t/K7F-3QM-92X"),), message_href="/messages/new?to=0007"),
    "loan-waits": LoanView(title="You lend Maud 5 hours", state=Pill(text="Offered", tone="wait"), sentences=("Waiting for Maud to say yes. Nothing has moved.", "If there is no answer by Saturday 7 March 2026, it runs out."), facts=LOAN_FACTS[6:], withdraw_action="/my/loans/2/withdraw", message_href="/messages/new?to=0007"),
}  # fmt: skip
MONEY: Final[Mapping[str, View]] = {**STANDING, **LOANS}
LAYOUTS: Final = (
    Option(value="members", text="Members, from a table of your own", hint="number, name, email, phone, address, place, about, balance, lower, upper"),
    Option(value="timeoverflow-members", text="TimeOverflow: the managers’ list of members", hint="With balances, as it is saved there"),
    Option(value="cyclos-members", text="Cyclos 3: members", hint="name, username, email, creationdate, balance, creditlimit, uppercreditlimit"),
)  # fmt: skip
IMPORTS: Final[Mapping[str, View]] = {
    "imports": ImportsView(layouts=LAYOUTS, rows=(ImportRow(href="/admin/import/2", text="Cyclos 3: members", when="today, 9:40", state=Pill(text="Not brought in", tone="wait")), ImportRow(href="/admin/import/1", text="TimeOverflow: the managers’ list of members", when="3 May 2026", state=Pill(text="Brought in", tone="good")))),
    "imports-wrong": ImportsView(form=Filled({"layout": "members"}, {"file": "Line 1: Nobody here knows this column. Please rename it or take it out. It says: “shoe size”"}), layouts=LAYOUTS, rows=()),
    "imports-rate": ImportsView(form=Filled({"layout": "members", "unit": "hours", "theirs": "1:30", "ours": "much"}, {"ours": "Please write a number, for example 6 or 2.50."}), layouts=LAYOUTS, units=(Option(value="", text="The same as here"), Option(value="hours", text="Hours, like 1:30"), Option(value="0", text="A unit without digits behind the point")), unit_name="Acorns", rows=()),
    "import": ImportView(title="Cyclos 3: members", state=Pill(text="Not brought in", tone="wait"), sentences=("Nothing is brought in yet.", "These balances are beyond their limits, and are taken all the same: lines 9."), facts=(Fact(label="Members", text="42"), Fact(label="Offers and wants", text="0"), Fact(label="Lines left out", text="2"), Fact(label="All balances together", text="1 hour 30 minutes behind")), taken=(Fact(label="Line 2", text="Ana Silva, 3 hours ahead"), Fact(label="Line 3", text="Wolfgang Featherstonehaugh-Cholmondeley, 4 hours 30 minutes behind")), more_taken="and 40 more", faults=(Fact(label="Line 5", text="The balance cannot be read. It says: “1.30”"), Fact(label="Line 7", text="A member has this e-mail address already. It says: “ana@example.org”")), form=Filled({"remainder": "refuse"}), remainders=(Option(value="refuse", text="Nowhere: then bring in nothing"), Option(value="opening", text="It stays open, in the account of opening balances"), Option(value="chest", text="The community chest takes it"), Option(value="write-off", text="It is written off")), seen="0" * 32, do_action="/admin/import/2/do"),
    "import-trades": ImportView(title="TimeOverflow: the list of transfers", state=Pill(text="Not brought in", tone="wait"), sentences=("Nothing is brought in yet.", "Past trades are kept to be read on statements. They move nothing: balances hold them already.", "One side is no member here, and stays a name: lines 3."), facts=(Fact(label="Past trades", text="2"), Fact(label="Lines left out", text="1")), differences=(Fact(label="Ana Silva", text="brought in with: 3 hours ahead; trades come to: 1 hour 30 minutes ahead; difference: +1 h 30"),), taken=(Fact(label="Line 2", text="2015-04-02: Ana Silva gave Wolfgang Featherstonehaugh-Cholmondeley 1 h 30, yoga"), Fact(label="Line 3", text="2015-04-09: the old scheme itself gave Ana Silva 15 min")), more_taken="", faults=(Fact(label="Line 4", text="This is not a day. Please write it like 2026-03-31. It says: “4/3/2015”"),), seen="0" * 32, do_action="/admin/import/3/do"),
    "import-done": ImportView(title="TimeOverflow: the managers’ list of members", state=Pill(text="Brought in", tone="good"), sentences=("By Rosa, today, 9:40.",), facts=(Fact(label="Members", text="42"), Fact(label="Lines left out", text="0"), Fact(label="All balances together", text="0")), taken=(Fact(label="Line 2", text="Ana Silva: 17 there, 0123 here, 3 hours ahead"),), more_taken="", faults=(), undo_action="/admin/import/1/undo"),
}  # fmt: skip
