"""Evidence of one op: that it is invalid at its own ack, or denies a claim it has acknowledged.

An op names the op before it and the end of the peer's chain by their ids, and so vouches for both; the op before
it signed the hash of the line as it then stood. So the state of the line, a few bodies and the op itself are a
whole proof, however long the chains are. Source: docs/protocol.md 10, 6.2, 6.3.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, TypeAlias

from crypto.canonical import OBJECT_BYTES_MAX, NotCanonical
from crypto.digest import object_id
from crypto.signing import WIRE_BYTES_MAX, Signed
from protocol.errors import InvalidOp, InvalidValue, MalformedMessage, NotAuthentic
from protocol.limits import EVIDENCE_OPS_MAX
from protocol.line import LineState, check, receipt_opens
from protocol.line_ops import ZERO32, Claim, Lock, Op, Terms, before_epoch
from protocol.line_view import HIGH, LOW, Side, View, apply, decode_view, other
from protocol.message import Blob, Fixed, Many, Maybe, Part, decode_message
from protocol.names import SchemeId

_WIRE: Final = Blob(WIRE_BYTES_MAX)
_BODY: Final = Blob(OBJECT_BYTES_MAX)
OTHER_STATE: Final = "its state hash is not the line's"
OpenOp: TypeAlias = Callable[[bytes], Signed[Op]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BadOp(Part):
    """An op that is invalid at its own ack."""

    TAG: ClassVar[str] = "bad-op"

    op: Annotated[bytes, _WIRE]
    peer: Annotated[SchemeId, Fixed(32)]
    nonce: Annotated[bytes, Fixed(16)]  # of the line's terms
    before: Annotated[bytes | None, Maybe(_BODY)]  # body of the author's op before it; nil for its first
    view: Annotated[bytes, _BODY]  # the line as that op left it; empty for the first
    seen: Annotated[
        tuple[bytes, ...], Many(_BODY, EVIDENCE_OPS_MAX)
    ]  # the peer's ops it acknowledges since then
    # Where it ends a lock that is none of these: an op of the author that acknowledges the lock, and the peer's
    # ops from the lock up to there.
    acknowledged: Annotated[bytes | None, Maybe(_WIRE)]
    lock: Annotated[tuple[bytes, ...], Many(_BODY, EVIDENCE_OPS_MAX)]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotHonoured(Part):
    """A LOCK, the CLAIM with the receipt that opens it, and an op of the lock's author that acknowledges the CLAIM and
    does not count it."""

    TAG: ClassVar[str] = "not-honoured"

    op: Annotated[bytes, _WIRE]
    lock: Annotated[bytes, _WIRE]  # by the same author
    peer: Annotated[SchemeId, Fixed(32)]
    nonce: Annotated[bytes, Fixed(16)]
    before: Annotated[bytes | None, Maybe(_BODY)]
    view: Annotated[bytes, _BODY]
    seen: Annotated[tuple[bytes, ...], Many(_BODY, EVIDENCE_OPS_MAX)]


def judge_bad_op(proof: BadOp, accused: SchemeId, open_op: OpenOp) -> tuple[Signed[Op], str]:
    """Return the op and what is wrong with it.

    Raises:
        ProtocolError: nothing is, as far as this shows.
    """
    op = open_op(proof.op)
    if op.body.author != accused:
        raise NotAuthentic("an op of another author")
    side = _side(op.body, proof.peer, proof.nonce)
    before = _before(proof.before, op.body)
    if before is not None and op.body.ack < before.ack:
        return op, "it acknowledges less than the op before it"
    seen = _run(
        proof.seen,
        op.body,
        proof.peer,
        (before.ack, before.ack_id) if before else (before_epoch(op.body.epoch), ZERO32),
    )
    locks = {each.seq: each.step for each in seen} | _earlier(proof, op.body, accused, open_op)

    def lock_of(seq: int) -> Lock:
        step = locks.get(seq)
        if step is None:
            raise InvalidValue("the lock it ends is not shown")
        if not isinstance(step, Lock):
            raise InvalidOp("it ends an op that is not a lock")
        return step

    view = _after(_view(proof.view, before), other(side), seen)
    try:
        check(view, side, op.body, lock_of)
        after = apply(view, side, op.body.seq, op.body.step)
    except InvalidOp as error:
        return op, str(error)
    if after.digest() == op.body.state:
        raise InvalidValue("the op is valid")
    return op, OTHER_STATE


def judge_not_honoured(
    proof: NotHonoured, accused: SchemeId, open_op: OpenOp
) -> tuple[Signed[Op], Signed[Op], str]:
    """Return the op that denies, the lock, and the reason in words. Raises ProtocolError: nothing is denied."""
    lock = open_op(proof.lock)
    bad = BadOp(
        op=proof.op, peer=proof.peer, nonce=proof.nonce, before=proof.before, view=proof.view, seen=proof.seen,
        acknowledged=None, lock=(),
    )  # fmt: skip
    op, fault = judge_bad_op(bad, accused, open_op)
    if fault != OTHER_STATE:
        raise InvalidValue("it is invalid for another reason")
    promise = lock.body.step
    if (lock.body.author, lock.body.line, lock.body.epoch) != (accused, op.body.line, op.body.epoch):
        raise InvalidValue("the lock of another chain")
    if not isinstance(promise, Lock):
        raise InvalidValue("what is shown as a lock is none")
    claims = [_body(raw).step for raw in proof.seen]
    if not any(
        isinstance(step, Claim)
        and step.lock == lock.body.seq
        and receipt_opens(promise.receipt_key, promise.quote_id, step.receipt)
        for step in claims
    ):
        raise InvalidValue("no claim with a receipt that opens the lock")
    return op, lock, f"the claim of lock {lock.body.seq} is acknowledged and not counted"


def _side(op: Op, peer: SchemeId, nonce: bytes) -> Side:
    low, high = sorted((op.author, peer))
    if Terms(low=low, high=high, nonce=nonce).line_id() != op.line:
        raise InvalidValue("the terms of another line")
    return LOW if op.author == low else HIGH


def _body(raw: bytes) -> Op:
    return decode_message(Op, raw)


def _before(raw: bytes | None, op: Op) -> Op | None:
    if raw is None:
        if op.seq != before_epoch(op.epoch) + 1:
            raise InvalidValue("the op before it is not shown")
        return None
    if object_id(raw) != op.prev:
        raise InvalidValue("what is shown as the op before it is another")
    before = _body(raw)
    if (before.line, before.author, before.epoch, before.seq) != (op.line, op.author, op.epoch, op.seq - 1):
        raise InvalidValue("what is shown as the op before it is elsewhere")
    return before


def _run(raws: Sequence[bytes], op: Op, peer: SchemeId, since: tuple[int, bytes]) -> list[Op]:
    """Return the peer's ops after `since`, up to the one `op` acknowledges, each naming the one before it."""
    length, last = since
    run = []
    for raw in raws:
        each = _body(raw)
        if (each.line, each.author, each.epoch) != (op.line, peer, op.epoch):
            raise InvalidValue("an acknowledged op of another chain")
        if (each.seq, each.prev) != (length + 1, last):
            raise InvalidValue("the acknowledged ops do not follow each other")
        length, last = each.seq, object_id(raw)
        run.append(each)
    if (length, last) != (op.ack, op.ack_id):
        raise InvalidValue("these are not the ops it acknowledges")
    return run


def _earlier(proof: BadOp, op: Op, accused: SchemeId, open_op: OpenOp) -> dict[int, object]:
    """Return the peer's steps shown for the lock that the op ends, by seq."""
    if proof.acknowledged is None:
        return {}
    witness = open_op(proof.acknowledged).body
    if (witness.author, witness.line, witness.epoch) != (accused, op.line, op.epoch) or not proof.lock:
        raise InvalidValue("an acknowledgement of another chain")
    first = _body(proof.lock[0])
    run = _run(proof.lock, witness, proof.peer, (first.seq - 1, first.prev))
    return {each.seq: each.step for each in run}


def _view(raw: bytes, before: Op | None) -> View:
    if before is None:
        if raw:
            raise InvalidValue("before the first op of a chain there is nothing")
        return View()
    view = view_of(raw)
    if view.digest() != before.state:
        raise InvalidValue("the line did not stand so")
    return view


def view_of(raw: bytes) -> View:
    """Return the view that foreign bytes spell. Raises MalformedMessage, whatever the bytes."""
    try:
        view = decode_view(raw)
        spelled = view.encode()
    except (NotCanonical, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, struct.error):
        # `decode_view` reads what this node wrote; of others it may find anything.
        raise MalformedMessage("not the state of a line") from None
    if spelled != raw:
        raise MalformedMessage("not the state of a line")
    return view


def _after(view: View, peer: Side, seen: Sequence[Op]) -> View:
    for op in seen:
        try:
            view = apply(view, peer, op.seq, op.step)
        except LookupError:
            # Then the peer is the one to be accused, by somebody who holds its own op before that. Whether it was
            # valid at its own ack is not asked: the author had looked at that when it acknowledged it.
            raise InvalidValue("an acknowledged op that is itself invalid") from None
    return view


# --- Making a proof from one's own copy of the line -----------------------------------------------------------

ReadOp: TypeAlias = Callable[[int], Signed[Op]]


def proofs_of_bad_op(
    state: LineState, nonce: bytes, op: Signed[Op], own_op: ReadOp, peer_op: ReadOp
) -> list[BadOp | NotHonoured]:
    """Return what may show that the peer's next op, which was refused, is bad; the plainest first. Not judged here."""
    body = op.body
    before = None if state.peer_length == before_epoch(state.epoch) else peer_op(state.peer_length)
    if body.seq != state.peer_length + 1 or body.ack > state.own_length:
        return []
    if body.ack - state.peer_ack > EVIDENCE_OPS_MAX:
        return []
    shown = [own_op(seq) for seq in range(state.peer_ack + 1, body.ack + 1)]
    seen = tuple(each.body_bytes for each in shown)
    before_body = None if before is None else before.body_bytes
    view = b"" if before is None else state.theirs.encode()
    proofs: list[BadOp | NotHonoured] = [
        NotHonoured(
            op=op.wire, lock=peer_op(each.body.step.lock).wire, peer=state.scheme(state.me), nonce=nonce,
            before=before_body, view=view, seen=seen,
        )
        for each in shown
        if isinstance(each.body.step, Claim)
    ]  # fmt: skip
    acknowledged, lock = _lock_shown(state, body, own_op, peer_op)
    proofs.append(
        BadOp(
            op=op.wire, peer=state.scheme(state.me), nonce=nonce, before=before_body, view=view, seen=seen,
            acknowledged=acknowledged, lock=lock,
        )
    )  # fmt: skip
    return proofs


def _lock_shown(
    state: LineState, op: Op, own_op: ReadOp, peer_op: ReadOp
) -> tuple[bytes | None, tuple[bytes, ...]]:
    """Return the first op of the peer that acknowledges the lock a CLAIM names, and my ops from the lock up to there."""
    first_lock = before_epoch(state.epoch) + 1
    # The peer agreed to a lock of an earlier epoch by its REOPEN, which does not tell the receipt key: nothing to show.
    if not isinstance(op.step, Claim) or not first_lock <= op.step.lock <= state.peer_ack:
        return None, ()
    lock = op.step.lock
    # Acknowledgements never fall along a chain.
    seqs = range(first_lock, state.peer_length + 1)
    first = seqs[bisect_left(seqs, lock, key=lambda seq: peer_op(seq).body.ack)]
    witness = peer_op(first)
    if witness.body.ack - lock >= EVIDENCE_OPS_MAX:
        return None, ()
    return witness.wire, tuple(own_op(seq).body_bytes for seq in range(lock, witness.body.ack + 1))
