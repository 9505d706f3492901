"""How organisers see a neighbour: read together, then named in words and in our own unit.

Limits are typed and shown in our own unit and travel as hours. Source: docs/pages.md 7.4, 8.12 and 0.11.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from node.services.line_rows import (
    ASKED,
    CLOSED,
    CLOSING,
    FROZEN,
    OFFERED,
    OPEN,
    REPLACED,
    STOPPED,
    SUSPENDED,
    Line,
    read_lines,
)
from node.services.members import count_members
from node.services.peers import Peer, all_peers
from node.services.search import listing_counts
from node.store import ReadTx
from node.web.amounts import Unreadable, parse_amount
from node.web.context import Context
from node.web.dates import ago
from node.web.forms import Filled, Form, SpendForm, WholeNumber, amount_sentence, line
from node.web.pages.desk_members import TYPED_AMOUNT_MAX, typed_amount
from node.web.pages.schemes import Schemes, read_schemes
from node.web.rates import rate_words
from node.web.views.admin import Gauge, NeighbourCard
from node.web.views.page import Pill
from protocol.errors import InvalidValue
from protocol.limits import AMOUNT_MAX, LINE_OPEN_LOCKS_MAX
from protocol.line_ops import Limit
from protocol.line_view import other
from protocol.names import SchemeId, scheme_text
from protocol.units import HOUR, hours_of

# What is suggested: an hour for each member, and no more than this. Source: docs/pages.md 0.11.
SUGGESTED_HOURS_MAX: Final = 40
ONLY_NO: Final = 2  # ops in a chain that says OPEN and CLOSE, and nothing between


class LimitsForm(SpendForm):
    they_may_owe: line(TYPED_AMOUNT_MAX, 1)  # type: ignore[valid-type]  # makes the type of a field, here and below
    we_may_owe: line(TYPED_AMOUNT_MAX, 1)  # type: ignore[valid-type]  # see above


class CeilingForm(Form):
    we_may_owe: line(TYPED_AMOUNT_MAX)  # type: ignore[valid-type]  # see above


class SettleForm(Form):
    owed: WholeNumber  # what they owed when the page was made: sent twice, it is settled once
    settled: line(TYPED_AMOUNT_MAX, 1)  # type: ignore[valid-type]  # see above


class GoOnForm(Form):
    agreed: line(20) = ""  # type: ignore[valid-type]  # see above
    basis: line(8) = ""  # type: ignore[valid-type]  # see above
    amount: line(TYPED_AMOUNT_MAX) = ""  # type: ignore[valid-type]  # see above


class LossForm(Form):
    lost: line(TYPED_AMOUNT_MAX, 1)  # type: ignore[valid-type]  # see above


# --- Reading -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What these pages read."""

    lines: dict[SchemeId, Line]
    peers: dict[SchemeId, Peer]
    schemes: Schemes
    listings: dict[SchemeId, int]
    members: int


def _read(tx: ReadTx, own: SchemeId, now_ms: int) -> Known:
    return Known(
        lines={each.peer: each for each in read_lines(tx, own) if each.status != REPLACED},
        peers={peer.scheme: peer for peer in all_peers(tx)},
        schemes=read_schemes(tx, now_ms),
        listings=listing_counts(tx, now_ms),
        members=count_members(tx),
    )


async def known_neighbours(context: Context) -> Known:
    return await context.read(_read, context.node.scheme, context.now_ms)


def href_of(scheme: SchemeId) -> str:
    return f"/admin/neighbours/{scheme_text(scheme)}"


# --- Words -------------------------------------------------------------------------------------------------------


def name_of(context: Context, known: Known, scheme: SchemeId) -> str:
    if (said := known.schemes.get(scheme)) is not None:
        return said.name
    if (peer := known.peers.get(scheme)) is not None:
        return peer.name
    if (met := context.node.introductions.met(scheme)) is not None:
        return met.name
    return context.words.gettext("A scheme we have not heard of yet")


def card_of(context: Context, known: Known, each: Line) -> NeighbourCard:
    words = context.words
    said = known.schemes.get(each.peer)
    rate = "" if said is None else rate_words(said, rate_here(context), context.voice)
    theirs = known.listings.get(each.peer, 0)
    listings = words.ngettext(
        "%(num)d listing from them, %(ours)d of ours with them",
        "%(num)d listings from them, %(ours)d of ours with them",
        theirs,
    ) % {"num": theirs, "ours": known.listings.get(context.node.scheme, 0)}
    return NeighbourCard(
        href=href_of(each.peer),
        name=name_of(context, known, each.peer),
        place="",
        state=_state(context, each),
        rate=rate or words.gettext("What an hour is there is not known yet."),
        standing="" if each.status in (ASKED, OFFERED) else standing_words(context, each.state.owed),
        gauge=_gauge(context, each) if each.status in (OPEN, SUSPENDED) else None,
        heard=_heard(context, known, each),
        in_flight=_in_flight(context, each),
        listings=listings if each.status == OPEN else words.gettext("No listings yet"),
    )


def _state(context: Context, each: Line) -> Pill:
    _ = context.words.gettext
    if each.status == ASKED:
        return Pill(text=_("Asked us"), tone="wait")
    if each.status == OFFERED:
        return Pill(text=_("We asked"), tone="wait")
    if each.status == SUSPENDED:
        return Pill(text=_("Stopped: the books differ"), tone="stop")
    if each.status == FROZEN:
        return Pill(text=_("Waits for both to agree"), tone="stop")
    if each.status == STOPPED:
        return Pill(text=_("Stopped by us"), tone="stop")
    if stopped_there(context, each):
        return Pill(text=_("They have stopped: steps are missing"), tone="stop")
    if each.status == CLOSING:
        return Pill(text=_("Ending"), tone="wait")
    if each.status == CLOSED:
        return Pill(text=_ended_how(context, each), tone="stop")
    if not each.state.mine.limits[each.state.me].owed_max:
        one_way = they_may_owe(each)
        return Pill(text=_("One way only: they buy from us") if one_way else _("Stopped"), tone="wait")
    if each.peer in context.node.links.live:
        if each.usable:
            return Pill(text=_("Trading"), tone="good")
        return Pill(text=_("Comparing the books"), tone="wait")
    return Pill(text=_("Quiet since %(when)s") % {"when": context.voice.since(each.heard_ms)}, tone="wait")


def stopped_there(context: Context, each: Line) -> bool:
    """Tell whether the other side says that it stopped, for both have lost steps, and here nobody has yet."""
    return each.status in (OPEN, STOPPED, CLOSING) and context.node.lines.stops.is_frozen_at(each.peer)


def _ended_how(context: Context, each: Line) -> str:
    """Return how a line came to its end: a chain of OPEN and CLOSE alone is a no. Source: protocol 6.6."""
    _, state = context.words.gettext, each.state
    if state.mine.closed[state.me] and state.own_length == ONLY_NO:
        return _("Declined by us")
    if state.mine.closed[other(state.me)] and state.peer_length == ONLY_NO:
        return _("They declined")
    return _("Ended") if all(state.mine.opened) else _("Taken back")


def _heard(context: Context, known: Known, each: Line) -> str:
    _ = context.words.gettext
    if each.peer in context.node.links.live:
        return _("in touch now")
    peer = known.peers.get(each.peer)
    heard_ms = max(each.heard_ms, 0 if peer is None else peer.heard_ms)
    if not heard_ms:
        return _("not heard yet")
    return _("heard %(ago)s") % {"ago": ago(heard_ms, context.now_ms, context.words)}


def _in_flight(context: Context, each: Line) -> str:
    view = each.state.mine
    count = sum(view.open_count)
    if not count:
        return ""
    return context.words.ngettext(
        "%(num)d trade under way, %(amount)s", "%(num)d trades under way, %(amount)s", count
    ) % {"num": count, "amount": short_here(context, sum(view.pending))}


def standing_words(context: Context, owed: int) -> str:
    """Return who owes whom, in our own unit."""
    amount = context.voice.spoken(in_unit(context, abs(owed)))
    if owed > 0:
        return context.words.gettext("We owe them %(amount)s.") % {"amount": amount}
    if owed < 0:
        return context.words.gettext("They owe us %(amount)s.") % {"amount": amount}
    return context.words.gettext("Even: nobody owes anything.")


def _gauge(context: Context, each: Line) -> Gauge:
    we, they, owed = may_owe(each), they_may_owe(each), each.state.owed
    return Gauge(
        we_owe=_part(owed, we),
        they_owe=_part(-owed, they),
        we_owe_limit=context.voice.spoken(in_unit(context, we)),
        they_owe_limit=context.voice.spoken(in_unit(context, they)),
    )


def may_owe(each: Line) -> int:
    """Return how much we may owe them: by their word, and by our own."""
    theirs = each.state.mine.limits[each.state.me].owed_max
    return theirs if each.own_ceiling is None else min(theirs, each.own_ceiling)


def they_may_owe(each: Line) -> int:
    return each.state.mine.limits[other(each.state.me)].owed_max


def _part(amount: int, limit: int) -> int:
    """Return how much of a limit is used, in whole hundredths."""
    if amount <= 0:
        return 0
    return 100 if amount >= limit else max(1, 100 * amount // limit)


# --- Hours and our unit ------------------------------------------------------------------------------------------


def rate_here(context: Context) -> int:
    return context.node.settings.rate().minor_per_hour


def in_unit(context: Context, hours: int) -> int:
    # Down: what was typed became hours rounded up, and comes back as it was typed.
    return hours * rate_here(context) // HOUR


def short_here(context: Context, hours: int) -> str:
    return context.voice.short(in_unit(context, hours))


def read_limits(context: Context, form: LimitsForm) -> tuple[Limit, int] | Filled:
    """Return what they may owe us and what we may owe them, or the form again."""
    typed, read = Filled(form.model_dump()), []
    for name in ("they_may_owe", "we_may_owe"):
        text = getattr(form, name)
        hours = read_hours(context, text)
        if isinstance(hours, str):
            typed = typed.with_error(name, hours)
        else:
            read.append(hours)
    if typed.errors:
        return typed
    they, we = read
    return Limit(owed_max=they, pending_max=they, open_max=LINE_OPEN_LOCKS_MAX), we


def read_hours(context: Context, text: str) -> int | str:
    """Return the hours of an amount typed in our own unit, 0 too, or the sentence that says what is wrong."""
    amount = parse_amount(text, context.unit, most=AMOUNT_MAX)
    if amount is Unreadable.ZERO:
        return 0
    hours: int | Unreadable = amount if isinstance(amount, Unreadable) else _hours(context, amount)
    if isinstance(hours, Unreadable):
        return amount_sentence(hours, text, context.unit, AMOUNT_MAX, context.words)
    return hours


def _hours(context: Context, amount: int) -> int | Unreadable:
    try:
        return hours_of(amount, context.node.settings.rate())
    except InvalidValue:
        return Unreadable.TOO_MUCH


def consequence(context: Context, name: str, hours: int, members: int) -> str:
    """Return what a limit would cost each member if the other scheme vanished. Source: docs/pages.md 0.11."""
    total = in_unit(context, hours)
    return context.words.gettext(
        "If %(name)s vanished owing %(amount)s, your scheme would carry it: %(each)s a member."
    ) % {
        "name": name,
        "amount": context.voice.spoken(total),
        "each": context.voice.spoken(-(-total // max(1, members))),
    }


def suggested_limits(context: Context, known: Known) -> Filled:
    """Return the suggested limits, as they would be typed."""
    hours = min(SUGGESTED_HOURS_MAX, max(1, known.members))
    typed = typed_amount(hours * rate_here(context), context.unit, context.language)
    return Filled({"they_may_owe": typed, "we_may_owe": typed})


def six_words(scheme: SchemeId) -> tuple[str, ...]:
    """Return the words by which two people compare a scheme on the telephone."""
    # The word list is needed on these pages and nowhere else in a running node.
    from crypto.words import identity_words

    return identity_words(scheme)
