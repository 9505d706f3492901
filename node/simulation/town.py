"""Towns of whole nodes in one process: the real node code and real SQLite, on a simulated network and clock.

What differs from serving is only what is handed to `Node`: inline stores, seeded chance, the loop's virtual time,
and channels in memory. No pages are served.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, TypeAlias

from node.app import Node, Options
from node.clock import LoopClock, SeededChance
from node.federation.caller import CallFailed, Place
from node.federation.channel import Channel
from node.keyfiles import Keys, draw_keys
from node.services.accounts import all_accounts
from node.services.awakening import Awakening
from node.services.catching_up import at_once
from node.services.line_rows import Line, read_lines
from node.services.settings import SchemeSettings
from node.simulation.network import SimulatedNetwork
from node.simulation.virtual_loop import EPOCH_MS
from node.store import InlineStore, Memory, SqliteDatabase, Store
from node.store.transaction import Fault
from node.waking import Waking
from protocol.ledger import HOURS, LOCAL, imbalance
from protocol.line_ops import Limit
from protocol.names import SchemeId

Disk: TypeAlias = Memory | SqliteDatabase


class TownError(Exception):
    """Something that a town needs did not come about in the time allowed."""


class Resident:
    """One scheme of a town: its keys and its disk, and its node while it is up."""

    def __init__(self, town: Town, name: str, options: Options, keys: Keys, database: Disk, skew_ms: int = 0):
        self.name: Final = name
        self.keys = keys  # changed only while the node is stopped
        self.options: Final = options
        self.fault: Fault | None = None
        self.skew_ms = skew_ms
        self.hindrances: Final[list[str]] = []  # why newer books that a neighbour keeps were not to be had
        self.may_go_on = False  # whether its people want to do without them
        self._town: Final = town
        self.disk: Final = database
        self._store: InlineStore | None = None
        self._node: Node | None = None

    @property
    def scheme(self) -> SchemeId:
        """The scheme's id."""
        return self.keys.keyring.scheme

    @property
    def node(self) -> Node:
        """The node, which is up."""
        assert self._node is not None, f"{self.name} is down"
        return self._node

    @property
    def is_up(self) -> bool:
        """Whether the node runs."""
        return self._node is not None

    async def boot(self) -> None:
        """Start the node on what its disk holds, or on newer books that a neighbour keeps."""
        if self.options.keep_copies and isinstance(self.disk, SqliteDatabase):
            await self._wake(self.disk)
        store = self._store = InlineStore(self.disk, self._hear)
        chance = SeededChance(f"{self._town.seed} {self.name} {self._town.network.loop.time()}")
        self._node = Node(
            self.options,
            store=store,
            clock=LoopClock(EPOCH_MS, self.skew_ms),
            chance=chance,
            keys=self.keys,
            dial=self._dial,
            network=Doorsteps(self._town),
        )
        await self._node.load()
        self._town.network.listen(self.name, self._node.links.accept)
        for other in self._town.neighbours(self.name):
            self._node.links.want(self._town[other].scheme)
        await self._node.start()

    async def _wake(self, disk: SqliteDatabase) -> None:
        async def opened() -> Store:
            return InlineStore(disk, self._hear)

        @asynccontextmanager
        async def doors(awakening: Awakening) -> AsyncIterator[None]:
            self._town.network.listen(self.name, awakening.links.accept)
            try:
                yield
            finally:
                self._town.network.stop(self.name)

        await Waking(
            database=disk.path, keys=self.keys, clock=LoopClock(EPOCH_MS, self.skew_ms),
            chance=SeededChance(f"{self._town.seed} {self.name} wakes at {self._town.network.loop.time()}"),
            network=Doorsteps(self._town), allow_lan=True, dial=self._dial, opened=opened, doors=doors,
            hindered=self.hindrances.append, may_go_on=lambda: self.may_go_on, offload=at_once,
        ).wake()  # fmt: skip

    async def stop(self) -> None:
        """Stop the node in good order."""
        node, store = self.node, self._store
        assert store is not None
        self._town.network.stop(self.name)
        await node.stop()
        await store.close()
        self._node = self._store = None

    async def crash(self) -> None:
        """End the node as a power cut would: what was not committed is lost, nobody is told."""
        node, store = self.node, self._store
        assert store is not None
        store.crash()
        self._town.network.stop(self.name)
        await node.crash()
        self._node = self._store = None

    def snapshot(self) -> bytes:
        """Return a backup of the database as it is now."""
        return self.disk.snapshot()

    async def restore(self, old: bytes) -> None:
        """Put an old backup in the place of the database, as after a broken disk; `boot` starts the node on it.

        The keys are as they were: they lie beside the database, and change seldom.
        """
        if self.is_up:
            await self.crash()
        self.disk.restore(old)

    def _hear(self, what: str) -> None:
        if self.fault is not None:
            self.fault(what)

    async def _dial(self, scheme: SchemeId) -> Channel:
        return await self._town.network.connect(self.name, self._town.name_of(scheme))

    # --- reading ----------------------------------------------------------------------------------------------

    async def lines(self) -> list[Line]:
        """Return the lines with other schemes."""
        return await self.node.store.read(read_lines, self.scheme)

    async def owed(self) -> int:
        """Return what the scheme owes others by its lines, less what it is owed; 3 600 000ths of an hour."""
        return sum(line.state.owed for line in await self.lines())

    async def booked(self) -> int:
        """Return the same by the ledger's accounts, which other code keeps."""
        accounts = await self.node.store.read(all_accounts)
        return sum(
            held.value.balance for held, role in accounts if role == "line" and held.value.unit == HOURS
        )

    async def member_balances(self) -> int:
        """Return the sum of the balances of members and groups, in the scheme's minor units."""
        accounts = await self.node.store.read(all_accounts)
        return sum(held.value.balance for held, role in accounts if not role and held.value.unit == LOCAL)

    async def set_aside(self) -> int:
        """Return the sum of all holds, in the scheme's minor units."""
        accounts = await self.node.store.read(all_accounts)
        return sum(held.value.held for held, _ in accounts)

    async def imbalance(self) -> dict[str, int]:
        """Return the units in which the ledger does not sum to zero: none, for a sound one (I1)."""
        return imbalance(held.value for held, _ in await self.node.store.read(all_accounts))


class Doorsteps:
    """What stands at the addresses of a town: what each node shows to whoever looks it up."""

    def __init__(self, town: Town):
        self._town: Final = town

    async def dial(self, place: Place) -> Channel:
        """Open a channel to whoever lives there. Raises CallFailed."""
        raise CallFailed(f"{place.address}: nodes of a town call each other by name")

    async def descriptor(self, place: Place) -> bytes:
        """Return the descriptor shown there. Raises CallFailed."""
        return self._at(place).node.descriptor()

    async def identity_log(self, place: Place, scheme: SchemeId, *, after: int = -1) -> tuple[bytes, ...]:
        """Return identity events past `after`. Raises CallFailed."""
        return (await self._at(place).node.identity_log(scheme) or ())[after + 1 :]

    def _at(self, place: Place) -> Resident:
        for resident in self._town.residents:
            if resident.options.origin == place.address and resident.is_up:
                return resident
        raise CallFailed(f"{place.address} does not answer")


class Town:
    """Schemes, and who is whose neighbour. Make it inside a running virtual loop."""

    def __init__(self, network: SimulatedNetwork, *, seed: int, folder: Path | None = None):
        """`folder`: where the databases are kept as files; None keeps them in memory."""
        self.network: Final = network
        self.seed: Final = seed
        self._folder: Final = folder
        self._residents: Final[dict[str, Resident]] = {}
        self._names: Final[dict[SchemeId, str]] = {}
        self._edges: Final[set[frozenset[str]]] = set()

    def __getitem__(self, name: str) -> Resident:
        return self._residents[name]

    @property
    def residents(self) -> list[Resident]:
        """Every scheme, in the order of their coming."""
        return list(self._residents.values())

    def name_of(self, scheme: SchemeId) -> str:
        """Return what a scheme is called here."""
        return self._names[scheme]

    def neighbours(self, name: str) -> list[str]:
        """Return the neighbours of a scheme, by name."""
        return sorted(other for edge in self._edges if name in edge for other in edge if other != name)

    async def add(
        self,
        settings: SchemeSettings,
        *,
        neighbours_max: int = 12,
        skew_ms: int = 0,
        keep_copies: bool = False,
    ) -> Resident:
        """Let a new scheme move in and start its node."""
        name = settings.name
        keys = draw_keys(SeededChance(f"{self.seed} keys of {name}"), EPOCH_MS).keys
        disk = Memory() if self._folder is None else SqliteDatabase(self._folder / f"{name}.db")
        options = Options(
            seed=settings,
            origin=f"https://{name.lower()}.example",
            addresses=(f"https://{name.lower()}.example",),
            neighbours_max=neighbours_max,
            allow_lan=True,
            keep_copies=keep_copies,
        )
        resident = self._residents[name] = Resident(self, name, options, keys, disk, skew_ms)
        self._names[resident.scheme] = name
        await resident.boot()
        return resident

    def replace(self, name: str, keys: Keys, disk: Disk) -> None:
        """Let a scheme that is down go on with other keys on another disk; `boot` starts it."""
        old = self._residents[name]
        assert not old.is_up, f"{name} is up"
        self._residents[name] = Resident(self, name, old.options, keys, disk, old.skew_ms)

    async def connect(self, edges: Iterable[tuple[str, str]], limit: Limit, *, within_s: float = 600) -> None:
        """Make neighbours of schemes: one proposes, the other agrees, both with `limit`."""
        pairs = list(edges)
        for a, b in pairs:
            self._edges.add(frozenset((a, b)))
            await self[a].node.directory.learn(self[b].keys.keyring.log)
            await self[b].node.directory.learn(self[a].keys.keyring.log)
            self[a].node.links.want(self[b].scheme)
        await self.until(lambda: self._in_touch(pairs), within_s, "sessions")
        for a, b in pairs:
            await self[a].node.lines.propose(self[b].scheme, limit)
        await self.until(lambda: self._all_asked(pairs), within_s, "proposals")
        for a, b in pairs:
            await self[b].node.lines.agree(self[a].scheme, limit)
        await self.until(self.all_usable, within_s, "lines")

    async def _in_touch(self, pairs: list[tuple[str, str]]) -> bool:
        return all(
            self[b].scheme in self[a].node.links.live and self[a].scheme in self[b].node.links.live
            for a, b in pairs
        )

    async def _all_asked(self, pairs: list[tuple[str, str]]) -> bool:
        for a, b in pairs:
            if not any(line.peer == self[a].scheme for line in await self[b].lines()):
                return False
        return True

    async def all_usable(self) -> bool:
        """Tell whether every line of every node that is up may be written on."""
        for resident in self.residents:
            if resident.is_up and not all(line.usable for line in await resident.lines()):
                return False
        return True

    async def at_rest(self) -> bool:
        """Tell whether nothing is under way: no open lock, every op stored on both sides."""
        for resident in self.residents:
            for line in await resident.lines():
                other = self._residents[self._names[line.peer]]
                twin = next(
                    (each for each in await other.lines() if each.state.line == line.state.line), None
                )
                if twin is None or line.state.mine.locks() or twin.state.peer_length != line.state.own_length:
                    return False
        return True

    async def until(self, ready: Callable[[], Awaitable[bool]], within_s: float, what: str) -> None:
        """Wait in virtual time.

        Raises:
            TownError: it did not come about in time.
        """
        waited, pause = 0.0, 0.05
        while not await ready():
            if waited >= within_s:
                raise TownError(f"{what}: not within {within_s} s")
            await asyncio.sleep(pause)
            waited += pause
            pause = min(1.0, pause * 1.2)

    async def close(self) -> None:
        """Stop every node that is up."""
        for resident in self.residents:
            if resident.is_up:
                await resident.stop()
