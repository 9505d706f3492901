"""What one session may cost this node: token buckets of bytes, frames and signature checks.

Who is over budget is not cut off but read more slowly, so that the network itself slows the sender down.
Source: docs/protocol.md 9.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocol.limits import (
    SESSION_BYTES_A_SECOND,
    SESSION_BYTES_BURST,
    SESSION_CHECKS_A_SECOND,
    SESSION_CHECKS_BURST,
    SESSION_FRAMES_A_SECOND,
    SESSION_FRAMES_BURST,
    STRANGER_BYTES_A_SECOND,
    STRANGER_BYTES_BURST,
    STRANGER_CHECKS_A_SECOND,
    STRANGER_CHECKS_BURST,
    STRANGER_FRAMES_A_SECOND,
    STRANGER_FRAMES_BURST,
)


class Bucket:
    """Fills at `rate` a second up to `burst`; what is taken beyond that must be waited for."""

    __slots__ = ("_at", "_burst", "_level", "_rate")

    def __init__(self, rate: float, burst: float, now: float):
        self._rate: Final = rate
        self._burst: Final = burst
        self._level = burst
        self._at = now

    def take(self, amount: float, now: float) -> float:
        """Take `amount` and return how many seconds to wait before taking more; usually 0."""
        level = self._level + (now - self._at) * self._rate
        if level > self._burst:
            level = self._burst
        level -= amount
        self._at = now
        self._level = level
        return 0.0 if level >= 0 else -level / self._rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The rates of one session's buckets, settable for each neighbour."""

    bytes_a_second: int = SESSION_BYTES_A_SECOND
    bytes_burst: int = SESSION_BYTES_BURST
    frames_a_second: int = SESSION_FRAMES_A_SECOND
    frames_burst: int = SESSION_FRAMES_BURST
    checks_a_second: int = SESSION_CHECKS_A_SECOND
    checks_burst: int = SESSION_CHECKS_BURST


FRIEND: Final = Allowance()
STRANGER: Final = Allowance(
    bytes_a_second=STRANGER_BYTES_A_SECOND,
    bytes_burst=STRANGER_BYTES_BURST,
    frames_a_second=STRANGER_FRAMES_A_SECOND,
    frames_burst=STRANGER_FRAMES_BURST,
    checks_a_second=STRANGER_CHECKS_A_SECOND,
    checks_burst=STRANGER_CHECKS_BURST,
)


class Budget:
    """The three buckets of one session."""

    __slots__ = ("_bytes", "_checks", "_frames")

    def __init__(self, allowance: Allowance, now: float):
        self._bytes = Bucket(allowance.bytes_a_second, allowance.bytes_burst, now)
        self._frames = Bucket(allowance.frames_a_second, allowance.frames_burst, now)
        self._checks = Bucket(allowance.checks_a_second, allowance.checks_burst, now)

    def frame(self, size: int, now: float) -> float:
        """Pay for one received frame of `size` bytes; return the seconds to wait before reading on."""
        return max(self._bytes.take(size, now), self._frames.take(1, now))

    def checks(self, count: int, now: float) -> float:
        """Pay for `count` signature checks; return the seconds to wait before making them."""
        return self._checks.take(count, now)
