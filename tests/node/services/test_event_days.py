"""Days by the wall, and the moments they are, also where summer time begins and ends. Source: docs/pages.md 7.2."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from node.services.event_days import Repeats, TooManyDates, dates_of, moment_of
from node.web.dates import local
from protocol.limits import DAY_MS, EVENT_DATES_MAX, HOUR_MS

BERLIN = ZoneInfo("Europe/Berlin")


def utc(year: int, month: int, day: int, hour: int, minute: int = 0) -> int:
    return round(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize("day, at, moment", [
    (date(2026, 3, 28), time(19), utc(2026, 3, 28, 18)),
    (date(2026, 3, 29), time(1, 59), utc(2026, 3, 29, 0, 59)),
    (date(2026, 3, 29), time(2, 30), utc(2026, 3, 29, 1, 30)),  # skipped: it is 03:30
    (date(2026, 3, 29), time(3, 30), utc(2026, 3, 29, 1, 30)),
    (date(2026, 3, 29), time(19), utc(2026, 3, 29, 17)),
    (date(2026, 10, 24), time(19), utc(2026, 10, 24, 17)),
    (date(2026, 10, 25), time(2, 30), utc(2026, 10, 25, 0, 30)),  # shown twice: the first
    (date(2026, 10, 25), time(3, 30), utc(2026, 10, 25, 2, 30)),
    (date(2026, 10, 25), time(19), utc(2026, 10, 25, 18)),
])  # fmt: skip
def test_the_wall_names_a_moment(day: date, at: time, moment: int) -> None:
    assert moment_of(day, at, BERLIN) == moment


def test_what_the_wall_shows_comes_back_except_where_it_skips() -> None:
    for day, at, shown in (
        (date(2026, 3, 29), time(1, 30), "01:30"),
        (date(2026, 3, 29), time(2, 30), "03:30"),
        (date(2026, 7, 1), time(12), "12:00"),
        (date(2026, 10, 25), time(2, 30), "02:30"),
    ):
        assert f"{local(moment_of(day, at, BERLIN), BERLIN):%H:%M}" == shown


@pytest.mark.parametrize(
    "first, until, change",
    [(date(2026, 3, 22), date(2026, 4, 5), -1), (date(2026, 10, 18), date(2026, 11, 1), 1)],
)
def test_what_repeats_stays_at_its_hour_on_the_wall_when_summer_time_changes(
    first: date, until: date, change: int
) -> None:
    """Three Sundays at 19:00: one of the two weeks between them is an hour shorter, or longer."""
    moments = [moment_of(day, time(19), BERLIN) for day in dates_of(first, Repeats.WEEKLY, until)]
    assert [local(each, BERLIN).hour for each in moments] == [19, 19, 19]
    assert [moments[1] - moments[0], moments[2] - moments[1]] == [7 * DAY_MS + change * HOUR_MS, 7 * DAY_MS]


@pytest.mark.parametrize("first, repeats, until, days", [
    (date(2026, 1, 31), Repeats.NEVER, date(2026, 12, 31), ["01-31"]),
    (date(2026, 1, 31), Repeats.WEEKLY, date(2026, 2, 14), ["01-31", "02-07", "02-14"]),
    (date(2026, 1, 31), Repeats.WEEKLY, date(2026, 2, 13), ["01-31", "02-07"]),
    (date(2026, 1, 31), Repeats.MONTHLY_DAY, date(2026, 5, 31), ["01-31", "03-31", "05-31"]),
    (date(2026, 11, 14), Repeats.MONTHLY_DAY, date(2027, 1, 20), ["11-14", "12-14", "01-14"]),
    (date(2026, 1, 10), Repeats.MONTHLY_WEEKDAY, date(2026, 4, 30), ["01-10", "02-14", "03-14", "04-11"]),  # second Saturday
    (date(2026, 1, 29), Repeats.MONTHLY_WEEKDAY, date(2026, 7, 31), ["01-29", "04-30", "07-30"]),  # fifth Thursday
    (date(2026, 3, 1), Repeats.WEEKLY, date(2026, 2, 1), ["03-01"]),
])  # fmt: skip
def test_days_of_what_repeats(first: date, repeats: Repeats, until: date, days: list[str]) -> None:
    assert [f"{day:%m-%d}" for day in dates_of(first, repeats, until)] == days


def test_there_are_so_many_dates_and_no_more() -> None:
    first = date(2026, 1, 1)
    last = date.fromordinal(first.toordinal() + 7 * (EVENT_DATES_MAX - 1))
    assert len(dates_of(first, Repeats.WEEKLY, last)) == EVENT_DATES_MAX
    with pytest.raises(TooManyDates):
        dates_of(first, Repeats.WEEKLY, date.fromordinal(last.toordinal() + 7))
