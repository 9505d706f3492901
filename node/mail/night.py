"""When mail rests: from ten in the evening until eight in the morning, by the scheme's clock on the wall. Source: docs/pages.md 9."""

from __future__ import annotations

from datetime import time, timedelta, tzinfo
from typing import Final

from node.services.event_days import moment_of
from node.web.dates import local

MORNING: Final = time(8)
EVENING: Final = time(22)


def is_night(moment_ms: int, zone: tzinfo) -> bool:
    """Tell whether mail rests at a moment."""
    return not MORNING <= local(moment_ms, zone).time() < EVENING


def after_night(moment_ms: int, zone: tzinfo) -> int:
    """Return the moment itself by day, else the next morning."""
    wall = local(moment_ms, zone)
    if not is_night(moment_ms, zone):
        return moment_ms
    day = wall.date() + timedelta(days=1) if wall.time() >= EVENING else wall.date()
    return moment_of(day, MORNING, zone)
