"""Days of the calendar as whole numbers, for what comes round every week or month.

Day 1 is 1 January of the year 1 in the calendar everybody uses, counted on backwards too, as `date.toordinal` counts.
Which day it is where the scheme lives is for the node to say. Source: docs/protocol.md 3.6.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from protocol.errors import InvalidValue

# The years 1 to 9999: what four digits write.
DAY_MAX: Final = 3_652_059
_DAYS_OF_400_YEARS: Final = 146_097
_MONTHS: Final = 12
_FEBRUARY: Final = 2
_SHORT_MONTHS: Final = frozenset({4, 6, 9, 11})


class Civil(NamedTuple):
    """A day as people write it."""

    year: int
    month: int  # 1..12
    day: int  # 1..31


def days_in_month(year: int, month: int) -> int:
    """Return how many days a month has."""
    if month == _FEBRUARY:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in _SHORT_MONTHS else 31


def day_number(civil: Civil) -> int:
    """Return the number of a day.

    Raises:
        InvalidValue: there is no such day in the years 1 to 9999.
    """
    year, month, day = civil
    if not (1 <= year <= 9999 and 1 <= month <= _MONTHS and 1 <= day <= days_in_month(year, month)):
        raise InvalidValue(f"no such day: {year}-{month}-{day}")
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400
    return days + sum(days_in_month(year, each) for each in range(1, month)) + day


def civil_of(number: int) -> Civil:
    """Return the day with this number.

    Raises:
        InvalidValue: it is not in 1..DAY_MAX.
    """
    if type(number) is not int or not 1 <= number <= DAY_MAX:
        raise InvalidValue(f"day {number} not in 1..{DAY_MAX}")
    # Never later than the year wanted, and at most one too early.
    year = max(1, (number - 1) * 400 // _DAYS_OF_400_YEARS)
    while year < 9999 and day_number(Civil(year + 1, 1, 1)) <= number:
        year += 1
    left, month = number - day_number(Civil(year, 1, 1)) + 1, 1
    while left > days_in_month(year, month):
        left -= days_in_month(year, month)
        month += 1
    return Civil(year, month, left)


def months_after(number: int, months: int) -> int:
    """Return the same day of the month so many months later, or that month's last day where it has no such day."""
    year, month, day = civil_of(number)
    total = year * _MONTHS + month - 1 + months
    year, month = total // _MONTHS, total % _MONTHS + 1
    return day_number(Civil(year, month, min(day, days_in_month(year, month))))
