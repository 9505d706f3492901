"""Moments as hours on the scheme's own clock on the wall, which is what bookings are counted in. Source: docs/protocol.md 5.9."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

HOUR_S: Final = 3600
DAY_HOURS: Final = 24
_FIRST_DAY: Final = date(1970, 1, 1)


def wall_hour(moment_ms: int, zone: tzinfo) -> int:
    """Return the hour the clock on the wall shows at a moment, counted from 1 January 1970, 0:00."""
    shown = datetime.fromtimestamp(moment_ms / 1000, UTC).astimezone(zone)
    return first_hour(shown.date()) + shown.hour


def first_hour(day: date) -> int:
    """Return the hour at which a day begins."""
    return (day - _FIRST_DAY).days * DAY_HOURS


def day_of(hour: int) -> date:
    """Return the day an hour belongs to. Raises OverflowError: later than any calendar."""
    return _FIRST_DAY + timedelta(days=hour // DAY_HOURS)
