"""Ed25519 keys and their hygiene. Source: docs/protocol.md 1.4, RFC 8032."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SEED_BYTES: Final = 32
# A node meets the same few keys in every message. Some 150 bytes each.
KEYS_REMEMBERED: Final = 4096
PUBLIC_KEY_BYTES: Final = 32

_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, _P - 2, _P) % _P


class BadKey(ValueError):
    """Public key bytes that are not canonical, not on the curve, or of small order. Source: 1.4."""


# The y coordinates of the eight points of small order: 1 (order 1), -1 (2), 0 (4), and two of order 8.
_Y8: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER_Y: Final = frozenset({0, 1, _P - 1, _Y8, _P - _Y8})


@lru_cache(KEYS_REMEMBERED)  # the root takes longer than verifying a signature does
def is_good_public_key(raw: bytes) -> bool:
    """Tell whether `raw` is the canonical encoding of a point whose order is not small.

    `cryptography` takes other keys too, and under some of them every message verifies.
    """
    if len(raw) != PUBLIC_KEY_BYTES:
        return False
    # The top bit is the sign of x. It has two spellings only where x is 0, at y = ±1, refused here anyway.
    y = int.from_bytes(raw, "little") & ((1 << 255) - 1)
    if y >= _P or y in _SMALL_ORDER_Y:
        return False
    # On the curve if x² = (y² - 1) / (dy² + 1) has a root; u/v is a square exactly if u·v is (Euler).
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    return pow(u * v, (_P - 1) // 2, _P) == 1


class VerifyingKey:
    """A public key that passed the hygiene of rule 1.4."""

    __slots__ = ("_key", "raw")

    def __init__(self, raw: bytes):
        """Raises BadKey."""
        if type(raw) is not bytes or not is_good_public_key(raw):
            raise BadKey("not a usable Ed25519 public key")
        self.raw: Final = raw
        self._key: Final = Ed25519PublicKey.from_public_bytes(raw)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Tell whether `signature` is this key's over `message`."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VerifyingKey) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        return f"VerifyingKey({self.raw.hex()[:12]}…)"


class SigningKey:
    """A private key. Its seed never appears in a repr or a log."""

    __slots__ = ("_key", "_seed", "public")

    def __init__(self, seed: bytes):
        if type(seed) is not bytes or len(seed) != SEED_BYTES:
            raise ValueError(f"a seed has {SEED_BYTES} bytes")
        self._seed: Final = seed
        self._key: Final = Ed25519PrivateKey.from_private_bytes(seed)
        self.public: Final = VerifyingKey(self._key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature over `message`."""
        return self._key.sign(message)

    def seed(self) -> bytes:
        """Return the 32 secret bytes, for sealing into a key file only."""
        return self._seed

    def __repr__(self) -> str:
        return f"SigningKey(of {self.public!r})"
