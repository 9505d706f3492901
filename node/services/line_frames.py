"""The shapes of frames about lines. Source: docs/protocol.md 6.5, 9.3."""

from __future__ import annotations

from typing import Final

from crypto.canonical import Value
from protocol.errors import MalformedMessage
from protocol.names import LineId

FRAME_OPS_BYTES: Final = 128 * 1024  # of ops in one frame; half of what a frame may hold


def frames(ops: list[tuple[int, bytes]]) -> list[list[tuple[int, bytes]]]:
    """Return the ops in parts, each of which fits one frame."""
    parts: list[list[tuple[int, bytes]]] = [[]]
    size = 0
    for op in ops:
        size += len(op[1])
        if parts[-1] and size > FRAME_OPS_BYTES:
            parts.append([])
            size = len(op[1])
        parts[-1].append(op)
    return parts


def bytes_of(value: Value) -> bytes:
    """Return a payload that has to be bytes. Raises MalformedMessage."""
    if type(value) is not bytes:
        raise MalformedMessage("not bytes")
    return value


def line_and(value: Value) -> tuple[LineId, Value]:
    """Return the line a payload is about, and the rest. Raises MalformedMessage."""
    if type(value) is not tuple or len(value) != 2 or type(value[0]) is not bytes:
        raise MalformedMessage("not [line, …]")
    return LineId(value[0]), value[1]
