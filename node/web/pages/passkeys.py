"""Logging in with a passkey, and looking after one's own. Source: docs/pages.md 8.13.

The browser's own question needs a script (`static/passkey.js`): the pages say so where there is none, and every other way to
log in stays. Where browsers make no passkeys, at an address that is not secure, nothing of this is shown.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.entering import SignedIn, StepAsked, Wait
from node.services.passkey_check import ANSWER_CHARACTERS_MAX
from node.services.passkeys import PASSKEYS_MAX, CannotAdd, passkeys_of
from node.services.sessions import FRESH_MINUTES
from node.web.context import MEMBER, Context, NoSuchPage, Route, get, post
from node.web.forms import EMPTY, Filled, Form, Tick, line
from node.web.pages.sign_in import let_in, login_view
from node.web.plain import own_path
from node.web.sentences import SECOND_MS, wait_sentence
from node.web.views.passkeys import KeyRow, PasskeysView

HERE: Final = "/my/passkeys"
NAME_CHARACTERS_MAX: Final = 40


class EntryForm(Form):
    answer: line(ANSWER_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # makes the type of a field; so below
    own_computer: Tick


class NewForm(Form):
    name: line(NAME_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # as above
    answer: line(ANSWER_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # as above


def _possible(context: Context) -> None:
    """Raises NoSuchPage: browsers make no passkeys at this scheme's address."""
    if not context.node.passkeys.possible:
        raise NoSuchPage


# --- Logging in --------------------------------------------------------------------------------------------------


async def ask_entry(context: Context) -> web.Response:
    """POST /login/passkey/ask: what the browser's question needs, for our script."""
    _possible(context)
    asked = await context.node.passkeys.ask_entry(context.address)
    if isinstance(asked, Wait):
        return web.json_response({"said": wait_sentence(asked.ms, context.words)}, status=429)
    context.cookies.set(context.cookies.names.passkey, asked.token, asked.lasts_ms // SECOND_MS)
    return web.json_response(asked.options, headers={"Cache-Control": "no-store"})


async def enter(context: Context) -> web.Response:
    """POST /login/passkey"""
    _possible(context)
    names, form = context.cookies.names, context.form(EntryForm)
    after = own_path(context.fields.get("after", ""))
    if not isinstance(form, Filled):
        token = context.cookies.get(names.passkey)
        outcome = await context.node.passkeys.enter(
            token, form.answer, context.address, own_computer=form.own_computer
        )
        context.cookies.drop(names.passkey)
        if isinstance(outcome, SignedIn | StepAsked):
            return await let_in(context, outcome, after)
    said = context.words.gettext("This passkey did not work here. Please try again, or log in another way.")
    return context.show(login_view(context, after, passkey=EMPTY.with_error("", said)), 403)


# --- One's own ---------------------------------------------------------------------------------------------------


async def passkeys(context: Context) -> web.Response:
    """GET /my/passkeys"""
    _possible(context)
    return context.show(await _view(context))


async def _view(context: Context, form: Filled = EMPTY) -> PasskeysView:
    _, voice = context.words.gettext, context.voice
    held = await context.read(passkeys_of, context.member.no)
    assert context.session is not None, "the page's audience"
    full = len(held) >= PASSKEYS_MAX
    return PasskeysView(
        form=form,
        rows=tuple(
            KeyRow(
                name=each.name,
                added=_("Added on %(day)s") % {"day": voice.day(each.created_ms)},
                used=_("Not used yet")
                if each.used_ms is None
                else _("Last used %(when)s") % {"when": voice.lately(each.used_ms)},
                warning=_("Somebody may have a copy of it. It opens nothing any more: remove it, and add a new one.")
                if each.copied
                else "",
                remove_action=f"{HERE}/{each.no}/remove",
            )
            for each in held
        ),
        may_add=not full and context.session.is_fresh(context.now_ms),
        fresh_minutes=FRESH_MINUTES,
        full=full,
    )  # fmt: skip


async def ask_new(context: Context) -> web.Response:
    """POST /my/passkeys/ask: what the browser's question needs, for our script."""
    _possible(context)
    session = context.cookies.get(context.cookies.names.session)
    try:
        options = await context.node.passkeys.ask_new(context.member, session)
    except CannotAdd:
        return web.json_response({}, status=409)
    return web.json_response(options, headers={"Cache-Control": "no-store"})


async def add(context: Context) -> web.Response:
    """POST /my/passkeys"""
    _possible(context)
    form, _ = context.form(NewForm), context.words.gettext
    if isinstance(form, Filled):
        return context.show(await _view(context, form), 422)
    session = context.cookies.get(context.cookies.names.session)
    try:
        await context.node.passkeys.add(context.member, session, form.name, form.answer)
    except CannotAdd:
        said = _("That passkey could not be kept. Please try again.")
        return context.show(await _view(context, Filled({"name": form.name}).with_error("", said)), 422)
    return context.redirect(HERE, note="saved")


async def remove(context: Context) -> web.Response:
    """POST /my/passkeys/{no}/remove"""
    _possible(context)
    if not await context.node.passkeys.remove(context.member, context.number("no")):
        raise NoSuchPage
    return context.redirect(HERE, note="saved")


ROUTES: Final[tuple[Route, ...]] = (
    post("/login/passkey/ask", ask_entry, always=True),
    post("/login/passkey", enter, always=True),
    get(HERE, passkeys, MEMBER),
    post(HERE, add, MEMBER),
    post(HERE + "/ask", ask_new, MEMBER),
    post(HERE + "/{no}/remove", remove, MEMBER),
)
