"""Our own listings through their life, and finding anybody's.

What may be done with a listing is decided in `protocol/listing.py`; what follows from it, the item in the feed and the
entry in the index, is written in the same unit. Source: docs/protocol.md 5.1, 5.4, 5.8; docs/pages.md 8.2–8.4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import bindparam, func, select

from node.clock import Chance, Clock
from node.services.cards import Card, Cards, Page
from node.services.indexing import Doc, index
from node.services.members import MAY_TRADE
from node.services.own_feed import OwnFeed
from node.services.own_listings import Owned, existing, find_own, find_owner
from node.services.pictures import show_in
from node.services.promises import Payee
from node.services.search import FindQuery
from node.store import ReadTx, Store, Tx, upsert
from node.store.schema import market as schema
from protocol.feed_kinds import (
    LISTING,
    payload_bytes,
)
from protocol.listing import (
    Actor,
    Edited,
    Event,
    Hid,
    Lapsed,
    OwnListing,
    Published,
    PutItem,
    Removed,
    Renewed,
    SharingSet,
    Shown,
    State,
    Submitted,
    Withdrew,
    step,
)
from protocol.market import Listing, expiry
from protocol.names import ItemKey, SchemeId

LAPSES_AT_ONCE: Final = 200
LISTINGS_OF_ONE_MAX: Final = 200  # of one member, withdrawn ones left out

_L: Final = schema.listing.c
_COUNT_OF: Final = (
    select(func.count())
    .select_from(schema.listing)
    .where(_L.member_no == bindparam("member_no"), _L.state != State.WITHDRAWN.value)
)
_DUE: Final = (
    select(_L.item_key)
    .where(
        _L.state.in_([State.PUBLISHED.value, State.HIDDEN.value]),
        _L.expires <= bindparam("now"),
    )
    .limit(LAPSES_AT_ONCE)
)
_D: Final = schema.search_doc.c
_LACKING: Final = (
    select(_L.item_key)
    .where(
        _L.state == State.PUBLISHED.value,
        ~select(_D.no).where(_D.scheme == bindparam("own"), _D.item_key == _L.item_key).exists(),
    )
    .limit(LAPSES_AT_ONCE)
)
_SAVE: Final = upsert(
    schema.listing,
    key=("item_key",),
    update=(
        "state",
        "shared",
        "content",
        "created",
        "expires",
        "revision",
        "feed_until",
        "changed_ms",
        "reason",
    ),
)


class TooManyListings(Exception):
    """A member has as many listings as there may be."""


class Market:
    """See the head of this file."""

    def __init__(
        self, *, store: Store, clock: Clock, chance: Chance, own: SchemeId, own_feed: OwnFeed,
        on_withdrawn: Callable[[Tx, ItemKey], None] = lambda _tx, _key: None,
    ):  # fmt: skip
        """`on_withdrawn` is told, in the unit that withdraws it, of each listing that ended for good."""
        self._store: Final = store
        self._clock: Final = clock
        self._chance: Final = chance
        self._own: Final = own
        self._own_feed: Final = own_feed
        self._on_withdrawn: Final = on_withdrawn
        self.cards: Final = Cards(own=own)  # for pages that read more at once

    # --- our own: what owners and organisers do -------------------------------------------------------------------

    async def post(
        self, member_no: int, content: Listing, *, shared: bool = True, until: int | None = None
    ) -> Owned:
        """Publish a new listing of a member, for half a year unless `until` says otherwise.

        Raises:
            TooManyListings: the member has 200. InvalidValue: it ends before it begins.
        """
        return await self._store.write(self.post_in, member_no, content, shared=shared, until=until)

    def post_in(
        self, tx: Tx, member_no: int, content: Listing, *, shared: bool = True, until: int | None = None
    ) -> Owned:
        """Unit: as `post`, as a part of something larger."""
        ends = expiry(self._clock.now_ms(), until)
        listing = self._draft(tx, member_no, content, shared)
        return self._step(tx, member_no, listing, Published(expires=ends), Actor.OWNER)

    async def submit(self, member_no: int, content: Listing, *, shared: bool = True) -> Owned:
        """Write a new listing that waits for an organiser. Raises TooManyListings."""

        def unit(tx: Tx) -> Owned:
            listing = self._draft(tx, member_no, content, shared)
            return self._step(tx, member_no, listing, Submitted(), Actor.OWNER)

        return await self._store.write(unit)

    def _draft(self, tx: Tx, member_no: int, content: Listing, shared: bool) -> OwnListing:
        if tx.scalar(_COUNT_OF, member_no=member_no) >= LISTINGS_OF_ONE_MAX:
            raise TooManyListings
        return OwnListing(key=ItemKey(self._chance.bytes(16)), content=content, shared=shared)

    async def act(self, key: ItemKey, event: Event, actor: Actor = Actor.OWNER, *, why: str = "") -> Owned:
        """Do something with one of our own listings.

        Raises:
            LookupError: there is none. OutOfOrder: not now, or not by this actor. InvalidValue: an end out of range.
        """
        return await self._store.write(self.act_in, key, event, actor, why=why)

    def act_in(self, tx: Tx, key: ItemKey, event: Event, actor: Actor, *, why: str = "") -> Owned:
        """Unit: as `act`."""
        owned = existing(tx, key)
        return self._step(tx, owned.member_no, owned.listing, event, actor, why or owned.reason)

    async def edit(self, key: ItemKey, content: Listing, actor: Actor = Actor.OWNER) -> Owned:
        """Give a listing other words or another price."""
        return await self.act(key, Edited(content=content), actor)

    async def hide(self, key: ItemKey) -> Owned:
        """Hide a listing for a while."""
        return await self.act(key, Hid())

    async def show(self, key: ItemKey) -> Owned:
        """Show a hidden listing again."""
        return await self.act(key, Shown())

    async def renew(self, key: ItemKey, until: int | None = None) -> Owned:
        """Keep a listing for longer, also after it ended."""
        return await self.act(key, Renewed(expires=expiry(self._clock.now_ms(), until)))

    async def withdraw(self, key: ItemKey) -> Owned:
        """End a listing for good."""
        return await self.act(key, Withdrew())

    async def share(self, key: ItemKey, shared: bool) -> Owned:
        """Let a listing go to other schemes, or keep it here."""
        return await self.act(key, SharingSet(shared=shared))

    async def remove(self, key: ItemKey, why: str) -> Owned:
        """Take a listing down, as an organiser; its owner reads why."""
        return await self.act(key, Removed(), Actor.ORGANISER, why=why)

    async def lapse(self) -> int:
        """End what is over; done by a job. Return how many there were."""
        ended = 0
        while (some := await self._store.write(self._lapse)) == LAPSES_AT_ONCE:
            ended += some
        return ended + some

    def _lapse(self, tx: Tx) -> int:
        due = tx.all(_DUE, now=self._clock.now_ms())
        for (key,) in due:
            owned = existing(tx, ItemKey(key))
            self._step(tx, owned.member_no, owned.listing, Lapsed(), Actor.CLOCK, owned.reason)
        return len(due)

    def _step(
        self, tx: Tx, member_no: int, listing: OwnListing, event: Event, actor: Actor, reason: str = ""
    ) -> Owned:
        """Decide, then record the listing, its item and its place in the index."""
        now_ms = self._clock.now_ms()
        after, effects = step(listing, event, actor, now_ms)
        tx.run(
            _SAVE, item_key=after.key, member_no=member_no, state=after.state.value, shared=after.shared,
            content=payload_bytes(after.content), created=after.created, expires=after.expires,
            revision=after.revision, feed_until=after.feed_until, changed_ms=now_ms, reason=reason,
        )  # fmt: skip
        show_in(tx, member_no, after.key, None if after.state is State.WITHDRAWN else after.content)
        for effect in effects:
            payload = payload_bytes(effect.content) if isinstance(effect, PutItem) else b""
            self._own_feed.put(
                tx, LISTING, effect.key, payload, expires=effect.expires, created=effect.created,
                revision=effect.revision,
            )  # fmt: skip
        shown = after.content if after.state is State.PUBLISHED else None
        index(tx, Doc(self._own, after.key, 0, 0, after.shared, shown, after.created, after.expires))
        if after.state is State.WITHDRAWN:
            self._on_withdrawn(tx, after.key)
        return Owned(listing=after, member_no=member_no, changed_ms=now_ms, reason=reason)

    async def index_lacking(self) -> None:
        """Let those own listings be found that the index lacks: no copy at a keeper has an index. Source: 6.7 (g)."""
        while await self._store.write(self._index_lacking) == LAPSES_AT_ONCE:
            pass

    def _index_lacking(self, tx: Tx) -> int:
        lacking = tx.all(_LACKING, own=self._own)
        for (key,) in lacking:
            each = existing(tx, ItemKey(key)).listing
            doc = Doc(self._own, each.key, 0, 0, each.shared, each.content, each.created, each.expires)
            index(tx, doc, anew=True)
        return len(lacking)

    # --- finding ----------------------------------------------------------------------------------------------------

    async def find(self, query: FindQuery) -> Page:
        """Return one page of what fits, our own and neighbours' together."""
        return await self._store.read(self.cards.find, self._clock.now_ms(), query)

    async def listing(self, scheme: SchemeId, key: ItemKey) -> Card | None:
        """Return one listing that can be found now, ours or a neighbour's; None if it is gone."""
        return await self._store.read(self.cards.listing, self._clock.now_ms(), scheme, key)

    # --- what others ask ------------------------------------------------------------------------------------------------

    def payee_by_listing(self, tx: ReadTx, key: ItemKey) -> Payee | None:
        """Query: who is paid for a listing of ours; None if it is gone or its owner cannot be paid."""
        owned, owner = find_own(tx, key), find_owner(tx, key)
        if owned is None or owner is None:
            return None
        listing, (account_no, state) = owned.listing, owner
        if not listing.on_feed or listing.expires <= self._clock.now_ms() or state not in MAY_TRADE:
            return None
        asking = listing.content.price
        exact = asking.amount if asking.per in ("item", "hour", "day") else None
        return Payee(account_no, listing.content.owner or "", exact)
