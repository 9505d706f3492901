"""What neighbours pushed and nobody looked at yet: bounded, in order, and what was seen before left out. Source: docs/protocol.md 5.5."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Final

from crypto.digest import Id32
from protocol.names import SchemeId

ITEMS_MAX: Final = 8_192
BYTES_MAX: Final = 8 * 1024 * 1024
BATCH_ITEMS: Final = 512
SEEN_IDS_MAX: Final = 16_384


class PushInbox:
    """A queue of items and heads. What it has no room for is dropped: the head that follows shows it missing."""

    def __init__(self) -> None:
        self._queue: Final[deque[tuple[SchemeId, bytes, bool]]] = deque()  # peer, wire, is it a head
        self._bytes = 0
        self._seen: Final[OrderedDict[Id32, None]] = OrderedDict()
        self.dropped = 0
        self.arrived: Final = asyncio.Event()

    def __bool__(self) -> bool:
        return bool(self._queue)

    def put(self, peer: SchemeId, wires: Sequence[bytes], *, heads: bool) -> None:
        """Queue what `peer` pushed, as far as there is room."""
        for at, wire in enumerate(wires):
            if len(self._queue) >= ITEMS_MAX or self._bytes + len(wire) > BYTES_MAX:
                self.dropped += len(wires) - at
                break
            self._queue.append((peer, wire, heads))
            self._bytes += len(wire)
        self.arrived.set()

    def take(self) -> tuple[dict[bytes, SchemeId], list[tuple[SchemeId, bytes]]]:
        """Return the next items by wire, each with who pushed it, and the heads that came just behind them."""
        items: dict[bytes, SchemeId] = {}
        heads: list[tuple[SchemeId, bytes]] = []
        while self._queue and len(items) + len(heads) < BATCH_ITEMS:
            peer, wire, is_head = self._queue[0]
            if heads and not is_head:
                break  # items behind a head are judged after it
            self._queue.popleft()
            self._bytes -= len(wire)
            if is_head:
                heads.append((peer, wire))
            else:
                items.setdefault(wire, peer)
        return items, heads

    def has_seen(self, item_id: Id32) -> bool:
        """Tell whether an item was checked not long ago. A saving only: the store knows by itself."""
        return item_id in self._seen

    def remember(self, item_id: Id32) -> None:
        """Note that an item was checked."""
        self._seen[item_id] = None
        if len(self._seen) > SEEN_IDS_MAX:
            self._seen.popitem(last=False)

    def forget_seen(self) -> None:
        """Look at everything anew."""
        self._seen.clear()
