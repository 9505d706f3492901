"""Signing in and out: by mailed code or link, by number and PIN, by a one-time link. Source: docs/pages.md 0.8, 8.13.

Unknown people get the same answers as members. Opening a link changes nothing: its page has a button.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import asdict, dataclass
from typing import Annotated, Final, Protocol, assert_never

from aiohttp import web
from pydantic import StringConstraints

from node.services.entering import Lapsed, SignedIn, StepAsked, Wait, Wrong
from node.services.members import EMAIL_CHARACTERS_MAX
from node.services.sign_in import CODE_MINUTES, LINK_PATH, CodeAsked
from node.web.context import MEMBER, Context, Route, get, post
from node.web.devices import device_of
from node.web.forms import EMPTY, Filled, Form, Tick, line
from node.web.plain import own_path
from node.web.sentences import SECOND_MS, wait_sentence
from node.web.views.visitor import LoginCodeView, LoginLinkView, LoginView
from node.web.words import Words

HOME: Final = "/home"


class MailForm(Form):
    email: line(EMAIL_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # `line` makes the type of a field
    own_computer: Tick
    after: str


class PinForm(Form):
    number: line(12, 1)  # type: ignore[valid-type]  # as above
    # Never tidied: what was typed is what is verified.
    pin: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=40)]
    own_computer: Tick
    after: str


class CodeForm(Form):
    code: line(12, 1)  # type: ignore[valid-type]  # as above
    after: str


class LinkForm(Form):
    own_computer: Tick


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the browser that asked for a code keeps in its cookie."""

    token: str
    email: str
    own: bool

    def cookie(self) -> str:
        """Return it as a cookie holds it."""
        return base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode()

    @classmethod
    def of(cls, cookie: str) -> Waiting | None:
        """Return what a cookie holds; None if nothing of ours."""
        try:
            held = json.loads(base64.b64decode(cookie, altchars=b"-_", validate=True))
            return cls(str(held["token"]), str(held["email"]), held["own"] is True)
        except (ValueError, binascii.Error, KeyError, TypeError, RecursionError):
            return None


async def login(context: Context) -> web.Response:
    """Show both ways in; whoever is in already is sent on."""
    after = own_path(context.request.query.get("after", ""))
    if context.session is not None:
        return context.redirect(after or HOME)
    return context.show(login_view(context, after))


def login_view(
    context: Context, after: str, *, mail: Filled = EMPTY, pin: Filled = EMPTY, passkey: Filled = EMPTY
) -> LoginView:
    """Return the page with all ways in."""
    return LoginView(
        after=after,
        mail_form=mail,
        pin_form=pin,
        passkey_form=passkey,
        mail_works=context.node.outbox.sends,
        passkeys=context.node.passkeys.possible,
    )


async def ask_code(context: Context) -> web.Response:
    """Send a code, and show the page that waits for it."""
    form = context.form(MailForm)
    after = own_path(context.fields.get("after", ""))
    if isinstance(form, Filled):
        return context.show(login_view(context, after, mail=form), 422)
    match await context.node.sign_in.ask_code(form.email, context.address):
        case Wait(ms):
            shown = Filled({"email": form.email}).with_error("email", wait_sentence(ms, context.words))
            return context.show(login_view(context, after, mail=shown), 429)
        case CodeAsked(token=token, lasts_ms=lasts_ms):
            waiting = Waiting(token, form.email, form.own_computer)
            context.cookies.set(context.cookies.names.code, waiting.cookie(), lasts_ms // SECOND_MS)
            return context.redirect("/login/code", **after_query(after))


async def code(context: Context) -> web.Response:
    """Show the page that waits for the code."""
    waiting = Waiting.of(context.cookies.get(context.cookies.names.code))
    after = own_path(context.request.query.get("after", ""))
    if waiting is None:
        return context.redirect("/login", **after_query(after))
    return context.show(LoginCodeView(email=waiting.email, minutes=CODE_MINUTES, after=after))


async def enter_code(context: Context) -> web.Response:
    """Sign in with the code."""
    waiting = Waiting.of(context.cookies.get(context.cookies.names.code))
    after = own_path(context.fields.get("after", ""))
    if waiting is None:
        return context.redirect("/login", **after_query(after))
    form = context.form(CodeForm)
    if isinstance(form, Filled):
        shown, status = form, 422
    else:
        outcome = await context.node.sign_in.enter_code(
            waiting.token, form.code, context.address, own_computer=waiting.own
        )
        if isinstance(outcome, SignedIn | StepAsked):
            return await let_in(context, outcome, after)
        # What was wrong is not shown again: it would only be sent again.
        shown, status = Filled().with_error("code", _outcome_sentence(outcome, context.words)), 403
    return context.show(
        LoginCodeView(form=shown, email=waiting.email, minutes=CODE_MINUTES, after=after), status
    )


async def with_pin(context: Context) -> web.Response:
    """Sign in with a member's number and PIN."""
    form = context.form(PinForm)
    after = own_path(context.fields.get("after", ""))
    if isinstance(form, Filled):
        return context.show(login_view(context, after, pin=form), 422)
    outcome = await context.node.sign_in.with_pin(
        form.number, form.pin, context.address, own_computer=form.own_computer
    )
    if isinstance(outcome, SignedIn | StepAsked):
        return await let_in(context, outcome, after)
    unfit = context.words.gettext("This number and this PIN do not belong together. Please type both again.")
    shown, status = not_let_in(context, form, "pin", outcome, unfit)
    return context.show(login_view(context, after, pin=shown), status)


class Numbered(Protocol):
    """What a form has by which somebody signs in with their number."""

    number: str
    own_computer: bool


def not_let_in(
    context: Context, form: Numbered, secret: str, outcome: Wrong | Lapsed | Wait, unfit: str
) -> tuple[Filled, int]:
    """Return the form without its `secret`, with why it let nobody in, and the status; `unfit`: that the two do not belong together."""
    waits = isinstance(outcome, Wait)
    sentence = wait_sentence(outcome.ms, context.words) if isinstance(outcome, Wait) else unfit
    typed = {"number": form.number, "own_computer": "yes" if form.own_computer else ""}
    return Filled(typed).with_error(secret, sentence), 429 if waits else 403


async def link(context: Context) -> web.Response:
    """Show the page behind a one-time link; its button signs in."""
    token = context.part("token")
    member = await context.node.sign_in.look_at_link(token)
    if member is None:
        return _lapsed(context)
    return context.show(LoginLinkView(name=member.public_name or member.name, action=LINK_PATH + token))


async def use_link(context: Context) -> web.Response:
    """Sign in with a one-time link, which is used up."""
    form = context.form(LinkForm)
    own_computer = not isinstance(form, Filled) and form.own_computer
    outcome = await context.node.sign_in.use_link(
        context.part("token"), context.address, own_computer=own_computer
    )
    return (
        await let_in(context, outcome, "") if isinstance(outcome, SignedIn | StepAsked) else _lapsed(context)
    )


def _lapsed(context: Context) -> web.Response:
    """Say that a link does nothing any more: the same for used, old and invented ones."""
    sentence = context.words.gettext(
        "This link was used already, or is too old. Log in another way, or ring for another link."
    )
    return context.show(login_view(context, "", mail=EMPTY.with_error("", sentence)), 410)


async def logout(context: Context) -> web.Response:
    """End the session of this browser."""
    names = context.cookies.names
    await context.node.sign_in.sign_out(context.cookies.get(names.session))
    context.cookies.drop(names.session)
    return _logged_out(context)


async def logout_everywhere(context: Context) -> web.Response:
    """End the sessions of all browsers of this member."""
    await context.node.sign_in.sign_out_everywhere(context.actor, context.member.no)
    context.cookies.drop(context.cookies.names.session)
    return _logged_out(context)


def _logged_out(context: Context) -> web.Response:
    answer = context.redirect("/", note="logged-out")
    # Kept pages and drafts go, also where no script of ours runs just now.
    answer.headers["Clear-Site-Data"] = '"storage"'
    return answer


# --- Common ------------------------------------------------------------------------------------------------------


def after_query(after: str) -> dict[str, str]:
    """Return the part of an address that says where to go afterwards."""
    return {"after": after} if after else {}


async def let_in(context: Context, signed_in: SignedIn | StepAsked, after: str) -> web.Response:
    """Give the browser its session, in place of whatever it held; or ask it for the second step."""
    names = context.cookies.names
    if isinstance(signed_in, StepAsked):
        context.cookies.drop(names.code)
        context.cookies.set(names.step, signed_in.token, signed_in.lasts_ms // SECOND_MS)
        return context.redirect("/login/step", **after_query(after))
    if before := context.cookies.get(names.session):
        await context.node.sign_in.sign_out(before)
    device = device_of(context.request.headers.get("User-Agent", ""))
    await context.node.sign_in.name_device(signed_in.token, device)
    lasts_s = signed_in.lasts_ms // SECOND_MS if signed_in.own_computer else None
    context.cookies.set(names.session, signed_in.token, lasts_s)
    context.cookies.drop(names.form)
    context.cookies.drop(names.code)
    context.cookies.drop(names.step)
    return context.redirect(after or HOME)


def _outcome_sentence(outcome: Wrong | Lapsed | Wait, words: Words) -> str:
    match outcome:
        case Wrong(tries_left=left):
            if left is None:
                return words.gettext("That is not the code from the mail.")
            return words.ngettext(
                "That is not the code from the mail. You can try %(num)d more time.",
                "That is not the code from the mail. You can try %(num)d more times.",
                left,
            ) % {"num": left}
        case Lapsed():
            return words.gettext("This code does not work any more. Please ask for another one.")
        case Wait(ms):
            return wait_sentence(ms, words)
        case _:
            assert_never(outcome)


ROUTES: Final[tuple[Route, ...]] = (
    get("/login", login),
    post("/login/mail", ask_code, always=True),
    get("/login/code", code),
    post("/login/code", enter_code, always=True),
    post("/login/pin", with_pin, always=True),
    get(LINK_PATH + "{token}", link),
    post(LINK_PATH + "{token}", use_link, always=True),
    post("/logout", logout, MEMBER, always=True, for_others=True),
    post("/logout/everywhere", logout_everywhere, MEMBER, always=True),
)
