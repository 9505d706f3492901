"""Believable views of the pages about what people can do and how they are reached, for `samples.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from node.web.forms import Filled
from node.web.views.complaints import ComplaintRow
from node.web.views.page import Fact, Link, Option, PictureShown, View
from node.web.views.profiles import ContactRow, ProfileView, SeenView, SkillGroup
from node.web.views.reports import ReportedView, ReportsView, ReportView
from node.web.views.thanks import MyThanksView, ThanksRow
from tests.node.web.samples_of_pictures import DRAWN

SEEN_BY: Final = (
    Option(value="members", text="Members of Oakvale"),
    Option(value="written", text="Only members I wrote to"),
    Option(value="abroad", text="Members, and I may send it to other schemes"),
    Option(value="nobody", text="Nobody for now"),
)
FIND: Final[Mapping[str, View]] = {
    "my-profile": ProfileView(
        portrait=PictureShown(src=DRAWN, width=88, height=88, words=""),
        skills_form=Filled({"words": "mending bikes, Spanish, pruning apple trees"}),
        groups=(
            SkillGroup(
                name="Repairs and building", ticked=1,
                options=(Option(value="repair-things", text="Mending things"), Option(value="repair-bicycles", text="Bicycles")),
            ),
            SkillGroup(name="Garden and land", ticked=0, options=(Option(value="garden-work", text="Digging, mowing and weeding"),)),
        ),
        ticked=frozenset({"repair-bicycles"}),
        contacts_form=Filled(
            {"text1": "Phone 01632 960 123, after six", "text2": "ana@example.org"},
            {"seen2": "Please choose one of the answers."},
        ),
        rows=tuple(ContactRow(number=at, seen_by="members") for at in range(1, 5)),
        seen_options=SEEN_BY,
    ),
    "my-thanks": MyThanksView(
        received=(
            ThanksRow(
                text="It runs again!", who="From Ana", when="3 March 2026", trade=Link(text="Bike repair", href="/t/K7F-3QM-92X"),
                state="Ana wants others to read it. Do you?", action="/my/thanks/1", agree=True,
            ),
        ),
        given=(
            ThanksRow(
                text="Best jam ever.", who="To Karim", when="1 March 2026", trade=Link(text="Plum jam", href="/t/K7F-3QM-92Y"),
                state="Only you two can read it.", action="", agree=True,
            ),
        ),
        empty=None,
    ),
    "report": ReportView(
        what="“Plum jam, 4 jars”, by Karim Haddad", readers="Only organisers of Oakvale read it.", ring="Or ring Rosa: 01632 960 123.",
        form=Filled({"text": "This is not jam."}), action="/l/jam/report", back=Link(text="Back to it", href="/l/jam"),
    ),
    "my-profile-seen": SeenView(
        name="Ana Silva", who="As any member sees you",
        others=(
            Link(text="As any member sees you", href="?by=member"), Link(text="As a member you wrote to sees you", href="?by=written"),
            Link(text="What people of other schemes can get from you", href="?by=abroad"),
            Link(text="As somebody who is no member sees you", href="?by=visitor"),
        ),
        facts=(Fact(label="Place", text="Mill Lane"),), skills=("mending bikes", "Spanish", "Bicycles"),
        contacts=(Fact(label="Reach me", text="Phone 01632 960 123, after six"),), note="",
    ),
}  # fmt: skip
FIND_DESK: Final[Mapping[str, View]] = {
    "reports": ReportsView(
        rows=(ComplaintRow(href="/admin/reports/1", who="Ana Silva", what="“Miracle cure”, by Pat Doe", when="today, 9:40"),)
    ),
    "desk-report": ReportedView(
        title="“Miracle cure”, by Pat Doe", who="Ana Silva", when="today, 9:40", said=("Nobody should sell this as medicine.",),
        quoted_title="The listing, as it was", quoted=("Miracle cure",), listing=Link(text="See it as it is now", href="/l/cure"),
        people=(Link(text="Message Ana Silva", href="/messages/new?to=1"), Link(text="Message Pat Doe", href="/messages/new?to=9")),
        outcome="", own=False, take_down_action="/admin/reports/1/take-down", close_action="/admin/reports/1/close",
    ),
}  # fmt: skip
