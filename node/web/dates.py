"""Moments as pages write them: with the month's name, in the scheme's time zone, and "3 hours ago".

Moments are milliseconds UTC everywhere else. Source: docs/pages.md 9 and 12.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from typing import Final

from babel.dates import format_date, format_time

from node.web.words import Words

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS


def local(moment_ms: int, zone: tzinfo) -> datetime:
    """Return the moment as the scheme's clock on the wall shows it."""
    return datetime.fromtimestamp(moment_ms / 1000, UTC).astimezone(zone)


@lru_cache(maxsize=2048)
def _day(day: date, language: str, pattern: str) -> str:
    return format_date(day, pattern, locale=language.replace("-", "_"))


def long_day(day: date, words: Words) -> str:
    """Return "Saturday 4 March 2026"."""
    return _day(day, words.language, words.pgettext("date pattern", "EEEE d MMMM y"))


def short_day(day: date, words: Words) -> str:
    """Return "4 Mar 2026": the month in letters, because 4/3 means two things."""
    return _day(day, words.language, words.pgettext("date pattern", "d MMM y"))


def weekday(day: date, words: Words) -> str:
    """Return "Saturday"."""
    return _day(day, words.language, "EEEE")


def month(day: date, words: Words) -> str:
    """Return "Mar 2026"."""
    return _day(day, words.language, words.pgettext("date pattern", "MMM y"))


def month_of(day: date, words: Words) -> str:
    """Return "March 2026"."""
    return _day(day, words.language, words.pgettext("date pattern", "LLLL y"))


def clock(moment: datetime, words: Words) -> str:
    """Return "14:05"."""
    return format_time(
        moment, words.pgettext("time pattern", "HH:mm"), locale=words.language.replace("-", "_")
    )


def ago(moment_ms: int, now_ms: int, words: Words) -> str:
    """Return how long ago something was, in the largest part that fits: "3 hours ago"."""
    passed = max(0, now_ms - moment_ms)
    if passed < 2 * MINUTE_MS:
        return words.gettext("just now")
    if passed < HOUR_MS:
        number = passed // MINUTE_MS
        return words.ngettext("%(num)d minute ago", "%(num)d minutes ago", number) % {"num": number}
    if passed < 2 * DAY_MS:
        number = passed // HOUR_MS
        return words.ngettext("%(num)d hour ago", "%(num)d hours ago", number) % {"num": number}
    number = passed // DAY_MS
    return words.ngettext("%(num)d day ago", "%(num)d days ago", number) % {"num": number}
