"""Days as people write them. Source: docs/pages.md 8.9, 12."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.web.dates import short_day
from node.web.typed_days import FIRST_DAY, LAST_DAY, read_day
from node.web.words import words_for

TODAY = date(2026, 3, 7)


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("2026-03-04", date(2026, 3, 4)),
        ("4 Mar 2026", date(2026, 3, 4)),
        ("4. March 2026", date(2026, 3, 4)),
        (" 4  mar ", date(2026, 3, 4)),
        ("March 4, 2026", date(2026, 3, 4)),
        ("Mar 4", date(2026, 3, 4)),
        ("4.3.2026", date(2026, 3, 4)),
        ("4.3.26", date(2026, 3, 4)),
        ("4. 3.", date(2026, 3, 4)),
        ("4.3", date(2026, 3, 4)),
        ("3/3", date(2026, 3, 3)),
        ("27/2/2026", date(2026, 2, 27)),
        ("2/27", date(2026, 2, 27)),
        ("24 Dec", date(2025, 12, 24)),  # the last one
        ("20 Mar", date(2026, 3, 20)),  # soon: that it is to come is said at the row
        ("4/3", None),  # March here, April there
        ("30 Feb", None),
        ("4 Ma", None),
        ("4 Foo", None),
        ("29.2.2025", None),
        ("0.0.", None),
        ("1 Jan 0001", None),
        ("٤ Mar", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_a_day_is_read_or_asked_back(typed: str, day: date | None) -> None:
    assert read_day(typed, TODAY, "en") == day


def test_months_have_the_readers_names() -> None:
    assert read_day("4. März", TODAY, "de") == date(2026, 3, 4)
    assert read_day("4 mars 2026", TODAY, "fr") == date(2026, 3, 4)
    assert read_day("4 März", TODAY, "en") is None


@given(st.dates(FIRST_DAY, LAST_DAY), st.sampled_from(["en", "de", "fr", "es", "nl"]))
def test_what_pages_write_can_be_typed(day: date, language: str) -> None:
    words = words_for(language)
    assert read_day(short_day(day, words), TODAY, language) == day


@given(st.text(max_size=40))
def test_anything_gives_a_day_or_none(typed: str) -> None:
    day = read_day(typed, TODAY, "en")
    assert day is None or FIRST_DAY <= day <= LAST_DAY
