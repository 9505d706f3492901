"""Reading what was typed of an event or a lift: its days and times, its places, and how much. Source: docs/pages.md 7.2, 8.16.

Days and times are those of the scheme's clock on the wall.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, time, timedelta

from node.services.event_days import NoSuchDate, TooManyDates, moment_of
from node.web.amounts import Unreadable, parse_amount
from node.web.context import Context
from node.web.dates import local
from node.web.forms import Filled, Form, amount_sentence, line, paragraphs
from protocol.errors import InvalidValue
from protocol.event import Plan
from protocol.limits import AMOUNT_MAX, DAY_MS, EVENT_AHEAD_MS_MAX, EVENT_DATES_MAX


class TimedForm(Form):
    """What is typed of everything that takes place."""

    title: line(80, 1)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    text: paragraphs(2000)  # type: ignore[valid-type]  # as above
    where: line(80, 1)  # type: ignore[valid-type]  # as above
    day: line(10, 1)  # type: ignore[valid-type]  # as above
    start: line(8, 1)  # type: ignore[valid-type]  # as above
    end: line(8, 1)  # type: ignore[valid-type]  # as above
    until: line(10)  # type: ignore[valid-type]  # as above
    places: line(3)  # type: ignore[valid-type]  # as above
    amount: line(40)  # type: ignore[valid-type]  # as above
    pays: line(10)  # type: ignore[valid-type]  # as above


def read_day(text: str) -> date | None:
    """Return the day that "2026-03-07" names."""
    try:
        return date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        return None


def read_time(text: str) -> time | None:
    """Return the time that "10:30", "9:05" or "10:30:00" names; seconds count for nothing."""
    found = re.fullmatch(r"([0-9]{1,2})[:.]([0-9]{2})(:[0-9]{2})?", text)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        return None
    return time(int(found[1]), int(found[2]))


def plans_of(
    context: Context,
    form: TimedForm,
    filled: Filled,
    *,
    most: int,
    once: bool,
    dates: Callable[[date, date], tuple[date, ...]],
    plan: Callable[[int | None, int], Plan],
) -> list[Plan] | Filled:
    """Return what was typed, one plan for each of its dates, or the form again with what is wrong.

    `most` places there may be; `dates` makes days of the first and the last, and `plan` a plan of no time yet of
    places and amount.
    """
    _ = context.words.gettext
    day, start, end = read_day(form.day), read_time(form.start), read_time(form.end)
    if day is None:
        filled = filled.with_error("day", _("Please write the day like 2026-03-07."))
    for name, at in (("start", start), ("end", end)):
        if at is None:
            filled = filled.with_error(name, _("Please write the time like 10:30."))
    amount = _amount(context, form)
    if isinstance(amount, str):
        filled = filled.with_error("amount", amount)
    places = _places(form.places, most)
    if places is None and form.places:
        filled = filled.with_error("places", _("Please write a number from 1 to %(most)d.") % {"most": most})
    if filled.errors or day is None or start is None or end is None or isinstance(amount, str):
        return filled
    days = _days(context, form, day, filled, once=once, dates=dates)
    if isinstance(days, Filled):
        return days
    try:
        made = plan(places, amount)
    except InvalidValue:  # letters of other scripts take several bytes each
        return filled.with_error("", _("This is too long. Please make the title or the text shorter."))
    try:
        return [_at(made, each, start, end, context) for each in days]
    except InvalidValue:  # in the hour that is skipped as summer time begins
        return filled.with_error("end", _("It ends before it begins."))


def _amount(context: Context, form: TimedForm) -> int | str:
    """Return how much, or what is wrong with it."""
    if form.pays == "nobody":
        return 0
    amount = parse_amount(form.amount, context.unit, most=AMOUNT_MAX)
    if isinstance(amount, Unreadable):
        return amount_sentence(amount, form.amount, context.unit, AMOUNT_MAX, context.words)
    return amount


def _places(typed: str, most: int) -> int | None:
    """Return how many places, or None for none or no number in range."""
    fits = typed.isascii() and typed.isdigit() and 1 <= int(typed) <= most
    return int(typed) if fits else None


def _days(
    context: Context,
    form: TimedForm,
    first: date,
    filled: Filled,
    *,
    once: bool,
    dates: Callable[[date, date], tuple[date, ...]],
) -> tuple[date, ...] | Filled:
    """Return all dates, or the form again."""
    _ = context.words.gettext
    today = local(context.now_ms, context.zone).date()
    furthest = today + timedelta(milliseconds=EVENT_AHEAD_MS_MAX)
    if not today <= first < furthest:
        return filled.with_error(
            "day",
            _("Please choose a day within the next %(num)d days.") % {"num": EVENT_AHEAD_MS_MAX // DAY_MS},
        )
    until = first if once else read_day(form.until)
    if until is None or not first <= until < furthest:
        return filled.with_error("until", _("Please choose a last day, after the first one, within a year."))
    try:
        return dates(first, until)
    except NoSuchDate:
        return filled.with_error("until", _("None of the weekdays you ticked is in that time."))
    except TooManyDates:
        return filled.with_error(
            "until", _("It can repeat %(num)d times at most.") % {"num": EVENT_DATES_MAX}
        )


def _at(plan: Plan, day: date, start: time, end: time, context: Context) -> Plan:
    """Return the plan on one day; an end earlier than the beginning is on the next."""
    last = day if end > start else day + timedelta(days=1)
    return replace(plan, starts=moment_of(day, start, context.zone), ends=moment_of(last, end, context.zone))
