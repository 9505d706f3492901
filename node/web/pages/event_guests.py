"""Who comes to an event, also from other schemes, and what stands beside the reader's name. Source: docs/pages.md 7.2, 8.18."""

from __future__ import annotations

from collections.abc import Mapping

from node.services.event_rows import Hosted, guest_names
from node.services.events_abroad import names_abroad
from node.store import ReadTx
from node.web.pages.schemes import read_schemes
from node.web.words import Words
from protocol.event import Answer


def names_of_guests(tx: ReadTx, hosted: Hosted, now_ms: int) -> Mapping[int, str]:
    """Return the names of all who answered: of ours, and of others with their scheme, as "Zoe (Hilltop)"."""
    ours, abroad = guest_names(tx, hosted.no), names_abroad(tx, hosted)
    if not abroad:
        return ours
    schemes = read_schemes(tx, now_ms)
    theirs = {
        who: f"{name or '?'} ({schemes[scheme].name if scheme in schemes else '?'})"
        for who, (name, scheme) in abroad.items()
    }
    return {**ours, **theirs}


def mine_words(answer: Answer, words: Words) -> str:
    """Return what stands beside the reader's name, in a sentence."""
    _ = words.gettext
    match answer:
        case Answer.COMING:
            return _("You said that you come. You have a place.")
        case Answer.WAITING:
            return _("It is full. You wait for a place, and are told when you have one.")
        case Answer.NOT_COMING:
            return _("You said that you cannot come.")
        case Answer.ASKED:
            return _("You asked for a seat. You are told when there is a yes or no.")
        case Answer.DECLINED:
            return _("There is no seat for you this time.")
        case _:
            return ""
