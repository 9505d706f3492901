"""The time of a booking in words: "Saturday 5 December 2026, 10:00 to 12:00", "5 to 7 nights". Source: docs/pages.md 9, 12."""

from __future__ import annotations

from datetime import datetime, time

from node.wall import DAY_HOURS, day_of
from node.web import dates
from node.web.words import Words
from protocol.booking import Period


def hour_words(hour: int, words: Words) -> str:
    """Return "10:00", of an hour of the day or of all hours."""
    return dates.clock(datetime.combine(day_of(hour), time(hour % DAY_HOURS)), words)


def first_words(period: Period, step: str, words: Words) -> str:
    """Return when it begins: "Saturday 5 December 2026", with the hour where it is booked by the hour."""
    day = dates.long_day(day_of(period.start), words)
    return day if step != "hour" else _at(day, hour_words(period.start, words), words)


def last_words(period: Period, step: str, words: Words) -> str:
    """Return until when it lasts: of days the last one, of nights the morning after."""
    if step == "hour":
        return _at(dates.long_day(day_of(period.end), words), hour_words(period.end, words), words)
    return dates.long_day(day_of(period.end - (1 if step == "day" else 0)), words)


def period_words(period: Period, step: str, words: Words) -> str:
    """Return from when until when."""
    if step == "day" and period.end - period.start == DAY_HOURS:
        return first_words(period, step, words)
    if step == "hour" and day_of(period.start) == day_of(period.end - 1):
        # Midnight, which ends a day, belongs to the next.
        return words.gettext("%(day)s, %(first)s to %(last)s") % {
            "day": dates.long_day(day_of(period.start), words),
            "first": hour_words(period.start, words),
            "last": hour_words(period.end, words),
        }
    said = {"first": first_words(period, step, words), "last": last_words(period, step, words)}
    return words.gettext("%(first)s to %(last)s") % said


def steps_words(number: int, step: str, words: Words) -> str:
    """Return "3 nights"."""
    match step:
        case "hour":
            return words.ngettext("%(num)d hour", "%(num)d hours", number) % {"num": number}
        case "day":
            return words.ngettext("%(num)d day", "%(num)d days", number) % {"num": number}
        case _:
            return words.ngettext("%(num)d night", "%(num)d nights", number) % {"num": number}


def _at(day: str, hour: str, words: Words) -> str:
    return words.gettext("%(day)s, %(time)s") % {"day": day, "time": hour}
