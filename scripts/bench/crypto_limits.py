"""The bare cost of cryptography and of canonical bytes on one core, for reference: nothing of ours is compared.

Two libraries side by side: the one nodes use, and libsodium, which the toys of the other benchmarks use.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from typing import Final

import msgpack
from nacl.signing import SigningKey as SodiumKey

from crypto.canonical import decode, encode
from crypto.keys import SigningKey
from crypto.sealing import SealingKey, open_sealed, seal
from scripts.bench.harness import Figure, Options, Result, spin

BYTES: Final = 200


async def run(options: Options) -> list[Result]:
    """Measure each in its turn, `rounds` times over, so that a busy moment does not hit one of them alone."""
    cases = await asyncio.to_thread(_cases)
    found: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(options.rounds):
        for name, once in cases.items():
            found[name].append(await asyncio.to_thread(spin, once, min(options.seconds, 0.3)))
    return [Figure(what=name, unit="/s", values=tuple(values)) for name, values in found.items()]


def _cases() -> dict[str, Callable[[], object]]:
    message = os.urandom(BYTES)
    key, sodium = SigningKey(os.urandom(32)), SodiumKey.generate()
    signature, sodium_signature = key.sign(message), sodium.sign(message).signature
    sealing, ephemeral = SealingKey(os.urandom(32)), os.urandom(32)
    box = seal(sealing.public, b"bench", b"", message, ephemeral=ephemeral)
    value = (
        "interlets/1/bench",
        os.urandom(32),
        123_456,
        "two hours of gardening, thank you",
        None,
        os.urandom(64),
    )
    packed, canonical = msgpack.packb(value), encode(value)
    return {
        "sign, the node's library": lambda: key.sign(message),
        "verify, the node's library": lambda: key.public.verifies(signature, message),
        "sign, libsodium": lambda: sodium.sign(message),
        "verify, libsodium": lambda: sodium.verify_key.verify(message, sodium_signature),
        "seal a box": lambda: seal(sealing.public, b"bench", b"", message, ephemeral=ephemeral),
        "open a box": lambda: open_sealed(sealing, b"bench", b"", box),
        "SHA-256 of 200 bytes": lambda: hashlib.sha256(message).digest(),
        "msgpack, write": lambda: msgpack.packb(value),
        "canonical bytes, write": lambda: encode(value),
        "msgpack, read": lambda: msgpack.unpackb(packed, use_list=False),
        "canonical bytes, read": lambda: decode(canonical),
    }  # fmt: skip
