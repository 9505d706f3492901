"""A telephone that makes passkeys and signs with them, in software, written after WebAuthn and not after the node's library."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def from_b64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def cbor(value: Any) -> bytes:
    """Return a value as CBOR: the kinds an authenticator needs."""

    def head(kind: int, number: int) -> bytes:
        if number < 24:
            return bytes([kind << 5 | number])
        size = 1 if number < 256 else 2
        return bytes([kind << 5 | (23 + size)]) + number.to_bytes(size, "big")

    match value:
        case int():
            return head(0, value) if value >= 0 else head(1, -1 - value)
        case bytes():
            return head(2, len(value)) + value
        case str():
            return head(3, len(value.encode())) + value.encode()
        case dict():
            return head(5, len(value)) + b"".join(cbor(key) + cbor(each) for key, each in value.items())
    raise TypeError(type(value))


@dataclass
class Key:
    """One passkey in the telephone."""

    id: bytes
    private: ec.EllipticCurvePrivateKey
    owner: bytes
    counter: int = 0


@dataclass
class Device:
    """A telephone; what a test changes, it does wrong."""

    origin: str
    host: str
    keys: list[Key] = field(default_factory=list)
    counts: bool = False
    flags: int = PRESENT | VERIFIED
    algorithm: int = -7
    kind_of_new: str = "webauthn.create"
    kind_of_entry: str = "webauthn.get"

    def _client_data(self, kind: str, challenge: str) -> bytes:
        told = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(told).encode()

    def _data(self, key: Key, flags: int) -> bytes:
        return hashlib.sha256(self.host.encode()).digest() + bytes([flags]) + key.counter.to_bytes(4, "big")

    def make(self, options: dict[str, Any]) -> str:
        """Make a passkey; return what a browser sends."""
        asked = options["publicKey"]
        secret = len(self.keys) + int.from_bytes(
            hashlib.sha256(asked["challenge"].encode()).digest()[:8], "big"
        )
        key = Key(
            id=hashlib.sha256(b"id" + secret.to_bytes(9, "big")).digest()[:16],
            private=ec.derive_private_key(secret + 1, ec.SECP256R1()),
            owner=from_b64(asked["user"]["id"]),
        )
        self.keys.append(key)
        numbers = key.private.public_key().public_numbers()
        public = {
            1: 2,
            3: self.algorithm,
            -1: 1,
            -2: numbers.x.to_bytes(32, "big"),
            -3: numbers.y.to_bytes(32, "big"),
        }
        data = self._data(key, self.flags | ATTESTED)
        data += bytes(16) + len(key.id).to_bytes(2, "big") + key.id + cbor(public)
        return json.dumps(
            {
                "id": b64(key.id), "rawId": b64(key.id), "type": "public-key",
                "response": {
                    "clientDataJSON": b64(self._client_data(self.kind_of_new, asked["challenge"])),
                    "attestationObject": b64(cbor({"fmt": "none", "attStmt": {}, "authData": data})),
                },
            }
        )  # fmt: skip

    def sign(self, options: dict[str, Any], key: Key | None = None, **wrong: Any) -> str:
        """Sign with a passkey, the newest by itself; return what a browser sends, with what is `wrong` in its place."""
        key = key or self.keys[-1]
        if self.counts:
            key.counter += 1
        data = self._data(key, self.flags)
        client = self._client_data(self.kind_of_entry, options["publicKey"]["challenge"])
        signature = key.private.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature),
            "userHandle": b64(key.owner),
        }  # fmt: skip
        raw = wrong.pop("rawId", b64(key.id))
        return json.dumps({"id": raw, "rawId": raw, "type": "public-key", "response": {**response, **wrong}})
