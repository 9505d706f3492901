"""A month of a thing that is lent or let: each day with its word, and the hours of one day. Source: docs/pages.md 7.2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from babel.dates import format_date

from node.services.booking_rows import Booking
from node.wall import DAY_HOURS, first_hour
from node.web import dates
from node.web.period_words import hour_words
from node.web.present import Voice
from node.web.views.booking import DayCell
from node.web.views.page import Fact, Option
from protocol.booking import BookingTerms, Period
from protocol.limits import BOOKING_AHEAD_HOURS_MAX

MONTHS: Final = 12


def read_day(text: str) -> date | None:
    """Return a day as date fields send it."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def month_of(asked: str, chosen: date | None, today: date) -> date:
    """Return the first day of the month to show, not before this one nor after next year's."""
    wanted = read_day(f"{asked}-01") or chosen or today
    wanted = wanted.replace(day=1)
    return wanted if 0 <= months_between(today, wanted) <= MONTHS else today.replace(day=1)


def months_between(one: date, other: date) -> int:
    """Return how many months after one day's the other's is."""
    return (other.year - one.year) * 12 + other.month - one.month


def month_href(path: str, month: date, step: int) -> str:
    """Return where the month so many after another is shown."""
    number = month.year * 12 + month.month - 1 + step
    return f"{path}?month={number // 12:04}-{number % 12 + 1:02}"


def weekday(number: int, voice: Voice) -> str:
    """Return "Mon"; 5 January 1970 was a Monday."""
    return format_date(date(1970, 1, 5 + number), "ccc", locale=voice.language.replace("-", "_"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """For whom a month is written, and of what."""

    path: str  # of the calendar
    terms: BookingTerms
    now_hour: int
    account_no: int  # the reader's
    taken: Sequence[Booking]
    can_ask: bool
    chosen: date | None

    def cell(self, day: date, voice: Voice) -> DayCell:
        """Return what a day is: free, taken, partly taken, or the reader's own."""
        _, number, spoken = voice.words.gettext, str(day.day), dates.long_day(day, voice.words)
        start = first_hour(day) + self.terms.begins_at
        period = Period(start, start + DAY_HOURS)
        if period.end <= self.now_hour or period.end > self.now_hour + BOOKING_AHEAD_HOURS_MAX:
            return DayCell(number=number, spoken=spoken, word="")
        met = [each for each in self.taken if each.period.overlaps(period)]
        word, tone = self._word(met, period, voice)
        href = f"{self.path}?from={day.isoformat()}#ask" if self.can_ask else ""
        return DayCell(
            number=number, spoken=spoken, word=word, tone=tone, href=href, chosen=day == self.chosen
        )

    def _word(
        self, met: Sequence[Booking], period: Period, voice: Voice
    ) -> tuple[str, Literal["free", "taken", "mine"]]:
        _ = voice.words.gettext
        if any(each.borrower_no == self.account_no for each in met):
            return _("yours"), "mine"
        if not met:
            return voice.words.pgettext("time", "free"), "free"
        return (_("taken"), "taken") if _taken_hours(met, period) == DAY_HOURS else (_("partly"), "free")


def _taken_hours(met: Sequence[Booking], period: Period) -> int:
    """Return how many hours of a period are taken; no two bookings share one."""
    return sum(min(each.period.end, period.end) - max(each.period.start, period.start) for each in met)


def hours_of_day(taken: Sequence[Booking], day: date, voice: Voice) -> tuple[Fact, ...]:
    """Return the hours of a day: from when until when it is free, and taken."""
    _, start, words = voice.words.gettext, first_hour(day), voice.words
    facts, at, end = [], start, start + DAY_HOURS
    free = words.pgettext("time", "free")

    def run(first: int, last: int, word: str) -> None:
        label = _("%(first)s to %(last)s") % {
            "first": hour_words(first, words),
            "last": hour_words(last, words),
        }
        facts.append(Fact(label=label, text=word))

    for each in taken:
        first, last = max(each.period.start, start), min(each.period.end, end)
        if first >= last:
            continue
        if at < first:
            run(at, first, free)
        run(first, last, _("taken"))
        at = last
    if at < end:
        run(at, end, free)
    return tuple(facts)


def hour_options(hours: range, voice: Voice) -> tuple[Option, ...]:
    """Return the hours of a day to choose from."""
    midnight = voice.words.gettext("midnight")
    return tuple(
        Option(value=str(hour), text=hour_words(hour, voice.words) if hour < DAY_HOURS else midnight) for hour in hours
    )  # fmt: skip
