"""What givers and takers are told, in the words of whoever reads it. Source: docs/pages.md 8.14."""

from __future__ import annotations

from datetime import date

from node.services.gift_rows import Pickup
from node.web.dates import long_day
from node.web.words import Words
from protocol.giving import News


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
