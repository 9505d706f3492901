"""A toy of gossip that verifies every item: the other way to be sure that nobody made anything up.

The sender holds signed items in SQLite and streams them in batches over TCP; the receiver verifies each with
libsodium in a thread of its own and stores them, one durable commit for about a thousand, unique by (author, number).
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgpack
from nacl.bindings import crypto_sign, crypto_sign_keypair, crypto_sign_open

from scripts.bench.processes import run_process, serve_orders

AUTHORS: Final = 100
BATCH: Final = 256
COMMIT: Final = 1_024
COMMITS_WAITING_MAX: Final = 8
KEY_BYTES: Final = 32
STREAM_BYTES: Final = 1 << 20
_TABLES: Final = """
create table l(seq integer primary key, a int, n int, body blob);
create unique index x on l(a, n);
"""

Row = tuple[int, int, bytes]


def new_database(path: Path) -> sqlite3.Connection:
    """Return a connection to a new database; the older one of that name is gone."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("pragma journal_mode=wal")
    connection.execute("pragma synchronous=full")
    connection.executescript(_TABLES)
    return connection


def verify(rows: list[Row]) -> None:
    """Verify each signature; the author's key stands before it."""
    for _, _, body in rows:
        crypto_sign_open(body[KEY_BYTES:], body[:KEY_BYTES])


class Sender:
    """Holds the items and streams them to whoever connects."""

    def __init__(self, path: Path, port: int):
        self._database: Final = new_database(path)
        self._port: Final = port

    async def fill(self, count: int) -> None:
        """Sign and store `count` items."""
        keys = [crypto_sign_keypair() for _ in range(AUTHORS)]
        self._database.execute("begin")
        for number in range(count):
            public, secret = keys[number % AUTHORS]
            item = {
                "v": 1,
                "t": "offer",
                "s": "lets-north",
                "q": number,
                "title": "Garden help",
                "text": "x" * 60,
            }
            body = public + crypto_sign(msgpack.packb(item), secret)
            row = (number % AUTHORS, number // AUTHORS, body)
            self._database.execute("insert into l(a,n,body) values(?,?,?)", row)
        self._database.execute("commit")
        self._server = await asyncio.start_server(self._stream, "127.0.0.1", self._port)

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        rows = self._database.execute("select a,n,body from l order by seq")
        while batch := rows.fetchmany(BATCH):
            data = msgpack.packb(batch)
            writer.write(len(data).to_bytes(4, "big") + data)
            await writer.drain()
        writer.write(bytes(4))
        await writer.drain()
        writer.close()


class Receiver:
    """Fetches, verifies, stores."""

    def __init__(self, path: Path, port: int):
        self._path, self._port = path, port
        self._verifying: Final = ThreadPoolExecutor(1)
        self._writing: Final = ThreadPoolExecutor(1)

    async def fetch(self) -> list[float]:
        """Return how many items came, and how long it took."""
        self._database = new_database(self._path)
        loop = asyncio.get_running_loop()
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=STREAM_BYTES)
        began = time.perf_counter()
        writer.write(b"g")
        waiting: list[Row] = []
        checks: list[tuple[list[Row], asyncio.Future[None]]] = []
        commits: list[asyncio.Future[None]] = []
        going = True
        while going:
            size = int.from_bytes(await reader.readexactly(4), "big")
            going = size > 0
            if going:
                rows: list[Row] = msgpack.unpackb(await reader.readexactly(size), use_list=False)
                checks.append((rows, loop.run_in_executor(self._verifying, verify, rows)))
            while checks and (not going or len(checks) > 1):
                rows, checked = checks.pop(0)
                await checked
                waiting += rows
                if len(waiting) >= COMMIT or (not going and not checks):
                    commits.append(loop.run_in_executor(self._writing, self._insert, waiting))
                    waiting = []
            if len(commits) > COMMITS_WAITING_MAX:
                await commits.pop(0)
        await asyncio.gather(*commits)
        elapsed = time.perf_counter() - began
        writer.close()
        (count,) = self._database.execute("select count(*) from l").fetchone()
        self._database.close()
        return [count, elapsed]

    def _insert(self, rows: list[Row]) -> None:
        self._database.execute("begin immediate")
        self._database.executemany("insert or ignore into l(a,n,body) values(?,?,?)", rows)
        self._database.execute("commit")


async def main(settings: dict[str, Any]) -> None:
    """Be the sender or the receiver."""
    path, port = Path(settings["path"]), settings["port"]
    if settings["sends"]:
        await serve_orders({"fill": Sender(path, port).fill})
    else:
        await serve_orders({"fetch": Receiver(path, port).fetch})
    os._exit(0)  # nothing here is worth an orderly end


if __name__ == "__main__":
    run_process(main)
