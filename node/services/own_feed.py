"""The feed of this scheme: items put within any unit of work, and the head that vouches for them.

Every put takes the next number; a head is signed within a second after it, and daily anyway. Sending is in
`gossip.py`. Source: docs/protocol.md 5.1–5.4, 6.7 (i).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from node.clock import Clock
from node.keyring import KeyRing
from node.services.feed_intake import Arrival, write_put
from node.services.feed_store import find_feed, held_at_key, keep_head, open_feed, reckon_head, save_feed
from node.store import ReadTx, Store, Tx
from protocol.feed import Head, Item, next_feed_seq, peek
from protocol.limits import HEAD_VALID_MS
from protocol.market import next_revision
from protocol.message import trusted_message
from protocol.names import ItemKey

# Reckoning a long feed takes longer than a put: after this many surprises it is done inside the unit.
RECKONINGS_MAX: Final = 3

OnPut = Callable[[Arrival], None]
OnHead = Callable[[Head, bytes], None]


class OwnFeed:
    """Puts and heads. Whoever sends them is told after each commit."""

    def __init__(self, *, store: Store, keyring: KeyRing, clock: Clock):
        self._store: Final = store
        self._keyring: Final = keyring
        self._clock: Final = clock
        self._on_put: Final[list[OnPut]] = []
        self._on_head: Final[list[OnHead]] = []

    def watch(self, *, on_put: OnPut | None = None, on_head: OnHead | None = None) -> None:
        """Be told of what was put and signed, after the commit."""
        self._on_put.extend([on_put] if on_put else [])
        self._on_head.extend([on_head] if on_head else [])

    def head_is_of_older_keys(self, tx: ReadTx) -> bool:
        """Tell whether our keys have changed since the head was signed."""
        feed = find_feed(tx, self._keyring.scheme)
        if feed is None or feed.head is None:
            return False
        return trusted_message(Head, feed.head).body.identity_seq < self._keyring.identity.seq

    def put(
        self,
        tx: Tx,
        kind: str,
        key: ItemKey,
        payload: bytes,
        *,
        expires: int,
        created: int | None = None,
        revision: int | None = None,
    ) -> int:
        """Unit: put an item under `key`, in place of what stands there; return its feed_seq.

        An empty payload is a tombstone; `expires` is then the latest moment any item of the key ends.

        Raises:
            InvalidValue: it ends before it begins, or lives longer than an item may.
        """
        scheme, now_ms = self._keyring.scheme, self._clock.now_ms()
        feed = open_feed(tx, scheme)
        held = held_at_key(tx, feed.no, key)
        previous = 0 if held is None else held[1].revision
        body = Item(
            scheme=scheme,
            feed_seq=next_feed_seq(feed.top),
            kind=kind,
            key=key,
            revision=next_revision(previous, now_ms) if revision is None else max(revision, previous + 1),
            created=now_ms if created is None else created,
            expires=expires,
            payload=payload,
        )
        wire = self._keyring.sign("feed", body).wire
        arrival = Arrival(peek(wire), wire)
        write_put(tx, feed, arrival, None if held is None else (held[0], held[2]), now_ms)
        tx.on_commit(self._tell_put, arrival)
        return body.feed_seq

    def withdraw(self, tx: Tx, kind: str, key: ItemKey) -> bool:
        """Unit: put a tombstone in place of what stands under `key`; tell whether there was anything."""
        feed = find_feed(tx, self._keyring.scheme)
        held = None if feed is None else held_at_key(tx, feed.no, key)
        now_ms = self._clock.now_ms()
        if held is None or held[2] or held[4] <= now_ms:
            return False
        self.put(tx, kind, key, b"", expires=held[4])
        return True

    async def sign_head(self) -> Head:
        """Sign and store a head over the feed as it stands now."""
        scheme = self._keyring.scheme
        for _ in range(RECKONINGS_MAX):
            feed = await self._store.read(find_feed, scheme)
            if feed is None:
                break
            now_ms = max(self._clock.now_ms(), feed.head_time + 1)
            found = await self._store.read(reckon_head, scheme, feed.top, now_ms)
            if found is None:
                break
            head = await self._store.write(self._sign, now_ms, found)
            if head is not None:
                return head
        head = await self._store.write(self._sign, None, None)
        assert head is not None, "reckoned within the unit"
        return head

    def _sign(self, tx: Tx, now_ms: int | None, reckoned: tuple[int, int, bytes] | None) -> Head | None:
        """Unit: sign a head over what was reckoned; None if the feed has changed since."""
        feed = open_feed(tx, self._keyring.scheme)
        if now_ms is None or reckoned is None:
            now_ms = max(self._clock.now_ms(), feed.head_time + 1)
            reckoned = reckon_head(tx, feed.scheme, feed.top, now_ms)
            assert reckoned is not None, "the feed was opened above"
        changes, count, root = reckoned
        if changes != feed.changes:
            return None
        head = Head(
            scheme=feed.scheme,
            identity_seq=self._keyring.identity.seq,
            feed_seq=feed.top,
            live_count=count,
            live_root=root,
            time=now_ms,
            valid_until=now_ms + HEAD_VALID_MS,
        )
        wire = self._keyring.sign("feed", head).wire
        keep_head(tx, head, wire, changes, now_ms)
        tx.on_commit(self._tell_head, head, wire)
        return head

    def go_on_above(self, tx: Tx, seen: int) -> None:
        """Unit: number on well above `seen`, which others hold and this store lost. Source: 6.7 (i)."""
        feed = open_feed(tx, self._keyring.scheme)
        if seen > feed.top:
            feed.top = feed.complete = next_feed_seq(seen, restored=True) - 1
            feed.changes += 1
            save_feed(tx, feed)

    def _tell_put(self, arrival: Arrival) -> None:
        for call in self._on_put:
            call(arrival)

    def _tell_head(self, head: Head, wire: bytes) -> None:
        for call in self._on_head:
            call(head, wire)
