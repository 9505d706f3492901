"""The days of an event that repeats, as the scheme's clock on the wall shows them, and the moments these are.

An event at 19:00 stays at 19:00 when summer time begins or ends: it is repeated by the wall, and each date becomes a
moment by itself. Source: docs/pages.md 7.2.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from protocol.limits import EVENT_DATES_MAX

WEEK: Final = timedelta(days=7)
MONTHS: Final = 12


class Repeats(StrEnum):
    """How often."""

    NEVER = "never"
    WEEKLY = "weekly"
    MONTHLY_DAY = "monthly-day"  # the 14th of every month
    MONTHLY_WEEKDAY = "monthly-weekday"  # the second Saturday of every month


class TooManyDates(Exception):
    """It would repeat more often than one event may."""


class NoSuchDate(Exception):
    """There is no such weekday in that time."""


def weekdays_of(first: date, weekdays: frozenset[int], until: date) -> tuple[date, ...]:
    """Return the days from `first` to `until`, both included, that are one of `weekdays`: 0 is Monday.

    Raises:
        NoSuchDate: there is none. TooManyDates: more than EVENT_DATES_MAX.
    """
    days = (first + timedelta(days=number) for number in range((until - first).days + 1))
    found = tuple(day for day in days if day.weekday() in weekdays)
    if not found:
        raise NoSuchDate
    if len(found) > EVENT_DATES_MAX:
        raise TooManyDates
    return found


def dates_of(first: date, repeats: Repeats, until: date) -> tuple[date, ...]:
    """Return the days from `first` to `until`, both included; months that lack the day are left out.

    Raises:
        TooManyDates: more than EVENT_DATES_MAX.
    """
    found, number = [first], 0
    while repeats is not Repeats.NEVER:
        number += 1
        day = first + number * WEEK if repeats is Repeats.WEEKLY else _in_month(first, number, repeats)
        if day is not None and day > until:
            break
        if day is not None:
            if len(found) >= EVENT_DATES_MAX:
                raise TooManyDates
            found.append(day)
    return tuple(found)


def _in_month(first: date, number: int, repeats: Repeats) -> date | None:
    """Return the day `number` months later; None where that month has no such day."""
    month = first.month - 1 + number
    start = date(first.year + month // MONTHS, month % MONTHS + 1, 1)
    if repeats is Repeats.MONTHLY_DAY:
        day = start + timedelta(days=first.day - 1)
    else:
        # The first such weekday of the month, and as many weeks on as in the first one.
        day = start + timedelta(days=(first.weekday() - start.weekday()) % 7) + (first.day - 1) // 7 * WEEK
    return day if day.month == start.month else None


def moment_of(day: date, at: time, zone: tzinfo) -> int:
    """Return the moment, in ms UTC, at which the clock on the wall shows `at` on `day`.

    What the clock shows twice, as summer time ends, is the first of the two; what it skips as summer time begins is
    counted on from before, so that 02:30 is the moment at which it shows 03:30.
    """
    return round(datetime.combine(day, at, tzinfo=zone).astimezone(UTC).timestamp() * 1000)
