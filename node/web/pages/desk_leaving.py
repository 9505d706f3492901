"""The organisers' desk: a member has left, and what is held about them is to be erased. Source: docs/pages.md 8.10; docs/protocol.md 3.1."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from aiohttp import web

from node.services.acts import Actor
from node.services.joint_kinds import CannotAct
from node.services.members import Unable
from node.web.context import ORGANISER, Context, Route, post
from node.web.forms import EMPTY, Filled, Form, line
from node.web.pages.desk_members import REASON_CHARACTERS_MAX, known_member, member_view
from node.web.pages.together_words import why_sentence
from node.web.sentences import unable_sentence


class PartForm(Form):
    reason: line(REASON_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # makes the type of a field


async def part(context: Context) -> web.Response:
    """Note that a member has left."""
    known = await known_member(context)
    form = context.form(PartForm)
    if not isinstance(form, Filled):
        try:
            await context.node.parting.part(context.actor, known.member.no, why=form.reason)
        except Unable as unable:
            form = Filled(form.model_dump()).with_error("reason", unable_sentence(unable.why, context.words))
        else:
            return context.redirect(f"/admin/members/{known.member.no}", note="left")
    return context.show(replace(member_view(context, known), part_form=form), 422)


async def erase(context: Context) -> web.Response:
    """Ask to erase what is held about a member who has left; a second organiser confirms it."""
    return await ask_of_two(context, context.node.joint_acts.ask_erase)


async def ask_of_two(context: Context, ask: Callable[[Actor, int], Awaitable[object]]) -> web.Response:
    """Ask for what a second organiser confirms, about the member that the address names."""
    known = await known_member(context)
    try:
        await ask(context.actor, known.member.no)
    except CannotAct as error:
        said = EMPTY.with_error("", why_sentence(context, error.why))
        return context.show(replace(member_view(context, known), part_form=said), 422)
    return context.redirect("/admin/together", note="asked-two")


ROUTES: Final[tuple[Route, ...]] = (
    post("/admin/members/{no}/part", part, ORGANISER),
    post("/admin/members/{no}/erase", erase, ORGANISER),
)
