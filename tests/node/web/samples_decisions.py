"""Believable views of what is put to the vote, and of minutes."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from node.web.forms import EMPTY, Filled
from node.web.views.events import CommentItem
from node.web.views.page import Empty, Fact, Link, Option, Pill, View
from node.web.views.proposals import ProposalFormView, ProposalRow, ProposalsView, ProposalView

ONCE: Final = "AAAAAAAAAAAAAAAAAAAAAA"
BACK: Final = Link(text="Decisions", href="/groups/1/decisions")
CHOICES: Final = (
    Option(value="yes", text="Yes"),
    Option(value="no", text="No"),
    Option(value="abstain", text="I abstain"),
    Option(value="aside", text="I stand aside", hint="I do not agree, and do not stand in the way."),
)
FACTS: Final = (
    Fact(label="Put by", text="Ben Carter"),
    Fact(label="Who votes", text="Everybody in the group"),
    Fact(label="How", text="Openly: afterwards all see who voted how."),
    Fact(label="Until", text="Vote until the end of Friday 6 March 2026"),
    Fact(label="At least", text="5 have to vote"),
    Fact(label="Voted so far", text="4 of 12"),
)
MOWER: Final = ProposalView(
    back=BACK,
    title="A mower for all of us, kept in the shed behind the village hall",
    state=Pill(text="Being voted on", tone="wait"),
    paragraphs=("We buy Priya's mower for 20 hours from all of us together.", "Whoever borrows it brings it back with a full tank."),
    options=(),
    facts=FACTS,
    base="/decisions/1",
    choices=CHOICES,
    vote="You voted: Yes. You can change it until the vote ends.",
    result="",
    counts=(),
    names=(),
    minutes=(),
    minutes_by="",
    may_minute=False,
    comments=(
        CommentItem(
            author="Maud Ellis", when="yesterday, 9:40", text="Is it very loud?", report_href="/decisions/1/report?said=4"
        ),
        CommentItem(author="Ana Silva", when="today, 8:12", text="No, it is one with a spindle.", no="5"),
        CommentItem(
            author="Ana Silva", when="today, 8:13", text="My cousin sells them.", no="6",
            off="Rosa took this off: “It is an advert.” Only you still see it.",
        ),
    ),
    may_say=True,
    may_withdraw=False,
    once=ONCE,
    choice_form=Filled({"choice": "yes"}),
)  # fmt: skip
DECIDED: Final = replace(
    MOWER, state=Pill(text="Decided", tone="good"), choices=(), vote="", result="Agreed.", may_say=False,
    facts=(*FACTS[:3], Fact(label="Until", text="The vote ended on Friday 6 March 2026")),
    counts=(
        Fact(label="Yes", text="7"), Fact(label="No", text="2"), Fact(label="Abstained", text="0"), Fact(label="Stood aside", text="1"),
        Fact(label="Voted", text="10 of 12"),
    ),
    names=(
        Fact(label="Yes", text="Ana Silva, Ben Carter, George Adeyemi, Maud Ellis, Priya Nair, Rosa Whitfield, Tomasz Zielinski"),
        Fact(label="No", text="Nora Lindqvist, Otto Berg"), Fact(label="Stood aside", text="Zoe King"),
    ),
    minutes=("Ben fetches it on Saturday. Priya shows whoever wants how it is started.",), minutes_by="Written by Rosa Whitfield on 8 Mar 2026",
)  # fmt: skip


def member_pages() -> dict[str, View]:
    """Return what members see."""
    row = ProposalRow(
        href="/decisions/1", title=MOWER.title, when="Vote until the end of Friday 6 March 2026", result="", state=MOWER.state
    )  # fmt: skip
    rows = ProposalsView(
        whose="Bread and yeast",
        back=Link(text="Bread and yeast", href="/groups/1"),
        new_href="/decisions/new?group=1",
        running=(row,),
        past=(
            replace(row, title="Where do we bake in winter?", when="The vote ended on 4 Jan 2026", result="Chosen: In the hall (In the hall 7, Abstained 1)", state=Pill(text="Decided", tone="good")),
            replace(row, title="A second oven", when="Withdrawn", state=Pill(text="Withdrawn", tone="stop")),
        ),
        empty=None,
    )  # fmt: skip
    form = ProposalFormView(
        form=Filled(
            {"title": "Where do we bake in winter?", "text": "It is cold in the barn.", "way": "options", "options": "In the hall", "voters": "group"},
            {"options": "Please write 2 to 6 different options, one on each line, none longer than a line.", "day": "Please choose a day."},
        ),
        group="1", voters=(Option(value="group", text="Everybody in the group"), Option(value="keepers", text="The keepers of the group")),
        once=ONCE, back=BACK,
    )  # fmt: skip
    return {
        "decisions": rows,
        "decisions-empty": replace(
            rows, whose="Oakvale", new_href="", running=(), past=(), empty=Empty(text="Nothing was put to the vote yet."),
        ),
        "decision-new": form,
        "decision": MOWER,
        "decision-options": replace(
            MOWER, title="Where do we bake in winter?", options=("In the hall", "At Priya's", "Each at home"), may_withdraw=True,
            choices=(
                Option(value="1", text="In the hall"), Option(value="2", text="At Priya's"), Option(value="3", text="Each at home"),
                *CHOICES[2:],
            ),
            vote="You have one vote. You can change it until the vote ends.", comments=(),
            choice_form=EMPTY.with_error("choice", "Please choose one of the answers."),
        ),
        "decision-outside": replace(
            MOWER, choices=(), may_say=False,
            vote="You are not among those who vote on this: who votes was written down when it was put.",
        ),
        "decision-decided": DECIDED,
        "decision-to-minute": replace(
            DECIDED, minutes=(), minutes_by="", names=(), may_minute=True, result="Nothing is decided: too few voted.",
            state=Pill(text="Closed"),
        ),
    }  # fmt: skip
