"""What is planned, agreed or borrowed, as entries of a calendar's file. Source: docs/pages.md 7.2, 8.5."""

from __future__ import annotations

from datetime import time, tzinfo
from typing import Final

from node.services.booking_rows import Booking
from node.services.day_rows import Appointment
from node.services.event_days import moment_of
from node.services.event_rows import Hosted
from node.wall import DAY_HOURS, day_of
from node.web.calendar_file import Entry
from protocol.event import State as EventState
from protocol.limits import HOUR_MS
from protocol.names import SchemeId

DAY_TAKES_HOURS: Final = 1  # what an agreed day takes up in a calendar


def event_entry(hosted: Hosted) -> Entry:
    """Return an event."""
    plan = hosted.event.plan
    return Entry(
        uid=hosted.key.hex(), title=plan.title, text=plan.text, place=plan.where, starts=plan.starts, ends=plan.ends,
        changed=hosted.changed_ms, cancelled=hosted.event.state is EventState.CANCELLED,
    )  # fmt: skip


def day_entry(day: Appointment) -> Entry:
    """Return a day that two agreed."""
    return Entry(
        uid=day.id.hex(), title=day.what, place=day.place, starts=day.at_ms, ends=day.at_ms + DAY_TAKES_HOURS * HOUR_MS,
        changed=day.changed_ms,
    )  # fmt: skip


def booking_entry(booking: Booking, title: str, own: SchemeId, zone: tzinfo) -> Entry:
    """Return a booking of the scheme `own`, called `title`; its hours are those of the clock on the wall."""
    return Entry(
        uid=f"{own.hex()[:16]}-booking-{booking.no}", title=title, starts=_moment(booking.period.start, zone),
        ends=_moment(booking.period.end, zone), changed=booking.changed_ms,
    )  # fmt: skip


def _moment(hour: int, zone: tzinfo) -> int:
    return moment_of(day_of(hour), time(hour % DAY_HOURS), zone)
