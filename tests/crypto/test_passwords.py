"""PINs and passwords. RFC 9106."""

from __future__ import annotations

import time

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from nacl.pwhash import argon2id

from crypto.passwords import SECRET_CHARACTERS_MAX, hash_secret, is_outdated, verify_secret

SALT, PEPPER = b"0123456789abcdef", b"p" * 32
STORED = hash_secret("482913", SALT)
PEPPERED = hash_secret("482913", SALT, PEPPER)


def test_a_hash_is_a_phc_string_with_its_cost() -> None:
    """OWASP's figures for Argon2id: 19 MiB, 2 passes, 1 lane. The same input gives the same hash."""
    assert STORED.startswith("$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$")
    assert hash_secret("482913", SALT) == STORED
    assert hash_secret("482913", b"another salt 16.") != STORED
    assert "482913" not in STORED


@pytest.mark.parametrize(
    "secret, stored, pepper, answer",
    [
        ("482913", STORED, None, True),
        ("482914", STORED, None, False),
        ("", STORED, None, False),
        ("482913 ", STORED, None, False),
        ("\uff14\uff182913", STORED, None, True),
        ("\ud800", STORED, None, False),
        ("x" * (SECRET_CHARACTERS_MAX + 1), STORED, None, False),
        ("482913", PEPPERED, PEPPER, True),
        ("482913", PEPPERED, None, False),
        ("482913", PEPPERED, b"q" * 32, False),
        ("482913", STORED, PEPPER, False),
    ],
)
def test_only_the_secret_and_the_pepper_verify(
    secret: str, stored: str, pepper: bytes | None, answer: bool
) -> None:
    """A stolen database is worth nothing without the pepper."""
    assert verify_secret(secret, stored, pepper) is answer


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "482913",
        STORED[:-1],
        STORED[:-20],
        STORED + "A",
        STORED[:-2] + "!!",
        STORED.replace("argon2id", "argon2i"),
        STORED.replace("v=19", "v=16"),
        STORED.replace("m=19456", "m=19457"),
        STORED.replace("m=19456", "m=4294967295"),
        STORED.replace("m=19456", "m=9999999"),
        STORED.replace("m=19456", "m=0"),
        STORED.replace("t=2", "t=999"),
        STORED.replace("t=2", "t=0"),
        STORED.replace("p=1", "p=255"),
        STORED.replace("p=1", "p=0"),
        STORED.replace("m=19456", "m=８"),
        STORED + "\n",
    ],
)
def test_a_damaged_or_costly_hash_verifies_nothing(stored: str) -> None:
    """An imported or damaged row neither lets anyone in nor stops the node."""
    started = time.process_time()

    assert verify_secret("482913", stored) is False
    assert time.process_time() - started < 2


def test_hashes_of_another_cost_verify_and_are_outdated() -> None:
    """Members brought over from another program sign in as before, and are hashed anew."""
    older = Argon2id(salt=SALT, length=32, iterations=3, lanes=4, memory_cost=65536).derive_phc_encoded(
        b"letmein"
    )

    assert verify_secret("letmein", older)
    assert is_outdated(older)
    assert not is_outdated(STORED)


@pytest.mark.parametrize(
    "secret, salt",
    [("", SALT), ("x" * (SECRET_CHARACTERS_MAX + 1), SALT), ("482913", b""), ("482913", b"s" * 15)],
)
def test_nothing_is_hashed_carelessly(secret: str, salt: bytes) -> None:
    """RFC 9106 3.1: a salt of 16 bytes."""
    with pytest.raises(ValueError):
        hash_secret(secret, salt)


def test_libsodium_agrees() -> None:
    """RFC 9106: a second implementation verifies our hashes, and ours verifies its."""
    assert argon2id.verify(STORED.encode(), b"482913")
    theirs = argon2id.str(b"482913", opslimit=argon2id.OPSLIMIT_MIN, memlimit=argon2id.MEMLIMIT_MIN).decode()
    assert verify_secret("482913", theirs)
    assert not verify_secret("482914", theirs)
