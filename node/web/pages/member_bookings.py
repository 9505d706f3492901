"""What a member borrows and lends: the list, and one booking with what can be done with it now.

A booking opens only for its two sides; for everybody else there is no such page. Source: docs/pages.md 7.2, 8.5; docs/protocol.md 5.9.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from node.services.booking_guests import Guest
from node.services.bookings import Booking, CannotBook
from node.services.request_rows import newest_requests
from node.web.amounts import Unreadable, as_typed, parse_amount
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import EMPTY, Filled, SpendForm, amount_sentence, line, once_key
from node.web.listing_names import listing_id
from node.web.pages.abroad_words import asked_row
from node.web.pages.booking_pictures import condition_part, take_condition
from node.web.pages.booking_sides import Shown, read_all, read_one
from node.web.pages.booking_words import (
    act_words,
    booking_pill,
    cannot_words,
    deposit_sentence,
    is_unheld,
    row_title,
    sentences_of,
    when_words,
)
from node.web.pages.member_calendar import price_of_booking
from node.web.pages.pictures_shown import post_picture
from node.web.pages.recording import stopped
from node.web.pages.schemes import schemes_known
from node.web.present import Voice
from node.web.views.booking import ActForm, BookingRow, BookingsView, BookingView
from node.web.views.member import WaitingCard
from node.web.views.page import Fact, Link
from protocol.booking import DAY_HOURS, MAY, TRANSITIONS, BookingEvent, BookingState, Side
from protocol.deposit import MAY as MAY_DEPOSIT
from protocol.deposit import DepositEvent, DepositState, Hand
from protocol.limits import AMOUNT_MAX, BOOKING_WORDS_CHARACTERS_MAX

S, E = BookingState, BookingEvent
# The words by which addresses name what can be done.
ACTS: Final = {
    "yes": E.AGREE,
    "no": E.DECLINE,
    "take-back": E.WITHDRAW,
    "call-off": E.CANCEL,
    "handed-over": E.HAND_OVER,
    "brought-back": E.BRING_BACK,
    "not-back": E.MISS,
    "back": E.TAKE_BACK,
}


# And those about the deposit, once the thing is back.
DEPOSIT_ACTS: Final = {"keep": DepositEvent.KEEP, "let-go": DepositEvent.FREE}
BROKEN: Final = "back-broken"  # it is back, and some of the deposit is asked for


class SaidForm(SpendForm):
    """What is said with an act."""

    words: line(BOOKING_WORDS_CHARACTERS_MAX)  # type: ignore[valid-type]  # `line` makes the type of a field
    amount: line(40)  # type: ignore[valid-type]  # as above


async def _find(context: Context) -> Shown:
    shown = await context.read(read_one, context.number("number"), context.member.account_no, context.now_ms)
    if shown is None:
        raise NoSuchPage
    return shown


# --- The list -----------------------------------------------------------------------------------------------


async def bookings(context: Context) -> web.Response:
    """GET /my/bookings"""
    me = context.member.account_no
    lent, borrowed, waiting = await context.read(read_all, me, context.now_ms)
    asked = [each for each in await context.read(newest_requests, me) if each.start is not None]
    schemes = await schemes_known(context) if asked else {}
    now_hour = context.node.bookings.wall(context.now_ms)

    def row(shown: Shown) -> BookingRow:
        booking = shown.booking
        return BookingRow(
            href=f"/my/bookings/{booking.no}",
            text=row_title(booking, shown.short, shown.side, now_hour, context.voice),
            when=when_words(booking, context.voice),
            state=booking_pill(booking, now_hour, context.voice),
        )

    return context.show(
        BookingsView(
            for_me=tuple(row(each) for each in waiting if waits_for(each, now_hour)),
            borrowed=tuple(row(each) for each in borrowed),
            abroad=tuple(asked_row(each, schemes, context.words) for each in asked),
            lent=tuple(row(each) for each in lent),
        )
    )


def waits_for(shown: Shown, now_hour: int) -> bool:
    """Tell whether a booking waits for the reader."""
    stands = shown.booking.stands(now_hour)
    if shown.booking.own_use:
        return False
    if shown.side is Side.OWNER:
        return stands in (S.ASKED, S.BROUGHT_BACK, S.OVERDUE)
    return stands is S.OVERDUE or shown.booking.deposit_state is DepositState.ASKED


def booking_cards(open_now: Iterable[Shown], now_hour: int, voice: Voice) -> list[WaitingCard]:
    """Return the cards of a member's first page: what waits for them, and what begins or ends within a day."""
    cards = []
    for shown in open_now:
        booking, stands = shown.booking, shown.booking.stands(now_hour)
        soon = booking.period.start <= now_hour + DAY_HOURS and stands is S.AGREED
        ends = booking.period.end <= now_hour + DAY_HOURS and stands is S.HANDED_OVER
        if not waits_for(shown, now_hour) and (booking.own_use or not (soon or ends)):
            continue
        _ = voice.words.gettext
        answer = shown.side is Side.OWNER and stands is S.ASKED
        cards.append(
            WaitingCard(
                title=row_title(booking, shown.short, shown.side, now_hour, voice),
                text=when_words(booking, voice),
                action=Link(
                    text=_("Say yes or no") if answer else _("See what to do"), href=f"/my/bookings/{booking.no}"
                ),
            )
        )  # fmt: skip
    return cards


# --- One ----------------------------------------------------------------------------------------------------


async def booking_page(context: Context) -> web.Response:
    """GET /my/bookings/{number}"""
    return await _page(context, await _find(context))


async def _page(context: Context, shown: Shown, form: Filled = EMPTY) -> web.Response:
    """Show one; `form` is what was wrong about a picture of how the thing is."""
    condition = await condition_part(context, shown, form)
    return context.show(replace(_view(context, shown), condition=condition), 422 if form.errors else 200)


def _view(context: Context, shown: Shown, wrong: tuple[str, Filled] | None = None) -> BookingView:
    booking, voice = shown.booking, context.voice
    now_hour = context.node.bookings.wall(context.now_ms)
    aside, unheld = deposit_sentence(booking, shown.short, shown.side, voice), is_unheld(booking)
    return BookingView(
        title=booking.title,
        state=booking_pill(booking, now_hour, voice),
        sentences=tuple(
            each
            for each in (
                *sentences_of(booking, shown.short, shown.side, now_hour, voice),
                "" if unheld else aside,
            )
            if each
        ),
        warning=aside if unheld else "",
        facts=_facts(context, shown),
        history=tuple(
            Fact(label=voice.moment(act.at_ms), text=act_words(act, name, booking, voice))
            for act, name in shown.acts
        ),
        acts=_acts(context, shown, booking.stands(now_hour), wrong),
        links=_links(context, shown, booking.stands(now_hour)),
    )


def _facts(context: Context, shown: Shown) -> tuple[Fact, ...]:
    _, booking, voice = context.words.gettext, shown.booking, context.voice
    facts = [Fact(label=_("When"), text=when_words(booking, voice))]
    if booking.own_use:
        return tuple(facts)
    facts.append(Fact(label=_("Who") if shown.side is Side.OWNER else _("From"), text=shown.name))
    if booking.guests:
        people = context.words.ngettext("%(num)d person", "%(num)d people", booking.guests)
        facts.append(Fact(label=_("How many"), text=people % {"num": booking.guests}))
    facts.append(Fact(label=_("Price"), text=price_of_booking(booking.price, voice)))
    if booking.deposit:
        facts.append(Fact(label=_("Deposit"), text=voice.spoken(booking.deposit)))
    if booking.text:
        facts.append(Fact(label=_("In their words"), text=booking.text))
    facts.append(Fact(label=_("Asked"), text=voice.moment(booking.created_ms)))
    return tuple(facts)


def _links(context: Context, shown: Shown, stands: BookingState) -> tuple[Link, ...]:
    """Return where to go from here; what was rented is paid, or asked to be paid, with everything filled in."""
    _, booking, links = context.words.gettext, shown.booking, []
    if shown.other is None or booking.own_use:
        return ()
    if stands in (S.HANDED_OVER, S.OVERDUE, S.BROUGHT_BACK, S.RETURNED) and booking.price != 0:
        amount = as_typed(booking.price, context.unit, context.language) if booking.price else ""
        filled = {"what": booking.title, "amount": amount}
        if isinstance(shown.other, Guest):
            if shown.lists and shown.other.thread_no is not None and context.settings.asks_abroad:
                filled["thread"] = str(shown.other.thread_no)
                links.append(Link(text=_("Ask to be paid"), href="/ask/abroad?" + urlencode(filled)))
            return (*links, *_last_links(shown, _("Message"), _("See the listing")))
        filled["who"] = shown.other.number
        if shown.side is Side.BORROWER:
            to = "/record/what" if shown.account is None else f"/accounts/{shown.account.key.hex()}"
            pay = (
                _("Pay %(amount)s") % {"amount": context.voice.spoken(booking.price)}
                if booking.price
                else _("Pay")
            )
            links.append(Link(text=pay, href=f"{to}?{urlencode(filled)}"))
        elif shown.lists and shown.account is None:
            links.append(Link(text=_("Ask to be paid"), href="/ask/what?" + urlencode(filled)))
    return (*links, *_last_links(shown, _("Message"), _("See the listing")))


def _last_links(shown: Shown, message: str, listing: str) -> tuple[Link, ...]:
    """Return where to write, if this reader can, and to what the booking is of."""
    other, see = shown.other, Link(text=listing, href=f"/l/{listing_id(shown.booking.key)}")
    if isinstance(other, Guest):
        if other.thread_no is None:
            return (see,)
        # It was asked in a conversation with whoever lists it; others who own it begin one of their own.
        own = f"/messages/{other.thread_no}" if shown.lists else f"/my/guests/{shown.booking.no}"
        return (Link(text=message, href=own), see)
    assert other is not None, "else there is nothing to do"
    return (Link(text=message, href=f"/messages/new?to={other.number}"), see)


def _acts(
    context: Context, shown: Shown, stands: BookingState, wrong: tuple[str, Filled] | None
) -> tuple[ActForm, ...]:
    can = [name for name, event in ACTS.items() if event in TRANSITIONS[stands] and shown.side in MAY[event]]
    if shown.booking.own_use:
        can = [name for name in can if name == "call-off"]
    if "back" in can and shown.booking.deposit_state is DepositState.HELD:
        can.append(BROKEN)
    hand = Hand(shown.side.value)
    can += [
        name
        for name, each in DEPOSIT_ACTS.items()
        if shown.booking.deposit_state is DepositState.ASKED and hand in MAY_DEPOSIT[each]
    ]
    return tuple(_act_form(context, shown, name, wrong) for name in can)


def _act_form(context: Context, shown: Shown, name: str, wrong: tuple[str, Filled] | None) -> ActForm:
    _, stay = context.words.gettext, shown.booking.kind == "stay"
    condition, why = _("In what condition is it?"), _("Why? They read it.")
    words = {
        "yes": (_("Yes, they can stay") if stay else _("Yes, they can have it"), "", ""),
        "no": (_("Say no"), why, _("No, not this time")),
        "take-back": (_("Take it back"), "", ""),
        "call-off": (_("Call it off"), "" if shown.booking.own_use else why, _("It does not work out")),
        "handed-over": (
            _("They are here") if stay else _("It is handed over"),
            "" if stay else condition,
            "",
        ),
        "brought-back": (_("I have left") if stay else _("I brought it back"), "" if stay else condition, ""),
        "not-back": (_("No, not yet"), "", ""),
        "back": (_("They have left") if stay else _("I have it back"), "" if stay else condition, ""),
    }
    keep = context.voice.spoken(shown.booking.keep)
    words |= {
        BROKEN: (_("I have it back, and ask for this"), _("What is wrong? They read it."), _("Something is wrong with it")),
        "keep": (_("Yes, %(amount)s may be kept") % {"amount": keep}, "", ""),
        "let-go": (_("Let the deposit go"), "", ""),
    }  # fmt: skip
    if is_unheld(shown.booking):
        without = _("Let them in without a deposit") if stay else _("Hand it over without a deposit")
        words["handed-over"] = (words["handed-over"][0], words["handed-over"][1], without)
    if stay and shown.side is Side.BORROWER:
        words["handed-over"] = (_("I am here"), "", "")
    button, asks, folded = words[name]
    return ActForm(
        name=name,
        action=f"/my/bookings/{shown.booking.no}/{name}",
        button=button,
        once=context.once(),
        amount=_("How much of the deposit do you ask for?") if name == BROKEN else "",
        hint=context.voice.amount_hint() if name == BROKEN else "",
        words=asks,
        folded=folded,
        form=wrong[1] if wrong is not None and wrong[0] == name else Filled({}),
    )


async def _do(context: Context, booking: Booking, name: str, form: SaidForm, keep: int) -> None:
    """Do what a button says. Raises CannotBook."""
    bookings, once = context.node.bookings, once_key(form.once)
    if name in DEPOSIT_ACTS:
        await bookings.settle(
            booking.no, DEPOSIT_ACTS[name], context.member, proved_by=context.actor.proof, once=once
        )
        return
    event = E.TAKE_BACK if name == BROKEN else ACTS[name]
    await bookings.act(booking.no, event, context.member.account_no, words=form.words, keep=keep, once=once)


# --- Acting -------------------------------------------------------------------------------------------------


async def act(context: Context) -> web.Response:
    """POST /my/bookings/{number}/{act}"""
    shown, name = await _find(context), context.part("act")
    if name not in ACTS and name not in DEPOSIT_ACTS and name != BROKEN:
        raise NoSuchPage
    form = context.form(SaidForm)
    if isinstance(form, Filled):
        if "once" in form.errors:
            raise NoSuchPage
        return context.show(_view(context, shown, (name, form)), 422)
    keep = parse_amount(form.amount, context.unit, most=AMOUNT_MAX) if name == BROKEN else 0
    if isinstance(keep, Unreadable):
        sentence = amount_sentence(keep, form.amount, context.unit, AMOUNT_MAX, context.words)
        wrong = Filled({"words": form.words, "amount": form.amount}).with_error("amount", sentence)
        return context.show(_view(context, shown, (name, wrong)), 422)
    try:
        await _do(context, shown.booking, name, form, keep)
    except CannotBook as no:
        here = Link(
            text=context.words.gettext("Back to where it stands"), href=f"/my/bookings/{shown.booking.no}"
        )
        title = context.words.gettext("This was not done")
        return context.show(stopped(context, title, cannot_words(no.why, context.voice), action=here))
    return context.redirect(f"/my/bookings/{shown.booking.no}", note="saved")


async def picture_sent(context: Context) -> web.Response:
    """POST /my/bookings/{number}/picture: how the thing is."""
    shown = await _find(context)
    wrong = await take_condition(context, shown)
    if wrong.errors:
        return await _page(context, shown, wrong)
    return context.redirect(f"/my/bookings/{shown.booking.no}", note="saved")


ROUTES: Final = (
    get("/my/bookings", bookings, MEMBER),
    get("/my/bookings/{number}", booking_page, MEMBER),
    post_picture("/my/bookings/{number}/picture", picture_sent),
    post("/my/bookings/{number}/{act}", act, MEMBER),
)
