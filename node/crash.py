"""Places where a test can kill the node: between one durable step and the next.

`INTERLETS_CRASH_AT=claim-committed:3` makes the third passing of `crash.point("claim-committed")` end the
process by SIGKILL: no clean-up runs and nothing is flushed, as in a power cut of this one process. Without
the variable a point costs one comparison.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping
from typing import Final

VARIABLE: Final = "INTERLETS_CRASH_AT"

# Every point of a trade, in the order in which it passes them. A test compares all of these with the code.
TRADE_POINTS: Final = (
    "ops-arrived",  # ops of a peer are here, nothing of them is stored
    "lock-committed",  # our own lock is durable, nothing has been sent
    "forward-committed",  # a connector's lock out is durable
    "claim-stored",  # a connector has stored the end of its lock and what follows from it; nothing has been sent
    "claim-committed",  # our own claim is durable, nothing has been sent
    "payment-ended",  # a payment of ours has its end: what was set aside is spent or given back, nobody was told
)
# Those of the checkpointer (4.2).
LOG_POINTS: Final = (
    "head-read",  # a checkpointer has read size and root of the log, nothing of it is stored
    "head-stored",  # the head is durable, it is not signed
    "head-signed",  # the head is signed, nobody can have seen it
    "head-published",  # the signed head is durable, no witness was asked
)
BACKUP_POINTS: Final = (
    "backup-copied",  # a state of the database lies beside it; nothing is in the folder of the backups
    "backup-written",  # the file of a backup is whole, and has no name yet
    "backup-unpacked",  # a backup lies beside the data folder it is to become
)
# Those that a start from an old backup passes (6.7 g).
RESTORE_POINTS: Final = (
    "books-rebuilt",  # newer books from a keeper are whole, beside the database
    "books-kept-aside",  # the database has a second name, under which it stays
    "books-replaced",  # the newer books are the database
)
# Those of bringing in a file of another program.
IMPORT_POINTS: Final = (
    "import-kept",  # the file is kept to be brought in, nothing of it is
    "import-committed",  # all of it is brought in, nobody was told
)
POINTS: Final = (*TRADE_POINTS, *LOG_POINTS, *BACKUP_POINTS, *RESTORE_POINTS, *IMPORT_POINTS)


class UnknownCrashPoint(ValueError):
    """INTERLETS_CRASH_AT is not `name:count` with a name from POINTS and a count from 1."""


class _Countdown:
    """Ends the process at the count-th passing of one point."""

    def __init__(self, name: str, count: int, end: Callable[[], None]):
        self.name = name
        self._left = count
        self._end = end
        self._lock = threading.Lock()

    def passed(self, name: str) -> None:
        if name != self.name:
            return
        with self._lock:
            self._left -= 1
            reached = self._left == 0
        if reached:
            self._end()


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


# The one state at module level: what it counts down to is the end of this process, not of one node in it.
_armed: _Countdown | None = None


def point(name: str) -> None:
    """Do nothing, unless this is the passing at which the process was told to die."""
    if _armed is not None:
        assert name in POINTS, name
        _armed.passed(name)


def arm_from_environment(environment: Mapping[str, str], end: Callable[[], None] = _kill) -> None:
    """Arm the point that `environment` names, or disarm if it names none. Called once, at start.

    Raises:
        UnknownCrashPoint: the variable is set to something that could never be reached.
    """
    global _armed  # noqa: PLW0603 - see there
    wanted = environment.get(VARIABLE)
    if wanted is None:
        _armed = None
        return
    name, _, count = wanted.partition(":")
    if name not in POINTS or not (count.isascii() and count.isdigit()) or int(count) < 1:
        raise UnknownCrashPoint(
            f"{VARIABLE}={wanted!r}: expected name:count with a name of {', '.join(POINTS)}"
        )
    _armed = _Countdown(name, int(count), end)
