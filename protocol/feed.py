"""Feeds: the public records of a scheme, ordered, proved by one signature and followed by others.

Here are the item and the head: which of two revisions stands, which items a head counts. Decisions read streams
of `Row`, four values an item, so that 100,000 items never have to be objects at once. What a follower lacks and
what it may believe is in `following.py`; what the kinds of item say is in `feed_kinds.py`.
Source: docs/protocol.md 5.1–5.4, 10.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Final, NamedTuple

from crypto.canonical import OBJECT_BYTES_MAX, NotCanonical, decode
from crypto.digest import Id32, object_id
from crypto.merkle import Frontier
from crypto.signing import split
from protocol.errors import InvalidValue, MalformedMessage
from protocol.limits import (
    FEED_SEQ_RESTORE_STEP,
    HEAD_VALID_MS,
    HEAD_VALID_MS_MAX,
    ITEM_LIFE_MS_MAX,
    SEQ_MAX,
    STALE_FEED_KEPT_MS,
    TIME_MS_MAX,
)
from protocol.message import Blob, Code, Fixed, Int, Message
from protocol.names import ItemKey, KeySeq, SchemeId

# --- Items and heads ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(Message):
    """One public record, or with an empty payload the tombstone of one. Source: 5.1.

    A kind that nobody here knows is stored and relayed all the same (9.5).
    """

    TAG: ClassVar[str] = "interlets/1/item"
    scheme: Annotated[SchemeId, Fixed(32)]
    feed_seq: Annotated[int, Int(1, SEQ_MAX)]
    kind: Annotated[str, Code()]
    key: Annotated[ItemKey, Fixed(16)]
    revision: Annotated[int, Int(1, SEQ_MAX)]
    created: Annotated[int, Int(0, TIME_MS_MAX)]
    expires: Annotated[int, Int(1, TIME_MS_MAX)]
    payload: Annotated[bytes, Blob(OBJECT_BYTES_MAX)]

    def __post_init__(self) -> None:
        Message.__post_init__(self)
        if not self.created < self.expires <= self.created + ITEM_LIFE_MS_MAX:
            raise InvalidValue("an item lives for more than nothing, and for 400 days at most")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head(Message):
    """What a whole feed was at one moment. Its signature admits every item that its root counts. Source: 5.3."""

    TAG: ClassVar[str] = "interlets/1/head"
    scheme: Annotated[SchemeId, Fixed(32)]
    identity_seq: Annotated[int, Int(0, SEQ_MAX)]
    feed_seq: Annotated[int, Int(0, SEQ_MAX)]
    live_count: Annotated[int, Int(0, SEQ_MAX)]
    live_root: Annotated[bytes, Fixed(32)]
    time: Annotated[int, Int(0, TIME_MS_MAX)]
    valid_until: Annotated[int, Int(1, TIME_MS_MAX)]

    def __post_init__(self) -> None:
        Message.__post_init__(self)
        if not self.time < self.valid_until <= self.time + HEAD_VALID_MS_MAX:
            raise InvalidValue("a head is valid for more than nothing, and for eight days at most")


class Row(NamedTuple):
    """What the decisions need of an item; streams of rows are in the order of `feed_seq`."""

    feed_seq: int
    id: Id32
    expires: int
    empty: bool  # a tombstone


class Peek(NamedTuple):
    """The face of an item, read without making an `Item` of it. Nothing is verified."""

    scheme: SchemeId
    feed_seq: int
    kind: str
    key: ItemKey
    revision: int
    created: int
    expires: int
    empty: bool
    id: Id32

    @property
    def row(self) -> Row:
        """The item as the decisions see it."""
        return Row(self.feed_seq, self.id, self.expires, self.empty)

    @property
    def version(self) -> Version:
        """The item as its key's history sees it."""
        return Version(self.revision, self.id)


def peek(wire: bytes) -> Peek:
    """Return the face of the item in a wire form, in a few microseconds; the signature is not looked at.

    The bytes are canonical and every field is in its range, so `Item` would take them too (I11).

    Raises:
        MalformedMessage: not the wire form of an item.
    """
    try:
        body, _, _ = split(wire)
    except NotCanonical as error:
        raise MalformedMessage(str(error)) from None
    return peek_body(body)


def peek_body(body: bytes) -> Peek:
    """Return the face of the item whose body this is. Raises MalformedMessage."""
    try:
        value = decode(body)
    except NotCanonical as error:
        raise MalformedMessage(str(error)) from None
    if type(value) is not tuple or len(value) != 9:
        raise MalformedMessage("not an item")
    # Field by field, in the order of `Item`: building one costs five times as much, and a test compares both.
    tag, scheme, feed_seq, kind, key, revision, created, expires, payload = value
    if (
        tag == Item.TAG
        and type(scheme) is bytes
        and len(scheme) == 32
        and type(feed_seq) is int
        and 1 <= feed_seq <= SEQ_MAX
        and type(kind) is str
        and _is_code(kind)
        and type(key) is bytes
        and len(key) == 16
        and type(revision) is int
        and 1 <= revision <= SEQ_MAX
        and type(created) is int
        and type(expires) is int
        and 0 <= created < expires <= TIME_MS_MAX
        and expires - created <= ITEM_LIFE_MS_MAX
        and type(payload) is bytes
    ):
        return Peek(
            SchemeId(scheme),
            feed_seq,
            kind,
            ItemKey(key),
            revision,
            created,
            expires,
            not payload,
            object_id(body),
        )
    raise MalformedMessage("not an item")


_CODE: Final = Code()


def _is_code(kind: str) -> bool:
    try:
        _CODE.check(kind)
    except InvalidValue:
        return False
    return True


# --- One author per key: which of two items stands ---------------------------------------------------------


class Version(NamedTuple):
    """One item of a key."""

    revision: int
    id: Id32


class Standing(StrEnum):
    """How a new item stands to the one held under its key. Source: 5.1."""

    NEWER = "newer"
    OLDER = "older"
    SAME = "same"
    # Equal revision, two ids: both are evidence against the author (10), and everybody keeps the lower id.
    REPLACES = "replaces"
    YIELDS = "yields"

    @property
    def stored(self) -> bool:
        """Tell whether the new item takes the place of the old one."""
        return self in (Standing.NEWER, Standing.REPLACES)

    @property
    def evidence(self) -> bool:
        """Tell whether the two items together prove that their author said two things at once."""
        return self in (Standing.REPLACES, Standing.YIELDS)


def supersedes(new: Version, old: Version) -> Standing:
    """Return how `new` stands to `old`; the answer does not depend on which arrived first. Source: 5.1."""
    if new.revision != old.revision:
        return Standing.NEWER if new.revision > old.revision else Standing.OLDER
    if new.id == old.id:
        return Standing.SAME
    return Standing.REPLACES if new.id < old.id else Standing.YIELDS


# --- What a head counts ------------------------------------------------------------------------------------


def live(rows: Iterable[Row], time_ms: int) -> Iterator[Row]:
    """Yield the rows that count at `time_ms`: items and tombstones whose `expires` is later. Source: 5.3.

    Raises:
        InvalidValue: not in the order of feed_seq, or one feed_seq twice.
    """
    before = 0
    for row in rows:
        if row.feed_seq <= before:
            raise InvalidValue("rows are not in the order of feed_seq")
        before = row.feed_seq
        if row.expires > time_ms:
            yield row


def live_root(rows: Iterable[Row], time_ms: int) -> tuple[int, bytes]:
    """Return how many rows count at `time_ms`, and the root over their ids; the rows may stream. Source: 5.3."""
    tree = Frontier().extended(row.id for row in live(rows, time_ms))
    return tree.size, tree.root()


def items_alive(rows: Iterable[Row], time_ms: int) -> int:
    """Return how many items count at `time_ms`, tombstones left out: what a quota limits. Source: 5.6."""
    return sum(1 for row in live(rows, time_ms) if not row.empty)


def make_head(
    scheme: SchemeId,
    rows: Iterable[Row],
    *,
    identity_seq: KeySeq,
    feed_seq: int,
    now_ms: int,
    valid_ms: int = HEAD_VALID_MS,
) -> Head:
    """Return the head of one's own feed now, to be signed with the feed key; `feed_seq` is the last one used."""
    count, root = live_root(rows, now_ms)
    return Head(
        scheme=scheme,
        identity_seq=identity_seq,
        feed_seq=feed_seq,
        live_count=count,
        live_root=root,
        time=now_ms,
        valid_until=now_ms + valid_ms,
    )


def check_head(head: Head, rows: Iterable[Row]) -> bool:
    """Tell whether `rows` up to its feed_seq are exactly what `head` counts: nothing omitted, nothing added."""
    return (head.live_count, head.live_root) == live_root(
        (row for row in rows if row.feed_seq <= head.feed_seq), head.time
    )


class HeadStanding(StrEnum):
    """How a new head stands to the one held."""

    NEWER = "newer"
    OLDER = "older"
    SAME = "same"
    FORKED = "forked"  # two heads at one feed_seq and time: evidence (10, T21)


def compare_heads(new: Head, old: Head) -> HeadStanding:
    """Return how `new` stands to `old`, both verified: by feed_seq, then by time. Source: 5.3, 5.5."""
    assert new.scheme == old.scheme, "heads of two schemes are never compared"
    if (new.feed_seq, new.time) != (old.feed_seq, old.time):
        newer = (new.feed_seq, new.time) > (old.feed_seq, old.time)
        return HeadStanding.NEWER if newer else HeadStanding.OLDER
    return HeadStanding.SAME if new.live_root == old.live_root else HeadStanding.FORKED


class Freshness(StrEnum):
    """How a feed is shown. Source: 5.3."""

    FRESH = "fresh"
    STALE = "stale"  # shown as such
    DROPPED = "dropped"  # and forgotten


def freshness(head: Head, now_ms: int) -> Freshness:
    """Return how the feed of `head` is shown now: stale past valid_until, dropped 60 days later."""
    if now_ms <= head.valid_until:
        return Freshness.FRESH
    return Freshness.STALE if now_ms <= head.valid_until + STALE_FEED_KEPT_MS else Freshness.DROPPED


def next_feed_seq(highest_seen: int, *, restored: bool = False) -> int:
    """Return the feed_seq of the next put: after a restore well above everything anybody has seen. Source: 6.7 i."""
    return highest_seen + (FEED_SEQ_RESTORE_STEP if restored else 1)
