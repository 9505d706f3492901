"""The identity of a scheme: a hash chain of signed events, folded into the keys that count for a purpose.

Pure: when something was seen, and where events come from, is the node's to know. Source: docs/protocol.md
1.4, 2.1–2.3.

**When a signature counts** (2.3). A signed object names in `key_seq` the event that delegated its key. The node
keeps beside every object `seen_at_seq`: the `seq` of its author's identity state when the object was first seen
(or acknowledged). `state.key_for(purpose, key_seq, seen_at_seq=…)` answers for that moment: a key revoked at
seq r counts for what was seen at a state with seq < r, and for nothing else. Without `seen_at_seq` the object
is being seen now.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import assert_never

from crypto.canonical import NotCanonical
from crypto.digest import Id32, object_id
from crypto.keys import SigningKey, VerifyingKey
from crypto.sealing import SealingKey
from crypto.signing import Signed, split
from protocol.errors import Forked, InvalidValue, MalformedMessage, NotAuthentic, OutOfOrder
from protocol.identity_events import (
    CLOSURE,
    PURPOSES,
    ROOT,
    SIGNING_PURPOSES,
    SUCCESSOR,
    Delegate,
    End,
    Event,
    IdentityEvent,
    Inception,
    NewLog,
    Possession,
    Revoke,
    Rotate,
    next_key_digest,
)
from protocol.limits import THRESHOLD_SUPPORTED
from protocol.message import decode_message, open_message, sign_message
from protocol.names import KeySeq, SchemeId

# --- The state -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """The root key in force after the event `seq`, until a later rotation."""

    seq: int
    key: VerifyingKey
    next_digests: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """An online key, from the event `seq` until the event `revoked_seq`."""

    seq: KeySeq
    purpose: str
    public_key: bytes
    verifying: VerifyingKey | None  # None for keys that cannot sign, or whose purpose is unknown here
    revoked_seq: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityState:
    """What a scheme's identity log says up to the event `seq`."""

    scheme_id: SchemeId
    ids: tuple[Id32, ...]  # of every event, by seq
    roots: tuple[Root, ...]  # oldest first, never empty
    delegations: tuple[Delegation, ...]  # by seq
    ended: End | None
    forked_seq: int | None = None  # two rotations there: frozen, and nothing from there on counts
    new_logs: tuple[int, ...] = ()  # the seq of each event by which the log of the books began anew

    @property
    def seq(self) -> int:
        """The seq of the newest event."""
        return len(self.ids) - 1

    @property
    def head(self) -> Id32:
        """The id of the newest event."""
        return self.ids[-1]

    @property
    def root(self) -> Root:
        """The root key in force."""
        return self.roots[-1]

    @property
    def frozen(self) -> bool:
        """Whether two rotations at one seq were shown. Source: 2.3."""
        return self.forked_seq is not None

    @property
    def log_number(self) -> int:
        """Which log of the books is the one that goes on. Source: 6.7 (g)."""
        return 1 + len(self.new_logs)

    def log_begun_at(self, number: int) -> int:
        """Return the seq of the event by which the log `number`, which has begun, did. The first one began with the scheme."""
        return 0 if number == 1 else self.new_logs[number - 2]

    def key_for(
        self, purpose: str, key_seq: KeySeq, *, seen_at_seq: int | None = None
    ) -> VerifyingKey | None:
        """Return the key whose signatures count for `purpose`, or None. Source: 2.3.

        `seen_at_seq` is the seq of this state when the object was first seen or acknowledged; left out, the
        object is being seen now. After a fork only keys from before it count.
        """
        if self.forked_seq is not None and key_seq >= self.forked_seq:
            return None
        seen_at = self.seq if seen_at_seq is None else seen_at_seq
        if key_seq > seen_at:
            return None
        if purpose == ROOT:
            root = self.root_before(seen_at + 1)
            return root.key if root.seq == key_seq else None
        delegation = self.delegation(key_seq)
        if delegation is None or delegation.purpose != purpose:
            return None
        if delegation.revoked_seq is not None and delegation.revoked_seq <= seen_at:
            return None
        return delegation.verifying

    def delegation(self, key_seq: KeySeq) -> Delegation | None:
        """Return what the event `key_seq` delegated, revoked or not; None if it delegated nothing."""
        at = bisect_left(self.delegations, key_seq, key=lambda delegation: delegation.seq)
        if at < len(self.delegations) and self.delegations[at].seq == key_seq:
            return self.delegations[at]
        return None

    def current(self, purpose: str) -> Delegation | None:
        """Return the newest key of `purpose` that is in force, as when sealing to a scheme; None if there is none."""
        for delegation in reversed(self.delegations):
            before_fork = self.forked_seq is None or delegation.seq < self.forked_seq
            if delegation.purpose == purpose and delegation.revoked_seq is None and before_fork:
                return delegation
        return None

    def root_before(self, seq: int) -> Root:
        """Return the root key in force for the event `seq`, which is at least 1."""
        return self.roots[bisect_left(self.roots, seq, key=lambda root: root.seq) - 1]

    def public_keys(self) -> frozenset[bytes]:
        """Return every key this log ever named: none of them may be named in it again. Source: 1.4."""
        roots = {root.key.raw for root in self.roots}
        return frozenset(roots | {delegation.public_key for delegation in self.delegations})

    def proved_keys(self) -> frozenset[bytes]:
        """Return every key this log showed to be held by the scheme: none may appear in another scheme's. Source: 1.4.

        Root keys sign the event that shows them, the others their possession. What only opens, or is for a purpose
        unknown here, is anybody's to name, and so nobody's to keep from others.
        """
        roots = {root.key.raw for root in self.roots}
        return frozenset(roots | {each.public_key for each in self.delegations if each.verifying is not None})


# --- The fold ------------------------------------------------------------------------------------------------


def begin(wire: bytes) -> IdentityState:
    """Return the state after the inception `wire`, which proves itself: the scheme's id is its hash. Source: 2.1.

    Raises:
        MalformedMessage: not an event. OutOfOrder: not an inception. NotAuthentic: not signed by its root key.
        InvalidValue: several root keys, which version 1 does not support.
    """
    signed = open_message(IdentityEvent, wire, _inception_key)
    inception = signed.body.event
    assert isinstance(inception, Inception)
    return IdentityState(
        scheme_id=SchemeId(signed.id),
        ids=(signed.id,),
        roots=(_root(0, inception),),
        delegations=(),
        ended=None,
    )


def advance(state: IdentityState, wire: bytes) -> IdentityState:
    """Return the state after the event `wire`; an event that is known already changes nothing. Source: 2.2, 2.3.

    Raises:
        MalformedMessage: not an event.
        NotAuthentic: another scheme's, or not signed by the key that may.
        OutOfOrder: events before it are missing, the log has ended, or it revokes what is not in force.
        Forked: an authentic event that contradicts one seen before. The first seen stands; with the stored
            event it is evidence for `conflict`.
        InvalidValue: a key is used twice, or a threshold that version 1 does not support.
    """
    body, event_id = _peek(wire)
    if body.seq <= state.seq and state.ids[body.seq] == event_id:
        return state
    signed = open_event(state, wire)
    if body.seq <= state.seq:
        raise Forked(f"another event at seq {body.seq}")
    if body.prev != state.head:
        raise Forked(f"event {body.seq} follows another event than the one seen at {state.seq}")
    if state.frozen:
        raise Forked("two rotations at one seq: the log is frozen")
    if state.ended is not None:
        raise OutOfOrder("the log has ended")
    return _apply(replace(state, ids=(*state.ids, signed.id)), body)


def fold_log(wires: Iterable[bytes]) -> IdentityState:
    """Return the state after a whole log, its inception first. Raises as `begin` and `advance` do."""
    state: IdentityState | None = None
    for wire in wires:
        state = begin(wire) if state is None else advance(state, wire)
    if state is None:
        raise MalformedMessage("an empty identity log")
    return state


def _peek(wire: bytes) -> tuple[IdentityEvent, Id32]:
    try:
        body_bytes = split(wire)[0]
    except NotCanonical as error:
        raise MalformedMessage(str(error)) from None
    return decode_message(IdentityEvent, body_bytes), object_id(body_bytes)


def _inception_key(body: IdentityEvent, key_seq: KeySeq) -> VerifyingKey | None:
    if not isinstance(body.event, Inception):
        raise OutOfOrder("an identity log begins with an inception")
    return _single_key(body.event) if key_seq == 0 else None


def _single_key(event: Inception | Rotate) -> VerifyingKey:
    # The format has room for a board of organisers; a signature has room for one key only. Refused aloud,
    # so that nobody believes to be protected by a threshold that is not checked.
    if event.threshold != THRESHOLD_SUPPORTED or len(event.root_keys) != 1:
        raise InvalidValue("version 1 supports one root key and threshold 1 only")
    return VerifyingKey(event.root_keys[0])


def _root(seq: int, event: Inception | Rotate) -> Root:
    return Root(seq=seq, key=_single_key(event), next_digests=event.next_digests)


def open_event(state: IdentityState, wire: bytes) -> Signed[IdentityEvent]:
    """Return the event, verified by the key that was in force at its own seq; it may contradict one seen there.

    Raises:
        MalformedMessage, NotAuthentic, OutOfOrder, InvalidValue: it is no event of this log.
    """

    def signer(body: IdentityEvent, key_seq: KeySeq) -> VerifyingKey | None:
        if body.scheme != state.scheme_id:
            raise NotAuthentic("an event of another scheme")
        if body.seq > state.seq + 1:
            raise OutOfOrder(f"event {body.seq} while {state.seq + 1} is the next")
        root = state.root_before(body.seq)
        if not isinstance(body.event, Rotate):
            return root.key if key_seq == root.seq else None
        committed = next_key_digest(body.event.root_keys[0]) in root.next_digests
        return _single_key(body.event) if committed and key_seq == body.seq else None

    return open_message(IdentityEvent, wire, signer)


def _apply(state: IdentityState, body: IdentityEvent) -> IdentityState:
    """Return the state with `body` in it; `state.ids` holds its id already."""
    match body.event:
        case Inception():
            raise AssertionError("an inception has no scheme, so it was refused as another scheme's")
        case Rotate() as event:
            used = {next_key_digest(key) for key in state.public_keys()}
            promised = {digest for root in state.roots for digest in root.next_digests}
            if not (used | promised).isdisjoint(event.next_digests):
                raise InvalidValue("a next key was used or promised before")
            return replace(state, roots=(*state.roots, _root(body.seq, event)))
        case Delegate() as event:
            return replace(state, delegations=(*state.delegations, _delegation(state, body.seq, event)))
        case Revoke(delegate_seq=delegate_seq):
            return replace(state, delegations=_revoked(state, delegate_seq, body.seq))
        case End() as event:
            if event.successor == state.scheme_id:
                raise InvalidValue("a scheme cannot succeed itself")
            return replace(state, ended=event)
        case NewLog(number=number):
            if number != state.log_number + 1:
                raise OutOfOrder(f"log {number} while {state.log_number + 1} is the next")
            return replace(state, new_logs=(*state.new_logs, body.seq))
        case _:
            assert_never(body.event)


def _delegation(state: IdentityState, seq: int, event: Delegate) -> Delegation:
    promised = {digest for root in state.roots for digest in root.next_digests}
    if event.public_key in state.public_keys() or next_key_digest(event.public_key) in promised:
        raise InvalidValue("no key serves twice: this one is known from an earlier event")
    verifying = VerifyingKey(event.public_key) if event.purpose in SIGNING_PURPOSES else None
    claim = Possession(scheme=state.scheme_id, seq=KeySeq(seq), purpose=event.purpose)
    if verifying is not None and not claim.is_shown_by(event.proof, verifying):
        raise NotAuthentic("a delegated key that does not sign for it: it may be somebody else's")
    return Delegation(seq=seq, purpose=event.purpose, public_key=event.public_key, verifying=verifying)


def _revoked(state: IdentityState, delegate_seq: KeySeq, seq: int) -> tuple[Delegation, ...]:
    delegation = state.delegation(delegate_seq)
    if delegation is None or delegation.revoked_seq is not None:
        raise OutOfOrder(f"event {delegate_seq} delegated no key that is in force")
    return tuple(
        replace(each, revoked_seq=seq) if each.seq == delegate_seq else each for each in state.delegations
    )


# --- Making events -------------------------------------------------------------------------------------------


def make_inception(
    root_key: SigningKey, next_digest: bytes, time_ms: int
) -> tuple[SchemeId, Signed[IdentityEvent]]:
    """Return a new scheme's id and first event. `next_digest` is `next_key_digest` of the key on paper."""
    inception = Inception(root_keys=(root_key.public.raw,), threshold=1, next_digests=(next_digest,))
    signed = sign_message(
        IdentityEvent(scheme=None, seq=0, prev=None, time=time_ms, event=inception), root_key, 0
    )
    return SchemeId(signed.id), signed


def make_rotate(
    state: IdentityState, next_key: SigningKey, next_digest: bytes, time_ms: int
) -> Signed[IdentityEvent]:
    """Return the rotation to the committed `next_key`; `next_digest` commits to a fresh one. Raises as `advance`."""
    event = Rotate(root_keys=(next_key.public.raw,), threshold=1, next_digests=(next_digest,))
    return _make(state, next_key, state.seq + 1, event, time_ms)


def make_delegate(
    state: IdentityState, root_key: SigningKey, purpose: str, key: SigningKey | SealingKey, time_ms: int
) -> Signed[IdentityEvent]:
    """Return the event that gives `key` one purpose. Raises as `advance`."""
    if purpose not in PURPOSES or isinstance(key, SigningKey) != (purpose in SIGNING_PURPOSES):
        raise InvalidValue(f"not a purpose of such a key: {purpose}")
    if isinstance(key, SigningKey):
        claim = Possession(scheme=state.scheme_id, seq=KeySeq(state.seq + 1), purpose=purpose)
        event = Delegate(purpose=purpose, public_key=key.public.raw, proof=claim.signed_by(key))
    else:
        event = Delegate(purpose=purpose, public_key=key.public, proof=b"")
    return _make(state, root_key, state.root.seq, event, time_ms)


def make_revoke(
    state: IdentityState, root_key: SigningKey, delegate_seq: KeySeq, time_ms: int
) -> Signed[IdentityEvent]:
    """Return the event that ends the key delegated at `delegate_seq`. Raises as `advance`."""
    return _make(state, root_key, state.root.seq, Revoke(delegate_seq=delegate_seq), time_ms)


def make_end(
    state: IdentityState, root_key: SigningKey, time_ms: int, successor: SchemeId | None = None
) -> Signed[IdentityEvent]:
    """Return the last event of a log: closure, or a successor where one is named. Raises as `advance`."""
    event = End(reason=CLOSURE if successor is None else SUCCESSOR, successor=successor)
    return _make(state, root_key, state.root.seq, event, time_ms)


def make_new_log(
    state: IdentityState, root_key: SigningKey, held: tuple[int, bytes], lost: tuple[int, bytes], time_ms: int
) -> Signed[IdentityEvent]:
    """Return the event that begins the log of the books anew; `held` and `lost` are sizes and roots. Raises as `advance`."""
    event = NewLog(
        number=state.log_number + 1,
        held_size=held[0],
        held_root=held[1],
        lost_size=lost[0],
        lost_root=lost[1],
    )
    return _make(state, root_key, state.root.seq, event, time_ms)


def _make(
    state: IdentityState, key: SigningKey, key_seq: KeySeq, event: Event, time_ms: int
) -> Signed[IdentityEvent]:
    body = IdentityEvent(
        scheme=state.scheme_id, seq=state.seq + 1, prev=state.head, time=time_ms, event=event
    )
    signed = sign_message(body, key, key_seq)
    # What others would refuse is never handed out: an event that was published cannot be taken back.
    advance(state, signed.wire)
    return signed
