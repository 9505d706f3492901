"""Agreeing a day in a conversation, answering, and recording what came of it. Source: docs/pages.md 8.5; docs/protocol.md 7.7."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from node.services.day_rows import Appointment, find_appointment
from node.services.days import CannotAgree, NewDay, Why
from node.services.members import member_by_account
from node.services.threads import Thread, thread_by_id
from node.web.amounts import Unit
from node.web.calendar_entries import day_entry
from node.web.calendar_file import calendar_answer
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.days import day_trouble, moment_of, parse_day, parse_time, time_trouble
from node.web.forms import Filled, SpendForm, line, once_key, once_text
from node.web.listing_names import listing_id
from node.web.pages import member_pay, member_record
from node.web.pages.listings import ShownListing, find_listing
from node.web.pages.member_message_block import find
from node.web.pages.recording import Counterpart, paused, read_amount
from node.web.pages.schemes import schemes_known
from node.web.present import OtherScheme, first_name
from node.web.views.days import DayView
from node.web.views.page import Option
from protocol.agreement import AgreementEvent
from protocol.limits import PROPOSAL_LINE_CHARACTERS_MAX


class DayForm(SpendForm):
    """What is proposed."""

    what: line(PROPOSAL_LINE_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    day: line(20)  # type: ignore[valid-type]  # as above
    time: line(20)  # type: ignore[valid-type]  # as above
    place: line(PROPOSAL_LINE_CHARACTERS_MAX)  # type: ignore[valid-type]  # as above
    amount: line(40)  # type: ignore[valid-type]  # as above
    pays: line(10)  # type: ignore[valid-type]  # as above


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A conversation in which a day can be agreed."""

    thread: Thread
    name: str
    other: OtherScheme | None  # whose member the other side is, if not ours
    listing: ShownListing | None
    mine: bool  # whether the listing is the reader's own

    @property
    def i_pay(self) -> bool | None:
        """Whether the listing says that the reader pays; None where both may."""
        if self.listing is None or not self.listing.content.is_paid:
            return None
        return not self.mine

    @property
    def priced(self) -> bool:
        """Whether it can have a price: across schemes payments are made for listings."""
        return self.other is None or self.i_pay is not None


async def talk_of(context: Context, thread: Thread) -> Talk | None:
    """Return a conversation as one in which a day can be agreed, or None: with the desk, or with somebody who left."""
    if thread.scheme == context.node.scheme:
        no = thread.their_account
        member = None if no is None else await context.read(member_by_account, no)
        if member is None or not member.may_trade:
            return None
        name, other = member.name, None
    else:
        name, other = thread.their_name, (await schemes_known(context)).get(thread.scheme)
        if other is None:
            return None
    listing = await listing_of(context, thread)
    mine = listing is not None and listing.owner is not None and listing.owner.no == context.member.no
    return Talk(
        thread=thread, name=name or context.words.gettext("Somebody"), other=other, listing=listing, mine=mine
    )  # fmt: skip


async def listing_of(context: Context, thread: Thread) -> ShownListing | None:
    """Return what a conversation is about, if it can still be found."""
    if thread.listing is None:
        return None
    scheme, key = thread.listing
    try:
        return await find_listing(context, listing_id(key, None if scheme == context.node.scheme else scheme))
    except NoSuchPage:
        return None


async def _talk(context: Context) -> Talk:
    talk = await talk_of(context, await find(context))
    if talk is None:
        raise NoSuchPage
    return talk


async def ask_day(context: Context) -> web.Response:
    """GET /messages/{number}/day"""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    talk = await _talk(context)
    typed = {"what": "" if talk.listing is None else talk.listing.content.title, "pays": "me"}
    return context.show(_view(context, talk, Filled(typed), context.once()))


def _view(context: Context, talk: Talk, form: Filled, once: str) -> DayView:
    _, voice, name = context.words.gettext, context.voice, first_name(talk.name)
    unit = _unit(talk, i_pay=talk.i_pay is not False)
    payers: tuple[Option, ...] = ()
    note = ""
    if talk.i_pay is None and talk.other is None:
        payers = (
            Option(value="me", text=_("I pay %(name)s") % {"name": name}),
            Option(value="them", text=_("%(name)s pays me") % {"name": name}),
        )
    elif talk.i_pay is not None:
        note = (_("You pay %(name)s.") if talk.i_pay else _("%(name)s pays you.")) % {"name": name}
    return DayView(
        name=name,
        badge="" if talk.other is None else talk.other.name,
        back_href=f"/messages/{talk.thread.no}",
        action=f"/messages/{talk.thread.no}/day",
        once=once,
        form=form,
        unit_name=voice.unit_name(unit) if talk.priced else "",
        amount_hint=voice.amount_hint(unit),
        payers=payers,
        payer_note=note,
    )


def _unit(talk: Talk, *, i_pay: bool) -> Unit | None:
    """Return the unit of whoever is paid, where it is not our own."""
    return talk.other.unit if talk.other is not None and i_pay else None


async def propose(context: Context) -> web.Response:
    """POST /messages/{number}/day"""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    talk, form = await _talk(context), context.form(DayForm)
    if isinstance(form, Filled):
        once = form.value("once") if "once" not in form.errors else context.once()
        return context.show(_view(context, talk, form, once), 422)
    typed, new = _read(context, talk, form)
    if new is None or typed.errors:
        return context.show(_view(context, talk, typed, form.once), 422)
    try:
        await context.node.days.propose(context.member, new, once_key(form.once))
    except CannotAgree as no:
        trouble = typed.with_error("", cannot_words(context, no.why))
        return context.show(_view(context, talk, trouble, form.once), 422)
    return context.redirect(f"/messages/{talk.thread.no}", note="day-proposed")


def _read(context: Context, talk: Talk, form: DayForm) -> tuple[Filled, NewDay | None]:
    """Return the form with what is wrong in it, and what it proposes if nothing is."""
    voice, typed = context.voice, Filled(form.model_dump())
    day, at = parse_day(form.day, voice), parse_time(form.time)
    if day is None:
        typed = typed.with_error("day", day_trouble(form.day, voice))
    if at is None:
        typed = typed.with_error("time", time_trouble(form.time, voice))
    i_pay = talk.i_pay if talk.i_pay is not None else form.pays != "them"
    amount = 0
    if form.amount and talk.priced:
        found = read_amount(context, form.amount, _unit(talk, i_pay=i_pay) or context.unit, typed)
        if isinstance(found, Filled):
            return found, None
        amount = found
    if day is None or at is None:
        return typed, None
    return typed, NewDay(
        thread_no=talk.thread.no, what=form.what, place=form.place, at_ms=moment_of(day, at, voice), amount=amount,
        i_pay=i_pay,
    )  # fmt: skip


# --- Answering ------------------------------------------------------------------------------------------------


async def accept(context: Context) -> web.Response:
    """POST /days/{number}/accept"""
    return await _answer(context, AgreementEvent.ACCEPT, "day-agreed")


async def decline(context: Context) -> web.Response:
    """POST /days/{number}/decline"""
    return await _answer(context, AgreementEvent.DECLINE, "sent")


async def withdraw(context: Context) -> web.Response:
    """POST /days/{number}/withdraw: take back what I proposed, or what we agreed."""
    return await _answer(context, AgreementEvent.WITHDRAW, "sent")


async def _answer(context: Context, event: AgreementEvent, note: str) -> web.Response:
    day, thread = await _mine(context)
    try:
        await context.node.days.answer(context.member, day.no, event)
    except CannotAgree as no:
        note = "cannot-write" if no.why is Why.UNREACHABLE else "changed"
    return context.redirect(f"/messages/{thread.no}", note=note)


async def _mine(context: Context) -> tuple[Appointment, Thread]:
    """Return the reader's day that the address names, and its conversation. Raises NoSuchPage."""
    day = await context.read(find_appointment, context.number("number"), context.member.account_no)
    if day is None:
        raise NoSuchPage
    scheme = day.other_scheme or context.node.scheme
    thread = await context.read(thread_by_id, day.thread_id, scheme, context.member.account_no)
    if thread is None:
        raise NoSuchPage
    return day, thread


def cannot_words(context: Context, why: Why) -> str:
    """Return why something is not done, in a sentence."""
    _ = context.words.gettext
    match why:
        case Why.PAST:
            return _("That moment is over already.")
        case Why.TOO_MANY:
            return _("Several days wait for an answer here already.")
        case Why.UNDER_WAY:
            return _("It is being paid just now.")
        case Why.CHANGED:
            return _("This has changed meanwhile. Please look again.")
        case Why.UNREACHABLE:
            return _("We cannot write to their scheme now. Please try again later.")


# --- Afterwards -------------------------------------------------------------------------------------------------


async def record(context: Context) -> web.Response:
    """POST /days/{number}/record: the check page of what was agreed, with everything filled in."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    shown, thread = await _mine(context)
    talk = await talk_of(context, thread)
    if not shown.pays(context.member.account_no) or talk is None:
        raise NoSuchPage
    try:
        day = await context.node.days.ready_to_pay(shown.no, context.member)
    except CannotAgree:
        return context.redirect(f"/messages/{thread.no}", note="changed")
    once = once_text(day.pay_once)
    if talk.other is not None:
        if talk.listing is None or talk.listing.other is None:
            return context.redirect(f"/messages/{thread.no}", note="listing-gone")
        return await member_pay.check(
            context, Counterpart(listing=talk.listing), day.what, day.amount, once=once
        )
    partner = day.partner_of(context.member.account_no)
    payee = None if partner is None else await context.read(member_by_account, partner)
    return await member_record.check(context, Counterpart(member=payee), day.what, day.amount, once=once)


async def calendar(context: Context) -> web.Response:
    """GET /days/{number}/calendar: a file that calendars read (RFC 5545)."""
    day, _ = await _mine(context)
    return calendar_answer([day_entry(day)], f"day-{day.no}")


ROUTES: Final = (
    get("/messages/{number}/day", ask_day, MEMBER),
    post("/messages/{number}/day", propose, MEMBER),
    post("/days/{number}/accept", accept, MEMBER),
    post("/days/{number}/decline", decline, MEMBER),
    post("/days/{number}/withdraw", withdraw, MEMBER),
    post("/days/{number}/record", record, MEMBER),
    get("/days/{number}/calendar", calendar, MEMBER),
)
