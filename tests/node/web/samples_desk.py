"""Believable views of the desk's pages for what comes on paper, for `samples.py`."""

from __future__ import annotations

from dataclasses import replace

from node.web.forms import EMPTY, Filled
from node.web.views.entry import (
    ActView,
    BatchRow,
    BatchView,
    BroughtCard,
    BroughtView,
    Column,
    EnvelopesView,
    LettersView,
    NotesCard,
    SlipView,
)
from node.web.views.figures import ReportRow, ReportsView, ReportTable
from node.web.views.page import Empty, Fact, Link, Option, Pill, View
from node.web.views.rules import RulesView

ONCE = "AZzJz2KFEjRWeJCrze8SNA"
HINT = "For example 2, 1:30 or 90 min"
COLUMNS = (
    Column(name="n", label="Cheque", maxlength=20, shared=False),
    Column(name="d", label="Day", maxlength=30),
    Column(name="p", label="From", maxlength=12, numeric=True),
    Column(name="q", label="To", maxlength=12, numeric=True),
    Column(name="a", label="Amount", maxlength=40),
    Column(name="w", label="For what", maxlength=120),
)
SCHEME = Column(name="o", label="Other scheme", maxlength=80, names="near")
ENVELOPE = {"day": "4 Mar 2026", "place": "Market", "slips": "4", "total": "8:30"}
IN_THE_BOOKS = SlipView(
    row=1,
    values=("0411", "", "0123", "0042", "1:30", "Bike repair"),
    said=("Ana Silva gave Ben Carter 1 hour 30 minutes: Bike repair.", "Entered by Rosa from cheque 0411."),
    trade=Link(text="K7F-3QM-92X", href="/t/K7F-3QM-92X"),
    settled=True,
)
GOOD = SlipView(
    row=2,
    values=("0412", "", "0123", "0007", "2", "Ironing"),
    said=("Ana Silva gives Maud Ellis 2 hours.", "Then Ana Silva has −30 min and Maud Ellis has +2 h."),
    good=True,
)
BAD = SlipView(
    row=3,
    values=("0412", "3 Mar", "0042", "0999", "1.30", ""),
    said=(
        "From Ben Carter.",
        "Another slip here has the number 0412 too.",
        "Nobody has the number 0999.",
        "Do you mean 1 h 30 or 1 h 18? Please write it like that.",
        "Please say what it was.",
    ),
    wrong=("n", "q", "a", "w"),
)
ERRORS = {
    "n3": "Slip 3: Another slip here has the number 0412 too.",
    "q3": "Slip 3: Nobody has the number 0999.",
    "a3": "Slip 3: Do you mean 1 h 30 or 1 h 18? Please write it like that.",
    "w3": "Slip 3: Please say what it was.",
}


def _batch(*slips: SlipView, **more: object) -> BatchView:
    given: dict[str, object] = {
        "title": "Market, 4 Mar 2026", "closed": False, "action": "/desk/entry/7", "close_action": "/desk/entry/7/close",
        "form": Filled(ENVELOPE), "unit_name": "hours", "columns": COLUMNS, "same": ("", "", "", "", "", ""),
        "slips": slips, "total": (), "fits": False, "more": 5,
    }  # fmt: skip
    return BatchView(**{**given, **more})  # type: ignore[arg-type]  # the names are the view's


def desk_views() -> dict[str, View]:
    """Return a view of each page, by name."""
    blank = SlipView(row=4, values=("",) * 6)
    return {
        "envelopes": EnvelopesView(
            form=Filled({"day": "7 Mar 2026"}), unit_name="hours", amount_hint=HINT, once=ONCE,
            batches=(
                BatchRow(href="/desk/entry/7", when="today, 9:40", where="Market, 4 Mar 2026", by="Rosa Whitfield", state=Pill(text="2 to sort out", tone="wait")),
                BatchRow(href="/desk/entry/6", when="28 Feb 2026", where="Letter box, 27 Feb 2026", by="Sam", state=Pill(text="Put away", tone="good")),
            ),
        ),
        "batch": _batch(*[SlipView(row=row, values=("",) * 6) for row in range(1, 13)]),
        "batch-checked": _batch(
            IN_THE_BOOKS, GOOD, BAD, blank, form=Filled(ENVELOPE, ERRORS),
            total=("The envelope says 4. Here are 3 slips.", "The envelope says 8 hours 30 minutes in all. These slips come to 3 hours 30 minutes.", "1 amount that cannot be read is not counted."),
            wrong=1, good=1, seen="5f4dcc3b5aa765d61d8327deb882cf99-2", same=("", "", "", "", "", "Market help"),
        ),
        "batch-closed": _batch(IN_THE_BOOKS, BAD, closed=True, more=0),
        "batch-abroad": _batch(
            SlipView(row=1, values=("Riverside", "0412", "", "0123", "0042 Karim", "1:30", "Jam"), settled=True, said=("Ana Silva gave Karim (Riverside) 1 hour 30 minutes: Jam (cheque 0412).", "Entered by Rosa from cheque 0412."), trade=Link(text="K7F-3QM-92X", href="/t/K7F-3QM-92X")),
            SlipView(row=2, values=("Riverside", "77", "", "0042 Karim Haddad", "0123", "6", "Bread"), settled=True, pill=Pill(text="Waits for a yes", tone="wait"), said=("Karim Haddad (Riverside) gives Ana Silva 30 minutes.", "Entered by Rosa from cheque 77.", "Riverside has it. It waits for a yes there, and nothing has moved.")),
            SlipView(row=3, values=("Riverside", "0413", "", "0123", "0042 Karim Haddad", "0:30", "Market help"), good=True, said=("Ana Silva gives 30 minutes. Karim Haddad (Riverside) gets 6 Acorns.", "Then Ana Silva has −2 h.")),
            SlipView(row=4, values=("Hilltop", "12", "", "0007 Zoe", "0123", "10", "Honey"), pill=Pill(text="Refused", tone="stop"), wrong=("p",), said=("They said no: It was one jar, not two. Nothing moved.", "Nobody in Hilltop has the number 0007 and the name Zoe.")),
            SlipView(row=5, values=("",) * 7),
            columns=(SCHEME, *(replace(each, numeric=False) for each in COLUMNS)), same=("",) * 7, near=("Hilltop", "Riverside"), again_href="/desk/entry/7", seen="5f4dcc3b5aa765d61d8327deb882cf99-3", good=1, wrong=1,
            total=("It fits the envelope: 4 slips, 8 hours 30 minutes in all.",), fits=True,
        ),
        "cheques-abroad": BroughtView(
            cards=(
                BroughtCard(title="Cheque 77 of 4 Mar 2026", name="Karim Haddad", number="0042", href="/admin/members/42", sentences=("Karim Haddad gives at most 6 Acorns. Ana (Oakvale) gets 30 minutes: Bread (cheque 77).", "It came today, 9:40 and runs out on 21 March 2026."), form=Filled({"said1": ""}, {"said1": "Please say how you know, or why not."}), field="said1", action="/desk/cheques/1", can_pay=True),
                BroughtCard(title="Slip of 4 Mar 2026", name="Rosa Whitfield", number="0003", href="/admin/members/3", sentences=("Rosa Whitfield gives at most 1 Acorn. Ana (Oakvale) gets 5 minutes: Cake.", "A cheque of this number is paid already. Ask both sides what happened."), form=EMPTY, field="said2", action="", can_pay=False, own_href="/asks/2"),
            ),
            empty=None,
        ),
        "cheques-abroad-none": BroughtView(cards=(), empty=Empty(text="No cheque waits for a yes.")),
        "letters": LettersView(
            cards=(
                NotesCard(name="Maud Ellis", number="0007", href="/admin/members/7", reach="By letter: 3 Mill Lane, Oakvale", notes=(("today, 9:40", "Ana Silva gave you 2 hours: Ironing. Entered by Rosa Whitfield from cheque 0412 of 4 Mar 2026."),), last="12", action="/desk/letters/7/told"),
                NotesCard(name="George Adeyemi", number="0124", href="/admin/members/124", reach="Ring 01632 960 456", notes=(("4 Mar 2026", "You gave Ben Carter 30 minutes: Eggs. Entered by Sam from a slip of 3 Mar 2026."), ("today, 9:41", "Ines Duarte gave you 1 hour: Lift to town. Entered by Rosa Whitfield from cheque 17 of 4 Mar 2026.")), last="14", action="/desk/letters/124/told"),
            ),
            empty=None,
        ),
        "act": ActView(name="Maud Ellis", number="0007", action="/desk/as/7", form=Filled({"how": "", "why": ""}), hows=(Option(value="phone", text="They ring"), Option(value="desk", text="They are at the desk"), Option(value="letter", text="They wrote a letter")), back_href="/admin/members/7"),
        "figures": ReportsView(
            form=Filled({"from": "2025-12-01", "to": "2026-03-07"}), period="1 Dec 2025 to 7 Mar 2026", printed="Printed on 7 Mar 2026",
            figures=(Fact(label="Trades in that time", text="214"), Fact(label="Moved in all", text="402 hours"), Fact(label="People who traded", text="87"), Fact(label="Half is below", text="+1 h 30")),
            tables=(
                ReportTable(caption="Month by month", heads=("Month", "People", "Moved", "Trades"), rows=(ReportRow(label="Dec 2025", cells=("41", "98 h", "52"), bar=65), ReportRow(label="Jan 2026", cells=("55", "140 h 30", "80"), bar=100), ReportRow(label="Feb 2026", cells=("48", "121 h", "71"), bar=89)), empty="", csv_href="/desk/figures.csv?of=activity"),
                ReportTable(caption="Who helped others most", heads=("Name", "Trades", "For help given"), rows=(ReportRow(label="Ana Silva", cells=("31", "62 h"), bar=100, href="/admin/members/123"), ReportRow(label="Wolfgang Featherstonehaugh-Cholmondeley", cells=("4", "9 h 30"), bar=15, href="/admin/members/99")), empty="", csv_href="/desk/figures.csv?of=givers"),
                ReportTable(caption="Who was helped most", heads=("Name", "Trades", "For help received"), rows=(), empty="No trades in that time.", csv_href="/desk/figures.csv?of=needers"),
                ReportTable(caption="Whom to look after, now", heads=("Members", "How many"), rows=(ReportRow(label="Without offers or wants", cells=("12",), bar=100, href="/admin/members?show=no-offers"), ReportRow(label="Beyond a limit", cells=("0",), bar=0, href="/admin/members?show=beyond")), empty="", csv_href="/desk/figures.csv?of=without"),
            ),
        ),
        "rules": RulesView(
            days_form=Filled({"ask_days": "x"}, {"ask_days": "Please write a number of days from 3 to 60."}), days_least=3,
            days_most=60, silence_form=Filled({"silence_days": "14"}), silence_least=7, silence_most=60,
        ),
        "rules-silence": RulesView(
            days_form=Filled({"ask_days": "14"}), days_least=3, days_most=60, silence_form=Filled({"silence_days": "14"}),
            silence_least=7, silence_most=60, counts="Who does not answer for 14 days has said yes.", asked=True,
        ),
        "letters-none": LettersView(cards=(), empty=Empty(text="Nobody waits to be told anything.")),
    }  # fmt: skip
