"""The bare cost of durable writes, for reference: the disk alone, and SQLite with groups of several sizes."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from scripts.bench.harness import Figure, Options, Result, scratch, spin

BLOCK: Final = 4_096
FILE_BYTES: Final = 64 << 20
GROUPS: Final = (1, 10, 100)
ACCOUNTS: Final = 1_000
_TABLES: Final = """
create table acct(id integer primary key, bal integer not null default 0, lim integer not null);
create table journal(seq integer primary key, h blob not null, body blob not null);
"""
_INDEX: Final = "create unique index jh on journal(h)"


async def run(options: Options) -> list[Result]:
    """Measure each in its turn, `rounds` times over."""
    async with scratch(options) as directory:
        return await asyncio.to_thread(_measure, directory, options)


def _measure(directory: Path, options: Options) -> list[Result]:
    cases: dict[str, tuple[Callable[[], object], int]] = {
        "the disk: overwrite 4 KiB, fdatasync": (_disk(directory / "raw"), 1)
    }
    for group in GROUPS:
        for index in (False, True):
            name = f"transfers, groups of {group}{', unique random hash' if index else ''}"
            cases[name] = (_transfers(directory / f"{group}-{index}.db", group, index=index), group)
    found: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(options.rounds):
        for name, (once, group) in cases.items():
            found[name].append(spin(once, min(options.seconds, 0.5), group))
    return [Figure(what=name, unit="/s", values=tuple(values)) for name, values in found.items()]


def _disk(path: Path) -> Callable[[], object]:
    file = os.open(path, os.O_CREAT | os.O_RDWR)
    os.truncate(file, FILE_BYTES)
    block, at = os.urandom(BLOCK), 0

    def once() -> None:
        nonlocal at
        os.pwrite(file, block, at)
        at = (at + BLOCK) % FILE_BYTES
        os.fdatasync(file)

    return once


def _transfers(path: Path, group: int, *, index: bool) -> Callable[[], object]:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("pragma journal_mode=wal")
    connection.execute("pragma synchronous=FULL")
    connection.executescript(_TABLES + (_INDEX if index else ""))
    connection.executemany("insert into acct(id,lim) values(?,?)", [(i, 1 << 40) for i in range(ACCOUNTS)])
    chance, entry = random.Random(1), os.urandom(230)
    execute = connection.execute

    def once() -> None:
        execute("begin immediate")
        for _ in range(group):
            payer = chance.randrange(ACCOUNTS)
            payee = (payer + 1 + chance.randrange(ACCOUNTS - 2)) % ACCOUNTS
            execute("update acct set bal=bal-? where id=? and bal-?>=-lim", (5, payer, 5))
            execute("update acct set bal=bal+? where id=? and bal+?<=lim", (5, payee, 5))
            execute("insert into journal(h,body) values(?,?)", (chance.randbytes(32), entry))
        execute("commit")

    return once
