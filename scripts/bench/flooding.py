"""A neighbour with a line of its own that sends one node as much as it takes, as fast as it takes it.

It is patient where it must be: whoever is read slowly can only send slowly. Its process gives way to all others, so
that what is measured is what it costs the node, not what it costs the machine. Attacks T2, T34; I14.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Final

from crypto.canonical import Value
from crypto.digest import sha256
from node.app import Node
from node.federation.channel import ChannelClosed
from node.services.feed_frames import Ask, Clocks
from node.services.payment_desk import PaymentDesk
from node.store import Tx
from protocol.following import FeedClock
from protocol.frame import FrameType
from protocol.letter import Letter
from protocol.limits import DAY_MS, LOCK_DEADLINE_MS
from protocol.line_ops import MODE_NORMAL, Lock
from protocol.message import sign_message
from protocol.names import QuoteId, SchemeId

FRAMES: Final = "frames"
GOSSIP: Final = "gossip"
LETTERS: Final = "letters"
LOCKS: Final = "locks"  # purchases, which end
JAM: Final = "locks nobody ends"  # towards a payee that is silent
KINDS: Final = (FRAMES, GOSSIP, LETTERS, LOCKS, JAM)  # the last leaves a node that buys nothing any more
PAYING_AT_ONCE: Final = 32
LOCKS_A_UNIT: Final = 16
AGAIN_S: Final = 0.2

Said = tuple[FrameType, Value]


class Flood:
    """What one node does to another while it is told to."""

    def __init__(
        self,
        node: Node,
        at: SchemeId,
        beyond: SchemeId,
        silent: SchemeId,
        pay: Callable[[], Awaitable[object]],
    ):
        """`beyond` is a scheme behind the one that is flooded, `silent` one behind that; `pay` buys at `beyond` once."""
        self._node: Final = node
        self._at: Final = at
        self._beyond: Final = beyond
        self._silent: Final = silent
        self._pay: Final = pay
        self._running: asyncio.Task[None] | None = None
        self.sent = 0

    def begin(self, kind: str) -> None:
        """Flood from now on."""
        os.nice(19)
        self.sent = 0
        match kind:
            case "locks":
                work = self._buy()
            case "locks nobody ends":
                # From here on this node does not mind how its locks end: nobody asked for them.
                PaymentDesk._own_lock_ended = lambda *_: None  # type: ignore[method-assign]  # in this process alone
                work = self._jam()
            case _:
                work = self._send(self._what(kind))
        self._running = asyncio.get_running_loop().create_task(work)

    async def end(self) -> int:
        """Flood no more; return how much was sent."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running  # raises what it failed with: a flood that ended early is none
        return self.sent

    async def _send(self, said: Iterator[Said]) -> None:
        for number, (kind, payload) in enumerate(said, 1):
            session = self._node.links.live.get(self._at)
            if session is None:
                await asyncio.sleep(AGAIN_S)
                continue
            with suppress(ChannelClosed):
                # A number of ours would be waited for; this one nobody knows.
                await session.send(
                    kind, payload, request_id=0 if kind is FrameType.LETTER else 10**6 + number
                )
                self.sent += 1
            if number % 100 == 0:
                await asyncio.sleep(0)

    async def _jam(self) -> None:
        """Lock whatever there is room for, for quotes that nobody gave, whatever comes back."""
        while True:
            locked = await self._node.store.write(self._lock_some)
            self.sent += locked
            await asyncio.sleep(0 if locked else AGAIN_S)

    def _lock_some(self, tx: Tx) -> int:
        lines, _ = self._node.lines.units.desks(tx)
        line, count = lines.by_peer(self._at), 0
        while line is not None and count < LOCKS_A_UNIT and lines.room(line) >= 1:
            quote_id, deadline = QuoteId(os.urandom(32)), self._node.clock.now_ms() + LOCK_DEADLINE_MS
            lock = Lock(
                quote_id=quote_id, part=1, parts=1, amount=1, receipt_key=bytes(32), mode=MODE_NORMAL, deadline=deadline,
                route=(self._beyond, self._silent), note=b"", memo=b"",
            )  # fmt: skip
            lines.author(line, lock)
            count += 1
        self._node.lines.units.finish(tx, lines)
        return count

    async def _buy(self) -> None:
        """Buy as much as there is room for, again and again."""

        async def lock() -> None:
            while True:
                try:
                    await self._pay()
                    self.sent += 1
                except RuntimeError:  # no room, no price: try again
                    await asyncio.sleep(AGAIN_S)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(PAYING_AT_ONCE):
                tasks.create_task(lock())

    def _what(self, kind: str) -> Iterator[Said]:
        match kind:
            case "frames":
                return itertools.repeat((FrameType.PING, None))
            case "gossip":
                return self._gossip()
            case "letters":
                return self._letters()
            case _:
                raise ValueError(f"no flood of {kind}")

    def _gossip(self) -> Iterator[Said]:
        """Yield clocks of schemes nobody knows, and questions for the whole of a feed."""
        for number in itertools.count():
            clocks = tuple(
                FeedClock(
                    scheme=SchemeId(sha256(b"%d %d" % (number, each))),
                    identity_seq=1,
                    feed_seq=9,
                    head_time=9,
                )
                for each in range(200)
            )
            yield FrameType.CLOCKS, Clocks(True, clocks).value()
            yield FrameType.DELTA_ASK, Ask(self._at, -1).value()
            yield FrameType.IDENTITY_ASK, (self._at, -1)

    def _letters(self) -> Iterator[Said]:
        """Yield letters for the scheme behind, which nobody there can open, each to be carried."""
        key_seq, key = self._node.keyring.signing["session"]
        sender = self._node.scheme
        while True:
            letter = Letter(
                sender=sender, recipient=self._beyond, letter=os.urandom(16), sealed=os.urandom(4_000),
                expires=self._node.clock.now_ms() + DAY_MS,
            )  # fmt: skip
            yield FrameType.LETTER, sign_message(letter, key, key_seq).wire
