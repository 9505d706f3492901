"""A toy of signed durable hops: the least that a payment through other schemes' nodes could cost.

A row of processes. A payment comes with a hash and is verified, stored durably as a hold, signed and passed on by
each; its secret comes back the same way, and each verifies it, stores the settling durably, signs and passes it on.
Raw TCP, libsodium, three statements in all, no rule of any kind. Sender and receiver are one process.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import queue
import sqlite3
import threading
from pathlib import Path
from typing import Any, Final

import msgpack
from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair

from scripts.bench.harness import callers
from scripts.bench.processes import run_process, serve_orders

GROUP_MAX: Final = 500
SENDER: Final = 0  # its place in the row; the receiver stands behind the last node
_TABLES: Final = """
create table hold(id integer primary key, st int, amt int, body blob);
create table acct(id integer primary key, bal int, lim int);
insert into acct values(1, 0, 1000000000), (2, 0, 1000000000);
"""

Message = dict[str, Any]


def keys(place: int) -> tuple[bytes, bytes]:
    """Return (public, secret) of a place in the row."""
    pair: tuple[bytes, bytes] = crypto_sign_seed_keypair(bytes([10 + place]) * 32)
    return pair


def frame(secret: bytes, message: Message) -> bytes:
    """Return a signed message with its length before it."""
    signed: bytes = crypto_sign(msgpack.packb(message), secret)
    return len(signed).to_bytes(4, "big") + signed


async def receive(reader: asyncio.StreamReader, public: bytes) -> Message:
    """Return the next message, its signature verified."""
    size = int.from_bytes(await reader.readexactly(4), "big")
    message: Message = msgpack.unpackb(crypto_sign_open(await reader.readexactly(size), public))
    return message


class Writer:
    """One thread that commits holds and settlings in groups."""

    def __init__(self, path: Path):
        self._path: Final = path
        self._loop: Final = asyncio.get_running_loop()
        self._line: Final[queue.SimpleQueue[tuple[bool, tuple[Any, ...], asyncio.Future[None]]]] = (
            queue.SimpleQueue()
        )
        threading.Thread(target=self._write, daemon=True).start()

    def do(self, settles: bool, values: tuple[Any, ...]) -> asyncio.Future[None]:
        """Return what is done once the change is durable."""
        future = self._loop.create_future()
        self._line.put((settles, values, future))
        return future

    def _write(self) -> None:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.execute("pragma journal_mode=wal")
        connection.execute("pragma synchronous=FULL")
        connection.executescript(_TABLES)
        execute = connection.execute
        while True:
            group = [self._line.get()]
            while len(group) < GROUP_MAX and not self._line.empty():
                group.append(self._line.get())
            execute("begin immediate")
            for settles, values, _ in group:
                if settles:
                    execute("update hold set st=1 where id=? and st=0", values)
                    execute("update acct set bal=bal+? where id=2", (10,))
                else:
                    execute("insert into hold(id,st,amt,body) values(?,0,?,?)", values)
                    execute("update acct set bal=bal-? where id=1 and bal-?>=-lim", (values[1], values[1]))
            execute("commit")
            self._loop.call_soon_threadsafe(_answer, [future for *_, future in group])


def _answer(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)


class Hop:
    """A node in the middle: one neighbour before it, one behind."""

    def __init__(self, place: int, port: int, next_port: int, path: Path):
        self._secret: Final = keys(place)[1]
        self._before: Final = keys(place - 1)[0]
        self._behind: Final = keys(place + 1)[0]
        self._port, self._next_port = port, next_port
        self._writer: Final = Writer(path)
        self._waiting: Final[dict[int, bytes]] = {}

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)

    async def _serve(self, up_reader: asyncio.StreamReader, up: asyncio.StreamWriter) -> None:
        down_reader, down = await asyncio.open_connection("127.0.0.1", self._next_port)

        async def prepare(message: Message) -> None:
            await self._writer.do(False, (message["id"], message["a"], message["c"]))
            down.write(frame(self._secret, message))

        async def fulfil(message: Message) -> None:
            if hashlib.sha256(message["p"]).digest() == self._waiting.pop(message["id"]):
                await self._writer.do(True, (message["id"],))
                up.write(frame(self._secret, message))

        async def forward() -> None:
            while True:
                message = await receive(up_reader, self._before)
                self._waiting[message["id"]] = message["c"]
                tasks.create_task(prepare(message))

        async def back() -> None:
            while True:
                message = await receive(down_reader, self._behind)
                tasks.create_task(fulfil(message))

        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(forward())
                tasks.create_task(back())
        except* asyncio.IncompleteReadError:
            up.close()


class Ends:
    """Sender and receiver."""

    def __init__(self, hops: int, first_port: int, own_port: int):
        self._hops, self._first_port, self._own_port = hops, first_port, own_port
        self._secrets: Final[dict[int, bytes]] = {}
        self._waiting: Final[dict[int, asyncio.Future[None]]] = {}
        self._count = 0

    async def listen(self) -> None:
        """Be there as the receiver."""
        self._server = await asyncio.start_server(self._be_paid, "127.0.0.1", self._own_port)

    async def connect(self) -> None:
        """Connect the sender to the first node."""
        self._reader, self._first = await asyncio.open_connection("127.0.0.1", self._first_port)
        self._back = asyncio.get_running_loop().create_task(self._take_back())

    async def _be_paid(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        last, secret = keys(self._hops)[0], keys(self._hops + 1)[1]
        try:
            while True:
                message = await receive(reader, last)
                number = message["id"]
                writer.write(frame(secret, {"id": number, "p": self._secrets.pop(number), "t": "f"}))
        except asyncio.IncompleteReadError:
            return

    async def _take_back(self) -> None:
        first = keys(1)[0]
        while True:
            message = await receive(self._reader, first)
            self._waiting.pop(message["id"]).set_result(None)

    async def pay(self) -> None:
        """Send one payment and wait until its secret is back."""
        self._count += 1
        number, secret = self._count, os.urandom(32)
        self._secrets[number] = secret
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        message = {
            "id": number, "t": "p", "a": 10, "c": hashlib.sha256(secret).digest(), "to": "lets-south/m-00042",
            "exp": 1790000000123,
        }  # fmt: skip
        self._first.write(frame(keys(SENDER)[1], message))
        await future


async def main(settings: dict[str, Any]) -> None:
    """Be one process of the row."""
    place, hops, ports = settings["place"], settings["hops"], settings["ports"]
    if place != SENDER:
        hop = Hop(place, ports[place], ports[(place + 1) % len(ports)], Path(settings["path"]))
        await hop.start()
        await serve_orders({"ready": _ready})
        os._exit(0)  # nothing here is worth an orderly end
    ends = Ends(hops, ports[1], ports[SENDER])
    await ends.listen()

    async def measure(count: int, seconds: float) -> list[float | None]:
        sample = await callers(count, ends.pay, seconds)
        return [sample.value, sample.p50_ms, sample.p99_ms]

    await serve_orders({"ready": _ready, "connect": ends.connect, "measure": measure})
    os._exit(0)


async def _ready() -> None:
    """Answer, once this process listens."""


if __name__ == "__main__":
    run_process(main)
