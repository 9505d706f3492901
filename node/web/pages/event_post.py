"""Posting an event in two steps, changing it, and cancelling it. What was typed travels in the forms; nothing is kept before.

Days and times are those of the scheme's clock on the wall. Source: docs/pages.md 7.2.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final, Literal

from aiohttp import web

from node.services.circle_rows import CircleKey, circle_by_key, standings_of
from node.services.circle_rows import Known as Group
from node.services.event_days import Repeats, dates_of
from node.services.event_rows import Hosted
from node.services.events import TooManyEvents, may_manage
from node.store import ReadTx
from node.web.amounts import as_typed
from node.web.context import MEMBER, Context, NoSuchPage, Route, WrongRole, get, post
from node.web.dates import local
from node.web.forms import EMPTY, Filled, Form, SpendForm, Tick, line, missing_sentence, once_key
from node.web.pages.event_list import Known, find_event, key_of
from node.web.pages.event_typed import TimedForm, plans_of
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
from protocol.circle import INSIDE
from protocol.errors import InvalidValue, OutOfOrder
from protocol.event import Kind, Pays, Plan, planned
from protocol.limits import (
    EVENT_GUESTS_MAX,
    EVENT_PAID_PLACES_MAX,
    EVENT_REASON_CHARACTERS_MAX,
    EVENTS_OF_ONE_MAX,
)

KEY_CHARACTERS: Final = 32


class EventForm(TimedForm):
    """What an event says, as it is typed."""

    kind: Literal["social", "trading", "work", "talk"]
    repeats: Literal["never", "weekly", "monthly-weekday", "monthly-day", ""]
    pays: Literal["nobody", "guests", "host"]
    public: Tick
    group: line(KEY_CHARACTERS)  # type: ignore[valid-type]  # `line` makes the type of a field
    who: Literal["all", "group", ""]  # where it is for a group: who sees it and may come


class PostForm(EventForm, SpendForm):
    """Everything once more, from the page that shows it."""


class CancelForm(Form):
    reason: line(EVENT_REASON_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # `line` makes the type of a field
    which: Literal["this", "later", ""]


FIELDS: Final = tuple(EventForm.model_fields)
NEW: Final = {"kind": "social", "repeats": "never", "pays": "nobody"}


def _typed(context: Context) -> Filled:
    """Return the form as it was sent."""
    return Filled({name: context.fields.get(name, "") for name in FIELDS})


# --- What was typed -----------------------------------------------------------------------------------------


def understand(context: Context, form: EventForm) -> list[Plan] | Filled:
    """Return the event that was typed, one plan for each of its dates, or the form again with what is wrong."""
    most = EVENT_GUESTS_MAX if form.pays == "nobody" else EVENT_PAID_PLACES_MAX
    inside = bool(form.group) and form.who == "group"

    def dates(first: date, until: date) -> tuple[date, ...]:
        return dates_of(first, Repeats(form.repeats or "never"), until)

    def plan(places: int | None, amount: int) -> Plan:
        return Plan(
            kind=Kind(form.kind), title=form.title, text=form.text, where=form.where, starts=0, ends=1, capacity=places,
            pays=Pays(form.pays), amount=amount, public=form.public and not inside, inside=inside,
        )  # fmt: skip

    once, typed = form.repeats in ("never", ""), _typed(context)
    if form.group and not form.who:
        typed = typed.with_error("who", missing_sentence("who", context.words))
    if inside and form.public:
        typed = typed.with_error(
            "public", context.words.gettext("What is only for those in the group, visitors cannot read.")
        )
    return plans_of(context, form, typed, most=most, once=once, dates=dates, plan=plan)


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


async def _group(context: Context, typed: str) -> Group | None:
    """Return the group that is named, of which the reader is one; None where none is. Raises NoSuchPage."""
    if not typed:
        return None
    try:
        key = CircleKey(bytes.fromhex(typed))
    except ValueError:
        raise NoSuchPage from None
    found = await context.read(_of_member, key, context.member.no)
    if found is None:
        raise NoSuchPage
    return found


def _of_member(tx: ReadTx, key: CircleKey, member_no: int) -> Group | None:
    group = circle_by_key(tx, key)
    return group if group is not None and standings_of(tx, member_no).get(group.no) in INSIDE else None


def _form_view(
    context: Context, form: Filled, hosted: Hosted | None = None, group: Group | None = None
) -> EventFormView:
    inside = hosted is not None and hosted.event.plan.inside
    base = "" if hosted is None else f"/events/{hosted.key.hex()}"
    return EventFormView(
        form=form,
        action="/events/check" if hosted is None else f"{base}/edit",
        new=hosted is None,
        kinds=kind_options(context.voice),
        unit_name=context.voice.unit_name(),
        amount_hint=context.voice.amount_hint(),
        may_be_public=context.settings.public_events and not inside,
        group="" if group is None else group.name,
        back_href=base or "/calendar",
    )


async def new(context: Context) -> web.Response:
    """GET /events/new?group"""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    group = await _group(context, named := context.query("group"))
    return context.show(_form_view(context, Filled({**NEW, "group": named}), group=group))


async def change(context: Context) -> web.Response:
    """POST /events/change: back to the first step with everything kept."""
    group = await _group(context, context.fields.get("group", ""))
    return context.show(_form_view(context, _typed(context), group=group))


async def check(context: Context) -> web.Response:
    """POST /events/check: the event as others see it, or the form again."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    group = await _group(context, context.fields.get("group", ""))
    form = context.form(EventForm)
    plans = form if isinstance(form, Filled) else understand(context, form)
    if isinstance(plans, Filled):
        return context.show(_form_view(context, plans, group=group), 422)
    if (late := too_early(context, plans, _typed(context))) is not None:
        return context.show(_form_view(context, late, group=group), 422)
    plan, voice = plans[0], context.voice
    return context.show(
        EventCheckView(
            row=preview_row(plan, voice, group="" if group is None else group.name),
            paragraphs=paragraphs_of(plan.text),
            facts=facts_of(plan, None, voice),
            cost=cost_words(plan, first_name(context.member.name), voice),
            dates=tuple(when_words(each, voice) for each in plans) if len(plans) > 1 else (),
            shown_to=_shown_to(context, plan, group),
            hidden=tuple((name, context.fields[name]) for name in FIELDS if context.fields.get(name)),
            once=context.once(),
        )
    )


def _shown_to(context: Context, plan: Plan, group: Group | None) -> str:
    _ = context.words.gettext
    if plan.inside and group is not None:
        return _("Only those in “%(group)s” see it, and only they may come.") % {"group": group.name}
    if plan.public and context.settings.public_events:
        return _("Visitors may read it too, without names, and members of neighbouring schemes.")
    return _("Only members see it.")


def too_early(context: Context, plans: list[Plan], typed: Filled) -> Filled | None:
    """Return the form again if the event has begun already."""
    try:
        planned(plans[0], context.now_ms)
    except InvalidValue:
        said = context.words.gettext("This is over already. Please choose a later time.")
        return typed.with_error("start", said)
    return None


async def post_event(context: Context) -> web.Response:
    """POST /events/post"""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    group = await _group(context, context.fields.get("group", ""))
    form = context.form(PostForm)
    plans = form if isinstance(form, Filled) else understand(context, form)
    if isinstance(form, Filled) or isinstance(plans, Filled):
        wrong = plans if isinstance(plans, Filled) else EMPTY
        return context.show(_form_view(context, wrong, group=group), 422)
    try:
        hosted = await context.node.events.post(
            context.member, plans, once_key(form.once), None if group is None else group.key
        )
    except LookupError:
        raise NoSuchPage from None  # not in the group any more
    except InvalidValue:
        late = too_early(context, plans, _typed(context))
        return context.show(_form_view(context, late or EMPTY, group=group), 422)
    except TooManyEvents:
        wrong = _typed(context).with_error("", too_many_words(context))
        return context.show(_form_view(context, wrong, group=group), 422)
    return context.redirect(f"/events/{hosted.key.hex()}", note="published")


def too_many_words(context: Context) -> str:
    """Return why nothing more can be posted, in a sentence."""
    return context.words.gettext(
        "You host %(num)d events, as many as one person may. Cancel one that you do not need first."
    ) % {"num": EVENTS_OF_ONE_MAX}


# --- Changing and cancelling --------------------------------------------------------------------------------


async def managed(context: Context) -> Known | web.Response:
    """Return the event of this address, which the reader may change; or the way back to it if it is too late.

    Raises:
        NoSuchPage: there is none. WrongRole: it is somebody else's.
    """
    known = await find_event(context)
    if not may_manage(context.actor, known.hosted, known.standing):
        raise WrongRole
    if not known.hosted.event.takes_answers(context.now_ms):
        return context.redirect(f"/events/{key_of(context).hex()}", note="event-changed")
    return known


async def edit(context: Context) -> web.Response:
    """GET /events/{key}/edit"""
    known = await managed(context)
    if isinstance(known, web.Response):
        return known
    if known.hosted.event.plan.kind is Kind.LIFT:
        return context.redirect(f"/lifts/{known.hosted.key.hex()}/edit")
    return context.show(_form_view(context, Filled(typed_of(context, known.hosted)), known.hosted))


async def edit_sent(context: Context) -> web.Response:
    """POST /events/{key}/edit"""
    known = await managed(context)
    if isinstance(known, web.Response):
        return known
    if known.hosted.event.plan.kind is Kind.LIFT:
        raise NoSuchPage  # its own page asks for more
    form = context.form(EventForm)
    plans = form if isinstance(form, Filled) else understand(context, form)
    if isinstance(plans, Filled):
        return context.show(_form_view(context, plans, known.hosted), 422)
    plan = plans[0]
    before = known.hosted.event.plan
    if not context.settings.public_events:
        plan = replace(plan, public=before.public)  # the page did not ask
    if before.inside:
        plan = replace(plan, public=False, inside=True)  # nor for whom: that stays
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
    known = await managed(context)
    return known if isinstance(known, web.Response) else context.show(_cancel_view(context, known))


def _cancel_view(context: Context, known: Known, form: Filled | None = None) -> EventCancelView:
    words, hosted = context.words, known.hosted
    later = [
        each
        for each in known.dates
        if each.event.plan.starts > hosted.event.plan.starts and each.event.takes_answers(context.now_ms)
    ]
    guests = len(known.guests.coming) + len(known.guests.waiting) + len(known.guests.asked)
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
    known = await managed(context)
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
