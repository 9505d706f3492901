"""Late locks are asked about at growing intervals, and a peer that says nothing gets no new ones. Rules 6.6, 7.2."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from node.services.nudges import Nudges
from node.services.settlement import CannotPay
from node.simulation.network import SimulatedNetwork
from protocol.frame import FrameType
from protocol.limits import LATE_AFTER_MS, LOCK_DEADLINE_MS, NUDGE_FIRST_MS, NUDGE_MOST_MS, SILENT_AFTER_MS
from protocol.names import LineId, SchemeId
from protocol.payment import PayerState
from tests.fakes import StoppedClock
from tests.simulation import run_virtual
from tests.small_town import SmallTown, chain

LINE, OTHER = LineId(bytes(32)), LineId(b"2" * 32)
PEER = SchemeId(b"3" * 32)


def test_a_late_lock_is_asked_about_less_and_less_often() -> None:
    """Rule 6.6: after 1, 2, 4 … minutes, at most hourly; what ended meanwhile begins anew."""
    clock = StoppedClock()
    asked: list[tuple[int, LineId]] = []
    began = clock.now_ms()
    nudges = Nudges(
        store=None,  # type: ignore[arg-type]  # only `look` is asked
        clock=clock, own=PEER, ask=lambda line, peer: asked.append(((clock.now_ms() - began) // 60_000, line)),
    )  # fmt: skip
    for _ in range(6 * 60):
        nudges.look([(LINE, PEER)])
        clock.now += 60_000
    minutes = [minute for minute, _ in asked]
    assert minutes[:8] == [0, 1, 3, 7, 15, 31, 63, 123]
    assert {b - a for a, b in itertools.pairwise(minutes[7:])} == {NUDGE_MOST_MS // 60_000}
    assert NUDGE_FIRST_MS == 60_000

    nudges.look([])
    asked.clear()
    nudges.look([(LINE, PEER), (OTHER, PEER)])
    assert [line for _, line in asked] == [LINE, OTHER]


def test_a_lock_that_stays_open_is_asked_about() -> None:
    """Rule 7.2, payer and connector alike: SYNC goes out for a lock the peer acknowledged long ago."""

    async def scenario(network: SimulatedNetwork) -> None:
        town = SmallTown(
            network, ["Oakvale", "Hilltop", "Riverside"], chain("Oakvale", "Hilltop", "Riverside")
        )
        town.route("Oakvale", "Hilltop", "Riverside")
        await town.open()
        await town["Oakvale"].open_member("Ana")
        await town["Riverside"].open_member("Karim")
        payment = await town["Oakvale"].begin("Ana", "Riverside", "Karim", 60)

        async def credited() -> bool:
            return await town["Riverside"].balance("Karim") > 0

        await town.until_async(credited, 10, 0.001)
        town.network.cut("Hilltop", "Riverside")
        asked: list[int] = []
        links = town["Oakvale"].links
        request = links.request

        async def watched(peer: SchemeId, type_: FrameType, *args: Any) -> Any:
            asked.append(type_)
            return await request(peer, type_, *args)

        links.request = watched  # type: ignore[method-assign]  # the test listens
        await asyncio.sleep((LOCK_DEADLINE_MS + LATE_AFTER_MS) / 1000 - 120)
        assert asked == []
        await asyncio.sleep(120 + 16 * 60)
        assert asked == [FrameType.SYNC] * 5  # after 0, 1, 3, 7 and 15 minutes
        town.network.mend("Hilltop", "Riverside")
        assert (await town["Oakvale"].settlement.wait(payment.no, 900)).state is PayerState.PAID
        await town.settle()
        await town.stop()

    run_virtual(scenario)


def test_a_peer_in_session_that_says_nothing_gets_no_new_locks() -> None:
    """Rule 6.6: an hour without a word while something waits; before that, and once it answers, trade goes on."""

    async def scenario(network: SimulatedNetwork) -> None:
        town = SmallTown(network, ["Oakvale", "Hilltop"], chain("Oakvale", "Hilltop"))
        town.route("Oakvale", "Hilltop")
        await town.open()
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        await oakvale.open_member("Ana")
        await hilltop.open_member("Karim")
        listens = hilltop.lines.on_frame

        async def deaf(*_: Any) -> None:
            """Take no notice, as a hung service would; quotes and pings are answered."""

        hilltop.lines.on_frame = deaf  # type: ignore[method-assign]  # the test makes it deaf
        first = await oakvale.begin("Ana", "Hilltop", "Karim", 60)
        await asyncio.sleep(SILENT_AFTER_MS / 1000 - 60)
        second = await oakvale.begin("Ana", "Hilltop", "Karim", 60, "eggs")
        await asyncio.sleep(120)
        try:
            await oakvale.begin("Ana", "Hilltop", "Karim", 60, "milk")
            raise AssertionError("a third lock went to a silent peer")
        except CannotPay:
            pass
        hilltop.lines.on_frame = listens  # type: ignore[method-assign]  # see above
        for payment in (first, second):
            assert (await oakvale.settlement.wait(payment.no, 60)).ended
        assert (await oakvale.buy("Ana", "Hilltop", "Karim", 60, "milk")).state is PayerState.PAID
        await town.settle()
        await town.stop()

    run_virtual(scenario)
