"""The town of the simulator: real services on real keys, lines and tables, opened once and copied for each seed.

Drawing keys and opening lines would take half of a short run. So one town of each size is built and brought to rest,
and a run begins with copies of its disks; everything after that is drawn from the seed.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING

from crypto.keys import VerifyingKey
from node.clock import LoopClock, SeededChance
from node.keychange import renew, rotate
from node.keyfiles import Drawn, draw_keys
from node.keyring import KeyRing
from node.services.directory import Directory
from node.simulation.network import SimulatedNetwork
from node.simulation.virtual_loop import EPOCH_MS
from node.store import Memory, StoreError
from protocol.line_ops import Limit, Op
from protocol.message import trusted_message
from protocol.names import LineId, SchemeId
from protocol.units import HOUR, Rate
from tests.invariants import Violated
from tests.simulation import run_virtual
from tests.small_town import Phonebook, SettlingNode, SmallTown

if TYPE_CHECKING:
    from tests.simulator.liars import Liar
    from tests.simulator.watch import Watch

NAMES = ("Oakvale", "Hilltop", "Riverside", "Mill", "Ford", "Heath", "Lund", "Weir")
FIRST_LIMIT = Limit(owed_max=12 * HOUR, pending_max=24 * HOUR, open_max=5)
# Who lives in each scheme: name → (credit limit, ceiling), in minor units. Two have room enough, two have little.
MEMBERS: dict[str, tuple[int, int | None]] = {
    "Ana": (10**12, None), "Eva": (3_000, None), "Karim": (10**12, None), "Lea": (10**12, 5_000),
}  # fmt: skip
BUYERS, SELLERS = ("Ana", "Ana", "Eva"), ("Karim", "Karim", "Lea")
# The run begins this long after the disks were made.
LATER_MS = 3_600_000


class PowerCut(BaseException):
    """The end of a node in the middle of a statement."""


@dataclass(frozen=True)
class Template:
    """A town at rest: every scheme has a line with every other."""

    names: tuple[str, ...]
    drawn: dict[str, Drawn]  # keys, and what is kept away from them
    members: dict[str, dict[str, int]]
    disks: dict[str, bytes]
    lines: dict[str, dict[int, LineId]]  # of each node, by number
    chains: dict[tuple[LineId, SchemeId], tuple[tuple[bytes, Op], ...]]  # by line and author: ids and ops


@lru_cache(maxsize=4)
def template(size: int) -> Template:
    """Return the town that all runs of this size begin with."""
    names = NAMES[:size]

    async def build(network: SimulatedNetwork) -> Template:
        town = _Founding(network, names)
        await town.open(FIRST_LIMIT)
        for node in town.nodes.values():
            for member, (credit_limit, ceiling) in MEMBERS.items():
                await node.open_member(member, credit_limit=credit_limit, ceiling=ceiling)
        await town.settle()
        await asyncio.sleep(20)  # what was seen is noted
        made = Template(
            names=names,
            drawn=town.drawn,
            members={name: dict(node.members) for name, node in town.nodes.items()},
            disks={name: image(node.disk) for name, node in town.nodes.items()},
            lines={},
            chains={},
        )
        for name, node in town.nodes.items():
            rows = raw(node.disk).execute("SELECT no, id FROM line").fetchall()
            made.lines[name] = {no: LineId(line_id) for no, line_id in rows}
            for line_no, wire in raw(node.disk).execute(
                "SELECT line_no, wire FROM op WHERE mine = 1 ORDER BY seq"
            ):
                op = trusted_message(Op, wire)
                key = (made.lines[name][line_no], node.scheme)
                made.chains[key] = (*made.chains.get(key, ()), (op.id, op.body))
        await town.stop()
        return made

    return run_virtual(build, 0)


def raw(disk: object):
    """Return the connection under a disk in memory: for looking at it from outside, as a node cannot."""
    assert isinstance(disk, Memory)
    return disk._raw


def image(disk: object) -> bytes:
    """Return a disk's bytes as they are, in the middle of a transaction too."""
    return raw(disk).serialize()


class KnowingNode(SettlingNode):
    """A scheme that knows others by the identity logs they show, and keeps these on its disk."""

    async def open_directory(self) -> Directory:
        """Return who the others are, as far as the disk says."""
        self.directory = Directory(store=self.store, keyring=self.keyring, clock=self.clock)
        await self.directory.load()
        return self.directory


class _Founding(SmallTown):
    """Schemes with keys as `interlets init` draws them, each in touch with every other."""

    def __init__(self, network: SimulatedNetwork, names: tuple[str, ...]):
        super().__init__(network, names, list(itertools.combinations(names, 2)))
        self.drawn = {name: draw_keys(SeededChance(f"keys of {name}"), EPOCH_MS) for name in names}
        self.nodes = {
            name: KnowingNode(name, self, 60, keyring=drawn.keys.keyring)
            for name, drawn in self.drawn.items()
        }


class SimNode(KnowingNode):
    """A scheme of a simulated town. Its commits are watched, and it can be cut off in the middle of any statement."""

    town: SimTown

    def __init__(self, town: SimTown, name: str, rate: int, made: Template):
        super().__init__(name, town, rate, keyring=made.drawn[name].keys.keyring)
        self.drawn = made.drawn[name]
        self.stolen: list[KeyRing] = []  # keys of before, which somebody has
        self.disk = Memory()
        raw(self.disk).deserialize(made.disks[name])
        self.members = dict(made.members[name])
        self.is_up = False
        self.down_for_good = False
        self.liar: Liar | None = None
        self.skew_ms = 0
        self.rates = {rate}  # every rate it ever had
        self.backups = [made.disks[name]]  # the newest last
        self.was_restored = False
        self.statements_left: int | None = None
        self._before: bytes | None = None
        self._group = False  # something of the transaction under way was run

    async def boot(self) -> None:
        """Start on what the disk holds, with the clock as wrong as it is."""
        self.clock = LoopClock(EPOCH_MS + LATER_MS, self.skew_ms)
        self.statements_left = None
        self._group = False
        self.town.watch.booted(self)
        if self.was_restored:
            self.town.watch.restored(self)
        await super().boot()
        if self.liar is not None:
            self.liar.booted()
        self.is_up = True

    async def crash(self) -> None:
        """End at once."""
        self.is_up = False
        self.statements_left = None
        await super().crash()

    def leave_network(self) -> None:
        """Go off the network; rather without a word, as the death of a machine is, where that is among the faults."""
        if self.town.half_open and self.town.random.random() < 0.7:
            self.town.story.happened("half-open", f"nobody notices that {self.name} is gone")
            self.town.network.vanish(self.name)
        else:
            super().leave_network()

    def put_back(self) -> None:
        """Let the disk be as some backup says. Backups that are newer are of a past that never was."""
        at = (
            len(self.backups) - 1
            if self.town.random.random() < 0.6
            else self.town.random.randrange(len(self.backups))
        )
        self.disk.restore(self.backups[at])
        del self.backups[at + 1 :]
        self.was_restored = True

    def change_keys(self, purposes: Iterable[str], *, by_sheet: bool) -> None:
        """Put fresh keys in the place of those for `purposes`, as admins do with the node stopped. Source: 2.2, 2.3."""
        chance = SeededChance(f"fresh {self.name} {self.keyring.identity.seq}")
        keys, root, sheet, now_ms = self.drawn.keys, self.drawn.root, self.drawn.sheet, self.clock.now_ms()
        self.stolen.append(self.keyring)
        if by_sheet:
            rotated = rotate(keys, sheet, chance, now_ms)
            keys, root, sheet = rotated.keys, rotated.root, rotated.sheet
        keys = renew(keys, root, purposes, chance, now_ms)
        self.drawn = Drawn(keys=keys, root=root, sheet=sheet)
        self.keyring = keys.keyring

    def cut_at(self, statement: int) -> None:
        """Let the power fail at the n-th statement from now; each COMMIT counts twice: before it, and after it."""
        self.statements_left = statement

    def meet(self, what: str) -> None:
        """Be told of each statement and COMMIT."""
        if what == "COMMITTED":
            self._group = False
            self.town.watch.committed(self)
        if self.statements_left is None:
            return
        if what == "COMMITTED":
            self._before = None
        elif not self._group:
            self._before, self._group = image(self.disk), True
        self.statements_left -= 1
        if self.statements_left <= 0:
            self._power_cut(what)

    def _power_cut(self, what: str) -> None:
        self.statements_left = None
        expected = self._before if self._before is not None else image(self.disk)
        self.store.crash()
        if image(self.disk) != expected:
            self.town.watch.fail(
                Violated(f"I7 {self.name}'s disk is between two states after a crash at {what}")
            )
        statement = what if what.startswith("COMMIT") else " ".join(what.split()[:3])
        self.town.story.happened("crashes", f"{self.name} loses power at {statement}")
        self.is_up = False
        self.town.fell(self)
        raise PowerCut


class SimTown(SmallTown):
    """Some of the lines of the template, with the rates, clocks and weather of a seed."""

    nodes: dict[str, SimNode]  # type: ignore[assignment]  # ours have more

    def __init__(self, network: SimulatedNetwork, size: int, seed: int, random: Random, *, mixed: bool):
        from tests.simulator.story import Story  # here: it needs none of this
        from tests.simulator.watch import Watch

        made = template(size)
        self.network, self.seed, self.random = network, seed, random
        self.phonebook = Phonebook()
        self.story = Story(network.loop.time)
        network.on_arrival = self.story.message
        ring = {frozenset(pair) for pair in zip(made.names, made.names[1:] + made.names[:1], strict=True)}
        self._lines = [
            pair
            for pair in itertools.combinations(made.names, 2)
            if frozenset(pair) in ring or random.random() < 0.3
        ]
        self.nodes = {}
        self.down: set[str] = set()
        self.dark_until = 0.0
        self.half_open = False  # whoever goes may go without a word
        self.returning: list[asyncio.Task[None]] = []
        self.names = {drawn.keys.keyring.scheme: name for name, drawn in made.drawn.items()}
        self.watch: Watch = Watch(self, made)
        for name in made.names:
            rate = random.choice([1, 7, 60, 100, 1200, 3600, random.randrange(1, 100_000)]) if mixed else 60
            self.nodes[name] = SimNode(self, name, rate, made)
            self.nodes[name].ways = SimWays(self, name)

    def __getitem__(self, name: str) -> SimNode:
        return self.nodes[name]

    def name_of(self, scheme: SchemeId) -> str:
        return self.names[scheme]

    @property
    def edges(self) -> list[tuple[str, str]]:
        """Who trades with whom."""
        return self._lines

    @property
    def honest(self) -> list[SimNode]:
        """Everybody who never lies."""
        return [node for node in self.nodes.values() if node.liar is None]

    def fell(self, node: SimNode) -> None:
        """A node lost its power: somebody will start it again."""
        self.down.add(node.name)
        after = self.random.choice([0.0, 0.01, 1.0, 1.0, 5.0, 40.0])
        self.returning.append(asyncio.ensure_future(self._start_again(node, after)))

    async def _start_again(self, node: SimNode, after: float) -> None:
        await node.crash()
        await asyncio.sleep(after)
        await self.start(node)

    async def start(self, node: SimNode) -> None:
        """Boot a node that is down, as soon as there is power."""
        await asyncio.sleep(max(0.0, self.dark_until - self.network.loop.time()))
        await node.boot()
        self.down.discard(node.name)
        self.story.happened("boots", f"{node.name} boots")

    def key_ever(self, scheme: SchemeId, purpose: str, key_seq: int) -> VerifyingKey | None:
        """Return a key that a scheme ever had for a purpose, whatever became of it."""
        given = self[self.name_of(scheme)].keyring.identity.delegation(key_seq)
        return given.verifying if given is not None and given.purpose == purpose else None

    async def tell_keys(self) -> None:
        """Let everybody who is up hear of everybody's keys, as gossip does in time."""
        for node in self.nodes.values():
            for other in self.nodes.values():
                if node.is_up and node.directory.seq(other.scheme) < other.keyring.identity.seq:
                    with suppress(StoreError):  # it goes down meanwhile
                        await node.directory.learn(other.keyring.log)

    def paths(self, one: str, other: str, hops_max: int = 5) -> Iterable[tuple[str, ...]]:
        """Yield every way from one to the other that passes nobody twice."""
        todo = [(one,)]
        while todo:
            path = todo.pop()
            if path[-1] == other:
                yield path
            elif len(path) <= hops_max:
                todo += [(*path, each) for each in self.neighbours_of(path[-1]) if each not in path]


class SimWays:
    """Routes in an order that the seed draws anew each time."""

    def __init__(self, town: SimTown, name: str):
        self._town, self._name = town, name
        self._known: dict[str, list[tuple[SchemeId, ...]]] = {}

    def candidates(self, goal: SchemeId, hours: int) -> list[tuple[SchemeId, ...]]:
        """Return some ways, short or long."""
        other = self._town.name_of(goal)
        known = self._known.get(other)
        if known is None:
            paths = sorted(self._town.paths(self._name, other))
            known = [tuple(self._town[each].scheme for each in path) for path in paths]
            self._known[other] = known
        return self._town.random.sample(known, min(2, len(known)))


def any_rate(random: Random) -> Rate:
    """Return a rate as some scheme somewhere has it: minor units an hour."""
    return Rate(minor_per_hour=random.choice([1, 7, 60, 100, 1200, 3600, random.randrange(1, 100_000)]))
