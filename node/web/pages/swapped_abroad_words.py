"""What a member swaps with somebody of another scheme, in words for her. Source: docs/pages.md 8.18; docs/protocol.md 7.10."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from node.services.request_rows import Request
from node.services.swap_words import swap_title
from node.services.threads import WAITING
from node.web.amounts import Unit
from node.web.present import Voice, first_name
from node.web.views.member import WaitingCard
from node.web.views.page import Fact, Link, Pill
from node.web.views.requests import RequestActions
from node.web.words import Words
from protocol.beyond import Seen, Stands, Wants
from protocol.limits import DAY_MS


def swap_sentence(request: Request, seen: Stands, voice: Voice) -> str:
    """Return how it stands, as a sentence with a name to fill in."""
    _ = voice.words.gettext
    match seen:
        case Stands.ASKED | Stands.WAITING:
            return _("%(name)s was asked, and says yes or no.")
        case Stands.COUNTERED:
            return _("%(name)s proposes something else. Please say yes or no.")
        case Stands.AGREED if request.wants is Wants.HAS_IT:
            return _("You said that it happened. Waiting for %(name)s to say so too.")
        case Stands.AGREED:
            return _("You agree. When you have swapped, both of you say so here.")
        case Stands.DECLINED:
            return _("%(scheme)s says: not this time.")
        case Stands.ENDED:
            return _("It will not be after all.")
        case Stands.TAKEN_BACK:
            return _("You took it back, and they know.")
        case Stands.DONE:
            return _("Both of you said that it happened.")


def offered_facts(request: Request, theirs: Unit | None, voice: Voice) -> tuple[Fact, ...]:
    """Return what the owner proposes instead; what one of the two adds is in the units of whoever gets it."""
    _, name = voice.words.gettext, first_name(request.their_name) or voice.words.gettext("Somebody")
    said, price = {"name": name}, request.offered.price or 0
    facts = [
        Fact(label=_("You give"), text=request.offered.given),
        Fact(label=_("%(name)s gives") % said, text=request.title),
    ]
    if price > 0:
        amount = str(price) if theirs is None else voice.spoken(price, theirs)
        facts.append(Fact(label=_("You also give"), text=amount))
    if price < 0:
        facts.append(Fact(label=_("%(name)s also gives") % said, text=voice.spoken(-price)))
    return tuple(fact for fact in facts if fact.text)


def added_line(request: Request, said: Mapping[str, str], voice: Voice) -> tuple[str, ...]:
    """Return what the owner adds, in our units; what the reader adds stands where it is paid."""
    if request.price is None or request.price >= 0 or request.stands is Stands.COUNTERED:
        return ()
    label = voice.words.gettext("%(name)s also gives") % said
    return (f"{label}: {voice.spoken(-request.price)}",)


def swapped_pill(seen: Stands | Seen, words: Words) -> Pill | None:
    """Return how it stands in a word or two; None where it is as of anything else."""
    _ = words.gettext
    match seen:
        case Stands.COUNTERED:
            return Pill(text=_("Your answer?"), tone="wait")
        case Stands.AGREED:
            return Pill(text=_("Agreed"), tone="good")
        case Stands.DONE:
            return Pill(text=_("Swapped"), tone="good")
        case Stands.ENDED:
            return Pill(text=_("Called off"), tone="stop")
        case Stands.TAKEN_BACK | Seen.TAKING_BACK:
            return Pill(text=_("Taken back"))
        case _:
            return None


def swapped_acts(request: Request, talk: Link | None, voice: Voice) -> RequestActions:
    """Return what can be done with it now; what is added is paid or asked for beside it."""
    _, mirror, href = voice.words.gettext, request.mirror, f"/my/abroad/{request.no}"
    agreed = mirror.seen is Stands.AGREED
    acts = RequestActions(
        message=talk,
        received_text=_("It happened"),
        back_text=_("Call it off") if agreed else _("Take it back"),
        pay=Link(text=_("Say yes or no"), href=f"{href}/swap") if mirror.seen is Stands.COUNTERED else None,
    )
    if mirror.over:
        return acts
    quiet = request.letter != WAITING and voice.now_ms - request.changed_ms >= DAY_MS
    asked = request.wants is Wants.ASK
    return replace(
        acts,
        received_action=f"{href}/received" if agreed and (asked or quiet) else "",
        again_action=f"{href}/again" if asked and quiet and isinstance(mirror.seen, Seen) else "",
        back_action=f"{href}/back"
        if request.wants is not Wants.TAKE_BACK or (quiet and mirror.seen is Seen.TAKING_BACK)
        else "",
    )


def swapped_cards(request: Request, voice: Voice) -> list[WaitingCard]:
    """Return the card of what the other side proposes instead, or says has happened."""
    _, name = voice.words.gettext, first_name(request.their_name) or voice.words.gettext("Somebody")
    if request.mirror.seen is Stands.COUNTERED:
        return [
            WaitingCard(
                title=_("%(name)s would like to swap") % {"name": name},
                text=swap_title(request.title, request.offered.given, voice.words),
                action=Link(text=_("Say yes or no"), href=f"/my/abroad/{request.no}/swap"),
            )
        ]
    if not request.said:
        return []
    return [
        WaitingCard(
            title=_("Did you swap with %(name)s?") % {"name": name},
            text=swap_title(request.title, request.given, voice.words),
            action=Link(text=_("Say what happened"), href="/my/abroad"),
        )
    ]
