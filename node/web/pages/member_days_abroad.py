"""Asking for a thing of another scheme for some days, hours or nights: the form, the check page, and the request.

Its calendar is in its owner's scheme, which says what is free; nothing is asked before the check page.
Source: docs/protocol.md 5.9, 7.10; docs/pages.md 7.2, 8.18.
"""

from __future__ import annotations

from typing import Final, cast
from urllib.parse import urlencode

from aiohttp import web

from node.services.booking_rows import CannotBook, Why
from node.services.bookings import whole_price
from node.services.requests_abroad import CannotRequest, NewRequest
from node.wall import DAY_HOURS, day_of
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import Filled
from node.web.pages.abroad_words import cannot_ask
from node.web.pages.booking_month import hour_options, read_day
from node.web.pages.booking_words import cannot_words, terms_facts
from node.web.pages.listings import find_listing, neighbours_price, price_here
from node.web.pages.member_calendar import (
    Bookable,
    BookForm,
    Wish,
    new_booking,
    price_of_booking,
    terms_text,
    understand,
)
from node.web.pages.recording import paused, stopped
from node.web.period_words import period_words
from node.web.present import OtherScheme, first_name
from node.web.views.booking import BookingCheckView, DaysAbroadView, Step
from node.web.views.page import Fact, Link
from protocol.booking import BookingTerms


async def _find(context: Context) -> tuple[Bookable, OtherScheme]:
    """Return the thing of another scheme that an address names. Raises NoSuchPage: it is not booked from here."""
    shown = await find_listing(context, context.part("id"))
    terms = shown.content.terms
    if shown.other is None or terms is None:
        raise NoSuchPage
    now_hour = context.node.bookings.wall(context.now_ms)
    return Bookable(shown, terms, now_hour, thing=None, only_for=""), shown.other


async def days(context: Context) -> web.Response:
    """GET /l/{id}/days?from"""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    chosen = read_day(context.query("from"))
    form = {"from": "" if chosen is None else chosen.isoformat(), "from_hour": "9", "until_hour": "10"}
    return context.show(_view(context, *await _find(context), Filled(form)))


def _view(context: Context, found: Bookable, other: OtherScheme, form: Filled) -> DaysAbroadView:
    voice, _ = context.voice, context.words.gettext
    about, theirs = neighbours_price(found.shown.content.price, other, context.node.settings.rate(), voice)
    price = f"{theirs} ({about})" if theirs else about
    return DaysAbroadView(
        title=found.shown.content.title,
        listing_href=found.path,
        lines=(
            _("%(scheme)s knows what is free, and answers when it has read your question.") % {"scheme": other.name},
        ),
        facts=(Fact(label=_("Price"), text=price), *terms_facts(found.terms, voice, other.unit)),
        step=cast(Step, found.terms.step),
        form=form,
        first_hours=hour_options(range(DAY_HOURS), voice),
        last_hours=hour_options(range(1, DAY_HOURS + 1), voice),
        guests_max=found.terms.guests,
        action=f"{found.path}/days",
    )  # fmt: skip


async def days_sent(context: Context) -> web.Response:
    """POST /l/{id}/days: on to the check page."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    found, other = await _find(context)
    wish = understand(context, found)
    if isinstance(wish, Filled):
        return context.show(_view(context, found, other, wish), 422)
    return context.show(_check_view(context, found, other, wish))


def _check_view(context: Context, found: Bookable, other: OtherScheme, wish: Wish) -> BookingCheckView:
    _, terms, content = context.words.gettext, found.terms, found.shown.content
    price, name = whole_price(content, wish.period), first_name(found.shown.owner_name) or _("Somebody")
    facts = [Fact(label=_("When"), text=period_words(wish.period, terms.step, context.words))]
    if wish.guests:
        people = context.words.ngettext("%(num)d person", "%(num)d people", wish.guests)
        facts.append(Fact(label=_("How many"), text=people % {"num": wish.guests}))
    facts.append(Fact(label=_("From"), text=f"{name} ({other.name})"))
    facts.append(Fact(label=_("Price"), text=_price_words(context, price, other)))
    aside = _aside(context, terms, other)
    if terms.deposit:
        facts.append(Fact(label=_("Deposit"), text=_price_words(context, terms.deposit, other)))
    if wish.text:
        facts.append(Fact(label=_("You write"), text=wish.text))
    hidden = {
        "start": str(wish.period.start), "end": str(wish.period.end), "guests": str(wish.guests), "text": wish.text,
        "terms": terms_text(terms), "price": "" if price is None else str(price), "in_line": "yes",
        "aside": str(aside or 0),
    }  # fmt: skip
    said = {"name": name, "scheme": other.name}
    sentences = [
        _("%(name)s says yes or no. Nothing is fixed before that.") % said
        if terms.approval
        else _("If it is free then, it is yours at once, and you are told."),
        _("If somebody else has it then, you wait in line."),
    ]
    if terms.step == "hour":
        sentences.append(_("The hours are those of the clock in %(scheme)s.") % said)
    if aside:
        held = {"deposit": context.voice.spoken(aside)}
        sentences += (
            _("%(deposit)s of yours are set aside with the yes, and free again when it is back.") % held,
            _("Where that cannot be done by then, it is not yours, and you are told."),
        )
    if price != 0:
        sentences.append(_("Nothing is paid now. You pay %(name)s when it is over.") % said)
    return BookingCheckView(
        title=content.title,
        facts=tuple(facts),
        sentences=tuple(sentences),
        button=_("Ask %(name)s") % said if terms.approval else _("Book it"),
        action=f"{found.path}/days/ask",
        hidden=tuple(hidden.items()),
        once=context.once(),
        change_href=f"{found.path}/days?" + urlencode({"from": day_of(wish.period.start).isoformat()}),
    )


def _price_words(context: Context, price: int | None, other: OtherScheme) -> str:
    """Return what a time costs, in the owner's units and about what that is here."""
    if not price:
        return price_of_booking(price, context.voice)
    here, theirs = (
        price_here(price, other, context.node.settings.rate()),
        context.voice.spoken(price, other.unit),
    )
    if here is None:
        return theirs
    about = context.words.gettext("about %(amount)s") % {"amount": context.voice.short(here)}
    return f"{theirs} ({about})"


def _aside(context: Context, terms: BookingTerms, other: OtherScheme) -> int | None:
    """Return what is set aside here for a deposit; 0 where none is asked, None where their rate is not known."""
    return price_here(terms.deposit, other, context.node.settings.rate()) if terms.deposit else 0


async def ask(context: Context) -> web.Response:
    """POST /l/{id}/days/ask: ask for it; the same time asked for twice is asked for once."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    found, other = await _find(context)
    form = context.form(BookForm)
    if isinstance(form, Filled):
        raise NoSuchPage
    back = Link(text=context.words.gettext("Choose a time"), href=f"{found.path}/days")
    title, content = context.words.gettext("This was not asked"), found.shown.content
    try:
        new = new_booking(found, form)
        aside = _aside(context, found.terms, other)
        if aside is None:
            raise CannotBook(Why.NOT_NOW)
        # What is set aside is what was read, whatever the rates do between the two pages.
        if (new.price, form.aside or "0") != (whole_price(content, new.period), str(aside)):
            raise CannotBook(Why.CHANGED)
        await context.node.requests.ask(
            context.member,
            NewRequest(
                scheme=other.scheme, key=new.key, kind=content.kind, title=content.title,
                owner_name=found.shown.owner_name, wanted=new.text, places=new.guests, start=new.period.start,
                end=new.period.end, price=new.price, deposit=found.terms.deposit, aside=aside,
            ),
        )  # fmt: skip
    except CannotBook as no:
        return context.show(stopped(context, title, cannot_words(no.why, context.voice), action=back))
    except CannotRequest as no:
        return context.show(stopped(context, title, cannot_ask(no.why, context.words), action=back))
    return context.redirect("/my/abroad", note="sent")


ROUTES: Final = (
    get("/l/{id}/days", days, MEMBER),
    post("/l/{id}/days", days_sent, MEMBER),
    post("/l/{id}/days/ask", ask, MEMBER),
)
