"""What both sides of a request about a listing read in their conversation and by mail. Source: docs/protocol.md 7.10."""

from __future__ import annotations

from node.services.request_rows import Request
from node.web.words import Words
from protocol.beyond import Stands, Wants


def asked_line(request: Request, wants: Wants, words: Words) -> str:
    """Return what the owner reads first of somebody of another scheme."""
    _, said = words.gettext, {"title": request.title}
    match wants:
        case Wants.ASK:
            return _("I would like this: %(title)s") % said
        case Wants.TAKE_BACK:
            return _("I do not need this any more: %(title)s") % said
        case Wants.HAS_IT:
            return _("I have it now: %(title)s") % said


def heard_line(title: str, stands: Stands, words: Words) -> str:
    """Return what whoever asked reads first."""
    _, said = words.gettext, {"title": title}
    match stands:
        case Stands.ASKED:
            return _("They were asked, and will say yes or no: %(title)s") % said
        case Stands.WAITING:
            return _("You are on the list: %(title)s") % said
        case Stands.AGREED:
            return _("Yes, it is for you: %(title)s") % said
        case Stands.DECLINED:
            return _("No, not this time: %(title)s") % said
        case Stands.ENDED:
            return _("It will not be after all: %(title)s") % said
        case Stands.TAKEN_BACK:
            return _("They know that you do not need it any more: %(title)s") % said
        case Stands.DONE:
            return _("You have it now: %(title)s") % said


def lines_of(said: str) -> tuple[str, ...]:
    """Return the lines of what was said."""
    return tuple(each for each in said.split("\n") if each)
