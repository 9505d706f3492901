"""The shapes of what is said about lines. Source: docs/protocol.md 6.5, 9.3."""

from __future__ import annotations

from typing import Final

from crypto.canonical import Value
from protocol.errors import MalformedMessage
from protocol.line import LineState
from protocol.line_ops import SyncAnswer, SyncAsk
from protocol.names import LineId, SchemeId

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


def sync_answer(ask: SyncAsk, author: SchemeId, state: LineState | None) -> SyncAnswer:
    """Return what `author` holds of a line; nothing, if the line is not known."""
    return SyncAnswer(
        line=ask.line,
        epoch=ask.epoch if state is None else state.epoch,
        author=author,
        boot=ask.boot,
        own_length=0 if state is None else state.own_length,
        own_id=bytes(32) if state is None else state.own_id,
        seen_length=0 if state is None else state.peer_length,
        seen_id=bytes(32) if state is None else state.peer_id,
    )
