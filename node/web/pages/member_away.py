"""Being away: until which day, and back again; meanwhile no clock runs for what a member is asked. Source: docs/protocol.md 3.11; docs/pages.md 7.2, 8.10."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from aiohttp import web

from node.services.ask_counting import away_until
from node.services.members import Unable
from node.web.context import MEMBER, Context, get, post
from node.web.dates import local
from node.web.forms import EMPTY, Filled, Form, line
from node.web.pages.member_statement import parse_day
from node.web.views.away import AwayView

HERE: Final = "/my/away"
AWAY_DAYS_MAX: Final = 365  # whoever stays longer says so again


class AwayForm(Form):
    """Until which day, that day included."""

    until: line(20, 1)  # type: ignore[valid-type]  # `line` makes the type of a field


async def away(context: Context) -> web.Response:
    """GET /my/away"""
    return context.show(_view(context, EMPTY))


def _view(context: Context, form: Filled) -> AwayView:
    until_ms = away_until(context.member)
    until = "" if until_ms is None or until_ms <= context.now_ms else context.voice.long_day(until_ms - 1)
    return AwayView(form=form, until=until)


async def go(context: Context) -> web.Response:
    """POST /my/away: away from now until the end of a day."""
    form = context.form(AwayForm)
    if isinstance(form, Filled):
        return context.show(_view(context, form), 422)
    until = _read_until(context, form)
    if isinstance(until, Filled):
        return context.show(_view(context, until), 422)
    return await _set(context, until)


def _read_until(context: Context, form: AwayForm) -> int | Filled:
    """Return when that day ends where the scheme lives, or the form with what is wrong with it."""
    typed, _ = Filled(form.model_dump()), context.words.gettext
    day, today = parse_day(form.until), local(context.now_ms, context.zone).date()
    if day is None:
        return typed.with_error("until", _("This is not a day. Please write it like 2026-03-31."))
    if not 0 <= (day - today).days <= AWAY_DAYS_MAX:
        return typed.with_error("until", _("Please choose a day within a year, today at the earliest."))
    after = day + timedelta(days=1)
    return int(datetime(after.year, after.month, after.day, tzinfo=context.zone).timestamp() * 1000)


async def back(context: Context) -> web.Response:
    """POST /my/away/back"""
    return await _set(context, None)


async def _set(context: Context, until_ms: int | None) -> web.Response:
    try:
        await context.node.people.go_away(context.actor, context.member.no, until_ms)
    except Unable:
        said = context.words.gettext("Your membership is paused or ends. So this cannot be changed now.")
        return context.show(_view(context, EMPTY.with_error("until", said)), 422)
    return context.redirect(HERE, note="saved")


ROUTES: Final = (
    get(HERE, away, MEMBER),
    post(HERE, go, MEMBER),
    post(HERE + "/back", back, MEMBER),
)
