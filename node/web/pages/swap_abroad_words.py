"""Swaps that people of other schemes propose to a member, in words for the owner of what they would like. Source: docs/pages.md 8.15, 8.18."""

from __future__ import annotations

from node.services.request_rows import Request, requests_in
from node.services.request_words import SWAP
from node.services.swap_words import swap_title
from node.services.swaps_abroad import PATH, said_by
from node.store import ReadTx
from node.web.context import Context
from node.web.pages.abroad_words import scheme_called
from node.web.pages.schemes import Schemes, schemes_known
from node.web.present import Voice, first_name
from node.web.views.member import WaitingCard
from node.web.views.page import Fact, Link, Pill
from node.web.views.swaps import SwapRow
from protocol.beyond import Stands
from protocol.swap import Side


def read_swaps_abroad(tx: ReadTx, account_no: int) -> tuple[Request, ...]:
    """Query: the newest swaps that people of other schemes proposed to a member."""
    return tuple(requests_in(tx, SWAP, account_no))


async def swap_rows_abroad(context: Context) -> tuple[SwapRow, ...]:
    """Return the same as the list of swaps shows them."""
    found = await context.read(read_swaps_abroad, context.member.account_no)
    if not found:
        return ()
    schemes = await schemes_known(context)
    with_ = context.words.gettext("with %(name)s")
    return tuple(
        SwapRow(
            href=f"{PATH}/{each.no}",
            text=swap_title(each.title, each.given, context.words),
            who=with_ % {"name": _called(each, schemes, context.voice)},
            state=swap_abroad_pill(each, context.voice),
            waits=_waits(each),
        )
        for each in found
    )


def _called(request: Request, schemes: Schemes, voice: Voice) -> str:
    name = request.their_name or voice.words.gettext("Somebody")
    return f"{name} ({scheme_called(request.scheme, schemes, voice.words)})"


def _waits(request: Request) -> bool:
    """Tell whether something is wanted of the owner: an answer, or a word that it happened after the other said so."""
    said = said_by(request)
    return request.stands is Stands.ASKED or (request.stands is Stands.AGREED and said == {Side.ASKER})


def abroad_swap_cards(found: tuple[Request, ...], voice: Voice) -> list[WaitingCard]:
    """Return the cards of what waits for the owner on the first page."""
    _, cards = voice.words.gettext, []
    for request in found:
        if not _waits(request):
            continue
        asked = request.stands is Stands.ASKED
        title = _("%(name)s would like to swap") if asked else _("Did you swap with %(name)s?")
        action = _("Say yes or no") if asked else _("Say what happened")
        cards.append(
            WaitingCard(
                title=title % {"name": first_name(request.their_name) or _("Somebody")},
                text=swap_title(request.title, request.given, voice.words),
                action=Link(text=action, href=f"{PATH}/{request.no}"),
            )
        )
    return cards


def swap_abroad_pill(request: Request, voice: Voice) -> Pill:
    """Return how it stands in a word or two."""
    _ = voice.words.gettext
    match request.stands:
        case Stands.AGREED:
            return Pill(text=_("Agreed"), tone="good")
        case Stands.DONE:
            return Pill(text=_("Swapped"), tone="good")
        case Stands.DECLINED:
            return Pill(text=_("Declined"), tone="stop")
        case Stands.TAKEN_BACK:
            return Pill(text=_("Taken back"))
        case Stands.ENDED:
            return Pill(text=_("Called off"))
        case Stands.COUNTERED:
            return Pill(text=_("Waiting"), tone="wait")
        case _:
            return Pill(text=_("Your answer?"), tone="wait")


def swap_abroad_sentence(request: Request, voice: Voice) -> str:
    """Return how it stands, as a sentence with a name to fill in."""
    _, said = voice.words.gettext, said_by(request)
    match request.stands:
        case Stands.AGREED if Side.OWNER in said:
            return _("You said that it happened. Waiting for %(name)s to say so too.")
        case Stands.AGREED if said:
            return _("%(name)s says that it happened. Please say so too, or talk to each other.")
        case Stands.AGREED:
            return _("You agree. When you have swapped, both of you say so here.")
        case Stands.DONE:
            return _("Both of you said that it happened.")
        case Stands.DECLINED:
            return _("It was declined. Nothing moved.")
        case Stands.TAKEN_BACK:
            return _("%(name)s took it back. Nothing moved.")
        case Stands.ENDED:
            return _("This swap does not happen. Nothing moved.")
        case Stands.COUNTERED:
            return _("You proposed something else. Waiting for %(name)s to say yes or no.")
        case _:
            return _("Please say yes or no, or propose something else. Nothing moves by it.")


def swap_abroad_payment(request: Request, name: str, voice: Voice) -> tuple[str, ...]:
    """Return how what one of the two adds is paid."""
    if not request.price or request.stands not in (
        Stands.ASKED,
        Stands.COUNTERED,
        Stands.AGREED,
        Stands.DONE,
    ):
        return ()
    _, said = voice.words.gettext, {"name": name}
    if request.price > 0:
        return (_("When both have said that it happened, %(name)s is asked for what they add.") % said,)
    return (_("When both have said that it happened, %(name)s asks you for what you add.") % said,)


def swap_abroad_facts(request: Request, schemes: Schemes, voice: Voice) -> tuple[Fact, ...]:
    """Return who gives what; what one of the two adds is in the units of whoever gets it."""
    _, said = voice.words.gettext, {"name": _called(request, schemes, voice)}
    facts = [
        Fact(label=_("You give"), text=request.title),
        Fact(label=_("%(name)s gives") % said, text=request.given),
    ]
    other, price = schemes.get(request.scheme), request.price or 0
    if price > 0:
        facts.append(Fact(label=_("%(name)s also gives") % said, text=voice.spoken(price)))
    if price < 0:
        amount = voice.spoken(-price, other.unit) if other is not None else str(-price)
        facts.append(Fact(label=_("You also give"), text=amount))
    facts.append(Fact(label=_("A few words"), text=request.wanted))
    return tuple(fact for fact in facts if fact.text)
