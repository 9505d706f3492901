"""Locks that wait too long: their line is asked about again, at growing intervals. Nothing moves by it. Source: docs/protocol.md 6.6, 7.2."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from node.clock import Clock
from node.services.line_rows import LIVE, read_lines, read_ops_after
from node.store import ReadTx, Store, StoreClosed, StoreError
from protocol.limits import NUDGE_FIRST_MS, NUDGE_MOST_MS
from protocol.line_ops import Lock, Op
from protocol.message import trusted_message
from protocol.names import LineId, SchemeId
from protocol.payment import is_late

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

LOOK_EVERY_S: Final = 30.0


class Nudges:
    """Asks about lines on which a lock of ours is late. `run` must be running."""

    def __init__(self, *, store: Store, clock: Clock, own: SchemeId, ask: Callable[[LineId, SchemeId], None]):
        self._store: Final = store
        self._clock: Final = clock
        self._own: Final = own
        self._ask: Final = ask
        self._next: dict[LineId, tuple[int, int]] = {}  # when to ask again, and how long to wait after that

    async def run(self) -> None:
        """Look for late locks again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                late = await self._store.read(late_lines, self._own, self._clock.now_ms())
            except StoreClosed:
                return
            except StoreError as error:
                log.warning("late_locks_not_read", reason=str(error))  # looked for again in a while
            else:
                self.look(late)

    def look(self, late: list[tuple[LineId, SchemeId]]) -> None:
        """Ask about those lines whose turn it is; a line on which nothing is late any more begins anew."""
        now_ms, planned = self._clock.now_ms(), self._next
        self._next = {}
        for line, peer in late:
            due_ms, pause_ms = planned.get(line, (now_ms, NUDGE_FIRST_MS))
            if now_ms >= due_ms:
                self._ask(line, peer)
                due_ms, pause_ms = now_ms + pause_ms, min(2 * pause_ms, NUDGE_MOST_MS)
            self._next[line] = due_ms, pause_ms


def late_lines(tx: ReadTx, own: SchemeId, now_ms: int) -> list[tuple[LineId, SchemeId]]:
    """Return the lines, and whose they are, on which our oldest open lock is late. A query."""
    found = []
    for line in read_lines(tx, own):
        mine = [seq for side, seq in line.state.mine.locks() if side == line.state.me]
        if line.status not in LIVE or not mine:
            continue
        ((_, wire),) = read_ops_after(tx, line, min(mine) - 1, 1)
        lock = trusted_message(Op, wire).body.step
        assert isinstance(lock, Lock), "open locks are LOCKs"
        if is_late(lock.deadline, now_ms):
            found.append((line.state.line, line.peer))
    return found
