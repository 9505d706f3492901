"""Several nodes' sessions in one process: on virtual time over the simulated network, or over real sockets.

The loop and the network are library code (`node/simulation`); here are a scenario's runner and test nodes
that hold only what a session needs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from crypto.digest import sha256
from crypto.keys import SigningKey, VerifyingKey
from node.clock import LoopClock, SeededChance
from node.federation.channel import Channel, ChannelClosed
from node.federation.dispatch import Dispatch
from node.federation.handshake import Handshaker
from node.federation.links import Links
from node.federation.session import Session
from node.simulation.network import SimulatedNetwork, Weather
from node.simulation.virtual_loop import EPOCH_MS, run
from protocol.frame import Frame, FrameType
from protocol.names import KeySeq, SchemeId
from protocol.session import SessionKeyOf

Result = TypeVar("Result")
KEY_SEQ = 1


def run_virtual(
    scenario: Callable[[SimulatedNetwork], Coroutine[Any, Any, Result]],
    seed: int = 0,
    weather: Weather | None = None,
) -> Result:
    """Run `scenario` in virtual time on a network with that seed; a failure names the seed."""

    async def begin() -> Result:
        network = SimulatedNetwork(seed, weather)
        result = await scenario(network)
        if network.failures:
            raise ExceptionGroup("while serving channels", [Exception(repr(f)) for f in network.failures])
        return result

    try:
        return run(begin())
    except BaseException as error:
        error.add_note(f"seed={seed}")
        raise


def run_virtual_alone(
    scenario: Callable[[SimulatedNetwork], Coroutine[Any, Any, Result]], seed: int = 0
) -> Result:
    """Run `scenario` in a thread of its own: what is made once may be asked for first by a test that runs a loop."""
    with ThreadPoolExecutor(1) as alone:
        return alone.submit(run_virtual, scenario, seed).result()


@dataclass(frozen=True)
class Person:
    """A scheme as far as sessions see it: an id and a session key, both made from its name."""

    name: str
    key: SigningKey
    scheme: SchemeId
    certificates: frozenset[bytes] = frozenset()

    def session_key(self) -> tuple[SigningKey, KeySeq]:
        return self.key, KEY_SEQ

    def identity_log(self) -> tuple[bytes, ...]:
        return (b"event of " + self.name.encode(),)

    def tls_own(self) -> frozenset[bytes]:
        return self.certificates


def person(name: str, *, scheme: bytes | None = None, certificates: frozenset[bytes] = frozenset()) -> Person:
    key = SigningKey(sha256(b"session " + name.encode()))
    return Person(name, key, SchemeId(scheme or sha256(b"scheme " + name.encode())), certificates)


class Acquaintances:
    """Knows the session keys of some schemes, and admits them all but `unwelcome`."""

    def __init__(self, *people: Person):
        self._keys = {p.scheme: p.key.public for p in people}
        self.unwelcome: set[SchemeId] = set()

    async def session_keys(self, scheme: SchemeId, identity_log: tuple[bytes, ...]) -> SessionKeyOf:
        def key_of(asked: SchemeId, key_seq: KeySeq) -> VerifyingKey | None:
            return self._keys.get(asked) if key_seq == KEY_SEQ and asked == scheme else None

        return key_of

    async def admits(self, scheme: SchemeId) -> bool:
        return scheme not in self.unwelcome


@dataclass
class Recorder:
    """A handler that keeps what came, and answers every request with what was asked."""

    frames: list[Frame] = field(default_factory=list)
    before: Callable[[Session, Frame], Awaitable[None]] | None = None

    async def on_frame(self, session: Session, frame: Frame) -> None:
        if self.before is not None:
            await self.before(session, frame)
        self.frames.append(frame)
        if frame.request_id:
            await session.answer(frame, frame.payload)


HANDLED = (FrameType.OPS, FrameType.SYNC, FrameType.ITEMS, FrameType.BLOB_ASK, FrameType.QUOTE_ASK)


class SessionNode:
    """A node with links and nothing else."""

    def __init__(
        self,
        who: Person,
        known: Acquaintances,
        dial: Callable[[SchemeId], Awaitable[Channel]],
        *,
        seed: int = 0,
        skew_ms: int = 0,
    ):
        self.who = who
        self.known = known
        self.clock = LoopClock(EPOCH_MS, skew_ms)
        self.recorder = Recorder()
        self.quarantined: list[tuple[SchemeId, bytes, Exception]] = []
        self.log: list[tuple[str, SchemeId]] = []
        self.ended: list[ChannelClosed] = []
        dispatch = Dispatch()
        dispatch.register(self.recorder, *HANDLED)
        chance = SeededChance(f"{who.name} {seed}")
        self.handshaker = Handshaker(who, known, self.clock, chance)
        self.links = Links(
            own=who.scheme,
            handshaker=self.handshaker,
            dial=dial,
            dispatch=dispatch,
            quarantine=lambda *what: self.quarantined.append(what),
            chance=chance,
        )
        self.links.watch(on_up=self._up, on_down=self._down)
        self.links.watch(on_copy=lambda scheme: self.log.append(("copy", scheme)))

    def _up(self, scheme: SchemeId, session: Session) -> None:
        self.log.append(("up", scheme))

    def _down(self, scheme: SchemeId, session: Session, closed: ChannelClosed) -> None:
        self.log.append(("down", scheme))
        self.ended.append(closed)


class SimulatedNodes:
    """Session nodes on a simulated network, each named as its person."""

    def __init__(self, network: SimulatedNetwork, *people: Person, skew_ms: dict[str, int] | None = None):
        self.network = network
        self.names = {p.scheme: p.name for p in people}
        self.known = Acquaintances(*people)
        self.nodes = {p.name: self.make(p, skew_ms=(skew_ms or {}).get(p.name, 0)) for p in people}

    def make(self, who: Person, *, seed: int = 0, skew_ms: int = 0) -> SessionNode:
        """Return a node of `who`; with another seed, the same scheme after another boot."""

        async def dial(scheme: SchemeId) -> Channel:
            return await self.network.connect(who.name, self.names[scheme])

        return SessionNode(who, self.known, dial, seed=seed, skew_ms=skew_ms)

    async def __aenter__(self) -> SimulatedNodes:
        self._running = [asyncio.ensure_future(node.links.run()) for node in self.nodes.values()]
        for name, node in self.nodes.items():
            self.network.listen(name, node.links.accept)
        return self

    async def __aexit__(self, *error: object) -> None:
        for node in self.nodes.values():
            node.links.stop()
        await asyncio.gather(*self._running)
        await asyncio.sleep(5)  # virtual: the farewells arrive


# Three schemes; Ana has a lower id than Ben, so of two sessions between them she chooses.
ANA, BEN = sorted((person("ana"), person("ben")), key=lambda who: who.scheme)
EVE = person("eve")


def between(scenario, seed=0, weather=None, **options):
    """Run a scenario with Ana's and Ben's nodes, not yet connected."""

    async def begin(network: SimulatedNetwork):
        async with SimulatedNodes(network, ANA, BEN, **options) as town:
            return await scenario(town, town.nodes[ANA.name], town.nodes[BEN.name])

    return run_virtual(begin, seed, weather)


async def connected(ana: SessionNode, ben: SessionNode) -> Session:
    ana.links.want(BEN.scheme)
    await asyncio.sleep(5)
    assert set(ana.links.live) == {BEN.scheme}
    assert set(ben.links.live) == {ANA.scheme}
    return ana.links.live[BEN.scheme]
