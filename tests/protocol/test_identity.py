"""The identity log: which events are taken in which state, and which keys count. Source: docs/protocol.md 1.4, 2."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.digest import object_id
from crypto.sealing import SealingKey
from protocol.errors import (
    Forked,
    InvalidValue,
    MalformedMessage,
    NotAuthentic,
    OutOfOrder,
    ProtocolError,
)
from protocol.identity import (
    advance,
    begin,
    fold_log,
    make_delegate,
    make_end,
    make_inception,
    make_revoke,
    make_rotate,
)
from protocol.identity_events import (
    CLOSURE,
    FEED,
    LEDGER,
    LINE,
    PURPOSES,
    RECOVERY,
    ROOT,
    SEAL,
    SEALING_PURPOSES,
    SIGNING_PURPOSES,
    SUCCESSOR,
    Delegate,
    End,
    Event,
    IdentityEvent,
    Inception,
    Possession,
    Revoke,
    Rotate,
)
from protocol.identity_forks import conflict
from protocol.message import sign_message
from tests.protocol.identities import (
    BEGUN,
    DELEGATED,
    ENDED,
    FROZEN,
    INCEPTION,
    LEDGER_KEY,
    NAMED,
    NOW,
    OTHER_INCEPTION,
    OTHER_SCHEME,
    REVOKED,
    RIVAL,
    ROTATED,
    SCHEME,
    delegate,
    digest,
    key,
    public,
    rotate,
    signed,
)

# --- Every event in every state ------------------------------------------------------------------------------

STATES = {
    "begun": BEGUN,
    "delegated": DELEGATED,
    "revoked": REVOKED,
    "rotated": ROTATED,
    "ended": ENDED,
    "frozen": FROZEN,
}


@dataclass(frozen=True)
class Case:
    """An event on top of the state, by its signer; and what becomes of it in each of STATES, in their order."""

    event: Event
    signer: str
    answers: tuple[type[ProtocolError] | None, ...]


YES, NO, LATE, FORK, BAD = None, NotAuthentic, OutOfOrder, Forked, InvalidValue
EVENTS = {
    # begun, delegated, revoked, rotated, ended, frozen
    "a ledger key": Case(LEDGER_KEY, "root", (YES, BAD, BAD, NO, LATE, NO)),
    "a line key": Case(delegate(LINE, "line"), "root", (YES, YES, YES, NO, LATE, NO)),
    "a line key by the new root": Case(delegate(LINE, "line"), "next", (NO, NO, NO, YES, NO, FORK)),
    "the ledger key for lines": Case(delegate(LINE, "ledger"), "root", (YES, BAD, BAD, NO, LATE, NO)),
    "the root key for lines": Case(delegate(LINE, "root"), "root", (BAD, BAD, BAD, NO, LATE, NO)),
    "the next root key for lines": Case(delegate(LINE, "next"), "root", (BAD, BAD, BAD, NO, LATE, NO)),
    "revoke 1": Case(Revoke(delegate_seq=1), "root", (LATE, YES, LATE, NO, LATE, NO)),
    "revoke 1 by the new root": Case(Revoke(delegate_seq=1), "next", (NO, NO, NO, YES, NO, FORK)),
    "revoke 9": Case(Revoke(delegate_seq=9), "root", (LATE, LATE, LATE, NO, LATE, NO)),
    "rotate to the committed key": Case(rotate("next", "third"), "next", (YES, YES, YES, NO, LATE, NO)),
    "rotate again": Case(rotate("third", "fourth"), "third", (NO, NO, NO, YES, NO, FORK)),
    "rotate to a key nobody committed to": Case(rotate("thief", "third"), "thief", (NO, NO, NO, NO, NO, NO)),
    "rotate signed by the old root": Case(rotate("next", "third"), "root", (NO, NO, NO, NO, NO, NO)),
    "rotate and promise the old root": Case(rotate("next", "root"), "next", (BAD, BAD, BAD, NO, LATE, NO)),
    "rotate and promise the ledger key": Case(
        rotate("next", "ledger"), "next", (YES, BAD, BAD, NO, LATE, NO)
    ),
    "rotate again and promise an earlier promise": Case(
        rotate("third", "next"), "third", (NO, NO, NO, BAD, NO, FORK)
    ),
    "end": Case(End(reason=CLOSURE, successor=None), "root", (YES, YES, YES, NO, LATE, NO)),
    "end by the new root": Case(End(reason=CLOSURE, successor=None), "next", (NO, NO, NO, YES, NO, FORK)),
    "succeed itself": Case(End(reason=SUCCESSOR, successor=SCHEME), "root", (BAD, BAD, BAD, NO, LATE, NO)),
    "a line key by a delegated key": Case(delegate(LINE, "line"), "ledger", (NO, NO, NO, NO, NO, NO)),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", EVENTS)
def test_every_event_in_every_state_is_decided(state, event):
    """Rule 2.2."""
    before, case = STATES[state], EVENTS[event]
    answer = case.answers[list(STATES).index(state)]
    wire = signed(before, case.event, case.signer)

    if answer is None:
        after = advance(before, wire)
        assert (after.seq, after.scheme_id) == (before.seq + 1, SCHEME)
        assert advance(after, wire) is after
    else:
        with pytest.raises(answer):
            advance(before, wire)


def test_the_table_has_both_answers_for_every_state():
    """A table of refusals only would pass with a fold that takes nothing."""
    for at, state in enumerate(STATES):
        answers = {case.answers[at] for case in EVENTS.values()}
        assert (None in answers) == (state not in ("ended", "frozen"))


# --- The first event -----------------------------------------------------------------------------------------


def test_the_id_of_a_scheme_is_the_hash_of_its_inception():
    """Rule 2.1."""
    assert object_id(INCEPTION.body_bytes) == SCHEME
    assert (BEGUN.scheme_id, BEGUN.seq, BEGUN.head) == (SCHEME, 0, SCHEME)
    assert BEGUN.key_for(ROOT, 0) == key("root").public


def first(event: Event, signer: str = "root", key_seq: int = 0) -> bytes:
    body = IdentityEvent(scheme=None, seq=0, prev=None, time=NOW, event=event)
    return sign_message(body, key(signer), key_seq).wire


def test_a_log_begins_with_an_inception_that_its_root_key_signed():
    """Rule 2.2."""
    inception = INCEPTION.body.event
    with pytest.raises(NotAuthentic):
        begin(first(inception, "thief"))
    with pytest.raises(NotAuthentic):
        begin(first(inception, key_seq=1))
    with pytest.raises(OutOfOrder):
        begin(signed(BEGUN, LEDGER_KEY, "root"))
    with pytest.raises(MalformedMessage):
        begin(b"")
    with pytest.raises(MalformedMessage):
        fold_log([])


@pytest.mark.parametrize("roots, threshold", [(("root", "second"), 1), (("root", "second"), 2)])
def test_several_root_keys_are_in_the_format_and_refused_aloud(roots, threshold):
    """Rule 2.2: nobody may believe to be protected by a threshold that is not checked."""
    several = {"root_keys": tuple(map(public, roots)), "threshold": threshold}
    with pytest.raises(InvalidValue, match="threshold 1 only"):
        begin(first(Inception(**several, next_digests=(digest("next"),))))

    _, inception = make_inception(key("before"), digest("root"), NOW)
    state = begin(inception.wire)
    event = Rotate(**several, next_digests=(digest("next"),))
    with pytest.raises(InvalidValue, match="threshold 1 only"):
        advance(state, signed(state, event, "root", scheme=state.scheme_id))


def test_one_of_several_next_keys_is_enough_to_rotate():
    """Rule 2.2: two organisers may keep one sheet each."""
    inception = Inception(
        root_keys=(public("root"),), threshold=1, next_digests=(digest("sheet A"), digest("sheet B"))
    )
    state = begin(first(inception))

    after = advance(state, signed(state, rotate("sheet B", "third"), "sheet B", scheme=state.scheme_id))

    assert after.root.key == key("sheet B").public
    # What was promised once is not fresh, even if it was never shown.
    again = rotate("sheet B", "sheet A")
    with pytest.raises(InvalidValue):
        advance(state, signed(state, again, "sheet B", scheme=state.scheme_id))


# --- Forged, replayed, misdirected ---------------------------------------------------------------------------


def test_an_event_of_another_scheme_is_refused():
    """Rule 2.2: the same root key signed it, for another scheme."""
    with pytest.raises(NotAuthentic):
        advance(BEGUN, signed(BEGUN, LEDGER_KEY, "root", scheme=OTHER_SCHEME))
    with pytest.raises(NotAuthentic):
        advance(BEGUN, OTHER_INCEPTION.wire)


def test_a_repeated_event_changes_nothing():
    """Rule 2.3: every receiver ignores a repeat."""
    for wire in (INCEPTION.wire, signed(BEGUN, LEDGER_KEY, "root")):
        assert advance(ROTATED, wire) is ROTATED
        assert advance(FROZEN, wire) is FROZEN


def test_an_event_from_further_on_waits_for_those_before_it():
    """Rule 2.2: a hash chain."""
    with pytest.raises(OutOfOrder):
        advance(BEGUN, signed(DELEGATED, Revoke(delegate_seq=1), "root"))


def test_an_event_names_the_root_that_was_in_force_at_its_seq():
    """Rule 1.3: the seq that revealed the root key."""
    with pytest.raises(NotAuthentic):
        advance(BEGUN, signed(BEGUN, LEDGER_KEY, "root", 1))
    with pytest.raises(NotAuthentic):
        advance(BEGUN, signed(BEGUN, rotate("next", "third"), "next", 0))


def test_a_changed_byte_is_noticed_anywhere():
    """Rule 1.3, every byte of the wire form."""
    wire = signed(BEGUN, LEDGER_KEY, "root")

    for at in range(len(wire)):
        with pytest.raises(ProtocolError):
            advance(BEGUN, wire[:at] + bytes([wire[at] ^ 1]) + wire[at + 1 :])


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_malformed(data):
    """Rule 1.2: whatever the bytes."""
    with pytest.raises(MalformedMessage):
        begin(data)
    with pytest.raises(MalformedMessage):
        advance(BEGUN, data)


# --- Whose key it is (1.4) -----------------------------------------------------------------------------------


def test_a_copied_key_is_not_delegated():
    """Rule 1.4: whoever names a key of another scheme cannot sign for it, nor use what its holder signed."""
    squatter = begin(OTHER_INCEPTION.wire)
    copied = DELEGATED.delegation(1)
    real = NAMED[copied.public_key]
    proofs = {
        "of their own key": Possession(scheme=OTHER_SCHEME, seq=1, purpose=LEDGER).signed_by(key("thief")),
        "copied with the key": Possession(scheme=SCHEME, seq=1, purpose=LEDGER).signed_by(real),
        "for another place": Possession(scheme=OTHER_SCHEME, seq=2, purpose=LEDGER).signed_by(real),
        "for another purpose": Possession(scheme=OTHER_SCHEME, seq=1, purpose=LINE).signed_by(real),
        "of nothing": bytes(63) + b"\1",
    }
    for proof in proofs.values():
        event = Delegate(purpose=LEDGER, public_key=copied.public_key, proof=proof)
        with pytest.raises(NotAuthentic, match="does not sign for it"):
            advance(squatter, signed(squatter, event, "root", scheme=OTHER_SCHEME))


def test_what_cannot_be_proved_is_nobodys_own():
    """Rule 1.4: keys that only open, and purposes of later versions, keep no other scheme out."""
    state = advance(BEGUN, make_delegate(BEGUN, key("root"), SEAL, SealingKey(b"s" * 32), NOW).wire)
    unknown = Delegate(purpose="post-quantum", public_key=public("ledger"), proof=b"")
    state = advance(state, signed(state, unknown, "root"))
    state = advance(state, signed(state, delegate(LINE, "line"), "root"))

    assert state.proved_keys() == {public("root"), public("line")}
    assert len(state.public_keys()) == 4


# --- Forks (2.3) ---------------------------------------------------------------------------------------------


def test_the_first_event_seen_at_a_seq_stands():
    """Rule 2.3."""
    with pytest.raises(Forked):
        advance(DELEGATED, RIVAL)
    with pytest.raises(Forked):  # by the root of that time, though another is in force now
        advance(ROTATED, RIVAL)


def test_an_event_on_top_of_another_branch_is_a_fork():
    """Rule 2.3: `prev` names what was not seen here."""
    branch = advance(BEGUN, RIVAL)
    with pytest.raises(Forked):
        advance(DELEGATED, signed(branch, delegate(LINE, "line"), "root"))


def test_a_forged_rival_is_no_fork():
    """Rule 10: evidence proves itself."""
    forged = signed(BEGUN, delegate(FEED, "feed"), "thief")
    with pytest.raises(NotAuthentic):
        advance(DELEGATED, forged)
    with pytest.raises(NotAuthentic):
        conflict(DELEGATED, signed(BEGUN, LEDGER_KEY, "root"), forged)


# --- Which keys count (2.3, I18) -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "state, purpose, key_seq, seen_at_seq, counts",
    [
        (BEGUN, LEDGER, 0, None, False),
        (BEGUN, LEDGER, 1, None, False),
        (DELEGATED, LEDGER, 1, None, True),
        (DELEGATED, LEDGER, 1, 1, True),
        (DELEGATED, LEDGER, 1, 0, False),  # seen before the key was delegated
        (DELEGATED, LEDGER, 0, None, False),
        (DELEGATED, LEDGER, 2, None, False),
        (DELEGATED, LINE, 1, None, False),
        (DELEGATED, ROOT, 1, None, False),
        (REVOKED, LEDGER, 1, None, False),  # seen now: I18
        (REVOKED, LEDGER, 1, 1, True),  # seen before the revocation was
        (REVOKED, LEDGER, 1, 2, False),
        (ROTATED, LEDGER, 1, None, True),
        (ROTATED, ROOT, 0, None, False),
        (ROTATED, ROOT, 0, 1, True),
        (ROTATED, ROOT, 2, None, True),
        (ROTATED, ROOT, 2, 1, False),
        (ENDED, LEDGER, 1, None, True),  # what is open can still end
    ],
)
def test_a_key_counts_if_its_object_was_seen_before_its_revocation(
    state, purpose, key_seq, seen_at_seq, counts
):
    """Rule 2.3, I18."""
    assert (state.key_for(purpose, key_seq, seen_at_seq=seen_at_seq) is not None) == counts


def test_every_purpose_has_its_own_key_and_no_other_use():
    """Rules 1.4, 2.2: and the keys that open never sign."""
    state = BEGUN
    for purpose in PURPOSES:
        own = SealingKey(purpose.encode().ljust(32)) if purpose in SEALING_PURPOSES else key(purpose)
        state = advance(state, make_delegate(state, key("root"), purpose, own, NOW).wire)

    for seq, purpose in enumerate(PURPOSES, 1):
        for asked in (*PURPOSES, ROOT, "unheard-of"):
            counts = asked == purpose and purpose in SIGNING_PURPOSES
            assert (state.key_for(asked, seq) is not None) == counts
        assert state.current(purpose) == state.delegation(seq)
    assert state.public_keys() >= {public("root"), public(LEDGER), SealingKey(b"seal".ljust(32)).public}
    assert len(state.public_keys()) == 1 + len(PURPOSES)


def test_a_purpose_of_a_later_version_is_followed_and_counts_for_nothing():
    """Rule 9.5."""
    state = advance(
        BEGUN, signed(BEGUN, Delegate(purpose="post-quantum", public_key=bytes(32), proof=b""), "root")
    )

    assert state.seq == 1
    assert state.key_for("post-quantum", 1) is None
    assert advance(state, signed(state, Revoke(delegate_seq=1), "root")).seq == 2


def test_the_newest_key_in_force_is_the_one_to_seal_to():
    """Rule 2.2."""
    state = BEGUN
    for name in ("first", "second"):
        own = SealingKey(name.encode().ljust(32))
        state = advance(state, make_delegate(state, key("root"), SEAL, own, NOW).wire)

    assert state.current(SEAL) == state.delegation(2)
    state = advance(state, make_revoke(state, key("root"), 2, NOW).wire)
    assert state.current(SEAL) == state.delegation(1)
    assert state.current(RECOVERY) is None


# --- Making events -------------------------------------------------------------------------------------------


def test_a_whole_log_is_read_back_by_a_follower():
    """Rule 2.2: from set-up to the end."""
    log = [INCEPTION.wire]
    state = BEGUN

    def take(made):
        nonlocal state
        log.append(made.wire)
        state = advance(state, made.wire)

    take(make_delegate(state, key("root"), LEDGER, key("ledger"), NOW))
    take(make_rotate(state, key("next"), digest("third"), NOW + 1))
    take(make_delegate(state, key("next"), LEDGER, key("ledger 2"), NOW + 2))
    take(make_revoke(state, key("next"), 1, NOW + 3))
    take(make_end(state, key("next"), NOW + 4, successor=OTHER_SCHEME))

    assert fold_log(log) == state
    assert state.seq == 5
    assert state.ended == End(reason=SUCCESSOR, successor=OTHER_SCHEME)
    assert state.key_for(LEDGER, 1) is None
    assert state.key_for(LEDGER, 3) == key("ledger 2").public


@pytest.mark.parametrize(
    "make, error",
    [
        (lambda: make_delegate(BEGUN, key("thief"), LEDGER, key("ledger"), NOW), NotAuthentic),
        (lambda: make_delegate(BEGUN, key("root"), "unheard-of", key("ledger"), NOW), InvalidValue),
        (lambda: make_delegate(BEGUN, key("root"), LEDGER, SealingKey(bytes(32)), NOW), InvalidValue),
        (lambda: make_delegate(BEGUN, key("root"), SEAL, key("seal"), NOW), InvalidValue),
        (lambda: make_delegate(DELEGATED, key("root"), LINE, key("ledger"), NOW), InvalidValue),
        (lambda: make_rotate(BEGUN, key("thief"), digest("third"), NOW), NotAuthentic),
        (lambda: make_rotate(BEGUN, key("next"), digest("next"), NOW), InvalidValue),
        (lambda: make_revoke(BEGUN, key("root"), 1, NOW), OutOfOrder),
        (lambda: make_end(ENDED, key("root"), NOW), OutOfOrder),
    ],
)
def test_what_others_would_refuse_is_not_made(make, error):
    """Rule 2.2: an event that was published cannot be taken back."""
    with pytest.raises(error):
        make()
