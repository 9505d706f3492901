"""How much of each chain the other side has stored, told each other between SYNCs.

It is not signed, spares resending, and proves nothing; so neither side hurries, and an op that acknowledges more
spares the telling. Source: docs/protocol.md 6.5.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from crypto.canonical import Value
from node.store import Store, StoreClosed, StoreError, Tx
from protocol.frame import FrameType
from protocol.names import LineId, SchemeId

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

SEEN_EVERY_S: Final = 0.2
TELL_AFTER_S: Final = 0.05
# A quarter of the window (6.5): long before a peer has to wait for us.
TELL_AT_ONCE_OPS: Final = 16

Offer = Callable[[SchemeId, FrameType, Value], object]  # `Links.offer`
StoreSeen = Callable[[Tx, dict[LineId, int]], None]


class Seen:
    """See the head of this file. `run_storing` and `run_telling` must be running."""

    def __init__(self, store: Store, offer: Offer, store_seen: StoreSeen):
        self._store: Final = store
        self._offer: Final = offer
        self._store_seen: Final = store_seen
        self._heard: dict[LineId, int] = {}  # acknowledged to us and not stored yet
        self._heard_some: Final = asyncio.Event()
        self._to_tell: dict[LineId, tuple[SchemeId, int]] = {}
        self._told: Final[dict[LineId, int]] = {}
        self._tell_some: Final = asyncio.Event()

    def hear(self, line: LineId, length: int) -> None:
        """Take in that a peer has stored so much of my chain."""
        self._heard[line] = max(length, self._heard.get(line, 0))
        self._heard_some.set()

    def tell(self, peer: SchemeId, line: LineId, length: int) -> None:
        """Let a peer know, soon, that so much of its chain is stored here."""
        self._to_tell[line] = peer, length
        if length - self._told.get(line, 0) >= TELL_AT_ONCE_OPS:
            self._tell_all()
        else:
            self._tell_some.set()

    def told_by_op(self, line: LineId) -> None:
        """Note that an op of mine is on the way, which acknowledges all that is stored."""
        known = self._to_tell.pop(line, None)
        if known is not None:
            self._told[line] = known[1]

    async def run_storing(self) -> None:
        """Store what peers have acknowledged; together, for nothing waits for it but a word on a page."""
        while True:
            await self._heard_some.wait()
            await asyncio.sleep(SEEN_EVERY_S)
            self._heard_some.clear()
            heard, self._heard = self._heard, {}
            try:
                await self._store.write(self._store_seen, heard)
            except StoreClosed:
                return
            except StoreError as error:
                log.warning("seen_not_stored", reason=str(error))  # the next SYNC tells it again

    async def run_telling(self) -> None:
        """Tell what is still to be told."""
        while True:
            await self._tell_some.wait()
            await asyncio.sleep(TELL_AFTER_S)
            self._tell_some.clear()
            self._tell_all()

    def _tell_all(self) -> None:
        to_tell, self._to_tell = self._to_tell, {}
        for line, (peer, length) in to_tell.items():
            self._told[line] = length
            self._offer(peer, FrameType.OPS_SEEN, (line, length))  # lost: the next SYNC tells it
