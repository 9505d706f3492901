"""Calendars that a member's own calendar program reads: the page with their addresses, and what is behind these.

Source: docs/pages.md 7.2 (`/my/calendar`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import tzinfo
from typing import Final

from aiohttp import web

from node.services.calendar_feeds import Feed, Which
from node.services.day_rows import open_appointments
from node.services.event_rows import events_ahead, upcoming
from node.store import ReadTx
from node.web.calendar_entries import booking_entry, day_entry, event_entry
from node.web.calendar_file import Entry, calendar_answer
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.pages.booking_sides import Shown, read_open
from node.web.pages.booking_words import row_title
from node.web.present import Voice
from node.web.views.calendars import CalendarFeedView
from node.web.views.page import Fact
from node.web.words import Pack, words_for
from protocol.agreement import AgreementState
from protocol.booking import BookingState as S
from protocol.event import Answer
from protocol.limits import DAY_MS
from protocol.names import SchemeId

PATH: Final = "/my/calendar"
EVENTS_MAX: Final = 200  # as many as are seen a year ahead; a program asks again and again
_FIXED: Final = frozenset({S.AGREED, S.HANDED_OVER, S.OVERDUE, S.BROUGHT_BACK})


async def page(context: Context) -> web.Response:
    """GET /my/calendar"""
    found, _ = (
        await context.read(context.node.calendar_feeds.addresses, context.member.no),
        context.words.gettext,
    )
    titles = {
        Which.MINE: _("What I said yes to, agreed or borrow"),
        Which.ALL: _("Everything that is on in %(scheme)s") % {"scheme": context.settings.name},
    }
    return context.show(
        CalendarFeedView(
            addresses=tuple(Fact(label=titles[which], text=address) for which, address in found.items())
        ),
        secret=True,
    )


async def renew(context: Context) -> web.Response:
    """POST /my/calendar/renew: open them, at addresses that nobody has yet."""
    await context.node.calendar_feeds.renew(context.member)
    return context.redirect(PATH, note="saved")


async def close(context: Context) -> web.Response:
    """POST /my/calendar/close"""
    await context.node.calendar_feeds.close(context.member)
    return context.redirect(PATH, note="saved")


async def feed(context: Context) -> web.Response:
    """GET /calendar/{name}: for a program that cannot log in; whoever has the address reads it."""
    found = await context.read(context.node.calendar_feeds.read, context.part("name"))
    if found is None:
        raise NoSuchPage
    # In its owner's words: the program that asks says nothing of languages.
    language = context.settings.language_for(found.member.language)
    voice = replace(context.voice, words=words_for(language, Pack(context.settings.wording)))
    entries = await context.read(
        _entries, found, context.node.bookings.wall(context.now_ms), context.node.scheme, voice
    )
    response = calendar_answer(entries, found.which.value)
    response.headers["Cache-Control"] = "no-store"
    return response


def _entries(tx: ReadTx, found: Feed, now_hour: int, own: SchemeId, voice: Voice) -> list[Entry]:
    """Query: what the calendar shows now."""
    now_ms, member, zone = voice.now_ms, found.member, voice.zone
    if found.which is Which.ALL:
        return [event_entry(each) for each in upcoming(tx, now_ms, me=member.no, most=EVENTS_MAX)[0]]
    events = [
        event_entry(each.hosted)
        for each in events_ahead(tx, member.no, now_ms, EVENTS_MAX)
        if each.answer is not Answer.WAITING
    ]
    days = [
        day_entry(each)
        for each in open_appointments(tx, member.account_no, now_ms - DAY_MS)
        if each.stands is AgreementState.AGREED
    ]
    bookings = [
        _booking(each, now_hour, own, voice, zone)
        for each in read_open(tx, member.account_no, now_ms)
        if each.booking.stands(now_hour) in _FIXED
    ]
    return [*events, *days, *bookings]


def _booking(shown: Shown, now_hour: int, own: SchemeId, voice: Voice, zone: tzinfo) -> Entry:
    title = row_title(shown.booking, shown.short, shown.side, now_hour, voice)
    return booking_entry(shown.booking, title, own, zone)


ROUTES: Final = (
    get(PATH, page, MEMBER),
    post(f"{PATH}/renew", renew, MEMBER),
    post(f"{PATH}/close", close, MEMBER),
    get("/calendar/{name}", feed),
)
