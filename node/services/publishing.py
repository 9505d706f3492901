"""Sending our own feed: items soon after they were put, a head within a second, and one a day anyway.

Source: docs/protocol.md 5.3, 5.5.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from node.clock import Clock
from node.services import feed_frames as frames
from node.services.feed_intake import Arrival
from node.services.feed_store import FRAME_ITEMS_BYTES
from node.services.own_feed import OwnFeed
from node.store import StoreError
from protocol.feed import Head
from protocol.frame import FrameType
from protocol.limits import HEAD_SIGNED_EVERY_MS

PUSH_AFTER_S: Final = 0.02  # puts that come together are sent together
HEAD_AFTER_S: Final = 1.0

Push = Callable[[FrameType, tuple[bytes, ...]], None]


class Publisher:
    """Watches the own feed and pushes what is new. Its two `keep` methods must be running."""

    def __init__(self, *, own_feed: OwnFeed, clock: Clock, push: Push):
        self._own_feed: Final = own_feed
        self._clock: Final = clock
        self._push: Final = push
        self._outgoing: Final[list[bytes]] = []
        self._to_push: Final = asyncio.Event()
        self._head_due: Final = asyncio.Event()
        self._signed_ms: int | None = None
        own_feed.watch(on_put=self._on_put, on_head=self._on_head)

    def head_is_due(self, signed_ms: int | None = None) -> None:
        """Have a head signed soon; with `signed_ms`, a day after that moment."""
        if signed_ms is None:
            self._head_due.set()
        else:
            self._signed_ms = signed_ms

    async def bring_in_step(self) -> None:
        """Sign a head now if there are puts it would not count."""
        if self._head_due.is_set():
            await self._own_feed.sign_head()

    async def keep_pushing(self) -> None:
        """Push what was put, until cancelled."""
        while True:
            await self._to_push.wait()
            await asyncio.sleep(PUSH_AFTER_S)
            self._flush()

    async def keep_heads(self) -> None:
        """Sign heads, until cancelled."""
        while True:
            due_s = None
            if self._signed_ms is not None:
                due_s = max(0, self._signed_ms + HEAD_SIGNED_EVERY_MS - self._clock.now_ms()) / 1000
            try:
                async with asyncio.timeout(due_s):
                    await self._head_due.wait()
                await asyncio.sleep(HEAD_AFTER_S)
            except TimeoutError:
                pass
            self._head_due.clear()
            try:
                await self._own_feed.sign_head()
            except StoreError:
                self._head_due.set()
                raise

    def _on_put(self, arrival: Arrival) -> None:
        self._outgoing.append(arrival.wire)
        self._to_push.set()
        self._head_due.set()

    def _on_head(self, head: Head, wire: bytes) -> None:
        self._head_due.clear()
        self._signed_ms = head.time
        self._flush()  # items first, or the head could not be admitted
        self._push(FrameType.HEAD, (wire,))

    def _flush(self) -> None:
        self._to_push.clear()
        wires = tuple(self._outgoing)
        self._outgoing.clear()
        for part in frames.in_frames(wires, FRAME_ITEMS_BYTES):
            self._push(FrameType.ITEMS, part)
