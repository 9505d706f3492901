"""Sealed boxes: bytes that only the holder of one key can read. Source: docs/protocol.md 2.2, RFC 9180.

HPKE, base mode, single shot: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305. A box is
`enc32 ‖ ciphertext ‖ tag16`. It hides and protects its content, and says nothing about who sealed it. An answer
needs no exchange of its own: both ends of a box can reckon a key that nobody else can.

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

ANSWER_SALT_BYTES: Final = 16
# What an answer is longer than its plaintext: its salt and the Poly1305 tag.
ANSWER_OVERHEAD_BYTES: Final = ANSWER_SALT_BYTES + 16
_ANSWER_TAG: Final = b"interlets/1/answer\x00"
_ONLY_NONCE: Final = bytes(12)  # each key closes one answer

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


class _Context:
    """What both ends of one box reckon from the exchange. Source: RFC 9180 4.1, 5.1 and 5.3."""

    __slots__ = ("_context", "_secret")

    def __init__(self, shared: bytes, enc: bytes, recipient: bytes, info: bytes):
        prk = _extract(_KEM_SUITE, b"", b"eae_prk", shared)
        kem_secret = _expand(_KEM_SUITE, prk, b"shared_secret", enc + recipient, 32)
        self._context: Final = b"\x00" + _NO_PSK_ID_HASH + _info_hash(info)
        self._secret: Final = _extract(_SUITE, kem_secret, b"secret", b"")

    def cipher(self) -> tuple[ChaCha20Poly1305, bytes]:
        """Return the cipher and nonce of the box."""
        key = _expand(_SUITE, self._secret, b"key", self._context, 32)
        return ChaCha20Poly1305(key), _expand(_SUITE, self._secret, b"base_nonce", self._context, 12)

    def export(self, purpose: bytes) -> bytes:
        """Return 32 bytes that only the two ends know."""
        exporter = _expand(_SUITE, self._secret, b"exp", self._context, 32)
        return _expand(_SUITE, exporter, b"sec", purpose, 32)


class Box:
    """A box to one recipient, ready to be closed: the exchange is made, its content may come later. For one content."""

    __slots__ = ("_cipher", "_context", "_enc", "_nonce", "recipient")

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
        self._context: Final = _Context(once.shared(recipient_public), once.public, recipient_public, info)
        cipher, self._nonce = self._context.cipher()
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

    def answer_key(self, purpose: bytes) -> bytes:
        """Return the key for what whoever opens this box answers. Source: RFC 9180 5.3."""
        return self._context.export(purpose)


def seal(recipient_public: bytes, info: bytes, aad: bytes, plaintext: bytes, *, ephemeral: bytes) -> bytes:
    """Return `plaintext` sealed to `recipient_public`, bound to `info` (what it is for) and `aad`; see `Box`."""
    return Box(recipient_public, info, ephemeral=ephemeral).close(aad, plaintext)


def open_box(
    private: SealingKey, info: bytes, aad: bytes, sealed: bytes, purpose: bytes
) -> tuple[bytes, bytes]:
    """Return the plaintext of a box as `open_sealed` does, and the key for answering it. Raises CannotOpen."""
    plaintext, context = _open(private, info, aad, sealed)
    return plaintext, context.export(purpose)


def open_sealed(private: SealingKey, info: bytes, aad: bytes, sealed: bytes) -> bytes:
    """Return the plaintext of a box that was sealed to `private`, with the same `info` and `aad`.

    Raises:
        CannotOpen: it was not, or it was altered. No other exception escapes, whatever the bytes.
    """
    return _open(private, info, aad, sealed)[0]


def _open(private: SealingKey, info: bytes, aad: bytes, sealed: bytes) -> tuple[bytes, _Context]:
    enc, ciphertext = sealed[:SEALING_KEY_BYTES], sealed[SEALING_KEY_BYTES:]
    if not is_good_sealing_key(enc):
        raise CannotOpen("not a sealed box")
    context = _Context(private.shared(enc), enc, private.public, info)
    cipher, nonce = context.cipher()
    try:
        return cipher.decrypt(nonce, ciphertext, aad), context
    except InvalidTag:
        raise CannotOpen("not sealed to this key and context, or altered") from None


def seal_answer(answer_key: bytes, aad: bytes, plaintext: bytes, *, salt: bytes) -> bytes:
    """Return `plaintext` sealed for whoever closed the box that `answer_key` comes from, bound to `aad`.

    `salt` is 16 fresh random bytes: one box can be shown twice, and then two answers need two keys.
    """
    if len(salt) != ANSWER_SALT_BYTES:
        raise ValueError(f"a salt has {ANSWER_SALT_BYTES} bytes")
    return salt + _answer_cipher(answer_key, salt).encrypt(_ONLY_NONCE, plaintext, aad)


def open_answer(answer_key: bytes, aad: bytes, sealed: bytes) -> bytes:
    """Return the plaintext of an answer.

    Raises:
        CannotOpen: it is not from whoever opened that box, or it was altered. No other exception escapes.
    """
    salt, ciphertext = sealed[:ANSWER_SALT_BYTES], sealed[ANSWER_SALT_BYTES:]
    try:
        return _answer_cipher(answer_key, salt).decrypt(_ONLY_NONCE, ciphertext, aad)
    except InvalidTag:
        raise CannotOpen("no answer to this box, or altered") from None


def _answer_cipher(answer_key: bytes, salt: bytes) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(hmac.digest(answer_key, _ANSWER_TAG + salt, "sha256"))
