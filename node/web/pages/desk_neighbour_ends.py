"""The organisers' desk: declining a scheme, stopping, trading again, ending, and what was settled in another way.

Source: docs/pages.md 8.12; docs/protocol.md 6.3, 6.6.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from node.services.acts import Actor
from node.services.line_units import LineRefused
from node.web.context import ORGANISER, Context, NoSuchPage, Route, post
from node.web.forms import EMPTY, Filled
from node.web.pages.desk_neighbour import view_of
from node.web.pages.desk_neighbours import scheme_of
from node.web.pages.neighbours_shown import (
    LimitsForm,
    SettleForm,
    href_of,
    known_neighbours,
    read_hours,
    read_limits,
)
from protocol.names import SchemeId

Wish = Callable[[Actor, SchemeId], Awaitable[None]]


async def decline(context: Context) -> web.Response:
    """Say no to a scheme that asked."""
    return await _do(context, context.node.neighbours.decline, "not-traded")


async def take_back(context: Context) -> web.Response:
    """Take our own question back."""
    return await _do(context, context.node.neighbours.take_back, "taken-back")


async def stop(context: Context) -> web.Response:
    """Begin nothing new with a neighbour."""
    return await _do(context, context.node.neighbours.stop, "stopped")


async def end(context: Context) -> web.Response:
    """End trade with a neighbour for good."""
    return await _do(context, context.node.neighbours.close, "ended")


async def _do(context: Context, wish: Wish, note: str) -> web.Response:
    scheme = scheme_of(context)
    try:
        await wish(context.actor, scheme)
    except LineRefused as refused:
        return await _again(context, scheme, Filled().with_error("", context.words.gettext(str(refused))))
    return context.redirect(href_of(scheme), note=note)


async def _again(context: Context, scheme: SchemeId, form: Filled, *, settle: Filled = EMPTY) -> web.Response:
    known = await known_neighbours(context)
    if scheme not in known.lines:
        raise NoSuchPage
    # Said above the page as it stands now; what was typed into another form is not taken over.
    return context.show(await view_of(context, known, scheme, said=form, settle=settle), 422)


async def start(context: Context) -> web.Response:
    """Trade again, with limits."""
    scheme, form = scheme_of(context), context.form(LimitsForm)
    shown = form if isinstance(form, Filled) else read_limits(context, form)
    if isinstance(shown, Filled):
        return await _again(context, scheme, shown)
    try:
        await context.node.neighbours.resume(context.actor, scheme, *shown)
    except LineRefused as refused:
        return await _again(context, scheme, Filled().with_error("", context.words.gettext(str(refused))))
    return context.redirect(href_of(scheme), note="agreed")


async def settle(context: Context) -> web.Response:
    """Write down what they settled in another way than by trading."""
    scheme, form = scheme_of(context), context.form(SettleForm)
    if not isinstance(form, Filled):
        hours = read_hours(context, form.settled)
        typed = Filled(form.model_dump())
        if isinstance(hours, str):
            form = typed.with_error("settled", hours)
        else:
            try:
                await context.node.neighbours.settle(context.actor, scheme, hours, form.owed)
            except LineRefused as refused:
                form = typed.with_error("settled", context.words.gettext(str(refused)))
            else:
                return context.redirect(href_of(scheme), note="settled")
    return await _again(context, scheme, EMPTY, settle=form)


ROUTES: Final[tuple[Route, ...]] = (
    post("/admin/neighbours/{scheme}/decline", decline, ORGANISER),
    post("/admin/neighbours/{scheme}/take-back", take_back, ORGANISER),
    post("/admin/neighbours/{scheme}/stop", stop, ORGANISER),
    post("/admin/neighbours/{scheme}/start", start, ORGANISER),
    post("/admin/neighbours/{scheme}/end", end, ORGANISER),
    post("/admin/neighbours/{scheme}/settle", settle, ORGANISER),
)
