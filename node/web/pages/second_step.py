"""The second step of logging in: asked after the first proof, and set up by organisers. Source: docs/pages.md 8.13.

The secret and the spare codes are shown once each, in answers that no browser keeps.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from crypto.timed_codes import secret_text, setup_address
from node.services.entering import Lapsed, SignedIn, StepAsked, Wait, Wrong
from node.services.second_step import Step, read_step
from node.web.context import MEMBER, Context, NoSuchPage, Route, get, post
from node.web.forms import EMPTY, Filled, Form, line
from node.web.pages.sign_in import after_query, let_in
from node.web.plain import own_path
from node.web.qr import picture_of
from node.web.sentences import wait_sentence
from node.web.views.steps import LoginStepView, SecondStepView

HERE: Final = "/my/second-step"
CODE_CHARACTERS_MAX: Final = 20


class StepForm(Form):
    code: line(CODE_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # makes the type of a field


# --- Being asked -------------------------------------------------------------------------------------------------


async def ask(context: Context) -> web.Response:
    """GET /login/step"""
    after = own_path(context.request.query.get("after", ""))
    if not context.cookies.get(context.cookies.names.step):
        return context.redirect("/login", **after_query(after))
    return context.show(LoginStepView(after=after))


async def answer(context: Context) -> web.Response:
    """POST /login/step"""
    token = context.cookies.get(context.cookies.names.step)
    after = own_path(context.fields.get("after", ""))
    if not token:
        return context.redirect("/login", **after_query(after))
    form = context.form(StepForm)
    if isinstance(form, Filled):
        return context.show(LoginStepView(form=form, after=after), 422)
    outcome = await context.node.second_steps.enter(token, form.code, context.address)
    if isinstance(outcome, SignedIn | StepAsked):
        return await let_in(context, outcome, after)
    shown = EMPTY.with_error("code", _sentence(context, outcome))
    return context.show(LoginStepView(form=shown, after=after), 429 if isinstance(outcome, Wait) else 403)


def _sentence(context: Context, outcome: Wrong | Lapsed | Wait) -> str:
    words = context.words
    if isinstance(outcome, Wait):
        return wait_sentence(outcome.ms, words)
    if isinstance(outcome, Lapsed):
        return words.gettext(
            "That took too long, or was tried too often. Please log in once more from the beginning."
        )
    if outcome.tries_left is None:
        return words.gettext("This is not the code of just now. Each code works once: wait for the next one.")
    return words.ngettext(
        "This is not the code of just now. Each code works once: wait for the next one. You can try %(num)d more time.",
        "This is not the code of just now. Each code works once: wait for the next one. You can try %(num)d more times.",
        outcome.tries_left,
    ) % {"num": outcome.tries_left}


# --- Setting it up -----------------------------------------------------------------------------------------------


async def second_step(context: Context) -> web.Response:
    """GET /my/second-step"""
    return await _show(context, await _step(context))


async def _step(context: Context) -> Step | None:
    """Return the member's second step. Raises NoSuchPage: neither have they one nor do they organise."""
    step = await context.read(read_step, context.member.no)
    if not context.at_desk and (step is None or step.since_ms is None):
        raise NoSuchPage
    return step


async def _show(
    context: Context, step: Step | None, *, confirm: Filled = EMPTY, renew: Filled = EMPTY, end: Filled = EMPTY,
    codes: tuple[str, ...] = (), status: int = 200,
) -> web.Response:  # fmt: skip
    is_on = step is not None and step.since_ms is not None
    drawn = None if is_on else await context.node.second_steps.drawn(context.member)
    picture = secret = ""
    if drawn is not None:
        member = context.member
        picture = picture_of(setup_address(drawn, member.number, context.settings.name))
        secret = secret_text(drawn)
    view = SecondStepView(
        since=context.voice.day(step.since_ms) if step is not None and step.since_ms is not None else "",
        spare_left=0 if step is None else step.spare_left,
        picture=picture,
        secret=secret,
        codes=codes,
        held_back=context.held_back,
        confirm_form=confirm,
        renew_form=renew,
        end_form=end,
    )
    return context.show(view, status, secret=bool(secret or codes))


async def draw(context: Context) -> web.Response:
    """POST /my/second-step/draw"""
    await _step(context)
    await context.node.second_steps.draw(context.member)
    return context.redirect(HERE)


async def confirm(context: Context) -> web.Response:
    """POST /my/second-step/confirm: it counts from now on."""
    step, form = await _step(context), context.form(StepForm)
    if isinstance(form, Filled):
        return await _show(context, step, confirm=form, status=422)
    session = context.cookies.get(context.cookies.names.session)
    outcome = await context.node.second_steps.confirm(context.actor, session, form.code)
    if isinstance(outcome, Wrong | Lapsed):
        said = EMPTY.with_error("code", _sentence(context, outcome))
        return await _show(context, step, confirm=said, status=422)
    return await _show(context, await _step(context), codes=outcome)


async def renew(context: Context) -> web.Response:
    """POST /my/second-step/codes: ten new spare codes."""
    step, form = await _step(context), context.form(StepForm)
    if isinstance(form, Filled):
        return await _show(context, step, renew=form, status=422)
    outcome = await context.node.second_steps.renew_codes(context.member, form.code, context.address)
    if isinstance(outcome, Wrong | Wait):
        said = EMPTY.with_error("code", _sentence(context, outcome))
        return await _show(context, step, renew=said, status=422)
    return await _show(context, await _step(context), codes=outcome)


async def end(context: Context) -> web.Response:
    """POST /my/second-step/end"""
    step, form = await _step(context), context.form(StepForm)
    if isinstance(form, Filled):
        return await _show(context, step, end=form, status=422)
    outcome = await context.node.second_steps.end(context.member, context.actor, form.code, context.address)
    if outcome is not None:
        said = EMPTY.with_error("code", _sentence(context, outcome))
        return await _show(context, step, end=said, status=422)
    return context.redirect("/my/settings", note="saved")


ROUTES: Final[tuple[Route, ...]] = (
    get("/login/step", ask),
    post("/login/step", answer, always=True),
    get(HERE, second_step, MEMBER),
    post(HERE + "/draw", draw, MEMBER),
    post(HERE + "/confirm", confirm, MEMBER),
    post(HERE + "/codes", renew, MEMBER),
    post(HERE + "/end", end, MEMBER),
)
