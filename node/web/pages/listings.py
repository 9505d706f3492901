"""Listings as pages show them: our own and neighbours' alike, found by the name in their address.

Source: docs/pages.md 7.2, 8.3, 8.11.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from node.services.feed_store import find_feed, held_at_key
from node.services.members import Member
from node.store import ReadTx
from node.web.amounts import Unit
from node.web.context import Context, NoSuchPage
from node.web.pages.schemes import read_schemes
from node.web.present import STALE_AFTER_MS, OtherScheme, Voice, distance, km_between
from node.web.views.page import ListingCard
from protocol.errors import InvalidValue
from protocol.feed import Item
from protocol.feed_kinds import payload_of
from protocol.market import AskingPrice, Listing, Place
from protocol.message import trusted_message
from protocol.names import ItemKey, SchemeId
from protocol.units import Rate, hours_of, local_of

_KEY_BYTES: Final = 16
_SCHEME_BYTES: Final = 32


def listing_id(key: ItemKey, scheme: SchemeId | None = None) -> str:
    """Return the name of a listing in addresses; `scheme` where it is not our own."""
    return base64.urlsafe_b64encode(key + (scheme or b"")).rstrip(b"=").decode()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownListing:
    """One listing with what its page says of it."""

    id: str
    key: ItemKey
    content: Listing
    expires: int
    owner: Member | None = None  # of our scheme
    other: OtherScheme | None = None  # whose it is, where it is not ours
    owner_name: str = ""

    def unit(self, context: Context) -> Unit:
        """Return the unit its price is in."""
        return context.unit if self.other is None else self.other.unit


async def find_listing(context: Context, text: str) -> ShownListing:
    """Return the listing an address names, if its reader may see it. Raises NoSuchPage."""
    key, scheme = parse_listing_id(text)
    if scheme is None:
        raise NoSuchPage
    found = await context.read(_neighbours_listing, key, scheme, context.now_ms)
    if found is None:
        raise NoSuchPage
    content, expires, other = found
    name = content.owner or context.words.gettext("Somebody in %(scheme)s") % {"scheme": other.name}
    return ShownListing(id=text, key=key, content=content, expires=expires, other=other, owner_name=name)


def _neighbours_listing(
    tx: ReadTx, key: ItemKey, scheme: SchemeId, now_ms: int
) -> tuple[Listing, int, OtherScheme] | None:
    other, feed = read_schemes(tx, now_ms).get(scheme), find_feed(tx, scheme)
    if other is None or feed is None:
        return None
    held = held_at_key(tx, feed.no, key)
    if held is None:
        return None
    _, _, empty, wire, expires = held
    if empty or expires <= now_ms:
        return None
    content = payload_of(trusted_message(Item, wire).body)
    return (content, expires, other) if isinstance(content, Listing) else None


# --- Words --------------------------------------------------------------------------------------------------


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
    if per == "hour":
        return voice.words.gettext("%(amount)s an hour") % {"amount": amount}
    if per == "day":
        return voice.words.gettext("%(amount)s a day") % {"amount": amount}
    return amount


def neighbours_price(price: AskingPrice, other: OtherScheme, own_rate: Rate, voice: Voice) -> tuple[str, str]:
    """Return a neighbour's asking price in our unit and in theirs: ("about 30 min", "6.00 Acorns")."""
    if not price.amount:
        return price_words(price, voice), ""
    theirs = _per(price.per, voice.short(price.amount, other.unit), voice)
    mine = price_here(price.amount, other, own_rate)
    if mine is None:
        return theirs, ""
    about = voice.words.gettext("about %(amount)s") % {"amount": voice.short(mine)}
    if price.per == "agree":
        return voice.words.gettext("%(price)s, to agree") % {"price": about}, theirs
    return _per(price.per, about, voice), theirs


def price_here(amount: int, other: OtherScheme, own_rate: Rate) -> int | None:
    """Return what a neighbour's amount is here, as their rate and ours stand; None where theirs is not known."""
    if other.minor_per_hour is None:
        return None
    try:
        return local_of(hours_of(amount, Rate(minor_per_hour=other.minor_per_hour)), own_rate)
    except InvalidValue:  # more than any amount
        return None


def stale_note(other: OtherScheme, voice: Voice) -> str:
    """Return a warning where a neighbour has not been heard of for two days."""
    if voice.now_ms - other.heard_ms <= STALE_AFTER_MS:
        return ""
    return voice.words.gettext("May be gone. Ask first.")


def distance_words(place: Place | None, here: Place | None, voice: Voice) -> str:
    """Return how far a listing is from whoever looks."""
    if place is None or here is None:
        return ""
    return distance(km_between(place, here), voice)


def neighbours_card(shown: ShownListing, own_rate: Rate, here: Place | None, voice: Voice) -> ListingCard:
    """Return the card of a neighbour's listing."""
    assert shown.other is not None
    content, other = shown.content, shown.other
    price, theirs = neighbours_price(content.price, other, own_rate, voice)
    return ListingCard(
        href=f"/l/{shown.id}",
        kind="offer" if content.kind == "offer" else "want",
        title=content.title,
        price=price,
        price_theirs=theirs,
        place=distance_words(content.place or other.place, here, voice),
        owner=shown.owner_name,
        badge=other.name,
        seen=voice.seen(other.heard_ms),
        language="" if content.language == voice.language else content.language,
        note=stale_note(other, voice),
    )
