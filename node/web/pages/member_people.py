"""The people of the scheme: the list, and one person as other members see them.

Shown are name, number, place and what they wrote of themselves; contacts and balances are nobody's business here.
Source: docs/pages.md 7.2.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.members import Member, State, find_members, member_by_no
from node.services.own_listings import listings_of
from node.services.trades import Trade, newest_trades
from node.store import ReadTx
from node.web.context import MEMBER, Context, NoSuchPage, get
from node.web.pages.listings import cards_view
from node.web.pages.member import PAGE_ROWS, pager
from node.web.pages.member_find import here_of
from node.web.present import Voice, paragraphs_of, reference
from node.web.views.member import PeopleView, PersonCard, PersonView
from node.web.views.page import Empty, Fact, Link, ListingCard
from protocol.listing import State as ListingState

BETWEEN_SHOWN: Final = 5
LISTINGS_SHOWN: Final = 40
TRADES_LOOKED_AT: Final = 200


async def people(context: Context) -> web.Response:
    """GET /people?q&page"""
    query = context.query("q")
    skip = (context.page_number - 1) * PAGE_ROWS
    found, total = await context.read(find_members, query, skip=skip, most=PAGE_ROWS)
    words = context.words
    if query:
        summary = words.ngettext(
            "%(num)d person for “%(query)s”", "%(num)d people for “%(query)s”", total
        ) % {"num": total, "query": query}
    else:
        summary = words.ngettext("%(num)d person", "%(num)d people", total) % {"num": total}
    everybody = Link(text=words.gettext("Show everybody"), href="/people")
    return context.show(
        PeopleView(
            query=query,
            summary=summary,
            people=tuple(
                PersonCard(
                    href=f"/people/{each.number}", name=each.name, number=each.number, place=each.place
                )
                for each in found
            ),
            pager=pager(context, "/people", {"q": query}, total),
            empty=None
            if found
            else Empty(text=words.gettext("Nobody found. Try a part of the name."), action=everybody),
        )
    )


async def person(context: Context) -> web.Response:
    """GET /people/{number}"""
    me, voice = context.member, context.voice
    shown, trades = await context.read(_person, context.number("number"), me)
    cards = await _listings(context, shown)
    is_me = shown.no == me.no
    return context.show(
        PersonView(
            name=shown.name,
            number=shown.number,
            place=shown.place,
            badge="",
            about=paragraphs_of(shown.about),
            facts=_facts(shown, voice),
            offers=tuple(card for card in cards if card.kind != "want"),
            wants=tuple(card for card in cards if card.kind == "want"),
            between_us=tuple(_between(trade, voice) for trade in trades[:BETWEEN_SHOWN]),
            message_href="" if is_me else f"/messages/new?to={shown.number}",
            record_href="" if is_me or not shown.may_trade else f"/record/what?who={shown.number}",
            is_me=is_me,
        )
    )


def _person(tx: ReadTx, no: int, me: Member) -> tuple[Member, list[Trade]]:
    member = member_by_no(tx, no)
    if member is None or member.state is State.LEFT:
        raise NoSuchPage
    if member.no == me.no:
        return member, []
    trades = newest_trades(tx, me.account_no, TRADES_LOOKED_AT)
    return member, [trade for trade in trades if trade.concerns(member.account_no)]


async def _listings(context: Context, shown: Member) -> tuple[ListingCard, ...]:
    """Return what somebody offers and wants now."""
    mine = await context.read(listings_of, shown.no)
    find, own = context.node.market.listing, context.node.scheme
    keys = [owned.listing.key for owned in mine if owned.listing.state is ListingState.PUBLISHED]
    found = [await find(own, key) for key in keys[:LISTINGS_SHOWN]]
    cards = tuple(card for card in found if card is not None)
    return cards_view(cards, {shown.no: shown}, context, here_of(context))


def _facts(member: Member, voice: Voice) -> tuple[Fact, ...]:
    _ = voice.words.gettext
    facts = [Fact(label=_("Member since"), text=voice.month(member.joined_ms))]
    if member.state is State.AWAY and member.away_until is not None:
        facts.append(Fact(label=_("Away until"), text=voice.day(member.away_until)))
    elif member.seen_ms:
        facts.append(Fact(label=_("Last here"), text=voice.lately_day(member.seen_ms)))
    return tuple(facts)


def _between(trade: Trade, voice: Voice) -> Link:
    text = voice.words.gettext("%(what)s, %(amount)s, %(day)s") % {
        "what": trade.text,
        "amount": voice.spoken(trade.amount),
        "day": voice.day(trade.created_ms),
    }
    return Link(text=text, href=f"/t/{reference(trade)}")


ROUTES: Final = (
    get("/people", people, MEMBER),
    get("/people/{number}", person, MEMBER),
)
