"""What both sides of a request about a listing read in their conversation and by mail. Source: docs/protocol.md 7.10."""

from __future__ import annotations

from typing import Final

from node.services.request_rows import Request, Role
from node.services.swap_words import News, swap_news, swap_title
from node.wall import DAY_HOURS
from node.web.period_words import period_words
from node.web.words import Words
from protocol.beyond import Stands, Wants
from protocol.booking import Period

EVENT: Final = "event"
STAY: Final = "stay"
SWAP: Final = "swap"

_SWAP_NEWS: Final = {
    Stands.COUNTERED: News.COUNTERED,
    Stands.AGREED: News.AGREED,
    Stands.DECLINED: News.DECLINED,
    Stands.ENDED: News.CALLED_OFF,
    Stands.DONE: News.DONE,
}


def when_asked(request: Request, words: Words) -> str:
    """Return the time of what is booked; "" of anything else. Its terms are elsewhere, and whole days speak for themselves."""
    if request.start is None or request.end is None:
        return ""
    days = request.start % DAY_HOURS == 0 and request.end % DAY_HOURS == 0
    step = "night" if request.kind == STAY else "day" if days else "hour"
    return period_words(Period(request.start, request.end), step, words)


def title_of(request: Request, words: Words) -> dict[str, str]:
    """Return what a request is about, and when, for a sentence with `title` in it."""
    when = when_asked(request, words)
    if request.kind == SWAP:
        return {"title": swap_title(request.title, request.given, words)}
    return {"title": f"{request.title}, {when}" if when else request.title}


def asked_line(request: Request, wants: Wants, words: Words) -> str:
    """Return what the owner reads first of somebody of another scheme."""
    _, said, event = words.gettext, title_of(request, words), request.kind == EVENT
    if request.kind == SWAP:
        news = {Wants.ASK: News.PROPOSED, Wants.TAKE_BACK: News.WITHDRAWN, Wants.HAS_IT: News.HAPPENED}[wants]
        return swap_news(news, said["title"], words)[0]
    match wants:
        case Wants.ASK:
            return (_("I am coming: %(title)s") if event else _("I would like this: %(title)s")) % said
        case Wants.TAKE_BACK:
            text = _("I cannot come: %(title)s") if event else _("I do not need this any more: %(title)s")
            return text % said
        case Wants.HAS_IT if request.kind == STAY:
            return _("I have left: %(title)s") % said
        case Wants.HAS_IT if request.start is not None:
            return _("I brought it back: %(title)s") % said
        case Wants.HAS_IT:
            return _("I have it now: %(title)s") % said


def heard_line(request: Request, stands: Stands, words: Words) -> str:
    """Return what whoever asked reads first."""
    said = title_of(request, words)
    if stands is Stands.COUNTERED and request.role is Role.OUT:
        said = {"title": swap_title(request.title, request.offered.given, words)}
    if request.kind == SWAP and stands in _SWAP_NEWS:
        return swap_news(_SWAP_NEWS[stands], said["title"], words)[0]
    if request.start is not None:
        return _of_booking(stands, words) % said
    return (_of_event if request.kind == EVENT else _of_listing)(stands, words) % said


def _of_listing(stands: Stands, words: Words) -> str:
    _ = words.gettext
    return {
        Stands.ASKED: _("They were asked, and will say yes or no: %(title)s"),
        Stands.WAITING: _("You are on the list: %(title)s"),
        Stands.AGREED: _("Yes, it is for you: %(title)s"),
        Stands.DECLINED: _("No, not this time: %(title)s"),
        Stands.ENDED: _("It will not be after all: %(title)s"),
        Stands.TAKEN_BACK: _("They know that you do not need it any more: %(title)s"),
        Stands.DONE: _("You have it now: %(title)s"),
    }[stands]


def _of_booking(stands: Stands, words: Words) -> str:
    _ = words.gettext
    return {
        Stands.WAITING: _("Somebody else has it then, and you wait in line: %(title)s"),
        Stands.AGREED: _("Yes, for you: %(title)s"),
        Stands.DONE: _("It is over: %(title)s"),
    }.get(stands) or _of_listing(stands, words)


def _of_event(stands: Stands, words: Words) -> str:
    _ = words.gettext
    return {
        Stands.ASKED: _("They were asked, and will say yes or no: %(title)s"),
        Stands.WAITING: _("You wait for a place: %(title)s"),
        Stands.AGREED: _("You have a place: %(title)s"),
        Stands.DECLINED: _("No, not this time: %(title)s"),
        Stands.ENDED: _("Cancelled: %(title)s"),
        Stands.TAKEN_BACK: _("They know that you cannot come: %(title)s"),
        Stands.DONE: _("You were there: %(title)s"),
    }[stands]


def lines_of(said: str) -> tuple[str, ...]:
    """Return the lines of what was said."""
    return tuple(each for each in said.split("\n") if each)
