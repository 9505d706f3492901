"""What nodes say to each other about feeds, inside frames: shapes only, nothing is believed. Source: docs/protocol.md 5.5, 9.3."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from crypto.canonical import Value
from crypto.digest import Id32
from protocol.errors import InvalidValue, MalformedMessage
from protocol.feed import Row
from protocol.following import FeedClock
from protocol.frame import Frame
from protocol.limits import SEQ_MAX
from protocol.message import from_value, to_value
from protocol.names import SchemeId

# feed_seq, id, expires, tombstone: packed, because a long feed has very many of them.
_ROW: Final = struct.Struct(">Q32sQ?")
ROW_BYTES: Final = _ROW.size
ROWS_MAX: Final = 5_000  # in one frame
WANTED_MAX: Final = 2_000  # items asked for by number in one frame
CLOCKS_MAX: Final = 3_000  # in one frame


@dataclass(frozen=True, slots=True)
class Clocks:
    """How far the sender knows the feeds it follows; what did not change since its last word is left out."""

    wants_answer: bool
    clocks: tuple[FeedClock, ...]

    def value(self) -> Value:
        """Return the payload."""
        return self.wants_answer, tuple(to_value(clock) for clock in self.clocks)


def read_clocks(frame: Frame) -> Clocks:
    """Return the clocks in a frame. Raises MalformedMessage."""
    wants_answer, values = _fields(frame.payload, 2)
    if type(wants_answer) is not bool or type(values) is not tuple or len(values) > CLOCKS_MAX:
        raise MalformedMessage("not clocks")
    try:
        return Clocks(wants_answer, tuple(from_value(FeedClock, value) for value in values))
    except InvalidValue as error:
        raise MalformedMessage(str(error)) from None


@dataclass(frozen=True, slots=True)
class Ask:
    """A question for a feed: what is above `after`, or just the items at `wanted`, which rise."""

    scheme: SchemeId
    after: int
    wanted: tuple[int, ...] = ()

    def value(self) -> Value:
        """Return the payload."""
        return self.scheme, self.after, struct.pack(f">{len(self.wanted)}Q", *self.wanted)


def read_ask(frame: Frame) -> Ask:
    """Return the question in a frame. Raises MalformedMessage."""
    scheme, after, packed = _fields(frame.payload, 3)
    if type(scheme) is not bytes or len(scheme) != 32 or type(after) is not int or not -1 <= after <= SEQ_MAX:
        raise MalformedMessage("not a question about a feed")
    if type(packed) is not bytes or len(packed) % 8 or len(packed) > 8 * WANTED_MAX:
        raise MalformedMessage("not the numbers of items")
    wanted = struct.unpack(f">{len(packed) // 8}Q", packed)
    if any(seq > SEQ_MAX for seq in wanted) or any(a >= b for a, b in pairwise(wanted)):
        raise MalformedMessage("numbers of items that do not rise")
    return Ask(SchemeId(scheme), after, wanted)


@dataclass(frozen=True, slots=True)
class Delta:
    """Items of a feed with the head held, if any, and whether more follow."""

    head: bytes
    more: bool
    wires: tuple[bytes, ...]

    def value(self) -> Value:
        """Return the payload."""
        return self.head, self.more, self.wires


def read_delta(frame: Frame) -> Delta:
    """Return the items in a frame. Raises MalformedMessage."""
    head, more, wires = _fields(frame.payload, 3)
    if type(head) is not bytes or type(more) is not bool or type(wires) is not tuple:
        raise MalformedMessage("not items of a feed")
    if not all(type(wire) is bytes for wire in wires):
        raise MalformedMessage("not items of a feed")
    return Delta(head, more, wires)  # type: ignore[arg-type]  # all bytes, as just looked at


@dataclass(frozen=True, slots=True)
class Ids:
    """Rows that a head counts, and whether more follow."""

    head: bytes
    more: bool
    packed: bytes

    def value(self) -> Value:
        """Return the payload."""
        return self.head, self.more, self.packed


def read_ids(frame: Frame) -> Ids:
    """Return the rows in a frame. Raises MalformedMessage."""
    head, more, packed = _fields(frame.payload, 3)
    if type(head) is not bytes or type(more) is not bool or type(packed) is not bytes:
        raise MalformedMessage("not rows of a feed")
    if len(packed) % ROW_BYTES or len(packed) > ROW_BYTES * ROWS_MAX or (more and not packed):
        raise MalformedMessage("not rows of a feed")
    return Ids(head, more, packed)


NO_DELTA: Final = Delta(b"", False, ())
NO_IDS: Final = Ids(b"", False, b"")


def pack_rows(rows: Iterable[Row]) -> bytes:
    """Return rows in 49 bytes each."""
    return b"".join(_ROW.pack(*row) for row in rows)


def unpack_rows(packed: bytes) -> Iterator[Row]:
    """Yield the rows again; they say what the sender says."""
    for feed_seq, row_id, expires, empty in _ROW.iter_unpack(packed):
        yield Row(feed_seq, Id32(row_id), expires, empty)


def last_seq(packed: bytes) -> int:
    """Return the feed_seq of the last of packed rows."""
    return int.from_bytes(packed[-ROW_BYTES : 8 - ROW_BYTES], "big")


def in_frames(wires: Sequence[bytes], bytes_max: int) -> Iterator[tuple[bytes, ...]]:
    """Yield `wires` in parts that one frame holds."""
    part: list[bytes] = []
    size = 0
    for wire in wires:
        size += len(wire) + 5
        if part and size > bytes_max:
            yield tuple(part)
            part, size = [], len(wire) + 5
        part.append(wire)
    if part:
        yield tuple(part)


def _fields(value: Value, count: int) -> tuple[Value, ...]:
    if type(value) is not tuple or len(value) != count:
        raise MalformedMessage(f"not {count} fields")
    return value
