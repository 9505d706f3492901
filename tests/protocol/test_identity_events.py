"""The events of an identity log: what each may hold, and what a key must be. Source: docs/protocol.md 1.4, 2.2."""

from __future__ import annotations

import pytest

from crypto.keys import SigningKey
from protocol.errors import InvalidValue
from protocol.identity_events import (
    CLOSURE,
    LEDGER,
    PURPOSES,
    ROOT,
    SEALING_PURPOSES,
    SIGNING_PURPOSES,
    SUCCESSOR,
    Delegate,
    End,
    IdentityEvent,
    Inception,
    Rotate,
    next_key_digest,
)
from protocol.limits import IDENTITY_EVENTS_MAX

SMALL_ORDER = bytes([1]) + bytes(31)


def public(name: str) -> bytes:
    return SigningKey(name.encode().ljust(32, b".")).public.raw


def digest(name: str) -> bytes:
    return next_key_digest(public(name))


INCEPTION = Inception(root_keys=(public("root"),), threshold=1, next_digests=(digest("next"),))
LEDGER_KEY = Delegate(purpose=LEDGER, public_key=public("ledger"), proof=bytes(64))


def test_the_purposes_are_those_of_the_spec():
    """Rule 2.2, in its order."""
    assert PURPOSES == (
        "ledger", "checkpoint", "line", "feed", "witness", "session", "receipt", "seal", "recovery",
    )  # fmt: skip


def test_a_root_key_is_not_delegated():
    """Rule 2.2: it is revealed by the inception or a rotation."""
    with pytest.raises(InvalidValue):
        Delegate(purpose=ROOT, public_key=public("root"), proof=bytes(64))


@pytest.mark.parametrize("purpose", SIGNING_PURPOSES)
@pytest.mark.parametrize("bad", [SMALL_ORDER, bytes(32), b"\xff" * 32, bytes(31)])
def test_a_signing_key_is_canonical_and_not_of_small_order(purpose, bad):
    """Rule 1.4."""
    with pytest.raises(InvalidValue):
        Delegate(purpose=purpose, public_key=bad, proof=bytes(64))


@pytest.mark.parametrize("purpose", SEALING_PURPOSES)
@pytest.mark.parametrize("bad", [SMALL_ORDER, bytes(32), b"\xff" * 32, bytes(31)])
def test_a_sealing_key_is_canonical_and_not_of_low_order(purpose, bad):
    """Rule 1.4."""
    with pytest.raises(InvalidValue):
        Delegate(purpose=purpose, public_key=bad, proof=b"")


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("size", [0, 63, 64, 65])
def test_keys_that_sign_have_a_proof_and_keys_that_open_have_none(purpose, size):
    """Rule 1.4."""
    raw = public("any") if purpose in SIGNING_PURPOSES else bytes([9]) + bytes(31)
    if size == (64 if purpose in SIGNING_PURPOSES else 0):
        Delegate(purpose=purpose, public_key=raw, proof=bytes(size))
    else:
        with pytest.raises(InvalidValue):
            Delegate(purpose=purpose, public_key=raw, proof=bytes(size))


@pytest.mark.parametrize("kind", [Inception, Rotate])
@pytest.mark.parametrize(
    "roots, threshold, digests",
    [
        ((SMALL_ORDER,), 1, (digest("next"),)),
        ((), 1, (digest("next"),)),
        ((public("root"),), 1, ()),
        ((public("root"),), 0, (digest("next"),)),
        ((public("root"),), 2, (digest("next"),)),
        ((public("root"), public("root")), 1, (digest("next"),)),
        ((public("root"),), 1, (digest("next"), digest("next"))),
        ((public("root"),), 1, (digest("root"),)),
    ],
)
def test_root_keys_are_good_and_their_own_successors_never(kind, roots, threshold, digests):
    """Rules 1.4, 2.2."""
    with pytest.raises(InvalidValue):
        kind(root_keys=roots, threshold=threshold, next_digests=digests)


@pytest.mark.parametrize(
    "changed",
    [
        {"scheme": None},
        {"prev": None},
        {"seq": 0},
        {"seq": IDENTITY_EVENTS_MAX},
        {"event": INCEPTION},
    ],
)
def test_only_the_inception_has_no_scheme_and_no_previous_event(changed):
    """Rule 2.2; and a log has an end."""
    good = {"scheme": bytes(32), "seq": 1, "prev": bytes(32), "time": 0, "event": LEDGER_KEY}
    IdentityEvent(**good)
    with pytest.raises(InvalidValue):
        IdentityEvent(**(good | changed))


def test_a_successor_is_named_exactly_when_there_is_one():
    """Rule 2.2."""
    with pytest.raises(InvalidValue):
        End(reason=CLOSURE, successor=bytes(32))
    with pytest.raises(InvalidValue):
        End(reason=SUCCESSOR, successor=None)
