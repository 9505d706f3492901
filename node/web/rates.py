"""Rates and rounding between schemes, in words. Source: docs/pages.md 0.1, 0.2."""

from __future__ import annotations

from node.web import amounts
from node.web.present import OtherScheme, Voice
from protocol.units import HOUR, MINUTE


def rate_words(other: OtherScheme, own_minor_per_hour: int, voice: Voice) -> str:
    """Return "12 Acorns = 1 hour."; for a scheme in another unit, what the same hour is here."""
    if other.minor_per_hour is None:
        return ""
    own = voice.spoken(own_minor_per_hour)
    theirs = voice.spoken(other.minor_per_hour, other.unit)
    return voice.words.gettext("%(theirs)s = %(own)s.") % {"theirs": theirs, "own": own}


def rounding_words(trade_hours: int, amount: int, own_minor_per_hour: int, voice: Voice) -> str:
    """Return what rounding up to the own unit's smallest part added. Source: docs/pages.md 0.2."""
    exact = trade_hours * own_minor_per_hour
    if exact == amount * HOUR:
        return voice.words.gettext("Nothing to round.")
    return voice.words.gettext("%(time)s, rounded up: you give %(amount)s.") % {
        "time": hours_words(trade_hours, voice),
        "amount": voice.spoken(amount),
    }


def hours_words(hours: int, voice: Voice) -> str:
    """Return an amount between schemes as a time: "30 minutes 30 seconds"."""
    minutes, rest = divmod(hours, MINUTE)
    text = amounts.spoken(minutes, amounts.HOURS, voice.language) if minutes else ""
    seconds = -(-rest * 60 // MINUTE)
    if not seconds:
        return text
    tail = voice.words.ngettext("%(num)d second", "%(num)d seconds", seconds) % {"num": seconds}
    return f"{text} {tail}".strip()
