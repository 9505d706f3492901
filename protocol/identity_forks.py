"""Two events at one place of one identity log: what they prove, and what counts from then on. Source: docs/protocol.md 2.3, 10."""

from __future__ import annotations

from dataclasses import dataclass, replace

from crypto.signing import Signed
from protocol.errors import InvalidValue
from protocol.identity import IdentityState, open_event
from protocol.identity_events import IdentityEvent, Rotate
from protocol.names import SchemeId


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityConflict:
    """Two authentic events at one seq of one log, the one with the lower id first."""

    scheme: SchemeId
    seq: int
    first: Signed[IdentityEvent]
    second: Signed[IdentityEvent]

    @property
    def freezes(self) -> bool:
        """Whether both are rotations: then nobody can tell which root is the scheme's. Source: 2.3."""
        return isinstance(self.first.body.event, Rotate) and isinstance(self.second.body.event, Rotate)


def conflict(state: IdentityState, one: bytes, other: bytes) -> IdentityConflict:
    """Return the evidence that two events make, whoever shows them in whatever order. Source: 2.3, 10.

    `state` may hold one of them, or end just before them.

    Raises:
        MalformedMessage, NotAuthentic, OutOfOrder: one of them is no authentic event of this log.
        InvalidValue: they do not contradict each other.
    """
    events = sorted((open_event(state, one), open_event(state, other)), key=lambda signed: signed.id)
    first, second = events
    if first.body.seq != second.body.seq or first.id == second.id:
        raise InvalidValue("the events do not contradict each other")
    return IdentityConflict(scheme=state.scheme_id, seq=first.body.seq, first=first, second=second)


def freeze(state: IdentityState, evidence: IdentityConflict) -> IdentityState:
    """Return the state frozen by two rotations at one seq; other evidence changes nothing here. Source: 2.3.

    Keys from before the fork go on counting, so that open locks can end; nothing later counts.
    """
    if evidence.scheme != state.scheme_id or not evidence.freezes:
        return state
    known = evidence.seq if state.forked_seq is None else min(state.forked_seq, evidence.seq)
    return replace(state, forked_seq=known)
