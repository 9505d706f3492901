"""A host says yes or no to somebody who asked for a seat. Source: docs/protocol.md 5.11; docs/pages.md 8.16."""

from __future__ import annotations

from typing import Final, Literal

from aiohttp import web

from node.web.context import MEMBER, Context, NoSuchPage, Route, post
from node.web.forms import Filled, Form, line
from node.web.pages.event_list import key_of
from protocol.errors import OutOfOrder
from protocol.event import Answer


class AdmitForm(Form):
    who: line(12, 1)  # type: ignore[valid-type]  # `line` makes the type of a field
    yes: Literal["yes", "no"]


async def admit(context: Context) -> web.Response:
    """POST /events/{key}/admit: its host says yes or no to somebody who asked."""
    form, page = context.form(AdmitForm), f"/events/{key_of(context).hex()}"
    # Somebody of another scheme is a number below zero.
    if isinstance(form, Filled) or not (form.who.isascii() and form.who.removeprefix("-").isdigit()):
        raise NoSuchPage
    try:
        after = await context.node.events.admit(
            key_of(context), context.actor, int(form.who), form.yes == "yes"
        )
    except LookupError:
        raise NoSuchPage from None
    except OutOfOrder:
        return context.redirect(page, note="event-changed")
    return context.redirect(page, note="lift-full" if after is Answer.WAITING else "told")


ROUTES: Final[tuple[Route, ...]] = (post("/events/{key}/admit", admit, MEMBER),)
