"""From starting the process to its first answer, against bare aiohttp with SQLAlchemy imported.

Then the same with 100,000 entries in the log, against the node that has none: what a node does at its start must not
grow with what it has recorded.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from node.config import load as load_config
from node.opening import open_node
from node.services.trades import NewTrade
from node.store import Tx
from protocol.entry import Words
from scripts.bench.harness import Comparison, Options, Result, Sample, scratch, take_turns
from scripts.bench.processes import ROOT, free_ports

ENTRIES: Final = 100_000
ENTRIES_AT_ONCE: Final = 500
ROUNDS_MIN: Final = 5  # one start is one sample, so there are never fewer
WITHIN_S: Final = 30.0
LOOK_EVERY_S: Final = 0.003
WORDS: Final = Words(text="", done_by="bench", on_behalf_of=None, proved_by="system")
BARE: Final = """
import asyncio, sys
import sqlalchemy
from aiohttp import web
async def ready(request):
    return web.Response(text="ready\\n")
app = web.Application()
app.router.add_get("/readyz", ready)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
"""


def environment(bytecode: Path) -> dict[str, str]:
    """Return the environment of a process that is measured: nothing of ours in it but where the code is.

    Like an installed node it finds its modules compiled, whatever this machine says about bytecode in source
    folders; the libraries of the bare process are compiled where they are installed.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INTERLETS_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(bytecode)}


async def start(command: Sequence[str], folder: Path, port: int, bytecode: Path, _seconds: float) -> Sample:
    """Start a process, wait for its first answer, end it; the value is milliseconds."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=environment(bytecode), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(int(WITHIN_S / LOOK_EVERY_S)):
            if process.returncode is not None:
                raise RuntimeError(f"{command} ended with {process.returncode}")
            if await answers(port):
                return Sample(value=(time.perf_counter() - began) * 1000)
            await asyncio.sleep(LOOK_EVERY_S)
        raise TimeoutError(f"no answer from {command}")
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def answers(port: int) -> bool:
    """Tell whether a process says that it is ready. Bare sockets: importing nothing keeps the asker out of the way."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        return b" 200 " in await reader.readline()
    except OSError:
        return False
    finally:
        writer.close()


def make_scheme(folder: Path, port: int, bytecode: Path) -> Path:
    """Make a new scheme, ready to serve; return its folder."""
    folder.mkdir()
    (folder / "passphrase").write_text("apples keep all winter\n")
    command = [
        sys.executable, "-m", "node", "init", "--name", "Oakvale", "--place", "Oakvale", "--unit", "hours",
        "--organiser", "Rosa Field", "--email", "rosa@example.org", "--port", str(port),
        "--passphrase-file", "passphrase", "--json",
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=folder, env=environment(bytecode), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return folder


async def fill(folder: Path, count: int) -> None:
    """Record `count` trades between two members."""
    config = load_config(folder / "interlets.toml", {})
    async with open_node(config) as node:

        def members(tx: Tx) -> list[int]:
            return [node.books.open_account(tx, WORDS, credit_limit=1 << 40).no for _ in range(2)]

        payer, payee = await node.store.write(members)

        def record(tx: Tx, numbers: range) -> None:
            for number in numbers:
                node.trades.record_in(
                    tx,
                    NewTrade(
                        payer_no=payer, payee_no=payee, amount=5, text=f"gardening {number}", entered_by="Ana",
                        proved_by="password", once=os.urandom(16), payer_name="Ana", payee_name="Ben",
                    ),
                )  # fmt: skip

        for first in range(0, count, ENTRIES_AT_ONCE):
            await node.store.write(record, range(first, min(first + ENTRIES_AT_ONCE, count)))


async def run(options: Options) -> list[Result]:
    """Compare an empty node with the bare process, and a full one with the empty."""
    empty_port, full_port, bare_port = free_ports(3)
    serve = (sys.executable, "-m", "node", "serve")
    count = 2_000 if options.quick else ENTRIES
    each = Options(rounds=max(options.rounds, ROUNDS_MIN), directory=options.directory)
    async with scratch(options) as directory:
        compiled = directory / "bytecode"
        empty = await asyncio.to_thread(make_scheme, directory / "empty", empty_port, compiled)
        full = await asyncio.to_thread(make_scheme, directory / "full", full_port, compiled)
        ours = partial(start, serve, empty, empty_port, compiled)
        bare = partial(start, (sys.executable, "-c", BARE, str(bare_port)), directory, bare_port, compiled)
        for once in (ours, bare):  # the first start of each compiles its modules
            await once(0)
        first: Any = await take_turns(each, ours, bare)
        await fill(full, count)
        second: Any = await take_turns(each, partial(start, serve, full, full_port, compiled), ours)
    return [
        Comparison(
            what="first answer, empty", unit="ms", limit_is="bare aiohttp + SQLAlchemy import", ours=first[0],
            limit=first[1], goal=3, at_most=True,
        ),
        Comparison(
            what=f"first answer, {count:,} entries", unit="ms", limit_is="the same, empty", ours=second[0],
            limit=second[1], goal=1.15, at_most=True,
        ),
    ]  # fmt: skip
