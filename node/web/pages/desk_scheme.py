"""The organisers' desk: what the scheme says of itself, what an hour is, limits of new members.

Source: docs/pages.md 0.1 and 7.4.
"""

from __future__ import annotations

from typing import Final, Literal

from aiohttp import web

from node.services.acts import Role
from node.web.amounts import Unreadable, parse_amount
from node.web.context import ORGANISER, Context, NoSuchPage, Route, get, post
from node.web.forms import Filled, Form, Tick, amount_sentence, line, paragraphs
from node.web.pages.desk_members import TYPED_AMOUNT_MAX, read_limits, typed_amount
from node.web.views.admin import SchemeView
from protocol.limits import RATE_MINOR_PER_HOUR_MAX


class AboutForm(Form):
    headline: line(100)  # type: ignore[valid-type]  # makes the type of a field, here and below
    about: paragraphs(600)  # type: ignore[valid-type]  # see above
    meeting: line(120)  # type: ignore[valid-type]  # see above
    help_name: line(60, 1)  # type: ignore[valid-type]  # see above
    help_phone: line(40)  # type: ignore[valid-type]  # see above
    help_hours: line(60)  # type: ignore[valid-type]  # see above


class RateForm(Form):
    hour_amount: line(TYPED_AMOUNT_MAX, 1)  # type: ignore[valid-type]  # see above


class NewMembersForm(Form):
    lower: line(TYPED_AMOUNT_MAX, 1)  # type: ignore[valid-type]  # see above
    upper: line(TYPED_AMOUNT_MAX)  # type: ignore[valid-type]  # see above


class WhoRecordsForm(Form):
    who_records: Literal["both", "received", "gave"]


class AbroadForm(Form):
    asks_abroad: Tick


class PublicEventsForm(Form):
    public_events: Tick
    lifts_abroad: Tick


class StepForm(Form):
    organisers_second_step: Tick


async def scheme(context: Context) -> web.Response:
    """Show what can be changed."""
    return context.show(_view(context))


def _view(
    context: Context, *, about: Filled | None = None, rate: Filled | None = None, limits: Filled | None = None,
    step: Filled | None = None,
) -> SchemeView:  # fmt: skip
    settings, voice = context.settings, context.voice
    unit, language = context.unit, context.language
    stored = {name: getattr(settings, name) for name in AboutForm.model_fields}
    lowest = {"lower": typed_amount(settings.credit_limit, unit, language)}
    if settings.ceiling is not None:
        lowest["upper"] = typed_amount(settings.ceiling, unit, language)
    hour = context.node.settings.rate().minor_per_hour
    return SchemeView(
        about_form=about or Filled(stored),
        rate_form=rate or Filled({"hour_amount": typed_amount(hour, unit, language)}),
        limits_form=limits or Filled(lowest),
        who_form=Filled({"who_records": settings.who_records}),
        abroad_form=Filled({"asks_abroad": "yes" if settings.asks_abroad else ""}),
        events_form=Filled(
            {name: "yes" if getattr(settings, name) else "" for name in PublicEventsForm.model_fields}
        ),
        step_form=step
        or Filled({"organisers_second_step": "yes" if settings.organisers_second_step else ""}),
        may_log_out_all=context.actor.role is Role.ADMIN,
        in_hours=unit.kind == "hours",
        unit_name=voice.unit_name(),
        amount_hint=voice.amount_hint(),
        hour_now=context.words.gettext("1 hour is %(amount)s.") % {"amount": voice.spoken(hour)},
        hour_next=_announced(context),
    )


def _announced(context: Context) -> str:
    settings, voice = context.settings, context.voice
    announced, starts = settings.next_minor_per_hour, settings.next_rate_ms
    if announced is None or starts is None or starts <= context.now_ms:
        return ""
    return context.words.gettext("From %(day)s it will be %(amount)s.") % {
        "day": voice.day(starts),
        "amount": voice.spoken(announced),
    }


async def about(context: Context) -> web.Response:
    """Change what visitors read and whom everybody rings."""
    form = context.form(AboutForm)
    if isinstance(form, Filled):
        return context.show(_view(context, about=form), 422)
    await context.node.settings.change(context.actor, **form.model_dump())
    context.node.announcements.changed()
    return context.redirect("/admin/scheme", note="saved")


async def rate(context: Context) -> web.Response:
    """Announce what an hour will be, from seven days ahead on."""
    if context.unit.kind == "hours":
        raise NoSuchPage  # where hours are counted, an hour is an hour
    form = context.form(RateForm)
    if not isinstance(form, Filled):
        amount = parse_amount(form.hour_amount, context.unit, most=RATE_MINOR_PER_HOUR_MAX)
        if not isinstance(amount, Unreadable):
            await context.node.settings.announce_rate(context.actor, amount)
            context.node.announcements.changed()
            return context.redirect("/admin/scheme", note="announced")
        sentence = amount_sentence(
            amount, form.hour_amount, context.unit, RATE_MINOR_PER_HOUR_MAX, context.words
        )
        form = Filled(form.model_dump()).with_error("hour_amount", sentence)
    return context.show(_view(context, rate=form), 422)


async def limits(context: Context) -> web.Response:
    """Change how far new members may go."""
    form = context.form(NewMembersForm)
    if not isinstance(form, Filled):
        amounts = read_limits(context, Filled(form.model_dump()), form.lower, form.upper)
        if not isinstance(amounts, Filled):
            lower, upper = amounts
            await context.node.settings.change(context.actor, credit_limit=lower, ceiling=upper)
            return context.redirect("/admin/scheme", note="saved")
        form = amounts
    return context.show(_view(context, limits=form), 422)


async def who_records(context: Context) -> web.Response:
    """Say who writes down a trade between members."""
    form = context.form(WhoRecordsForm)
    if isinstance(form, Filled):
        raise NoSuchPage
    await context.node.settings.change(context.actor, who_records=form.who_records)
    return context.redirect("/admin/scheme", note="saved")


async def abroad(context: Context) -> web.Response:
    """Let members here and in other schemes ask each other to be paid, or not."""
    form = context.form(AbroadForm)
    if isinstance(form, Filled):
        raise NoSuchPage
    await context.node.settings.change(context.actor, asks_abroad=form.asks_abroad)
    return context.redirect("/admin/scheme", note="saved")


async def events(context: Context) -> web.Response:
    """Let visitors read events whose hosts let them, or none; and neighbours' members lifts."""
    form = context.form(PublicEventsForm)
    if isinstance(form, Filled):
        raise NoSuchPage
    await context.node.settings.change(
        context.actor, public_events=form.public_events, lifts_abroad=form.lifts_abroad
    )
    return context.redirect("/admin/scheme", note="saved")


async def step(context: Context) -> web.Response:
    """Open the desk only to organisers who took a second step, or to all of them."""
    form = context.form(StepForm)
    if isinstance(form, Filled):
        raise NoSuchPage
    # Whoever asks it of all shows first that they can.
    if form.organisers_second_step and not (context.session and context.session.stepped):
        said = context.words.gettext("Please set up your own second step first, in your settings.")
        typed = Filled({"organisers_second_step": "yes"}).with_error("organisers_second_step", said)
        return context.show(_view(context, step=typed), 422)
    await context.node.settings.change(context.actor, organisers_second_step=form.organisers_second_step)
    return context.redirect("/admin/scheme", note="saved")


ROUTES: Final[tuple[Route, ...]] = (
    get("/admin/scheme", scheme, ORGANISER),
    post("/admin/scheme/about", about, ORGANISER),
    post("/admin/scheme/rate", rate, ORGANISER),
    post("/admin/scheme/limits", limits, ORGANISER),
    post("/admin/scheme/who-records", who_records, ORGANISER),
    post("/admin/scheme/abroad", abroad, ORGANISER),
    post("/admin/scheme/events", events, ORGANISER),
    post("/admin/scheme/second-step", step, ORGANISER),
)
