"""Posting an event in two steps, changing it, and cancelling it. What was typed travels in the forms; nothing is kept before.

Days and times are those of the scheme's clock on the wall. Source: docs/pages.md 7.2.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Final, Literal

from aiohttp import web

from node.services.event_days import Repeats, TooManyDates, dates_of, moment_of
from node.services.event_rows import Hosted
from node.services.events import TooManyEvents, may_manage
from node.web.amounts import Unreadable, as_typed, parse_amount
from node.web.context import MEMBER, Context, Route, WrongRole, get, post
from node.web.dates import local
from node.web.forms import EMPTY, Filled, Form, SpendForm, Tick, amount_sentence, line, once_key, paragraphs
from node.web.pages.event_list import Known, find_event, key_of
from node.web.pages.event_words import (
    cost_words,
    facts_of,
    kind_options,
    preview_row,
    when_words,
)
from node.web.pages.recording import paused
from node.web.present import first_name, paragraphs_of
from node.web.views.events import EventCancelView, EventCheckView, EventFormView
from protocol.errors import InvalidValue, OutOfOrder
from protocol.event import Kind, Pays, Plan, planned
from protocol.limits import (
    AMOUNT_MAX,
    DAY_MS,
    EVENT_AHEAD_MS_MAX,
    EVENT_DATES_MAX,
    EVENT_GUESTS_MAX,
    EVENT_PAID_PLACES_MAX,
    EVENT_REASON_CHARACTERS_MAX,
    EVENTS_OF_ONE_MAX,
)


class EventForm(Form):
    """What an event says, as it is typed."""

    kind: Literal["social", "trading", "work", "talk"]
    title: line(80, 1)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    text: paragraphs(2000)  # type: ignore[valid-type]  # as above
    where: line(80, 1)  # type: ignore[valid-type]  # as above
    day: line(10, 1)  # type: ignore[valid-type]  # as above
    start: line(8, 1)  # type: ignore[valid-type]  # as above
    end: line(8, 1)  # type: ignore[valid-type]  # as above
    repeats: Literal["never", "weekly", "monthly-weekday", "monthly-day", ""]
    until: line(10)  # type: ignore[valid-type]  # as above
    places: line(3)  # type: ignore[valid-type]  # as above
    pays: Literal["nobody", "guests", "host"]
    amount: line(40)  # type: ignore[valid-type]  # as above
    public: Tick


class PostForm(EventForm, SpendForm):
    """Everything once more, from the page that shows it."""


class CancelForm(Form):
    reason: line(EVENT_REASON_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # as above
    which: Literal["this", "later", ""]


FIELDS: Final = tuple(EventForm.model_fields)
NEW: Final = {"kind": "social", "repeats": "never", "pays": "nobody"}


def _typed(context: Context) -> Filled:
    """Return the form as it was sent."""
    return Filled({name: context.fields.get(name, "") for name in FIELDS})


# --- What was typed -----------------------------------------------------------------------------------------


def read_day(text: str) -> date | None:
    """Return the day that "2026-03-07" names."""
    try:
        return date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        return None


def read_time(text: str) -> time | None:
    """Return the time that "10:30", "9:05" or "10:30:00" names; seconds count for nothing."""
    found = re.fullmatch(r"([0-9]{1,2})[:.]([0-9]{2})(:[0-9]{2})?", text)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        return None
    return time(int(found[1]), int(found[2]))


def understand(context: Context, form: EventForm) -> list[Plan] | Filled:
    """Return the event that was typed, one plan for each of its dates, or the form again with what is wrong."""
    _ = context.words.gettext
    filled = _typed(context)
    day, start, end = read_day(form.day), read_time(form.start), read_time(form.end)
    if day is None:
        filled = filled.with_error("day", _("Please write the day like 2026-03-07."))
    for name, at in (("start", start), ("end", end)):
        if at is None:
            filled = filled.with_error(name, _("Please write the time like 10:30."))
    amount = _amount(context, form)
    if isinstance(amount, str):
        filled = filled.with_error("amount", amount)
    most = EVENT_GUESTS_MAX if form.pays == "nobody" else EVENT_PAID_PLACES_MAX
    places = _places(form.places, most)
    if places is None and form.places:
        filled = filled.with_error("places", _("Please write a number from 1 to %(most)d.") % {"most": most})
    if filled.errors or day is None or start is None or end is None or isinstance(amount, str):
        return filled
    days = _days(context, form, day, filled)
    if isinstance(days, Filled):
        return days
    try:
        plan = Plan(
            kind=Kind(form.kind), title=form.title, text=form.text, where=form.where, starts=0, ends=1, capacity=places,
            pays=Pays(form.pays), amount=amount, public=form.public,
        )  # fmt: skip
    except InvalidValue:  # letters of other scripts take several bytes each
        return filled.with_error("", _("This is too long. Please make the title or the text shorter."))
    try:
        return [_at(plan, each, start, end, context) for each in days]
    except InvalidValue:  # in the hour that is skipped as summer time begins
        return filled.with_error("end", _("It ends before it begins."))


def _amount(context: Context, form: EventForm) -> int | str:
    """Return how much each, or what is wrong with it."""
    if form.pays == "nobody":
        return 0
    amount = parse_amount(form.amount, context.unit, most=AMOUNT_MAX)
    if isinstance(amount, Unreadable):
        return amount_sentence(amount, form.amount, context.unit, AMOUNT_MAX, context.words)
    return amount


def _places(typed: str, most: int) -> int | None:
    """Return how many places, or None for none or no number in range."""
    fits = typed.isascii() and typed.isdigit() and 1 <= int(typed) <= most
    return int(typed) if fits else None


def _days(context: Context, form: EventForm, first: date, filled: Filled) -> tuple[date, ...] | Filled:
    """Return all dates, or the form again."""
    _, repeats = context.words.gettext, Repeats(form.repeats or "never")
    today = local(context.now_ms, context.zone).date()
    furthest = today + timedelta(milliseconds=EVENT_AHEAD_MS_MAX)
    if not today <= first < furthest:
        return filled.with_error(
            "day",
            _("Please choose a day within the next %(num)d days.") % {"num": EVENT_AHEAD_MS_MAX // DAY_MS},
        )
    until = first if repeats is Repeats.NEVER else read_day(form.until)
    if until is None or not first <= until < furthest:
        return filled.with_error("until", _("Please choose a last day, after the first one, within a year."))
    try:
        return dates_of(first, repeats, until)
    except TooManyDates:
        return filled.with_error(
            "until", _("It can repeat %(num)d times at most.") % {"num": EVENT_DATES_MAX}
        )


def _at(plan: Plan, day: date, start: time, end: time, context: Context) -> Plan:
    """Return the plan on one day; an end earlier than the beginning is on the next."""
    last = day if end > start else day + timedelta(days=1)
    return replace(plan, starts=moment_of(day, start, context.zone), ends=moment_of(last, end, context.zone))


def typed_of(context: Context, hosted: Hosted) -> dict[str, str]:
    """Return an event as it would be typed, to change it."""
    plan = hosted.event.plan
    starts, ends = local(plan.starts, context.zone), local(plan.ends, context.zone)
    return {
        "kind": plan.kind.value, "title": plan.title, "text": plan.text, "where": plan.where,
        "day": f"{starts:%Y-%m-%d}", "start": f"{starts:%H:%M}", "end": f"{ends:%H:%M}",
        "places": "" if plan.capacity is None else str(plan.capacity), "pays": plan.pays.value,
        "amount": as_typed(plan.amount, context.unit, context.language) if plan.amount else "",
        "public": "yes" if plan.public else "",
    }  # fmt: skip


# --- Posting ------------------------------------------------------------------------------------------------


def _form_view(context: Context, form: Filled, hosted: Hosted | None = None) -> EventFormView:
    base = "" if hosted is None else f"/events/{hosted.key.hex()}"
    return EventFormView(
        form=form,
        action="/events/check" if hosted is None else f"{base}/edit",
        new=hosted is None,
        kinds=kind_options(context.voice),
        unit_name=context.voice.unit_name(),
        amount_hint=context.voice.amount_hint(),
        may_be_public=context.settings.public_events,
        back_href=base or "/calendar",
    )


async def new(context: Context) -> web.Response:
    """GET /events/new"""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    return context.show(_form_view(context, Filled(NEW)))


async def change(context: Context) -> web.Response:
    """POST /events/change: back to the first step with everything kept."""
    return context.show(_form_view(context, _typed(context)))


async def check(context: Context) -> web.Response:
    """POST /events/check: the event as others see it, or the form again."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    form = context.form(EventForm)
    plans = form if isinstance(form, Filled) else understand(context, form)
    if isinstance(plans, Filled):
        return context.show(_form_view(context, plans), 422)
    if (late := _too_early(context, plans)) is not None:
        return context.show(_form_view(context, late), 422)
    plan, voice, _ = plans[0], context.voice, context.words.gettext
    public = plan.public and context.settings.public_events
    return context.show(
        EventCheckView(
            row=preview_row(plan, voice),
            paragraphs=paragraphs_of(plan.text),
            facts=facts_of(plan, None, voice),
            cost=cost_words(plan, first_name(context.member.name), voice),
            dates=tuple(when_words(each, voice) for each in plans) if len(plans) > 1 else (),
            shown_to=_("Visitors may read it too, without names.") if public else _("Only members see it."),
            hidden=tuple((name, context.fields[name]) for name in FIELDS if context.fields.get(name)),
            once=context.once(),
        )
    )


def _too_early(context: Context, plans: list[Plan]) -> Filled | None:
    """Return the form again if the event has begun already."""
    try:
        planned(plans[0], context.now_ms)
    except InvalidValue:
        said = context.words.gettext("This is over already. Please choose a later time.")
        return _typed(context).with_error("start", said)
    return None


async def post_event(context: Context) -> web.Response:
    """POST /events/post"""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    form = context.form(PostForm)
    plans = form if isinstance(form, Filled) else understand(context, form)
    if isinstance(form, Filled) or isinstance(plans, Filled):
        return context.show(_form_view(context, plans if isinstance(plans, Filled) else EMPTY), 422)
    try:
        hosted = await context.node.events.post(context.member, plans, once_key(form.once))
    except InvalidValue:
        late = _too_early(context, plans)
        return context.show(_form_view(context, late or EMPTY), 422)
    except TooManyEvents:
        said = context.words.gettext(
            "You host %(num)d events, as many as one person may. Cancel one that you do not need first."
        ) % {"num": EVENTS_OF_ONE_MAX}
        typed = _typed(context)
        return context.show(_form_view(context, typed.with_error("", said)), 422)
    return context.redirect(f"/events/{hosted.key.hex()}", note="published")


# --- Changing and cancelling --------------------------------------------------------------------------------


async def _managed(context: Context) -> Known | web.Response:
    """Return the event of this address, which the reader may change; or the way back to it if it is too late.

    Raises:
        NoSuchPage: there is none. WrongRole: it is somebody else's.
    """
    known = await find_event(context)
    if not may_manage(context.actor, known.hosted):
        raise WrongRole
    if not known.hosted.event.takes_answers(context.now_ms):
        return context.redirect(f"/events/{key_of(context).hex()}", note="event-changed")
    return known


async def edit(context: Context) -> web.Response:
    """GET /events/{key}/edit"""
    known = await _managed(context)
    if isinstance(known, web.Response):
        return known
    return context.show(_form_view(context, Filled(typed_of(context, known.hosted)), known.hosted))


async def edit_sent(context: Context) -> web.Response:
    """POST /events/{key}/edit"""
    known = await _managed(context)
    if isinstance(known, web.Response):
        return known
    form = context.form(EventForm)
    plans = form if isinstance(form, Filled) else understand(context, form)
    if isinstance(plans, Filled):
        return context.show(_form_view(context, plans, known.hosted), 422)
    plan = plans[0]
    before = known.hosted.event.plan
    if not context.settings.public_events:
        plan = replace(plan, public=before.public)  # the page did not ask
    typed, _ = _typed(context), context.words.gettext
    try:
        await context.node.events.edit(known.hosted.key, context.actor, plan)
    except InvalidValue:
        said = _("This is over already. Please choose a later time.")
        return context.show(_form_view(context, typed.with_error("start", said), known.hosted), 422)
    except OutOfOrder:
        if (plan.pays, plan.amount) == (before.pays, before.amount):
            return context.redirect(f"/events/{known.hosted.key.hex()}", note="event-changed")
        said = _("Somebody said yes to what it was before. It cannot be changed any more.")
        return context.show(_form_view(context, typed.with_error("amount", said), known.hosted), 422)
    return context.redirect(f"/events/{known.hosted.key.hex()}", note="saved")


async def cancel(context: Context) -> web.Response:
    """GET /events/{key}/cancel"""
    known = await _managed(context)
    return known if isinstance(known, web.Response) else context.show(_cancel_view(context, known))


def _cancel_view(context: Context, known: Known, form: Filled | None = None) -> EventCancelView:
    words, hosted = context.words, known.hosted
    later = [
        each
        for each in known.dates
        if each.event.plan.starts > hosted.event.plan.starts and each.event.takes_answers(context.now_ms)
    ]
    guests = len(known.guests.coming) + len(known.guests.waiting)
    told = words.ngettext("%(num)d person is told.", "%(num)d people are told.", guests) % {"num": guests}
    more = words.ngettext("This and %(num)d later date", "This and %(num)d later dates", len(later))
    return EventCancelView(
        title=hosted.event.plan.title,
        when=when_words(hosted.event.plan, context.voice),
        told=told if guests else "",
        later=more % {"num": len(later)} if later else "",
        base=f"/events/{hosted.key.hex()}",
        form=Filled({"which": "this"}) if form is None else form,
    )


async def cancel_sent(context: Context) -> web.Response:
    """POST /events/{key}/cancel"""
    known = await _managed(context)
    if isinstance(known, web.Response):
        return known
    form = context.form(CancelForm)
    if isinstance(form, Filled):
        return context.show(_cancel_view(context, known, form), 422)
    try:
        await context.node.events.cancel(
            known.hosted.key, context.actor, form.reason, later_too=form.which == "later"
        )
    except OutOfOrder:
        return context.redirect(f"/events/{known.hosted.key.hex()}", note="event-changed")
    return context.redirect(f"/events/{known.hosted.key.hex()}", note="event-cancelled")


ROUTES: Final[tuple[Route, ...]] = (
    get("/events/new", new, MEMBER),
    post("/events/check", check, MEMBER),
    post("/events/change", change, MEMBER),
    post("/events/post", post_event, MEMBER),
    get("/events/{key}/edit", edit, MEMBER),
    post("/events/{key}/edit", edit_sent, MEMBER),
    get("/events/{key}/cancel", cancel, MEMBER),
    post("/events/{key}/cancel", cancel_sent, MEMBER),
)
