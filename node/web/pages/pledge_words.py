"""A deposit for what a member books in another scheme, in words for her. Source: docs/pages.md 8.18; docs/protocol.md 7.8."""

from __future__ import annotations

from dataclasses import replace

from node.services.pledge_rows import Pledged, pledges_of
from node.services.request_rows import Request, Role, request_by_no
from node.services.settlement import NoPayment
from node.store import ReadTx
from node.web.pages.listings import price_here
from node.web.present import OtherScheme, Voice, first_name
from node.web.views.member import WaitingCard
from node.web.views.page import Link
from node.web.views.requests import RequestActions
from protocol.pledge import Pledge
from protocol.units import Rate

P = Pledge
CARDS_MAX = 20


def pledge_lines(
    pledged: Pledged, request: Request, other: OtherScheme, own: Rate, voice: Voice
) -> tuple[str, ...]:
    """Return how it stands with the deposit; nothing where there is nothing to say."""
    _ = voice.words.gettext
    said = {
        "name": first_name(request.their_name) or _("Somebody"),
        "scheme": other.name,
        "all": voice.spoken(pledged.aside),
        "keep": voice.spoken(pledged.keep, other.unit),
    }
    match pledged.state:
        case P.NONE:
            return (
                ()
                if request.mirror.over
                else (_("%(all)s of yours are set aside as a deposit with the yes.") % said,)
            )
        case P.VOID if pledged.hindered:
            return (
                _(
                    "The deposit could not be set aside: it would go beyond what you have. So it was given back."
                ),
            )
        case P.VOID:
            return ()
        case P.HELD:
            return (_("%(all)s of yours are set aside as a deposit until it is back.") % said,)
        case P.ASKED:
            here = price_here(pledged.keep, other, own)
            about = (
                "" if here is None else _("That is about %(about)s of yours.") % {"about": voice.spoken(here)}
            )
            asks = _(
                "%(name)s asks to keep %(keep)s of the deposit. Until then all of it stays set aside: %(all)s."
            )
            return tuple(each for each in (asks % said, about) if each)
        case P.DUE if pledged.hindered == NoPayment.TOO_LITTLE.value:
            return (
                _("%(keep)s would now come to more than the %(all)s that are set aside, so nothing is paid.")
                % said,
                _("Please write to %(name)s, who can let the deposit go.") % said,
            )
        case P.DUE:
            return (
                _("%(keep)s of the deposit go to %(name)s as soon as the way to %(scheme)s is free.") % said,
            )
        case P.PAYING | P.LETTING:
            return (_("%(keep)s of the deposit are on their way to %(name)s.") % said,)
        case P.KEPT:
            return (_("%(keep)s of the deposit were kept; the rest is free again.") % said,)
        case P.FREED:
            return (_("The deposit is free again."),)


def with_keeping(
    acts: RequestActions, pledged: Pledged | None, other: OtherScheme | None, voice: Voice
) -> RequestActions:
    """Return `acts` with the yes to what the owner asks to keep, where it is asked for."""
    if pledged is None or other is None or pledged.state is not P.ASKED:
        return acts
    amount = {"amount": voice.spoken(pledged.keep, other.unit)}
    text = voice.words.gettext("Yes, %(amount)s may be kept") % amount
    return replace(acts, keep_action=f"/my/abroad/{pledged.no}/keep", keep_text=text)


def read_asked_pledges(tx: ReadTx, account_no: int) -> tuple[Request, ...]:
    """Query: of which requests of a member the owner asks to keep some of the deposit."""
    asked = [no for no, each in pledges_of(tx, account_no).items() if each.state is P.ASKED]
    return tuple(request_by_no(tx, no, Role.OUT) for no in asked[:CARDS_MAX])


def pledge_cards(asked: tuple[Request, ...], voice: Voice) -> list[WaitingCard]:
    """Return the cards of deposits of which an owner asks to keep some."""
    _ = voice.words.gettext
    return [
        WaitingCard(
            title=_("%(name)s asks to keep some of the deposit") % {"name": each.their_name or _("Somebody")},
            text=each.title,
            action=Link(text=_("See what to do"), href="/my/abroad"),
        )
        for each in asked
    ]
