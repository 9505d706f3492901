"""When a thing is free, and asking for it: the month, the form, the check page. Nothing is asked before the check page.

Source: docs/pages.md 7.2, 8.5; docs/protocol.md 5.9.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date
from typing import Final, cast
from urllib.parse import urlencode

from aiohttp import web

from node.services.booking_rows import taking
from node.services.bookings import CannotBook, NewBooking, UnfitPeriod, Why, whole_price
from node.services.thing_rows import Thing, read_thing
from node.wall import DAY_HOURS, day_of, first_hour
from node.web import dates
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import Filled, Form, SpendForm, line, once_key
from node.web.pages.booking_month import (
    MONTHS,
    Month,
    hour_options,
    hours_of_day,
    month_href,
    month_of,
    months_between,
    read_day,
    weekday,
)
from node.web.pages.booking_words import cannot_words, terms_facts, unfit_words
from node.web.pages.listings import ShownListing, find_listing, price_words
from node.web.pages.recording import ring, stopped
from node.web.pages.thing_owners import not_for_you, owner_facts
from node.web.period_words import period_words
from node.web.present import Voice, first_name
from node.web.views.booking import BookingCheckView, CalendarView, Step
from node.web.views.page import Fact, Link
from protocol.booking import BookingTerms, Period, Unfit, check_period
from protocol.errors import InvalidValue
from protocol.limits import BOOKING_GUESTS_MAX, BOOKING_WORDS_CHARACTERS_MAX

FIELDS: Final = ("from", "from_hour", "until", "until_hour", "guests", "text")


class WhenForm(Form):
    """From when until when; `from` is a word of Python and is read beside it."""

    from_hour: line(2)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    until: line(10)  # type: ignore[valid-type]  # as above
    until_hour: line(2)  # type: ignore[valid-type]  # as above
    guests: line(3)  # type: ignore[valid-type]  # as above
    text: line(BOOKING_WORDS_CHARACTERS_MAX)  # type: ignore[valid-type]  # as above


class BookForm(SpendForm):
    """The check page's button: what it showed, as it was understood."""

    start: line(9, 1)  # type: ignore[valid-type]  # as above
    end: line(9, 1)  # type: ignore[valid-type]  # as above
    guests: line(3)  # type: ignore[valid-type]  # as above
    text: line(BOOKING_WORDS_CHARACTERS_MAX)  # type: ignore[valid-type]  # as above
    terms: line(80)  # type: ignore[valid-type]  # as above
    price: line(20)  # type: ignore[valid-type]  # as above
    in_line: line(3)  # type: ignore[valid-type]  # as above
    aside: line(20)  # type: ignore[valid-type]  # as above


@dataclass(frozen=True, slots=True)
class Bookable:
    """A thing that can be booked, and the wall hour it is."""

    shown: ShownListing
    terms: BookingTerms
    now_hour: int
    thing: Thing | None  # whose it is
    only_for: str  # the group whose people alone book it, where the reader is not in it

    @property
    def path(self) -> str:
        """Its page."""
        return f"/l/{self.shown.id}"


async def _find(context: Context) -> Bookable:
    """Return the thing an address names. Raises NoSuchPage."""
    shown = await find_listing(context, context.part("id"))
    if shown.owner is None or shown.content.terms is None:
        raise NoSuchPage
    thing = await context.read(read_thing, shown.key)
    only_for = await context.read(not_for_you, shown.key, context.member.no)
    return Bookable(shown, shown.content.terms, context.node.bookings.wall(context.now_ms), thing, only_for)


# --- The month ----------------------------------------------------------------------------------------------


async def when(context: Context) -> web.Response:
    """GET /l/{id}/when?month&from"""
    found = await _find(context)
    chosen = read_day(context.query("from"))
    form = {"from": "" if chosen is None else chosen.isoformat(), "from_hour": "9", "until_hour": "10"}
    if chosen is not None and found.terms.step != "night":
        form["until"] = chosen.isoformat()
    return context.show(await _view(context, found, Filled(form), chosen))


async def _view(context: Context, found: Bookable, form: Filled, chosen: date | None) -> CalendarView:
    voice, terms, today = context.voice, found.terms, day_of(found.now_hour)
    month = month_of(context.query("month"), chosen, today)
    last = date(month.year, month.month, calendar.monthrange(month.year, month.month)[1])
    shown = Period(first_hour(month), first_hour(last) + 2 * DAY_HOURS)
    taken = await context.read(taking, found.shown.key, shown)
    owner, here, cannot = found.shown.owner, f"{found.path}/when", _cannot(context, found)
    assert owner is not None, "found so"
    cells = Month(
        path=here, terms=terms, now_hour=found.now_hour, account_no=context.member.account_no, taken=taken,
        can_ask=not cannot, chosen=chosen,
    )  # fmt: skip
    return CalendarView(
        title=found.shown.content.title,
        listing_href=found.path,
        facts=(
            Fact(label=context.words.gettext("Price"), text=price_words(found.shown.content.price, voice)),
            *terms_facts(terms, voice),
            *(() if found.thing is None else owner_facts(found.thing, voice)),
        ),
        month=dates.month_of(month, voice.words),
        weekdays=tuple(weekday(number, voice) for number in range(7)),
        before=month.weekday(),
        days=tuple(cells.cell(month.replace(day=number), voice) for number in range(1, last.day + 1)),
        previous_href=month_href(here, month, -1) if month > today.replace(day=1) else "",
        next_href=month_href(here, month, 1) if months_between(today, month) < MONTHS else "",
        hours=() if chosen is None or terms.step != "hour" else hours_of_day(taken, chosen, voice),
        chosen="" if chosen is None else dates.long_day(chosen, context.words),
        step=cast(Step, terms.step),
        own=owner.no == context.member.no,
        cannot=cannot,
        form=form,
        first_hours=hour_options(range(DAY_HOURS), voice),
        last_hours=hour_options(range(1, DAY_HOURS + 1), voice),
        guests_max=terms.guests,
        action=f"{found.path}/when",
    )


def _cannot(context: Context, found: Bookable) -> str:
    """Return why nothing can be asked for now; "" where it can."""
    _, owner = context.words.gettext, found.shown.owner
    assert owner is not None
    if not context.member.may_trade:
        return _("Your membership is paused, so you cannot ask for things now.") + " " + ring(context)
    if not owner.may_trade:
        return _("%(name)s cannot trade just now.") % {"name": owner.name}
    if found.only_for:
        return _("Only those in “%(group)s” may book this.") % {"group": found.only_for}
    return ""


# --- Asking -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wish:
    """What was typed, understood."""

    period: Period
    guests: int
    text: str


def understand(context: Context, found: Bookable) -> Wish | Filled:
    """Return what was asked for, or the form with what is wrong."""
    values = {name: context.fields.get(name, "") for name in FIELDS}
    form, filled, _ = context.form(WhenForm), Filled(values), context.words.gettext
    if isinstance(form, Filled):
        return Filled(values, form.errors)
    first, last = read_day(values["from"]), read_day(form.until)
    if first is None:
        return filled.with_error("from", _("Please choose a day."))
    if last is None:
        if found.terms.step != "hour" or form.until:
            return filled.with_error("until", _("Please choose a day."))
        last = first
    guests = _number(form.guests or "0", BOOKING_GUESTS_MAX)
    start, end = _start_end(found.terms, form, first, last)
    try:
        period = Period(start, end)
    except InvalidValue:
        return filled.with_error("until", _("The end is before the beginning."))
    own = found.shown.owner is not None and found.shown.owner.no == context.member.no
    if own and found.terms.guests:
        guests = 1
    unfit = Unfit.GUESTS if guests is None else check_period(found.terms, period, guests, found.now_hour)
    if unfit is not None or guests is None:
        return filled.with_error(*unfit_words(unfit or Unfit.GUESTS, found.terms, context.voice))
    return Wish(period, guests, form.text)


def _start_end(terms: BookingTerms, form: WhenForm, first: date, last: date) -> tuple[int, int]:
    """Return the hours from which until which a thing is asked for: of days the last is included, of nights it is left."""
    match terms.step:
        case "hour":
            start, end = _number(form.from_hour, DAY_HOURS), _number(form.until_hour, DAY_HOURS)
            return first_hour(first) + (start or 0), first_hour(last) + (end or 0)
        case "day":
            return first_hour(first), first_hour(last) + DAY_HOURS
        case _:
            return first_hour(first) + terms.begins_at, first_hour(last) + terms.begins_at


def _number(text: str, most: int) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and int(text) <= most else None


async def when_sent(context: Context) -> web.Response:
    """POST /l/{id}/when: on to the check page."""
    found = await _find(context)
    wish = understand(context, found)
    if isinstance(wish, Filled):
        chosen = read_day(wish.value("from"))
        return context.show(await _view(context, found, wish, chosen), 422)
    return context.show(await _check_view(context, found, wish))


async def _check_view(context: Context, found: Bookable, wish: Wish) -> BookingCheckView:
    _, voice, content, owner = context.words.gettext, context.voice, found.shown.content, found.shown.owner
    assert owner is not None
    own, price = owner.no == context.member.no, whole_price(content, wish.period)
    taken = bool(await context.read(taking, found.shown.key, wish.period)) and not own
    facts = [Fact(label=_("When"), text=period_words(wish.period, found.terms.step, context.words))]
    if wish.guests and not own:
        people = context.words.ngettext("%(num)d person", "%(num)d people", wish.guests) % {
            "num": wish.guests
        }
        facts.append(Fact(label=_("How many"), text=people))
    if not own:
        facts.append(Fact(label=_("From"), text=owner.name))
        facts += () if found.thing is None else owner_facts(found.thing, voice)
        facts.append(Fact(label=_("Price"), text=price_of_booking(price, voice)))
        if found.terms.deposit:
            facts.append(Fact(label=_("Deposit"), text=voice.spoken(found.terms.deposit)))
    if wish.text and not own:
        facts.append(Fact(label=_("You write"), text=wish.text))
    hidden = {
        "start": str(wish.period.start), "end": str(wish.period.end), "guests": str(wish.guests), "text": wish.text,
        "terms": terms_text(found.terms), "price": "" if price is None else str(price),
        "in_line": "yes" if taken else "",
    }  # fmt: skip
    name = first_name(owner.name)
    return BookingCheckView(
        title=content.title,
        facts=tuple(facts),
        sentences=_check_sentences(context, found, name, taken=taken, own=own),
        button=_button(context, found.terms, name, taken=taken, own=own),
        action=f"{found.path}/book",
        hidden=tuple(hidden.items()),
        once=context.once(),
        change_href=f"{found.path}/when?" + urlencode({"from": day_of(wish.period.start).isoformat()}),
    )


def price_of_booking(price: int | None, voice: Voice) -> str:
    """Return what a booking costs."""
    if price is None:
        return voice.words.gettext("to agree")
    return voice.spoken(price) if price else voice.words.gettext("free")


def terms_text(terms: BookingTerms) -> str:
    """Return terms as the check page sends them on, to see whether they have changed."""
    return f"{terms.step}-{terms.longest}-{terms.deposit}-{int(terms.approval)}-{terms.guests}"


def _check_sentences(
    context: Context, found: Bookable, name: str, *, taken: bool, own: bool
) -> tuple[str, ...]:
    _, said = context.words.gettext, {"name": name, "deposit": context.voice.spoken(found.terms.deposit)}
    if own:
        return (_("Nobody else can have it then."),)
    if taken:
        return (
            _("Somebody else has it then."),
            _("You can wait in line: when it becomes free, we tell you."),
        )
    aside = (_("%(deposit)s are set aside with the yes, and free again when it is back.") % said,)
    deposit = aside if found.terms.deposit else ()
    if found.terms.approval:
        return (_("%(name)s says yes or no. Nothing is fixed before that.") % said, *deposit)
    return (
        _("It is free. %(name)s is not asked first: it is yours when you press the button.") % said,
        *deposit,
    )


def _button(context: Context, terms: BookingTerms, name: str, *, taken: bool, own: bool) -> str:
    _ = context.words.gettext
    if own:
        return _("Keep it for yourself")
    if taken:
        return _("Wait in line")
    return _("Ask %(name)s") % {"name": name} if terms.approval else _("Book it")


async def book(context: Context) -> web.Response:
    """POST /l/{id}/book: ask for it; the same form sent twice asks once."""
    found = await _find(context)
    form = context.form(BookForm)
    if isinstance(form, Filled):
        raise NoSuchPage
    back = Link(text=context.words.gettext("Back to the calendar"), href=f"{found.path}/when")
    title = context.words.gettext("This was not asked")
    try:
        booking = await context.node.bookings.ask(
            new_booking(found, form), context.member, once_key(form.once)
        )
    except CannotBook as no:
        return context.show(stopped(context, title, cannot_words(no.why, context.voice), action=back))
    except UnfitPeriod as no:
        sentence = unfit_words(no.unfit, found.terms, context.voice)[1]
        return context.show(stopped(context, title, sentence, action=back))
    return context.redirect(f"/my/bookings/{booking.no}")


def new_booking(found: Bookable, form: BookForm) -> NewBooking:
    """Return what a check page sent. Raises NoSuchPage: no page of ours did. Raises CannotBook: the terms changed."""
    most = 10**9
    start, end, guests = _number(form.start, most), _number(form.end, most), _number(form.guests or "0", most)
    price = _number(form.price, 2**53) if form.price else None
    if start is None or end is None or guests is None or (form.price and price is None):
        raise NoSuchPage
    if form.terms != terms_text(found.terms):
        raise CannotBook(Why.CHANGED)
    try:
        period = Period(start, end)
    except InvalidValue:
        raise NoSuchPage from None
    return NewBooking(
        key=found.shown.key, period=period, guests=guests, text=form.text, terms=found.terms, price=price,
        in_line=form.in_line == "yes",
    )  # fmt: skip


ROUTES: Final = (
    get("/l/{id}/when", when, MEMBER),
    post("/l/{id}/when", when_sent, MEMBER),
    post("/l/{id}/book", book, MEMBER),
)
