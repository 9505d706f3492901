"""The organisers' desk: closing the scheme, taking it back, and what is open after the last day. Source: docs/protocol.md 2.4; docs/pages.md 7.4."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from aiohttp import web

from node.services.closing import NotOver
from node.services.closing_down import LeftOver, Plan, left_over, unpack
from node.services.joint_acts import asked_now
from node.services.joint_kinds import Asked, CannotAct, Kind, Why
from node.store import ReadTx
from node.web.context import ORGANISER, Context, NoSuchPage, Route, get, post
from node.web.dates import local
from node.web.downloads import download
from node.web.forms import EMPTY, Filled, Form, line, paragraphs
from node.web.pages.member_statement import parse_day
from node.web.pages.neighbours_shown import Known, href_of, in_unit, known_neighbours, name_of
from node.web.present import Voice
from node.web.views.ending import ClosingView
from node.web.views.page import Fact, Link
from protocol.limits import (
    CLOSED_READABLE_DAYS_MAX,
    CLOSED_READABLE_DAYS_MIN,
    CLOSING_AHEAD_DAYS_MAX,
    CLOSING_NOTICE_DAYS,
)
from protocol.names import SchemeId

HERE: Final = "/admin/closing"
WHY_CHARACTERS_MAX: Final = 500
READABLE_DAYS: Final = 90  # suggested


class ClosingForm(Form):
    """When, until when, and why."""

    last: line(20)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    until: line(20)  # type: ignore[valid-type]  # as above
    why: paragraphs(WHY_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # as above


async def closing(context: Context) -> web.Response:
    """GET /admin/closing"""
    return context.show(await _view(context))


async def _view(context: Context, form: Filled | None = None, said: str = "") -> ClosingView:
    settings = context.settings
    if settings.closing_ms is None:
        asked = await context.read(_asked, context.now_ms)
        if asked is None:
            return _open(context, form)
        plan = unpack(asked.about, asked.amount)
        return ClosingView(stage="asked", facts=plan_facts(context.voice, plan))
    assert settings.closing_until_ms is not None, "both are set at once"
    plan = Plan(at_ms=settings.closing_ms, until_ms=settings.closing_until_ms, why=settings.closing_why)
    facts = plan_facts(context.voice, plan)
    if not settings.is_closed(context.now_ms):
        return ClosingView(stage="announced", facts=facts, said=said)
    known = await known_neighbours(context)
    left = await context.read(left_over, context.node.scheme)
    return ClosingView(
        stage="closed", facts=facts, left=tuple(_left(context, known, each) for each in left),
        sheet_href=f"{HERE}/sheet",
    )  # fmt: skip


def _asked(tx: ReadTx, now_ms: int) -> Asked | None:
    return next((each for each in asked_now(tx, now_ms) if each.kind is Kind.CLOSE), None)


def _open(context: Context, form: Filled | None) -> ClosingView:
    today = local(context.now_ms, context.zone).date()
    last = today + timedelta(days=2 * CLOSING_NOTICE_DAYS)
    usual = Filled({"last": str(last), "until": str(last + timedelta(days=READABLE_DAYS))})
    return ClosingView(
        stage="open",
        form=form or usual,
        notice_days=CLOSING_NOTICE_DAYS,
        readable_days=CLOSED_READABLE_DAYS_MIN + 1,
    )


def plan_facts(voice: Voice, plan: Plan) -> tuple[Fact, ...]:
    """Return when a scheme closes and why, as a list."""
    _ = voice.words.gettext
    return (
        Fact(label=_("The last day"), text=voice.long_day(plan.at_ms - 1)),
        Fact(label=_("Members can fetch what is theirs until"), text=voice.long_day(plan.until_ms - 1)),
        Fact(label=_("Why"), text=plan.why),
    )


def _left(context: Context, known: Known, each: LeftOver) -> Link:
    _, peer = context.words.gettext, SchemeId(each.peer)
    said = {
        "name": name_of(context, known, peer),
        "amount": context.voice.spoken(in_unit(context, abs(each.owed))),
    }
    if each.open_locks:
        text = _("%(name)s: a trade is still under way")
    elif each.owed > 0:
        text = _("%(name)s: we owe them %(amount)s")
    elif each.owed < 0:
        text = _("%(name)s: they owe us %(amount)s")
    else:
        text = _("%(name)s: it has not ended on both sides")
    return Link(text=text % said, href=href_of(peer))


async def ask(context: Context) -> web.Response:
    """POST /admin/closing/ask: ask for it; a second organiser announces it."""
    form = context.form(ClosingForm)
    if isinstance(form, Filled):
        return context.show(await _view(context, form), 422)
    plan = _read_plan(context, form)
    if isinstance(plan, Filled):
        return context.show(await _view(context, plan), 422)
    try:
        await context.node.joint_acts.ask_close(context.actor, plan)
    except CannotAct as error:
        sentence = _late(context) if error.why is Why.LATE else _changed(context)
        wrong = Filled(form.model_dump()).with_error("last", sentence)
        return context.show(await _view(context, wrong), 422)
    return context.redirect("/admin/together", note="asked-two")


def _read_plan(context: Context, form: ClosingForm) -> Plan | Filled:
    """Return what was typed, or the form with what is wrong with it."""
    typed, _ = Filled(form.model_dump()), context.words.gettext
    last, until = parse_day(form.last), parse_day(form.until)
    for name, day in (("last", last), ("until", until)):
        if day is None:
            typed = typed.with_error(name, _("This is not a day. Please write it like 2026-03-31."))
    if last is None or until is None:
        return typed
    at_ms, until_ms = _end_of(context, last), _end_of(context, until)
    ahead = (last - local(context.now_ms, context.zone).date()).days
    if ahead < CLOSING_NOTICE_DAYS:
        typed = typed.with_error("last", _late(context))
    elif ahead > CLOSING_AHEAD_DAYS_MAX - 1:
        typed = typed.with_error("last", _("Please choose a day within a year."))
    if not CLOSED_READABLE_DAYS_MIN < (until - last).days < CLOSED_READABLE_DAYS_MAX:
        sentence = _(
            "Please choose a day that is at least %(least)d days after the last day, and at most two years."
        )
        typed = typed.with_error("until", sentence % {"least": CLOSED_READABLE_DAYS_MIN + 1})
    return typed if typed.errors else Plan(at_ms=at_ms, until_ms=until_ms, why=form.why)


def _end_of(context: Context, day: date) -> int:
    """Return the moment at which a day ends where the scheme lives."""
    after = day + timedelta(days=1)
    return int(datetime(after.year, after.month, after.day, tzinfo=context.zone).timestamp() * 1000)


def _late(context: Context) -> str:
    return context.words.gettext("Members must know it %(num)d days before. Please choose a later day.") % {
        "num": CLOSING_NOTICE_DAYS
    }


def _changed(context: Context) -> str:
    return context.words.gettext("Something changed meanwhile. Please look at the page again.")


async def take_back(context: Context) -> web.Response:
    """POST /admin/closing/take-back: the scheme goes on."""
    try:
        await context.node.closing_down.take_back(context.actor)
    except CannotAct:
        return context.show(await _view(context, EMPTY, _changed(context)), 409)
    return context.redirect(HERE, note="saved")


async def sheet(context: Context) -> web.Response:
    """GET /admin/closing/sheet: what the books came to from their beginning to now, signed. Source: 4.5."""
    if not context.settings.is_closed(context.now_ms):
        raise NoSuchPage

    def query(tx: ReadTx) -> bytes:
        return context.node.closing.read(tx, 0, context.now_ms)

    try:
        file = await context.read(query)
    except NotOver:
        raise NoSuchPage from None
    return download(file, "application/octet-stream", "last-books.sheet")


ROUTES: Final[tuple[Route, ...]] = (
    get(HERE, closing, ORGANISER),
    post(HERE + "/ask", ask, ORGANISER),
    post(HERE + "/take-back", take_back, ORGANISER),
    get(HERE + "/sheet", sheet, ORGANISER),
)
