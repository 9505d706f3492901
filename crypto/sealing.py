"""Sealed boxes: bytes that only the holder of one key can read. Source: docs/protocol.md 2.2, RFC 9180.

HPKE, base mode, single shot: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305. A box is
`enc32 ‖ ciphertext ‖ tag16`. It hides and protects its content, and says nothing about who sealed it.

Written out from the RFC because the library's own HPKE draws its ephemeral key itself, while here chance
comes in as an argument (a simulated town must be the same twice), and because its public call takes no
associated data. The tests hold the two against each other and against the RFC's vectors.
"""

from __future__ import annotations

import hmac
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from crypto.keys import BadKey

SEALING_KEY_BYTES: Final = 32
# What a box is longer than its plaintext: the ephemeral public key and the Poly1305 tag.
SEALING_OVERHEAD_BYTES: Final = 32 + 16

_P: Final = 2**255 - 19
# The u coordinates of the points of small order. Whatever the private key, they give the all-zero secret.
_SMALL_ORDER_U: Final = frozenset(
    {
        0,
        1,
        _P - 1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
    }
)

_KEM_SUITE: Final = b"KEM\x00\x20"
_SUITE: Final = b"HPKE\x00\x20\x00\x01\x00\x03"
_VERSION: Final = b"HPKE-v1"


class CannotOpen(ValueError):
    """The box is not for this key and context, or was altered. Which of them cannot be told."""


def is_good_sealing_key(raw: bytes) -> bool:
    """Tell whether `raw` is the canonical encoding of an X25519 point whose order is not small."""
    u = int.from_bytes(raw, "little")
    return type(raw) is bytes and len(raw) == SEALING_KEY_BYTES and u < _P and u not in _SMALL_ORDER_U


class SealingKey:
    """A private X25519 key. Its secret never appears in a repr or a log."""

    __slots__ = ("_key", "_secret", "public")

    def __init__(self, secret: bytes):
        """`secret` is 32 random bytes."""
        if type(secret) is not bytes or len(secret) != SEALING_KEY_BYTES:
            raise ValueError(f"a sealing key has {SEALING_KEY_BYTES} bytes")
        self._secret: Final = secret
        self._key: Final = X25519PrivateKey.from_private_bytes(secret)
        self.public: Final[bytes] = self._key.public_key().public_bytes_raw()

    def secret(self) -> bytes:
        """Return the 32 secret bytes, for sealing into a key file only."""
        return self._secret

    def shared(self, other: bytes) -> bytes:
        """Return the X25519 secret shared with the holder of the public key `other`.

        Raises:
            ValueError: `other` is of small order.
        """
        return self._key.exchange(X25519PublicKey.from_public_bytes(other))

    def __repr__(self) -> str:
        return f"SealingKey(of {self.public.hex()[:12]}…)"


def _extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return hmac.digest(salt, _VERSION + suite + label + material, "sha256")


def _expand(suite: bytes, key: bytes, label: bytes, info: bytes, size: int) -> bytes:
    # One block of HKDF-Expand: everything asked for here has at most 32 bytes.
    return hmac.digest(key, size.to_bytes(2, "big") + _VERSION + suite + label + info + b"\x01", "sha256")[
        :size
    ]


_NO_PSK_ID_HASH: Final = _extract(_SUITE, b"", b"psk_id_hash", b"")


@lru_cache(maxsize=64)
def _info_hash(info: bytes) -> bytes:
    return _extract(_SUITE, b"", b"info_hash", info)


def _cipher(shared: bytes, enc: bytes, recipient: bytes, info: bytes) -> tuple[ChaCha20Poly1305, bytes]:
    """Return the cipher and nonce of one box. Source: RFC 9180 4.1 and 5.1."""
    prk = _extract(_KEM_SUITE, b"", b"eae_prk", shared)
    kem_secret = _expand(_KEM_SUITE, prk, b"shared_secret", enc + recipient, 32)
    context = b"\x00" + _NO_PSK_ID_HASH + _info_hash(info)
    secret = _extract(_SUITE, kem_secret, b"secret", b"")
    key = _expand(_SUITE, secret, b"key", context, 32)
    return ChaCha20Poly1305(key), _expand(_SUITE, secret, b"base_nonce", context, 12)


class Box:
    """A box to one recipient, ready to be closed: the exchange is made, its content may come later. For one content."""

    __slots__ = ("_cipher", "_enc", "_nonce", "recipient")

    def __init__(self, recipient_public: bytes, info: bytes, *, ephemeral: bytes):
        """`ephemeral` is 32 fresh random bytes, never used for a second box: two boxes with the same `ephemeral`,
        recipient and `info` give away both plaintexts.

        Raises:
            BadKey: `recipient_public` is not a usable key.
        """
        if not is_good_sealing_key(recipient_public):
            raise BadKey("not a usable X25519 public key")
        once = SealingKey(ephemeral)
        self.recipient: Final = recipient_public
        self._enc: Final = once.public
        cipher, self._nonce = _cipher(once.shared(recipient_public), once.public, recipient_public, info)
        self._cipher: ChaCha20Poly1305 | None = cipher

    def close(self, aad: bytes, plaintext: bytes) -> bytes:
        """Return the box with `plaintext` in it, bound to `aad`.

        Raises:
            ValueError: it was closed before; a second content under one key would give away both.
        """
        cipher, self._cipher = self._cipher, None
        if cipher is None:
            raise ValueError("a box is closed once")
        return self._enc + cipher.encrypt(self._nonce, plaintext, aad)


def seal(recipient_public: bytes, info: bytes, aad: bytes, plaintext: bytes, *, ephemeral: bytes) -> bytes:
    """Return `plaintext` sealed to `recipient_public`, bound to `info` (what it is for) and `aad`; see `Box`."""
    return Box(recipient_public, info, ephemeral=ephemeral).close(aad, plaintext)


def open_sealed(private: SealingKey, info: bytes, aad: bytes, sealed: bytes) -> bytes:
    """Return the plaintext of a box that was sealed to `private`, with the same `info` and `aad`.

    Raises:
        CannotOpen: it was not, or it was altered. No other exception escapes, whatever the bytes.
    """
    enc, ciphertext = sealed[:SEALING_KEY_BYTES], sealed[SEALING_KEY_BYTES:]
    if not is_good_sealing_key(enc):
        raise CannotOpen("not a sealed box")
    cipher, nonce = _cipher(private.shared(enc), enc, private.public, info)
    try:
        return cipher.decrypt(nonce, ciphertext, aad)
    except InvalidTag:
        raise CannotOpen("not sealed to this key and context, or altered") from None
