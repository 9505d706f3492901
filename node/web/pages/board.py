"""What visitors see of offers and wants: the board, and one listing, without names and ways to get in touch.

Source: docs/pages.md 7.1.
"""

from __future__ import annotations

from typing import Final, Literal

from aiohttp import web

from node.services.cards import Card
from node.services.own_listings import find_own
from node.services.search import FindQuery, Order
from node.services.settings import SchemeSettings
from node.web.context import Context, NoSuchPage, Route, get
from node.web.pages.listings import listing_id, neighbours_price, parse_listing_id, price_words
from node.web.pages.member import pager
from node.web.pages.schemes import unit_of_profile
from node.web.present import OtherScheme, distance, km_between, paragraphs_of
from node.web.views.page import Empty, Fact, Link, ListingCard, Option
from node.web.views.visitor import LookView, PublicListingView
from node.web.words import Words
from protocol.categories import CATEGORIES, CODES, english_name, group_of
from protocol.market import KINDS, Place

NEWEST_SHOWN: Final = 6


async def look(context: Context) -> web.Response:
    """Show what goes to other schemes too, which is what visitors may see."""
    query, words = context.query("q"), context.words
    kind = _kind(context.query("kind"))
    category = context.query("category")
    category = category if category in CODES else ""
    here = place_of(context.settings)
    page = await context.node.market.find(
        FindQuery(
            text=query,
            kind=kind,
            category=category,
            place=here,
            order=Order.BEST if query else Order.NEWEST,
            page=context.page_number,
            visitor=True,
        )
    )
    summary = words.ngettext("%(num)d offer or want", "%(num)d offers and wants", page.total) % {
        "num": page.total
    }
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
            pager=pager(context, "/look", asked, page.total),
            empty=None if page.cards else nothing,
        )
    )


async def newest(context: Context) -> tuple[ListingCard, ...]:
    """Return the newest on the board, for the front page."""
    query = FindQuery(order=Order.NEWEST, scheme=context.node.scheme, visitor=True)
    page = await context.node.market.find(query)
    here = place_of(context.settings)
    return tuple(card_shown(card, here, context) for card in page.cards[:NEWEST_SHOWN])


async def listing(context: Context) -> web.Response:
    """Show one listing; one that stays within the scheme is not there for visitors."""
    key, scheme = parse_listing_id(context.part("id"))
    card = await context.node.market.listing(scheme or context.node.scheme, key)
    if card is None or (card.own and not await _is_shared(context, card)):
        raise NoSuchPage
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
        )
    )


async def _is_shared(context: Context, card: Card) -> bool:
    owned = await context.read(find_own, card.key)
    return owned is not None and owned.listing.shared


# --- Words -------------------------------------------------------------------------------------------------------


def _kind(text: str) -> Literal["", "offer", "want"]:
    return "offer" if text == KINDS[0] else "want" if text == KINDS[1] else ""


def place_of(settings: SchemeSettings) -> Place | None:
    """Return where the scheme is, from where visitors' distances are reckoned."""
    if settings.north is None or settings.east is None:
        return None
    return Place(north=settings.north, east=settings.east)


def category_options(words: Words) -> tuple[Option, ...]:
    """Return the groups of categories, the first for all."""
    every = Option(value="", text=words.gettext("All categories"))
    return (every, *(Option(value=code, text=words.gettext(name)) for code, name, _ in CATEGORIES))


def card_shown(card: Card, here: Place | None, context: Context, owner: str = "") -> ListingCard:
    """Return a listing as a list shows it; `owner` is for members only, `here` where its reader is."""
    content, words, voice = card.content, context.words, context.voice
    other = other_scheme(card)
    if other is None:
        price, theirs = price_words(content.price, voice), ""
    else:
        price, theirs = neighbours_price(content.price, other, context.node.settings.rate(), voice)
    place = content.place or (None if other is None else other.place)
    return ListingCard(
        href=f"/l/{listing_id(card.key, None if card.own else card.scheme)}",
        kind="offer" if content.kind == "offer" else "want",
        title=content.title,
        price=price,
        price_theirs=theirs,
        place="" if place is None or here is None else distance(km_between(place, here), voice),
        category=words.gettext(english_name(group_of(content.category))),
        owner=owner,
        badge="" if card.own else (other.name if other is not None else words.gettext("another scheme")),
        seen="" if card.seen_ms is None else voice.seen(card.seen_ms),
        language="" if content.language == voice.language else content.language,
        note=words.gettext("May be gone. Ask first.") if card.stale else "",
    )


def other_scheme(card: Card) -> OtherScheme | None:
    """Return whose a listing is, as pages name other schemes; None for our own, or one that says nothing."""
    info = card.other
    if info is None:
        return None
    return OtherScheme(
        scheme=card.scheme,
        name=info.name,
        unit=unit_of_profile(info.profile),
        minor_per_hour=info.minor_per_hour,
        place=info.profile.place,
        heard_ms=card.seen_ms or 0,
    )


ROUTES: Final[tuple[Route, ...]] = (
    get("/look", look),
    get("/l/{id}", listing),
)
