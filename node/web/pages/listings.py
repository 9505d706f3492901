"""Listings as pages show them: our own and neighbours' alike, found by the name in their address.

Source: docs/pages.md 7.2, 8.3, 8.11.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from node.services.cards import Card, SchemeInfo
from node.services.members import Member, member_by_no
from node.services.own_listings import Owned, find_own
from node.store import ReadTx
from node.web.amounts import Unit
from node.web.context import Context, NoSuchPage
from node.web.listing_names import listing_id
from node.web.pages.schemes import unit_of_profile
from node.web.present import OtherScheme, Voice, distance, km_between
from node.web.views.page import ListingCard, PictureShown
from protocol.categories import english_name
from protocol.errors import InvalidValue
from protocol.listing import State
from protocol.market import AskingPrice, Listing, Place
from protocol.names import ItemKey, SchemeId
from protocol.units import Rate
from protocol.units import price as price_between

SMALL_DOTS: Final = 88  # a side of a picture in a list
_KEY_BYTES: Final = 16
_SCHEME_BYTES: Final = 32


def parse_listing_id(text: str) -> tuple[ItemKey, SchemeId | None]:
    """Return the key and the other scheme that a name in an address means. Raises NoSuchPage."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise NoSuchPage from None
    if len(raw) == _KEY_BYTES:
        return ItemKey(raw), None
    if len(raw) == _KEY_BYTES + _SCHEME_BYTES:
        return ItemKey(raw[:_KEY_BYTES]), SchemeId(raw[_KEY_BYTES:])
    raise NoSuchPage


# --- One listing --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownListing:
    """One listing that can be found now, with what its page says of it."""

    id: str
    card: Card
    content: Listing  # the card's, or with a newer price than gossip has brought
    owner: Member | None = None  # of our scheme
    other: OtherScheme | None = None  # whose it is, where it is not ours
    owner_name: str

    @property
    def key(self) -> ItemKey:
        """Its key."""
        return self.card.key

    def unit(self, context: Context) -> Unit:
        """Return the unit its price is in."""
        return context.unit if self.other is None else self.other.unit


async def find_listing(context: Context, text: str) -> ShownListing:
    """Return the listing an address names. Raises NoSuchPage: there is none, or none any more."""
    key, scheme = parse_listing_id(text)
    card = await context.node.market.listing(scheme or context.node.scheme, key)
    if card is None:
        raise NoSuchPage
    if card.own:
        owner = None if card.member_no is None else await context.read(member_by_no, card.member_no)
        if owner is None:
            raise NoSuchPage
        return ShownListing(
            id=listing_id(key), card=card, content=card.content, owner=owner, owner_name=owner.name
        )
    other = None if card.other is None else other_scheme(card.scheme, card.other, card.seen_ms or 0)
    if other is None:
        raise NoSuchPage  # without their profile nobody knows in which unit its price is
    return ShownListing(
        id=listing_id(key, card.scheme),
        card=card,
        content=card.content,
        other=other,
        owner_name=_owner_name(card, context.voice),
    )


def other_scheme(scheme: SchemeId, info: SchemeInfo, heard_ms: int) -> OtherScheme:
    """Return a scheme as pages name it."""
    return OtherScheme(
        scheme=scheme,
        name=info.name,
        unit=unit_of_profile(info.profile),
        minor_per_hour=info.minor_per_hour,
        place=info.profile.place,
        heard_ms=heard_ms,
    )


def read_mine(tx: ReadTx, key: ItemKey, member_no: int) -> Owned:
    """Query: a member's own listing in whatever state. Raises NoSuchPage for anybody else's."""
    owned = find_own(tx, key)
    if owned is None or owned.member_no != member_no or owned.listing.state is State.WITHDRAWN:
        raise NoSuchPage
    return owned


async def find_mine(context: Context, text: str) -> Owned:
    """Return the reader's own listing that an address names. Raises NoSuchPage."""
    key, scheme = parse_listing_id(text)
    if scheme is not None:
        raise NoSuchPage
    return await context.read(read_mine, key, context.member.no)


# --- Prices -------------------------------------------------------------------------------------------------


def price_words(price: AskingPrice, voice: Voice) -> str:
    """Return an asking price in our own unit."""
    if price.per == "free":
        return voice.words.gettext("free")
    if price.per == "agree":
        if not price.amount:
            return voice.words.gettext("to agree")
        return voice.words.gettext("about %(amount)s, to agree") % {"amount": voice.short(price.amount)}
    return _per(price.per, voice.short(price.amount), voice)


def _per(per: str, amount: str, voice: Voice) -> str:
    _ = voice.words.gettext
    match per:
        case "hour":
            return _("%(amount)s for an hour") % {"amount": amount}
        case "day":
            return _("%(amount)s a day") % {"amount": amount}
        case "night":
            return _("%(amount)s a night") % {"amount": amount}
        case "km":
            return _("%(amount)s a kilometre") % {"amount": amount}
        case "seat":
            return _("%(amount)s a seat") % {"amount": amount}
        case _:
            return amount


def neighbours_price(price: AskingPrice, other: OtherScheme, own_rate: Rate, voice: Voice) -> tuple[str, str]:
    """Return a neighbour's asking price in our unit and in theirs: ("about 30 min", "6.00 Acorns")."""
    if not price.amount:
        return price_words(price, voice), ""
    theirs = voice.short(price.amount, other.unit)
    here = price_here(price.amount, other, own_rate)
    if here is None:
        return _per(price.per, theirs, voice), ""
    about = voice.words.gettext("about %(amount)s") % {"amount": voice.short(here)}
    if price.per == "agree":
        return voice.words.gettext("%(price)s, to agree") % {"price": about}, theirs
    return _per(price.per, about, voice), theirs


def price_here(amount: int, other: OtherScheme, own_rate: Rate) -> int | None:
    """Return what a neighbour's amount is here, as their rate and ours stand; None where theirs is not known."""
    if other.minor_per_hour is None:
        return None
    try:
        return price_between(
            amount, payee_rate=Rate(minor_per_hour=other.minor_per_hour), payer_rate=own_rate
        ).payer_amount
    except InvalidValue:  # more than any amount
        return None


def category_name(code: str, voice: Voice) -> str:
    """Return what a category is called."""
    return voice.words.gettext(english_name(code))


# --- Cards --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Reader:
    """For whom cards are written: all that their words depend on besides the card itself."""

    voice: Voice  # of no moment: what a card says of time is put into it
    here: Place | None
    own_rate: Rate


@lru_cache(maxsize=64)
def _reader(voice: Voice, here: Place | None, own_rate: Rate) -> _Reader:
    return _Reader(voice, here, own_rate)


def card_view(
    card: Card, owner: Member | None, context: Context, here: Place | None = None
) -> ListingCard:  # fmt: skip
    """Return a listing as lists show it to members; `owner` where it is ours, `here` where its reader is."""
    (shown,) = cards_view((card,), {} if owner is None else {card.member_no or 0: owner}, context, here)
    return shown


def cards_view(
    cards: Iterable[Card], owners: Mapping[int, Member], context: Context, here: Place | None = None
) -> tuple[ListingCard, ...]:
    """Return cards as lists show them to members: `owners` of ours, `here` where the reader is."""
    voice = context.voice
    reader = _reader(replace(voice, now_ms=0), here, context.node.settings.rate())
    return tuple(
        _card_view(
            card,
            _owner_shown(card, owners.get(card.member_no or 0), context),
            "" if card.seen_ms is None else voice.seen(card.seen_ms),
            reader,
        )
        for card in cards
    )


# A card and its reader are the same objects from page to page while nothing changes, so finding one costs little.
@lru_cache(maxsize=2048)
def _card_view(card: Card, owner: str, seen: str, reader: _Reader) -> ListingCard:
    content, voice = card.content, reader.voice
    other = None if card.other is None else other_scheme(card.scheme, card.other, card.seen_ms or 0)
    place = content.place or (None if other is None else other.place)
    km = None if place is None or reader.here is None else km_between(place, reader.here)
    if other is None:
        asked, theirs = price_words(content.price, voice), ""
    else:
        asked, theirs = neighbours_price(content.price, other, reader.own_rate, voice)
    return ListingCard(
        href=f"/l/{listing_id(card.key, None if card.own else card.scheme)}",
        kind=content.kind,
        title=content.title,
        price=asked,
        price_theirs=theirs,
        place=distance(km, voice),
        category=category_name(content.category, voice),
        owner=owner,
        badge="" if card.own else scheme_name(card, voice),
        seen=seen,
        language="" if content.language == voice.language.lower() else content.language,
        note=voice.words.gettext("May be gone. Ask first.") if card.stale else "",
        picture=small_picture(card),
    )


def small_picture(card: Card) -> PictureShown | None:
    """Return the first picture of a listing, as lists show it: in a square, whatever its own sides are."""
    if not card.content.pictures:
        return None
    first = card.content.pictures[0]
    return PictureShown(
        src=f"/l/{listing_id(card.key, None if card.own else card.scheme)}/picture/{name_text(first.full)}/small",
        width=SMALL_DOTS,
        height=SMALL_DOTS,
        words=first.words,
    )


def name_text(name: bytes) -> str:
    """Return the name of a picture in addresses."""
    return base64.urlsafe_b64encode(name).rstrip(b"=").decode()


def _owner_shown(card: Card, owner: Member | None, context: Context) -> str:
    """Return whose a listing is; the reader knows her own name."""
    if owner is None:
        return "" if card.own else card.content.owner or ""
    return context.words.gettext("yours") if owner.no == context.member.no else owner.name


def scheme_name(card: Card, voice: Voice) -> str:
    """Return whose a neighbour's listing is."""
    return voice.words.gettext("another scheme") if card.other is None else card.other.name


def _owner_name(card: Card, voice: Voice) -> str:
    if card.content.owner:
        return card.content.owner
    return voice.words.gettext("Somebody in %(scheme)s") % {"scheme": scheme_name(card, voice)}


def owners_of(tx: ReadTx, cards: tuple[Card, ...]) -> dict[int, Member]:
    """Query: the members behind our own cards, by number."""
    numbers = {card.member_no for card in cards if card.member_no is not None}
    found = {no: member_by_no(tx, no) for no in numbers}
    return {no: member for no, member in found.items() if member is not None}
