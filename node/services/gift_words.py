"""What givers and takers are told, in the words of whoever reads it. Source: docs/pages.md 8.14."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Final

from node.services.gift_rows import Pickup
from node.web.dates import long_day
from node.web.words import Words
from protocol.giving import News


class Why(StrEnum):
    """Why something is not done; nothing changed."""

    GONE = "gone"  # it is not given away, or not any more
    OWN = "own"
    PAUSED = "paused"  # somebody who may not trade
    FULL = "full"  # enough people would like it
    CHANGED = "changed"  # it stands differently by now
    UNREACHABLE = "unreachable"  # their scheme cannot be written to


class CannotGive(Exception):
    """An honest no: nothing was changed."""

    def __init__(self, why: Why):
        super().__init__(why.value)
        self.why: Final = why


def cannot_words(why: Why, words: Words) -> str:
    """Return why something is not done, in a sentence."""
    _ = words.gettext
    match why:
        case Why.GONE:
            return _("It is not given away any more.")
        case Why.OWN:
            return _("This is your own.")
        case Why.PAUSED:
            return _("One of you cannot trade just now.")
        case Why.FULL:
            return _("Many people have asked already. Please look again later.")
        case Why.CHANGED:
            return _("This has changed meanwhile. Please look again.")
        case Why.UNREACHABLE:
            return _("We cannot write to their scheme now. Please try again later.")


def pickup_words(pickup: Pickup, words: Words) -> str:
    """Return "Saturday 28 November 2026, 10:30", as far as it was said."""
    day = long_day(date.fromisoformat(pickup.day), words) if pickup.day else ""
    if day and pickup.time:
        return words.gettext("%(day)s, %(time)s") % {"day": day, "time": pickup.time}
    return day or pickup.time


def news_words(news: News, title: str, pickup: Pickup, words: Words) -> tuple[str, ...]:
    """Return what somebody who would like a thing is told, the sentence that says all first."""
    _ = words.gettext
    said = {"title": title or _("What you asked for")}
    told: tuple[str, ...]
    match news:
        case News.PROMISED:
            when = pickup_words(pickup, words)
            told = (
                _("I promise you this: %(title)s") % said,
                _("Please collect it: %(when)s") % {"when": when} if when else "",
                pickup.said,
            )
        case News.UNPROMISED:
            told = (
                _("I am sorry. I had to take my promise back: %(title)s") % said,
                _("You are still on the list."),
            )
        case News.FREE_AGAIN:
            told = (
                _("This is free again: %(title)s") % said,
                _("You are still on the list. You need do nothing."),
            )
        case News.RECEIVED:
            told = (_("You have it now: %(title)s") % said, _("I hope you like it."))
        case News.GONE:
            told = (
                _("This went to somebody else: %(title)s") % said,
                _("Thank you for asking. Perhaps another time."),
            )
        case News.ENDED:
            told = (
                _("This is not given away any more: %(title)s") % said,
                _("Thank you for asking."),
            )
    return tuple(each for each in told if each)


def wished_words(title: str, said: str, words: Words) -> str:
    """Return what a giver reads of somebody who would like a thing."""
    return "\n".join(
        each for each in (words.gettext("I would like this: %(title)s") % {"title": title}, said) if each
    )


def not_wished_words(title: str, words: Words) -> str:
    """Return what a giver reads of somebody who would rather not."""
    return words.gettext("I do not need this any more: %(title)s") % {"title": title}


def received_words(title: str, words: Words) -> str:
    """Return what a giver reads of somebody who has it."""
    return words.gettext("I have it now: %(title)s") % {"title": title} + "\n" + words.gettext("Thank you!")
