"""Following a feed: what a follower lacks, what it may believe of what it is sent, and how much it takes.

Pure decisions over streams of rows; `feed.py` has the items and heads themselves. The order is: swap clocks,
fetch identity events, a verified head and the items above one's clock; `merge` them, ask `admit`, and where the head
does not vouch for them all, check each and `repair` from the id list. Source: docs/protocol.md 5.3–5.6.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, NamedTuple

from crypto.digest import Id32
from protocol.errors import InvalidValue, NotAuthentic, OutOfOrder
from protocol.feed import Head, Peek, Row, Standing, Version, check_head, supersedes
from protocol.limits import (
    FEED_LIVE_ITEMS_MAX,
    FEED_WRITES_A_DAY_MAX,
    ITEM_AHEAD_MS_MAX,
    ITEM_BYTES_MAX,
    SEQ_MAX,
    TIME_MS_MAX,
)
from protocol.message import Fixed, Int, Part
from protocol.names import ItemKey, SchemeId


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedClock(Part):
    """How far somebody knows a feed; what two nodes swap on connecting and once a minute. Source: 5.5."""

    scheme: Annotated[SchemeId, Fixed(32)]
    identity_seq: Annotated[int, Int(0, SEQ_MAX)]
    feed_seq: Annotated[int, Int(0, SEQ_MAX)]
    head_time: Annotated[int, Int(0, TIME_MS_MAX)]


class Lack(StrEnum):
    """What the other side has and I lack, in the order in which it is fetched. Source: 5.5."""

    IDENTITY = "identity"  # before heads, or their signatures could not be checked
    ITEMS = "items"
    HEAD = "head"


def clock_of(head: Head) -> FeedClock:
    """Return the clock of somebody who holds what `head` counts."""
    return FeedClock(
        scheme=head.scheme, identity_seq=head.identity_seq, feed_seq=head.feed_seq, head_time=head.time
    )


def lacks(mine: FeedClock | None, theirs: FeedClock) -> tuple[Lack, ...]:
    """Return what to fetch from the sender of `theirs`; nothing when they are not ahead of `mine`."""
    if mine is None:
        return (Lack.IDENTITY, Lack.ITEMS, Lack.HEAD)
    assert mine.scheme == theirs.scheme, "clocks of two feeds are never compared"
    ahead = {
        Lack.IDENTITY: theirs.identity_seq > mine.identity_seq,
        Lack.ITEMS: theirs.feed_seq > mine.feed_seq,
        # A later head of the same items keeps them alive.
        Lack.HEAD: (theirs.feed_seq, theirs.head_time) > (mine.feed_seq, mine.head_time),
    }
    return tuple(lack for lack in Lack if ahead[lack])


class HeldItem(NamedTuple):
    """What a store holds under one key."""

    version: Version
    feed_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """What a bulk changes, before anything is believed or stored."""

    arrived: tuple[Peek, ...]  # to be stored, by feed_seq; of several for one key the one that stands
    superseded: frozenset[int]  # feed_seqs held so far that they replace
    evidence: tuple[tuple[Id32, Id32], ...]  # two ids at one revision of one key, if both signatures hold


def merge(held: Mapping[ItemKey, HeldItem], bulk: Iterable[Peek]) -> Merge:
    """Return what `bulk` changes; `held` has at least the keys that are in the bulk. Source: 5.1, 5.2.

    Nothing is verified here: a bulk that is not admitted as a whole is merged again, from the items whose
    signatures hold.
    """
    standing: dict[ItemKey, Peek] = {}
    superseded: set[int] = set()
    evidence: list[tuple[Id32, Id32]] = []
    for new in bulk:
        before = standing.get(new.key)
        old = held.get(new.key)
        against = before.version if before is not None else old.version if old is not None else None
        answer = Standing.NEWER if against is None else supersedes(new.version, against)
        if against is not None and answer.evidence:
            evidence.append((against.id, new.id))
        if answer.stored:
            standing[new.key] = new
            if old is not None:
                superseded.add(old.feed_seq)
    arrived = tuple(sorted(standing.values(), key=lambda each: each.feed_seq))
    return Merge(arrived=arrived, superseded=frozenset(superseded), evidence=tuple(evidence))


class Admission(StrEnum):
    """What a bulk needs before it is stored. Source: 5.3."""

    # The rows reproduce the root of a verified head: its author vouches for every one of them. The signatures
    # that came along were not looked at, and a relay may have spoiled them: check one before passing that
    # item on by itself.
    WHOLE = "whole"
    # They do not: check each signature, store what holds, and compare id lists with `repair`.
    EACH = "each"


def admit(head: Head, held: Iterable[Row], merged: Merge) -> Admission:
    """Return whether one head signature admits `merged` together with the rows `held` so far. Source: 5.3.

    `head` is verified; the items of the bulk are not, and may be anything. `held` streams in feed_seq order.

    Raises:
        NotAuthentic: the bulk has items of another scheme.
    """
    if any(new.scheme != head.scheme for new in merged.arrived):
        raise NotAuthentic("items of another scheme than the head")
    # The root vouches for what it counts: nothing beyond the head, and nothing over by its time. A forgery that
    # claims to be over would else be stored, and its revision would shadow the true item.
    if any(new.feed_seq > head.feed_seq or new.expires <= head.time for new in merged.arrived):
        return Admission.EACH
    kept = (row for row in held if row.feed_seq not in merged.superseded)
    rows = heapq.merge(kept, (new.row for new in merged.arrived))
    try:
        return Admission.WHOLE if check_head(head, rows) else Admission.EACH
    except InvalidValue:  # one feed_seq twice: at least one of the two is not the author's
        return Admission.EACH


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """How to come to exactly what a head counts."""

    fetch: tuple[int, ...]  # feed_seqs to ask for
    drop: tuple[int, ...]  # feed_seqs held that are over, or were never the author's


def repair(head: Head, listed: Iterable[Row], held: Iterable[Row]) -> Repair:
    """Return how to get from the rows `held` to those `listed`, all in feed_seq order. Source: 5.5.

    Rows beyond the head are left alone: they are newer than it. Where some are held, a newer head is on its
    way, and repairing waits for it: what they superseded would be fetched back.

    Raises:
        NotAuthentic: the list does not reproduce the head's root; ask another relay.
    """
    counted = tuple(listed)
    try:
        honest = check_head(head, counted) and all(row.feed_seq <= head.feed_seq for row in counted)
    except InvalidValue:
        honest = False
    if not honest:
        raise NotAuthentic("the id list is not what the head counts")
    wanted = {row.feed_seq: row.id for row in counted if row.expires > head.time}
    mine = {row.feed_seq: row.id for row in held if row.feed_seq <= head.feed_seq}
    return Repair(
        fetch=tuple(seq for seq, item_id in wanted.items() if mine.get(seq) != item_id),
        drop=tuple(seq for seq, item_id in mine.items() if wanted.get(seq) != item_id),
    )


def check_single(peeked: Peek, head: Head | None, held_seqs: AbstractSet[int]) -> None:
    """Refuse an item that came by itself and that the head held has already judged. Source: 5.3, I13.

    `head` is the last one that the rows held have reproduced. At or below its feed_seq an item is either held,
    or it was superseded, withdrawn or never there.

    Raises:
        OutOfOrder: it is over.
    """
    if head is not None and peeked.feed_seq <= head.feed_seq and peeked.feed_seq not in held_seqs:
        raise OutOfOrder("the head does not count this item any more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What one feed may use here, settable per neighbour. Source: 5.6."""

    live_items_max: int = FEED_LIVE_ITEMS_MAX
    writes_a_day_max: int = FEED_WRITES_A_DAY_MAX
    item_bytes_max: int = ITEM_BYTES_MAX


class ItemRefusal(StrEnum):
    """Why an item is not stored, in the order of the checks."""

    TOO_LONG = "item_too_long"
    NOT_YET = "item_not_yet"  # created more than ten minutes ahead of this node's clock
    OVER = "item_over"  # expired by this node's clock
    TOO_MANY_WRITES = "too_many_writes"
    TOO_MANY_ITEMS = "too_many_items"


def check_item(
    peeked: Peek,
    *,
    size_bytes: int,
    now_ms: int,
    quota: Quota,
    live_items: int,
    writes_today: int,
    replaces: bool,
) -> ItemRefusal | None:
    """Return why an item that came now is not stored, or None if it is. Source: 5.4, 5.6.

    `replaces`: its key is held already. `live_items` leaves out tombstones, which are how one gets below a
    quota; `writes_today` leaves out the first fetch of a feed, which may be all of it.
    """
    if size_bytes > quota.item_bytes_max:
        return ItemRefusal.TOO_LONG
    if peeked.created > now_ms + ITEM_AHEAD_MS_MAX:
        return ItemRefusal.NOT_YET
    if peeked.expires <= now_ms:
        return ItemRefusal.OVER
    if writes_today >= quota.writes_a_day_max:
        return ItemRefusal.TOO_MANY_WRITES
    if not replaces and not peeked.empty and live_items >= quota.live_items_max:
        return ItemRefusal.TOO_MANY_ITEMS
    return None
