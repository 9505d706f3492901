"""Hashes with a purpose, and ids. Source: docs/protocol.md 1.3, 3.1."""

from __future__ import annotations

import hashlib
from typing import Final, NewType

Id32 = NewType("Id32", bytes)

DIGEST_BYTES: Final = 32
SALT_BYTES: Final = 16


def sha256(data: bytes) -> bytes:
    """Return the 32-byte SHA-256 of `data`."""
    return hashlib.sha256(data).digest()


def object_id(body: bytes) -> Id32:
    """Return SHA-256(0x00 ‖ body): the id of a signed body, equal to its RFC 6962 leaf hash. Source: 1.3."""
    return Id32(hashlib.sha256(b"\x00" + body).digest())


def tagged(tag: str, data: bytes) -> bytes:
    """Return SHA-256(tag ‖ 0x00 ‖ data): a digest that means nothing under another tag."""
    return hashlib.sha256(tag.encode("ascii") + b"\x00" + data).digest()


def commitment(tag: str, salt: bytes, payload: bytes) -> bytes:
    """Return SHA-256(tag ‖ salt16 ‖ payload). Source: 3.1.

    `salt` has exactly 16 bytes, so the parts cannot be shifted against each other.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"salt has {len(salt)} bytes, not {SALT_BYTES}")
    return hashlib.sha256(tag.encode("ascii") + salt + payload).digest()
