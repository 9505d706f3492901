"""Shorthand for tests about logs: two schemes with checkpoint and witness keys, and trees of entries."""

from __future__ import annotations

from crypto.digest import Id32, object_id
from crypto.keys import SigningKey
from crypto.merkle import consistency_proof, root
from protocol.checkpoint import Checkpoint, origin_of, sign_checkpoint
from protocol.identity import IdentityState, advance, begin, make_delegate, make_inception
from protocol.identity_events import CHECKPOINT, WITNESS, next_key_digest
from protocol.names import SchemeId
from protocol.note import Note
from protocol.witnessing import AddCheckpoint

NOW = 1_767_225_600_000
SECOND = 1_000


def key(name: str) -> SigningKey:
    return SigningKey(name.encode().ljust(32, b"."))


def scheme(name: str) -> tuple[SchemeId, IdentityState]:
    """Return a scheme with keys of its own for checkpoints and cosignatures."""
    scheme_id, inception = make_inception(
        key(f"{name} root"), next_key_digest(key(f"{name} next").public.raw), NOW
    )
    state = begin(inception.wire)
    for purpose in (CHECKPOINT, WITNESS):
        state = advance(
            state, make_delegate(state, key(f"{name} root"), purpose, key(f"{name} {purpose}"), NOW).wire
        )
    return scheme_id, state


OAKVALE, OAKVALE_IDENTITY = scheme("oakvale")
HILLTOP, HILLTOP_IDENTITY = scheme("hilltop")
LOG_KEY, WITNESS_KEY = key("oakvale checkpoint"), key("hilltop witness")


def entries(count: int, side: str = "") -> list[bytes]:
    """Return bodies of entries; those of another `side` differ from the tenth on."""
    return [f"entry {number}{side if number >= 10 else ''}".encode() for number in range(count)]


def leaves(count: int, side: str = "") -> list[Id32]:
    return [object_id(body) for body in entries(count, side)]


def checkpoint(size: int, side: str = "") -> Checkpoint:
    return Checkpoint(origin=origin_of(OAKVALE), size=size, root=root(leaves(size, side)))


def note(size: int, side: str = "") -> Note:
    return sign_checkpoint(checkpoint(size, side), LOG_KEY)


def asking(old: int, new: int, side: str = "", proof: tuple[bytes, ...] | None = None) -> AddCheckpoint:
    """Return the request to cosign a log of `new` entries to whoever cosigned `old`."""
    shown = consistency_proof(leaves(new, side), old) if proof is None else proof
    return AddCheckpoint(old_size=old, proof=shown, note=note(new, side))
