"""Items on their way into the store: single ones that came by themselves, and those a head vouches for.

Signatures, or the id list of a verified head, were checked before; here it is decided what stands, what a quota
leaves room for, and what is evidence. Source: docs/protocol.md 5.1–5.6, 10.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sqlalchemy import bindparam, delete, insert, select

from node.services.feed_store import Feed, held_at_key, note_evidence, open_feed, save_feed
from node.store import Tx
from node.store.schema import feeds as schema
from protocol.feed import Peek, Standing, Version, supersedes
from protocol.following import Quota, check_item
from protocol.limits import DAY_MS
from protocol.names import ItemKey, SchemeId

_I: Final = schema.item.c
_AT: Final = (_I.feed_no == bindparam("feed_no"), _I.feed_seq == bindparam("feed_seq"))
_BY_SEQ: Final = select(_I.feed_seq).where(*_AT)
_EMPTY_AT: Final = select(_I.empty).where(*_AT)
_NEW_ITEM: Final = insert(schema.item)
_DROP_ITEM: Final = delete(schema.item).where(*_AT)

QuotaOf = Callable[[SchemeId], Quota]


class Arrival(NamedTuple):
    """An item whose author's signature, or the root of whose head, was verified."""

    peek: Peek
    wire: bytes


@dataclass(slots=True)
class Stored:
    """What became of a batch."""

    fresh: list[Arrival] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    behind: set[SchemeId] = field(default_factory=set)  # something before these items is missing
    feeds: list[Feed] = field(default_factory=list)  # as they stand afterwards

    def refuse(self, reason: str) -> None:
        """Count one more item that is not stored."""
        self.refused[reason] = self.refused.get(reason, 0) + 1


def item_values(feed_no: int, peek: Peek, wire: bytes) -> dict[str, object]:
    """Return the row of an item."""
    return {
        "feed_no": feed_no,
        "feed_seq": peek.feed_seq,
        "kind": peek.kind,
        "item_key": peek.key,
        "revision": peek.revision,
        "id": peek.id,
        "expires": peek.expires,
        "empty": peek.empty,
        "wire": wire,
    }


class _Batch:
    """Single items of one feed on their way into the store."""

    def __init__(self, tx: Tx, feed: Feed, quota: Quota, now_ms: int, stored: Stored):
        self._tx: Final = tx
        self._feed: Final = feed
        self._quota: Final = quota
        self._now_ms: Final = now_ms
        self._stored: Final = stored
        self._new: Final[dict[ItemKey, Arrival]] = {}
        self._dropped: Final[list[int]] = []
        if feed.day != now_ms // DAY_MS:
            feed.day, feed.writes = now_ms // DAY_MS, 0

    def take(self, arrival: Arrival) -> None:
        """Take one item, or count why not. Source: 5.1, 5.4, 5.6, I13."""
        peek, feed = arrival.peek, self._feed
        # The head has judged what it counts: at or below it an item is held, or over for good.
        if peek.feed_seq <= feed.head_seq or self._has_seq(peek.feed_seq):
            self._stored.refuse("known")
            return
        old = self._standing(peek.key)
        standing = Standing.NEWER if old is None else supersedes(peek.version, old[1])
        if old is not None and standing.evidence:
            note_evidence(self._tx, feed.scheme, old[3], arrival.wire, self._now_ms)
        if standing.stored:
            refusal = check_item(
                peek, size_bytes=len(arrival.wire), now_ms=self._now_ms, quota=self._quota, live_items=feed.live,
                writes_today=feed.writes, replaces=old is not None,
            )  # fmt: skip
            if refusal is not None:
                self._stored.refuse(refusal.value)
                return
            self._store(arrival, old)
        if peek.feed_seq == feed.complete + 1:
            feed.complete += 1
        elif peek.feed_seq > feed.complete:
            self._stored.behind.add(feed.scheme)

    def _has_seq(self, feed_seq: int) -> bool:
        return (
            feed_seq <= self._feed.top
            and self._tx.one(_BY_SEQ, feed_no=self._feed.no, feed_seq=feed_seq) is not None
        )

    def _standing(self, key: ItemKey) -> tuple[int | None, Version, bool, bytes] | None:
        """Return what stands under `key` now: its feed_seq if it is stored, its version, is it empty, its wire."""
        new = self._new.get(key)
        if new is not None:
            return None, new.peek.version, new.peek.empty, new.wire
        held = held_at_key(self._tx, self._feed.no, key)
        return None if held is None else held[:4]

    def _store(self, arrival: Arrival, old: tuple[int | None, Version, bool, bytes] | None) -> None:
        feed, peek = self._feed, arrival.peek
        if old is not None:
            if old[0] is not None:
                self._dropped.append(old[0])
            feed.live -= not old[2]
        feed.live += not peek.empty
        feed.writes += 1
        self._new[peek.key] = arrival

    def finish(self) -> None:
        """Write what was taken."""
        feed, tx = self._feed, self._tx
        new = sorted(self._new.values(), key=lambda each: each.peek.feed_seq)
        tx.many(_DROP_ITEM, [{"feed_no": feed.no, "feed_seq": feed_seq} for feed_seq in self._dropped])
        tx.many(_NEW_ITEM, [item_values(feed.no, *each) for each in new])
        if new:
            feed.top = max(feed.top, new[-1].peek.feed_seq)
            feed.changes += 1
        self._stored.fresh += new
        self._stored.feeds.append(feed)
        save_feed(tx, feed)


def store_singles(tx: Tx, arrivals: Sequence[Arrival], quota_of: QuotaOf, now_ms: int) -> Stored:
    """Unit: store items that came by themselves, each with its own signature verified. Source: 5.1–5.6."""
    stored = Stored()
    by_scheme: dict[SchemeId, dict[int, Arrival]] = {}
    for arrival in arrivals:
        # Of two items at one feed_seq the first stands; the head tells which one is the author's.
        by_scheme.setdefault(arrival.peek.scheme, {}).setdefault(arrival.peek.feed_seq, arrival)
    for scheme, of_one in by_scheme.items():
        batch = _Batch(tx, open_feed(tx, scheme), quota_of(scheme), now_ms, stored)
        for _, arrival in sorted(of_one.items()):
            batch.take(arrival)
        batch.finish()
    return stored


def store_listed(tx: Tx, scheme: SchemeId, arrivals: Sequence[Arrival]) -> None:
    """Unit: store items that the id list of a verified head names; they need no further check. Source: 5.3."""
    _insert(tx, open_feed(tx, scheme), arrivals)


def _insert(tx: Tx, feed: Feed, arrivals: Sequence[Arrival]) -> None:
    tx.many(_NEW_ITEM, [item_values(feed.no, peek, wire) for peek, wire in arrivals])
    seqs = [arrival.peek.feed_seq for arrival in arrivals]
    feed.top = max([feed.top, *seqs])
    # Searching reads on from there: what came late below it would else never be found.
    feed.indexed = min([feed.indexed, *(feed_seq - 1 for feed_seq in seqs)])
    feed.live += sum(not arrival.peek.empty for arrival in arrivals)
    feed.changes += 1
    save_feed(tx, feed)


def write_put(tx: Tx, feed: Feed, arrival: Arrival, old: tuple[int, bool] | None, now_ms: int) -> None:
    """Unit: store an item of the own feed; `old` is (feed_seq, empty) of the one it takes the place of."""
    peek = arrival.peek
    if old is not None:
        tx.run(_DROP_ITEM, feed_no=feed.no, feed_seq=old[0])
        feed.live -= not old[1]
    tx.run(_NEW_ITEM, **item_values(feed.no, *arrival))
    feed.live += not peek.empty
    feed.top = feed.complete = peek.feed_seq
    feed.wrote(1, now_ms)
    save_feed(tx, feed)


def store_whole(
    tx: Tx,
    scheme: SchemeId,
    arrivals: Sequence[Arrival],
    superseded: Sequence[int],
    changes: int,
    now_ms: int,
) -> bool:
    """Unit: store a delta that one head admits together with the rows held. Source: 5.3.

    False: the rows have changed since that was found out.
    """
    feed = open_feed(tx, scheme)
    if feed.changes != changes:
        return False
    feed.live -= sum(not tx.scalar(_EMPTY_AT, feed_no=feed.no, feed_seq=feed_seq) for feed_seq in superseded)
    tx.many(_DROP_ITEM, [{"feed_no": feed.no, "feed_seq": feed_seq} for feed_seq in superseded])
    feed.wrote(len(arrivals), now_ms)
    _insert(tx, feed, arrivals)
    return True
