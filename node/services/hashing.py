"""PINs hashed and verified off the event loop, a few at a time. Source: docs/pages.md 0.8."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from crypto.passwords import SALT_BYTES, hash_secret, verify_secret
from node.clock import Chance

Offload = Callable[..., Awaitable[Any]]

# Each takes 19 MiB and a processor for 30 ms: as many as a small machine carries beside its work.
AT_ONCE_MAX: Final = 2

# Of nothing: verified where there is no hash, so that an unknown member takes as long as a known one.
NOBODYS_HASH: Final = "$argon2id$v=19$m=19456,t=2,p=1$" + "A" * 22 + "$" + "A" * 43


class Hasher:
    """Argon2id with the node's pepper."""

    def __init__(self, pepper: bytes, chance: Chance, offload: Offload = asyncio.to_thread):
        """`offload` runs what takes long: in a thread, or, in the simulator, at once."""
        self._pepper: Final = pepper
        self._offload: Final = offload
        self._chance: Final = chance
        self._room: Final = asyncio.Semaphore(AT_ONCE_MAX)

    async def hash(self, secret: str) -> str:
        """Return the hash to store."""
        salt = self._chance.bytes(SALT_BYTES)
        async with self._room:
            hashed: str = await self._offload(hash_secret, secret, salt, self._pepper)
            return hashed

    async def verify(self, secret: str, stored: str | None) -> bool:
        """Tell whether `stored` is a hash of `secret`; without one it takes as long to say no."""
        async with self._room:
            fits: bool = await self._offload(verify_secret, secret, stored or NOBODYS_HASH, self._pepper)
        return fits and stored is not None
