"""Two events at one place of an identity log. Source: docs/protocol.md 2.3, 10."""

from __future__ import annotations

import pytest

from protocol.errors import InvalidValue, NotAuthentic
from protocol.identity import advance, begin, make_delegate
from protocol.identity_events import FEED, LEDGER, LINE, ROOT, Revoke
from protocol.identity_forks import conflict, freeze
from tests.protocol.identities import (
    BEGUN,
    DELEGATED,
    LEDGER_KEY,
    NOW,
    OTHER_INCEPTION,
    RIVAL,
    ROTATED,
    delegate,
    key,
    rotate,
    signed,
)


def test_a_forged_rival_is_no_evidence():
    """Rule 10: evidence proves itself."""
    forged = signed(BEGUN, delegate(FEED, "feed"), "thief")
    with pytest.raises(NotAuthentic):
        conflict(DELEGATED, signed(BEGUN, LEDGER_KEY, "root"), forged)


def test_two_delegations_at_one_seq_are_evidence_and_freeze_nothing():
    """Rules 2.3, 10: the same evidence for whoever finds it, in whatever order."""
    first_seen = signed(BEGUN, LEDGER_KEY, "root")

    evidence = conflict(DELEGATED, first_seen, RIVAL)

    assert (evidence.seq, evidence.freezes) == (1, False)
    assert evidence == conflict(BEGUN, RIVAL, first_seen)
    assert freeze(DELEGATED, evidence) is DELEGATED


def test_one_event_twice_or_two_at_different_seqs_contradict_nothing():
    """Rule 10."""
    one = signed(BEGUN, LEDGER_KEY, "root")
    for other in (one, signed(DELEGATED, Revoke(delegate_seq=1), "root")):
        with pytest.raises(InvalidValue):
            conflict(DELEGATED, one, other)


def test_two_rotations_at_one_seq_freeze_the_scheme():
    """Rule 2.3: keys from before the fork go on counting, nothing later does."""
    late = make_delegate(ROTATED, key("next"), LINE, key("line"), NOW)
    after = advance(ROTATED, late.wire)
    evidence = conflict(
        after,
        signed(DELEGATED, rotate("next", "third"), "next"),
        signed(DELEGATED, rotate("next", "another third"), "next"),
    )

    frozen = freeze(after, evidence)

    assert evidence.freezes
    assert (after.frozen, frozen.frozen, frozen.forked_seq) == (False, True, 2)
    assert after.key_for(LINE, 3) is not None
    assert frozen.key_for(LINE, 3) is None
    assert frozen.current(LINE) is None
    assert frozen.key_for(LEDGER, 1) == key("ledger").public
    assert frozen.key_for(ROOT, 2) is None


def test_the_earliest_fork_counts():
    """Rule 2.3: evidence may come in any order."""
    later = advance(ROTATED, signed(ROTATED, rotate("third", "fourth"), "third"))
    at_3 = conflict(
        later,
        signed(ROTATED, rotate("third", "fourth"), "third"),
        signed(ROTATED, rotate("third", "other"), "third"),
    )
    at_2 = conflict(
        later,
        signed(DELEGATED, rotate("next", "third"), "next"),
        signed(DELEGATED, rotate("next", "other"), "next"),
    )

    assert freeze(freeze(later, at_3), at_2).forked_seq == 2
    assert freeze(freeze(later, at_2), at_3).forked_seq == 2


def test_evidence_against_one_scheme_freezes_no_other():
    """Rule 2.3."""
    evidence = conflict(
        BEGUN,
        signed(BEGUN, rotate("next", "third"), "next"),
        signed(BEGUN, rotate("next", "another third"), "next"),
    )
    other = begin(OTHER_INCEPTION.wire)

    assert freeze(BEGUN, evidence).frozen
    assert freeze(other, evidence) is other
