"""A side that froze a line says so, and is locked to no more until it goes on. Source: docs/protocol.md 6.8."""

from __future__ import annotations

import asyncio

import pytest

from node.clock import LoopClock
from node.services.line_rows import FROZEN, OPEN
from node.services.line_stops import COUNTS_FOR_MS, Stops
from node.simulation.network import SimulatedNetwork
from node.simulation.virtual_loop import EPOCH_MS
from node.store import Tx
from protocol.frame import Frame, FrameType
from protocol.names import LineId
from tests.node.services.test_reopening import ends, go_on, in_town, line_between, trade_again
from tests.simulation import run_virtual
from tests.small_town import SettlingNode, SmallTown

PAIR = ("Oakvale", "Riverside")


async def freeze_here(node: SettlingNode, peer: SettlingNode) -> None:
    """Freeze a line at one end only, as a connector does that notices what is missing."""

    def unit(tx: Tx) -> None:
        lines, _ = node.lines.desks(tx)
        line = lines.by_peer(peer.scheme)
        assert line is not None
        line.status = FROZEN
        lines.touch(line)
        node.lines.finish(tx, lines)

    await node.store.write(unit)
    node.lines.bring_together(peer.scheme)


@pytest.mark.parametrize("which", [0, 1])
def test_the_other_side_hears_of_it_and_begins_nothing_new(which: int) -> None:
    """Rule 6.8: whichever side noticed; and a restart of who heard it forgets nothing for long."""

    async def scenario(town: SmallTown) -> None:
        two = await ends(town, *PAIR)
        noticed, other = two[which], two[1 - which]
        await freeze_here(noticed, other)
        await asyncio.sleep(20)
        assert other.lines.stops.is_frozen_at(noticed.scheme)
        assert (await line_between(other, noticed)).status == OPEN, "nothing is stored or moved by it"
        assert other.lines.room_to(noticed.scheme) == 0
        assert not noticed.lines.stops.is_frozen_at(other.scheme)
        await other.restart()
        await asyncio.sleep(60)
        assert other.lines.stops.is_frozen_at(noticed.scheme)

    in_town(scenario, PAIR)


def test_once_it_goes_on_there_is_room_again() -> None:
    """Rule 6.8: at once, not when the word is forgotten."""

    async def scenario(town: SmallTown) -> None:
        low, high = await ends(town, *PAIR)
        await freeze_here(high, low)
        await asyncio.sleep(20)
        assert low.lines.stops.is_frozen_at(high.scheme)
        await go_on(town, *PAIR, owed_by_low=0)
        assert not low.lines.stops.is_frozen_at(high.scheme)
        assert not high.lines.stops.is_frozen_at(low.scheme)
        await trade_again(town, *PAIR)
        assert (await town["Oakvale"].buy("Ana", "Riverside", "Karim", 5)).ended

    in_town(scenario, PAIR)


def test_a_word_that_is_not_repeated_is_forgotten() -> None:
    """Rule 6.8: kept for a minute; of an epoch that ended here, or of nobody's line, it is not heard."""

    async def begin(_network: SimulatedNetwork) -> None:
        clock = LoopClock(EPOCH_MS)
        stops = Stops(clock, lambda *_what: True)
        town = SmallTown(_network, PAIR, [PAIR])
        await town.open()
        node, peer = town["Oakvale"], town["Riverside"]
        line = await line_between(node, peer)
        stops.hear(peer.scheme, line.state.line, 0)
        assert stops.is_frozen_at(peer.scheme)
        await asyncio.sleep(COUNTS_FOR_MS / 1000)
        assert not stops.is_frozen_at(peer.scheme)
        line.state = line.state._replace(epoch=3)
        stops.took([line])
        stops.hear(peer.scheme, line.state.line, 2)
        assert not stops.is_frozen_at(peer.scheme)
        stops.hear(peer.scheme, line.state.line, 3)
        assert stops.is_frozen_at(peer.scheme)
        # Of a line that is not theirs nothing is heard, whoever says it.
        session = node.links.live[peer.scheme]
        foreign = Frame(FrameType.LINE_FROZEN, (LineId(bytes(32)), 0))
        await node.lines.on_frame(session, foreign)
        assert not node.lines.stops.is_frozen_at(peer.scheme)
        await town.stop()

    run_virtual(begin)
