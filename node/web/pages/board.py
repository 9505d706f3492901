"""What visitors see of offers and wants: the board, and one listing, without names and ways to get in touch.

Source: docs/pages.md 7.1.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Final

from aiohttp import web

from node.services.cards import Card
from node.services.own_listings import find_own
from node.services.search import COUNTED_MAX, FindQuery, Order
from node.services.settings import SchemeSettings
from node.web.context import Context, NoSuchPage, Route, get
from node.web.pages.listings import card_view, parse_listing_id
from node.web.pages.member import pager
from node.web.pages.pictures_shown import pictures_from, pictures_of
from node.web.present import NEAR_KM, km_between, paragraphs_of
from node.web.views.page import Empty, Fact, Link, ListingCard, Option
from node.web.views.visitor import LookView, PublicListingView
from node.web.words import Words
from protocol.categories import CATEGORIES, CODES, english_name
from protocol.market import KINDS, Place

NEWEST_SHOWN: Final = 6


def how_many(total: int, words: Words) -> str:
    """Return how many listings there are; of very many only that there are more than can be looked through."""
    if total > COUNTED_MAX:
        return words.gettext("More than %(num)d offers and wants") % {"num": COUNTED_MAX}
    return words.ngettext("%(num)d offer or want", "%(num)d offers and wants", total) % {"num": total}


async def look(context: Context) -> web.Response:
    """Show what goes to other schemes too, which is what visitors may see."""
    query, words = context.query("q"), context.words
    kind = kind_of(context.query("kind"))
    category = context.query("category")
    category = category if category in CODES else ""
    here = place_of(context.settings)
    page = await context.remember(
        context.node.market.cards.find,
        FindQuery(
            text=query,
            kind=kind,
            category=category,
            place=here,
            # Nearest, so that the scheme whose board it is comes first.
            order=Order.BEST if query or here is None else Order.NEAREST,
            page=context.page_number,
            visitor=True,
        ),
    )
    summary = how_many(page.total, words)
    asked = {"q": query, "kind": kind, "category": category}
    nothing = Empty(
        text=words.gettext("Nothing like that is on the board now."),
        action=Link(text=words.gettext("Show everything"), href="/look"),
    )
    return context.show(
        LookView(
            query=query,
            kind=kind,
            category=category,
            categories=category_options(words),
            summary=summary,
            cards=tuple(card_shown(card, here, context) for card in page.cards),
            pager=pager(context, "/look", asked, min(page.total, COUNTED_MAX)),
            empty=None if page.cards else nothing,
        )
    )


async def newest(context: Context) -> tuple[ListingCard, ...]:
    """Return the newest on the board, for the front page."""
    query = FindQuery(order=Order.NEWEST, scheme=context.node.scheme, visitor=True)
    page = await context.remember(context.node.market.cards.find, query)
    here = place_of(context.settings)
    return tuple(card_shown(card, here, context) for card in page.cards[:NEWEST_SHOWN])


async def listing(context: Context) -> web.Response:
    """Show one listing; one that stays within the scheme is not there for visitors."""
    card = await find_public(context, context.part("id"))
    words, voice, content = context.words, context.voice, card.content
    facts = [Fact(label=words.gettext("Category"), text=words.gettext(english_name(content.category)))]
    if content.cash:
        facts.append(Fact(label=words.gettext("In money"), text=content.cash))
    facts.append(Fact(label=words.gettext("Listed until"), text=voice.day(card.expires)))
    return context.show(
        PublicListingView(
            card=card_shown(card, place_of(context.settings), context),
            paragraphs=paragraphs_of(content.text),
            facts=tuple(facts),
            pictures=await pictures_of(context, card.key, content)
            if card.own
            else await pictures_from(context, card.scheme, card.key, content),
        )
    )


async def find_public(context: Context, text: str) -> Card:
    """Return the listing an address names, for a visitor. Raises NoSuchPage."""
    key, scheme = parse_listing_id(text)
    card = await context.node.market.listing(scheme or context.node.scheme, key)
    if card is None or (card.own and not await _is_shared(context, card)):
        raise NoSuchPage
    return card


async def _is_shared(context: Context, card: Card) -> bool:
    owned = await context.read(find_own, card.key)
    return owned is not None and owned.listing.shared


# --- Words -------------------------------------------------------------------------------------------------------


def kind_of(text: str) -> str:
    """Return the kind of listing that an address asks for; "" for all."""
    return text if text in KINDS else ""


def place_of(settings: SchemeSettings) -> Place | None:
    """Return where the scheme is, from where visitors' distances are reckoned."""
    if settings.north is None or settings.east is None:
        return None
    return Place(north=settings.north, east=settings.east)


@cache
def category_options(words: Words) -> tuple[Option, ...]:
    """Return the groups of categories, the first for all."""
    every = Option(value="", text=words.gettext("All categories"))
    return (every, *(Option(value=code, text=words.gettext(name)) for code, name, _ in CATEGORIES))


def card_shown(card: Card, here: Place | None, context: Context) -> ListingCard:
    """Return a listing as visitors see it: nobody's name, also not a neighbour's."""
    shown, place = card_view(card, None, context, here), card.content.place
    if place is not None and here is not None and km_between(place, here) < NEAR_KM:
        # Nobody knows where a visitor is, so it is near the scheme, not near them.
        shown = replace(shown, place=context.words.gettext("in %(place)s") % {"place": context.settings.name})
    return replace(shown, owner="")


# The page of one listing is routed by `member_find.py`, since members read another one at the same address.
ROUTES: Final[tuple[Route, ...]] = (get("/look", look),)
