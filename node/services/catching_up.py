"""Fetching what a peer has and we lack of one feed: identity, a short delta, or the id list and what it names.

One head signature admits a whole feed. A long one is fetched by its id list: once the list reproduces the root of
the verified head, every item whose id it names is the author's, and goes straight into the store. Only where a relay
is out of step is each signature checked. Source: docs/protocol.md 5.3, 5.5, 5.6.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

import structlog

from crypto.keys import VerifyingKey
from node.clock import Clock
from node.federation.links import Links
from node.services import feed_frames as frames
from node.services import feed_intake as intake
from node.services import feed_store as store_rules
from node.services.directory import Directory
from node.services.feed_checks import (
    admission,
    check_all,
    count_alive,
    count_held,
    match_listed,
    peek_all,
    plan,
    wanted_of,
)
from node.services.feed_intake import Arrival, QuotaOf
from node.services.feed_store import Feed
from node.store import Store
from protocol.errors import NotAuthentic, OutOfOrder, TooMuch
from protocol.feed import Freshness, Head, freshness, peek
from protocol.following import Admission
from protocol.frame import FrameType, payload_many
from protocol.limits import ITEM_AHEAD_MS_MAX
from protocol.message import open_message
from protocol.names import SchemeId, scheme_text

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

T = TypeVar("T")
# Runs work that takes long: in a thread when serving, at once in the simulator.
Offload = Callable[..., Awaitable[Any]]

DELTA_SEQS_MAX: Final = 1_000  # further behind than this, the id list is the shorter way
LANES: Final = 4  # requests of one fetch on their way at once
LANE_ITEMS: Final = 2_000  # fewer are not worth a second lane
UNIT_ITEMS: Final = 2_000  # stored in one unit of work
CHECKS_A_TIME: Final = 256
LIST_TRIES: Final = 3  # the feed may change while its list is fetched
ROWS_FOR_EACH_ITEM: Final = 4  # tombstones included, of a feed's quota; a longer list is not read
ANSWER_MS: Final = 30_000


async def at_once(work: Callable[..., T], *args: Any) -> T:
    """Run `work` here and now; the offload of the simulator."""
    return work(*args)


class CatchUp:
    """Brings one feed at a time up to what a peer holds. While it runs, nothing else may write that feed."""

    def __init__(
        self, *, store: Store, links: Links, directory: Directory, clock: Clock, quota_of: QuotaOf, offload: Offload
    ):  # fmt: skip
        self._store: Final = store
        self._links: Final = links
        self._directory: Final = directory
        self._clock: Final = clock
        self._quota_of: Final = quota_of
        self._offload: Final = offload

    # --- what others ask ---

    async def identity(self, peer: SchemeId, scheme: SchemeId, upto: int) -> None:
        """Fetch the identity events of `scheme` up to that seq from `peer`. Raises NoAnswer, ProtocolError."""
        while (known := self._directory.seq(scheme)) < upto:
            frame = await self._links.request(peer, FrameType.IDENTITY_ASK, (scheme, known))
            events = payload_many(frame)
            await self._directory.learn(events)
            if self._directory.seq(scheme) == known:
                raise OutOfOrder("no identity events, although there should be more")

    async def feed(self, peer: SchemeId, scheme: SchemeId, theirs: int) -> None:
        """Fetch what `peer`, who is at the feed_seq `theirs`, has of a feed. Raises NoAnswer, ProtocolError."""
        feed = await self._store.read(store_rules.find_feed, scheme)
        if (
            feed is None
            or feed.head is None
            or theirs - feed.complete > DELTA_SEQS_MAX
            or not await self._by_delta(peer, feed)
        ):
            await self._by_list(peer, scheme)

    def open_head(self, wire: bytes) -> Head:
        """Return a verified head that may count now.

        Raises:
            NotAuthentic, MalformedMessage: not its author's. OutOfOrder: identity events are missing, or it
                is from the future, or of a feed that was given up long ago.
        """

        def key_for(head: Head, key_seq: int) -> VerifyingKey | None:
            if head.identity_seq > self._directory.seq(head.scheme):
                raise OutOfOrder("identity events before this head are missing")
            return self._directory.key_for(head.scheme, "feed", key_seq)

        head = open_message(Head, wire, key_for).body
        now_ms = self._clock.now_ms()
        if head.time > now_ms + ITEM_AHEAD_MS_MAX or freshness(head, now_ms) is Freshness.DROPPED:
            raise OutOfOrder("a head from the future, or of a feed given up")
        return head

    async def compare(self, head: Head, wire: bytes) -> None:
        """Note a verified head that cannot be true beside the one held. Source: 10.2."""
        held = await self._store.read(store_rules.contradicted_head, head, wire)
        if held is not None:
            now_ms = self._clock.now_ms()
            await self._store.write(store_rules.note_evidence, head.scheme, held, wire, now_ms)

    async def check(self, wires: Sequence[bytes]) -> list[Arrival]:
        """Return the items whose signatures hold, checked in batches. Raises MalformedMessage."""
        good: list[Arrival] = []
        for first in range(0, len(wires), CHECKS_A_TIME):
            part = wires[first : first + CHECKS_A_TIME]
            good += await self._offload(check_all, part, self._directory.key_for)
        return good

    async def above(self, peer: SchemeId, scheme: SchemeId, after: int) -> list[Arrival]:
        """Return the items that `peer` holds of a feed above `after`, none stored, each with a signature that holds.

        Raises NoAnswer, ProtocolError.
        """
        wires: list[bytes] = []
        while len(wires) < DELTA_SEQS_MAX:
            page = await self._ask(peer, frames.Ask(scheme, after))
            wires += page.wires
            if not page.more or not page.wires:
                break
            after = (await self._offload(peek, page.wires[-1])).feed_seq
        return [each for each in await self.check(wires) if each.peek.scheme == scheme]

    # --- a short delta ---

    async def _by_delta(self, peer: SchemeId, feed: Feed) -> bool:
        """Fetch what is above our clock; tell whether the feed is now what the peer's head counts."""
        scheme, wires, after, head_wire = feed.scheme, list[bytes](), feed.complete, b""
        while True:
            page = await self._ask(peer, frames.Ask(scheme, after))
            head_wire = page.head
            wires += page.wires
            if not page.more or not page.wires:
                break
            if len(wires) > DELTA_SEQS_MAX:
                return False
            after = (await self._offload(peek, page.wires[-1])).feed_seq
        if not head_wire:
            return True
        head = self.open_head(head_wire)
        if head.scheme != scheme:
            raise NotAuthentic("the head of another feed")
        await self.compare(head, head_wire)
        peeks = await self._offload(peek_all, wires)
        counted = [
            Arrival(*each) for each in zip(peeks, wires, strict=True) if each[0].feed_seq <= head.feed_seq
        ]
        beyond = [wire for each, wire in zip(peeks, wires, strict=True) if each.feed_seq > head.feed_seq]
        whole = await self._admit(head, head_wire, counted)
        singles = beyond if whole else wires
        if singles:
            now_ms = self._clock.now_ms()
            arrivals = [each for each in await self.check(singles) if each.peek.scheme == scheme]
            await self._store.write(intake.store_singles, arrivals, self._quota_of, now_ms)
        return whole or await self.try_head(head, head_wire)

    async def _admit(self, head: Head, head_wire: bytes, arrivals: list[Arrival]) -> bool:
        """Store a delta that one head signature admits; False if it does not. Source: 5.3."""
        peeks = [arrival.peek for arrival in arrivals]
        answer, changes, merged, feed = await self._store.read(admission, head, peeks)
        now_ms = self._clock.now_ms()
        quota = self._quota_of(head.scheme)
        new = {each.feed_seq for each in merged.arrived}
        stored = [arrival for arrival in arrivals if arrival.peek.feed_seq in new]
        if (
            answer is not Admission.WHOLE
            or feed.writes + len(stored) > quota.writes_a_day_max
            or feed.live + len(stored) > quota.live_items_max
            or any(self._is_wrong(arrival, now_ms) for arrival in stored)
        ):
            return False
        dropped = sorted(merged.superseded)
        if not await self._store.write(intake.store_whole, head.scheme, stored, dropped, changes, now_ms):
            return False
        return await self._store.write(store_rules.keep_head, head, head_wire, None, now_ms)

    def _is_wrong(self, arrival: Arrival, now_ms: int) -> bool:
        size_max = self._quota_of(arrival.peek.scheme).item_bytes_max
        return len(arrival.wire) > size_max or arrival.peek.created > now_ms + ITEM_AHEAD_MS_MAX

    async def try_head(self, head: Head, wire: bytes) -> bool:
        """Store a verified head if the rows held reproduce it; tell whether they do."""
        found = await self._store.read(store_rules.reckon_head, head.scheme, head.feed_seq, head.time)
        if found is None or found[1:] != (head.live_count, head.live_root):
            return False
        return await self._store.write(store_rules.keep_head, head, wire, found[0], self._clock.now_ms())

    async def _ask(self, peer: SchemeId, ask: frames.Ask) -> frames.Delta:
        answer = await self._links.request(peer, FrameType.DELTA_ASK, ask.value(), timeout_ms=ANSWER_MS)
        return frames.read_delta(answer)

    # --- the id list ---

    async def _by_list(self, peer: SchemeId, scheme: SchemeId) -> None:
        """Fetch the id list of a feed, and what it names and we lack."""
        found = await self._list(peer, scheme)
        if found is None:
            return
        head, head_wire, packed = found
        alive = await self._offload(count_alive, packed)
        if alive > self._quota_of(scheme).live_items_max:
            raise TooMuch("more items than the quota of its feed")
        feed = await self._store.read(store_rules.find_feed, scheme)
        if (
            feed is not None
            and feed.head is not None
            and (head.feed_seq, head.time) <= (feed.head_seq, feed.head_time)
        ):
            return  # the peer is behind us
        if feed is not None and feed.top > head.feed_seq:
            return  # items newer than this head are here: its successor is on its way
        try:
            steps = await self._store.read(plan, head, packed, feed)
        except NotAuthentic:
            await self._each(peer, scheme, 0 if feed is None else feed.complete)
            return
        wanted, ids, expected = await self._offload(wanted_of, packed, head, steps)
        if steps is not None and steps.drop:
            await self._store.write(store_rules.drop_rows, scheme, steps.drop)
        await self._fetch(peer, scheme, wanted, ids)
        held = await self._store.read(count_held, scheme, head.feed_seq)
        if held == expected:
            await self._store.write(store_rules.keep_head, head, head_wire, None, self._clock.now_ms())
        else:
            log.info(
                "feed_not_whole", peer=scheme_text(peer), scheme=scheme_text(scheme), held=held, of=expected
            )

    async def _list(self, peer: SchemeId, scheme: SchemeId) -> tuple[Head, bytes, bytes] | None:
        """Return a verified head and the rows the peer says it counts; None where the peer has none."""
        for _ in range(LIST_TRIES):
            head_wire, parts, after, size = b"", list[bytes](), 0, 0
            while True:
                ask = frames.Ask(scheme, after).value()
                answer = await self._links.request(peer, FrameType.IDS_ASK, ask, timeout_ms=ANSWER_MS)
                page = frames.read_ids(answer)
                if not page.head:
                    return None
                if head_wire and page.head != head_wire:
                    break  # a newer head: from the beginning
                head_wire = page.head
                parts.append(page.packed)
                size += len(page.packed)
                if not page.more:
                    head = self.open_head(head_wire)
                    if head.scheme != scheme:
                        raise NotAuthentic("the head of another feed")
                    await self.compare(head, head_wire)
                    return head, head_wire, b"".join(parts)
                if size > self._quota_of(scheme).live_items_max * ROWS_FOR_EACH_ITEM * frames.ROW_BYTES:
                    raise TooMuch("a list longer than the quota of its feed")
                after = frames.last_seq(page.packed)
        return None

    async def _fetch(self, peer: SchemeId, scheme: SchemeId, wanted: array[int], ids: bytes) -> None:
        """Fetch the items at `wanted`, several requests at a time, and store those that have the listed ids."""
        lanes = min(LANES, len(wanted) // LANE_ITEMS + 1)
        bounds = [len(wanted) * lane // lanes for lane in range(lanes + 1)]
        ended = await asyncio.gather(
            *(self._lane(peer, scheme, wanted, ids, *bounds[lane : lane + 2]) for lane in range(lanes)),
            return_exceptions=True,
        )
        for failure in ended:
            if failure is not None:
                raise failure

    async def _lane(
        self, peer: SchemeId, scheme: SchemeId, wanted: array[int], ids: bytes, start: int, stop: int
    ) -> None:
        unit: list[Arrival] = []
        while start < stop:
            asked = tuple(wanted[start : min(stop, start + frames.WANTED_MAX)])
            page = await self._ask(peer, frames.Ask(scheme, 0, asked))
            if not page.wires:
                break  # they have nothing of it any more; what came is stored, the rest is asked for again
            arrivals = await self._offload(match_listed, scheme, page.wires, wanted, ids, start)
            unit += arrivals
            start = wanted.index(arrivals[-1].peek.feed_seq, start) + 1
            if len(unit) >= UNIT_ITEMS or start >= stop:
                self._check_all(unit)
                await self._store.write(intake.store_listed, scheme, unit)
                unit = []
        if unit:
            self._check_all(unit)
            await self._store.write(intake.store_listed, scheme, unit)

    def _check_all(self, arrivals: list[Arrival]) -> None:
        now_ms = self._clock.now_ms()
        if any(self._is_wrong(arrival, now_ms) for arrival in arrivals):
            raise TooMuch("an item too long, or from the future")

    # --- each by itself ---

    async def _each(self, peer: SchemeId, scheme: SchemeId, after: int) -> None:
        """Fetch what is above `after`, check every signature: the peer's rows and its head are out of step."""
        while True:
            page = await self._ask(peer, frames.Ask(scheme, after))
            if not page.wires:
                return
            arrivals = [each for each in await self.check(page.wires) if each.peek.scheme == scheme]
            await self._store.write(intake.store_singles, arrivals, self._quota_of, self._clock.now_ms())
            last = (await self._offload(peek, page.wires[-1])).feed_seq
            if not page.more or last <= after:
                return
            after = last
