"""Nodes started from old backups, in virtual time. Rule 6.7; every test ends with all invariants of rule 11 checked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from node.services.accounts import all_accounts
from node.services.acts import Actor, Role
from node.services.line_rows import OPEN, STOPPED
from node.services.line_units import LineRefused
from node.services.quotes import Offer
from node.services.recovery import read_recovered
from node.services.settlement import CannotPay, NoPayment, Payment
from node.services.trades import newest_trade
from node.simulation.network import SimulatedNetwork
from protocol.frame import FrameType
from protocol.ledger import LOCAL
from protocol.limits import LOCK_DEADLINE_MS
from protocol.line import author
from protocol.line_ops import Limit
from protocol.message import sign_message
from tests.simulation import run_virtual
from tests.small_town import WIDE, SettlingNode, SmallTown, chain

ROW = ["Oakvale", "Hilltop", "Riverside"]
ROSA = Actor(no=None, name="Rosa", role=Role.ORGANISER, proof="password")
Scenario = Callable[[SmallTown], Awaitable[None]]


def in_town(scenario: Scenario, *, names: list[str] = ROW, seed: int = 0, opened: bool = True) -> None:
    """Run `scenario` in a row of schemes: Ana in the first, Karim in the last."""

    async def begin(network: SimulatedNetwork) -> None:
        town = SmallTown(network, names, chain(*names), seed=seed)
        await (town.open() if opened else town.boot())
        town.before_members = {name: town[name].snapshot() for name in names}
        town.route(*names)
        town.route(*reversed(names))
        await town[names[0]].open_member("Ana")
        await town[names[-1]].open_member("Karim")
        await scenario(town)
        await town.stop()

    run_virtual(begin, seed)


def keep_backups(node: SettlingNode) -> list[bytes]:
    """Return a list to which every state is added that the node commits from now on."""
    taken = [node.snapshot()]

    def after_commit(what: str) -> None:
        if what == "COMMITTED":
            taken.append(node.snapshot())

    node.fault = after_commit
    return taken


async def came_back(node: SettlingNode) -> list[str]:
    return sorted(row.kind for row in await node.store.read(read_recovered))


@pytest.mark.parametrize("name", ROW)
def test_a_backup_from_any_moment_of_a_trade_gets_back_what_it_lacks(name: str):
    """Rule 6.7 (b), (c): payer, connector and payee, put back to each state they ever were in, all lines known."""

    async def scenario(town: SmallTown) -> None:
        node, ana, karim = town[name], town["Oakvale"], town["Riverside"]
        backups = keep_backups(node)
        for _ in range(2):
            assert (await ana.buy("Ana", "Riverside", "Karim", 5)).ended
            assert (await karim.buy("Karim", "Oakvale", "Ana", 2)).ended
        await town.settle()
        node.fault = None
        before = (await ana.balance("Ana"), await karim.balance("Karim"))
        assert before == (-6, 6)
        for backup in dict.fromkeys(backups):
            await node.restore(backup)
            await town.until_async(town.all_usable, 60)
            await town.settle()
            assert (await ana.balance("Ana"), await karim.balance("Karim")) == before
        assert len(set(backups)) > 10

    in_town(scenario)


def test_what_came_back_is_listed_for_the_organisers():
    """Rule 6.7 (b): op by op, with the trade it belongs to."""

    async def scenario(town: SmallTown) -> None:
        ana, karim = town["Oakvale"], town["Riverside"]
        backups = {name: town[name].snapshot() for name in ROW}
        assert (await ana.buy("Ana", "Riverside", "Karim", 5)).ended
        await town.settle()
        assert [await came_back(node) for node in town.nodes.values()] == [[], [], []]
        for name in ROW:
            await town[name].restore(backups[name])
            await town.until_async(town.all_usable, 60)
            await town.settle()
        assert [await came_back(node) for node in town.nodes.values()] == [
            ["lock"],
            ["claim", "lock"],
            ["claim"],
        ]
        for node, amount in ((ana, 5), (karim, 5)):
            (row,) = await node.store.read(read_recovered)
            assert (row.amount, row.known, row.beyond) == (amount, True, False)
            assert row.reference is not None

    in_town(scenario)


@pytest.mark.parametrize("name", ROW)
def test_a_backup_from_before_the_lines_were_opened(name: str):
    """Rule 6.7 (b): even a line that the database has never heard of comes back, with all that happened on it."""

    async def scenario(town: SmallTown) -> None:
        node, ana, karim = town[name], town["Oakvale"], town["Riverside"]
        backup = node.snapshot()
        await town.open_lines()
        assert (await ana.buy("Ana", "Riverside", "Karim", 5)).ended
        await town.settle()

        await node.restore(backup)
        await town.until_async(town.all_open, 90)
        await town.settle()
        assert (await ana.balance("Ana"), await karim.balance("Karim")) == (-5, 5)
        assert (await karim.buy("Karim", "Oakvale", "Ana", 2)).ended
        await town.settle()

    in_town(scenario, opened=False)


@pytest.mark.parametrize("name, member", [("Oakvale", "Ana"), ("Riverside", "Karim")])
def test_for_whoever_joined_since_the_backup_the_chest_answers(name: str, member: str):
    """Rule 6.7 (b): the books stay whole, and the organisers read that the account is not here."""

    async def scenario(town: SmallTown) -> None:
        ana, node = town["Oakvale"], town[name]
        backup = town.before_members[name]
        assert (await ana.buy("Ana", "Riverside", "Karim", 5)).ended
        await town.settle()
        await node.restore(backup)
        await town.until_async(town.all_usable, 60)
        await town.settle()
        (row,) = await node.store.read(read_recovered)
        assert (row.amount, row.known) == (5, False)
        chest = [held.value.balance for held, role in await node.store.read(all_accounts) if role == "chest"]
        assert chest == [-5 if name == "Oakvale" else 5]

    in_town(scenario)


@pytest.mark.parametrize("name", ROW)
@pytest.mark.parametrize("at", ["lock-stored", "claim-stored"])
def test_an_old_backup_in_the_middle_of_a_payment_while_a_neighbour_is_away(name: str, at: str):
    """Rule 6.7 (c), (d): what may have been passed on waits for the neighbour; nothing is released too early."""

    async def scenario(town: SmallTown) -> None:
        node, hilltop, ana = town[name], town["Hilltop"], town["Oakvale"]
        backup = node.snapshot()
        cut = ("Hilltop", "Riverside") if at == "lock-stored" else ("Oakvale", "Hilltop")
        payment = await ana.begin("Ana", "Riverside", "Karim", 5)
        await town.until_async(lambda: has_ops(hilltop, 5 if at == "lock-stored" else 6), every=0.005)
        town.network.cut(*cut)
        await asyncio.sleep(20)
        await node.restore(backup)
        await asyncio.sleep(40)
        await town.check_always()
        town.network.mend(*cut)
        await town.until_async(town.all_usable, 300)
        await town.settle(600)
        states = [row[2] for snapshot in await town.snapshots() for row in snapshot.payments]
        assert states in (["paid"], ["failed"])
        assert payment.no >= 1

    in_town(scenario)


async def has_ops(node: SettlingNode, length: int) -> bool:
    return sum(line.state.own_length for line in await node.line_states()) >= length


async def restored_while_locked(town: SmallTown, backup: bytes) -> None:
    """Oakvale forgets a payment that Riverside has not answered, and gets it back from Hilltop."""
    oakvale = town["Oakvale"]
    await oakvale.begin("Ana", "Riverside", "Karim", 5)
    await town.until_async(lambda: has_ops(town["Hilltop"], 5), every=0.005)
    town.network.cut("Hilltop", "Riverside")
    await asyncio.sleep(1)
    await oakvale.restore(backup)
    await town.until_async(lambda: has_ops(oakvale, 3), 60)


def test_after_a_restore_a_second_payment_for_the_same_thing_waits_for_the_first():
    """Rules 6.6, 6.7 (b): the words came back with no op, and neither did the mark of the form; the amount is still set aside."""

    async def scenario(town: SmallTown) -> None:
        oakvale = town["Oakvale"]
        offer = await oakvale.ask("Riverside", "Karim", 5, "jam")
        other = await oakvale.ask("Riverside", "Karim", 6, "eggs")
        assert isinstance(offer, Offer)
        assert isinstance(other, Offer)
        await restored_while_locked(town, oakvale.snapshot())
        assert await oakvale.held("Ana") == 5

        def pay(offer: Offer) -> Awaitable[Payment]:
            return oakvale.settlement.pay(
                offer, account_no=oakvale.members["Ana"], entered_by="Ana", once=offer.id[:16]
            )

        with pytest.raises(CannotPay) as stopped:
            await pay(offer)
        assert stopped.value.reason is NoPayment.WAITING
        assert not (await pay(other)).ended, "another thing is another thing"
        town.network.mend("Hilltop", "Riverside")
        await town.until_async(town.all_usable, 300)
        await town.settle(900)

    in_town(scenario)


@pytest.mark.parametrize("is_claimed", [True, False])
def test_what_the_chest_set_aside_for_somebody_unknown_ends_on_its_statement(is_claimed: bool):
    """Rule 6.7 (b): not under way for ever, and not called freed: nobody freed it."""

    async def scenario(town: SmallTown) -> None:
        oakvale = town["Oakvale"]
        await restored_while_locked(town, town.before_members["Oakvale"])
        if not is_claimed:
            await asyncio.sleep(LOCK_DEADLINE_MS / 1000)  # after it Riverside lets it go
        town.network.mend("Hilltop", "Riverside")
        await town.until_async(town.all_usable, 300)
        await town.settle(900)
        (chest,) = [
            held.no
            for held, role in await oakvale.store.read(all_accounts)
            if role == "chest" and held.value.unit == LOCAL
        ]
        trade = await oakvale.store.read(newest_trade, chest)
        assert trade is not None
        assert (trade.state, trade.reason) == (("done", None) if is_claimed else ("undone", "too-late"))

    in_town(scenario)


def test_that_organisers_stopped_trading_is_known_again():
    """Rules 6.6, 6.7 (b): from the LIMIT of zero that told the neighbour; and trading again, from the one after it."""

    async def scenario(town: SmallTown) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        backup = oakvale.snapshot()
        await oakvale.neighbours.stop(ROSA, hilltop.scheme)
        await town.settle()
        stopped = oakvale.snapshot()
        for old, status in ((backup, STOPPED), (stopped, OPEN)):
            if status == OPEN:
                await oakvale.neighbours.resume(ROSA, hilltop.scheme, WIDE, None)
                await town.settle()
            await oakvale.restore(old)
            await town.until_async(town.all_usable, 60)
            await town.settle()
            (line,) = await oakvale.line_states()
            assert line.status == status

    in_town(scenario, names=ROW[:2])


def test_only_ops_of_my_own_that_i_signed_are_taken_back():
    """Rule 6.7 (b): a neighbour can give back what I signed, and nothing else."""

    async def scenario(town: SmallTown) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        (line,) = await oakvale.line_states()
        body, _ = author(line.state, Limit(owed_max=0, pending_max=0, open_max=0), 1)
        forged = sign_message(body, *reversed(hilltop.keyring.signing["line"]))
        session = hilltop.links.live[oakvale.scheme]
        session.offer(FrameType.OPS, (line.state.line, (forged.wire,)))
        await asyncio.sleep(5)
        (after,) = await oakvale.line_states()
        assert after.state.own_length == line.state.own_length
        assert await came_back(oakvale) == []

    in_town(scenario)


def test_a_copy_of_the_node_that_wrote_elsewhere_stops_the_line():
    """T31: two of my own ops at one place are somebody else with my keys; nothing more is written."""

    async def scenario(town: SmallTown) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        (line,) = await oakvale.line_states()
        before = line.state._replace(own_length=line.state.own_length - 1)
        body, _ = author(before, Limit(owed_max=7, pending_max=7, open_max=7), 1)
        copied = oakvale.keyring.sign("line", body)
        hilltop.links.live[oakvale.scheme].offer(FrameType.OPS, (line.state.line, (copied.wire,)))
        await asyncio.sleep(5)
        (after,) = await oakvale.line_states()
        assert after.status == "suspended"
        assert after.state == line.state
        await town.stop()

    async def begin(network: SimulatedNetwork) -> None:
        town = SmallTown(network, ROW[:2], chain(*ROW[:2]))
        await town.open()
        await scenario(town)

    run_virtual(begin)


def test_after_a_restore_nobody_agrees_to_a_line_before_the_peer_was_heard():
    """Rule 6.7 (c): I may have agreed already, and forgotten it; a second OPEN of mine would be a fork."""

    async def scenario(town: SmallTown) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        await oakvale.lines.propose(hilltop.scheme, WIDE)
        await town.until_async(lambda: town.was_asked("Hilltop"), 30)
        asked = hilltop.snapshot()
        await hilltop.lines.agree(oakvale.scheme, WIDE)
        await town.until_async(town.all_usable, 60)
        town.network.cut("Oakvale", "Hilltop")
        await hilltop.restore(asked)
        with pytest.raises(LineRefused):
            await hilltop.lines.agree(oakvale.scheme, WIDE)
        town.network.mend("Oakvale", "Hilltop")
        await town.until_async(town.all_usable, 90)
        assert await came_back(hilltop) == ["limit", "open"]

    in_town(scenario, names=ROW[:2], opened=False)


@pytest.mark.parametrize("others", [["Riverside"], ["Oakvale"]])
def test_two_neighbours_that_lost_the_same_ops_stop_their_line(others: list[str]):
    """Rule 6.8: both chains agree and are too short; the connector's other line still knows better."""

    async def scenario(town: SmallTown) -> None:
        hilltop = town["Hilltop"]
        lost = ["Hilltop", *others]
        backups = {name: town[name].snapshot() for name in lost}
        await town["Oakvale"].buy("Ana", "Riverside", "Karim", 5)
        await town.settle()
        assert await hilltop.store.write(hilltop.lines.units.stop_where_both_lost) == []
        for name in lost:
            await town[name].crash()
            town[name].disk.restore(backups[name])
        for name in lost:
            await town[name].boot()
        # Found when the line could be used again, or else by the look that comes once a minute.
        await town.until_async(lambda: compared(town), 120)
        await hilltop.store.write(hilltop.lines.units.stop_where_both_lost)
        frozen = [line.peer for line in await hilltop.line_states() if line.status == "frozen"]
        assert frozen == [town[name].scheme for name in others]
        assert await hilltop.store.write(hilltop.lines.units.stop_where_both_lost) == []
        raise Agreed

    with pytest.raises(Agreed):
        in_town(scenario)


async def compared(town: SmallTown) -> bool:
    """Whether every line was compared since the boots."""
    lines = [line for node in town.nodes.values() for line in await node.line_states()]
    return all(line.usable or line.status == "frozen" for line in lines)


class Agreed(Exception):
    """People take it from here: what was lost on both sides comes to no rest by itself."""


def test_one_restored_node_stops_no_line():
    """Rule 6.8 is not 6.7: what a neighbour still has comes back."""

    async def scenario(town: SmallTown) -> None:
        backups = {name: town[name].snapshot() for name in ROW}
        await town["Oakvale"].buy("Ana", "Riverside", "Karim", 5)
        await town.settle()
        for name in ROW:
            await town[name].restore(backups[name])
            for _ in range(40):
                await asyncio.sleep(1)
                for node in town.nodes.values():
                    assert await node.store.write(node.lines.units.stop_where_both_lost) == []
        await town.settle()

    in_town(scenario)
