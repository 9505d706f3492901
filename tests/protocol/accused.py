"""Shorthand for tests about evidence: schemes with real identity logs, on lines and with feeds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from crypto.keys import SigningKey
from crypto.signing import Signed
from protocol.checkpoint import Checkpoint, origin_of, sign_checkpoint
from protocol.evidence import (
    Evidence,
    TwoCheckpoints,
    TwoHeads,
    TwoItems,
    TwoOps,
    TwoRotations,
    evidence_against_op,
    make_evidence,
)
from protocol.evidence_ops import BadOp, NotHonoured
from protocol.feed import Head, Item
from protocol.identity import (
    IdentityState,
    advance,
    begin,
    make_delegate,
    make_inception,
    make_revoke,
    make_rotate,
)
from protocol.identity_events import CHECKPOINT, FEED, LINE, IdentityEvent, next_key_digest
from protocol.line import LineState
from protocol.line_ops import Claim, Op, SyncAnswer
from protocol.line_view import apply
from protocol.message import sign_message
from protocol.names import ItemKey, KeySeq, SchemeId
from protocol.units import HOUR
from tests.builders import NOW, SCHEMES, Line, Scheme, claim, limits, lock, open_line, terms_between
from tests.vector_making import filler, key

FEED_SEQ = 2  # the identity seq of the feed key; that of the line key is builders.KEY_SEQ


@dataclass(frozen=True)
class Known(Scheme):
    """A scheme whose keys its identity log delegates, as a neighbour has it."""

    @cached_property
    def log(self) -> tuple[bytes, ...]:
        next_key = key(f"{self.name} next root")
        _, inception = make_inception(self.root, next_key_digest(next_key.public.raw), NOW)
        log, state = [inception.wire], begin(inception.wire)
        for purpose, own in ((LINE, self.line_key), (FEED, self.feed_key), (CHECKPOINT, self.checkpoint_key)):
            log.append(make_delegate(state, self.root, purpose, own, NOW).wire)
            state = advance(state, log[-1])
        return tuple(log)

    @property
    def identity(self) -> IdentityState:
        state = begin(self.log[0])
        for wire in self.log[1:]:
            state = advance(state, wire)
        return state

    def revocation(self, key_seq: int) -> Signed[IdentityEvent]:
        return make_revoke(self.identity, self.root, KeySeq(key_seq), NOW)

    def after_revoking(self, key_seq: int) -> IdentityState:
        return advance(self.identity, self.revocation(key_seq).wire)

    @property
    def id(self) -> SchemeId:
        return begin(self.log[0]).scheme_id

    @property
    def checkpoint_key(self) -> SigningKey:
        return key(f"{self.name} checkpoint")

    def checkpoint(self, size: int, root: bytes) -> bytes:
        """Return a checkpoint of this scheme's log, as a note."""
        said = Checkpoint(origin=origin_of(self.id), size=size, root=root)
        return sign_checkpoint(said, self.checkpoint_key).data()

    @property
    def root(self) -> SigningKey:
        return key(f"{self.name} root")

    @property
    def feed_key(self) -> SigningKey:
        return key(f"{self.name} feed")

    def item(self, payload: bytes, **changes: Any) -> Signed[Item]:
        plain = {
            "scheme": self.id, "feed_seq": 1, "kind": "listing", "key": ItemKey(filler("jam", 16)), "revision": 7,
            "created": NOW, "expires": NOW + 1000, "payload": payload,
        }  # fmt: skip
        return sign_message(Item(**{**plain, **changes}), self.feed_key, FEED_SEQ)

    def head(self, count: int, root: str, time: int = NOW, feed_seq: int = 9) -> Signed[Head]:
        body = Head(
            scheme=self.id, identity_seq=KeySeq(FEED_SEQ), feed_seq=feed_seq, live_count=count, live_root=filler(root),
            time=time, valid_until=time + 1000,
        )  # fmt: skip
        return sign_message(body, self.feed_key, FEED_SEQ)

    def answers(self, state: LineState, own_length: int, seen_length: int) -> Signed[SyncAnswer]:
        body = SyncAnswer(
            line=state.line, epoch=state.epoch, author=self.id, boot=bytes(16), own_length=own_length, own_id=bytes(32),
            seen_length=seen_length, seen_id=bytes(32),
        )  # fmt: skip
        return sign_message(body, self.line_key, 1)


ACCUSED, VICTIM, STRANGER = Known("accused"), Known("victim"), Known("stranger")
SCHEMES.update({scheme.id: scheme for scheme in (ACCUSED, VICTIM, STRANGER)})


# --- One of each, for tests and vectors ------------------------------------------------------------------------


def two_ops() -> Evidence:
    """Return two LOCKs of the accused at one place."""
    line = open_line(ACCUSED, VICTIM)
    one = line.of(ACCUSED).forges(lock(HOUR, quote="bread"))
    other = line.of(ACCUSED).forges(lock(2 * HOUR, quote="cheese"))
    return make_evidence(ACCUSED.id, TwoOps(first=one.wire, second=other.wire, excuse=None), ACCUSED.log)


def bad_claim(op: Signed[Op], seq: int | None = None) -> Claim:
    """Return the claim of a lock with a receipt by the wrong key."""
    return replace(claim(op, key("nobody's receipt")), lock=op.body.seq if seq is None else seq)


def over_limit() -> Evidence:
    """Return a LOCK beyond what the victim allowed."""
    line = open_line(ACCUSED, VICTIM)
    return _against(line, line.of(ACCUSED).forges(lock(101 * HOUR)))


def denied_claim() -> Evidence:
    """Return a lock of the accused, its claim, and an op of the accused that acknowledges it and counts it not."""
    line = open_line(ACCUSED, VICTIM)
    theirs, mine = line.of(ACCUSED), line.of(VICTIM)
    promised = theirs.does(lock(3 * HOUR))
    line.tell()
    uncounted = theirs.state.mine
    mine.does(claim(promised))
    line.tell()
    denial = limits(HOUR)
    state = apply(uncounted, theirs.state.me, theirs.state.own_length + 1, denial).digest()
    return _against(line, theirs.forges(denial, state=state))


def _against(line: Line, op: Signed[Op]) -> Evidence:
    mine = line.of(VICTIM)
    nonce = terms_between(ACCUSED, VICTIM).nonce
    found = evidence_against_op(
        mine.state, nonce, op, mine.own_op, lambda seq: mine.seen[seq - 1], ACCUSED.log
    )
    assert found is not None
    return found


def rotation(root: str):
    """One of several rotations the accused may sign at its next seq."""
    state = ACCUSED.identity
    return make_rotate(state, key("accused next root"), next_key_digest(key(root).public.raw), NOW)


def every_kind() -> dict[str, Evidence]:
    """Return evidence of each kind against one scheme."""
    items = TwoItems(first=ACCUSED.item(b"jam").wire, second=ACCUSED.item(b"tar").wire)
    heads = TwoHeads(first=ACCUSED.head(3, "one").wire, second=ACCUSED.head(3, "other").wire)
    checkpoints = TwoCheckpoints(
        first=ACCUSED.checkpoint(20, filler("one root")), second=ACCUSED.checkpoint(20, filler("other root"))
    )
    rotations = TwoRotations(first=rotation("a").wire, second=rotation("b").wire)
    shown = [
        two_ops(), *(make_evidence(ACCUSED.id, proof, ACCUSED.log) for proof in (rotations, items, heads, checkpoints)),
        over_limit(), denied_claim(),
    ]  # fmt: skip
    return {evidence.proof.TAG: evidence for evidence in shown}


def bent(evidence: Evidence) -> dict[str, Evidence]:
    """Return what is as well formed and proves nothing."""
    proof = evidence.proof
    name = "op" if isinstance(proof, (BadOp, NotHonoured)) else "second"
    wire = getattr(proof, name)
    at = -4 if isinstance(proof, TwoCheckpoints) else -1  # the last of a note are padding and a newline
    broken = replace(proof, **{name: wire[:at] + bytes([wire[at] ^ 1]) + wire[at:][1:]})
    wrong = {
        "a bit of a signature": replace(evidence, proof=broken),
        "another scheme accused": replace(evidence, accused=STRANGER.id),
        "another scheme's identity events": replace(evidence, accused=STRANGER.id, identity=STRANGER.log),
        "only the inception": replace(evidence, identity=evidence.identity[:1]),
    }
    if name == "second":
        wrong["one thing twice"] = replace(evidence, proof=replace(proof, second=proof.first))
    else:
        wrong["another line's terms"] = replace(evidence, proof=replace(proof, nonce=bytes(16)))
    if isinstance(proof, TwoRotations):
        del wrong["only the inception"]  # enough, where both were signed by keys that it promised
    return wrong
