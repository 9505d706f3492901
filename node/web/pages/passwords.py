"""Logging in with a password, and looking after one's own. Source: docs/pages.md 8.13."""

from __future__ import annotations

from typing import Annotated, Final

from aiohttp import web
from pydantic import StringConstraints

from node.services.entering import SignedIn, StepAsked
from node.services.passwords import (
    CHARACTERS_MAX,
    CHARACTERS_MIN,
    NotFresh,
    PasswordUnfit,
    Unfit,
    password_since,
)
from node.services.sessions import FRESH_MINUTES
from node.web.context import MEMBER, Context, NoSuchPage, Route, get, post
from node.web.forms import EMPTY, Filled, Form, Tick, line
from node.web.pages.sign_in import HOME, let_in, not_let_in
from node.web.plain import own_path
from node.web.views.passwords import LoginPasswordView, PasswordView
from node.web.words import Words

LOGIN: Final = "/login/password"
HERE: Final = "/my/password"
# Longer than any that is taken, so that the page can say so.
TYPED_MAX: Final = 1_000

# Never tidied: what was typed is what counts.
Typed = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=TYPED_MAX)]


class EntryForm(Form):
    number: line(12, 1)  # type: ignore[valid-type]  # makes the type of a field
    password: Typed
    own_computer: Tick


class NewForm(Form):
    password: Typed
    password_again: Typed


# --- Logging in --------------------------------------------------------------------------------------------------


async def entry(context: Context) -> web.Response:
    """GET /login/password"""
    after = own_path(context.request.query.get("after", ""))
    if context.session is not None:
        return context.redirect(after or HOME)
    return context.show(LoginPasswordView(after=after))


async def enter(context: Context) -> web.Response:
    """POST /login/password"""
    form, _ = context.form(EntryForm), context.words.gettext
    after = own_path(context.fields.get("after", ""))
    if isinstance(form, Filled):
        shown = Filled({"number": form.value("number")}, form.errors)
        return context.show(LoginPasswordView(form=shown, after=after), 422)
    outcome = await context.node.sign_in.with_password(
        form.number, form.password, context.address, own_computer=form.own_computer
    )
    if isinstance(outcome, SignedIn | StepAsked):
        return await let_in(context, outcome, after)
    unfit = _("This number and this password do not belong together. Please type both again.")
    shown, status = not_let_in(context, form, "password", outcome, unfit)
    return context.show(LoginPasswordView(form=shown, after=after), status)


# --- One's own ---------------------------------------------------------------------------------------------------


async def show(context: Context) -> web.Response:
    """GET /my/password"""
    return context.show(await _view(context))


async def _view(context: Context, form: Filled = EMPTY) -> PasswordView:
    since = await context.read(password_since, context.member.no)
    assert context.session is not None, "the page's audience"
    return PasswordView(
        form=form,
        since="" if since is None else context.voice.day(since),
        number=context.member.number,
        may_change=context.session.is_fresh(context.now_ms),
        fresh_minutes=FRESH_MINUTES,
        characters_min=CHARACTERS_MIN,
        characters_max=CHARACTERS_MAX,
    )


async def save(context: Context) -> web.Response:
    """POST /my/password: a first or another one."""
    form, _ = context.form(NewForm), context.words.gettext
    if isinstance(form, Filled):
        return context.show(await _view(context, Filled({}, form.errors)), 422)
    if form.password != form.password_again:
        wrong = EMPTY.with_error("password_again", _("The two new passwords differ."))
        return context.show(await _view(context, wrong), 422)
    session = context.cookies.get(context.cookies.names.session)
    try:
        await context.node.passwords.set(context.member, session, form.password)
    except PasswordUnfit as error:
        wrong = EMPTY.with_error("password", _said(error.why, context.words))
        return context.show(await _view(context, wrong), 422)
    except NotFresh:
        return context.show(await _view(context), 409)
    return context.redirect(HERE, note="saved")


def _said(why: Unfit, words: Words) -> str:
    match why:
        case Unfit.SHORT:
            least = CHARACTERS_MIN
            return words.ngettext(
                "This is too short. Write at least %(num)d character.",
                "This is too short. Write at least %(num)d characters.",
                least,
            ) % {"num": least}
        case Unfit.LONG:
            most = CHARACTERS_MAX
            return words.ngettext(
                "This is too long. There is room for %(num)d character.",
                "This is too long. There is room for %(num)d characters.",
                most,
            ) % {"num": most}
        case Unfit.COMMON:
            return words.gettext("Others would try this one first. Please think of another.")


async def remove(context: Context) -> web.Response:
    """POST /my/password/remove"""
    session = context.cookies.get(context.cookies.names.session)
    try:
        if not await context.node.passwords.remove(context.member, session):
            raise NoSuchPage
    except NotFresh:
        return context.show(await _view(context), 409)
    return context.redirect(HERE, note="saved")


ROUTES: Final[tuple[Route, ...]] = (
    get(LOGIN, entry),
    post(LOGIN, enter, always=True),
    get(HERE, show, MEMBER),
    post(HERE, save, MEMBER),
    post(HERE + "/remove", remove, MEMBER),
)
