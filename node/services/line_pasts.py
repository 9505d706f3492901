"""Whether what a peer says fits the past that I hold of a line. Source: docs/protocol.md 6.5, 6.8."""

from __future__ import annotations

from crypto.signing import Signed
from node.services.line_desk import LineDesk
from node.services.line_rows import Line
from protocol.line_ops import Op, SyncAnswer, before_epoch


def acks_what_is_lost(line: Line, op: Signed[Op]) -> bool:
    """Tell whether the peer acknowledges more of my chain than it says it holds, and than I hold. Source: 6.8, second test."""
    body, state = op.body, line.state
    return (
        line.usable
        and body.author == line.peer
        and body.seq > state.peer_length
        and body.ack > max(state.own_length, line.returned)
    )


def other_past(lines: LineDesk, line: Line, answer: SyncAnswer) -> str:
    """Return how the answer contradicts the ops I hold; empty if it does not. Source: 6.5, 6.8."""
    state = line.state
    before = before_epoch(state.epoch)
    if before < answer.seen_length <= state.own_length:
        held = (
            state.own_id
            if answer.seen_length == state.own_length
            else lines.own_op_of(line)(answer.seen_length).id
        )
        if held != answer.seen_id:
            return "they hold another op of ours than we do"
    if before < answer.own_length <= state.peer_length:
        held = (
            state.peer_id
            if answer.own_length == state.peer_length
            else lines.peer_op(line, answer.own_length).id
        )
        if held != answer.own_id:
            return "they name another op of theirs than we hold"
    return ""
