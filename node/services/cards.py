"""Listings as lists show them, ours and neighbours' alike: read where they are kept.

Source: docs/protocol.md 5.3, 5.8, 7.1; docs/pages.md 8.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import bindparam, select

from node.services import search
from node.services.feed_store import Feed, find_feed, held_at_key, items_of_kind
from node.services.own_listings import Owned, find_own
from node.services.search import FindQuery, Found
from node.store import ReadTx
from node.store.schema import feeds as feeds_schema
from protocol.feed import Freshness, Head, Item, freshness
from protocol.feed_kinds import (
    PROFILE,
    RATE,
    Payload,
    Profile,
    RateNotice,
    payload_of,
    rate_holds_until,
    rate_in_force,
)
from protocol.listing import State
from protocol.market import Listing
from protocol.message import trusted_message
from protocol.names import ItemKey, SchemeId

_I: Final = feeds_schema.item.c
_WIRE: Final = select(_I.wire).where(_I.feed_no == bindparam("feed_no"), _I.feed_seq == bindparam("feed_seq"))


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeInfo:
    """What another scheme says of itself in its feed."""

    name: str
    unit: str
    decimals: int
    timebank: bool
    minor_per_hour: int | None  # none: it says nothing, or nothing that holds now
    profile: Profile


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Card:
    """A listing as a list shows it, ours or a neighbour's. It is what it is by itself, which makes it quick to look up."""

    scheme: SchemeId
    key: ItemKey
    content: Listing
    created: int
    expires: int
    km: int | None
    member_no: int | None  # of our own member who placed it
    other: SchemeInfo | None  # whose it is, where it is not ours and they say who they are
    seen_ms: int | None  # when that feed was last refreshed; none for our own
    stale: bool  # it may be gone: ask first

    @property
    def own(self) -> bool:
        """Whether it is one of ours."""
        return self.seen_ms is None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of cards, and how many there are in all."""

    cards: tuple[Card, ...]
    total: int
    page: int


class Cards:
    """Reads listings for pages: every method is a query, and can be remembered."""

    def __init__(self, *, own: SchemeId):
        self._own: Final = own

    def find(self, tx: ReadTx, now_ms: int, query: FindQuery) -> Page:
        """Query: one page of what fits, our own and neighbours' together."""
        found, total = search.find(tx, query, now_ms)
        cards = self._cards(tx, found, now_ms)
        return Page(tuple(cards), total, min(max(query.page, 1), search.PAGES_MAX))

    def newest(self, tx: ReadTx, now_ms: int, *, others: bool = False) -> tuple[Card, ...]:
        """Query: the newest of our own listings, or of all neighbours'; a page of them."""
        return tuple(self._cards(tx, search.newest(tx, self._own, now_ms, others=others), now_ms))

    def listing(self, tx: ReadTx, now_ms: int, scheme: SchemeId, key: ItemKey) -> Card | None:
        """Query: one listing that can be found now, ours or a neighbour's; None if it is gone."""
        if scheme == self._own:
            owned = find_own(tx, key)
            if owned is None or owned.listing.state is not State.PUBLISHED or owned.listing.expires <= now_ms:
                return None
            tx.holds_until(owned.listing.expires)
            return self._own_card(owned, None)
        feed = find_feed(tx, scheme)
        held = None if feed is None else held_at_key(tx, feed.no, key)
        if feed is None or held is None or held[2] or held[4] <= now_ms:
            return None
        tx.holds_until(held[4])
        return self._other_card(tx, held[3], feed, None, _info(tx, scheme, now_ms), now_ms)

    def _cards(self, tx: ReadTx, found: list[Found], now_ms: int) -> list[Card]:
        feeds: dict[SchemeId, Feed | None] = {}
        infos: dict[SchemeId, SchemeInfo | None] = {}
        cards: list[Card | None] = []
        for each in found:
            if not each.feed_no:
                owned = find_own(tx, each.key)
                cards.append(None if owned is None else self._own_card(owned, each.km))
                continue
            if each.scheme not in feeds:
                feeds[each.scheme] = find_feed(tx, each.scheme)
                infos[each.scheme] = _info(tx, each.scheme, now_ms)
            feed, wire = feeds[each.scheme], tx.scalar(_WIRE, feed_no=each.feed_no, feed_seq=each.feed_seq)
            if feed is not None and wire is not None:
                cards.append(self._other_card(tx, wire, feed, each.km, infos[each.scheme], now_ms))
        # What was withdrawn a moment ago is still in the index until the next batch.
        return [card for card in cards if card is not None]

    def _own_card(self, owned: Owned, km: int | None) -> Card:
        listing = owned.listing
        return Card(
            scheme=self._own, key=listing.key, content=listing.content, created=listing.created,
            expires=listing.expires, km=km, member_no=owned.member_no, other=None, seen_ms=None, stale=False,
        )  # fmt: skip

    def _other_card(
        self, tx: ReadTx, wire: bytes, feed: Feed, km: int | None, info: SchemeInfo | None, now_ms: int
    ) -> Card | None:
        item, content = _opened(wire)
        if not isinstance(content, Listing):
            return None
        head = None if feed.head is None else trusted_message(Head, feed.head).body
        if head is not None and head.valid_until >= now_ms:
            tx.holds_until(head.valid_until + 1)  # then it may be stale
        return Card(
            scheme=item.scheme, key=item.key, content=content, created=item.created, expires=item.expires, km=km,
            member_no=None, other=info, seen_ms=feed.heard_ms,
            stale=head is None or freshness(head, now_ms) is not Freshness.FRESH,
        )  # fmt: skip


# Long enough for what is on everybody's lists at one time; at most some megabytes.
@lru_cache(maxsize=1024)
def _opened(wire: bytes) -> tuple[Item, Payload | None]:
    item = trusted_message(Item, wire).body
    return item, payload_of(item)


def _info(tx: ReadTx, scheme: SchemeId, now_ms: int) -> SchemeInfo | None:
    """Return what another scheme says of itself; None if it says nothing."""
    payloads: list[Any] = [
        payload_of(trusted_message(Item, wire).body)
        for kind in (PROFILE, RATE)
        for _, wire in items_of_kind(tx, kind, now_ms, scheme)
    ]
    profile = next((each for each in payloads if isinstance(each, Profile)), None)
    if profile is None:
        return None
    notices = [each for each in payloads if isinstance(each, RateNotice)]
    notice, until_ms = rate_in_force(notices, now_ms), rate_holds_until(notices, now_ms)
    if until_ms is not None:
        tx.holds_until(until_ms)
    return SchemeInfo(
        name=profile.name,
        unit=profile.unit,
        decimals=profile.decimals,
        timebank=profile.timebank,
        minor_per_hour=None if notice is None else notice.minor_per_hour,
        profile=profile,
    )
