"""Ed25519 keys and their hygiene. Source: docs/protocol.md 1.4, RFC 8032, stack pitfall 11."""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SEED_BYTES: Final = 32
PUBLIC_KEY_BYTES: Final = 32

_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, _P - 2, _P) % _P


class BadKey(ValueError):
    """Public key bytes that are not canonical, not on the curve, or of small order. Source: 1.4."""


def _double(x: int, y: int) -> tuple[int, int]:
    k = _D * x * x * y * y % _P
    return 2 * x * y * pow(1 + k, _P - 2, _P) % _P, (y * y + x * x) * pow(1 - k, _P - 2, _P) % _P


def is_good_public_key(raw: bytes) -> bool:
    """Tell whether `raw` is the canonical encoding of a point whose order is not small.

    `cryptography` takes such keys, and under some of them every message verifies.
    """
    if len(raw) != PUBLIC_KEY_BYTES:
        return False
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= _P:
        return False
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = u * pow(v, 3, _P) * pow(u * pow(v, 7, _P), (_P - 5) // 8, _P) % _P
    if (v * x * x - u) % _P:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    if (v * x * x - u) % _P or (x == 0 and sign):
        return False
    point = (_P - x if x & 1 != sign else x, y)
    for _ in range(3):  # the cofactor is 8
        point = _double(*point)
    return point != (0, 1)


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
