"""Evidence: words of one scheme that contradict each other, and prove it to anybody without asking anybody.

What is accused travels as it was signed, with the identity events that name its keys, so that a file is enough.
Nothing in it is believed because of who shows it. Source: docs/protocol.md 10, 2.3, 5.1, 5.3, 6.2–6.5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, TypeAlias, TypeVar, assert_never

from crypto.canonical import NotCanonical, encode
from crypto.digest import Id32, object_id, tagged
from crypto.signing import WIRE_BYTES_MAX, Signed, split
from protocol.checkpoint import log_key, number_in, open_checkpoint, parse_checkpoint
from protocol.errors import InvalidValue, MalformedMessage, NotAuthentic, ProtocolError
from protocol.evidence_ops import (
    BadOp,
    NotHonoured,
    ReadOp,
    judge_bad_op,
    judge_not_honoured,
    proofs_of_bad_op,
)
from protocol.feed import Head, Item
from protocol.identity import IdentityState, fold_log
from protocol.identity_events import CHECKPOINT, FEED, LINE, IdentityEvent
from protocol.identity_forks import conflict
from protocol.limits import CHECKPOINT_BYTES_MAX, EVIDENCE_BYTES_MAX, IDENTITY_EVENTS_MAX
from protocol.line import LineState
from protocol.line_ops import Op, SyncAnswer, Terms, before_epoch
from protocol.message import (
    Blob,
    Fixed,
    Many,
    Maybe,
    Message,
    Nested,
    Part,
    decode_message,
    decode_whole,
    encode_whole,
    open_message,
)  # fmt: skip
from protocol.names import SchemeId
from protocol.note import Note, parse_note

AnyPart = TypeVar("AnyPart", bound=Part)

_WIRE: Final = Blob(WIRE_BYTES_MAX)
_SUBJECT_TAG: Final = "interlets/1/evidence-subject"


# --- What can be shown (10) ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Excuse(Part):
    """The other end of the line said, signed, that it held less than the op at that place: then it hid it. Source: 6.5."""

    TAG: ClassVar[str] = "excuse"

    peer: Annotated[SchemeId, Fixed(32)]
    nonce: Annotated[bytes, Fixed(16)]  # of the line's terms, which bind its id to both ends
    answer: Annotated[bytes, _WIRE]
    identity: Annotated[tuple[bytes, ...], Many(_WIRE, IDENTITY_EVENTS_MAX, 1)]  # of the peer


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoOps(Part):
    """Two ops at one place of one chain, or an op and one after it that follows another."""

    TAG: ClassVar[str] = "two-ops"

    first: Annotated[bytes, _WIRE]
    second: Annotated[bytes, _WIRE]
    excuse: Annotated[Excuse | None, Maybe(Nested((Excuse,)))]


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoRotations(Part):
    """Two rotations at one seq of an identity log."""

    TAG: ClassVar[str] = "two-rotations"

    first: Annotated[bytes, _WIRE]
    second: Annotated[bytes, _WIRE]


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoItems(Part):
    """Two items at one revision of one key."""

    TAG: ClassVar[str] = "two-items"

    first: Annotated[bytes, _WIRE]
    second: Annotated[bytes, _WIRE]


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoHeads(Part):
    """Two heads of one feed_seq that cannot both count the same items."""

    TAG: ClassVar[str] = "two-heads"

    first: Annotated[bytes, _WIRE]
    second: Annotated[bytes, _WIRE]


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoCheckpoints(Part):
    """Two checkpoints of one size with two roots, as signed notes without the lines of witnesses. Source: 4.2, 10.1."""

    TAG: ClassVar[str] = "two-checkpoints"

    first: Annotated[bytes, Blob(CHECKPOINT_BYTES_MAX)]
    second: Annotated[bytes, Blob(CHECKPOINT_BYTES_MAX)]


Proof: TypeAlias = TwoOps | TwoRotations | TwoItems | TwoHeads | TwoCheckpoints | BadOp | NotHonoured
PROOFS: Final = (TwoOps, TwoRotations, TwoItems, TwoHeads, TwoCheckpoints, BadOp, NotHonoured)
KINDS: Final = tuple(kind.TAG for kind in PROOFS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence(Message):
    """What one scheme signed and cannot have meant, with the identity events needed to see that it signed it."""

    TAG: ClassVar[str] = "interlets/1/evidence"

    accused: Annotated[SchemeId, Fixed(32)]
    proof: Annotated[Proof, Nested(PROOFS)]
    identity: Annotated[tuple[bytes, ...], Many(_WIRE, IDENTITY_EVENTS_MAX, 1)]  # from the inception on


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What evidence proves, once it was looked at."""

    id: Id32  # of what is shown, whoever shows it, with whichever identity events
    accused: SchemeId
    kind: str
    excused: bool  # it proves nothing: the author showed that the other side had hidden its op
    why: str  # what is wrong, for whoever looks closely
    times: tuple[int, ...]  # when the author says it signed, oldest first


# --- Bytes ---------------------------------------------------------------------------------------------------


def encode_evidence(evidence: Evidence) -> bytes:
    """Return the bytes of a file or frame. Raises InvalidValue: longer than evidence may be."""
    return encode_whole(evidence, EVIDENCE_BYTES_MAX)


def decode_evidence(data: bytes) -> Evidence:
    """Return the evidence that `data` spells; nothing in it is verified. Raises MalformedMessage."""
    return decode_whole(Evidence, data, EVIDENCE_BYTES_MAX)


def make_evidence(accused: SchemeId, proof: Proof, log: Sequence[bytes]) -> Evidence:
    """Return evidence with as much of the accused's identity `log` as it needs.

    Raises:
        ProtocolError: it proves nothing: it is not handed out.
    """
    state = fold_log(log)
    upto = _checkpoint_seq(state, proof) if isinstance(proof, TwoCheckpoints) else max(_key_seqs(proof))
    shown = log[: min(upto, state.seq) + 1]
    if isinstance(proof, TwoRotations):
        shown = log[: _seq_of_event(proof.first)]
    evidence = Evidence(accused=accused, proof=proof, identity=tuple(shown))
    verify(evidence, state)
    return evidence


def evidence_against_op(
    state: LineState, nonce: bytes, op: Signed[Op], own_op: ReadOp, peer_op: ReadOp, log: Sequence[bytes]
) -> Evidence | None:
    """Return what an op of the peer that was refused proves against it; None: nothing that others could check.

    `state` is my copy of the line as it was before the op; `log` is the peer's identity log.
    """
    proofs: list[TwoOps | BadOp | NotHonoured] = []
    rival = min(op.body.seq, state.peer_length)
    if rival > before_epoch(state.epoch):
        held = peer_op(rival)
        proofs.append(TwoOps(first=held.wire, second=op.wire, excuse=None))
    proofs += proofs_of_bad_op(state, nonce, op, own_op, peer_op)
    for proof in proofs:
        try:
            return make_evidence(state.peer, proof, log)
        except ProtocolError:
            continue
    return None


def _checkpoint_seq(state: IdentityState, proof: TwoCheckpoints) -> int:
    """Return the seq of the newest key that a note may be signed by, or of its log's beginning: notes name no seq."""
    lines = {(each.name, each.key_id) for note in _notes(proof) for each in note.signatures}
    number = number_in(parse_checkpoint(_notes(proof)[0]), state.scheme_id)
    if number is None or number > state.log_number:
        raise NotAuthentic("a checkpoint of another log")
    keys = [
        (each.seq, log_key(state.scheme_id, each.verifying, number))
        for each in state.delegations
        if each.purpose == CHECKPOINT and each.verifying is not None
    ]
    newest = max((seq for seq, key in keys if (key.name, key.key_id) in lines), default=0)
    return max(newest, state.log_begun_at(number))


def _notes(proof: TwoCheckpoints) -> tuple[Note, Note]:
    return parse_note(proof.first), parse_note(proof.second)


def _key_seqs(proof: TwoOps | TwoRotations | TwoItems | TwoHeads | BadOp | NotHonoured) -> list[int]:
    match proof:
        case BadOp():
            wires = [proof.op, *([proof.acknowledged] if proof.acknowledged is not None else [])]
        case NotHonoured():
            wires = [proof.op, proof.lock]
        case _:
            wires = [proof.first, proof.second]
    return [_split(wire)[1] for wire in wires]


def _seq_of_event(wire: bytes) -> int:
    return decode_message(IdentityEvent, _split(wire)[0]).seq


def _split(wire: bytes) -> tuple[bytes, int, bytes]:
    try:
        return split(wire)
    except NotCanonical as error:
        raise MalformedMessage(str(error)) from None


# --- Judging -------------------------------------------------------------------------------------------------


def verify(evidence: Evidence, known: IdentityState | None = None) -> Finding:
    """Return what `evidence` proves. `known` is what is known of the accused's identity, where that is more.

    A key that was revoked by what is known convicts nobody any more: its thief may have signed. Source: 2.3, I18.

    Raises:
        ProtocolError: it proves nothing.
    """
    shown = fold_log(evidence.identity)
    if shown.scheme_id != evidence.accused:
        raise NotAuthentic("the identity events of another scheme")
    state = shown
    if known is not None and known.scheme_id == evidence.accused and known.seq >= shown.seq:
        state = known
    proof = evidence.proof
    match proof:
        case TwoOps():
            return _two_ops(state, proof)
        case TwoRotations():
            return _two_rotations(state, proof)
        case TwoItems():
            return _two_items(state, proof)
        case TwoHeads():
            return _two_heads(state, proof)
        case TwoCheckpoints():
            return _two_checkpoints(state, proof)
        case BadOp():
            op, why = judge_bad_op(proof, evidence.accused, _opener(state, Op, LINE))
            return _finding(state, proof.TAG, (op.id,), why, (op.body.time,))
        case NotHonoured():
            op, lock, why = judge_not_honoured(proof, evidence.accused, _opener(state, Op, LINE))
            return _finding(state, proof.TAG, (op.id,), why, (lock.body.time, op.body.time))
        case _:
            assert_never(proof)


def _opener(state: IdentityState, kind: type[AnyPart], purpose: str) -> Callable[[bytes], Signed[AnyPart]]:
    def opened(wire: bytes) -> Signed[AnyPart]:
        return open_message(kind, wire, lambda _body, key_seq: state.key_for(purpose, key_seq))

    return opened


def _pair(
    state: IdentityState, kind: type[AnyPart], purpose: str, first: bytes, second: bytes
) -> tuple[Signed[AnyPart], Signed[AnyPart]]:
    opened = _opener(state, kind, purpose)
    one, other = opened(first), opened(second)
    if one.id == other.id:
        raise InvalidValue("twice the same")
    return one, other


def _finding(
    state: IdentityState,
    kind: str,
    ids: tuple[bytes, ...],
    why: str,
    times: tuple[int, ...],
    *,
    excused: bool = False,
) -> Finding:
    return Finding(
        id=_id_of(state.scheme_id, kind, ids), accused=state.scheme_id, kind=kind, excused=excused, why=why,
        times=tuple(sorted(times)),
    )  # fmt: skip


def evidence_id(evidence: Evidence) -> Id32:
    """Return the id that `verify` would find, at no cost; nothing is verified. Raises MalformedMessage."""
    proof = evidence.proof
    if isinstance(proof, TwoCheckpoints):
        return _id_of(evidence.accused, proof.TAG, tuple(_text_id(note) for note in _notes(proof)))
    wires = [proof.op] if isinstance(proof, (BadOp, NotHonoured)) else [proof.first, proof.second]
    ids = tuple(object_id(_split(wire)[0]) for wire in wires)
    return _id_of(evidence.accused, proof.TAG, ids)


def _id_of(accused: SchemeId, kind: str, ids: tuple[bytes, ...]) -> Id32:
    return Id32(tagged(_SUBJECT_TAG, encode((accused, kind, tuple(sorted(ids))))))


def _two_ops(state: IdentityState, proof: TwoOps) -> Finding:
    one, other = _pair(state, Op, LINE, proof.first, proof.second)
    lower, upper = sorted((one, other), key=lambda op: op.body.seq)
    for op in (one, other):
        if op.body.author != state.scheme_id:
            raise NotAuthentic("an op of another author")
    if (one.body.line, one.body.epoch) != (other.body.line, other.body.epoch):
        raise InvalidValue("ops of two chains")
    apart = upper.body.seq - lower.body.seq
    if apart > 1 or (apart == 1 and upper.body.prev == lower.id):
        raise InvalidValue("the ops do not contradict each other")
    excused = proof.excuse is not None and _excuses(proof.excuse, lower.body, upper.body)
    why = (
        f"two ops at {lower.body.seq}"
        if apart == 0
        else f"op {upper.body.seq} follows another than op {lower.body.seq}"
    )
    times = (one.body.time, other.body.time)
    return _finding(state, proof.TAG, (one.id, other.id), why, times, excused=excused)


def _excuses(excuse: Excuse, lower: Op, upper: Op) -> bool:
    """Tell whether the other end hid the author's op. Source: 6.5.

    An answer carries no time. It counts as later if its author's own chain was then as long as the ops
    acknowledge; where that is in doubt, two ops prove nothing.

    Raises:
        ProtocolError: it is no answer of the line's other end.
    """
    low, high = sorted((excuse.peer, lower.author))
    if Terms(low=low, high=high, nonce=excuse.nonce).line_id() != lower.line:
        raise InvalidValue("an excuse by somebody who is not on that line")
    peer = fold_log(excuse.identity)
    if peer.scheme_id != excuse.peer:
        raise NotAuthentic("the identity events of another scheme")
    answer = _opener(peer, SyncAnswer, LINE)(excuse.answer).body
    if (answer.author, answer.line, answer.epoch) != (excuse.peer, lower.line, lower.epoch):
        raise InvalidValue("an excuse about another chain")
    return answer.seen_length < lower.seq and answer.own_length >= min(lower.ack, upper.ack)


def _two_rotations(state: IdentityState, proof: TwoRotations) -> Finding:
    found = conflict(state, proof.first, proof.second)
    if not found.freezes:
        raise InvalidValue("two events that are not both rotations freeze nothing")
    times = (found.first.body.time, found.second.body.time)
    why = f"two rotations at {found.seq}"
    return _finding(state, proof.TAG, (found.first.id, found.second.id), why, times)


def _two_items(state: IdentityState, proof: TwoItems) -> Finding:
    one, other = _pair(state, Item, FEED, proof.first, proof.second)
    for item in (one.body, other.body):
        if item.scheme != state.scheme_id:
            raise NotAuthentic("an item of another author")
    if (one.body.key, one.body.revision) != (other.body.key, other.body.revision):
        raise InvalidValue("the items do not contradict each other")
    why = f"two items at revision {one.body.revision} of {one.body.key.hex()}"
    return _finding(state, proof.TAG, (one.id, other.id), why, (one.body.created, other.body.created))


def _two_heads(state: IdentityState, proof: TwoHeads) -> Finding:
    one, other = _pair(state, Head, FEED, proof.first, proof.second)
    for head in (one.body, other.body):
        if head.scheme != state.scheme_id:
            raise NotAuthentic("a head of another author")
    if not heads_contradict(one.body, other.body):
        raise InvalidValue("the heads do not contradict each other")
    why = f"two heads at feed_seq {one.body.feed_seq}"
    return _finding(state, proof.TAG, (one.id, other.id), why, (one.body.time, other.body.time))


def _text_id(note: Note) -> Id32:
    # Of what was signed: other lines may be added to a note, and it stays the same checkpoint.
    return object_id(note.text.encode())


def _two_checkpoints(state: IdentityState, proof: TwoCheckpoints) -> Finding:
    one, one_note = open_checkpoint(proof.first, state)
    other, other_note = open_checkpoint(proof.second, state)
    if (one.origin, one.size) != (other.origin, other.size) or one.root == other.root:
        raise InvalidValue("the checkpoints do not contradict each other")
    why = f"two checkpoints of {one.size} entries"
    # A checkpoint says nothing about time.
    return _finding(state, proof.TAG, (_text_id(one_note), _text_id(other_note)), why, ())


def heads_contradict(one: Head, other: Head) -> bool:
    """Tell whether no feed has both heads. Source: 5.2, 5.3.

    Without a new feed_seq items only end: the later head counts some of those the earlier one counted, so it never
    counts more, and as many only if they are the same.
    """
    if one.feed_seq != other.feed_seq:
        return False
    earlier, later = sorted((one, other), key=lambda head: head.time)
    if earlier.time == later.time:
        return (one.live_count, one.live_root) != (other.live_count, other.live_root)
    if later.live_count != earlier.live_count:
        return later.live_count > earlier.live_count
    return later.live_root != earlier.live_root
