"""Lifts: the list, and offering one in two steps, once or on weekdays; each date is an event with seats (rule 5.11).

Who rides, and what it costs, is on the event's own pages. Source: docs/pages.md 8.16; docs/protocol.md 5.11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from aiohttp import web

from node.services.event_days import weekdays_of
from node.services.event_rows import Hosted, answers_of, coming_counts, lifts_ahead
from node.services.events import TooManyEvents
from node.services.events_abroad import is_shared
from node.store import ReadTx
from node.web.amounts import as_typed
from node.web.context import MEMBER, Context, NoSuchPage, Route, get, post
from node.web.dates import local, weekday
from node.web.forms import EMPTY, Filled, SpendForm, Tick, once_key
from node.web.pages.event_near import near_rows
from node.web.pages.event_post import managed, too_early, too_many_words
from node.web.pages.event_typed import TimedForm, plans_of
from node.web.pages.event_words import cost_words, event_row, facts_of, preview_row, when_words
from node.web.pages.lift_listings import begun_from
from node.web.pages.member import PAGE_ROWS, pager
from node.web.pages.recording import paused
from node.web.present import first_name, paragraphs_of
from node.web.views.events import EventCheckView
from node.web.views.lifts import LiftFormView, LiftListView
from node.web.views.page import Option
from protocol.errors import InvalidValue, OutOfOrder
from protocol.event import Answer, Kind, Pays, Plan
from protocol.limits import LIFT_SEATS_MAX

PATH: Final = "/lifts"
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONDAY: Final = date(2024, 1, 1)  # any


class LiftForm(TimedForm):
    """What a lift says, as it is typed."""

    pays: Literal["nobody", "guests", "shared"]
    approval: Tick
    near: Tick
    mon: Tick
    tue: Tick
    wed: Tick
    thu: Tick
    fri: Tick
    sat: Tick
    sun: Tick

    @property
    def weekdays(self) -> frozenset[int]:
        """On which days it repeats: 0 is Monday; none for one that is driven once."""
        return frozenset(number for number, name in enumerate(WEEKDAYS) if getattr(self, name))


class _TooLittle(Exception):
    """Somebody's part of the cost would be nothing."""


class PostLiftForm(LiftForm, SpendForm):
    """Everything once more, from the page that shows it."""


FIELDS: Final = tuple(LiftForm.model_fields)


@dataclass(frozen=True, slots=True)
class _Listed:
    lifts: list[Hosted]
    total: int
    coming: Mapping[int, int]
    answers: Mapping[int, Answer]


def _read(tx: ReadTx, now_ms: int, me: int, page: int) -> _Listed:
    lifts, total = lifts_ahead(tx, now_ms, (page - 1) * PAGE_ROWS, PAGE_ROWS)
    return _Listed(lifts, total, coming_counts(tx, lifts), answers_of(tx, lifts, me))


async def lifts(context: Context) -> web.Response:
    """GET /lifts?page"""
    read = await context.read(_read, context.now_ms, context.member.no, context.page_number)
    return context.show(
        LiftListView(
            rows=tuple(
                event_row(
                    each, read.coming.get(each.no, 0), read.answers.get(each.no, Answer.UNSAID), context.voice
                )
                for each in read.lifts
            ),
            pager=pager(context, PATH, {}, read.total),
            may_post=context.member.may_trade,
            near=() if context.page_number > 1 else await near_rows(context, lifts=True),
        )
    )


# --- Offering one ---------------------------------------------------------------------------------------------


def _typed(context: Context) -> Filled:
    return Filled({name: context.fields.get(name, "") for name in FIELDS})


def _form_view(context: Context, form: Filled, hosted: Hosted | None = None) -> LiftFormView:
    voice = context.voice
    key = "" if hosted is None else hosted.key.hex()
    return LiftFormView(
        form=form,
        action=f"{PATH}/check" if hosted is None else f"{PATH}/{key}/edit",
        new=hosted is None,
        weekdays=tuple(
            Option(value=name, text=weekday(MONDAY + timedelta(days=number), voice.words))
            for number, name in enumerate(WEEKDAYS)
        ),
        seats_most=LIFT_SEATS_MAX,
        unit_name=voice.unit_name(),
        amount_hint=voice.amount_hint(),
        may_be_near=context.settings.lifts_abroad,
        back_href=PATH if hosted is None else f"/events/{key}",
    )


def _understand(context: Context, form: LiftForm) -> list[Plan] | Filled:
    """Return the lift that was typed, one plan for each of its dates, or the form again with what is wrong."""
    _, filled, weekdays = context.words.gettext, _typed(context), form.weekdays
    if not form.places:
        filled = filled.with_error("places", _("Please say how many seats are free."))

    def dates(first: date, until: date) -> tuple[date, ...]:
        return weekdays_of(first, weekdays, until) if weekdays else (first,)

    def plan(places: int | None, amount: int) -> Plan:
        if form.pays == "shared" and amount <= (places or 0):
            raise _TooLittle
        return Plan(
            kind=Kind.LIFT, title=form.title, text=form.text, where=form.where, starts=0, ends=1, capacity=places,
            pays=Pays(form.pays), amount=amount, approval=form.approval, near=form.near,
        )  # fmt: skip

    try:
        return plans_of(context, form, filled, most=LIFT_SEATS_MAX, once=not weekdays, dates=dates, plan=plan)
    except _TooLittle:
        return filled.with_error("amount", _("That is too little to share. Please write more."))


async def new(context: Context) -> web.Response:
    """GET /lifts/new?listing"""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    typed = {"pays": "nobody", "approval": "yes"}
    if listing := context.query("listing"):
        typed |= await begun_from(context, listing)
    return context.show(_form_view(context, Filled(typed)))


async def change(context: Context) -> web.Response:
    """POST /lifts/change: back to the first step with everything kept."""
    return context.show(_form_view(context, _typed(context)))


async def check(context: Context) -> web.Response:
    """POST /lifts/check: the lift as others see it, or the form again."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    form = context.form(LiftForm)
    plans = form if isinstance(form, Filled) else _understand(context, form)
    if isinstance(plans, Filled):
        return context.show(_form_view(context, plans), 422)
    if (late := too_early(context, plans, _typed(context))) is not None:
        return context.show(_form_view(context, late), 422)
    plan, voice, _ = plans[0], context.voice, context.words.gettext
    asks = _("You say yes or no to each who asks.") if plan.approval else _("Who comes first has a seat.")
    return context.show(
        EventCheckView(
            row=preview_row(plan, voice),
            paragraphs=paragraphs_of(plan.text),
            facts=facts_of(plan, None, voice),
            cost=cost_words(plan, first_name(context.member.name), voice),
            dates=tuple(when_words(each, voice) for each in plans) if len(plans) > 1 else (),
            shown_to=f"{asks} {_shown_to(context, plan)}",
            hidden=tuple((name, context.fields[name]) for name in FIELDS if context.fields.get(name)),
            once=context.once(),
            base=PATH,
        )
    )


def _shown_to(context: Context, plan: Plan) -> str:
    _ = context.words.gettext
    if not plan.near:
        return _("Only members see it.")
    if is_shared(plan, context.settings):
        return _("Members here and in neighbouring schemes see it.")
    # What costs something is shown where people can be asked to pay.
    return _("Only members see it: your scheme shows such lifts to no other.")


async def post_lift(context: Context) -> web.Response:
    """POST /lifts/post"""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    form = context.form(PostLiftForm)
    plans = form if isinstance(form, Filled) else _understand(context, form)
    if isinstance(form, Filled) or isinstance(plans, Filled):
        return context.show(_form_view(context, plans if isinstance(plans, Filled) else EMPTY), 422)
    try:
        hosted = await context.node.events.post(context.member, plans, once_key(form.once))
    except InvalidValue:
        late = too_early(context, plans, _typed(context))
        return context.show(_form_view(context, late or EMPTY), 422)
    except TooManyEvents:
        wrong = _typed(context).with_error("", too_many_words(context))
        return context.show(_form_view(context, wrong), 422)
    return context.redirect(f"/events/{hosted.key.hex()}", note="published")


# --- Changing one ---------------------------------------------------------------------------------------------


def typed_of(context: Context, hosted: Hosted) -> dict[str, str]:
    """Return a lift as it would be typed, to change it."""
    plan = hosted.event.plan
    starts, ends = local(plan.starts, context.zone), local(plan.ends, context.zone)
    return {
        "title": plan.title, "text": plan.text, "where": plan.where, "day": f"{starts:%Y-%m-%d}",
        "start": f"{starts:%H:%M}", "end": f"{ends:%H:%M}", "places": str(plan.capacity), "pays": plan.pays.value,
        "amount": as_typed(plan.amount, context.unit, context.language) if plan.amount else "",
        "approval": "yes" if plan.approval else "", "near": "yes" if plan.near else "",
    }  # fmt: skip


async def _mine(context: Context) -> Hosted | web.Response:
    """Return the lift of this address, which the reader may change. Raises NoSuchPage, WrongRole."""
    known = await managed(context)
    if isinstance(known, web.Response):
        return known
    if known.hosted.event.plan.kind is not Kind.LIFT:
        raise NoSuchPage
    return known.hosted


async def edit(context: Context) -> web.Response:
    """GET /lifts/{key}/edit"""
    hosted = await _mine(context)
    if isinstance(hosted, web.Response):
        return hosted
    return context.show(_form_view(context, Filled(typed_of(context, hosted)), hosted))


async def edit_sent(context: Context) -> web.Response:
    """POST /lifts/{key}/edit"""
    hosted = await _mine(context)
    if isinstance(hosted, web.Response):
        return hosted
    form, _ = context.form(LiftForm), context.words.gettext
    plans = form if isinstance(form, Filled) else _understand(context, form)
    if isinstance(plans, Filled):
        return context.show(_form_view(context, plans, hosted), 422)
    plan, before, typed = plans[0], hosted.event.plan, _typed(context)
    try:
        await context.node.events.edit(hosted.key, context.actor, plan)
    except InvalidValue:
        said = _("This is over already. Please choose a later time.")
        return context.show(_form_view(context, typed.with_error("start", said), hosted), 422)
    except OutOfOrder:
        if (plan.pays, plan.amount, plan.approval) == (before.pays, before.amount, before.approval):
            return context.redirect(f"/events/{hosted.key.hex()}", note="event-changed")
        said = _("Somebody said yes to what it was before. It cannot be changed any more.")
        return context.show(_form_view(context, typed.with_error("pays", said), hosted), 422)
    return context.redirect(f"/events/{hosted.key.hex()}", note="saved")


ROUTES: Final[tuple[Route, ...]] = (
    get(PATH, lifts, MEMBER),
    get(f"{PATH}/new", new, MEMBER),
    post(f"{PATH}/check", check, MEMBER),
    post(f"{PATH}/change", change, MEMBER),
    post(f"{PATH}/post", post_lift, MEMBER),
    get(f"{PATH}/{{key}}/edit", edit, MEMBER),
    post(f"{PATH}/{{key}}/edit", edit_sent, MEMBER),
)
