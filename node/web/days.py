"""Days and times of day as people give them in forms. Browsers ask for them in their own way and send 2026-11-28 and 10:30.

Source: docs/pages.md 8.5, 8.14.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Final

from node.web.dates import local
from node.web.present import Voice

# Nobody agrees on a day further ahead; a listing ends before (5.4).
DAYS_AHEAD_MAX: Final = 400
_TIME: Final = re.compile(r"(\d{1,2})[:.h](\d{2})(?::00)?|(\d{1,2})")


def today(voice: Voice) -> date:
    """Return the day it is in the scheme."""
    return local(voice.now_ms, voice.zone).date()


def parse_day(text: str, voice: Voice) -> date | None:
    """Return a day from today on; None for anything else."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    first = today(voice)
    return day if first <= day <= first + timedelta(days=DAYS_AHEAD_MAX) else None


def parse_time(text: str) -> time | None:
    """Return a time of day, from "10:30", "10.30", "10h30" or "10"; None for anything else."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    hour, minute = int(found[1] or found[3]), int(found[2] or 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def moment_of(day: date, at: time, voice: Voice) -> int:
    """Return the moment at which the scheme's clock on the wall shows that day and time, in ms UTC."""
    return round(datetime.combine(day, at, voice.zone).timestamp() * 1000)


def day_trouble(text: str, voice: Voice) -> str:
    """Return what to tell somebody whose day was not understood."""
    _ = voice.words.gettext
    return _("Please choose a day from today on.") if text else _("Please choose a day.")


def time_trouble(text: str, voice: Voice) -> str:
    """Return what to tell somebody whose time of day was not understood."""
    _ = voice.words.gettext
    return _("Please write a time of day, for example 10:30.") if text else _("Please say at what time.")
