"""The whole book checked, beside the least that could: the same signatures verified, and the same bytes hashed."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from crypto.signing import signed_bytes, split
from node.clock import SeededChance, SystemClock
from node.keyfiles import Drawn, draw_keys
from node.services.books import Books
from node.services.ledger_check import Checked, check_books
from node.services.trades import NewTrade, Trades
from node.store import ReadTx, ThreadStore, Tx
from protocol.entry import Entry, Words
from scripts.bench.harness import Comparison, Figure, Options, Result, Sample, scratch

ENTRIES: Final = 100_000
MEMBERS: Final = 200
AT_ONCE: Final = 2_000
GOAL: Final = 4.0
WORDS: Final = Words(text="", done_by="bench", on_behalf_of=None, proved_by="system")


async def run(options: Options) -> list[Result]:
    """Fill a book once; check it and its limits by turns."""
    count = 2_000 if options.quick else ENTRIES
    rounds = 1 if options.quick else min(options.rounds, 3)
    async with scratch(options) as directory:
        drawn = draw_keys(SeededChance("ledger_verify"), SystemClock().now_ms())
        store = await ThreadStore.open(directory / "node.db")
        try:
            await _fill(store, drawn, count)
            sides = [await _round(store, drawn, directory) for _ in range(rounds)]
        finally:
            await store.close()
    checked = sides[0][3]
    assert checked.right, checked.findings[:3]
    return [
        Comparison(
            what=f"{checked.entries:,} entries checked", unit="s", limit_is="their signatures verified",
            ours=tuple(Sample(value=side[0]) for side in sides), limit=tuple(Sample(value=side[1]) for side in sides),
            goal=GOAL, at_most=True, note=f"{checked.legs:,} movements, {checked.accounts} accounts",
        ),
        Figure(
            what=f"times a bare SHA-256 of the same {checked.entry_bytes:,} bytes", unit="×",
            values=tuple(side[0] / side[2] for side in sides),
        ),
    ]  # fmt: skip


async def _fill(store: ThreadStore, drawn: Drawn, count: int) -> None:
    ring, chance = drawn.keys.keyring, SeededChance("fill")
    books = Books(ring, SystemClock(), chance)
    trades = Trades(store=store, books=books, clock=SystemClock(), scheme=ring.scheme)

    def open_all(tx: Tx) -> list[int]:
        return [books.open_account(tx, WORDS, credit_limit=10**9).no for _ in range(MEMBERS)]

    nos = await store.write(open_all)

    def trade(at: int) -> NewTrade:
        payer, step = at % MEMBERS, 1 + at // MEMBERS % (MEMBERS - 1)
        return NewTrade(
            payer_no=nos[payer], payee_no=nos[(payer + step) % MEMBERS], amount=1 + at % 90,
            text=f"two jars of jam, {at}", entered_by="Ana", proved_by="pin", once=at.to_bytes(16, "big"),
            payer_name="Ana", payee_name="Ben",
        )  # fmt: skip

    for first in range(0, count - MEMBERS, AT_ONCE):
        batch = range(first, min(first + AT_ONCE, count - MEMBERS))
        await asyncio.gather(*(trades.record(trade(at)) for at in batch))


async def _round(store: ThreadStore, drawn: Drawn, directory: Path) -> tuple[float, float, float, Checked]:
    """Return the seconds of the check, of the signatures alone and of the hash alone, and what was found."""
    ring = drawn.keys.keyring

    def query(tx: ReadTx) -> Checked:
        return check_books(tx, ring.scheme, lambda scheme: ring.identity if scheme == ring.scheme else None)

    began = time.perf_counter()
    checked = await store.read(query)
    ours = time.perf_counter() - began
    raw = sqlite3.connect(f"file:{directory / 'node.db'}?mode=ro", uri=True)
    wires = [split(wire) for (wire,) in raw.execute("SELECT wire FROM entry ORDER BY seq")]
    raw.close()
    key = ring.signing["ledger"][1].public

    def verify() -> None:
        assert all(key.verifies(sig, signed_bytes(Entry.TAG, body)) for body, _, sig in wires)

    def digest() -> None:
        hashlib.sha256(b"".join(body for body, _, _ in wires)).digest()

    return ours, await _timed(verify), await _timed(digest), checked


async def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    await asyncio.to_thread(work)
    return time.perf_counter() - began
