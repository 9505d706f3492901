"""The organisers' desk: schemes we trade with, asking one to trade, agreeing, limits. Source: docs/pages.md 7.4 and 8.12.

Who answers at an address is shown before anything is asked, with six words to compare by telephone; whoever answers
when the form is sent must be the same.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.line_rows import ASKED, CLOSED, OFFERED, Line
from node.services.line_units import LineRefused
from node.services.peers import Look, PeerUnusable
from node.web.context import ORGANISER, Context, NoSuchPage, Route, get, post
from node.web.forms import Filled, Form, line
from node.web.pages.desk_members import typed_amount
from node.web.pages.neighbours_shown import (
    SUGGESTED_HOURS_MAX,
    CeilingForm,
    Known,
    LimitsForm,
    card_of,
    consequence,
    href_of,
    in_unit,
    known_neighbours,
    rate_here,
    read_hours,
    read_limits,
    six_words,
    suggested_limits,
)
from node.web.rates import rate_words
from node.web.sentences import no_peer_sentence
from node.web.views.admin import (
    NeighbourAddView,
    NeighbourProposeView,
    NeighboursView,
)
from node.web.views.page import Empty, Fact, Option
from protocol.descriptor import Descriptor
from protocol.errors import InvalidValue
from protocol.limits import ADDRESS_BYTES_MAX, DAY_MS
from protocol.names import SchemeId, parse_scheme_text
from protocol.units import HOUR

ASKED_SHOWN: Final = 20
ENDED_SHOWN_MS: Final = 30 * DAY_MS


class AddressForm(Form):
    address: line(ADDRESS_BYTES_MAX, 1)  # type: ignore[valid-type]  # makes the type of a field, here and below


class AskForm(LimitsForm):
    address: line(ADDRESS_BYTES_MAX, 1)  # type: ignore[valid-type]  # see above


def scheme_of(context: Context) -> SchemeId:
    try:
        return parse_scheme_text(context.part("scheme"))
    except InvalidValue:
        raise NoSuchPage from None


# --- The list ----------------------------------------------------------------------------------------------------


async def neighbours(context: Context) -> web.Response:
    """Show every scheme we trade with, or are about to."""
    return context.show(await _list(context))


async def ceiling(context: Context) -> web.Response:
    """Change what all neighbours together may be owed. Source: protocol 6.4."""
    form = context.form(CeilingForm)
    if not isinstance(form, Filled):
        hours: int | str | None = read_hours(context, form.we_may_owe) if form.we_may_owe else None
        if not isinstance(hours, str):
            await context.node.settings.change(context.actor, owed_ceiling=hours)
            return context.redirect("/admin/neighbours", note="saved")
        form = Filled(form.model_dump()).with_error("we_may_owe", hours)
    return context.show(await _list(context, form), 422)


def _ceiling_now(context: Context) -> Filled:
    ceiling = context.settings.owed_ceiling
    if ceiling is None:
        return Filled()
    return Filled({"we_may_owe": typed_amount(in_unit(context, ceiling), context.unit, context.language)})


def _owed_in_all(context: Context, known: Known) -> str:
    owed = sum(each.debt for each in known.lines.values())
    return context.words.gettext("Now we owe %(amount)s in all, with what is under way.") % {
        "amount": context.voice.spoken(in_unit(context, owed))
    }


async def _list(context: Context, form: Filled | None = None) -> NeighboursView:
    known, _ = await known_neighbours(context), context.words.gettext
    lines = _shown(known, context.now_ms)
    nothing = _("No neighbours yet. Members see only %(scheme)s’s own offers and wants.") % {
        "scheme": context.settings.name
    }
    return NeighboursView(
        own_address=_own_address(context),
        own_words=six_words(context.node.scheme),
        neighbours=tuple(card_of(context, known, each) for each in lines),
        found_nearby=_nearby(context, known),
        empty=None if lines else Empty(text=nothing),
        ceiling_form=form or _ceiling_now(context),
        ceiling_now=_owed_in_all(context, known),
        unit_name=context.voice.unit_name(),
    )


def _shown(known: Known, now_ms: int) -> list[Line]:
    """Return whose cards are shown: who waits for us, the newest first; who trades; and who lately did not want to."""
    every = known.lines.values()
    asked = sorted((each for each in every if each.status == ASKED), key=lambda each: -each.no)[:ASKED_SHOWN]
    rest = [
        each
        for each in every
        if each.status != ASKED and (each.status != CLOSED or each.state.owed or _lately_ended(each, now_ms))
    ]
    return asked + sorted(rest, key=lambda each: (each.status != OFFERED, each.status == CLOSED, each.no))


def _lately_ended(each: Line, now_ms: int) -> bool:
    return each.state.own_length > 0 and max(each.heard_ms, each.opened_ms) > now_ms - ENDED_SHOWN_MS


def _trades(each: Line | None) -> bool:
    """Tell whether a line takes up the place of a neighbour: not one that was only asked for, nor one that ended."""
    return each is not None and each.status not in (ASKED, CLOSED)


def _stands(each: Line | None) -> bool:
    """Tell whether a line keeps us from asking: one that ended does not, once nothing is owed."""
    return each is not None and (each.status != CLOSED or each.state.owed != 0)


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
    return tuple(option for scheme, option in found.items() if not _stands(known.lines.get(scheme)))


# --- Asking ------------------------------------------------------------------------------------------------------


async def add_form(context: Context) -> web.Response:
    """Ask for the address of another scheme."""
    return context.show(NeighbourAddView(form=Filled({"address": context.query("address")})))


async def add(context: Context) -> web.Response:
    """Show who answers at an address; nothing is asked of them or kept."""
    form = context.form(AddressForm)
    if isinstance(form, Filled):
        return context.show(NeighbourAddView(form=form), 422)
    look = await look_at(context, form.address)
    if isinstance(look, Filled):
        return context.show(NeighbourAddView(form=look), 422)
    known = await known_neighbours(context)
    if _stands(known.lines.get(look.scheme)):
        return context.redirect(href_of(look.scheme))
    return context.show(_propose_view(context, known, look, form.address, suggested_limits(context, known)))


async def look_at(context: Context, address: str) -> Look | Filled:
    """Return who answers at an address, also in our own network where that is allowed."""
    peers = context.node.peers
    try:
        try:
            return await peers.look(address)
        except PeerUnusable:
            if not context.node.options.allow_lan:
                raise
            return await peers.look(address, lan=True)
    except PeerUnusable as error:
        sentence = no_peer_sentence(error.why, address, context.words)
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
            Fact(label=_("Counts in"), text=unit_words(context, body)),
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


def unit_words(context: Context, body: Descriptor) -> str:
    if body.unit == "hours":
        return context.words.gettext("hours")
    return body.unit_name or body.unit


async def ask(context: Context) -> web.Response:
    """Ask a scheme to trade, with limits. Sent twice, it is asked once."""
    scheme, known = scheme_of(context), await known_neighbours(context)
    if _stands(known.lines.get(scheme)):
        return context.redirect(href_of(scheme), note="asked")
    form = context.form(AskForm)
    address = form.value("address") if isinstance(form, Filled) else form.address
    look = await look_at(context, address)
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
    if sum(map(_trades, known.lines.values())) >= most:
        said = _("There are %(num)d neighbours already, as many as were set up.") % {"num": most}
        return typed.with_error("", said)
    try:
        await context.node.peers.keep(look)
        await context.node.lines.propose(look.scheme, *terms)
    except LineRefused as refused:
        return typed.with_error("", _(str(refused)))
    except PeerUnusable as error:
        return typed.with_error("", no_peer_sentence(error.why, form.address, context.words))
    return None


ROUTES: Final[tuple[Route, ...]] = (
    get("/admin/neighbours", neighbours, ORGANISER),
    get("/admin/neighbours/add", add_form, ORGANISER),
    post("/admin/neighbours/add", add, ORGANISER),
    post("/admin/neighbours/ceiling", ceiling, ORGANISER),
    post("/admin/neighbours/{scheme}/ask", ask, ORGANISER),
)
