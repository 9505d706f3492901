"""PINs and passwords, kept as Argon2id hashes. Source: RFC 9106.

A PIN of six digits has a million values: its hash alone protects it for hours. So a node hashes with a
`pepper` too, a secret kept outside the database (in its machine-key-sealed key file): a stolen database or
backup is then worth nothing by itself.

Hashing and verifying take about 30 ms of processor and 19 MiB each; call them off the event loop.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

SALT_BYTES: Final = 16
HASH_BYTES: Final = 32
MEMORY_KIB: Final = 19 * 1024
ITERATIONS: Final = 2
LANES: Final = 1
# Longer ones are refused by the form; this keeps a megabyte from being hashed.
SECRET_CHARACTERS_MAX: Final = 1024

_COST: Final = f"$argon2id$v=19$m={MEMORY_KIB},t={ITERATIONS},p={LANES}$"
# What may be verified: hashes of this file, of earlier versions of it, and of programs imported from.
_MEMORY_KIB_MAX: Final = 128 * 1024
_ITERATIONS_MAX: Final = 10
_LANES_MAX: Final = 8
_PHC: Final = re.compile(
    r"\$argon2id\$v=19\$m=([0-9]{1,7}),t=([0-9]{1,3}),p=([0-9]{1,3})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{16,86}"
)


def _material(secret: str) -> bytes:
    # NFKC: one password typed on two keyboards, or digits typed full-width, is one password.
    return unicodedata.normalize("NFKC", secret).encode("utf-8", "surrogatepass")


def hash_secret(secret: str, salt: bytes, pepper: bytes | None = None) -> str:
    """Return the hash of a PIN or password as a PHC string, `$argon2id$…`. `salt` is 16 fresh random bytes."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes, not {len(salt)}")
    if not 1 <= len(secret) <= SECRET_CHARACTERS_MAX:
        raise ValueError(f"a secret has 1..{SECRET_CHARACTERS_MAX} characters")
    argon = Argon2id(
        salt=salt,
        length=HASH_BYTES,
        iterations=ITERATIONS,
        lanes=LANES,
        memory_cost=MEMORY_KIB,
        secret=pepper,
    )
    return argon.derive_phc_encoded(_material(secret))


def verify_secret(secret: str, stored: str, pepper: bytes | None = None) -> bool:
    """Tell whether `stored` is a hash of `secret`. A stored hash that is damaged or too costly verifies nothing."""
    match = _PHC.fullmatch(stored)
    if match is None or len(secret) > SECRET_CHARACTERS_MAX:
        return False
    memory_kib, iterations, lanes = (int(number) for number in match.groups())
    if memory_kib > _MEMORY_KIB_MAX or iterations > _ITERATIONS_MAX or lanes > _LANES_MAX:
        return False
    try:
        Argon2id.verify_phc_encoded(_material(secret), stored, pepper)
    except (InvalidKey, ValueError):  # ValueError: numbers Argon2 itself does not allow
        return False
    return True


def is_outdated(stored: str) -> bool:
    """Tell whether a hash was made at another cost than today's; hash anew at the next sign-in."""
    return not stored.startswith(_COST)
