"""Days as numbers, held against the calendar of the library. Rule 3.6."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.days import DAY_MAX, Civil, civil_of, day_number, days_in_month, months_after
from protocol.errors import InvalidValue


def test_every_day_of_eight_hundred_years_is_the_same_day() -> None:
    day, end = date(1600, 1, 1), date(2400, 12, 31)
    while day <= end:
        civil = Civil(day.year, day.month, day.day)
        assert day_number(civil) == day.toordinal()
        assert civil_of(day.toordinal()) == civil
        day += timedelta(days=1)


@given(st.integers(1, DAY_MAX))
def test_any_day_is_the_same_day(number: int) -> None:
    day = date.fromordinal(number)
    assert civil_of(number) == (day.year, day.month, day.day)
    assert day_number(civil_of(number)) == number


@pytest.mark.parametrize(
    "civil", [(2026, 2, 29), (2026, 0, 1), (2026, 13, 1), (2026, 4, 31), (0, 1, 1), (10_000, 1, 1), (2026, 1, 0)]
)  # fmt: skip
def test_what_is_no_day_has_no_number(civil: tuple[int, int, int]) -> None:
    with pytest.raises(InvalidValue):
        day_number(Civil(*civil))


@pytest.mark.parametrize("number", [0, -1, DAY_MAX + 1, True])
def test_what_is_no_number_of_a_day_has_no_day(number: int) -> None:
    with pytest.raises(InvalidValue):
        civil_of(number)


@given(st.dates(date(1900, 1, 1), date(2200, 12, 31)), st.integers(0, 500))
def test_months_later_it_is_the_same_day_or_the_last(day: date, months: int) -> None:
    later = date.fromordinal(months_after(day.toordinal(), months))
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == min(day.day, days_in_month(later.year, later.month))
