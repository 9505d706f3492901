"""The organisers' desk: acting for a member who rings, comes to the desk or writes. Source: docs/pages.md 0.9, 7.3."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.behalf import How, may_act_for
from node.services.members import Member, Unable, member_by_no
from node.web.context import ORGANISER, Context, NoSuchPage, Route, WrongRole, get, post
from node.web.forms import Filled, Form, line
from node.web.views.entry import ActView
from node.web.views.page import Option

WHY_CHARACTERS_MAX: Final = 100


class ActForm(Form):
    how: line(20, 1)  # type: ignore[valid-type]  # makes the type of a field; so below
    why: line(WHY_CHARACTERS_MAX)  # type: ignore[valid-type]  # as above


async def ask(context: Context) -> web.Response:
    """GET /desk/as/{no}"""
    return context.show(_view(context, await _member(context), Filled({"how": ""})))


async def _member(context: Context) -> Member:
    """Return the member the address names. Raises NoSuchPage, WrongRole: nobody acts for them through this organiser."""
    member = await context.read(member_by_no, context.number("no"))
    if member is None or member.is_erased:
        raise NoSuchPage
    if not may_act_for(context.member, member):
        raise WrongRole
    return member


def _view(context: Context, member: Member, form: Filled) -> ActView:
    _ = context.words.gettext
    return ActView(
        name=member.name,
        number=member.number,
        action=f"/desk/as/{member.no}",
        form=form,
        hows=(
            Option(value=How.PHONE.value, text=_("They ring")),
            Option(value=How.DESK.value, text=_("They are at the desk")),
            Option(value=How.LETTER.value, text=_("They wrote a letter")),
        ),
        back_href=f"/admin/members/{member.no}",
    )


async def begin(context: Context) -> web.Response:
    """POST /desk/as/{no}"""
    member, form = await _member(context), context.form(ActForm)
    if not isinstance(form, Filled) and form.how not in set(How):
        said = context.words.gettext("Please choose one of the answers.")
        form = Filled(form.model_dump()).with_error("how", said)
    if isinstance(form, Filled):
        return context.show(_view(context, member, form), 422)
    token = context.cookies.get(context.cookies.names.session)
    try:
        await context.node.acting.begin(context.actor, token, member.no, How(form.how), form.why)
    except Unable as unable:
        raise NoSuchPage from unable
    return context.redirect("/home", note="acting")


async def stop(context: Context) -> web.Response:
    """POST /desk/stop-acting"""
    token = context.cookies.get(context.cookies.names.session)
    await context.node.acting.end(context.actor, token)
    where = "/admin/members" if context.acting is None else f"/admin/members/{context.acting.member.no}"
    return context.redirect(where, note="stopped-acting")


ROUTES: Final[tuple[Route, ...]] = (
    get("/desk/as/{no}", ask, ORGANISER),
    post("/desk/as/{no}", begin, ORGANISER),
    post("/desk/stop-acting", stop, ORGANISER, always=True),
)
