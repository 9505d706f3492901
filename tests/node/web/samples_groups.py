"""Believable views of groups and their boards."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from node.web.forms import EMPTY, Filled
from node.web.views.circles import (
    GroupAct,
    GroupFormView,
    GroupPeopleView,
    GroupPerson,
    GroupRow,
    GroupsView,
    GroupView,
    NoteView,
    SaidItem,
)
from node.web.views.events import EventRow
from node.web.views.page import Empty, Link, Option, Pager, Pill, View

ONCE: Final = "AAAAAAAAAAAAAAAAAAAAAA"
BASE: Final = "/groups/1"
DOORS: Final = (
    Option(value="open", text="Open", hint="Every member may come in, and reads the board."),
    Option(
        value="closed", text="By asking", hint="You say yes to whoever asks. Only those in it read the board. It stays so."
    ),
)  # fmt: skip
OVEN: Final = SaidItem(
    href="/groups/1/notes/3", title="The oven in the hall is ours on Thursdays", author="Ben Carter", when="4 Mar 2026",
    paragraphs=("From three in the afternoon. Whoever is last turns it off, and writes it into the book beside the door.",),
    pinned=True, answers="2 answers",
)  # fmt: skip
YEAST: Final = SaidItem(
    href="/groups/1/notes/7", title="Has somebody sourdough to spare?", author="Maud Ellis", when="yesterday, 9:40",
    paragraphs=("Mine has died. A spoonful is enough; I bring a jar.",),
)  # fmt: skip
OFF: Final = SaidItem(
    href="/groups/1/notes/8", title="Cheap ovens", author="Ana Silva", when="today, 8:12", paragraphs=("My cousin sells them.",),
    off="Ben took this off: “It is an advert.” Only you still see it.",
)  # fmt: skip
BAKING: Final = EventRow(
    href="/events/9", title="We bake for the summer fair", kind="Work party", when="Thursday 12 March 2026, 15:00 to 18:00",
    where="Oven in the hall", places="4 come, 2 places are free", state=Pill(text="You come", tone="good"),
)  # fmt: skip
GROUP: Final = GroupView(
    name="Bread and yeast",
    purpose=("We bake together once a week and share an oven, flour by the sack, and what went wrong.",),
    door="Open: every member of Oakvale may come in, and reads the board.",
    size="12 people",
    keepers="Kept by Ben, Priya.",
    mine="",
    base=BASE,
    acts=(GroupAct(act="leave", text="Leave the group"),),
    people_href="/groups/1/people",
    events=(BAKING,),
    event_href="/events/new?group=1",
    edit_href="",
    asking="",
    reads=True,
    notes=(OVEN, OFF, YEAST),
    pager=Pager(text="1 to 20 of 31", next_href="/groups/1?page=2"),
    may_write=True,
    once=ONCE,
)  # fmt: skip
NOTE: Final = NoteView(
    group=Link(text="Bread and yeast", href=BASE),
    note=replace(YEAST, href="", report_href="/groups/1/notes/7/report"),
    base="/groups/1/notes/7",
    answers=(
        SaidItem(
            href="", title="", author="Ben Carter", when="yesterday, 10:05", paragraphs=("I have. Come by after six.",), no="4",
            report_href="/groups/1/notes/7/report?answer=4",
        ),
        SaidItem(
            href="", title="", author="Ana Silva", when="today, 8:12", paragraphs=("Mine is yours too.",), no="5", may_take_away=True
        ),
    ),
    pin="",
    may_answer=True,
    once=ONCE,
)  # fmt: skip


def _kept(item: SaidItem) -> SaidItem:
    return replace(item, may_take_off=not item.may_take_away)


def member_pages() -> dict[str, View]:
    """Return what members see."""
    rows = (
        GroupRow(
            href=BASE, name="Bread and yeast", purpose=GROUP.purpose[0], size="12 people",
            state=Pill(text="You are in it", tone="good"),
        ),
        GroupRow(
            href="/groups/2", name="Walking at eight", purpose="Every Sunday, whatever the weather.", size="1 person",
            state=Pill(text="By asking"),
        ),
        GroupRow(href="/groups/3", name="Menders", purpose="Bikes, clocks, toasters.", size="31 people"),
    )  # fmt: skip
    form = GroupFormView(
        form=Filled({"name": "", "door": "open"}, {"name": "Please fill in the name."}), action="/groups/new", new=True, doors=DOORS,
        once=ONCE, back=Link(text="Groups", href="/groups"),
    )  # fmt: skip
    keeper = replace(
        GROUP,
        acts=(GroupAct(act="leave", text="Leave the group"), GroupAct(act="lower", text="Keep it no longer")),
        edit_href="/groups/1/edit",
        asking="2 people ask to come in.",
        door="By asking: a keeper says yes, and only those in it read the board.",
        notes=(),
        pager=None,
    )
    return {
        "groups": GroupsView(mine=rows[:1], others=rows[1:], empty=None),
        "groups-empty": GroupsView(
            mine=(), others=(), empty=Empty(text="There is no group yet. Start the first one.")
        ),
        "group-new": form,
        "group-edit": replace(
            form, form=Filled({"name": "Bread and yeast", "purpose": GROUP.purpose[0]}), new=False, doors=(), once="",
            action="/groups/1/edit", back=Link(text="Back to the group", href=BASE),
        ),
        "group": GROUP,
        "group-kept": keeper,
        "group-closed": replace(
            GROUP, name="Walking at eight", mine="You asked to come in. A keeper says yes or no.", people_href="", reads=False, notes=(),
            acts=(GroupAct(act="leave", text="Take my question back"),), may_write=False, pager=None,
            door="By asking: a keeper says yes, and only those in it read the board.",
        ),
        "group-outside": replace(
            GROUP, acts=(GroupAct(act="join", text="Come in", quiet=False),), may_write=False, notes=(OVEN,), pager=None
        ),
        "group-people": GroupPeopleView(
            name="Bread and yeast", base=BASE,
            asking=(
                GroupPerson(
                    no="5", name="Maud Ellis", href="/people/0005", state=None,
                    acts=(GroupAct(act="accept", text="Yes", quiet=False), GroupAct(act="decline", text="No")),
                ),
            ),
            inside=(
                GroupPerson(no="2", name="Ben Carter", href="/people/0002", state=Pill(text="You keep it", tone="good")),
                GroupPerson(
                    no="3", name="Priya Nair", href="/people/0003", state=None,
                    acts=(GroupAct(act="raise", text="Make a keeper too"), GroupAct(act="remove", text="Send away")),
                ),
            ),
            note="A keeper says who comes in, pins notes, and takes off what does not belong. To hand the group over, make somebody else a keeper, then keep it no longer or leave.",
        ),
        "group-note": NOTE,
        "group-note-kept": replace(
            NOTE, note=_kept(replace(OVEN, href="")), answers=tuple(_kept(each) for each in NOTE.answers), pin="unpin",
            off_form=EMPTY.with_error("reason", "Please say why. Whoever wrote it reads it."),
        ),
        "group-note-off": replace(NOTE, note=replace(OFF, href="", may_take_away=True), answers=(), may_answer=False),
    }  # fmt: skip
