"""An event loop whose time is virtual: waiting costs nothing, and one seed gives one run.

Real node code runs on it unchanged, `asyncio.sleep` and `asyncio.timeout` included. When nothing is ready,
time jumps to the next timer. Sockets and threads do not exist here: they would bring real time back in.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor
from typing import Any, Final, TypeVar, TypeVarTuple

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

# The first moment of every simulation, the `offset_ms` of its clocks (`node/clock.py`): a Monday morning in spring, UTC. Any moment would do; a fixed
# one keeps runs equal, and a plausible one keeps the pages readable.
EPOCH_MS: Final = 1_772_438_400_000


class Stalled(Exception):
    """Every task waits, and no timer is left that could wake one."""


class _VirtualSelector(selectors.BaseSelector):
    """Waits by moving the clock. Registered files (the loop's own wake-up pipe) never become ready."""

    def __init__(self) -> None:
        self.now = 0.0
        self._map: dict[Any, selectors.SelectorKey] = {}

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stalled("every task waits for something that can no longer happen")
        if timeout > 0:
            # A hair later: after some months the loop's own tolerance of a nanosecond is lost in rounding,
            # and a timer due exactly now would never be run.
            self.now = math.nextafter(self.now + timeout, math.inf)
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = selectors.SelectorKey(fileobj, fileobj, events, data)  # asyncio gives numbers of files
        self._map[fileobj] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._map.pop(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._map


class VirtualLoop(asyncio.SelectorEventLoop):
    """See the head of this file."""

    def __init__(self) -> None:
        self._virtual = _VirtualSelector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Return virtual seconds since the loop was made."""
        return self._virtual.now

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Arguments], Result], *args: *Arguments
    ) -> asyncio.Future[Result]:
        """Refuse: a thread's answer would come at a real moment, another one in every run."""
        del executor, args
        raise RuntimeError(f"{func!r}: there are no threads in virtual time")


def running_loop() -> VirtualLoop:
    """Return the loop this runs in, which must be a virtual one."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualLoop):
        raise RuntimeError("this runs in virtual time only")
    return loop


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run `coroutine` to its end on a virtual loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(coroutine)
