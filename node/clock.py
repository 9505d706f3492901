"""Where the node gets its time and its chance from; the simulator replaces both. Source: architecture 4.

`protocol/` never asks: it is given `now_ms` and random bytes as arguments. Waiting goes through the event
loop (`asyncio.sleep`, `asyncio.timeout`), whose own time is virtual in the simulator.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import threading
import time
from typing import Final, Protocol


class Clock(Protocol):
    """Tells the moment."""

    def now_ms(self) -> int:
        """Return milliseconds since 1970-01-01 UTC."""
        ...


class Chance(Protocol):
    """Gives numbers nobody can foresee, or, in the simulator, the same ones again for the same seed."""

    def bytes(self, n: int) -> bytes:
        """Return `n` random bytes."""
        ...

    def below(self, n: int) -> int:
        """Return a number from 0 to `n` - 1, each as likely as the other."""
        ...


class SystemClock:
    """The clock of this machine."""

    __slots__ = ()

    def now_ms(self) -> int:
        """Return milliseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000_000


class LoopClock:
    """A clock that follows the running event loop, virtual or not.

    `offset_ms` is the moment at which the loop's own time is 0, the same for all nodes of a simulation.
    `skew_ms` is how far this node's clock is wrong: positive when it is ahead of the others.
    """

    __slots__ = ("offset_ms", "skew_ms")

    def __init__(self, offset_ms: int, skew_ms: int = 0):
        self.offset_ms = offset_ms
        self.skew_ms = skew_ms

    def now_ms(self) -> int:
        """Return milliseconds since 1970-01-01 UTC as this node believes them to be.

        Raises:
            RuntimeError: no event loop is running.
        """
        return self.offset_ms + self.skew_ms + round(asyncio.get_running_loop().time() * 1000)


# Salts, nonces and tokens are smaller; what is larger is worth asking for by itself.
HANDED_OUT_MAX: Final = 64
STOCK_BYTES: Final = 4096


class _Stock(threading.local):
    """Random bytes of one thread of one process, each given once. A process that was forked begins its own."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._bytes = b""
        self._next = 0

    def take(self, n: int) -> bytes:
        """Return the next `n` bytes."""
        start, end = self._next, self._next + n
        if end > len(self._bytes) or self._process != os.getpid():
            self._process, self._bytes = os.getpid(), os.urandom(STOCK_BYTES)
            start, end = 0, n
        self._next = end
        return self._bytes[start:end]


class SystemChance:
    """The operating system's randomness; fit for keys.

    Small amounts are handed out of a larger one that each thread has asked for. Asking lets go of the
    interpreter's lock, and of two busy threads the one that asked then waits for the other: a trade's three salts
    cost it more than its signature.
    """

    __slots__ = ("_stock",)

    def __init__(self) -> None:
        self._stock: Final = _Stock()

    def bytes(self, n: int) -> bytes:
        """Return `n` random bytes."""
        return self._stock.take(n) if n <= HANDED_OUT_MAX else os.urandom(n)

    def below(self, n: int) -> int:
        """Return a number from 0 to `n` - 1."""
        return secrets.randbelow(n)


class SeededChance:
    """The same numbers for the same seed: for the simulator and tests, never for a real key."""

    __slots__ = ("_random",)

    def __init__(self, seed: int | str):
        self._random = random.Random(seed)  # noqa: S311 - to be repeatable is its purpose

    def bytes(self, n: int) -> bytes:
        """Return the next `n` bytes."""
        return self._random.randbytes(n)

    def below(self, n: int) -> int:
        """Return the next number from 0 to `n` - 1."""
        return self._random.randrange(n)
