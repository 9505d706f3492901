"""The admins' page on what somebody does at the desk. Which page each part opens is in `web/roles.py`. Source: decision 46."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.acts import Role
from node.services.members import Member, State, Unable, member_by_no
from node.web.context import ADMIN, Context, NoSuchPage, Route, get, post
from node.web.forms import Filled, Form, line
from node.web.present import name_of
from node.web.sentences import unable_sentence
from node.web.views.page import Option
from node.web.views.roles import RoleView
from node.web.words import Words

REASON_CHARACTERS_MAX: Final = 200
PATH: Final = "/admin/members/{no}/role"


class RoleForm(Form):
    role: line(20, 1)  # type: ignore[valid-type]  # makes the type of a field, here and below
    reason: line(REASON_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # see above


def role_name(role: Role, words: Words) -> str:
    """Return what somebody does at the desk, in a word or two."""
    _ = words.gettext
    match role:
        case Role.MEMBER:
            return _("Member")
        case Role.BROKER:
            return _("Broker")
        case Role.TREASURER:
            return _("Treasurer")
        case Role.AUDITOR:
            return _("Auditor")
        case Role.ORGANISER:
            return _("Organiser")
        case Role.ADMIN:
            return _("Admin")


def _options(words: Words) -> tuple[Option, ...]:
    _ = words.gettext
    hints = {
        Role.MEMBER: _("Nothing at the desk."),
        Role.BROKER: _(
            "Applications, members and their ways to log in, cheques and letters, acting for somebody."
        ),
        Role.TREASURER: _("The community chest, fees, tokens, figures and the books of a year."),
        Role.AUDITOR: _(
            "Reads the desk, without conversations and mails. Changes nothing, and cannot trade meanwhile."
        ),
        Role.ORGANISER: _("Everything at the desk."),
        Role.ADMIN: _("Everything at the desk, who does what there, and bringing in files."),
    }
    return tuple(Option(value=role.value, text=role_name(role, words), hint=hints[role]) for role in Role)


async def role(context: Context) -> web.Response:
    """Show what somebody does at the desk."""
    member = await _member(context)
    return context.show(_view(context, member, Filled({"role": member.role.value})))


async def _member(context: Context) -> Member:
    member = await context.read(member_by_no, context.number("no"))
    if member is None or member.state is State.LEFT:
        raise NoSuchPage
    return member


def _view(context: Context, member: Member, form: Filled) -> RoleView:
    here = f"/admin/members/{member.no}"
    return RoleView(
        name=name_of(member, context.words),
        member_href=here,
        form=form,
        roles=_options(context.words),
        action=f"{here}/role",
    )


async def change(context: Context) -> web.Response:
    """Give somebody another part at the desk, with a reason on the record."""
    member, form = await _member(context), context.form(RoleForm)
    if not isinstance(form, Filled):
        typed = Filled(form.model_dump())
        if form.role in set(Role):
            try:
                await context.node.people.set_role(context.actor, member.no, Role(form.role), why=form.reason)
            except Unable as unable:
                form = typed.with_error("role", unable_sentence(unable.why, context.words))
            else:
                return context.redirect(f"/admin/members/{member.no}", note="saved")
        else:
            form = typed.with_error("role", context.words.gettext("Please choose one."))
    return context.show(_view(context, member, form), 422)


ROUTES: Final[tuple[Route, ...]] = (
    get(PATH, role, ADMIN),
    post(PATH, change, ADMIN),
)
