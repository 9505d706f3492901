"""My ops on their way out. Rule 6.5; what is lost on the way is in `test_lines.py`."""

from __future__ import annotations

import asyncio

import pytest

from crypto.canonical import Value
from node.federation.links import Links
from node.services.line_rows import Line, read_lines
from node.services.lines import LineService
from node.services.quotes import Offer
from node.simulation.network import SimulatedNetwork
from protocol.frame import FrameType
from protocol.names import SchemeId
from protocol.payment import PayerState
from tests.simulation import run_virtual
from tests.small_town import WIDE, SettlingNode, SmallTown, chain

NAMES = ["Oakvale", "Riverside"]


def test_ops_of_one_commit_leave_in_one_frame_after_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule 6.5: in order, each once; who waits for nobody does not wait for the others of its commit."""
    frames: list[int] = []
    offer = Links.offer

    def counting(
        self: Links, scheme: SchemeId, kind: FrameType, payload: Value = None, *, request_id: int = 0
    ) -> bool:
        if kind is FrameType.OPS and scheme == riverside[0]:
            assert type(payload) is tuple
            assert type(payload[1]) is tuple
            frames.append(len(payload[1]))
        return offer(self, scheme, kind, payload, request_id=request_id)

    riverside: list[SchemeId] = []

    async def scenario(network: SimulatedNetwork) -> None:
        town = SmallTown(network, NAMES, chain(*NAMES), rates=[60, 60], seed=0)
        await town.open(WIDE)
        town.route(*NAMES)
        oakvale = town["Oakvale"]
        await oakvale.open_member("Ana", credit_limit=10_000)
        await town["Riverside"].open_member("Karim")
        offers = [await oakvale.ask("Riverside", "Karim", 60, f"thing {n}") for n in range(10)]
        riverside.append(town["Riverside"].scheme)
        monkeypatch.setattr(Links, "offer", counting)

        async def pay(offer: object) -> PayerState:
            assert isinstance(offer, Offer)
            begun = await oakvale.settlement.pay(
                offer, account_no=oakvale.members["Ana"], entered_by="Ana", once=offer.id
            )
            return (await oakvale.settlement.wait(begun.no, 60)).state

        ends = await asyncio.gather(*(pay(offer) for offer in offers))

        assert ends == [PayerState.PAID] * 10
        assert frames == [1, 9]
        await town.settle(600)
        await town.stop()

    run_virtual(scenario, 0)


def test_a_peer_that_is_sooner_than_we_are_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule 0.5: sessions begin before everything else here does; a question that comes then is no failure of ours."""
    run = LineService.run

    async def late(self: LineService) -> None:
        await asyncio.sleep(3)
        await run(self)

    async def scenario(network: SimulatedNetwork) -> None:
        town = SmallTown(network, NAMES, chain(*NAMES), rates=[60, 60], seed=0)
        await town.open(WIDE)
        oakvale, riverside = town["Oakvale"], town["Riverside"]
        await oakvale.crash()
        monkeypatch.setattr(LineService, "run", late)
        await oakvale.boot()
        await asyncio.sleep(2)
        assert riverside.scheme in oakvale.links.live
        (line,) = await lines_of(riverside)
        await riverside.lines.sync(line.state.line, line.peer)
        await asyncio.sleep(5)
        assert oakvale.quarantined == riverside.quarantined == []
        (ours,), (theirs,) = await lines_of(oakvale), await lines_of(riverside)
        assert ours.usable
        assert theirs.usable
        await town.stop()

    run_virtual(scenario, 0)


async def lines_of(node: SettlingNode) -> list[Line]:
    return await node.store.read(read_lines, node.scheme)
