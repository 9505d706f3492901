"""Frames: what two nodes put into one session, in which order it leaves, and why a session ends.

What a payload means is decided by the file of its message; this one only knows the envelope.
Source: docs/protocol.md 9.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Final

from crypto.canonical import NotCanonical, Value, decode, encode
from protocol.errors import InvalidValue, MalformedMessage
from protocol.limits import (
    FRAME_BYTES_AN_ELEMENT,
    FRAME_BYTES_MAX,
    FRAME_ELEMENTS_FREE,
    REQUEST_ID_MAX,
)

NO_REQUEST: Final = 0
_TYPE_CODE_MAX: Final = 255


class Priority(IntEnum):
    """Lower leaves first: payments never wait behind listings. Source: 9.3."""

    LINES = 0
    SESSION = 1
    GOSSIP = 2
    BULK = 3


class FrameType(IntEnum):
    """The first element of a frame. A code is never given a second meaning."""

    # The session itself, 9.2.
    GREETING = 1
    HELLO = 2
    PING = 3
    PONG = 4
    ERROR = 5
    # Lines, 6.5 and 6.7.
    OPS = 16
    SYNC = 17
    SYNC_ANSWER = 18
    RETURNED_OPS = 19
    OPS_SEEN = 20
    LINE_FROZEN = 21  # 6.8
    # Quotes and payments between schemes, 7.1 and 7.6.
    QUOTE_ASK = 24
    QUOTE_REPLY = 25
    ABANDON = 26
    # Identity, 2.2 and 5.5.
    IDENTITY_ASK = 32
    IDENTITY = 33
    DESCRIPTOR_ASK = 34
    DESCRIPTOR = 35
    # Feeds, 5.5.
    CLOCKS = 40
    HEAD = 41
    ITEMS = 42
    DELTA_ASK = 43
    DELTA = 44
    IDS_ASK = 45
    IDS = 46
    # Letters, 7.7.
    LETTER = 56
    LETTER_ACK = 57
    # Evidence, 10.
    EVIDENCE = 60
    # Pictures, 5.7.
    BLOB_ASK = 64
    BLOB = 65
    # What a keeper holds for a neighbour, 6.7 g.
    KEEP = 72
    KEPT = 73
    KEPT_ASK = 74
    KEPT_ITEMS = 75
    # Clearing, 8.2.
    PROBE = 80
    PROBE_REPLY = 81
    # Checkpoints and what witnesses say of them, 4.3.
    CHECKPOINTS = 88
    COSIGN_ASK = 89
    COSIGN_REPLY = 90


PRIORITY: Final[Mapping[FrameType, Priority]] = MappingProxyType(
    {
        FrameType.GREETING: Priority.SESSION,
        FrameType.HELLO: Priority.SESSION,
        FrameType.PING: Priority.SESSION,
        FrameType.PONG: Priority.SESSION,
        FrameType.ERROR: Priority.SESSION,
        FrameType.OPS: Priority.LINES,
        FrameType.SYNC: Priority.LINES,
        FrameType.SYNC_ANSWER: Priority.LINES,
        FrameType.RETURNED_OPS: Priority.LINES,
        FrameType.OPS_SEEN: Priority.LINES,
        FrameType.LINE_FROZEN: Priority.LINES,
        FrameType.QUOTE_ASK: Priority.SESSION,
        FrameType.QUOTE_REPLY: Priority.SESSION,
        FrameType.ABANDON: Priority.SESSION,
        FrameType.IDENTITY_ASK: Priority.SESSION,
        FrameType.IDENTITY: Priority.SESSION,
        FrameType.DESCRIPTOR_ASK: Priority.SESSION,
        FrameType.DESCRIPTOR: Priority.SESSION,
        FrameType.CLOCKS: Priority.GOSSIP,
        FrameType.HEAD: Priority.GOSSIP,
        FrameType.ITEMS: Priority.GOSSIP,
        FrameType.DELTA_ASK: Priority.GOSSIP,
        FrameType.DELTA: Priority.BULK,
        FrameType.IDS_ASK: Priority.GOSSIP,
        FrameType.IDS: Priority.BULK,
        FrameType.LETTER: Priority.GOSSIP,
        FrameType.LETTER_ACK: Priority.GOSSIP,
        FrameType.EVIDENCE: Priority.GOSSIP,
        FrameType.BLOB_ASK: Priority.BULK,
        FrameType.BLOB: Priority.BULK,
        FrameType.KEEP: Priority.BULK,
        FrameType.KEPT: Priority.BULK,
        FrameType.KEPT_ASK: Priority.BULK,
        FrameType.KEPT_ITEMS: Priority.BULK,
        FrameType.PROBE: Priority.GOSSIP,
        FrameType.PROBE_REPLY: Priority.GOSSIP,
        FrameType.CHECKPOINTS: Priority.GOSSIP,
        FrameType.COSIGN_ASK: Priority.GOSSIP,
        FrameType.COSIGN_REPLY: Priority.GOSSIP,
    }
)

# What a request is answered with, under the request id of the asker; ERROR answers any of them.
ANSWER_OF: Final[Mapping[FrameType, FrameType]] = MappingProxyType(
    {
        FrameType.PING: FrameType.PONG,
        FrameType.SYNC: FrameType.SYNC_ANSWER,
        FrameType.QUOTE_ASK: FrameType.QUOTE_REPLY,
        FrameType.IDENTITY_ASK: FrameType.IDENTITY,
        FrameType.DESCRIPTOR_ASK: FrameType.DESCRIPTOR,
        FrameType.DELTA_ASK: FrameType.DELTA,
        FrameType.IDS_ASK: FrameType.IDS,
        FrameType.LETTER: FrameType.LETTER_ACK,
        FrameType.BLOB_ASK: FrameType.BLOB,
        FrameType.KEEP: FrameType.KEPT,
        FrameType.KEPT_ASK: FrameType.KEPT_ITEMS,
        FrameType.PROBE: FrameType.PROBE_REPLY,
        FrameType.COSIGN_ASK: FrameType.COSIGN_REPLY,
    }
)
ANSWERS: Final = frozenset((*ANSWER_OF.values(), FrameType.ERROR))


class CloseCode(IntEnum):
    """Why a session ended. 1000–1015 are those of RFC 6455; the others are ours."""

    DONE = 1000
    GOING_AWAY = 1001  # the node stops or restarts; dial again later
    LOST = 1006  # no farewell came; never sent
    TOO_BIG = 1009
    MALFORMED = 4000  # not a frame, or not one that may come now
    NOT_AUTHENTIC = 4001
    WRONG_DESTINATION = 4002  # a HELLO meant for another scheme
    STALE_NONCE = 4003
    WRONG_CERTIFICATE = 4004  # the dialler saw a certificate that is not ours: somebody is in between
    NO_COMMON_VERSION = 4005
    SUPERSEDED = 4006  # a newer session between the same two schemes took its place, 6.7 e
    NOT_ADMITTED = 4007  # this node keeps no session with that scheme
    LAPSED = 4008  # the handshake took too long
    IDLE = 4009
    MISBEHAVED = 4010  # a grave fault, or too many
    TROUBLE = 4011  # a failure of the node that closes, not of the one that reads this
    BUSY = 4012


_TYPES: Final[dict[int, FrameType]] = {int(kind): kind for kind in FrameType}
_CODES: Final[dict[FrameType, int]] = {kind: int(kind) for kind in FrameType}


@dataclass(frozen=True, slots=True)
class Frame:
    """One message within a session: `[type, request_id, payload]`. Source: 9.3.

    `request_id` is 0, or chosen by the asker and repeated in the answer.
    """

    type: FrameType
    payload: Value = None
    request_id: int = NO_REQUEST


@dataclass(frozen=True, slots=True)
class UnknownFrame:
    """A frame of a type that this version does not know: counted and ignored. Source: 9.5."""

    code: int
    request_id: int


def encode_frame(frame: Frame) -> bytes:
    """Return the bytes of `frame`.

    Raises:
        InvalidValue: longer than FRAME_BYTES_MAX, or a payload that LC1 does not allow.
    """
    try:
        value = (_CODES[frame.type], frame.request_id, frame.payload)
        return encode(value, bytes_max=FRAME_BYTES_MAX)
    except NotCanonical as error:
        raise InvalidValue(f"frame {frame.type.name}: {error}") from None


def decode_frame(data: bytes) -> Frame | UnknownFrame:
    """Return the frame that `data` spells.

    Raises:
        MalformedMessage: not a frame. No other exception escapes, whatever the bytes.
    """
    try:
        value = decode(
            data,
            bytes_max=FRAME_BYTES_MAX,
            elements_max=FRAME_ELEMENTS_FREE + len(data) // FRAME_BYTES_AN_ELEMENT,
        )
    except NotCanonical as error:
        raise MalformedMessage(str(error)) from None
    if type(value) is not tuple or len(value) != 3:
        raise MalformedMessage("not [type, request_id, payload]")
    code, request_id, payload = value
    if type(code) is not int or not 0 <= code <= _TYPE_CODE_MAX:
        raise MalformedMessage("a frame type that is no number of one byte")
    if type(request_id) is not int or not 0 <= request_id <= REQUEST_ID_MAX:
        raise MalformedMessage("a request id out of range")
    kind = _TYPES.get(code)
    return UnknownFrame(code, request_id) if kind is None else Frame(kind, payload, request_id)


def payload_bytes(frame: Frame) -> bytes:
    """Return the payload, which must be one string of bytes.

    Raises:
        MalformedMessage: it is not.
    """
    payload = frame.payload
    if type(payload) is not bytes:
        raise MalformedMessage(f"{frame.type.name} carries no bytes")
    return payload


def payload_many(frame: Frame) -> tuple[bytes, ...]:
    """Return the payload, which must be an array of strings of bytes.

    Raises:
        MalformedMessage: it is not.
    """
    payload = frame.payload
    if type(payload) is not tuple:
        raise MalformedMessage(f"{frame.type.name} carries no array")
    many: list[bytes] = []
    for element in payload:
        if type(element) is not bytes:
            raise MalformedMessage(f"{frame.type.name} carries something other than bytes")
        many.append(element)
    return tuple(many)
