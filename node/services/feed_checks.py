"""What a fetched part of a feed is worth: found out in the store's readers or off the loop, nothing is written.

Source: docs/protocol.md 5.3, 5.5.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence

from crypto.canonical import NotCanonical
from crypto.keys import VerifyingKey
from crypto.signing import signed_bytes, split
from node.services import feed_frames as frames
from node.services import feed_store as store_rules
from node.services.feed_intake import Arrival
from node.services.feed_store import Feed
from node.store import ReadTx
from protocol.errors import MalformedMessage, NotAuthentic, ProtocolError
from protocol.feed import Head, Item, Peek, Row, check_head, peek, peek_body
from protocol.following import Admission, HeldItem, Merge, Repair, admit, merge, repair
from protocol.names import ItemKey, SchemeId


def peek_all(wires: Sequence[bytes]) -> list[Peek]:
    """Return the faces of items. Raises MalformedMessage."""
    return [peek(wire) for wire in wires]


def peek_readable(wires: Sequence[bytes]) -> list[tuple[bytes, Peek]]:
    """Return the items among `wires`, each with its face: what one peer garbled costs the others nothing."""
    readable = []
    for wire in wires:
        try:
            readable.append((wire, peek(wire)))
        except MalformedMessage:
            continue
    return readable


def check_all(
    wires: Sequence[bytes], key_for: Callable[[SchemeId, str, int], VerifyingKey | None]
) -> list[Arrival]:
    """Return the items whose authors' signatures hold; the others are left out. Raises MalformedMessage."""
    good = []
    for wire in wires:
        try:
            body, key_seq, signature = split(wire)
        except NotCanonical as error:
            raise MalformedMessage(str(error)) from None
        face = peek_body(body)
        key = key_for(face.scheme, "feed", key_seq)
        if key is not None and key.verifies(signature, signed_bytes(Item.TAG, body)):
            good.append(Arrival(face, wire))
    return good


def match_listed(
    scheme: SchemeId, wires: Sequence[bytes], wanted: array[int], ids: bytes, start: int
) -> list[Arrival]:
    """Return the items, each being the one the list names. Raises NotAuthentic, MalformedMessage."""
    arrivals, at = [], start
    for wire in wires:
        face = peek(wire)
        while at < len(wanted) and wanted[at] < face.feed_seq:
            at += 1  # one they do not have any more
        named = at < len(wanted) and wanted[at] == face.feed_seq and ids[32 * at : 32 * at + 32] == face.id
        if not named or face.scheme != scheme:
            raise NotAuthentic("another item than the head counts")
        arrivals.append(Arrival(face, wire))
        at += 1
    return arrivals


def admission(tx: ReadTx, head: Head, peeks: list[Peek]) -> tuple[Admission, int, Merge, Feed]:
    """Return whether one head signature admits a delta, and what that was found out from. Source: 5.3."""
    feed = store_rules.find_feed(tx, head.scheme)
    assert feed is not None, "a feed without a head is fetched by its list"
    held: dict[ItemKey, HeldItem] = {}
    for each in peeks:
        found = store_rules.held_at_key(tx, feed.no, each.key)
        if found is not None:
            held[each.key] = HeldItem(found[1], found[0])
    merged = merge(held, peeks)
    rows = store_rules.rows(tx, feed.no, head.feed_seq)
    return admit(head, rows, merged), feed.changes, merged, feed


def plan(tx: ReadTx, head: Head, packed: bytes, feed: Feed | None) -> Repair | None:
    """Return how to come from what is held to the list; None: nothing is held, fetch all. Raises NotAuthentic."""
    if feed is not None and store_rules.count_upto(tx, feed.no, head.feed_seq):
        return repair(head, frames.unpack_rows(packed), store_rules.rows(tx, feed.no, head.feed_seq))
    try:
        honest = check_head(head, frames.unpack_rows(packed)) and frames.last_seq(packed or bytes(frames.ROW_BYTES)) <= head.feed_seq  # fmt: skip
    except ProtocolError:
        honest = False
    if not honest:
        raise NotAuthentic("the id list is not what the head counts")
    return None


def count_alive(packed: bytes) -> int:
    """Return how many of the rows are no tombstones."""
    return sum(not row.empty for row in frames.unpack_rows(packed))


def wanted_of(packed: bytes, head: Head, plan: Repair | None) -> tuple[array[int], bytes, int]:
    """Return the feed_seqs to fetch, their ids in one string, and how many rows there will be in all."""
    fetch = None if plan is None else frozenset(plan.fetch)
    wanted, ids, expected = array("Q"), bytearray(), 0
    for row in frames.unpack_rows(packed):
        if row.expires > head.time:
            expected += 1
            if fetch is None or row.feed_seq in fetch:
                wanted.append(row.feed_seq)
                ids += row.id
    return wanted, bytes(ids), expected


def count_held(tx: ReadTx, scheme: SchemeId, upto: int) -> int:
    """Return how many items of a feed are held up to a feed_seq."""
    feed = store_rules.find_feed(tx, scheme)
    return 0 if feed is None else store_rules.count_upto(tx, feed.no, upto)


def rows_counted(tx: ReadTx, feed: Feed, after: int) -> tuple[list[Row], bool]:
    """Return the next rows above `after` that the head held counts, and whether there are more."""
    while True:
        page = store_rules.page_of_rows(tx, feed.no, after, feed.head_seq)
        counted = [row for row in page if row.expires > feed.head_time]
        more = len(page) == store_rules.ROWS_A_PAGE
        if counted or not more:
            return counted, more and bool(counted)
        after = page[-1].feed_seq
