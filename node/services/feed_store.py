"""Feeds in the store: the own one written to, those of others admitted, served and dropped.

All functions are units of work or queries; what is sent and asked is in `gossip.py` and `catching_up.py`, what may
be believed is decided in `protocol/following.py`. Rows stream in pages, so that a feed of any length costs little
memory. Source: docs/protocol.md 5.1–5.6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, delete, func, insert, select, update

from node.store import ReadTx, Tx
from node.store.schema import feeds as schema
from protocol.evidence import heads_contradict
from protocol.feed import Head, Row, Version, live_root
from protocol.following import FeedClock, Quota
from protocol.limits import DAY_MS, EVIDENCE_OF_ONE_MAX
from protocol.message import trusted_message
from protocol.names import ItemKey, SchemeId

ROWS_A_PAGE: Final = 4_000
# Of items in one frame; the rest is room for the envelope.
FRAME_ITEMS_BYTES: Final = 240 * 1024

_F: Final = schema.feed.c
_FIELDS: Final = (
    "head", "head_seq", "head_time", "valid_until", "complete", "top", "live", "changes", "day", "writes", "indexed",
    "heard_ms",
)  # fmt: skip
_FEED: Final = select(_F.no, _F.scheme, *(_F[name] for name in _FIELDS)).where(
    _F.scheme == bindparam("scheme")
)
_FEEDS: Final = select(_F.no, _F.scheme, *(_F[name] for name in _FIELDS)).order_by(_F.no)
_NEW_FEED: Final = insert(schema.feed)
_SAVE: Final = (
    update(schema.feed)
    .where(_F.no == bindparam("which"))
    .values({name: bindparam(f"new_{name}") for name in _FIELDS})
)
_INDEXED: Final = (
    update(schema.feed).where(_F.no == bindparam("which")).values(indexed=bindparam("new_indexed"))
)
_DROP_FEED: Final = delete(schema.feed).where(_F.no == bindparam("feed_no"))

_I: Final = schema.item.c
_OF_FEED: Final = _I.feed_no == bindparam("feed_no")
_ROWS: Final = (
    select(_I.feed_seq, _I.id, _I.expires, _I.empty)
    .where(_OF_FEED, _I.feed_seq > bindparam("after"), _I.feed_seq <= bindparam("upto"))
    .order_by(_I.feed_seq)
    .limit(ROWS_A_PAGE)
)
_BY_KEY: Final = (
    select(_I.feed_seq, _I.revision, _I.id, _I.empty, _I.wire, _I.expires)
    .where(_OF_FEED, _I.item_key == bindparam("item_key"))
    .order_by(_I.revision.desc())
)
_BY_SEQ: Final = select(_I.wire).where(_OF_FEED, _I.feed_seq == bindparam("feed_seq"))
_ABOVE: Final = (
    select(_I.feed_seq, _I.wire)
    .where(_OF_FEED, _I.feed_seq > bindparam("after"), _I.expires > bindparam("alive"))
    .order_by(_I.feed_seq)
    .limit(bindparam("most"))
)
_COUNT: Final = (
    select(func.count()).select_from(schema.item).where(_OF_FEED, _I.feed_seq <= bindparam("upto"))
)
_LIVE: Final = select(func.count()).select_from(schema.item).where(_OF_FEED, _I.empty.is_(False))
_DROP_ITEM: Final = delete(schema.item).where(_OF_FEED, _I.feed_seq == bindparam("feed_seq"))
_DROP_ITEMS: Final = delete(schema.item).where(_OF_FEED)
_OVER: Final = delete(schema.item).where(
    _OF_FEED, _I.expires <= bindparam("time"), _I.feed_seq <= bindparam("upto")
)
_KIND: Final = (
    select(_F.scheme, _I.wire, _I.expires)
    .select_from(schema.item.join(schema.feed, _I.feed_no == _F.no))
    .where(_I.kind == bindparam("kind"), _I.empty.is_(False), _I.expires > bindparam("now"))
    .order_by(_I.feed_no, _I.feed_seq)
)
_KIND_OF: Final = _KIND.where(_F.scheme == bindparam("scheme"))
_NEW_EVIDENCE: Final = insert(schema.feed_evidence)
_E: Final = schema.feed_evidence.c
_EVIDENCE_COUNT: Final = (
    select(func.count()).select_from(schema.feed_evidence).where(_E.scheme == bindparam("scheme"))
)

QuotaOf = Callable[[SchemeId], Quota]


@dataclass(slots=True)
class Feed:
    """A feed as the store has it; a unit changes it and saves it."""

    no: int
    scheme: SchemeId
    head: bytes | None = None
    head_seq: int = 0
    head_time: int = 0
    valid_until: int = 0
    complete: int = 0
    top: int = 0
    live: int = 0
    changes: int = 0
    day: int = 0
    writes: int = 0
    indexed: int = 0
    heard_ms: int = 0

    def wrote(self, count: int, now_ms: int) -> None:
        """Count what was written today, and void what was reckoned from the rows before."""
        today = now_ms // DAY_MS
        self.writes = count + (self.writes if self.day == today else 0)
        self.day = today
        self.changes += 1


# --- reading --------------------------------------------------------------------------------------------------


def find_feed(tx: ReadTx, scheme: SchemeId) -> Feed | None:
    """Return the feed of `scheme`, or None."""
    row = tx.one(_FEED, scheme=scheme)
    return None if row is None else Feed(*row)


def all_feeds(tx: ReadTx) -> list[Feed]:
    """Return every feed, the own one included."""
    return [Feed(*row) for row in tx.all(_FEEDS)]


def rows(tx: ReadTx, feed_no: int, upto: int) -> Iterator[Row]:
    """Stream the rows of a feed up to a feed_seq, in order."""
    after = 0
    while True:
        page = tx.all(_ROWS, feed_no=feed_no, after=after, upto=upto)
        yield from map(Row._make, page)
        if len(page) < ROWS_A_PAGE:
            return
        after = page[-1][0]


def page_of_rows(tx: ReadTx, feed_no: int, after: int, upto: int) -> list[Row]:
    """Return the next ROWS_A_PAGE rows."""
    return [Row._make(row) for row in tx.all(_ROWS, feed_no=feed_no, after=after, upto=upto)]


def count_upto(tx: ReadTx, feed_no: int, upto: int) -> int:
    """Return how many items of a feed are held up to a feed_seq."""
    return int(tx.scalar(_COUNT, feed_no=feed_no, upto=upto))


def wires_above(tx: ReadTx, feed: Feed, after: int) -> tuple[list[bytes], bool]:
    """Return as many items above `after` as one frame holds, and whether there are more."""
    wires: list[bytes] = []
    size = 0
    while True:
        page = tx.all(_ABOVE, feed_no=feed.no, after=after, alive=feed.head_time, most=500)
        for feed_seq, wire in page:
            size += len(wire) + 5
            if size > FRAME_ITEMS_BYTES:
                return wires, True
            wires.append(wire)
            after = feed_seq
        if len(page) < 500:
            return wires, False


def wires_at(tx: ReadTx, feed_no: int, wanted: Sequence[int]) -> list[bytes]:
    """Return the items at `wanted` (rising) that are held, as many as one frame holds."""
    wires: list[bytes] = []
    size = 0
    for wire in _at(tx, feed_no, wanted):
        size += len(wire) + 5
        if size > FRAME_ITEMS_BYTES:
            break
        wires.append(wire)
    return wires


def _at(tx: ReadTx, feed_no: int, wanted: Sequence[int]) -> Iterator[bytes]:
    if wanted and wanted[-1] - wanted[0] > 4 * len(wanted):  # far apart: one by one
        for feed_seq in wanted:
            row = tx.one(_BY_SEQ, feed_no=feed_no, feed_seq=feed_seq)
            if row is not None:
                yield row[0]
        return
    left = set(wanted)
    after = wanted[0] - 1 if wanted else 0
    while left:
        page = tx.all(_ABOVE, feed_no=feed_no, after=after, alive=0, most=500)
        for feed_seq, wire in page:
            if feed_seq in left:
                yield wire
        if len(page) < 500 or page[-1][0] >= wanted[-1]:
            return
        after = page[-1][0]


def count_live(tx: ReadTx, feed_no: int) -> int:
    """Return how many items of a feed are held that are no tombstones."""
    return int(tx.scalar(_LIVE, feed_no=feed_no))


def read_clocks(tx: ReadTx, seq_of: Callable[[SchemeId], int]) -> list[FeedClock]:
    """Return how far every feed is known here; those without a head are not spoken of."""
    return [
        FeedClock(
            scheme=feed.scheme,
            identity_seq=seq_of(feed.scheme),
            feed_seq=feed.complete,
            head_time=feed.head_time,
        )
        for feed in all_feeds(tx)
        if feed.head is not None and seq_of(feed.scheme) >= 0
    ]


def items_of_kind(
    tx: ReadTx, kind: str, now_ms: int, scheme: SchemeId | None = None
) -> list[tuple[SchemeId, bytes]]:
    """Return (author, wire) of the items of a kind that are not over; of one author, if asked."""
    if scheme is None:
        rows = tx.all(_KIND, kind=kind, now=now_ms)
    else:
        rows = tx.all(_KIND_OF, kind=kind, now=now_ms, scheme=scheme)
    for _, _, expires in rows:
        tx.holds_until(expires)
    return [(author, wire) for author, wire, _ in rows]


def contradicted_head(tx: ReadTx, head: Head, wire: bytes) -> bytes | None:
    """Return the head held that a verified head contradicts, or None. Source: 5.3, 10.2."""
    feed = find_feed(tx, head.scheme)
    if feed is None or feed.head is None or feed.head == wire or feed.head_seq != head.feed_seq:
        return None
    return feed.head if heads_contradict(trusted_message(Head, feed.head).body, head) else None


def held_at_key(tx: ReadTx, feed_no: int, key: ItemKey) -> tuple[int, Version, bool, bytes, int] | None:
    """Return (feed_seq, version, empty, wire, expires) of what stands under `key`, or None."""
    row = tx.one(_BY_KEY, feed_no=feed_no, item_key=key)
    return None if row is None else (row[0], Version(row[1], row[2]), bool(row[3]), row[4], row[5])


# --- writing --------------------------------------------------------------------------------------------------


def open_feed(tx: Tx, scheme: SchemeId) -> Feed:
    """Return the feed of `scheme`, made if there is none."""
    found = find_feed(tx, scheme)
    if found is not None:
        return found
    empty = Feed(0, scheme)
    values = {name: getattr(empty, name) for name in _FIELDS}
    return Feed(tx.insert(_NEW_FEED, scheme=scheme, **values), scheme)


def save_feed(tx: Tx, feed: Feed) -> None:
    """Write a changed feed back."""
    tx.run(_SAVE, which=feed.no, **{f"new_{name}": getattr(feed, name) for name in _FIELDS})


def note_indexed(tx: Tx, feed_no: int, upto: int) -> None:
    """Note how far searching knows a feed."""
    tx.run(_INDEXED, which=feed_no, new_indexed=upto)


def drop_feed(tx: Tx, scheme: SchemeId) -> int | None:
    """Forget a feed and all its items; return the number it had."""
    feed = find_feed(tx, scheme)
    if feed is None:
        return None
    tx.run(_DROP_ITEMS, feed_no=feed.no)
    tx.run(_DROP_FEED, feed_no=feed.no)
    return feed.no


def drop_rows(tx: Tx, scheme: SchemeId, feed_seqs: Sequence[int]) -> None:
    """Unit: forget items that no head counts."""
    feed = find_feed(tx, scheme)
    if feed is None or not feed_seqs:
        return
    tx.many(_DROP_ITEM, [{"feed_no": feed.no, "feed_seq": feed_seq} for feed_seq in feed_seqs])
    feed.live = count_live(tx, feed.no)
    feed.changes += 1
    save_feed(tx, feed)


def reckon_head(tx: ReadTx, scheme: SchemeId, upto: int, time_ms: int) -> tuple[int, int, bytes] | None:
    """Return (changes, live_count, live_root) of the rows up to `upto` as a head of that moment counts them."""
    feed = find_feed(tx, scheme)
    if feed is None:
        return None
    count, root = live_root(rows(tx, feed.no, upto), time_ms)
    return feed.changes, count, root


def keep_head(tx: Tx, head: Head, wire: bytes, changes: int | None, now_ms: int) -> bool:
    """Unit: store a head that the rows reproduced while the feed had counted so many `changes`.

    False: the rows have changed since; reckon again. With `changes` None somebody else saw to that.
    """
    feed = open_feed(tx, head.scheme)
    if changes is not None and feed.changes != changes:
        return False
    if (head.feed_seq, head.time) <= (feed.head_seq, feed.head_time) and feed.head is not None:
        return True
    feed.head, feed.head_seq, feed.head_time = wire, head.feed_seq, head.time
    feed.valid_until, feed.heard_ms = head.valid_until, now_ms
    feed.complete = max(feed.complete, head.feed_seq)
    feed.top = max(feed.top, head.feed_seq)
    save_feed(tx, feed)
    return True


def prune(tx: Tx, scheme: SchemeId) -> None:
    """Unit: forget what was over when the head was signed; nobody counts it any more. Source: 5.3."""
    feed = find_feed(tx, scheme)
    if feed is not None and tx.run(_OVER, feed_no=feed.no, time=feed.head_time, upto=feed.head_seq):
        feed.live = count_live(tx, feed.no)
        save_feed(tx, feed)


def note_evidence(tx: Tx, scheme: SchemeId, first: bytes, second: bytes, now_ms: int) -> None:
    """Keep two signed things that contradict each other, to be looked at soon. Source: 10."""
    if tx.scalar(_EVIDENCE_COUNT, scheme=scheme) < EVIDENCE_OF_ONE_MAX:
        tx.run(_NEW_EVIDENCE, scheme=scheme, first=first, second=second, seen_ms=now_ms)
