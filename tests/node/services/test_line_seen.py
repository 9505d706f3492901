"""How much of each chain is told to be stored, and when. Rule 6.5."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from crypto.canonical import Value
from node.services.line_seen import SEEN_EVERY_S, TELL_AFTER_S, TELL_AT_ONCE_OPS, Seen
from node.simulation.virtual_loop import run
from node.store import InlineStore, Memory, Tx
from protocol.frame import FrameType
from protocol.names import LineId, SchemeId

PEER, LINE, OTHER = SchemeId(b"P" * 32), LineId(b"L" * 32), LineId(b"O" * 32)


class Ear:
    """What was told to peers and written into the store."""

    def __init__(self) -> None:
        self.told: list[Value] = []
        self.stored: list[dict[LineId, int]] = []
        self.seen = Seen(InlineStore(Memory()), self._offer, self._store)

    def _offer(self, peer: SchemeId, kind: FrameType, payload: Value) -> bool:
        assert (peer, kind) == (PEER, FrameType.OPS_SEEN)
        self.told.append(payload)
        return True

    def _store(self, tx: Tx, heard: dict[LineId, int]) -> None:
        self.stored.append(heard)


def hearing(scenario: Callable[[Ear], Awaitable[None]]) -> None:
    async def begin() -> None:
        ear = Ear()
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(work()) for work in (ear.seen.run_telling, ear.seen.run_storing)]
            await scenario(ear)
            for task in running:
                task.cancel()

    run(begin())


def test_what_is_stored_is_told_a_little_later_and_only_the_newest() -> None:
    """Rule 6.5: OPS_SEEN spares resending, and nobody waits for it."""

    async def scenario(ear: Ear) -> None:
        for length in (1, 2, 3):
            ear.seen.tell(PEER, LINE, length)
        ear.seen.tell(PEER, OTHER, 7)
        await asyncio.sleep(TELL_AFTER_S / 2)
        assert ear.told == []
        await asyncio.sleep(TELL_AFTER_S)
        assert ear.told == [(LINE, 3), (OTHER, 7)]
        await asyncio.sleep(10)
        assert len(ear.told) == 2, "once"

    hearing(scenario)


def test_an_op_of_mine_spares_the_telling_on_its_line() -> None:
    """Rule 6.2: every op acknowledges."""

    async def scenario(ear: Ear) -> None:
        ear.seen.tell(PEER, LINE, 1)
        ear.seen.tell(PEER, OTHER, 1)
        ear.seen.told_by_op(LINE)
        ear.seen.told_by_op(LINE)
        await asyncio.sleep(1)
        assert ear.told == [(OTHER, 1)]

    hearing(scenario)


def test_a_quarter_of_the_window_is_told_at_once() -> None:
    """Rule 6.5: a peer whose window fills up would have to wait for us."""

    async def scenario(ear: Ear) -> None:
        ear.seen.tell(PEER, LINE, TELL_AT_ONCE_OPS - 1)
        assert ear.told == []
        ear.seen.tell(PEER, LINE, TELL_AT_ONCE_OPS)
        assert ear.told == [(LINE, TELL_AT_ONCE_OPS)]
        ear.seen.tell(PEER, LINE, TELL_AT_ONCE_OPS + 1)
        assert len(ear.told) == 1
        await asyncio.sleep(1)
        assert ear.told[1:] == [(LINE, TELL_AT_ONCE_OPS + 1)]

    hearing(scenario)


def test_what_peers_acknowledge_is_stored_together() -> None:
    """Rule 6.5."""

    async def scenario(ear: Ear) -> None:
        for line, length in ((LINE, 2), (LINE, 1), (OTHER, 5)):
            ear.seen.hear(line, length)
        await asyncio.sleep(SEEN_EVERY_S * 2)
        assert ear.stored == [{LINE: 2, OTHER: 5}]

    hearing(scenario)
