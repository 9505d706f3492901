"""Bytes that only their own author can read again: what a scheme leaves with others for the day it needs it back.

`nonce12 ‖ ciphertext ‖ tag16`, ChaCha20-Poly1305. The nonce is not drawn but reckoned from the key and everything
that is sealed: no random source can repeat it, not one restored from a backup either, and equal bytes give equal
boxes. Source: docs/protocol.md 6.4, 6.7 (b), (g).
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from crypto.digest import tagged
from crypto.sealing import CannotOpen

SAFE_KEY_BYTES: Final = 32
SAFE_OVERHEAD_BYTES: Final = 12 + 16


class SafeKeys:
    """The keys of one scheme's own boxes, the newest first: it seals with that one and opens with any."""

    __slots__ = ("_ciphers", "_nonce_keys", "_secrets")

    def __init__(self, secrets: Sequence[bytes]):
        """`secrets` are 32 random bytes each; at least one."""
        if not secrets or any(type(each) is not bytes or len(each) != SAFE_KEY_BYTES for each in secrets):
            raise ValueError("a safe key is 32 bytes")
        self._secrets: Final = tuple(secrets)
        self._ciphers: Final = [ChaCha20Poly1305(tagged("interlets/1/safe-cipher", each)) for each in secrets]
        self._nonce_keys: Final = [tagged("interlets/1/safe-nonce", each) for each in secrets]

    def secrets(self) -> tuple[bytes, ...]:
        """Return the bare keys, to be written to a sealed key file and nowhere else."""
        return self._secrets

    def seal(self, purpose: bytes, plaintext: bytes) -> bytes:
        """Return `plaintext` sealed, bound to `purpose`."""
        # The length keeps (purpose, plaintext) apart from another cut of the same bytes.
        nonce = hmac.digest(
            self._nonce_keys[0], len(purpose).to_bytes(2, "big") + purpose + plaintext, "sha256"
        )[:12]
        return nonce + self._ciphers[0].encrypt(nonce, plaintext, purpose)

    def open(self, purpose: bytes, sealed: bytes) -> bytes:
        """Return the plaintext of a box sealed for `purpose` under any of the keys.

        Raises:
            CannotOpen: it was not, or it was altered. No other exception escapes, whatever the bytes.
        """
        if len(sealed) >= SAFE_OVERHEAD_BYTES:
            for cipher in self._ciphers:
                try:
                    return cipher.decrypt(sealed[:12], sealed[12:], purpose)
                except InvalidTag:
                    continue
        raise CannotOpen("not sealed under a key of ours for this purpose, or altered")
