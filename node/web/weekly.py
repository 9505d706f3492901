"""The weekly mail: every Monday at nine by the clock on the wall, to whoever has mail and wants it, once, and not without news.

It says what waits, how they stand, what their searches found, what happened, what could be of use to them, and what is on. What somebody
asks for in private it never says: to who was asked to help, only that somebody asks.
A node that was off at nine writes it when it is back, until Tuesday evening; after that the week is left out.
Source: docs/pages.md 9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time, timedelta, tzinfo
from typing import Final

from babel.dates import LOCALTZ

from node.app import Node
from node.mail.alert_texts import Found, found_line, more_words
from node.mail.night import is_night
from node.mail.weekly_texts import Item, Section, Week, Written, weekly_mail
from node.services import weekly_rows as rows
from node.services.alert_rows import Hit, Tell, note_told, untold
from node.services.event_days import moment_of
from node.services.event_rows import Hosted, upcoming
from node.services.mail_wishes import Purpose
from node.services.members import Member
from node.services.weekly_rows import News, Young
from node.store import ReadTx, Tx
from node.web.dates import local
from node.web.pages.schemes import read_schemes
from node.web.pages.waiting import Mine, read_mine, waiting_cards_of
from node.web.present import Voice, balance_card
from node.web.render import straight
from node.web.units import unit_of
from node.web.views.member import WaitingCard
from node.web.words import Pack, words_for
from protocol.event import State as EventState
from protocol.limits import DAY_MS, HOUR_MS

NINE: Final = time(9)
LATE_MS: Final = 37 * HOUR_MS  # until Tuesday, ten in the evening
WORTH_MS: Final = 3 * DAY_MS  # a mail that could not be sent until Thursday is no news
LOOK_EVERY_S: Final = 600.0
WAITING_SHOWN: Final = 5
FOUND_SHOWN: Final = 10
NEWS_SHOWN: Final = 10
EVENTS_SHOWN: Final = 3
EVENTS_WITHIN_MS: Final = 14 * DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Monday:
    """Which week it is."""

    week: int  # the number of its Monday
    starts_ms: int  # nine o'clock


@dataclass(frozen=True, slots=True, kw_only=True)
class OnTheBoard:
    """What is on the board and not old, for everybody alike."""

    wants: list[Young]
    offers: list[Young]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A weekly mail to somebody, with what it takes off their list; none where there is nothing to say."""

    member: Member
    written: Written | None
    stop_link: str
    last_news: int
    hits: list[Hit]


class Weekly:
    """See the head of this file."""

    def __init__(self, node: Node, zone: tzinfo = LOCALTZ):
        self._node: Final = node
        self._zone: Final = zone

    async def look(self) -> None:
        """Write to everybody to whom this week's mail is due."""
        node, now_ms = self._node, self._node.clock.now_ms()
        monday = self.monday(now_ms)
        late = now_ms >= monday.starts_ms + LATE_MS
        if late or is_night(now_ms, self._zone) or not node.outbox.sends:
            return
        if node.settings.now.is_paused(now_ms):
            return
        due = await node.store.read(rows.members_due, monday.week, monday.starts_ms)
        if not due:
            return
        board = await node.store.read(_read_board, now_ms)
        for member_no in due:
            letter = await node.store.read(self.compose, member_no, monday, board)
            if letter is not None:
                await node.store.write(self.send, letter, monday)

    def monday(self, now_ms: int) -> Monday:
        """Return the week whose Monday, nine o'clock, was last."""
        wall = local(now_ms, self._zone)
        day = (wall - timedelta(hours=NINE.hour)).date()
        first = day - timedelta(days=day.weekday())
        return Monday(week=first.toordinal(), starts_ms=moment_of(first, NINE, self._zone))

    def send(self, tx: Tx, letter: Letter, monday: Monday) -> None:
        """Unit: put a mail into the outbox, once, and take off the lists what it tells of."""
        member, now_ms = letter.member, self._node.clock.now_ms()
        if not rows.note_written(tx, member.no, monday.week, now_ms):
            return
        rows.drop_news(tx, member.no, letter.last_news, now_ms)
        note_told(tx, member.no, letter.hits, now_ms)
        written = letter.written
        if written is not None and member.email is not None:
            self._node.outbox.queue(
                tx, member.email, written.text.subject, written.text.body, member_no=member.no, private=True,
                until_ms=monday.starts_ms + WORTH_MS, rests=True, html=written.html, stop_link=letter.stop_link,
            )  # fmt: skip

    # --- what it says -----------------------------------------------------------------------------------------

    def compose(self, tx: ReadTx, member_no: int, monday: Monday, board: OnTheBoard) -> Letter | None:
        """Query: the mail to one member; None if it was written."""
        node = self._node
        member = rows.read_due(tx, member_no, monday.week)
        if member is None:
            return None
        now_ms, settings = node.clock.now_ms(), node.settings.now
        words = words_for(settings.language_for(member.language), Pack(settings.wording))
        voice = Voice(
            words=words, unit=unit_of(settings), zone=self._zone, now_ms=now_ms, scheme=settings.name
        )
        mine = read_mine(tx, now_ms, member.no, member.account_no, node.scheme)
        schemes, hour = read_schemes(tx, now_ms), node.bookings.wall(now_ms)
        cards = waiting_cards_of(mine, schemes, member, hour, voice)
        hits, news = untold(tx, member.no, Tell.WEEKLY), rows.news_of(tx, member.no)
        found = [node.alerts.line_of(card) for card in node.alerts.cards_of(tx, hits)]
        picked = self._picked(tx, member, monday, board)
        events = [
            each for each in upcoming(tx, now_ms, me=member.no, most=EVENTS_SHOWN)[0] if _soon(each, now_ms)
        ]
        said = bool(cards or found or news or events or picked.fresh)
        stop_link = node.wishes.link(member.no, Purpose.NEWS)
        week = Week(
            subject=_subject(cards, voice),
            hello=words.gettext("Hello %(name)s,") % {"name": member.name},
            sections=(
                *_waiting(cards, voice),
                _balance(mine, voice),
                *_found(found, voice),
                *_happened(news, voice),
                *self._board(picked, behind=mine.account.balance < 0, voice=voice),
                *_events(events, settings.meeting, voice),
            ),
        )
        origin = node.options.origin.rstrip("/")
        written = weekly_mail(settings, member.language, week, origin, stop_link) if said else None
        if written is not None:
            written = Written(text=written.text, html=straight(written.html).decode())
        last = max((each.no for each in news), default=0)
        return Letter(member=member, written=written, stop_link=stop_link, last_news=last, hits=hits)

    def _picked(self, tx: ReadTx, member: Member, monday: Monday, board: OnTheBoard) -> _Board:
        since_ms, week = monday.starts_ms - rows.WEEK_MS, monday.week
        mine = rows.categories_of(tx, member.no)
        wants = rows.pick(board.wants, member, week, since_ms, mine)
        offers = rows.pick(board.offers, member, week, since_ms)
        return _Board(
            wants=self._lines(tx, wants.listings), offers=self._lines(tx, offers.listings),
            fresh=wants.fresh or offers.fresh,
        )  # fmt: skip

    def _lines(self, tx: ReadTx, listings: Sequence[Young]) -> list[Found]:
        node, now_ms = self._node, self._node.clock.now_ms()
        cards = [node.market.cards.listing(tx, now_ms, each.scheme, each.key) for each in listings]
        return [node.alerts.line_of(card) for card in cards if card is not None]

    def _board(self, board: _Board, *, behind: bool, voice: Voice) -> list[Section]:
        """Return offers and wants; wants first for whoever received more than they gave."""
        _ = voice.words.gettext
        wants = _listings(_("Somebody needs this"), board.wants, voice)
        offers = _listings(_("You could use this"), board.offers, voice)
        return [*wants, *offers] if behind else [*offers, *wants]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Board:
    wants: list[Found]
    offers: list[Found]
    fresh: bool


def _read_board(tx: ReadTx, now_ms: int) -> OnTheBoard:
    return OnTheBoard(
        wants=rows.read_young(tx, now_ms, wants=True), offers=rows.read_young(tx, now_ms, wants=False)
    )


def _soon(hosted: Hosted, now_ms: int) -> bool:
    event = hosted.event
    return event.state is EventState.PLANNED and now_ms < event.plan.starts < now_ms + EVENTS_WITHIN_MS


def _subject(cards: list[WaitingCard], voice: Voice) -> str:
    words, count = voice.words, len(cards)
    if count == 1:
        return cards[0].title
    if count:
        return words.ngettext(
            "%(num)d thing waits for you in %(scheme)s", "%(num)d things wait for you in %(scheme)s", count
        ) % {"num": count, "scheme": voice.scheme}
    return words.gettext("This week in %(scheme)s") % {"scheme": voice.scheme}


def _waiting(cards: list[WaitingCard], voice: Voice) -> list[Section]:
    items = tuple(
        Item(
            text=each.title,
            more="" if each.private else each.text,
            path=each.action.href,
            button=each.action.text,
        )
        for each in cards[:WAITING_SHOWN]
    )
    title, more = voice.words.gettext("Waiting for you"), len(cards) - WAITING_SHOWN
    return [Section(title=title, items=items, more=_more(more, voice))] if items else []


def _more(more: int, voice: Voice) -> str:
    return more_words(more, voice.words) if more > 0 else ""


def _balance(mine: Mine, voice: Voice) -> Section:
    card, title = balance_card(mine.account, voice), voice.words.gettext("Where you stand")
    return Section(title=title, items=(Item(text=card.sentence, path="/statement"),))


def _listings(title: str, found: list[Found], voice: Voice) -> list[Section]:
    items = tuple(Item(text=found_line(each, voice.words), path=each.path) for each in found)
    return [Section(title=title, items=items)] if items else []


def _found(found: list[Found], voice: Voice) -> list[Section]:
    title, more = voice.words.gettext("New for your searches"), len(found) - FOUND_SHOWN
    shown = _listings(title, found[:FOUND_SHOWN], voice)
    return [Section(title=each.title, items=each.items, more=_more(more, voice)) for each in shown]


def _happened(news: list[News], voice: Voice) -> list[Section]:
    items = tuple(Item(text=each.text, path=each.path) for each in news[-NEWS_SHOWN:])
    title, more = voice.words.gettext("What happened"), len(news) - NEWS_SHOWN
    return [Section(title=title, items=items, more=_more(more, voice))] if items else []


def _events(events: list[Hosted], meeting: str, voice: Voice) -> list[Section]:
    items = [
        Item(
            text=each.event.plan.title, more=f"{voice.moment(each.event.plan.starts)}, {each.event.plan.where}".rstrip(", "),
            path=f"/events/{each.key.hex()}",
        )
        for each in events
    ]  # fmt: skip
    items += [Item(text=meeting)] if meeting else []
    return [Section(title=voice.words.gettext("Coming up"), items=tuple(items))] if items else []
