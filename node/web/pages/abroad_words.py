"""How a request about another scheme's listing stands, in words for whoever asked. Source: docs/pages.md 8.18."""

from __future__ import annotations

from node.services.request_rows import Request
from node.services.request_words import EVENT, SWAP, lines_of, when_asked
from node.services.requests_abroad import Why
from node.services.threads import WAITING
from node.web.pages.booked_abroad_words import booked_acts, booked_cards, booked_pill, booked_words
from node.web.pages.schemes import Schemes
from node.web.pages.swapped_abroad_words import (
    added_line,
    swap_sentence,
    swapped_acts,
    swapped_cards,
    swapped_pill,
)
from node.web.present import Voice, first_name
from node.web.views.booking import BookingRow
from node.web.views.member import WaitingCard
from node.web.views.page import Link, Pill
from node.web.views.requests import RequestActions
from node.web.words import Words
from protocol.beyond import Seen, Stands, Wants
from protocol.letter import NOBODY, TOO_MANY
from protocol.limits import DAY_MS
from protocol.names import SchemeId


def scheme_called(scheme: SchemeId, schemes: Schemes, words: Words) -> str:
    """Return the name of another scheme."""
    other = schemes.get(scheme)
    return words.gettext("another scheme") if other is None else other.name


def gets_units(request: Request) -> bool:
    """Tell whether somebody was at an event that gives units, and its host said so, or has swapped and gets some. Source: 7.10."""
    there = request.kind == SWAP or (request.kind == EVENT and bool(request.said))
    return there and request.mirror.seen is Stands.DONE and (request.price or 0) < 0


def standing_lines(request: Request, scheme: str, voice: Voice) -> tuple[str, ...]:
    """Return how it stands in a sentence, and what its owner said."""
    _ = voice.words.gettext
    said = {"name": first_name(request.their_name) or _("Somebody"), "scheme": scheme}
    seen = request.mirror.seen
    if isinstance(seen, Seen):
        return (_unheard(seen, request, said, voice.words),)
    if request.kind == EVENT:
        return (_at_event(seen, voice.words) % said, *lines_of(request.said))
    if request.kind == SWAP:
        return (
            swap_sentence(request, seen, voice) % said,
            *added_line(request, said, voice),
            *lines_of(request.said),
        )
    if request.start is not None:
        first, taken_back = booked_words(seen, voice.words) % said, seen is Stands.TAKEN_BACK
        return (first, *(() if taken_back else lines_of(request.said)))
    lines = lines_of(request.said) if seen not in (Stands.TAKEN_BACK, Stands.DONE) else ()
    match seen:
        case Stands.ASKED | Stands.COUNTERED:
            first = _("%(name)s was asked, and says yes or no.")
        case Stands.WAITING:
            first = _("You are on the list. %(name)s chooses, and you are told.")
        case Stands.AGREED:
            first = _("%(name)s promised it to you.")
        case Stands.DECLINED:
            first = _("%(scheme)s says: not this time.")
        case Stands.ENDED:
            first = _("It is not to be had any more.")
        case Stands.TAKEN_BACK:
            first = _("You do not need it any more, and they know.")
        case Stands.DONE:
            first = _("You have it.")
    return (first % said, *lines)


def _at_event(seen: Stands, words: Words) -> str:
    _ = words.gettext
    return {
        Stands.ASKED: _("%(name)s was asked, and says yes or no."),
        Stands.WAITING: _("It is full. You wait for a place, and are told when you have one."),
        Stands.AGREED: _("You said that you come. You have a place."),
        Stands.DECLINED: _("%(scheme)s says: not this time."),
        Stands.ENDED: _("This was cancelled."),
        Stands.TAKEN_BACK: _("You said that you cannot come, and they know."),
        Stands.DONE: _("It is over."),
    }[Stands.ASKED if seen is Stands.COUNTERED else seen]


def _unheard(seen: Seen, request: Request, said: dict[str, str], words: Words) -> str:
    _ = words.gettext
    match seen:
        case Seen.SENT if request.letter == WAITING:
            text = _("Your question is on its way to %(scheme)s.")
        case Seen.SENT:
            text = _("%(scheme)s has your question, and has not answered yet.")
        case Seen.SILENT:
            text = _("%(scheme)s did not take your question within two weeks. You can ask once more.")
        case Seen.TAKING_BACK if request.kind == EVENT:
            text = _("You said that you cannot come. %(scheme)s has not heard of that yet.")
        case Seen.TAKING_BACK:
            text = _("You do not need it any more. %(scheme)s has not heard of that yet.")
        case Seen.REFUSED if request.letter == NOBODY:
            text = _("It is not to be had any more.")
        case Seen.REFUSED if request.letter == TOO_MANY:
            text = _("%(scheme)s took no more questions that day. You can ask again.")
        case Seen.REFUSED:
            text = _("%(scheme)s cannot read such a question yet. Please write a message.")
    return text % said


def request_pill(request: Request, words: Words) -> Pill:
    """Return how it stands in a word or two."""
    _, event = words.gettext, request.kind == EVENT
    if request.kind == SWAP and (swapped := swapped_pill(request.mirror.seen, words)) is not None:
        return swapped
    if request.start is not None and (booked := booked_pill(request.mirror.seen, words)) is not None:
        return booked
    match request.mirror.seen:
        case Stands.AGREED if event:
            return Pill(text=_("You come"), tone="good")
        case Stands.WAITING if event:
            return Pill(text=_("You wait for a place"), tone="wait")
        case Stands.ENDED if event:
            return Pill(text=_("Cancelled"), tone="stop")
        case Stands.DONE if event:
            return Pill(text=_("Over"))
        case Stands.TAKEN_BACK | Seen.TAKING_BACK if event:
            return Pill(text=_("You cannot come"))
        case Stands.AGREED:
            return Pill(text=_("Promised to you"), tone="good")
        case Stands.DONE:
            return Pill(text=_("You have it"), tone="good")
        case Stands.WAITING:
            return Pill(text=_("On the list"), tone="wait")
        case Stands.ASKED | Stands.COUNTERED | Seen.SENT:
            return Pill(text=_("Asked"), tone="wait")
        case Seen.SILENT:
            return Pill(text=_("No answer"), tone="wait")
        case Stands.TAKEN_BACK | Seen.TAKING_BACK:
            return Pill(text=_("Not needed any more"))
        case Stands.DECLINED | Seen.REFUSED:
            return Pill(text=_("No"))
        case Stands.ENDED:
            return Pill(text=_("Gone"))


def request_acts(request: Request, voice: Voice) -> RequestActions:
    """Return what whoever asked can do with it now."""
    message = Link(text=voice.words.gettext("Messages"), href=f"/messages/{request.thread_no}")
    talk = None if request.thread_no is None else message
    mirror, href = request.mirror, f"/my/abroad/{request.no}"
    if request.kind == SWAP:
        return swapped_acts(request, talk, voice)
    if request.start is not None:
        return booked_acts(request, talk, voice)
    if mirror.over:
        return RequestActions(message=talk)
    quiet = request.letter != WAITING and voice.now_ms - request.changed_ms >= DAY_MS
    asked = request.wants is Wants.ASK
    return RequestActions(
        received_action=f"{href}/received" if mirror.seen is Stands.AGREED and request.kind != EVENT else "",
        again_action=f"{href}/again" if asked and quiet and isinstance(mirror.seen, Seen) else "",
        # Also where that word did not get there: it can be said once more.
        back_action=f"{href}/back" if asked or (quiet and mirror.seen is Seen.TAKING_BACK) else "",
        message=talk,
        event=request.kind == EVENT,
    )


def abroad_cards(requests: tuple[Request, ...], schemes: Schemes, voice: Voice) -> list[WaitingCard]:
    """Return the cards of what was promised in other schemes, and of what nobody there has answered."""
    _, cards = voice.words.gettext, []
    for request in requests:
        seen, said = request.mirror.seen, {"title": request.title}
        if seen not in (Stands.AGREED, Stands.COUNTERED, Seen.SILENT) or request.wants is not Wants.ASK:
            continue
        if request.kind == EVENT and seen is Stands.AGREED:
            continue  # nothing is asked of them
        if request.kind == SWAP and seen in (Stands.AGREED, Stands.COUNTERED):
            cards += swapped_cards(request, voice)
            continue
        if request.start is not None and seen is Stands.AGREED:
            cards += booked_cards(request, voice)
            continue
        title = _("Promised to you: %(title)s") if seen is Stands.AGREED else _("No answer: %(title)s")
        lines = standing_lines(request, scheme_called(request.scheme, schemes, voice.words), voice)
        action = Link(text=_("See what to do"), href="/my/abroad")
        cards.append(WaitingCard(title=title % said, text=" ".join(lines), action=action))
    return cards


def cannot_ask(why: Why, words: Words) -> str:
    """Return why something is not asked for, in a sentence."""
    _ = words.gettext
    match why:
        case Why.OPEN:
            return _("You have asked for much in other schemes already. Please wait for their answers.")
        case Why.TOO_MANY:
            return _("You wrote to many new people in other schemes today. Tomorrow there is room for more.")
        case Why.UNREACHABLE:
            return _("We cannot write to their scheme now. Please try again later.")
        case Why.DEPOSIT:
            return _("The deposit could not be set aside now: it would go beyond what you have.")
        case Why.CHANGED:
            return _("This has changed meanwhile. Please look again.")


def asked_row(request: Request, schemes: Schemes, words: Words) -> BookingRow:
    """Return what is borrowed in another scheme, among what is borrowed here."""
    said = {"what": request.title, "name": scheme_called(request.scheme, schemes, words)}
    return BookingRow(
        href="/my/abroad",
        text=words.gettext("%(what)s, from %(name)s") % said,
        when=when_asked(request, words),
        state=request_pill(request, words),
    )
