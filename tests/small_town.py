"""A town that only settles: real keys, real lines, real store, simulated network; routes and members given by hand.

For tests of lines and payments without gossip and pages; whole nodes are in `node/simulation`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from crypto.digest import sha256
from crypto.keys import SigningKey, VerifyingKey
from crypto.safekeeping import SafeKeys
from crypto.sealing import SealingKey
from node.clock import Chance, LoopClock, SeededChance
from node.federation.channel import Channel
from node.federation.dispatch import Dispatch
from node.federation.handshake import Handshaker
from node.federation.links import Links
from node.keyring import KeyRing
from node.services.books import Books, load
from node.services.joint_acts import JointActs
from node.services.line_rows import Line, read_lines
from node.services.lines import LineService
from node.services.marks import Marks
from node.services.neighbours import Neighbours
from node.services.promises import OwnUnit, Payee
from node.services.quotes import NoOffer, Offer, QuoteService
from node.services.settlement import Payment, Settlement
from node.simulation.network import SimulatedNetwork
from node.simulation.virtual_loop import EPOCH_MS
from node.store import InlineStore, Memory, ReadTx, Tx
from node.store.transaction import Fault
from protocol.entry import Words
from protocol.identity import IdentityState, advance, fold_log, make_delegate, make_inception
from protocol.identity_events import next_key_digest
from protocol.line_ops import Limit
from protocol.names import Handle, KeySeq, SchemeId
from protocol.quote import QuoteRequest
from protocol.session import SessionKeyOf
from protocol.units import HOUR, Rate
from tests.invariants import Snapshot, check_node, check_town_at_rest, take_snapshot

PURPOSES = ("ledger", "line", "feed", "session", "receipt")
WIDE = Limit(owed_max=1000 * HOUR, pending_max=1000 * HOUR, open_max=100)
WORDS = Words(text="", done_by="test", on_behalf_of=None, proved_by="system")


def make_keyring(chance: Chance, now_ms: int) -> KeyRing:
    """Return a fresh scheme's keys, each delegated in the scheme's identity log."""
    root, next_root = SigningKey(chance.bytes(32)), SigningKey(chance.bytes(32))
    _, inception = make_inception(root, next_key_digest(next_root.public.raw), now_ms)
    log = [inception.wire]
    state = fold_log(log)
    signing: dict[str, tuple[KeySeq, SigningKey]] = {}

    def delegate(purpose: str, key: SigningKey | SealingKey) -> int:
        nonlocal state
        event = make_delegate(state, root, purpose, key, now_ms)
        log.append(event.wire)
        state = advance(state, event.wire)
        return state.seq

    for purpose in PURPOSES:
        key = SigningKey(chance.bytes(32))
        signing[purpose] = (delegate(purpose, key), key)
    seal = SealingKey(chance.bytes(32))
    sealed_at = delegate("seal", seal)
    safe = SafeKeys([chance.bytes(32)])
    return KeyRing(identity=state, log=tuple(log), signing=signing, seal=(sealed_at, seal), safe=safe)


class Phonebook:
    """Everybody's identity, known to everybody."""

    def __init__(self) -> None:
        self.states: dict[SchemeId, IdentityState] = {}

    def state(self, scheme: SchemeId) -> IdentityState | None:
        return self.states.get(scheme)

    def key_for(self, scheme: SchemeId, purpose: str, key_seq: int) -> VerifyingKey | None:
        state = self.states.get(scheme)
        return None if state is None else state.key_for(purpose, key_seq)

    def has_ended(self, scheme: SchemeId) -> bool:
        state = self.states.get(scheme)
        return state is not None and state.ended is not None

    async def session_keys(self, scheme: SchemeId, identity_log: tuple[bytes, ...]) -> SessionKeyOf:
        return lambda asked, key_seq: self.key_for(asked, "session", key_seq) if asked == scheme else None

    async def admits(self, scheme: SchemeId) -> bool:
        return scheme in self.states


@dataclass
class Credentials:
    keyring: KeyRing

    @property
    def scheme(self) -> SchemeId:
        return self.keyring.scheme

    def session_key(self) -> tuple[SigningKey, KeySeq]:
        seq, key = self.keyring.signing["session"]
        return key, seq

    def identity_log(self) -> tuple[bytes, ...]:
        return self.keyring.log

    def tls_own(self) -> frozenset[bytes]:
        return frozenset()


@dataclass
class Ways:
    """The routes of one scheme, as the test says."""

    routes: list[tuple[SchemeId, ...]] = field(default_factory=list)

    def candidates(self, goal: SchemeId, hours: int) -> list[tuple[SchemeId, ...]]:
        return [route for route in self.routes if route[-1] == goal]


OnUnit = Callable[[str, tuple[object, ...], bool], None]


class WatchedStore(InlineStore):
    """A store whose test is told when each unit begins and ends."""

    def __init__(self, node: SettlingNode):
        super().__init__(node.disk, node.meet)
        self._node = node

    async def write(self, unit: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        node, name = self._node, getattr(unit, "__name__", "")

        def watched(tx: Tx) -> Any:
            if node.on_unit is None:
                return unit(tx, *args, **kwargs)
            node.on_unit(name, args, True)
            try:
                return unit(tx, *args, **kwargs)
            finally:
                if node.on_unit is not None:
                    node.on_unit(name, args, False)

        return await super().write(watched)


class SettlingNode:
    """What settles in one scheme; `boot` and `crash` as often as a test likes."""

    def __init__(self, name: str, town: SmallTown, rate: int, keyring: KeyRing | None = None):
        self.name, self.town = name, town
        self.chance = SeededChance(f"{name} {town.seed}")
        self.clock = LoopClock(EPOCH_MS)
        self.keyring = keyring or make_keyring(self.chance, EPOCH_MS)
        self.rate = Rate(minor_per_hour=rate)
        self.ways = Ways()
        self.disk = Memory()
        self.fault: Fault | None = None
        self.on_unit: OnUnit | None = None
        self.owed_ceiling: int | None = None
        self.members: dict[str, int] = {}
        self.listings: dict[bytes, Payee] = {}
        self.pauses = False
        self.running: list[asyncio.Task[object]] = []
        town.phonebook.states[self.scheme] = self.keyring.identity

    @property
    def scheme(self) -> SchemeId:
        return self.keyring.scheme

    async def boot(self) -> None:
        town = self.town
        self.store = WatchedStore(self)
        dispatch = Dispatch()
        directory: Any = await self.open_directory()
        handshaker = Handshaker(Credentials(self.keyring), directory, self.clock, self.chance)
        self.quarantined: list[tuple[object, ...]] = []
        self.links = Links(
            own=self.scheme, handshaker=handshaker, dial=self._dial, dispatch=dispatch,
            quarantine=lambda *what: self.quarantined.append(what), chance=self.chance,
        )  # fmt: skip
        self.books = Books(self.keyring, self.clock, self.chance)
        self.quotes = QuoteService(
            store=self.store, keyring=self.keyring, clock=self.clock, chance=self.chance, links=self.links,
            dispatch=dispatch, directory=directory, routes=self.ways,
            unit=lambda: OwnUnit(self.name.lower(), self.rate), payee_by_listing=self._payee_by_listing,
            name_of=lambda tx, no: f"member {no}", trades_with=self._trades_with,
            room_to=self._room_to, pauses=lambda: self.pauses,
        )  # fmt: skip
        self.lines = LineService(
            store=self.store, keyring=self.keyring, clock=self.clock, chance=self.chance, links=self.links,
            dispatch=dispatch, directory=directory, books=self.books,
            acceptance_of=self.quotes.notes.acceptance_of,
            on_payment_ended=self._payment_ended, owed_ceiling=lambda: self.owed_ceiling,
        )  # fmt: skip
        self.settlement = Settlement(store=self.store, clock=self.clock, lines=self.lines, quotes=self.quotes)
        self.neighbours = Neighbours(store=self.store, lines=self.lines, books=self.books)
        self.joint_acts = JointActs(
            store=self.store, lines=self.lines, books=self.books, keyring=self.keyring
        )
        self.marks = Marks(store=self.store, lines=self.lines)
        await self.lines.boot()
        town.network.listen(self.name, self.links.accept)
        for other in town.neighbours_of(self.name):
            self.links.want(town[other].scheme)
        self.running = [
            asyncio.ensure_future(work())
            for work in (self.links.run, self.lines.run, self.settlement.run, self._quote_tasks)
        ]

    async def open_directory(self) -> Any:
        """Return who the others are: here everybody knows everybody."""
        return self.town.phonebook

    async def _quote_tasks(self) -> None:
        async with self.quotes.tasks:
            await asyncio.Event().wait()

    def _room_to(self, scheme: SchemeId) -> int:
        return self.lines.room_to(scheme)  # made after the quotes that ask

    def _payment_ended(self, no: int, state: str) -> None:
        self.settlement.payment_ended(no, state)  # made after the lines that call it

    def meet(self, what: str) -> None:
        """Let the test's fault happen, if there is one."""
        if self.fault is not None:
            self.fault(what)

    async def crash(self) -> None:
        """Stop at once: what was not committed is lost, nobody is told."""
        self.store.crash()
        self.leave_network()
        for task in self.running:
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)

    def leave_network(self) -> None:
        """Break all channels, as the death of a process does: the other ends notice."""
        self.town.network.stop(self.name)

    async def restart(self, after_s: float = 1.0) -> None:
        """Crash, lie down for a while, and boot."""
        await self.crash()
        await asyncio.sleep(after_s)
        await self.boot()

    def snapshot(self) -> bytes:
        """Return a backup of the database as it is now."""
        return self.disk.snapshot()

    async def restore(self, old: bytes, after_s: float = 1.0) -> None:
        """Crash, put an old backup in the place of the database, and boot on it after a while."""
        await self.crash()
        self.disk.restore(old)
        await asyncio.sleep(after_s)
        await self.boot()

    async def _dial(self, scheme: SchemeId) -> Channel:
        return await self.town.network.connect(self.name, self.town.name_of(scheme))

    def _trades_with(self, scheme: SchemeId) -> bool:
        return self.town.name_of(scheme) in self.town.neighbours_of(self.name)

    def _payee_by_listing(self, tx: ReadTx, key: bytes) -> Payee | None:
        return self.listings.get(key)

    # --- what tests do ---

    async def open_member(self, name: str, credit_limit: int = 10**12, ceiling: int | None = None) -> int:
        def unit(tx: Tx) -> int:
            return self.books.open_account(tx, WORDS, credit_limit=credit_limit, ceiling=ceiling).no

        self.members[name] = await self.store.write(unit)
        return self.members[name]

    async def ask(self, payee: str, member: str, amount: int, text: str) -> Offer | NoOffer:
        node = self.town[payee]
        no = node.members[member]
        handle = await node.quotes.handle_of(self.scheme, no)
        request = QuoteRequest(
            listing=None, payee_handle=handle, payer_handle=Handle(bytes(16)), payer_name=self.name, amount=amount,
            price_seen=None, text=text,
        )  # fmt: skip
        return await self.quotes.ask(node.scheme, request)

    async def begin(self, member: str, payee: str, to: str, amount: int, text: str = "jam") -> Payment:
        offer = await self.ask(payee, to, amount, text)
        assert isinstance(offer, Offer), offer
        return await self.settlement.pay(
            offer, account_no=self.members[member], entered_by=member, once=self.chance.bytes(16)
        )

    async def buy(
        self, member: str, payee: str, to: str, amount: int, text: str = "jam", wait_s: float = 60
    ) -> Payment:
        payment = await self.begin(member, payee, to, amount, text)
        return await self.settlement.wait(payment.no, wait_s)

    async def balance(self, member: str) -> int:
        return (await self.store.read(load, self.members[member])).value.balance

    async def held(self, member: str) -> int:
        return (await self.store.read(load, self.members[member])).value.held

    async def line_states(self) -> list[Line]:
        return await self.store.read(read_lines, self.scheme)


class SmallTown:
    """Schemes along lines; `rates`: minor units an hour of each."""

    def __init__(self, network: SimulatedNetwork, names: Sequence[str], lines: Sequence[tuple[str, str]], *,
                 rates: Sequence[int] = (), seed: int = 0):  # fmt: skip
        self.network, self.seed = network, seed
        self.phonebook = Phonebook()
        self.before_members: dict[str, bytes] = {}  # backups a test may ask for
        self._lines = list(lines)
        self.nodes = {
            name: SettlingNode(name, self, rate)
            for name, rate in zip(names, rates or [60] * len(names), strict=True)
        }

    def __getitem__(self, name: str) -> SettlingNode:
        return self.nodes[name]

    def name_of(self, scheme: SchemeId) -> str:
        return next(name for name, node in self.nodes.items() if node.scheme == scheme)

    def neighbours_of(self, name: str) -> list[str]:
        return [b if a == name else a for a, b in self._lines if name in (a, b)]

    def route(self, *names: str) -> None:
        """Let the first know this way to the last."""
        self[names[0]].ways.routes.append(tuple(self[name].scheme for name in names))

    async def open(self, limit: Limit = WIDE) -> None:
        """Boot everybody, and open every line with `limit` both ways."""
        await self.boot()
        await self.open_lines(limit)

    async def open_lines(self, limit: Limit = WIDE) -> None:
        """Open every line with `limit` both ways."""
        for a, b in self._lines:
            await self[a].lines.propose(self[b].scheme, limit)
            await self.until_async(lambda b=b: self.was_asked(b), 30)
            await self[b].lines.agree(self[a].scheme, limit)
        await self.until_async(self.all_usable, 120)

    async def boot(self) -> None:
        """Boot everybody, and wait until the neighbours are in touch."""
        for node in self.nodes.values():
            await node.boot()
        await self.until_async(self._connected)

    async def _connected(self) -> bool:
        return all(
            self[b].scheme in self[a].links.live and self[a].scheme in self[b].links.live
            for a, b in self._lines
        )

    async def was_asked(self, name: str) -> bool:
        """Whether `name` has a proposal to agree to."""
        return any(line.status == "asked" for line in await self[name].line_states())

    async def all_usable(self) -> bool:
        lines = [line for node in self.nodes.values() for line in await node.line_states()]
        return await self._connected() and all(line.usable for line in lines if line.status != "replaced")

    async def all_open(self) -> bool:
        """Whether every node knows all of its lines, and may write on them."""
        for name, node in self.nodes.items():
            if len([line for line in await node.line_states() if line.usable]) != len(
                self.neighbours_of(name)
            ):
                return False
        return await self.all_usable()

    async def knows_all_of(self, name: str) -> bool:
        """Whether all that `name` ever wrote or took on its lines is held there and, where it is needed, at its peers."""
        mine = await self[name].line_states()
        for line in mine:
            theirs = await self[self.name_of(line.peer)].line_states()
            twin = next((each for each in theirs if each.state.line == line.state.line), None)
            if (
                twin is None
                or not (line.usable and twin.usable)
                or line.state.own_length < twin.state.peer_length
                or twin.state.own_length < line.state.peer_length
            ):
                return False
        return True

    async def until_async(
        self, ready: Callable[[], Awaitable[bool]], seconds: float = 60, every: float = 0.1
    ) -> None:
        """Wait, in virtual time, until `ready`."""
        for _ in range(int(seconds / every)):
            if await ready():
                return
            await asyncio.sleep(every)
        raise AssertionError("it did not come about in time")

    async def at_rest(self) -> bool:
        """No lock is open, and every op was acknowledged."""
        lines = [line for node in self.nodes.values() for line in await node.line_states()]
        return not any(line.state.mine.locks() or line.acknowledged < line.state.own_length for line in lines)

    async def snapshots(self) -> list[Snapshot]:
        return [await node.store.read(take_snapshot, node.scheme) for node in self.nodes.values()]

    async def check_always(self) -> None:
        """What holds at every moment."""
        for snapshot in await self.snapshots():
            check_node(snapshot)

    async def settle(self, seconds: float = 120) -> None:
        """Wait until everything has ended by itself, and check all invariants."""
        try:
            await self.until_async(self.at_rest, seconds)
        except AssertionError:
            await self.check_always()
        await self.check_at_rest()

    async def log_hash(self) -> bytes:
        """Return the hash of all that was committed, in its order, on all nodes."""
        return sha256(b"".join(snapshot.log for snapshot in await self.snapshots()))

    async def check_at_rest(self) -> None:
        """All invariants, nothing being under way."""
        check_town_at_rest(
            await self.snapshots(),
            {node.scheme: node.rate.minor_per_hour for node in self.nodes.values()},
        )

    async def stop(self) -> None:
        for node in self.nodes.values():
            await node.crash()


def chain(*names: str) -> list[tuple[str, str]]:
    """Return the lines of a row of schemes."""
    return list(pairwise(names))
