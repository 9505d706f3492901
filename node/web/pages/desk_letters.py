"""The organisers' desk: what members without e-mail are to be told, for letters, telephone and market. Source: docs/pages.md 0.9, 9."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.members import Reach
from node.services.paper_notes import ToTell, to_tell
from node.web.context import ORGANISER, Context, NoSuchPage, Route, get, post
from node.web.forms import Filled, Form, WholeNumber
from node.web.views.entry import LettersView, NotesCard
from node.web.views.page import Empty


class ToldForm(Form):
    last: WholeNumber


async def letters(context: Context) -> web.Response:
    """GET /desk/letters"""
    waiting = await context.read(to_tell)
    nobody = Empty(text=context.words.gettext("Nobody waits to be told anything."))
    cards = tuple(_card(context, each) for each in waiting)
    return context.show(LettersView(cards=cards, empty=None if cards else nobody))


def _card(context: Context, each: ToTell) -> NotesCard:
    member, words = each.member, context.words
    match member.reach:
        case Reach.PHONE:
            reach = words.gettext("Ring %(phone)s") % {"phone": member.phone}
        case Reach.EMAIL:
            reach = words.gettext("Write to %(address)s") % {"address": member.email}
        case _ if member.address:
            reach = words.gettext("By letter: %(address)s") % {
                "address": ", ".join(member.address.split("\n"))
            }
        case _:
            reach = words.gettext("By letter")
    return NotesCard(
        name=member.name,
        number=member.number,
        href=f"/admin/members/{member.no}",
        reach=reach,
        notes=tuple((context.voice.lately(note.at_ms), note.text) for note in each.notes),
        last=str(each.notes[-1].no),
        action=f"/desk/letters/{member.no}/told",
    )


async def told(context: Context) -> web.Response:
    """POST /desk/letters/{no}/told: everything up to the newest note that the page showed."""
    form = context.form(ToldForm)
    if isinstance(form, Filled):
        raise NoSuchPage
    await context.node.paper_notes.told(context.actor, context.number("no"), form.last)
    return context.redirect("/desk/letters", note="told")


ROUTES: Final[tuple[Route, ...]] = (
    get("/desk/letters", letters, ORGANISER),
    post("/desk/letters/{no}/told", told, ORGANISER),
)
