"""What a member borrows, rents or stays at in another scheme, in words for her. Source: docs/pages.md 8.18; docs/protocol.md 7.10."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from node.services.request_rows import Request
from node.services.request_words import STAY, when_asked
from node.services.threads import WAITING
from node.wall import DAY_HOURS
from node.web.present import Voice
from node.web.views.member import WaitingCard
from node.web.views.page import Link, Pill
from node.web.views.requests import RequestActions
from node.web.words import Words
from protocol.beyond import Seen, Stands, Wants
from protocol.limits import DAY_MS, HOUR_MS

# No clock on any wall is further from ours: what begins by one there has begun here, give or take so much.
_ZONES_HOURS: Final = 14


def booked_words(seen: Stands, words: Words) -> str:
    """Return how it stands, as a sentence with a name to fill in."""
    _ = words.gettext
    return {
        Stands.ASKED: _("%(name)s was asked, and says yes or no."),
        Stands.WAITING: _("Somebody else has it then, and you are in line."),
        Stands.AGREED: _("It is for you then."),
        Stands.DECLINED: _("%(scheme)s says: not this time."),
        Stands.ENDED: _("It will not be after all."),
        Stands.TAKEN_BACK: _("You do not need it any more, and they know."),
        Stands.DONE: _("It is over."),
    }[seen]


def booked_pill(seen: Stands | Seen, words: Words) -> Pill | None:
    """Return how it stands in a word or two; None where it is as of anything else."""
    _ = words.gettext
    match seen:
        case Stands.AGREED:
            return Pill(text=_("Agreed"), tone="good")
        case Stands.WAITING:
            return Pill(text=_("In line"), tone="wait")
        case Stands.ENDED:
            return Pill(text=_("Called off"), tone="stop")
        case Stands.DONE:
            return Pill(text=_("Over"))
        case _:
            return None


def booked_acts(request: Request, talk: Link | None, voice: Voice) -> RequestActions:
    """Return what can be done with it now; what it costs is paid beside it."""
    _, mirror, href = voice.words.gettext, request.mirror, f"/my/abroad/{request.no}"
    acts = RequestActions(
        message=talk,
        received_text=_("I have left") if request.kind == STAY else _("I brought it back"),
        back_text=_("Call it off") if mirror.seen is Stands.AGREED else _("Take it back"),
    )
    if mirror.over:
        return acts
    quiet = request.letter != WAITING and voice.now_ms - request.changed_ms >= DAY_MS
    asked, agreed = request.wants is Wants.ASK, mirror.seen is Stands.AGREED
    says_back = agreed and has_begun(request, voice.now_ms) and (request.wants is not Wants.HAS_IT or quiet)
    return replace(
        acts,
        received_action=f"{href}/received" if says_back else "",
        again_action=f"{href}/again" if asked and quiet and isinstance(mirror.seen, Seen) else "",
        back_action=f"{href}/back" if asked or (quiet and mirror.seen is Seen.TAKING_BACK) else "",
    )


def has_begun(request: Request, now_ms: int) -> bool:
    """Tell whether a time may have begun by the clock of whoever's scheme it is in."""
    return request.start is not None and request.start - _ZONES_HOURS <= now_ms // HOUR_MS


def is_to_pay(request: Request, now_ms: int) -> bool:
    """Tell whether something was had, and costs something or may: nothing has a price of 0."""
    had = request.mirror.seen is Stands.DONE or (
        request.mirror.seen is Stands.AGREED and has_begun(request, now_ms)
    )
    return had and request.start is not None and request.price != 0


def booked_cards(request: Request, voice: Voice) -> list[WaitingCard]:
    """Return the card of what was agreed, from two days before it begins until it is over."""
    assert request.start is not None, "asked of what is booked"
    if request.start - 2 * DAY_HOURS > voice.now_ms // HOUR_MS:
        return []
    said = {"what": request.title, "name": request.their_name}
    title = voice.words.gettext("%(what)s, from %(name)s") if request.their_name else "%(what)s"
    action = Link(text=voice.words.gettext("See what to do"), href="/my/abroad")
    return [WaitingCard(title=title % said, text=when_asked(request, voice.words), action=action)]
