"""Feeds between neighbours: new items and heads are pushed, clocks are swapped, and what is missing is fetched.

Nothing here is in a hurry and nothing is lost: what a full queue drops, the next swap of clocks finds. Only
neighbours, with whom a line is open, exchange feeds; anybody in session may ask for an identity log. How one feed
is fetched is in `catching_up.py`. Source: docs/protocol.md 5.5, 5.6.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import structlog

from node.clock import Chance, Clock
from node.federation.dispatch import Dispatch
from node.federation.links import Links
from node.federation.session import Session
from node.services import feed_frames as frames
from node.services import feed_store as store_rules
from node.services.catching_up import CatchUp, Offload, at_once
from node.services.clock_talk import FEEDS_MAX, ClockTalk
from node.services.copy_comparing import note_lost_listings
from node.services.directory import Directory
from node.services.feed_checks import peek_readable
from node.services.feed_intake import Arrival, QuotaOf, store_singles
from node.services.feed_serving import FeedServing
from node.services.feed_store import FRAME_ITEMS_BYTES, Feed, find_feed, read_clocks
from node.services.own_feed import OwnFeed
from node.services.publishing import Publisher
from node.services.push_inbox import PushInbox
from node.services.routes import Routes
from node.services.steady import steadily
from node.store import Store
from node.supervisor import Supervisor
from protocol.errors import OutOfOrder, ProtocolError
from protocol.feed import Head
from protocol.feed_kinds import PEERING
from protocol.following import FeedClock, Lack, Quota, lacks
from protocol.frame import PRIORITY, Frame, FrameType, encode_frame, payload_many
from protocol.limits import STALE_FEED_KEPT_MS
from protocol.message import trusted_message
from protocol.names import SchemeId, scheme_text

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

SWAP_EVERY_S: Final = 60.0
TIDY_EVERY_S: Final = 3_600.0
FETCHES_MAX: Final = 4  # feeds fetched at once
FETCHES_OF_ONE: Final = 3  # rounds for one feed, before the next swap of clocks
REFUSED_MS: Final = 2 * 60 * 1000  # a feed that proved not to be near is not looked at again so soon
SETTLE_S: Final = 0.5  # until a newly fetched peering is in the graph

OnChange = Callable[[SchemeId], None]


class Gossip:
    """See the head of this file. `run` must be running."""

    def __init__(
        self, *, store: Store, clock: Clock, chance: Chance, links: Links, dispatch: Dispatch, directory: Directory,
        routes: Routes, own_feed: OwnFeed, own: SchemeId, quota_of: QuotaOf | None = None, offload: Offload = at_once,
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._chance: Final = chance
        self._links: Final = links
        self._directory: Final = directory
        self._routes: Final = routes
        self._own_feed: Final = own_feed
        self._own: Final = own
        self._quota_of: Final[QuotaOf] = quota_of or (lambda _scheme: Quota())
        self._offload: Final = offload
        self._catch_up: Final = CatchUp(
            store=store, links=links, directory=directory, clock=clock, quota_of=self._quota_of, offload=offload
        )  # fmt: skip
        self._clocks: Final[dict[SchemeId, FeedClock]] = {}
        self._talk: Final = ClockTalk(links=links, clocks=self._clocks)
        self._inbox: Final = PushInbox()
        self._publisher: Final = Publisher(own_feed=own_feed, clock=clock, push=self._push)
        self._fetching: Final[set[SchemeId]] = set()
        self._fetch_room: Final = asyncio.Semaphore(FETCHES_MAX)
        self._refused: Final[dict[SchemeId, int]] = {}
        self._watchers: Final[list[OnChange]] = []
        self.tasks: Final = Supervisor("gossip")
        dispatch.register(self, FrameType.CLOCKS, FrameType.ITEMS, FrameType.HEAD)
        self._serving: Final = FeedServing(
            store=store, dispatch=dispatch, directory=directory, routes=routes, own=own,
            before_own=self._publisher.bring_in_step,
        )  # fmt: skip
        links.watch(on_up=self._on_up, on_down=lambda peer, _session, _closed: self._talk.forget_peer(peer))
        routes.watch(self._on_horizon)
        own_feed.watch(on_put=self._on_put, on_head=self._on_own_head)

    # --- life -------------------------------------------------------------------------------------------------

    def watch(self, on_change: OnChange) -> None:
        """Be told of every feed, the own one included, whose items changed."""
        self._watchers.append(on_change)

    def clock_of(self, scheme: SchemeId) -> FeedClock | None:
        """Return how far a feed is known here."""
        return self._clocks.get(scheme)

    async def load(self) -> None:
        """Take in how far every feed is known."""
        for clock in await self._store.read(read_clocks, self._directory.seq):
            self._clocks[clock.scheme] = clock
            if clock.scheme == self._own:
                self._publisher.head_is_due(clock.head_time)
        if await self._store.read(self._own_feed.head_is_of_older_keys):
            self._publisher.head_is_due()  # followers learn of new keys by it, and whoever comes later could not check it

    async def run(self) -> None:
        """Push, swap and tidy until cancelled."""
        async with self.tasks, self._serving.tasks:
            for work, what in (
                (self._publisher.keep_pushing, "push"), (self._publisher.keep_heads, "heads"), (self._keep_taking, "take"),
                (self._keep_tidy, "tidy"),
            ):  # fmt: skip
                self.tasks.spawn(steadily(work, what), what)
            self._on_horizon()
            while True:
                await asyncio.sleep(SWAP_EVERY_S)
                self._swap_with_one()

    # --- frames -----------------------------------------------------------------------------------------------

    async def on_frame(self, session: Session, frame: Frame) -> None:
        """Take a frame about feeds. Raises ProtocolError."""
        peer = session.peer
        if peer not in self._routes.neighbours:
            return  # the line may be about to open: what they say now they say again in a minute
        if frame.type is FrameType.CLOCKS:
            self._on_clocks(peer, frames.read_clocks(frame))
        else:
            wires = payload_many(frame)
            await session.spend_checks(len(wires))
            self._inbox.put(peer, wires, heads=frame.type is FrameType.HEAD)

    # --- clocks -----------------------------------------------------------------------------------------------

    def _on_up(self, peer: SchemeId, _session: Session) -> None:
        self._talk.forget_peer(peer)
        if peer in self._routes.neighbours:
            self._talk.tell(peer, wants_answer=True)

    def _on_horizon(self) -> None:
        """A line opened, or peerings changed: swap with new neighbours, follow what came near."""
        for peer in sorted(self._routes.neighbours):
            if peer in self._links.live and not self._talk.has_told(peer):
                self._talk.tell(peer, wants_answer=True)
            for clock in self._talk.heard(peer):
                self._consider(peer, clock)

    def _swap_with_one(self) -> None:
        peers = sorted(self._routes.neighbours & self._links.live.keys())
        if not peers:
            return
        peer = peers[self._chance.below(len(peers))]
        self._talk.tell(peer, wants_answer=True)
        for clock in self._talk.heard(peer):
            self._consider(peer, clock)

    def _on_clocks(self, peer: SchemeId, said: frames.Clocks) -> None:
        for clock in said.clocks:
            if self._talk.hear(peer, clock):
                self._consider(peer, clock)
        if said.wants_answer:
            self._talk.tell(peer, wants_answer=False)

    def _consider(self, peer: SchemeId, clock: FeedClock) -> None:
        """Fetch what the peer has of a feed and we lack, if that feed is ours to follow."""
        scheme = clock.scheme
        if scheme == self._own:
            mine = self._clocks.get(scheme)
            if mine is not None and clock.feed_seq > mine.feed_seq:
                self.tasks.spawn(self._go_on_above(peer, mine.feed_seq, clock.feed_seq), "restored")
        elif self._may_follow(scheme) and lacks(self._mine(scheme), clock):
            self._follow_soon(peer, scheme)

    def _mine(self, scheme: SchemeId) -> FeedClock | None:
        clock, seq = self._clocks.get(scheme), self._directory.seq(scheme)
        return None if clock is None or seq < 0 else replace(clock, identity_seq=seq)

    def _may_follow(self, scheme: SchemeId) -> bool:
        if self._refused.get(scheme, 0) > self._clock.now_ms():
            return False
        room = len(self._clocks) < FEEDS_MAX
        return self._routes.within(scheme) or (room and self._routes.is_claimed(scheme))

    async def _go_on_above(self, peer: SchemeId, held: int, seen: int) -> None:
        # Others hold more of our feed than we do: this store is older than they are (6.7 i).
        log.error("own_feed_was_ahead", seen=seen)
        try:
            items = await self._catch_up.above(peer, self._own, held)
        finally:  # whoever does not send what it told of: the number alone keeps us from using one twice
            await self._store.write(self._own_feed.go_on_above, seen)
            self._publisher.head_is_due()
        await self._store.write(note_lost_listings, [each.wire for each in items], self._clock.now_ms())

    # --- fetching ---------------------------------------------------------------------------------------------

    def _follow_soon(self, peer: SchemeId, scheme: SchemeId) -> None:
        if scheme not in self._fetching:
            self._fetching.add(scheme)
            self.tasks.spawn(self._follow(peer, scheme), "follow")

    async def _follow(self, peer: SchemeId, scheme: SchemeId) -> None:
        try:
            async with self._fetch_room:
                for _ in range(FETCHES_OF_ONE):
                    clock = self._talk.heard_of(peer, scheme)
                    lacking = () if clock is None else lacks(self._mine(scheme), clock)
                    if clock is None or not lacking:
                        break
                    await self._fetch(peer, clock, lacking)
            if not self._routes.within(scheme):
                await asyncio.sleep(SETTLE_S)
                await self._drop_if_far(scheme)
        finally:
            self._fetching.discard(scheme)

    async def _fetch(self, peer: SchemeId, clock: FeedClock, lacking: tuple[Lack, ...]) -> None:
        scheme = clock.scheme
        try:
            if Lack.IDENTITY in lacking:
                await self._catch_up.identity(peer, scheme, clock.identity_seq)
            if lacking != (Lack.IDENTITY,):
                await self._catch_up.feed(peer, scheme, clock.feed_seq)
        except ProtocolError as error:
            # What this relay says of that feed is not true, or too much: not again before its next word.
            log.warning(
                "feed_not_taken", peer=scheme_text(peer), scheme=scheme_text(scheme), code=error.code, reason=str(error)
            )  # fmt: skip
            self._talk.disbelieve(peer, scheme)
        finally:
            await self._refresh(scheme, relay_to_others_than=peer)

    async def _refresh(self, scheme: SchemeId, relay_to_others_than: SchemeId) -> None:
        """Take in what the store holds of a feed now, and pass a new head on."""
        feed = await self._store.read(find_feed, scheme)
        if feed is None:
            self._clocks.pop(scheme, None)
            return
        before = self._clocks.get(scheme)
        self._note(feed)
        if feed.head is not None and (before is None or feed.head_time > before.head_time):
            self._push(FrameType.HEAD, (feed.head,), but=relay_to_others_than)
        self._changed(scheme, peerings=True)

    def _note(self, feed: Feed) -> None:
        if feed.head is None:
            return
        self._clocks[feed.scheme] = FeedClock(
            scheme=feed.scheme, identity_seq=max(0, self._directory.seq(feed.scheme)), feed_seq=feed.complete,
            head_time=feed.head_time,
        )  # fmt: skip

    def _changed(self, scheme: SchemeId, *, peerings: bool) -> None:
        if peerings:
            self._routes.changed()
        for call in self._watchers:
            call(scheme)

    # --- taking what was pushed -------------------------------------------------------------------------------

    async def _keep_taking(self) -> None:
        while True:
            await self._inbox.arrived.wait()
            self._inbox.arrived.clear()
            while self._inbox:
                await self._take_some()

    async def _take_some(self) -> None:
        """Check and store a batch of what was pushed; then look at the heads that came with it."""
        items, heads = self._inbox.take()
        await self._take_items(items)
        for peer, wire in heads:
            try:
                await self._take_head(peer, wire)
            except ProtocolError as error:
                log.warning("head_not_taken", peer=scheme_text(peer), code=error.code, reason=str(error))

    async def _take_items(self, items: dict[bytes, SchemeId]) -> None:
        new = [
            wire for wire, face in await self._offload(peek_readable, tuple(items))
            if not self._inbox.has_seen(face.id) and face.scheme not in self._fetching and face.scheme in self._clocks
            and self._routes.within(face.scheme)
        ]  # fmt: skip
        if not new:
            return
        arrivals = await self._catch_up.check(new)
        # A feed that began to be fetched meanwhile is left to its fetch.
        arrivals = [each for each in arrivals if each.peek.scheme not in self._fetching]
        stored = await self._store.write(store_singles, arrivals, self._quota_of, self._clock.now_ms())
        for arrival in arrivals:
            self._inbox.remember(arrival.peek.id)
        if stored.refused.keys() - {"known"}:
            log.info("items_not_taken", **stored.refused)
        self._pass_on(stored.fresh, items)
        for feed in stored.feeds:
            self._note(feed)
            kinds = {each.peek.kind for each in stored.fresh if each.peek.scheme == feed.scheme}
            if kinds:
                self._changed(feed.scheme, peerings=PEERING in kinds)

    def _pass_on(self, fresh: Sequence[Arrival], came_from: dict[bytes, SchemeId]) -> None:
        by_peer: dict[SchemeId, list[bytes]] = {}
        for arrival in fresh:
            by_peer.setdefault(came_from[arrival.wire], []).append(arrival.wire)
        for peer, wires in by_peer.items():
            for part in frames.in_frames(wires, FRAME_ITEMS_BYTES):
                self._push(FrameType.ITEMS, part, but=peer)

    async def _take_head(self, peer: SchemeId, wire: bytes) -> None:
        try:
            head = self._catch_up.open_head(wire)
            if (clock := self._clocks.get(head.scheme)) is not None and clock.feed_seq == head.feed_seq:
                await self._catch_up.compare(head, wire)
        except OutOfOrder:
            head = trusted_message(Head, wire).body  # not trusted: only asked about below
        scheme = head.scheme
        mine = self._mine(scheme)
        theirs = FeedClock(
            scheme=scheme, identity_seq=head.identity_seq, feed_seq=head.feed_seq, head_time=head.time
        )
        lacking = lacks(mine, theirs)
        if scheme == self._own or not lacking:
            return
        if not self._may_follow(scheme):
            # A head may outrun the peerings that make its scheme near: `_on_horizon` comes back to what was heard.
            self._talk.hear(peer, theirs)
            return
        if (
            mine is not None
            and lacking == (Lack.HEAD,)
            and scheme not in self._fetching
            and await self._catch_up.try_head(self._catch_up.open_head(wire), wire)
        ):
            await self._refresh(scheme, relay_to_others_than=peer)
            return
        self._talk.hear(peer, theirs)
        self._follow_soon(peer, scheme)

    # --- pushing ----------------------------------------------------------------------------------------------

    def _on_put(self, arrival: Arrival) -> None:
        self._changed(self._own, peerings=arrival.peek.kind == PEERING)

    def _on_own_head(self, head: Head, _wire: bytes) -> None:
        self._clocks[self._own] = FeedClock(
            scheme=self._own, identity_seq=head.identity_seq, feed_seq=head.feed_seq, head_time=head.time
        )

    def _push(self, kind: FrameType, wires: tuple[bytes, ...], but: SchemeId | None = None) -> None:
        """Send to every neighbour in session. What a full queue does not take is fetched later."""
        neighbours = self._routes.neighbours
        live = self._links.live.items()
        sessions = [session for peer, session in live if peer in neighbours and peer != but]
        if sessions:
            data = encode_frame(Frame(kind, wires))
            for session in sessions:
                session.offer_encoded(PRIORITY[kind], data)

    # --- tidying ----------------------------------------------------------------------------------------------

    async def _keep_tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_EVERY_S)
            now_ms = self._clock.now_ms()
            for scheme in [each for each, until in self._refused.items() if until <= now_ms]:
                del self._refused[scheme]
            for feed in await self._store.read(store_rules.all_feeds):
                if feed.scheme == self._own or feed.scheme not in self._fetching:
                    await self._tidy(feed, now_ms)

    async def _tidy(self, feed: Feed, now_ms: int) -> None:
        await self._store.write(store_rules.prune, feed.scheme)
        gone = feed.head is not None and now_ms > feed.valid_until + STALE_FEED_KEPT_MS
        if gone and feed.scheme != self._own:
            await self._drop(feed.scheme)
        elif feed.scheme != self._own:
            await self._drop_if_far(feed.scheme)

    async def _drop_if_far(self, scheme: SchemeId) -> None:
        """Forget a feed whose scheme is not within the horizon after all. Source: 5.6."""
        if not self._routes.within(scheme):
            self._refused[scheme] = self._clock.now_ms() + REFUSED_MS
            await self._drop(scheme)

    async def _drop(self, scheme: SchemeId) -> None:
        await self._store.write(store_rules.drop_feed, scheme)
        self._clocks.pop(scheme, None)
        self._talk.forget_feed(scheme)
        self._changed(scheme, peerings=True)
