"""What proves that a scheme contradicted itself, and what does not. Source: docs/protocol.md 10, 2.3, 5.1, 5.3, 6.5."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import InvalidValue, MalformedMessage, NotAuthentic, ProtocolError
from protocol.evidence import (
    KINDS,
    Evidence,
    Excuse,
    TwoItems,
    TwoOps,
    TwoRotations,
    decode_evidence,
    encode_evidence,
    evidence_id,
    heads_contradict,
    verify,
)
from protocol.identity import advance
from protocol.limits import EVIDENCE_BYTES_MAX
from protocol.names import KeySeq
from protocol.units import HOUR
from tests.builders import NOW, lock, new_pair, open_line, terms_between
from tests.protocol.accused import (
    ACCUSED,
    STRANGER,
    VICTIM,
    every_kind,
    rotation,
    two_ops,
)

NONCE = terms_between(ACCUSED, VICTIM).nonce


def refused(evidence: Evidence, error: type[ProtocolError] = ProtocolError, match: str | None = None) -> None:
    with pytest.raises(error, match=match):
        verify(evidence)


EVERY_KIND = every_kind()


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_convicts_from_its_bytes_alone(kind):
    """Rule 10.2."""
    evidence = EVERY_KIND[kind]

    again = decode_evidence(encode_evidence(evidence))
    found = verify(again)

    assert again == evidence
    assert found.id == evidence_id(evidence)
    assert (found.accused, found.kind, found.excused) == (ACCUSED.id, kind, False)
    assert found.why
    assert bool(found.times) == (kind != "two-checkpoints"), "checkpoints say nothing about time"


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_byte_of_the_proof_convicts_nobody(kind):
    """Rule 10: it proves itself, or nothing. What is said about somebody else is not believed either."""
    data = encode_evidence(EVERY_KIND[kind])
    found = verify(EVERY_KIND[kind])

    for at in range(0, len(data), 13):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        try:
            said = verify(decode_evidence(changed))
        except ProtocolError:
            continue
        # A byte that nothing depends on may change; then the same is proved, by the same bytes of the accused.
        assert said == found


@pytest.mark.parametrize("kind", KINDS)
def test_no_scheme_is_convicted_by_what_another_signed(kind):
    """Rule 10.2, I12."""
    evidence = EVERY_KIND[kind]
    refused(replace(evidence, accused=STRANGER.id, identity=STRANGER.log))
    refused(replace(evidence, accused=STRANGER.id), NotAuthentic)
    refused(replace(evidence, identity=evidence.identity[:1]) if kind != "two-rotations" else replace(evidence, identity=STRANGER.log))  # fmt: skip


@given(st.binary(max_size=80))
def test_arbitrary_bytes_are_malformed(data):
    """Rule 1.2."""
    with pytest.raises(MalformedMessage):
        decode_evidence(data)


def test_evidence_is_shown_with_no_more_identity_events_than_it_needs():
    """Rule 10.2: and one thing shown twice is one."""
    long = replace(EVERY_KIND["two-ops"], identity=ACCUSED.log)

    assert len(EVERY_KIND["two-ops"].identity) == 2
    assert verify(long).id == verify(EVERY_KIND["two-ops"]).id


def test_a_revoked_key_convicts_nobody_any_more():
    """Rules 2.3, 10.2, I18: a thief of the old key may have signed it."""
    for kind, key_seq in (("two-ops", 1), ("bad-op", 1), ("two-items", 2), ("two-heads", 2)):
        assert verify(EVERY_KIND[kind], ACCUSED.identity)
        with pytest.raises(NotAuthentic):
            verify(EVERY_KIND[kind], ACCUSED.after_revoking(key_seq))


def test_evidence_too_long_for_a_frame_is_not_made():
    """Rule 10.2."""
    items = tuple(ACCUSED.item(bytes([each]) * 7000) for each in (1, 2))
    long = Evidence(
        accused=ACCUSED.id, proof=TwoItems(first=items[0].wire, second=items[1].wire), identity=ACCUSED.log * 400
    )  # fmt: skip
    with pytest.raises(InvalidValue):
        encode_evidence(long)
    with pytest.raises(MalformedMessage):
        decode_evidence(bytes(EVIDENCE_BYTES_MAX + 1))


# --- Two ops (6.5) -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["the same", "another seq", "another line", "in order"])
def test_ops_that_do_not_contradict_each_other_prove_nothing(case):
    """Rule 10.1."""
    line = open_line(ACCUSED, VICTIM)
    theirs = line.of(ACCUSED)
    first = theirs.does(lock(HOUR))
    second = {
        "the same": lambda: first,
        "another seq": lambda: theirs.forges(lock(HOUR), seq=9),
        "another line": lambda: open_line(ACCUSED, STRANGER).of(ACCUSED).does(lock(2 * HOUR)),
        "in order": lambda: theirs.does(lock(HOUR, quote="more")),
    }[case]()
    proof = TwoOps(first=first.wire, second=second.wire, excuse=None)
    refused(Evidence(accused=ACCUSED.id, proof=proof, identity=ACCUSED.log), InvalidValue)


def excused(own_length: int, seen_length: int, **changes) -> Evidence:
    """Two ops of the accused at seq 3, and an answer of the other end about that line."""
    evidence = two_ops()
    state = new_pair(ACCUSED, VICTIM).of(VICTIM).state
    answer = VICTIM.answers(state, own_length, seen_length)
    excuse = Excuse(peer=VICTIM.id, nonce=NONCE, answer=answer.wire, identity=VICTIM.log)
    return replace(evidence, proof=replace(evidence.proof, excuse=replace(excuse, **changes)))


@pytest.mark.parametrize(
    "own_length, seen_length, stands",
    [
        (
            2,
            2,
            True,
        ),  # the other end held two ops of the author's, when its own chain had the two that both ops name
        (9, 0, True),
        (2, 3, False),  # it held that very op
        (1, 2, False),  # an older answer: of course it did not hold it yet
    ],
)
def test_two_ops_prove_nothing_against_whom_the_other_end_hid_one_from(own_length, seen_length, stands):
    """Rules 6.5, 10.3: a restored author wrote again at a place that its peer said was free."""
    found = verify(excused(own_length, seen_length))

    assert found.excused == stands
    assert found.id == verify(two_ops()).id


def test_only_the_other_end_of_that_line_can_excuse():
    """Rule 10.3: an accomplice's answer is none."""
    state = new_pair(ACCUSED, VICTIM).of(VICTIM).state
    friend = STRANGER.answers(state, 2, 2).wire
    refused(excused(2, 2, answer=friend), NotAuthentic)
    refused(
        excused(2, 2, peer=STRANGER.id, answer=friend, identity=STRANGER.log),
        InvalidValue,
        "not on that line",
    )
    elsewhere = VICTIM.answers(new_pair(STRANGER, VICTIM).of(VICTIM).state, 2, 2).wire
    refused(excused(2, 2, answer=elsewhere), InvalidValue, "another chain")


# --- Items, heads, rotations -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes", [{"revision": 8}, {"key": bytes(16)}], ids=["another revision", "another key"]
)
def test_items_that_do_not_contradict_each_other_prove_nothing(changes):
    """Rule 5.1."""
    proof = TwoItems(first=ACCUSED.item(b"jam").wire, second=ACCUSED.item(b"tar", **changes).wire)
    refused(Evidence(accused=ACCUSED.id, proof=proof, identity=ACCUSED.log), InvalidValue)


@pytest.mark.parametrize(
    "one, other, contradict",
    [
        ((3, "a", 10), (3, "b", 10), True),
        ((3, "a", 10), (2, "a", 10), True),
        ((3, "a", 10), (3, "a", 10), False),
        ((3, "a", 10), (3, "b", 11), True),  # as many, and not the same ones
        ((3, "a", 10), (4, "b", 11), True),  # something came without a new feed_seq
        ((3, "a", 10), (2, "b", 11), False),  # one ended meanwhile
        ((3, "a", 10), (3, "a", 11), False),
    ],
)
def test_heads_of_one_feed_seq_that_cannot_both_be_true(one, other, contradict):
    """Rules 5.3, 10.2, T21: between two heads of one feed_seq items only end."""
    first, second = (ACCUSED.head(count, root, NOW + time) for count, root, time in (one, other))
    assert heads_contradict(first.body, second.body) == contradict
    assert heads_contradict(second.body, first.body) == contradict
    assert not heads_contradict(first.body, ACCUSED.head(9, "x", feed_seq=8).body)


def test_two_events_that_are_not_both_rotations_freeze_nothing():
    """Rule 2.3."""
    revoked = ACCUSED.revocation(1)
    proof = TwoRotations(first=rotation("a").wire, second=revoked.wire)
    refused(
        Evidence(accused=ACCUSED.id, proof=proof, identity=ACCUSED.log), InvalidValue, "not both rotations"
    )


def test_rotations_convict_also_whoever_has_taken_one_of_them():
    """Rule 2.3: a follower that went on along one branch."""
    one = rotation("a")
    further = advance(ACCUSED.identity, one.wire)
    found = verify(EVERY_KIND["two-rotations"], further)
    assert (found.kind, found.accused) == ("two-rotations", ACCUSED.id)
    assert further.seq == KeySeq(4)
