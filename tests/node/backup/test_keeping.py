"""Which backups stay, and when the next is due. Source: docs/backup.md."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from node.backup.keeping import CLOCKS_DIFFER_MS, Rule, file_name, is_due, to_remove
from protocol.limits import DAY_MS
from tests.builders import NOW

HOUR_MS = DAY_MS // 24
moments = st.lists(st.integers(0, 900).map(lambda hours: NOW - hours * HOUR_MS), unique=True, max_size=60)
rules = st.builds(Rule, daily=st.integers(1, 10), weekly=st.integers(0, 6), monthly=st.integers(0, 13))


def day(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, tz=UTC):%Y-%m-%d}"


def test_a_year_of_daily_backups_leaves_seven_days_four_weeks_and_twelve_months() -> None:
    last = datetime(2026, 11, 26, 3, tzinfo=UTC)  # a Thursday
    days = [int((last - timedelta(days=back)).timestamp() * 1000) for back in range(400)]

    kept = sorted(day(each) for each in set(days) - to_remove(days, Rule()))

    week = [f"2026-11-{each}" for each in range(20, 27)]
    sundays = ["2026-11-15", "2026-11-08"]  # and those of the two weeks that the seven days touch
    months = [
        "2025-12-31", "2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30", "2026-07-31",
        "2026-08-31", "2026-09-30", "2026-10-31",
    ]  # fmt: skip
    assert kept == sorted([*week, *sundays, *months])


@given(moments, rules)
def test_the_newest_always_stays_and_never_more_than_the_rule_says(times: list[int], rule: Rule) -> None:
    kept = set(times) - to_remove(times, rule)

    assert not times or max(times) in kept
    assert len(kept) <= rule.daily + rule.weekly + rule.monthly
    assert to_remove(sorted(kept), rule) == set()  # a second look finds nothing more


@given(moments, rules)
def test_each_of_the_last_days_keeps_its_newest(times: list[int], rule: Rule) -> None:
    kept = set(times) - to_remove(times, rule)

    by_day: dict[str, int] = {}
    for each in times:
        by_day[day(each)] = max(each, by_day.get(day(each), 0))
    assert {by_day[each] for each in sorted(by_day)[-rule.daily :]} <= kept


def test_a_node_that_stood_still_for_a_year_loses_none_for_it() -> None:
    old = [NOW - (400 + back) * DAY_MS for back in range(5)]
    assert to_remove([*old, NOW], Rule()) == set()


def test_one_a_day_is_made_and_one_from_the_future_holds_nothing_up() -> None:
    assert is_due(None, NOW)
    assert not is_due(NOW, NOW)
    assert not is_due(NOW - 23 * HOUR_MS, NOW)
    assert is_due(NOW - DAY_MS, NOW)
    assert not is_due(NOW + CLOCKS_DIFFER_MS, NOW)
    assert is_due(NOW + DAY_MS, NOW)


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_names_sort_as_their_moments_do(one: int, other: int) -> None:
    first, second = sorted((one, other))
    assert file_name("lets1abcdefghijk", first) <= file_name("lets1abcdefghijk", second)
