"""The organisers' desk: one neighbour, agreeing to trade, limits. Source: docs/pages.md 7.4 and 8.12."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from node.services.figures import LineTrade, trades_on_line
from node.services.line_ends import can_be_lost
from node.services.line_rows import (
    ASKED,
    CLOSED,
    CLOSING,
    FROZEN,
    LIVE,
    OFFERED,
    OPEN,
    STOPPED,
    SUSPENDED,
    Line,
)
from node.services.line_units import LineRefused
from node.services.peers import PeerUnusable
from node.web.context import ORGANISER, Context, NoSuchPage, Route, get, post
from node.web.forms import EMPTY, Filled
from node.web.pages.desk_going_on import going_on
from node.web.pages.desk_members import typed_amount
from node.web.pages.desk_neighbours import look_at, scheme_of, unit_words
from node.web.pages.neighbours_shown import (
    SUGGESTED_HOURS_MAX,
    Known,
    LimitsForm,
    card_of,
    consequence,
    href_of,
    in_unit,
    known_neighbours,
    may_owe,
    name_of,
    read_limits,
    short_here,
    six_words,
    suggested_limits,
    they_may_owe,
)
from node.web.views.admin import (
    NeighbourTrade,
    NeighbourView,
    Stage,
)
from node.web.views.page import Fact, Pill
from protocol.line_view import credit_room
from protocol.names import SchemeId
from protocol.references import reference_of
from protocol.units import HOUR

TRADES_SHOWN: Final = 20
_STAGES: Final[Mapping[str, Stage]] = {
    ASKED: "asked-us", OFFERED: "we-asked", STOPPED: "stopped", FROZEN: "frozen", CLOSING: "ending", CLOSED: "ended",
}  # fmt: skip


async def neighbour(context: Context) -> web.Response:
    """Show one neighbour, with what can be done now."""
    known, scheme = await known_neighbours(context), scheme_of(context)
    return context.show(await view_of(context, known, scheme))


async def view_of(
    context: Context, known: Known, scheme: SchemeId, form: Filled | None = None, *, said: Filled = EMPTY,
    settle: Filled = EMPTY, loss: Filled = EMPTY, go_on: Filled = EMPTY,
) -> NeighbourView:  # fmt: skip
    each = known.lines.get(scheme)
    if each is None:
        raise NoSuchPage
    name, asked = name_of(context, known, scheme), each.status == ASKED
    suggested = suggested_limits(context, known)
    # Once we are stopped and they were told, zero stands: what to begin with again is suggested as at first.
    anew = asked or (each.status == STOPPED and not they_may_owe(each))
    limits = suggested if anew else _limits_now(context, each)
    at_risk = min(SUGGESTED_HOURS_MAX, max(1, known.members)) * HOUR if anew else they_may_owe(each)
    trades = await context.read(trades_on_line, each.no, TRADES_SHOWN)
    return NeighbourView(
        card=card_of(context, known, each),
        stage=_STAGES.get(each.status, "trading"),
        facts=_facts(context, known, each),
        words=six_words(scheme),
        consequence=consequence(context, name, at_risk, known.members),
        limits_form=form or limits,
        unit_name=context.voice.unit_name(),
        amount_hint=context.voice.amount_hint(),
        trades=tuple(_trade(context, trade) for trade in trades),
        once=context.once(),
        said=said,
        settle_form=settle,
        loss_form=loss,
        can_be_lost=_can_be_lost(context, each),
        lost=_lost(context, each),
        loss_action=f"{href_of(scheme)}/write-off",
        can_settle=_can_settle(context, each),
        settle_action=f"{href_of(scheme)}/settle",
        owed_now=str(-each.state.owed),
        go_on=await going_on(context, known, each, go_on),
        **_actions(each),
    )


def _actions(each: Line) -> dict[str, str]:
    """Return what can be done with a neighbour now: the field of the view → the address of its form."""
    here = href_of(each.peer)
    possible: Mapping[str, Mapping[str, str]] = {
        ASKED: {"agree_action": "agree", "decline_action": "decline"},
        OFFERED: {"take_back_action": "take-back"},
        OPEN: {"limits_action": "limits", "stop_action": "stop", "end_action": "end"},
        STOPPED: {"start_action": "start", "end_action": "end"},
    }
    return {name: f"{here}/{what}" for name, what in possible.get(each.status, {}).items()}


def _can_settle(context: Context, each: Line) -> str:
    """Return how much they may be said to have settled, "" where nothing can be."""
    hours = credit_room(each.state.mine, each.state.me)
    return context.voice.spoken(in_unit(context, hours)) if hours and each.status in LIVE else ""


def _can_be_lost(context: Context, each: Line) -> str:
    hours = can_be_lost(each) if each.status in (STOPPED, SUSPENDED, FROZEN, CLOSING, CLOSED) else 0
    return context.voice.spoken(in_unit(context, hours)) if hours else ""


def _lost(context: Context, each: Line) -> str:
    if not each.written_off:
        return ""
    return context.words.gettext("Of what they owe, %(amount)s are written off.") % {
        "amount": context.voice.spoken(in_unit(context, each.written_off))
    }


def _limits_now(context: Context, each: Line) -> Filled:
    unit, language = context.unit, context.language
    we = may_owe(each) if each.own_ceiling is None else each.own_ceiling
    return Filled(
        {
            "they_may_owe": typed_amount(in_unit(context, they_may_owe(each)), unit, language),
            "we_may_owe": typed_amount(in_unit(context, we), unit, language),
        }
    )


def _facts(context: Context, known: Known, each: Line) -> tuple[Fact, ...]:
    _ = context.words.gettext
    facts = []
    if context.node.directory.has_ended(each.peer):
        facts.append(
            Fact(
                label=_("Closed for good"), text=_("Nothing new can be agreed with it. What is owed stands.")
            )
        )
    peer = known.peers.get(each.peer)
    if peer is not None:
        facts.append(Fact(label=_("Address"), text=peer.address))
    says = context.node.introductions.met(each.peer) or (None if peer is None else peer.descriptor.body)
    if says is not None:
        facts.append(Fact(label=_("Counts in"), text=unit_words(context, says)))
    if each.status == OPEN:
        facts.append(Fact(label=_("Trading since"), text=context.voice.day(each.opened_ms)))
    if each.agreed_ms is not None:
        said = {"amount": context.voice.spoken(in_unit(context, abs(each.agreed_owed)))}
        if each.agreed_owed > 0:
            stood = _("we owed them %(amount)s") % said
        elif each.agreed_owed < 0:
            stood = _("they owed us %(amount)s") % said
        else:
            stood = _("nobody owed anything")
        when = _("%(when)s: %(stood)s") % {"when": context.voice.since(each.agreed_ms), "stood": stood}
        facts.append(Fact(label=_("Both books last agreed"), text=when))
    return tuple(facts)


def _trade(context: Context, trade: LineTrade) -> NeighbourTrade:
    _ = context.words.gettext
    states = {
        "under-way": Pill(text=_("Under way"), tone="wait"),
        "done": Pill(text=_("Done"), tone="good"),
        "undone": Pill(text=_("Undone"), tone="stop"),
    }
    directions = {"out": _("to them"), "in": _("from them"), "through": _("passing through")}
    reference = "" if trade.reference is None else reference_of(trade.reference.to_bytes(5, "big"))
    return NeighbourTrade(
        reference=reference or "–",
        href=f"/t/{reference}" if reference else "",
        when=context.voice.lately(trade.started_ms),
        amount=short_here(context, trade.hours),
        direction=directions[trade.direction],
        state=states[trade.state],
    )


async def agree(context: Context) -> web.Response:
    """Agree to trade with a scheme that asked."""
    return await _decide(context, agreeing=True)


async def limits(context: Context) -> web.Response:
    """Change both limits of a neighbour."""
    return await _decide(context, agreeing=False)


async def _decide(context: Context, *, agreeing: bool) -> web.Response:
    scheme, known = scheme_of(context), await known_neighbours(context)
    each = known.lines.get(scheme)
    if each is None:
        raise NoSuchPage
    if agreeing and each.status == OPEN:
        return context.redirect(href_of(scheme), note="agreed")
    form = context.form(LimitsForm)
    shown = form if isinstance(form, Filled) else read_limits(context, form)
    if not isinstance(shown, Filled):
        limit, own = shown
        lines = context.node.lines
        try:
            await (lines.agree(scheme, limit, own) if agreeing else lines.set_limit(scheme, limit, own))
        except LineRefused as refused:
            assert isinstance(form, LimitsForm)
            shown = Filled(form.model_dump()).with_error("", context.words.gettext(str(refused)))
        else:
            if agreeing:
                await _note_address(context, scheme)
            return context.redirect(href_of(scheme), note="agreed" if agreeing else "saved")
    return context.show(await view_of(context, known, scheme, shown), 422)


async def _note_address(context: Context, scheme: SchemeId) -> None:
    """Keep where a new neighbour says it is found, so that we call it too when we start again; some only call us."""
    node = context.node
    said = node.introductions.met(scheme)
    for address in () if said is None else said.addresses:
        look = await look_at(context, address)
        if isinstance(look, Filled) or look.scheme != scheme:
            continue
        try:
            await node.peers.keep(look)
        except PeerUnusable:
            continue
        return


ROUTES: Final[tuple[Route, ...]] = (
    get("/admin/neighbours/{scheme}", neighbour, ORGANISER),
    post("/admin/neighbours/{scheme}/agree", agree, ORGANISER),
    post("/admin/neighbours/{scheme}/limits", limits, ORGANISER),
)
