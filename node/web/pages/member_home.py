"""The first page of a member: what waits for them, where they stand, what is new. Source: docs/pages.md 7.2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from aiohttp import web

from node.services.cards import Card, Cards
from node.services.members import Member
from node.store import ReadTx
from node.web.context import MEMBER, Context, get
from node.web.dates import local
from node.web.live_marks import Kind, marks_for, read_home
from node.web.pages.decision_words import decided_cards
from node.web.pages.event_words import ahead_row
from node.web.pages.listings import cards_view, owners_of
from node.web.pages.member_find import here_of
from node.web.pages.member_given import counts_words
from node.web.pages.schemes import Schemes, read_schemes
from node.web.pages.waiting import Mine, waiting_cards_of
from node.web.present import Voice, balance_card, first_name, party_of, reference, trade_sentence
from node.web.views.member import HomeView
from node.web.views.page import Link
from protocol.names import SchemeId

CARDS_SHOWN: Final = 3
LISTINGS_SHOWN: Final = 4
NOON: Final = 12
EVENING: Final = 18


@dataclass(frozen=True, slots=True)
class News:
    """What is new, for everybody alike."""

    ours: tuple[Card, ...]
    owners: Mapping[int, Member]
    others: tuple[Card, ...]
    schemes: Schemes


async def home(context: Context) -> web.Response:
    """GET /home"""
    voice, member = context.voice, context.member
    news = await context.remember(read_news, context.node.market.cards, context.node.scheme)
    live = await marks_for(context, Kind.HOME)
    _, mine = await context.remember(read_home, member.no, member.account_no, context.node.scheme)
    near = [card for card in news.ours if card.member_no != member.no][:LISTINGS_SHOWN]
    here = here_of(context)
    if context.behalf is not None:  # what goes on in their groups is not for whoever acts for them
        mine = _without_groups(mine)
    cards = waiting_cards_of(mine, news.schemes, member, context.node.bookings.wall(voice.now_ms), voice)
    cards += decided_cards(mine.decided, voice)  # in the weekly mail it is among what happened
    last = _last(mine, news.schemes, member.account_no, voice)
    return context.show(
        HomeView(
            greeting=greeting(member.name, voice),
            waiting=tuple(cards[:CARDS_SHOWN]),
            balance=replace(
                balance_card(mine.account, voice),
                last=last,
                given=counts_words(mine.gifts.counts, voice.words),
            ),
            events=tuple(ahead_row(each, voice) for each in mine.events),
            near=cards_view(near, news.owners, context, here),
            from_neighbours=cards_view(news.others, {}, context, here),
            as_of=voice.moment(voice.now_ms),
        ),
        live=live,
    )


def _without_groups(mine: Mine) -> Mine:
    events = tuple(each for each in mine.events if not each.hosted.event.plan.inside)
    to_settle = tuple(each for each in mine.to_settle if not each.event.plan.inside)
    return replace(mine, asking=(), votes=(), decided=(), events=events, to_settle=to_settle)


def read_news(tx: ReadTx, now_ms: int, cards: Cards, own: SchemeId) -> News:
    """Query: the newest listings, with all that is said of them."""
    ours, schemes = cards.newest(tx, now_ms), read_schemes(tx, now_ms)
    others = cards.newest(tx, now_ms, others=True)[:LISTINGS_SHOWN] if schemes.keys() - {own} else ()
    return News(ours, owners_of(tx, ours), others, schemes)


def greeting(name: str, voice: Voice) -> str:
    """Return "Good morning, Ana", by the scheme's clock on the wall."""
    said = {"name": first_name(name)}
    hour = local(voice.now_ms, voice.zone).hour
    if hour < NOON:
        return voice.words.gettext("Good morning, %(name)s") % said
    if hour < EVENING:
        return voice.words.gettext("Good afternoon, %(name)s") % said
    return voice.words.gettext("Good evening, %(name)s") % said


def _last(mine: Mine, schemes: Schemes, account_no: int, voice: Voice) -> Link | None:
    """Return the newest trade in a line, unless it is under way and stands above, or came to nothing."""
    trade = mine.last
    if trade is None or trade.state in ("set-aside", "undone"):
        return None
    party = party_of(trade, account_no, mine.partners, schemes, voice)
    amount = -trade.amount if trade.payer_no == account_no else trade.amount
    text = voice.words.gettext("%(what)s: %(amount)s") % {
        "what": trade_sentence(trade, account_no, party, voice),
        "amount": voice.short(amount, signed=True),
    }
    return Link(text=text, href=f"/t/{reference(trade)}")


ROUTES: Final = (get("/home", home, MEMBER, for_others=True),)
