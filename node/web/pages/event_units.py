"""Recording what an event costs or gives: who was there, all names and amounts, done. All of it, or nothing, once.

Source: docs/protocol.md 5.11; docs/pages.md 6.5, 7.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiohttp import web

from node.services.event_settling import CannotSettle
from node.web.context import MEMBER, Context, Route, WrongRole, get, post
from node.web.forms import EMPTY, Filled
from node.web.pages.event_list import Known, find_event
from node.web.pages.recording import own_account, paused, ring, stopped
from node.web.present import before_and_after
from node.web.views.events import EventUnitsCheckView, EventUnitsView
from node.web.views.page import Fact, Link, Option
from node.web.views.trade import RecordStoppedView
from protocol.errors import OutOfOrder
from protocol.event import Guest, Pays, State, share_of

FIELD: Final = "there-"


async def _settling(context: Context) -> Known | web.Response:
    """Return the reader's own event that can be settled now, or the way back to it.

    Raises:
        NoSuchPage: there is none. WrongRole: it is somebody else's.
    """
    known = await find_event(context)
    if known.hosted.host_no != context.member.no:
        raise WrongRole
    if not known.hosted.event.wants_settling(context.now_ms):
        return _back(context, known)
    return known


def _back(context: Context, known: Known) -> web.Response:
    done = known.hosted.event.state is State.SETTLED
    return context.redirect(_base(known), note="" if done else "event-changed")


def _base(known: Known) -> str:
    return f"/events/{known.hosted.key.hex()}"


async def units(context: Context) -> web.Response:
    """GET /events/{key}/units: everybody with a place, ticked."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    known = await _settling(context)
    if isinstance(known, web.Response):
        return known
    ticked = {f"{FIELD}{each.who}": "yes" for each in known.guests.coming}
    return context.show(_units_view(context, known, Filled(ticked)))


def _units_view(context: Context, known: Known, form: Filled) -> EventUnitsView:
    plan, _ = known.hosted.event.plan, context.words.gettext
    said = {"amount": context.voice.spoken(plan.amount)}
    match plan.pays:
        case Pays.GUESTS:
            cost = _("Each who was there gives you %(amount)s.")
        case Pays.SHARED:
            cost = _("You and all who were there share %(amount)s equally. They give you their parts.")
        case _:
            cost = _("You give each who was there %(amount)s.")
    return EventUnitsView(
        title=plan.title,
        cost=cost % said,
        people=tuple(
            Option(value=f"{FIELD}{each.who}", text=known.names[each.who]) for each in known.guests.coming
        ),
        base=_base(known),
        form=form,
    )


def _there(context: Context, known: Known) -> tuple[Guest, ...]:
    """Return who was ticked, of those with a place."""
    return tuple(each for each in known.guests.coming if context.fields.get(f"{FIELD}{each.who}") == "yes")


async def units_sent(context: Context) -> web.Response:
    """POST /events/{key}/units: all names and amounts."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    known = await _settling(context)
    if isinstance(known, web.Response):
        return known
    there = _there(context, known)
    if not there:
        wrong = EMPTY.with_error("", context.words.gettext("Please tick who was there."))
        return context.show(_units_view(context, known, wrong), 422)
    return context.show(await _check_view(context, known, there))


async def _check_view(context: Context, known: Known, there: Sequence[Guest]) -> EventUnitsCheckView:
    plan, voice, _ = known.hosted.event.plan, context.voice, context.words.gettext
    costs, share = plan.pays is not Pays.HOST, share_of(plan, len(there))
    ours = [each for each in there if each.who > 0]
    total = share * len(ours)
    account = await context.read(own_account, context.member.account_no)
    after = account.balance + total if costs else account.balance - total
    each = (_("gives %(amount)s") if costs else _("gets %(amount)s")) % {"amount": voice.spoken(share)}
    theirs = (_("is asked for %(amount)s") if costs else _("asks you for %(amount)s")) % {
        "amount": voice.spoken(share)
    }
    said = {"amount": voice.spoken(total)}
    return EventUnitsCheckView(
        title=plan.title,
        people=tuple(
            Fact(label=known.names[guest.who], text=each if guest.who > 0 else theirs) for guest in there
        ),
        abroad=_abroad_words(context, costs=costs) if len(ours) < len(there) else "",
        total=""
        if not ours
        else (_("You get %(amount)s together.") if costs else _("You give %(amount)s together.")) % said,
        mine=before_and_after(account.balance, after, voice),
        button=_("Record it for all of them"),
        hidden=tuple((f"{FIELD}{guest.who}", "yes") for guest in there),
        base=_base(known),
    )


def _abroad_words(context: Context, *, costs: bool) -> str:
    _ = context.words.gettext
    if costs:
        return _("People of other schemes are asked now, and pay it themselves. You are told when they have.")
    return _("People of other schemes are told, and ask you for it. You then pay them.")


async def do(context: Context) -> web.Response:
    """POST /events/{key}/units/do: one trade for each, in one unit; pressed twice it is done once."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    known = await _settling(context)
    if isinstance(known, web.Response):
        return known
    there = [each.who for each in _there(context, known)]
    try:
        await context.node.event_settling.settle(known.hosted.key, context.member, context.actor.proof, there)
    except OutOfOrder:
        return _back(context, await find_event(context))
    except CannotSettle as no:
        return context.show(_in_the_way(context, known, no))
    return context.redirect(_base(known), note="event-recorded")


def _in_the_way(context: Context, known: Known, no: CannotSettle) -> RecordStoppedView:
    _ = context.words.gettext
    again = Link(text=_("Back to who was there"), href=f"{_base(known)}/units")
    if no.member is None:
        said = _("%(name)s cannot be asked to pay now. Nothing was recorded. Untick them, or wait.")
    elif no.member.no == context.member.no:
        said = _("Your own account cannot give or take that much now. Nothing was recorded.")
    else:
        said = _("%(name)s cannot give or take that much now. Nothing was recorded. Untick them, or wait.")
    return stopped(
        context, _("This cannot be recorded now"), said % {"name": no.name}, ring(context), action=again
    )


ROUTES: Final[tuple[Route, ...]] = (
    get("/events/{key}/units", units, MEMBER),
    post("/events/{key}/units", units_sent, MEMBER),
    post("/events/{key}/units/do", do, MEMBER),
)
