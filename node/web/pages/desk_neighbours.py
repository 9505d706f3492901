"""The organisers' desk: schemes we trade with, asking one to trade, agreeing, limits. Source: docs/pages.md 7.4 and 8.12.

Who answers at an address is shown before anything is asked, with six words to compare by telephone; whoever answers
when the form is sent must be the same.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.figures import LineTrade, trades_on_line
from node.services.line_rows import ASKED, OFFERED, OPEN, Line
from node.services.line_units import LineRefused
from node.services.peers import Look, NobodyAnswers, PeerUnusable
from node.web.context import ORGANISER, Context, NoSuchPage, Route, get, post
from node.web.forms import Filled, Form, line
from node.web.pages.desk_members import typed_amount
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
    rate_here,
    read_limits,
    short_here,
    six_words,
    suggested_limits,
    they_may_owe,
)
from node.web.rates import rate_words
from node.web.views.admin import (
    NeighbourAddView,
    NeighbourProposeView,
    NeighboursView,
    NeighbourTrade,
    NeighbourView,
)
from node.web.views.page import Empty, Fact, Option, Pill
from protocol.descriptor import Descriptor
from protocol.errors import InvalidValue
from protocol.limits import ADDRESS_BYTES_MAX
from protocol.names import SchemeId, parse_scheme_text
from protocol.references import reference_of
from protocol.units import HOUR

TRADES_SHOWN: Final = 20


class AddressForm(Form):
    address: line(ADDRESS_BYTES_MAX, 1)  # type: ignore[valid-type]  # makes the type of a field, here and below


class AskForm(LimitsForm):
    address: line(ADDRESS_BYTES_MAX, 1)  # type: ignore[valid-type]  # see above


def _scheme(context: Context) -> SchemeId:
    try:
        return parse_scheme_text(context.part("scheme"))
    except InvalidValue:
        raise NoSuchPage from None


# --- The list ----------------------------------------------------------------------------------------------------


async def neighbours(context: Context) -> web.Response:
    """Show every scheme we trade with, or are about to."""
    known, _ = await known_neighbours(context), context.words.gettext
    order = {ASKED: 0, OFFERED: 1}
    lines = sorted(known.lines.values(), key=lambda each: (order.get(each.status, 2), each.no))
    nothing = _("No neighbours yet. Members see only %(scheme)s’s own offers and wants.") % {
        "scheme": context.settings.name
    }
    return context.show(
        NeighboursView(
            own_address=_own_address(context),
            own_words=six_words(context.node.scheme),
            neighbours=tuple(card_of(context, known, each) for each in lines),
            found_nearby=_nearby(context, known),
            empty=None if lines else Empty(text=nothing),
        )
    )


def _own_address(context: Context) -> str:
    options = context.node.options
    return options.addresses[0] if options.addresses else options.origin


def _nearby(context: Context, known: Known) -> tuple[Option, ...]:
    """Return who was introduced or noticed and is not a neighbour yet."""
    _ = context.words.gettext
    found = {
        scheme: Option(value=peer.address, text=peer.name, hint=_("known by its address"))
        for scheme, peer in known.peers.items()
    }
    for scheme, place in context.node.peers.hints():
        said = known.schemes.get(scheme)
        name = place.address if said is None else said.name
        found.setdefault(scheme, Option(value=place.address, text=name, hint=_("noticed in this network")))
    return tuple(option for scheme, option in found.items() if scheme not in known.lines)


# --- Asking ------------------------------------------------------------------------------------------------------


async def add_form(context: Context) -> web.Response:
    """Ask for the address of another scheme."""
    return context.show(NeighbourAddView(form=Filled({"address": context.query("address")})))


async def add(context: Context) -> web.Response:
    """Show who answers at an address; nothing is asked of them or kept."""
    form = context.form(AddressForm)
    if isinstance(form, Filled):
        return context.show(NeighbourAddView(form=form), 422)
    look = await _look(context, form.address)
    if isinstance(look, Filled):
        return context.show(NeighbourAddView(form=look), 422)
    if look.scheme in (known := await known_neighbours(context)).lines:
        return context.redirect(href_of(look.scheme))
    return context.show(_propose_view(context, known, look, form.address, suggested_limits(context, known)))


async def _look(context: Context, address: str) -> Look | Filled:
    """Return who answers at an address, also in our own network where that is allowed."""
    peers = context.node.peers
    try:
        try:
            return await peers.look(address)
        except PeerUnusable:
            if not context.node.options.allow_lan:
                raise
            return await peers.look(address, lan=True)
    except NobodyAnswers:
        sentence = context.words.gettext(
            "Nobody answers at %(address)s. Is it the address they read out?"
        ) % {"address": address}
        return Filled({"address": address}).with_error("address", sentence)
    except PeerUnusable as unusable:
        sentence = context.words.gettext("This did not work: %(why)s.") % {"why": str(unusable).rstrip(".")}
        return Filled({"address": address}).with_error("address", sentence)


def _propose_view(
    context: Context, known: Known, look: Look, address: str, form: Filled
) -> NeighbourProposeView:
    words, voice, body = context.words, context.voice, look.descriptor.body
    _ = words.gettext
    hours = min(SUGGESTED_HOURS_MAX, max(1, known.members)) * HOUR
    said = known.schemes.get(look.scheme)
    rate = "" if said is None else rate_words(said, rate_here(context), voice)
    return NeighbourProposeView(
        name=body.name,
        facts=(
            Fact(label=_("Counts in"), text=_unit_words(context, body)),
            Fact(label=_("Address"), text=look.place.address),
        ),
        words=six_words(look.scheme),
        rate=rate or _("What an hour is there is heard once both have agreed."),
        form=form,
        unit_name=voice.unit_name(),
        amount_hint=voice.amount_hint(),
        suggestion=_("Suggested: 1 hour for each member of the smaller scheme, at most %(hours)s.")
        % {"hours": SUGGESTED_HOURS_MAX},
        consequence=consequence(context, body.name, hours, known.members),
        hidden=(("address", address),),
        once=context.once(),
        action=f"{href_of(look.scheme)}/ask",
    )


def _unit_words(context: Context, body: Descriptor) -> str:
    if body.unit == "hours":
        return context.words.gettext("hours")
    return body.unit_name or body.unit


async def ask(context: Context) -> web.Response:
    """Ask a scheme to trade, with limits. Sent twice, it is asked once."""
    scheme, known = _scheme(context), await known_neighbours(context)
    if scheme in known.lines:
        return context.redirect(href_of(scheme), note="asked")
    form = context.form(AskForm)
    address = form.value("address") if isinstance(form, Filled) else form.address
    look = await _look(context, address)
    if isinstance(look, Filled):
        return context.show(NeighbourAddView(form=look), 422)
    if look.scheme != scheme:
        sentence = context.words.gettext("Another scheme answers there now. Look at its six words again.")
        wrong = Filled({"address": address}).with_error("address", sentence)
        return context.show(NeighbourAddView(form=wrong), 409)
    again = form if isinstance(form, Filled) else await _ask(context, known, look, form)
    if again is not None:
        return context.show(_propose_view(context, known, look, address, again), 422)
    return context.redirect(href_of(scheme), note="asked")


async def _ask(context: Context, known: Known, look: Look, form: AskForm) -> Filled | None:
    """Introduce and ask; return the form again if that cannot be."""
    typed, _ = Filled(form.model_dump()), context.words.gettext
    terms = read_limits(context, form)
    if isinstance(terms, Filled):
        return terms
    most = context.node.options.neighbours_max
    if len(known.lines) >= most:
        said = _("There are %(num)d neighbours already, as many as were set up.") % {"num": most}
        return typed.with_error("", said)
    try:
        await context.node.peers.keep(look)
        await context.node.lines.propose(look.scheme, *terms)
    except (PeerUnusable, LineRefused) as error:
        return typed.with_error("", str(error))
    return None


# --- One neighbour -----------------------------------------------------------------------------------------------


async def neighbour(context: Context) -> web.Response:
    """Show one neighbour, with what can be done now."""
    known, scheme = await known_neighbours(context), _scheme(context)
    return context.show(await _view(context, known, scheme))


async def _view(
    context: Context, known: Known, scheme: SchemeId, form: Filled | None = None
) -> NeighbourView:
    each = known.lines.get(scheme)
    if each is None:
        raise NoSuchPage
    name, asked = name_of(context, known, scheme), each.status == ASKED
    suggested = suggested_limits(context, known)
    limits = suggested if asked else _limits_now(context, each)
    at_risk = min(SUGGESTED_HOURS_MAX, max(1, known.members)) * HOUR if asked else they_may_owe(each)
    trades = await context.read(trades_on_line, each.no, TRADES_SHOWN)
    return NeighbourView(
        card=card_of(context, known, each),
        stage="asked-us" if asked else "we-asked" if each.status == OFFERED else "trading",
        facts=_facts(context, known, each),
        words=six_words(scheme),
        consequence=consequence(context, name, at_risk, known.members),
        limits_form=form or limits,
        unit_name=context.voice.unit_name(),
        amount_hint=context.voice.amount_hint(),
        trades=tuple(_trade(context, trade) for trade in trades),
        once=context.once(),
        agree_action=f"{href_of(scheme)}/agree" if asked else "",
        limits_action=f"{href_of(scheme)}/limits" if each.status == OPEN else "",
    )


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
    peer = known.peers.get(each.peer)
    if peer is not None:
        facts.append(Fact(label=_("Address"), text=peer.address))
    says = context.node.introductions.met(each.peer) or (None if peer is None else peer.descriptor.body)
    if says is not None:
        facts.append(Fact(label=_("Counts in"), text=_unit_words(context, says)))
    if each.status == OPEN:
        facts.append(Fact(label=_("Trading since"), text=context.voice.day(each.opened_ms)))
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
    scheme, known = _scheme(context), await known_neighbours(context)
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
            shown = Filled(form.model_dump()).with_error("", str(refused))
        else:
            if agreeing:
                await _note_address(context, scheme)
            return context.redirect(href_of(scheme), note="agreed" if agreeing else "saved")
    return context.show(await _view(context, known, scheme, shown), 422)


async def _note_address(context: Context, scheme: SchemeId) -> None:
    """Keep where a new neighbour says it is found, so that we call it too when we start again; some only call us."""
    node = context.node
    said = node.introductions.met(scheme)
    for address in () if said is None else said.addresses:
        look = await _look(context, address)
        if isinstance(look, Filled) or look.scheme != scheme:
            continue
        try:
            await node.peers.keep(look)
        except PeerUnusable:
            continue
        return


ROUTES: Final[tuple[Route, ...]] = (
    get("/admin/neighbours", neighbours, ORGANISER),
    get("/admin/neighbours/add", add_form, ORGANISER),
    post("/admin/neighbours/add", add, ORGANISER),
    get("/admin/neighbours/{scheme}", neighbour, ORGANISER),
    post("/admin/neighbours/{scheme}/ask", ask, ORGANISER),
    post("/admin/neighbours/{scheme}/agree", agree, ORGANISER),
    post("/admin/neighbours/{scheme}/limits", limits, ORGANISER),
)
