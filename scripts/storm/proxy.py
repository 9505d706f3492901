"""A bad network between two real nodes: a TCP proxy that understands WebSocket frames just enough to maul them.

It cuts, half-closes, delays, stalls, truncates, doubles, reorders, and replays recorded frames on a connection of its
own. In user space and on loopback only; all chance comes from the generator it is given. Attacks T9, T10.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Final

CHUNK_BYTES: Final = 64 * 1024
# What is kept of a connection for a replay: its beginning, with the handshake and the first ops.
RECORDED_BYTES: Final = 128 * 1024
RECORDINGS: Final = 8
REPLAY_S: Final = 2.0
HEAD_BYTES_MAX: Final = 16 * 1024
LOOPBACK: Final = "127.0.0.1"
_CONTROL: Final = 0x08  # in a WebSocket opcode: close, ping, pong


@dataclass(frozen=True, slots=True)
class Weather:
    """How likely each mischief is, for every frame that passes; 0 everywhere is fair weather."""

    cut: float = 0.0  # both ways, at once
    half_close: float = 0.0  # one way ends, the other goes on
    truncate: float = 0.0  # the beginning of a frame, then nothing any more
    double: float = 0.0
    swap: float = 0.0  # with the frame behind it
    delay: float = 0.0
    stall: float = 0.0
    replay: float = 0.0  # an earlier caller's bytes, on a connection of their own
    delay_s: float = 0.3
    stall_s: float = 4.0


FAIR: Final = Weather()
# Breaking off is rare, or nobody would be in touch: after each, neighbours wait longer before they dial again.
STORM: Final = Weather(
    cut=0.002, half_close=0.001, truncate=0.001, double=0.05, swap=0.03, delay=0.2, stall=0.005, replay=0.01
)


class Proxy:
    """Stands before one node's port for one neighbour of it."""

    def __init__(self, name: str, target: int, chance: Random):
        self.name: Final = name
        self.weather = FAIR
        self.done: Final[Counter[str]] = Counter()
        self.port = 0
        self._target: Final = target
        self._chance: Final = chance
        self._blocked = False
        self._server: asyncio.Server | None = None
        self._pipes: Final[set[_Pipe]] = set()
        self._recordings: Final[deque[bytes]] = deque(maxlen=RECORDINGS)
        self._replays: Final[set[asyncio.Task[None]]] = set()
        self._carrying: Final[set[asyncio.Task[None]]] = set()

    async def start(self) -> None:
        """Listen on a free loopback port."""
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more, and end every connection."""
        if self._server is not None:
            self._server.close()
        self.cut()
        for replay in self._replays:
            replay.cancel()
        if waiting := self._replays | self._carrying:
            await asyncio.wait(waiting)

    def cut(self) -> None:
        """End every connection as a pulled cable would, without a goodbye."""
        for pipe in list(self._pipes):
            pipe.abort()

    def block(self, blocked: bool) -> None:
        """Let nothing through, or let everything through again."""
        self._blocked = blocked
        if blocked:
            self.cut()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._blocked:
            writer.transport.abort()
            return
        try:
            onward, back = await asyncio.open_connection(LOOPBACK, self._target)
        except OSError:  # the node is down
            writer.transport.abort()
            return
        pipe = _Pipe(self, (reader, writer), (onward, back))
        task = asyncio.current_task()
        assert task is not None
        self._pipes.add(pipe)
        self._carrying.add(task)
        try:
            await pipe.run()
        finally:
            self._pipes.discard(pipe)
            self._carrying.discard(task)
            self._recordings.append(bytes(pipe.recorded))

    def strikes(self, kind: str) -> bool:
        """Tell whether this mischief happens now."""
        likely: float = getattr(self.weather, kind)
        struck = likely > 0 and self._chance.random() < likely
        if struck:
            self.done[kind] += 1
        return struck

    def part(self, whole: int) -> int:
        """Return how much of something passes before it breaks off."""
        return self._chance.randrange(max(1, whole))

    def replay(self) -> None:
        """Say once more, on a new connection, what an earlier caller said; what is answered is thrown away."""
        if self._recordings:
            said = self._chance.choice(list(self._recordings))
            task = asyncio.get_running_loop().create_task(self._say_again(said))
            self._replays.add(task)
            task.add_done_callback(self._replays.discard)

    async def _say_again(self, said: bytes) -> None:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(REPLAY_S):
                reader, writer = await asyncio.open_connection(LOOPBACK, self._target)
                try:
                    writer.write(said)
                    await writer.drain()
                    while await reader.read(CHUNK_BYTES):
                        pass
                finally:
                    writer.transport.abort()


class _Pipe:
    """One connection through the proxy."""

    def __init__(
        self,
        proxy: Proxy,
        caller: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        node: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ):
        self._proxy: Final = proxy
        self._caller: Final = caller
        self._node: Final = node
        self.recorded: Final = bytearray()

    async def run(self) -> None:
        """Carry both ways until one is cut, or both have ended."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._carry(self._caller[0], self._node[1], record=True))
                tasks.create_task(self._carry(self._node[0], self._caller[1], record=False))
        except* OSError:
            pass  # one end is gone
        finally:
            self.abort()

    def abort(self) -> None:
        """Let both ends see a connection that was reset."""
        for _reader, writer in (self._caller, self._node):
            writer.transport.abort()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, record: bool
    ) -> None:
        waiting = b""  # a frame that was swapped with the next
        async for unit, is_frame in units(reader):
            if record and len(self.recorded) < RECORDED_BYTES:
                self.recorded.extend(unit)
            if is_frame and not waiting and self._proxy.strikes("swap"):
                waiting = unit
                continue
            if not await self._pass(unit + waiting, writer, is_frame=is_frame):
                return
            waiting = b""
        writer.write(waiting)
        if writer.can_write_eof():
            writer.write_eof()

    async def _pass(self, unit: bytes, writer: asyncio.StreamWriter, *, is_frame: bool) -> bool:
        """Hand on one unit, or do to it what the weather says; False if nothing more follows it."""
        proxy, weather = self._proxy, self._proxy.weather
        for kind, seconds in (("delay", weather.delay_s), ("stall", weather.stall_s)):
            if proxy.strikes(kind):
                await asyncio.sleep(seconds * (proxy.part(1000) + 1) / 1000)
        if proxy.strikes("replay"):
            proxy.replay()
        if proxy.strikes("cut"):
            raise ConnectionResetError
        if proxy.strikes("truncate"):
            writer.write(unit[: proxy.part(len(unit))])
            await writer.drain()
            raise ConnectionResetError
        if proxy.strikes("half_close"):
            if writer.can_write_eof():
                writer.write_eof()
            return False
        writer.write(unit + unit if is_frame and proxy.strikes("double") else unit)
        await writer.drain()
        return True


async def units(reader: asyncio.StreamReader) -> AsyncIterator[tuple[bytes, bool]]:
    """Yield what passes as it is best mauled: the head of HTTP, then whole data frames of a WebSocket.

    Control frames, and everything of a connection that is no WebSocket, come as they are, marked as no frames.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as rest:
        yield rest.partial, False
        return
    except asyncio.LimitOverrunError:
        head = await reader.read(HEAD_BYTES_MAX)
    yield head, False
    try:
        while b"upgrade: websocket" in head.lower():
            frame = await _frame(reader)
            yield frame, not frame[0] & _CONTROL
    except asyncio.IncompleteReadError as rest:
        if rest.partial:
            yield rest.partial, False
        return
    while chunk := await reader.read(CHUNK_BYTES):
        yield chunk, False


async def _frame(reader: asyncio.StreamReader) -> bytes:
    """Return the next WebSocket frame, head and all (RFC 6455, 5.2)."""
    head = await reader.readexactly(2)
    length = head[1] & 0x7F
    extended = await reader.readexactly({126: 2, 127: 8}.get(length, 0))
    if extended:
        length = int.from_bytes(extended)
    masked = 4 if head[1] & 0x80 else 0
    return head + extended + await reader.readexactly(masked + length)
