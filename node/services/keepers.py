"""Keepers: a sealed copy of our books with one neighbour, never older than a minute.

When a neighbour is in session and nobody keeps a copy, a whole one is sent, and from then on every write, every few
seconds. After a boot a new copy is begun, because what was written and not yet sent is forgotten with the process.
The keeper cannot read any of it and owes nothing for it. How far a copy may have come is noted here before it is sent:
a keeper that has more shows that this database went back in time. What a copy holds is in `kept_copy.py`, what we keep
for others in `keeping.py`, looking for a newer one at the start in `awakening.py`. Source: docs/protocol.md 6.7 (g).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Set
from typing import Final, NamedTuple, TypeAlias

import structlog

from crypto.canonical import Value
from node.clock import Clock
from node.federation.dispatch import NoAnswer
from node.federation.links import Links
from node.keyring import KeyRing
from node.services.catching_up import Offload
from node.services.copy_fetching import Ask, NothingKept, fetch_parts, find_ahead, newest_held
from node.services.kept_copy import (
    CopyUnusable,
    Position,
    Rows,
    change_parts,
    is_kept,
    note_keeper,
    note_position,
    read_all,
    read_position,
    whole_parts,
)
from node.store import Store, Tx, Written
from protocol.errors import MalformedMessage
from protocol.frame import Frame, FrameType
from protocol.limits import KEPT_COPIES_MAX
from protocol.names import SchemeId, scheme_text

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

# Writes waiting to be sent; with more of them a new whole copy is the shorter way.
WAITING_MAX: Final = 200_000
CHANGES_PARTS_MAX: Final = 2_000  # after so many parts of changes the copy is begun anew
REFUSED_S: Final = 600.0  # a neighbour that keeps nothing for us is not asked again so soon
ANSWER_MS: Final = 20_000


# Told who has a copy of our books with more in it than this database, its generation and its parts; none: unreadable.
Ahead: TypeAlias = Callable[[SchemeId, int, list[bytes]], Awaitable[None]]


class _Copy(NamedTuple):
    """The copy that is being kept up now."""

    keeper: SchemeId
    generation: int
    batches: int  # of changes
    parts: int  # sent and acknowledged
    first_change: int


class Keepers:
    """See the head of this file. `send_now` is a job of the node's."""

    def __init__(
        self, *, store: Store, clock: Clock, keyring: KeyRing, pepper: bytes, links: Links,
        neighbours: Callable[[], Set[SchemeId]], ahead: Ahead, offload: Offload,
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._keyring: Final = keyring
        self._pepper: Final = pepper
        self._links: Final = links
        self._neighbours: Final = neighbours
        self._ahead: Final = ahead
        self._offload: Final = offload
        self._copy: _Copy | None = None
        self._waiting: list[Written] = []
        self._torn = False  # too much was written to be sent: the copy is begun anew
        self._refused_until: Final[dict[SchemeId, float]] = {}
        self._renewals = 0  # whole copies still to be begun anew
        self.kept_ms = 0  # when a keeper last had everything

    @property
    def keeper(self) -> SchemeId | None:
        """Who keeps our copy now."""
        return None if self._copy is None else self._copy.keeper

    def renew(self) -> None:
        """Begin as many whole copies anew as a keeper keeps, so that none of before now is left with it. Source: 6.7 (g)."""
        self._renewals = KEPT_COPIES_MAX
        self._waiting, self._torn = [], True

    # --- our copy ---------------------------------------------------------------------------------------------

    async def send_now(self) -> None:
        """Let a keeper have everything written until now; a job that comes round every KEEP_EVERY_MS."""
        began_ms = self._clock.now_ms()
        try:
            if self._copy is None or self._torn or self._renewals or self._is_long(self._copy):
                await self._begin()
            else:
                await self._send_changes(self._copy)
        except (NoAnswer, NothingKept, MalformedMessage) as lost:
            log.info("keeper_lost", reason=str(lost))
            self._copy = None  # another one is looked for in the next round
        if self._copy is not None:
            self.kept_ms = began_ms

    def _is_long(self, copy: _Copy) -> bool:
        changes = copy.parts - copy.first_change
        return changes > max(CHANGES_PARTS_MAX, copy.first_change)

    def _candidate(self) -> SchemeId | None:
        now = asyncio.get_running_loop().time()
        if self._copy is not None and self._copy.keeper in self._links.live:
            return self._copy.keeper
        return next(
            (
                peer
                for peer in sorted(self._neighbours() & self._links.live.keys())
                if self._refused_until.get(peer, 0.0) <= now
            ),
            None,
        )

    async def _begin(self) -> None:
        """Send a whole copy. Raises NoAnswer, NothingKept, MalformedMessage."""
        keeper = self._candidate()
        self._copy = None
        if keeper is None:
            self._forget()
            return
        newest = await self._look_at(keeper)
        noted = await self._store.read(read_position)
        generation = max(self._clock.now_ms(), newest + 1, noted.generation + 1)
        self._store.redo.tell = self._take
        everything = await self._store.write(self._read_all, generation)
        parts = await self._offload(whole_parts, everything, generation, self._pepper, self._keyring.safe)
        if await self._send(keeper, generation, 0, parts, whole=True):
            await self._store.write(note_position, Position(generation, 0, len(parts)))
            await self._store.write(note_keeper, keeper)
            self._copy = _Copy(keeper, generation, 0, len(parts), len(parts))
            self._renewals = max(0, self._renewals - 1)
            log.info("copy_kept", keeper=scheme_text(keeper), parts=len(parts))
            await self._send_changes(self._copy)
        else:
            self._refused_until[keeper] = asyncio.get_running_loop().time() + REFUSED_S
            self._forget()

    async def _look_at(self, keeper: SchemeId) -> int:
        """Return the newest generation that `keeper` holds of us; what it has beyond this database is told first."""
        ask = self._asking(keeper)
        newest = await newest_held(ask)
        try:
            ahead = await find_ahead(ask, await self._store.read(read_position), self._keyring.safe)
        except CopyUnusable as error:
            log.error("kept_copy_unreadable", peer=scheme_text(keeper), reason=str(error))
            await self._ahead(keeper, 0, [])
        else:
            if ahead is not None:
                await self._ahead(keeper, ahead.generation, await fetch_parts(ask, ahead))
        return 0 if newest is None else newest.generation

    def _asking(self, keeper: SchemeId) -> Ask:
        async def ask(payload: Value) -> Frame:
            return await self._links.request(keeper, FrameType.KEPT_ASK, payload, timeout_ms=ANSWER_MS)

        return ask

    def _read_all(self, tx: Tx, generation: int) -> list[Rows]:
        # Told in the order of the units: what comes after this is not in the copy, what came before is.
        note_position(tx, Position(generation, 0, 0))
        tx.on_commit(self._from_here)
        return read_all(tx, self._keyring.scheme)

    def _from_here(self) -> None:
        self._waiting, self._torn = [], False

    def _forget(self) -> None:
        self._store.redo.tell = None
        self._from_here()

    def _take(self, written: list[Written]) -> None:
        mine = [each for each in written if is_kept(each)]
        if len(self._waiting) + len(mine) > WAITING_MAX:
            self._waiting, self._torn = [], True
        elif not self._torn:
            self._waiting += mine

    async def _send_changes(self, copy: _Copy) -> None:
        """Send what was written since. Raises NoAnswer."""
        if copy.keeper not in self._links.live:
            raise NoAnswer("not connected")
        if not self._waiting:
            return
        batch = copy.batches + 1
        writes: list[Written] = []
        await self._store.write(self._begin_batch, Position(copy.generation, batch, copy.parts), writes)
        parts = await self._offload(
            change_parts, writes, copy.generation, batch, copy.parts, self._keyring.safe
        )
        if not await self._send(copy.keeper, copy.generation, copy.parts, parts, whole=False):
            raise NoAnswer("it keeps no more for us")
        self._copy = copy._replace(batches=batch, parts=copy.parts + len(parts))

    def _begin_batch(self, tx: Tx, position: Position, writes: list[Written]) -> None:
        # A backup says that it is of before the batch exactly if it lacks some of it: both are one commit.
        note_position(tx, position)
        tx.on_commit(self._take_batch, writes)

    def _take_batch(self, writes: list[Written]) -> None:
        writes += self._waiting
        self._waiting = []

    async def _send(
        self, keeper: SchemeId, generation: int, first: int, parts: list[bytes], *, whole: bool
    ) -> bool:
        for part, data in enumerate(parts, start=first):
            last = whole and part == first + len(parts) - 1
            frame = await self._links.request(
                keeper, FrameType.KEEP, (generation, part, last, data), timeout_ms=ANSWER_MS
            )
            if frame.payload != (generation, part):
                return False
        return True
