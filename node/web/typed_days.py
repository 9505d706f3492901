"""A day as people write it on paper and type it: "4 Mar 2026", "4.3.", "2026-03-04".

4/3 is the fourth of March here and the third of April there, so it is asked back unless both are the same day.
Source: docs/pages.md 8.9, 12.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Final

from babel import Locale
from babel.dates import get_month_names

FIRST_DAY: Final = date(1980, 1, 1)  # before the first scheme
LAST_DAY: Final = date(2999, 12, 31)
_ISO: Final = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_DOTS: Final = re.compile(r"([0-9]{1,2})\. ?([0-9]{1,2})(?:\. ?([0-9]{4}|[0-9]{2})?)?")
_SLASHES: Final = re.compile(r"([0-9]{1,2})/([0-9]{1,2})(?:/([0-9]{4}|[0-9]{2}))?")
_NAMED: Final = re.compile(
    r"([0-9]{1,2})\.? ?([^\W\d]+)\.?,?(?: ([0-9]{4}))?|([^\W\d]+)\.? ([0-9]{1,2}),?(?: ([0-9]{4}))?"
)
_LETTERS_MIN: Final = 3  # of a month's name


def read_day(typed: str, today: date, language: str) -> date | None:
    """Return the day that `typed` means, or None; without a year, the last such day up to a month from `today`."""
    text = " ".join(typed.split()).lower()
    if (found := _ISO.fullmatch(text)) is not None:
        return _day(int(found[1]), int(found[2]), int(found[3]))
    if (found := _DOTS.fullmatch(text)) is not None:
        return _with_year(int(found[1]), int(found[2]), found[3], today)
    if (found := _SLASHES.fullmatch(text)) is not None:
        readings = {
            _with_year(int(found[1]), int(found[2]), found[3], today),
            _with_year(int(found[2]), int(found[1]), found[3], today),
        } - {None}
        return readings.pop() if len(readings) == 1 else None
    if (found := _NAMED.fullmatch(text)) is not None:
        day, name, year = found[1] or found[5], found[2] or found[4], found[3] or found[6]
        month = _month(name, language)
        return None if month is None else _with_year(int(day), month, year, today)
    return None


def _with_year(day: int, month: int, year: str | None, today: date) -> date | None:
    if year is not None:
        return _day(int(year) if len(year) == 4 else 2000 + int(year), month, day)
    guess = _day(today.year, month, day)
    if guess is None or (guess - today).days > 31:
        return _day(today.year - 1, month, day)
    return guess


def _day(year: int, month: int, day: int) -> date | None:
    try:
        found = date(year, month, day)
    except ValueError:
        return None
    return found if FIRST_DAY <= found <= LAST_DAY else None


def _month(name: str, language: str) -> int | None:
    """Return the month whose name in this language, or in English, begins like that; None for none or several."""
    if len(name) < _LETTERS_MIN:
        return None
    found = {no for each in (language, "en") for no, full in _names(each) if full.startswith(name)}
    return found.pop() if len(found) == 1 else None


@lru_cache(maxsize=64)
def _names(language: str) -> tuple[tuple[int, str], ...]:
    locale = Locale.parse(language.replace("-", "_"))
    return tuple(
        (no, name.rstrip(".").lower())
        for width in ("wide", "abbreviated")
        for no, name in get_month_names(width, locale=locale).items()
    )
