"""How it shows that both sides of a line lost ops: the line is frozen, and people agree. Source: docs/protocol.md 6.8."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from node.services import connector_desk
from node.services.both_lost import find_unbalanced
from node.services.line_rows import FROZEN, OPEN
from node.store import Tx
from protocol.frame import FrameType
from protocol.line import author
from protocol.line_ops import Release
from tests.invariants import take_snapshot
from tests.node.services.test_reopening import (
    ROW,
    begin_and_cut,
    books_of,
    ends,
    go_on,
    in_epoch,
    in_town,
    is_frozen,
    line_between,
    look,
)
from tests.small_town import WIDE, SettlingNode, SmallTown


def test_an_op_that_acknowledges_what_neither_holds_freezes_the_line():
    """Rule 6.8, second test."""

    async def scenario(town: SmallTown) -> None:
        oakvale, riverside = town["Oakvale"], town["Riverside"]
        line = await line_between(oakvale, riverside)
        body, _ = author(line.state, WIDE, oakvale.clock.now_ms())
        # What Oakvale signed before both went back: it had seen three ops of Riverside more.
        object.__setattr__(body, "ack", line.state.peer_length + 3)
        late = oakvale.keyring.sign("line", body)
        oakvale.links.live[riverside.scheme].offer(FrameType.OPS, (line.state.line, (late.wire,)))
        await asyncio.sleep(5)
        assert (await line_between(riverside, oakvale)).status == FROZEN
        assert (await line_between(riverside, oakvale)).state.peer_length == line.state.own_length

    in_town(scenario, ("Oakvale", "Riverside"))


def test_what_is_in_transit_with_nothing_under_way_freezes_the_line_concerned(
    monkeypatch: pytest.MonkeyPatch,
):
    """Rule 6.8, third test: and REOPEN takes it to the chest. What the fourth would have found at once is not looked at."""
    monkeypatch.setattr(connector_desk, "_was_let_go", lambda *_: False)

    async def scenario(town: SmallTown) -> None:
        hilltop, oakvale = town["Hilltop"], town["Oakvale"]
        payment = await begin_and_cut(town)
        # Hilltop let it go upstream, forgot so, and was claimed from downstream: the forbidden move, by a stale disk.
        await let_go_upstream(hilltop, oakvale)
        town.network.mend("Hilltop", "Riverside")
        await oakvale.settlement.wait(payment, 900)
        await town.until_async(town.at_rest, 900)
        left = await hilltop.store.write(unbalanced_at(hilltop))
        if not left:
            pytest.fail("Riverside did not claim")
        stopped = await hilltop.store.write(hilltop.lines.units.stop_where_both_lost)
        assert stopped == [oakvale.scheme]
        await go_on(town, "Oakvale", "Hilltop", 0)
        assert await books_of(hilltop, "transit") == 0
        assert await books_of(hilltop, "chest") == -5 * 60_000
        assert await hilltop.store.write(hilltop.lines.units.stop_where_both_lost) == []

    in_town(scenario)


def test_a_claim_of_what_was_let_go_upstream_freezes_the_line_at_once():
    """Rule 6.8, fourth test: an incoming lock was RELEASEd, and the outgoing one is claimed. The claim counts as written."""

    async def scenario(town: SmallTown) -> None:
        oakvale, hilltop, riverside = (town[name] for name in ROW)
        payment = await begin_and_cut(town)
        await let_go_upstream(hilltop, oakvale)
        await oakvale.settlement.wait(payment, 900)
        assert (await line_between(hilltop, riverside)).status == OPEN
        town.network.mend("Hilltop", "Riverside")
        await town.until_async(lambda: has_claimed(riverside, hilltop), 120)
        await asyncio.sleep(5)
        frozen = await line_between(hilltop, riverside)
        assert frozen.status == FROZEN
        assert frozen.state.owed == 5 * 60_000
        assert (await line_between(hilltop, oakvale)).status == OPEN
        # People agree that Riverside has it from Hilltop's chest; or they may agree on nothing owed.
        low, _ = await ends(town, "Hilltop", "Riverside")
        owed_by_low = frozen.state.owed if low is hilltop else -frozen.state.owed
        await go_on(town, "Hilltop", "Riverside", owed_by_low)
        assert await books_of(hilltop, "transit") == 0
        assert await books_of(hilltop, "chest") == -5 * 60_000

    in_town(scenario)


def test_a_number_that_was_given_anew_is_not_ended_by_what_was_known_of_the_lost_lock():
    """Rule 6.8, I5: the receipt of the lost one is not written for the other. Found by pairs of old backups, at seed 137."""

    async def scenario(town: SmallTown) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        await hilltop.open_member("Mia")
        town.route("Oakvale", "Hilltop")
        backups = {node: node.snapshot() for node in (oakvale, hilltop)}
        await oakvale.buy("Ana", "Riverside", "Karim", 5)
        await town.until_async(town.at_rest, 60)
        for node in backups:
            await node.crash()
        town.network.cut("Hilltop", "Riverside")
        for node, backup in backups.items():
            node.disk.restore(backup)
            await node.boot()
        line = await line_between(oakvale, hilltop)
        await town.until_async(lambda: in_epoch(town, 0, "Oakvale", "Hilltop"), 60)

        # Ana pays Mia now; before Hilltop hears of it, it has started anew and heard from Riverside what it had passed on.
        def not_heard(name: str, _args: tuple[object, ...], begins: bool) -> None:
            if name == "_begin" and not begins:
                town.network.cut("Oakvale", "Hilltop")

        oakvale.on_unit = not_heard
        payment = await oakvale.begin("Ana", "Hilltop", "Mia", 3)
        oakvale.on_unit = None
        assert (await line_between(oakvale, hilltop)).state.own_length == line.state.own_length + 1
        await hilltop.crash()
        town.network.mend("Hilltop", "Riverside")
        await hilltop.boot()
        await town.until_async(lambda: knows_an_end(hilltop), 60)
        town.network.mend("Oakvale", "Hilltop")
        await town.until_async(lambda: is_frozen(hilltop, oakvale), 60)
        assert not await knows_an_end(hilltop)
        await go_on(town, "Oakvale", "Hilltop", 0)
        ended = await oakvale.settlement.wait(payment.no, 900)
        assert ended.state.value in ("paid", "failed")
        await town.until_async(town.at_rest, 900)
        await look(town)
        assert await books_of(hilltop, "transit") == 0

    in_town(scenario)


async def knows_an_end(node: SettlingNode) -> bool:
    """Whether an end of a neighbour's lock is decided and waits to be written."""
    return bool((await node.store.read(take_snapshot, node.scheme)).decisions)


async def has_claimed(node: SettlingNode, up: SettlingNode) -> bool:
    """Whether `node` has claimed its neighbour's lock."""
    line = await line_between(node, up)
    return line.state.peer_length > 2 and not line.open_locks_of_peer()


def unbalanced_at(node: SettlingNode) -> Callable[[Tx], int]:
    def unit(tx: Tx) -> int:
        lines, _ = node.lines.desks(tx)
        return find_unbalanced(tx, lines, node.books).left

    return unit


async def let_go_upstream(node: SettlingNode, up: SettlingNode) -> None:
    def unit(tx: Tx) -> None:
        lines, _ = node.lines.desks(tx)
        line = lines.by_peer(up.scheme)
        assert line is not None
        (seq,) = line.open_locks_of_peer()
        lines.author(line, Release(lock=seq, reason="no-way"))
        node.lines.finish(tx, lines)

    await node.store.write(unit)
