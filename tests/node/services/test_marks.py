"""A MARK of each side a day after something changed, and what both last agreed on. Rule 6.3 (MARK)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from node.services.line_rows import SUSPENDED, Line
from node.simulation.network import SimulatedNetwork
from node.store import Tx
from protocol.limits import LINE_WINDOW_OPS, MARK_EVERY_MS
from protocol.line_ops import Mark
from protocol.payment import PayerState
from protocol.units import HOUR
from tests.node.services.test_lines import hand_over, next_op
from tests.simulation import run_virtual
from tests.small_town import WIDE, SmallTown, chain

DAY_S = MARK_EVERY_MS / 1000
Scenario = Callable[[SmallTown], Awaitable[None]]


def in_pair(scenario: Scenario, *, settles: bool = True) -> None:
    async def begin(network: SimulatedNetwork) -> None:
        town = SmallTown(network, ["Oakvale", "Hilltop"], chain("Oakvale", "Hilltop"))
        town.route("Oakvale", "Hilltop")
        await town.open()
        await town["Oakvale"].open_member("Ana")
        await town["Hilltop"].open_member("Karim")
        await scenario(town)
        if settles:
            await town.settle()
        await town.stop()

    run_virtual(begin)


async def line(town: SmallTown, name: str = "Oakvale") -> Line:
    (found,) = await town[name].line_states()
    return found


async def marks(town: SmallTown) -> list[int]:
    """Return how many MARKs each side has written."""
    copies = [snapshot.copies[0] for snapshot in await town.snapshots()]
    return [sum(isinstance(op.step, Mark) for op in copy.mine) for copy in copies]


async def both_mark(town: SmallTown) -> list[int]:
    for node in town.nodes.values():
        await node.marks.write()
        await town.until_async(town.at_rest)
    return await marks(town)


async def a_day(town: SmallTown) -> None:
    """Let a day pass with the power off."""
    for node in town.nodes.values():
        await node.crash()
    await asyncio.sleep(DAY_S)
    for node in town.nodes.values():
        await node.boot()
    await town.until_async(town.all_usable)


def test_each_side_states_a_line_daily_when_something_changed() -> None:
    """Not twice a day, not because of the other's MARK, and not when nothing happened."""

    async def scenario(town: SmallTown) -> None:
        assert (await line(town)).agreed_ms is None
        assert (await town["Oakvale"].buy("Ana", "Hilltop", "Karim", 60)).state is PayerState.PAID
        await town.until_async(town.at_rest)
        assert await both_mark(town) == [1, 1]
        first = await line(town)
        assert (first.agreed_owed, first.state.owed) == (HOUR, HOUR)
        assert first.agreed_ms is not None
        assert (await line(town, "Hilltop")).agreed_owed == -HOUR
        await town["Oakvale"].buy("Ana", "Hilltop", "Karim", 30)
        assert await both_mark(town) == [1, 1], "a day has not passed"
        await a_day(town)
        assert await both_mark(town) == [2, 2]
        later = await line(town)
        assert later.agreed_owed == 3 * HOUR // 2
        assert later.agreed_ms is not None
        assert later.agreed_ms >= first.agreed_ms + MARK_EVERY_MS
        for _ in range(3):
            await a_day(town)
            assert await both_mark(town) == [2, 2], "nothing changed but for MARKs"

    in_pair(scenario)


def test_a_mark_counts_open_locks_and_waits_for_window_and_touch() -> None:
    async def scenario(town: SmallTown) -> None:
        oakvale = town["Oakvale"]
        await town["Hilltop"].crash()

        def fill(tx: Tx) -> None:
            lines, _ = oakvale.lines.desks(tx)
            each = lines.by_peer(town["Hilltop"].scheme)
            assert each is not None
            for _ in range(LINE_WINDOW_OPS):
                lines.author(each, WIDE)
            oakvale.lines.finish(tx, lines)

        await oakvale.store.write(fill)
        assert (await line(town)).window_full
        await oakvale.marks.write()
        assert (await line(town)).marked == 0, "the window is respected (6.5)"
        await oakvale.restart()
        await oakvale.marks.write()
        assert (await line(town)).marked == 0, "nothing is written on a line that is not usable (6.7 c)"
        await town["Hilltop"].boot()
        await town.until_async(town.all_usable)
        await town.until_async(town.at_rest)
        assert await both_mark(town) == [1, 1]

    in_pair(scenario)


@pytest.mark.parametrize("wrong", ["owed", "state", "own_length", "peer_length"])
def test_a_mark_that_states_other_figures_stops_the_line(wrong: str) -> None:
    """Rule 6.3: it is invalid at its own ack, kept, and told to the admin; nothing is agreed by it."""

    async def scenario(town: SmallTown) -> None:
        await town["Oakvale"].buy("Ana", "Hilltop", "Karim", 60)
        await town.until_async(town.at_rest)
        theirs = (await line(town, "Hilltop")).state
        right = Mark(
            owed=theirs.owed,
            own_length=theirs.own_length,
            peer_length=theirs.peer_length,
            state=theirs.mine.digest(),
        )
        change = bytes(32) if wrong == "state" else getattr(right, wrong) + 1
        op = next_op(
            town["Hilltop"], await line(town, "Hilltop"), right, step=replace(right, **{wrong: change})
        )
        hand_over(town, "Hilltop", "Oakvale", op)
        await asyncio.sleep(5)
        stopped = await line(town)
        assert (stopped.status, stopped.agreed_ms) == (SUSPENDED, None)

    in_pair(scenario, settles=False)
