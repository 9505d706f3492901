"""Believable views of the pages about agreeing a day."""

from __future__ import annotations

from typing import Final

from node.web.forms import Filled
from node.web.views.days import DayCard, DayView
from node.web.views.member import MessageItem, ThreadView
from node.web.views.page import Option, Pill, View

DAY: Final = DayView(
    name="Ben", back_href="/messages/1", action="/messages/1/day", once="AAAAAAAAAAAAAAAAAAAAAA", unit_name="hours", amount_hint="For example 2, 1:30 or 90 min",
    payers=(Option(value="me", text="I pay Ben"), Option(value="them", text="Ben pays me")), form=Filled({"what": "Bike repair", "pays": "me"}),
)  # fmt: skip
LINES: Final = ("Saturday 7 March 2026, 14:30", "Mill Lane 4", "You pay Ben 2 hours.")
TALK: Final = ThreadView(
    name="Ben Carter", badge="", person_href="/people/0002", about=None, older_href="", starters=(), once="o", action="/messages/1", record_href="/record/what?who=0002", day_href="/messages/1/day",
    messages=(MessageItem(mine=False, author="Ben", paragraphs=("Proposes a day: Saturday 7 March 2026, 14:30", "Bike repair", "Mill Lane 4"), when="today, 9:40"),),
    days=(DayCard(what="Bike repair", state=Pill(text="Yes or no?", tone="wait"), lines=LINES, accept_action="/days/1/accept", decline_action="/days/1/decline"),
          DayCard(what="Saddle raised", state=Pill(text="Agreed", tone="good"), lines=LINES, record_action="/days/2/record", withdraw_action="/days/2/withdraw", withdraw_text="Take it back", calendar_href="/days/2/calendar")),
)  # fmt: skip
VIEWS: Final[dict[str, View]] = {
    "day": DAY,
    "day-abroad": DayView(name="Karim", badge="Riverside", back_href="/messages/2", action="/messages/2/day", once="AAAAAAAAAAAAAAAAAAAAAA", unit_name="Acorns", amount_hint="For example 6 or 2.50", payer_note="You pay Karim.", form=Filled({"what": "Plum jam, 4 jars", "day": ""}, {"day": "Please choose a day."})),
    "thread-days": TALK,
}  # fmt: skip
