"""A network in memory with weather: delay, loss, duplicates, disorder, partitions, all drawn from one seed.

Channels behave like the real ones (`node/federation/channel.py`) and count what passes. A cut holds what is
on the way, as TCP does, and gives it on when mended, days later perhaps; `reset` breaks channels at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from math import inf, nextafter
from random import Random
from typing import Final, TypeAlias

from node.federation.channel import ChannelClosed
from node.simulation.virtual_loop import VirtualLoop, running_loop
from protocol.frame import CloseCode

Serve: TypeAlias = "Callable[[SimulatedChannel], Awaitable[None]]"
Heard: TypeAlias = Callable[[str, str, bytes], None]  # sender, receiver, message

# A receiver that lags this far behind makes its sender wait, like a full TCP window.
WINDOW_MESSAGES: Final = 256


class Unreachable(OSError):
    """Nobody listens there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What a link does to messages. Chances are between 0 and 1."""

    delay_s: tuple[float, float] = (0.01, 0.05)
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0  # the message gets an extra delay that does not hold up those behind it
    late_s: float = 1.0  # that extra delay, at most
    calm_messages: int = 2  # the first of each direction pass unharmed: greeting and hello


@dataclass(slots=True)
class Traffic:
    """What one direction of a link carried."""

    messages: int = 0
    bytes: int = 0
    lost: int = 0
    doubled: int = 0
    late: int = 0  # behind those that were sent after them, or could have been


class _Link:
    """What lies between two endpoints, for all channels between them."""

    def __init__(self, weather: Weather):
        self.weather = weather
        self.is_cut = False
        self.mended = asyncio.Event()
        self.pipes: list[_Pipe] = []
        self.traffic: dict[str, Traffic] = {}


class _Pipe:
    """One direction of one channel: what is under way, and what arrived and was not yet read."""

    __slots__ = (
        "arrived", "calm", "closed", "due", "heard", "held", "link", "loop", "random", "reader", "receiver", "traffic",
        "writer",
    )  # fmt: skip

    def __init__(
        self, link: _Link, receiver: str, loop: VirtualLoop, random: Random, traffic: Traffic,
        heard: Callable[[bytes], None] | None,
    ):  # fmt: skip
        self.link = link
        self.receiver = receiver
        self.loop = loop
        self.random = random
        self.traffic = traffic
        self.heard = heard
        self.calm = link.weather.calm_messages
        self.due = 0.0
        self.arrived: deque[bytes] = deque()
        self.held: list[bytes | ChannelClosed] = []
        self.closed: ChannelClosed | None = None
        self.reader: asyncio.Future[None] | None = None
        self.writer: asyncio.Future[None] | None = None

    def put(self, data: bytes) -> None:
        """Send `data` on its way through the weather."""
        traffic, weather, chance = self.traffic, self.link.weather, self.random.random
        traffic.messages += 1
        traffic.bytes += len(data)
        if self.calm > 0:
            self.calm -= 1
            self.schedule(data)
            return
        if weather.loss and chance() < weather.loss:
            traffic.lost += 1
            return
        late = bool(weather.reorder) and chance() < weather.reorder
        traffic.late += late
        self.schedule(data, late=late)
        if weather.duplicate and chance() < weather.duplicate:
            traffic.doubled += 1
            self.schedule(data, late=True)

    def schedule(self, arrival: bytes | ChannelClosed, *, late: bool = False) -> None:
        low, high = self.link.weather.delay_s
        due = self.loop.time() + low + (high - low) * self.random.random()
        if late:
            due += self.random.random() * self.link.weather.late_s
        else:
            # Strictly later than the one before: the loop does not keep the order of equal moments.
            due = self.due = max(due, nextafter(self.due, inf))
        self.loop.call_at(due, self.arrive, arrival)

    def arrive(self, arrival: bytes | ChannelClosed) -> None:
        if self.link.is_cut:
            self.held.append(arrival)
        elif isinstance(arrival, ChannelClosed):
            self.end(arrival)
        elif self.closed is None:
            if self.heard is not None:
                self.heard(arrival)
            self.arrived.append(arrival)
            _wake(self.reader)

    def give_held(self) -> None:
        held, self.held = self.held, []
        for arrival in held:
            self.arrive(arrival)

    def end(self, closed: ChannelClosed) -> None:
        if self.closed is None:
            self.closed = closed
            _wake(self.reader)
            _wake(self.writer)


def _wake(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)


class SimulatedChannel:
    """One end of a channel in memory."""

    __slots__ = ("_incoming", "_outgoing", "address", "tls_seen")

    def __init__(self, outgoing: _Pipe, incoming: _Pipe, address: str):
        self._outgoing = outgoing
        self._incoming = incoming
        self.address = address
        self.tls_seen: bytes | None = None

    async def send(self, data: bytes) -> None:
        pipe = self._outgoing
        if self._incoming.closed is not None:
            raise self._incoming.closed
        if pipe.closed is None:
            pipe.put(data)
        if len(pipe.arrived) >= WINDOW_MESSAGES:
            pipe.writer = pipe.loop.create_future()
            await pipe.writer

    async def receive(self) -> bytes:
        pipe = self._incoming
        while not pipe.arrived or (pipe.closed is not None and not pipe.closed.by_peer):
            if pipe.closed is not None:
                raise pipe.closed
            pipe.reader = pipe.loop.create_future()
            await pipe.reader
        if pipe.writer is not None and len(pipe.arrived) <= WINDOW_MESSAGES // 2:
            _wake(pipe.writer)
            pipe.writer = None
        return pipe.arrived.popleft()

    async def close(self, code: int = CloseCode.DONE) -> None:
        if self._incoming.closed is None:
            self._incoming.end(ChannelClosed(code, by_peer=False))
            _wake(self._outgoing.writer)
            self._outgoing.schedule(ChannelClosed(code))


class SimulatedNetwork:
    """Named endpoints and the links between them. Make it inside a running virtual loop."""

    def __init__(self, seed: int, weather: Weather | None = None):
        self.loop: Final[VirtualLoop] = running_loop()
        self.random: Final = Random(seed)  # noqa: S311 - chance with a seed is the point; nothing here is secret
        self.weather = weather or Weather()
        self.failures: list[BaseException] = []  # what the serving of a channel raised
        self.on_arrival: Heard | None = None  # told of each message, before it is read
        self._links: dict[frozenset[str], _Link] = {}
        self._listeners: dict[str, Serve] = {}
        self._hidden: Final[set[str]] = set()
        # Held here so that the serving of a channel is not collected while it runs.
        self._serving: set[asyncio.Future[None]] = set()

    def listen(self, name: str, serve: Serve) -> None:
        """Let `serve` have every channel that is dialled to `name`."""
        self._listeners[name] = serve

    def hide(self, name: str) -> None:
        """Let nobody dial `name`, as behind a router: it dials out and is served the same. Source: docs/protocol.md 9.1."""
        self._hidden.add(name)

    async def connect(self, dialler: str, listener: str) -> SimulatedChannel:
        """Return the dialler's end of a new channel; waits while the link is cut.

        Raises:
            Unreachable: nobody listens there.
        """
        link = self._link(dialler, listener)
        low, high = link.weather.delay_s
        await asyncio.sleep(low + (high - low) * self.random.random())
        while link.is_cut:
            await link.mended.wait()
        serve = self._listeners.get(listener)
        if serve is None or listener in self._hidden:
            raise Unreachable(f"nobody listens at {listener}")
        there, back = self._pipe(link, dialler, listener), self._pipe(link, listener, dialler)
        link.pipes = [pipe for pipe in link.pipes if pipe.closed is None]
        link.pipes += (there, back)
        task = asyncio.ensure_future(serve(SimulatedChannel(back, there, f"sim://{dialler}")))
        self._serving.add(task)
        task.add_done_callback(self._served)
        return SimulatedChannel(there, back, f"sim://{listener}")

    def _pipe(self, link: _Link, sender: str, receiver: str) -> _Pipe:
        heard = None if self.on_arrival is None else partial(self.on_arrival, sender, receiver)
        return _Pipe(link, receiver, self.loop, self.random, self.traffic(sender, receiver), heard)

    def set_weather(self, one: str, other: str, weather: Weather) -> None:
        """Change the weather of one link; the network's own is for links not yet used."""
        self._link(one, other).weather = weather

    def traffic(self, sender: str, receiver: str) -> Traffic:
        """Return what `sender` put on its link to `receiver`, whether or not it arrived."""
        return self._link(sender, receiver).traffic.setdefault(sender, Traffic())

    def cut(self, one: str, other: str) -> None:
        """Let nothing pass until `mend`; what is sent meanwhile waits."""
        link = self._link(one, other)
        link.is_cut = True
        link.mended.clear()

    def mend(self, one: str, other: str) -> None:
        """Let everything pass again, beginning with what waited."""
        link = self._link(one, other)
        link.is_cut = False
        link.mended.set()
        for pipe in link.pipes:
            pipe.give_held()

    def reset(self, one: str, other: str) -> None:
        """Break every channel between the two; both sides notice at once."""
        link = self._link(one, other)
        for pipe in link.pipes:
            pipe.end(ChannelClosed())
        link.pipes = []

    def stop(self, name: str) -> None:
        """Take an endpoint off the network, as a crash of its machine does: channels break, nobody listens."""
        self._listeners.pop(name, None)
        for ends in list(self._links):
            if name in ends:
                self.reset(*ends)

    def vanish(self, name: str) -> None:
        """Take an endpoint off the network without a word: what it sent still arrives, and nobody else notices by this alone."""
        self._listeners.pop(name, None)
        for ends, link in self._links.items():
            if name in ends:
                for pipe in link.pipes:
                    if pipe.receiver == name:
                        pipe.end(ChannelClosed())

    def _link(self, one: str, other: str) -> _Link:
        if one == other:
            raise ValueError(f"{one} has no link with itself")
        key = frozenset((one, other))
        link = self._links.get(key)
        if link is None:
            link = self._links[key] = _Link(self.weather)
        return link

    def _served(self, task: asyncio.Future[None]) -> None:
        self._serving.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self.failures.append(failure)
