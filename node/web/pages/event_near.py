"""What is on at neighbouring schemes, and saying there that one comes. Source: docs/pages.md 8.18; docs/protocol.md 5.11, 7.10."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.events_near import NearEvent, near_event, near_events
from node.services.request_rows import request_for
from node.services.request_words import EVENT
from node.services.requests_abroad import CannotRequest, NewRequest
from node.store import ReadTx
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import EMPTY, Filled
from node.web.listing_names import listing_id
from node.web.pages.abroad_words import cannot_ask, request_acts, standing_lines
from node.web.pages.event_words import facts_of, moments_words, near_cost_words
from node.web.pages.listings import parse_listing_id
from node.web.pages.schemes import schemes_known
from node.web.present import OtherScheme, paragraphs_of
from node.web.views.events import EventRow, NearEventView
from node.web.views.requests import AbroadPart
from protocol.event import Kind, Pays, Plan, most_given
from protocol.names import SchemeId


async def near_rows(context: Context, *, lifts: bool = False) -> tuple[EventRow, ...]:
    """Return what is on at other schemes, or the lifts there are, the soonest first; for members only."""
    if context.session is None:
        return ()
    found = await context.read(_lifts if lifts else near_events, context.now_ms, context.node.scheme)
    if not found:
        return ()
    schemes = await schemes_known(context)
    return tuple(_row(context, each, schemes[each.scheme]) for each in found if each.scheme in schemes)


def _lifts(tx: ReadTx, now_ms: int, own: SchemeId) -> list[NearEvent]:
    return near_events(tx, now_ms, own, lifts=True)


def _row(context: Context, found: NearEvent, other: OtherScheme) -> EventRow:
    return EventRow(
        href=f"/near/{listing_id(found.key, found.scheme)}",
        title=found.plan.title,
        kind=other.name,
        when=moments_words(found.plan.starts, found.plan.ends, context.voice),
        where=found.plan.where,
    )


async def _find(context: Context) -> tuple[NearEvent, OtherScheme]:
    key, scheme = parse_listing_id(context.part("id"))
    if scheme is None or scheme == context.node.scheme:
        raise NoSuchPage
    found = await context.read(near_event, context.now_ms, scheme, key)
    other = (await schemes_known(context)).get(scheme)
    if found is None or other is None:
        raise NoSuchPage
    return found, other


async def near(context: Context) -> web.Response:
    """GET /near/{id}"""
    return context.show(await _view(context, *await _find(context)))


async def _view(
    context: Context, found: NearEvent, other: OtherScheme, form: Filled = EMPTY
) -> NearEventView:
    request = await context.read(request_for, context.member.account_no, found.scheme, found.key)
    row, plan, _ = _row(context, found, other), found.plan, context.words.gettext
    lines = () if request is None else standing_lines(request, other.name, context.voice)
    if request is not None and not request.mirror.over:
        part = AbroadPart(lines=lines, acts=request_acts(request, context.voice))
    elif (stop := _stop(context, plan)) is not None:
        part = AbroadPart(lines=(*lines, stop))
    else:
        part = AbroadPart(lines=lines, form=form, ask_action=f"{row.href}/come")
    return NearEventView(
        row=row,
        paragraphs=paragraphs_of(plan.text),
        abroad=part,
        lift=plan.kind is Kind.LIFT,
        facts=facts_of(plan, None, context.voice),
        cost=near_cost_words(plan, other, context.node.settings.rate(), context.voice),
        ask=_("Ask for a seat") if plan.approval else _("I am coming"),
    )


def _stop(context: Context, plan: Plan) -> str | None:
    """Return why the reader cannot come to something that costs or gives units; None if they can."""
    _ = context.words.gettext
    if plan.pays is Pays.NOBODY:
        return None
    if not context.settings.asks_abroad:
        return _(
            "Your scheme does not let people of other schemes ask each other to be paid, so you cannot come from here."
        )
    if not context.member.may_trade:
        return _("Your membership is paused, so you cannot record trades now.")
    return None


async def come(context: Context) -> web.Response:
    """POST /near/{id}/come: I am coming, or would like to."""
    found, other = await _find(context)
    plan = found.plan
    if _stop(context, plan) is not None:
        return context.show(await _view(context, found, other), 422)
    price = -plan.amount if plan.pays is Pays.HOST else most_given(plan) or None
    new = NewRequest(
        scheme=found.scheme,
        key=found.key,
        kind=EVENT,
        title=plan.title,
        owner_name="",
        wanted="",
        price=price,
    )
    try:
        await context.node.requests.ask(context.member, new)
    except CannotRequest as no:
        form = Filled({}).with_error("", cannot_ask(no.why, context.words))
        return context.show(await _view(context, found, other, form), 422)
    return context.redirect(f"/near/{listing_id(found.key, found.scheme)}", note="sent")


ROUTES: Final = (
    get("/near/{id}", near, MEMBER),
    post("/near/{id}/come", come, MEMBER),
)
