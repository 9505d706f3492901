"""What one op proves against its author. Source: docs/protocol.md 10, 6.2, 6.3."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.errors import InvalidValue, MalformedMessage, ProtocolError
from protocol.evidence import Evidence, encode_evidence, evidence_against_op, verify
from protocol.evidence_ops import view_of
from protocol.units import HOUR
from tests.builders import Copy, Line, limits, lock, new_pair, open_line, terms_between
from tests.protocol.accused import ACCUSED, STRANGER, VICTIM, bad_claim, denied_claim

NONCE = terms_between(ACCUSED, VICTIM).nonce


def refused(evidence: Evidence, error: type[ProtocolError] = ProtocolError) -> None:
    with pytest.raises(error):
        verify(evidence)


def against(mine: Copy, op) -> Evidence | None:
    """Return what the copy's owner can show."""
    return evidence_against_op(
        mine.state, NONCE, op, mine.own_op, lambda seq: mine.seen[seq - 1], ACCUSED.log
    )  # fmt: skip


def long_line() -> Line:
    line = open_line(ACCUSED, VICTIM)
    side = line.of(VICTIM).state.me
    for number in range(5):
        line.says(side, lock(HOUR, quote=f"each {number}"))
        line.says(line.of(ACCUSED).state.me, limits(50 * HOUR + number))
    return line


@pytest.mark.parametrize("kind", ["first op", "over the limit", "bad receipt", "bad receipt of long ago", "no lock", "acks less", "state"])  # fmt: skip
def test_an_op_invalid_at_its_own_ack_is_shown_with_what_it_names(kind):
    """Rule 10.2: whatever is wrong with it, in as few bodies as it needs."""
    if kind == "first op":
        line = new_pair(ACCUSED, VICTIM)
        op = line.of(ACCUSED).forges(lock(HOUR))
    elif kind == "over the limit":
        line = long_line()
        op = line.of(ACCUSED).forges(lock(101 * HOUR))
    elif kind.startswith("bad receipt"):
        line = long_line()
        if kind == "bad receipt":
            # Not acknowledged by any op before this one.
            newest = line.of(VICTIM).does(lock(HOUR, quote="newest"))
            line.tell()
            op = line.of(ACCUSED).forges(bad_claim(newest))
        else:
            op = line.of(ACCUSED).forges(bad_claim(line.of(VICTIM).own[2]))
    elif kind == "no lock":
        line = long_line()
        op = line.of(ACCUSED).forges(bad_claim(line.of(VICTIM).own[2], seq=40))
    elif kind == "acks less":
        line = long_line()
        op = line.of(ACCUSED).forges(lock(HOUR), ack=3, ack_id=line.of(VICTIM).own[2].id)
    else:
        line = long_line()
        op = line.of(ACCUSED).forges(lock(HOUR), state=bytes(32))

    evidence = against(line.of(VICTIM), op)

    assert evidence is not None
    assert evidence.proof.TAG == "bad-op"
    assert verify(evidence).accused == ACCUSED.id
    assert len(encode_evidence(evidence)) < 16_000


def test_a_valid_op_is_never_evidence():
    """Rule 10: nobody honest is convicted, whoever shows the proof."""
    line = long_line()
    op = line.of(ACCUSED).does(lock(HOUR))
    assert against(line.of(VICTIM), op) is None
    held = line.of(ACCUSED).own[-2]
    assert against(line.of(VICTIM), held) is None


@pytest.mark.parametrize("change", ["view", "before", "seen", "nonce", "peer", "lock"])
def test_a_proof_bent_by_whoever_shows_it_convicts_nobody(change):
    """Rule 10.2: all of it hangs on what the accused signed."""
    line = long_line()
    victim, accused = line.of(VICTIM), line.of(ACCUSED)
    good = accused.does(lock(HOUR, quote="good"))
    bent = against(victim, accused.forges(bad_claim(victim.own[2]), seq=good.body.seq, prev=good.body.prev))
    assert bent is not None
    proof = bent.proof
    other = new_pair(ACCUSED, VICTIM).of(VICTIM).state.mine.encode()
    forged = {
        "view": replace(proof, op=good.wire, view=other),
        "before": replace(proof, op=good.wire, before=accused.own[1].body_bytes),
        "seen": replace(proof, op=good.wire, seen=(victim.own[0].body_bytes,)),
        "nonce": replace(proof, nonce=bytes(16)),
        "peer": replace(proof, peer=STRANGER.id),
        "lock": replace(proof, lock=tuple(reversed(proof.lock)) if len(proof.lock) > 1 else (victim.own[3].body_bytes,)),
    }[change]  # fmt: skip
    refused(replace(bent, proof=forged))


def test_a_claim_that_is_acknowledged_and_not_counted_is_shown_with_its_lock():
    """Rule 10.1: LOCK + receipt not honoured."""
    evidence = denied_claim()
    assert evidence.proof.TAG == "not-honoured"
    assert "not counted" in verify(evidence).why
    other_lock = long_line().of(ACCUSED).own[-1]
    refused(replace(evidence, proof=replace(evidence.proof, lock=other_lock.wire)), InvalidValue)


def test_an_op_that_follows_another_than_the_one_held_is_evidence():
    """Rule 10.1: its author wrote something else at that place."""
    line = open_line(ACCUSED, VICTIM)
    theirs, mine = line.of(ACCUSED), line.of(VICTIM)
    op = theirs.forges(lock(HOUR), prev=bytes(range(32)))

    evidence = against(mine, op)

    assert evidence.proof.TAG == "two-ops"
    assert "follows another" in verify(evidence).why


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xc0",
        b"\x95" + b"\x00" * 5,
        b"\x95\x00\x93\x00\x00\x00\x93\x00\x00\x00\x92\xc2\xc2\xc4\x01\x00",
    ],
    ids=["nothing", "nil", "five zeros", "half a lock"],
)
def test_foreign_bytes_are_the_state_of_a_line_or_malformed(raw):
    """Rule 1.2: what this node's own store never holds."""
    with pytest.raises(MalformedMessage):
        view_of(raw)
