"""The organisers' desk: what becomes of a request for payment that nobody answers. Source: docs/protocol.md 3.11; docs/pages.md 7.4."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.joint_acts import asked_now
from node.services.joint_kinds import CannotAct, Kind
from node.store import ReadTx
from node.web.context import ORGANISER, Context, Route, get, post
from node.web.forms import Filled, Form, line
from node.web.pages.together_words import why_sentence
from node.web.views.rules import RulesView
from protocol.limits import ASK_DAYS_MAX, ASK_DAYS_MIN, SILENCE_DAYS_MAX, SILENCE_DAYS_MIN

HERE: Final = "/admin/rules"
DIGITS_MAX: Final = 3
SILENCE_DAYS: Final = 14  # suggested


class DaysForm(Form):
    """After how many days it runs out."""

    ask_days: line(DIGITS_MAX, 1)  # type: ignore[valid-type]  # `line` makes the type of a field; so below


class SilenceForm(Form):
    """After how many days silence counts."""

    silence_days: line(DIGITS_MAX, 1)  # type: ignore[valid-type]  # as above


async def rules(context: Context) -> web.Response:
    """GET /admin/rules"""
    return context.show(await _view(context))


async def _view(context: Context, *, days: Filled | None = None, silence: Filled | None = None) -> RulesView:
    settings, asked = context.settings, await context.read(_asked, context.now_ms)
    counts = context.words.ngettext(
        "Who does not answer for %(num)d day has said yes.",
        "Who does not answer for %(num)d days has said yes.",
        settings.silence_days,
    ) % {"num": settings.silence_days}
    return RulesView(
        days_form=days or Filled({"ask_days": str(settings.ask_days)}),
        days_least=ASK_DAYS_MIN,
        days_most=ASK_DAYS_MAX,
        silence_form=silence or Filled({"silence_days": str(settings.silence_days or SILENCE_DAYS)}),
        silence_least=SILENCE_DAYS_MIN,
        silence_most=SILENCE_DAYS_MAX,
        counts=counts if settings.silence_days else "",
        asked=asked,
    )


def _asked(tx: ReadTx, now_ms: int) -> bool:
    return any(each.kind is Kind.SILENCE for each in asked_now(tx, now_ms))


def _read_days(context: Context, typed: Filled, name: str, least: int, most: int) -> int | Filled:
    """Return a number of days, or the form with what is wrong with it."""
    text = typed.values[name]
    days = int(text) if text.isascii() and text.isdigit() else -1
    if least <= days <= most:
        return days
    said = {"least": least, "most": most}
    sentence = context.words.gettext("Please write a number of days from %(least)d to %(most)d.") % said
    return typed.with_error(name, sentence)


async def ask_days(context: Context) -> web.Response:
    """POST /admin/rules/days: after how many days a request runs out."""
    form = context.form(DaysForm)
    if isinstance(form, Filled):
        return context.show(await _view(context, days=form), 422)
    days = _read_days(context, Filled(form.model_dump()), "ask_days", ASK_DAYS_MIN, ASK_DAYS_MAX)
    if isinstance(days, Filled):
        return context.show(await _view(context, days=days), 422)
    await context.node.settings.change(context.actor, ask_days=days)
    return context.redirect(HERE, note="saved")


async def silence(context: Context) -> web.Response:
    """POST /admin/rules/silence: ask that silence counts; a second organiser begins it."""
    form = context.form(SilenceForm)
    if isinstance(form, Filled):
        return context.show(await _view(context, silence=form), 422)
    typed = Filled(form.model_dump())
    days = _read_days(context, typed, "silence_days", SILENCE_DAYS_MIN, SILENCE_DAYS_MAX)
    if isinstance(days, Filled):
        return context.show(await _view(context, silence=days), 422)
    try:
        await context.node.joint_acts.ask_silence(context.actor, days)
    except CannotAct as error:
        wrong = typed.with_error("silence_days", why_sentence(context, error.why))
        return context.show(await _view(context, silence=wrong), 422)
    return context.redirect("/admin/together", note="asked-two")


async def end(context: Context) -> web.Response:
    """POST /admin/rules/silence/end: silence counts no more, also in what waits."""
    await context.node.ask_silence.end(context.actor)
    return context.redirect(HERE, note="saved")


def silence_card(context: Context, days: int) -> tuple[str, str, str, str]:
    """Return what is asked for, what it means, what follows when it is confirmed, and where it stands."""
    words = context.words
    what = words.ngettext(
        "Let silence count as a yes after %(num)d day", "Let silence count as a yes after %(num)d days", days
    ) % {"num": days}
    detail = words.gettext(
        "It concerns requests to be paid between members here who get mail. They are warned twice, and not while they are away."
    )
    then = words.gettext(
        "Confirmed, it counts for requests made from then on. Each of you can end it at any time, at once."
    )
    return what, detail, then, HERE


ROUTES: Final[tuple[Route, ...]] = (
    get(HERE, rules, ORGANISER),
    post(HERE + "/days", ask_days, ORGANISER),
    post(HERE + "/silence", silence, ORGANISER),
    post(HERE + "/silence/end", end, ORGANISER),
)
