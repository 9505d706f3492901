"""Shorthand for tests about identities: keys by name, and events as anybody could write them."""

from __future__ import annotations

from dataclasses import replace

from crypto.digest import Id32
from crypto.keys import SigningKey
from protocol.identity import IdentityState, advance, begin, make_inception
from protocol.identity_events import (
    CLOSURE,
    FEED,
    LEDGER,
    Delegate,
    End,
    Event,
    IdentityEvent,
    Possession,
    Revoke,
    Rotate,
    next_key_digest,
)
from protocol.identity_forks import conflict, freeze
from protocol.message import sign_message
from protocol.names import SchemeId

NOW = 1_767_225_600_000
SMALL_ORDER = bytes([1]) + bytes(31)


def key(name: str) -> SigningKey:
    return SigningKey(name.encode().ljust(32, b"."))


NAMED: dict[bytes, SigningKey] = {}
TO_BE_PROVED = bytes(64)


def public(name: str) -> bytes:
    NAMED[key(name).public.raw] = key(name)
    return key(name).public.raw


def delegate(purpose: str, name: str) -> Delegate:
    """Return the delegation of a key that `signed` lets prove itself, wherever the event then stands."""
    return Delegate(purpose=purpose, public_key=public(name), proof=TO_BE_PROVED)


def digest(name: str) -> bytes:
    return next_key_digest(public(name))


SCHEME, INCEPTION = make_inception(key("root"), digest("next"), NOW)
BEGUN = begin(INCEPTION.wire)
OTHER_SCHEME, OTHER_INCEPTION = make_inception(key("root"), digest("other next"), NOW)


def signed(
    state: IdentityState,
    event: Event,
    signer: str,
    key_seq: int | None = None,
    *,
    seq: int | None = None,
    prev: Id32 | None = None,
    scheme: SchemeId = SCHEME,
) -> bytes:
    """Return an event on top of `state`, as anybody could write it: nothing is checked."""
    if isinstance(event, Delegate) and event.proof == TO_BE_PROVED:
        claim = Possession(scheme=scheme, seq=state.seq + 1 if seq is None else seq, purpose=event.purpose)
        event = replace(event, proof=claim.signed_by(NAMED[event.public_key]))
    body = IdentityEvent(
        scheme=scheme,
        seq=state.seq + 1 if seq is None else seq,
        prev=state.head if prev is None else prev,
        time=NOW,
        event=event,
    )
    root_seq = body.seq if isinstance(event, Rotate) else state.root_before(body.seq).seq
    return sign_message(body, key(signer), root_seq if key_seq is None else key_seq).wire


def rotate(now: str, then: str) -> Rotate:
    return Rotate(root_keys=(public(now),), threshold=1, next_digests=(digest(then),))


LEDGER_KEY = delegate(LEDGER, "ledger")
DELEGATED = advance(BEGUN, signed(BEGUN, LEDGER_KEY, "root"))
REVOKED = advance(DELEGATED, signed(DELEGATED, Revoke(delegate_seq=1), "root"))
ROTATED = advance(DELEGATED, signed(DELEGATED, rotate("next", "third"), "next"))
ENDED = advance(DELEGATED, signed(DELEGATED, End(reason=CLOSURE, successor=None), "root"))
FROZEN = freeze(
    ROTATED,
    conflict(
        ROTATED,
        signed(DELEGATED, rotate("next", "third"), "next"),
        signed(DELEGATED, rotate("next", "another third"), "next"),
    ),
)
RIVAL = signed(BEGUN, delegate(FEED, "feed"), "root")
