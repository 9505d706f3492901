"""Towns in which both ends of one line go back to old backups, of different moments, while trade goes on: a run from a seed.

Beside `run.py`, whose watch knows what was ever written: here some of that is gone for good, and people settle it (6.8).
What can hold then is looked at when all has come to rest. Source: docs/protocol.md 6.8, 11.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from random import Random
from typing import Final

from node.services.line_rows import FROZEN, SUSPENDED
from node.services.quotes import Offer
from node.services.settlement import CannotPay
from node.simulation.network import SimulatedNetwork, Weather
from node.store import StoreError
from protocol.line_view import LOW
from tests.invariants import (
    Snapshot,
    Violated,
    check_connector,
    check_copy,
    check_exposure,
    check_no_forks,
    check_payee,
    check_payer,
    check_postings,
    check_rest,
    check_same_copies,
    take_snapshot,
)
from tests.node.services.test_reopening import answer, books_of, fits_at, line_between, offer, trade_again
from tests.simulation import run_virtual
from tests.small_town import SettlingNode, SmallTown

NAMES: Final = ("Oakvale", "Hilltop", "Riverside", "Mill")
PURCHASES: Final = 14
ROUNDS: Final = 8  # of looking and agreeing
REST_S: Final = 1_500


@dataclass
class Told:
    """What came of a run."""

    violated: str = ""  # empty: everything holds
    frozen: int = 0  # lines on which somebody noticed
    agreed: int = 0  # times that people of both sides let a line go on
    carried: int = 0  # locks that went on with it
    story: list[str] = field(default_factory=list)


def both_lost(seed: int) -> Told:
    """Run one town to its verdict."""
    told = Told()

    async def begin(network: SimulatedNetwork) -> None:
        run = _Run(network, Random(f"both lost {seed}"), Random(f"again {seed}"), told)
        try:
            await run.whole()
        except Violated as wrong:
            told.violated = str(wrong)
        await run.town.stop()

    run_virtual(begin, seed)
    return told


class _Run:
    def __init__(self, network: SimulatedNetwork, random: Random, again: Random, told: Told):
        self.random, self.again, self.told = random, again, told
        ring = [("Oakvale", "Hilltop"), ("Hilltop", "Riverside"), ("Riverside", "Mill"), ("Oakvale", "Mill")]
        self.edges = ring[: random.choice([3, 3, 4])]
        self.town = SmallTown(network, NAMES, self.edges)
        self.network = network
        self.tasks: list[asyncio.Task[None]] = []
        self.lost: tuple[str, str] = random.choice(self.edges)

    async def whole(self) -> None:
        town, random = self.town, self.random
        await town.open()
        for node in town.nodes.values():
            for member in ("Ana", "Karim"):
                await node.open_member(member)
            for path in self._paths((node.name,)):
                town.route(*path)
        for one, other in self.edges:
            weather = Weather(
                loss=0.05 * random.random(), duplicate=0.2 * random.random(), delay_s=(0.05, 0.4)
            )
            self.network.set_weather(one, other, weather)
        at = {name: random.randrange(1, PURCHASES - 3) for name in self.lost}
        backups: dict[str, bytes] = {}
        for number in range(PURCHASES):
            for name, when in at.items():
                if number == when:
                    backups[name] = town[name].snapshot()
            self.tasks.append(asyncio.ensure_future(self._purchase()))
            await asyncio.sleep(random.choice([0.0, 0.3, 1.0, 8.0]))
        await self._go_back(backups, self.lost)
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for one, other in self.edges:
            self.network.set_weather(one, other, Weather())
        await self._settle()
        if self.again.random() < 0.5:
            await self._once_more(backups, self.again)
        self._judge([await node.store.read(take_snapshot, node.scheme) for node in town.nodes.values()])
        hours = sum([await books_of(node, "line") for node in town.nodes.values()])
        if hours:
            raise Violated(f"I9 the lines of all schemes sum to {hours}")

    def _paths(self, path: tuple[str, ...]) -> list[tuple[str, ...]]:
        further = [(*path, each) for each in self.town.neighbours_of(path[-1]) if each not in path]
        return further + [longer for each in further for longer in self._paths(each)]

    async def _purchase(self) -> None:
        buyer, seller = self.random.sample(NAMES, 2)
        node = self.town[buyer]
        try:
            price = await node.ask(seller, "Karim", self.random.randrange(1, 90), "jam")
            if isinstance(price, Offer):
                await node.settlement.pay(
                    price, account_no=node.members["Ana"], entered_by="Ana", once=node.chance.bytes(16)
                )
        except (CannotPay, StoreError):
            return  # no way, or a node went down

    async def _once_more(self, backups: dict[str, bytes], random: Random) -> None:
        """People buy on, and one of the two starts from its old backup again: from before the line went on anew."""
        self.tasks = []
        for _ in range(PURCHASES // 2):
            self.tasks.append(asyncio.ensure_future(self._purchase()))
            await asyncio.sleep(random.choice([0.0, 0.3, 1.0]))
        await self._go_back(backups, (random.choice(self.lost),))
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self._settle()

    async def _go_back(self, backups: dict[str, bytes], lost: tuple[str, ...]) -> None:
        """Disks break at once; old backups take their place."""
        names = list(lost)
        self.random.shuffle(names)
        for name in names:
            await self.town[name].crash()
        for name in names:
            self.town[name].disk.restore(backups[name])
        for name in names:
            await asyncio.sleep(self.random.choice([0.1, 3.0, 40.0]))
            await self.town[name].boot()
        self.told.story.append(f"{' and '.join(names)} go back")

    async def _settle(self) -> None:
        """Somebody looks once a minute; where a line is frozen, people agree, until all has come to rest."""
        for _ in range(ROUNDS):
            await self._wait()
            for node in self.town.nodes.values():
                self.told.frozen += len(await node.store.write(node.lines.units.stop_where_both_lost))
            frozen = [edge for edge in self.edges if FROZEN in await self._statuses(edge)]
            if not frozen:
                break
            for edge in frozen:
                await self._agree(edge)
        if not await self.town.at_rest():
            raise Violated("I17 something is under way for ever")
        if {FROZEN, SUSPENDED} & await self._all_statuses():
            raise Violated("6.8 a line is stopped still")

    async def _wait(self) -> None:
        waited = 0.0
        while waited < REST_S and not (await self.town.at_rest() and await self._quiet()):
            await asyncio.sleep(15)
            waited += 15
            if waited > 60 and FROZEN in await self._all_statuses():
                return
            for node in self.town.nodes.values():
                self.told.frozen += len(await node.store.write(node.lines.units.stop_where_both_lost))

    async def _quiet(self) -> bool:
        lines = [line for node in self.town.nodes.values() for line in await node.line_states()]
        return all(line.usable or line.status == FROZEN for line in lines)

    async def _all_statuses(self) -> set[str]:
        return {line.status for node in self.town.nodes.values() for line in await node.line_states()}

    async def _statuses(self, edge: tuple[str, str]) -> set[str]:
        one, other = (self.town[name] for name in edge)
        return {(await line_between(one, other)).status, (await line_between(other, one)).status}

    async def _agree(self, edge: tuple[str, str]) -> None:
        """The organisers of both sides choose a balance, and their nodes sign it."""
        one, other = (self.town[name] for name in edge)
        line = await line_between(one, other)
        low, high = (one, other) if line.state.me == LOW else (other, one)
        by_line = (await line_between(low, high)).state.owed
        owed = self.random.choice([by_line, by_line, 0, by_line + self.random.randrange(-(10**6), 10**6)])
        for _ in range(3):  # what was under way when they offered makes the offer stale: they write it again
            await offer(low, high, owed)
            if await self._fitting(low, high):
                break
        else:
            raise Violated(f"6.8 no offer between {' and '.join(edge)} ever fitted")
        self.told.carried += len((await line_between(high, low)).state.mine.locks())
        epoch = (await line_between(high, low)).state.epoch
        if not await answer(high, low, owed):
            raise Violated("6.8 what was offered could not be answered")
        self.told.agreed += 1
        self.told.story.append(f"{' and '.join(edge)} go on with {owed}")
        for _ in range(120):
            lines = [await line_between(one, other), await line_between(other, one)]
            if all(each.usable and each.state.epoch > epoch for each in lines):
                await trade_again(self.town, *edge)
                return
            await asyncio.sleep(1)
        raise Violated("I2 the two ends do not come into the same epoch")

    async def _fitting(self, low: SettlingNode, high: SettlingNode) -> bool:
        for _ in range(60):
            if await fits_at(high, low):
                return True
            await asyncio.sleep(1)
        return False

    def _judge(self, nodes: list[Snapshot]) -> None:
        check_no_forks(nodes)
        check_same_copies(nodes)
        names = {self.town[name].scheme for name in self.lost}
        for node in nodes:
            check_postings(node)
            for copy in node.copies:
                check_copy(copy)
                check_exposure(copy)
            if node.scheme not in names:  # whoever lost both ends of a lock cannot tell what it owed whom
                check_connector(node)
            check_payer(node)
            check_payee(node)
            check_rest(node)
