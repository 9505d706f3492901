"""The calendar, and one event: who comes, what is said, and saying that one comes. Also for visitors, without names.

Source: docs/pages.md 7.1, 7.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

from aiohttp import web

from node.services.event_rows import (
    Comment,
    Hosted,
    answers_of,
    coming_counts,
    comments_of,
    event_by_key,
    guests_of,
    may_read,
    of_series,
    past,
    shares_of,
    standing_at,
    trades_of,
    upcoming,
)
from node.services.events import TooManyComments, may_manage
from node.services.members import Member, State, member_by_no
from node.services.trades import Trade, trade_by_no
from node.store import ReadTx
from node.web.calendar_entries import event_entry
from node.web.calendar_file import calendar_answer
from node.web.context import MEMBER, Context, NoSuchPage, Route, get, post
from node.web.dates import local, month_of
from node.web.forms import EMPTY, Filled, Form, SpendForm, once_key, paragraphs
from node.web.pages.event_guests import mine_words, names_of_guests
from node.web.pages.event_near import near_rows
from node.web.pages.event_words import cost_words, event_row, facts_of, group_link, when_words
from node.web.pages.member import PAGE_ROWS, pager
from node.web.present import first_name, name_of, paragraphs_of, reference
from node.web.views.events import CalendarMonth, CommentItem, EventListView, EventView
from node.web.views.page import Empty, Fact, Link, Option
from protocol.circle import Standing
from protocol.errors import OutOfOrder
from protocol.event import Answer, Guest, Guests, Kind, Pays
from protocol.event import State as EventState
from protocol.limits import EVENT_COMMENT_CHARACTERS_MAX
from protocol.names import ItemKey

KEY_BYTES: Final = 16


class AnswerForm(Form):
    comes: Literal["yes", "no"]


class SayForm(SpendForm):
    text: paragraphs(EVENT_COMMENT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # makes the type of a field


# --- The calendar -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Listed:
    events: list[Hosted]
    total: int
    coming: Mapping[int, int]
    answers: Mapping[int, Answer]


async def calendar(context: Context) -> web.Response:
    """GET /calendar?past&page"""
    behind = context.query("past") == "1"
    listed = await context.read(
        _read,
        context.now_ms,
        behind,
        context.settings.public_events,
        (reader_of(context), _me(context)),
        context.page_number,
    )
    voice, _ = context.voice, context.words.gettext

    def month(hosted: Hosted) -> str:
        return month_of(local(hosted.event.plan.starts, voice.zone).date(), voice.words)

    months = tuple(
        CalendarMonth(
            title=title,
            rows=tuple(
                event_row(
                    each, listed.coming.get(each.no, 0), listed.answers.get(each.no, Answer.UNSAID), voice
                )
                for each in events
            ),
        )
        for title, events in groupby(listed.events, month)
    )
    may_post = context.session is not None and context.member.may_trade
    nothing = _("Nothing was on yet.") if behind else _("Nothing is planned yet.")
    return context.show(
        EventListView(
            past=behind,
            months=months,
            pager=pager(context, "/calendar", {"past": "1" if behind else ""}, listed.total),
            empty=None if months else Empty(text=nothing),
            near=() if behind or context.page_number > 1 else await near_rows(context),
            may_post=may_post and not behind,
        )
    )


def _read(
    tx: ReadTx, now_ms: int, behind: bool, visitors: bool, who: tuple[int | None, int | None], page: int
) -> _Listed:
    reader, me = who
    if me is None and not visitors:
        return _Listed([], 0, {}, {})
    find = past if behind else upcoming
    events, total = find(tx, now_ms, me=reader, skip=(page - 1) * PAGE_ROWS, most=PAGE_ROWS)
    answers = {} if me is None else answers_of(tx, events, me)
    return _Listed(events, total, coming_counts(tx, events), answers)


def reader_of(context: Context) -> int | None:
    """Return who reads; None for a visitor. Whoever acts for a member reads as themselves: groups are not for them."""
    return None if context.session is None else context.session.member.no


def _me(context: Context) -> int | None:
    return None if context.session is None else context.member.no


# --- One event ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Known:
    """One event with everything said of it."""

    hosted: Hosted
    host: Member
    guests: Guests
    names: Mapping[int, str]
    dates: list[Hosted]
    comments: list[Comment]
    trades: Mapping[int, Trade]  # by which whoever was there gave or got
    shares: Mapping[int, int]  # what those of other schemes who were there are asked for or get
    standing: Standing  # what the reader is to the group for which it is put


def key_of(context: Context) -> ItemKey:
    """Return the event that the address names. Raises NoSuchPage."""
    try:
        key = bytes.fromhex(context.part("key"))
    except ValueError:
        raise NoSuchPage from None
    if len(key) != KEY_BYTES:
        raise NoSuchPage
    return ItemKey(key)


def read_event(tx: ReadTx, key: ItemKey, now_ms: int, me: int | None) -> Known | None:
    """Query: an event, and everything said of it; None where there is none, or the reader may not know of it."""
    hosted = event_by_key(tx, key)
    if hosted is None:
        return None
    standing = standing_at(tx, hosted, me or 0)
    if not may_read(hosted, me or 0, standing):
        return None
    host = member_by_no(tx, hosted.host_no)
    assert host is not None
    dates = [] if hosted.series is None else of_series(tx, hosted.series, now_ms)
    trades = {who: trade_by_no(tx, no) for who, no in trades_of(tx, hosted.no).items()}
    return Known(
        hosted,
        host,
        guests_of(tx, hosted),
        names_of_guests(tx, hosted, now_ms),
        dates,
        comments_of(tx, hosted.no),
        trades,
        shares_of(tx, hosted.no),
        standing,
    )


async def find_event(context: Context) -> Known:
    """Return the event of this address, if its reader may know of it. Raises NoSuchPage."""
    known = await context.read(read_event, key_of(context), context.now_ms, reader_of(context))
    if known is None:
        raise NoSuchPage
    hidden = context.session is None and not (
        context.settings.public_events and known.hosted.event.plan.public
    )
    if hidden:
        raise NoSuchPage
    return known


async def event(context: Context) -> web.Response:
    """GET /events/{key}"""
    return context.show(event_view(context, await find_event(context)))


def event_view(context: Context, known: Known, form: Filled = EMPTY) -> EventView:
    """Return an event's page, with the form below as it was filled."""
    hosted, voice, signed_in = known.hosted, context.voice, context.session is not None
    own, plan = hosted.event, hosted.event.plan
    answer = known.guests.answer_of(context.member.no) if signed_in else Answer.UNSAID
    asks = signed_in and own.takes_answers(context.now_ms) and context.member.no != hosted.host_no
    manages = (
        signed_in and own.takes_answers(context.now_ms) and may_manage(context.actor, hosted, known.standing)
    )
    base = f"/events/{hosted.key.hex()}"
    return EventView(
        row=event_row(hosted, len(known.guests.coming), answer, voice),
        paragraphs=paragraphs_of(plan.text),
        host=Link(text=name_of(known.host, context.words), href=f"/people/{known.host.number}")
        if signed_in
        else None,
        group=group_link(hosted) if signed_in else None,
        inside=plan.inside,
        facts=facts_of(plan, known.guests if signed_in else None, voice),
        cost=cost_words(plan, _host_in_words(context, known), voice),
        cancelled=_cancelled(context, known),
        mine=mine_words(answer, context.words) if asks else "",
        yes=_yes(context, known.guests, answer) if asks else "",
        no=asks and answer not in (Answer.NOT_COMING, Answer.DECLINED),
        base=base,
        coming=_names(known, known.guests.coming) if signed_in else (),
        waiting=_names(known, known.guests.waiting) if signed_in else (),
        asked=_asked(known) if manages else (),
        lift=plan.kind is Kind.LIFT,
        dates=tuple(
            Link(text=when_words(each.event.plan, voice), href=f"/events/{each.key.hex()}")
            for each in known.dates
            if each.no != hosted.no and each.event.state is EventState.PLANNED
        ),
        comments=_comments(context, known) if signed_in else (),
        may_say=signed_in,
        may_manage=manages,
        may_settle=signed_in and context.member.no == hosted.host_no and own.wants_settling(context.now_ms),
        recorded=_recorded(context, known) if signed_in else (),
        own_trade=_own_trade(context, known) if signed_in else None,
        once=context.once(),
        form=form,
    )


def _host_in_words(context: Context, known: Known) -> str:
    if context.session is None:
        return context.words.gettext("the host")  # visitors read no names
    return first_name(name_of(known.host, context.words))


def _asked(known: Known) -> tuple[Option, ...]:
    """Return who waits for the host's yes or no."""
    return tuple(Option(value=str(each.who), text=known.names[each.who]) for each in known.guests.asked)


def _names(known: Known, guests: Sequence[Guest]) -> tuple[str, ...]:
    return tuple(known.names[each.who] for each in guests)


def _cancelled(context: Context, known: Known) -> str:
    own = known.hosted.event
    if own.state is not EventState.CANCELLED:
        return ""
    if own.reason:
        return context.words.gettext("This was cancelled: %(reason)s") % {"reason": own.reason}
    if known.host.state is State.LEFT:
        return context.words.gettext("This was cancelled: whoever hosted it has left.")
    return context.words.gettext("This was cancelled.")


def _yes(context: Context, guests: Guests, answer: Answer) -> str:
    if answer in (Answer.COMING, Answer.WAITING, Answer.ASKED, Answer.DECLINED):
        return ""
    if guests.approval:
        return context.words.gettext("Ask for a seat")
    if guests.room == 0:
        return context.words.gettext("Wait for a place")
    return context.words.gettext("I am coming")


def _recorded(context: Context, known: Known) -> tuple[Fact, ...]:
    """Return who was there, and what each gave or got."""
    _, costs = context.words.gettext, known.hosted.event.plan.pays is not Pays.HOST
    said = _("gave %(amount)s") if costs else _("got %(amount)s")
    theirs = _("was asked for %(amount)s") if costs else _("was told of %(amount)s")
    amounts = {who: (said, trade.amount) for who, trade in known.trades.items()}
    amounts |= {who: (theirs, share) for who, share in known.shares.items()}
    return tuple(
        Fact(label=known.names[who], text=text % {"amount": context.voice.spoken(amount)})
        for who, (text, amount) in amounts.items()
    )


def _own_trade(context: Context, known: Known) -> Link | None:
    trade = known.trades.get(context.member.no)
    if trade is None:
        return None
    named = reference(trade)
    return Link(
        text=context.words.gettext("Your trade %(reference)s") % {"reference": named}, href=f"/t/{named}"
    )


def _comments(context: Context, known: Known) -> tuple[CommentItem, ...]:
    any_ = context.member.at_desk or known.standing is Standing.KEEPER
    return tuple(
        CommentItem(
            author=each.name,
            when=context.voice.lately(each.created_ms),
            text=each.text,
            no=str(each.no) if each.member_no == context.member.no or any_ else "",
        )
        for each in known.comments
    )


async def calendar_file(context: Context) -> web.Response:
    """GET /events/{key}/calendar: a file that calendars read."""
    hosted = (await find_event(context)).hosted
    return calendar_answer([event_entry(hosted)], f"event-{hosted.key.hex()[:8]}")


# --- What members do ----------------------------------------------------------------------------------------


def _page(context: Context, note: str = "") -> web.Response:
    return context.redirect(f"/events/{key_of(context).hex()}", note=note)


async def answer(context: Context) -> web.Response:
    """POST /events/{key}/answer"""
    form = context.form(AnswerForm)
    if isinstance(form, Filled):
        raise NoSuchPage
    try:
        await context.node.events.answer(key_of(context), context.member, form.comes == "yes")
    except LookupError:
        raise NoSuchPage from None
    except OutOfOrder:
        return _page(context, "event-changed")  # the page says how it stands now
    return _page(context)


async def say(context: Context) -> web.Response:
    """POST /events/{key}/say"""
    form = context.form(SayForm)
    if isinstance(form, Filled):
        return context.show(event_view(context, await find_event(context), form), 422)
    try:
        await context.node.events.comment(key_of(context), context.member, form.text, once_key(form.once))
    except LookupError:
        raise NoSuchPage from None
    except TooManyComments:
        wrong = Filled(form.model_dump()).with_error(
            "text", context.words.gettext("So much was said here that there is no more room.")
        )
        return context.show(event_view(context, await find_event(context), wrong), 422)
    return _page(context, "sent")


async def unsay(context: Context) -> web.Response:
    """POST /events/{key}/unsay: take away one's own words; organisers anybody's."""
    typed = context.fields.get("comment", "")
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 12):
        raise NoSuchPage
    try:
        await context.node.events.take_back(key_of(context), int(typed), context.actor)
    except LookupError:
        return _page(context)  # it is gone
    return _page(context, "saved")


ROUTES: Final[tuple[Route, ...]] = (
    get("/calendar", calendar),
    get("/events/{key}", event),
    get("/events/{key}/calendar", calendar_file),
    post("/events/{key}/answer", answer, MEMBER),
    post("/events/{key}/say", say, MEMBER),
    post("/events/{key}/unsay", unsay, MEMBER),
)
