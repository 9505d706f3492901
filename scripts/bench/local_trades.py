"""Local trades through the service, durable, against the least that could do the same.

The limit is one writer thread with group commit over bare `sqlite3`: two guarded updates of balances and one
journal row for each trade, with a signature made and one verified by each caller. Ours is `Trades.record`: a
signed entry with two commitments in a hash chain, four more rows, and every rule of the ledger.
"""

from __future__ import annotations

import asyncio
import queue
import random
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from nacl.signing import SigningKey as SodiumKey

from node.clock import SystemChance, SystemClock
from node.services.books import Books
from node.services.trades import NewTrade, Trades
from node.serving import collect_less
from node.store import ThreadStore, Tx
from node.web.forms import fresh_key
from protocol.entry import Words
from scripts.bench.harness import Comparison, Options, Result, by_p50, callers, scratch, take_turns
from tests.small_town import make_keyring

ACCOUNTS: Final = 1_000
GROUP_MAX: Final = 1_000
ENTRY_BYTES: Final = 230
_TABLES: Final = """
create table acct(id integer primary key, bal integer not null default 0, lim integer not null);
create table journal(seq integer primary key, h blob not null, body blob not null);
create unique index jh on journal(h);
"""
_OPENED: Final = Words(text="", done_by="bench", on_behalf_of=None, proved_by="system")


class BareWriter:
    """One thread that commits what everybody waiting asked for, together."""

    def __init__(self, path: Path):
        self._path: Final = path
        self._chance: Final = random.Random(1)
        self._entry: Final = self._chance.randbytes(ENTRY_BYTES)
        key = SodiumKey.generate()
        self._key, self._public = key, key.verify_key
        self._signature: Final = key.sign(self._entry).signature
        self._line: Final[queue.SimpleQueue[asyncio.Future[None] | None]] = queue.SimpleQueue()
        self._loop: Final = asyncio.get_running_loop()
        self._thread: Final = threading.Thread(target=self._write)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._line.put(None)
        self._thread.join()

    async def transfer(self) -> None:
        """Verify, sign, and wait until a transfer is durable."""
        self._public.verify(self._entry, self._signature)
        self._key.sign(self._entry)
        future = self._loop.create_future()
        self._line.put(future)
        await future

    def _write(self) -> None:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.execute("pragma journal_mode=wal")
        connection.execute("pragma synchronous=FULL")
        connection.executescript(_TABLES)
        rows = [(number, 1 << 40) for number in range(ACCOUNTS)]
        connection.executemany("insert into acct(id,lim) values(?,?)", rows)
        going = True
        while going:
            waiting = [self._line.get()]
            while len(waiting) < GROUP_MAX:
                try:
                    waiting.append(self._line.get_nowait())
                except queue.Empty:
                    break
            going = None not in waiting
            self._commit(connection, [future for future in waiting if future is not None])
        connection.close()

    def _commit(self, connection: sqlite3.Connection, group: list[asyncio.Future[None]]) -> None:
        execute, chance = connection.execute, self._chance
        execute("begin immediate")
        for _ in group:
            payer = chance.randrange(ACCOUNTS)
            payee = (payer + 1 + chance.randrange(ACCOUNTS - 2)) % ACCOUNTS
            execute("update acct set bal=bal-? where id=? and bal-?>=-lim", (5, payer, 5))
            execute("update acct set bal=bal+? where id=? and bal+?<=lim", (5, payee, 5))
            execute("insert into journal(h,body) values(?,?)", (chance.randbytes(32), self._entry))
        execute("commit")
        self._loop.call_soon_threadsafe(_answer, group)


def _answer(group: list[asyncio.Future[None]]) -> None:
    for future in group:
        future.set_result(None)


@asynccontextmanager
async def our_trades(path: Path) -> AsyncIterator[Any]:
    """A scheme with its members; yields what records one trade between two of them."""
    chance, clock = SystemChance(), SystemClock()
    keyring = make_keyring(chance, clock.now_ms())
    store = await ThreadStore.open(path)
    books = Books(keyring, clock, chance)
    trades = Trades(store=store, books=books, clock=clock, scheme=keyring.scheme)

    def open_all(tx: Tx) -> list[int]:
        return [books.open_account(tx, _OPENED, credit_limit=1 << 40).no for _ in range(ACCOUNTS)]

    members = await store.write(open_all)
    collect_less()  # as a node does before it serves; it helps both sides
    pick = random.Random(2)

    async def record() -> None:
        payer = pick.randrange(ACCOUNTS)
        payee = (payer + 1 + pick.randrange(ACCOUNTS - 2)) % ACCOUNTS
        await trades.record(
            NewTrade(
                payer_no=members[payer], payee_no=members[payee], amount=5, text="two hours of gardening, thank you",
                entered_by="Ana Lima", proved_by="password", once=fresh_key(clock.now_ms(), chance), payer_name="Ana Lima",
                payee_name="Karim Haddad",
            )
        )  # fmt: skip

    yield record
    await store.close()


async def run(options: Options) -> list[Result]:
    """Compare with many callers, and with one."""
    results: list[Result] = []
    async with scratch(options) as directory, our_trades(directory / "ours.db") as record:
        bare = BareWriter(directory / "bare.db")
        try:
            for count in (32, 1):
                mine, its = await take_turns(
                    options, partial(callers, count, record), partial(callers, count, bare.transfer)
                )
                what = f"local trades, {count} caller{'s' if count > 1 else ''}"
                limit_is = "bare writer thread + 1 sign + 1 verify"
                if count > 1:
                    results.append(
                        Comparison(what=what, unit="/s", limit_is=limit_is, ours=mine, limit=its, goal=0.5)
                    )
                else:
                    results.append(
                        Comparison(
                            what=f"{what}, p50", unit="ms", limit_is=limit_is, ours=by_p50(mine), limit=by_p50(its),
                            goal=2, at_most=True,
                        )
                    )  # fmt: skip
        finally:
            bare.stop()
    return results
