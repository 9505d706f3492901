"""A disk on which tests open stores, and the one table of balances they share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    insert,
    select,
    text,
    true,
    update,
)
from sqlalchemy.schema import CreateTable

from node.store import Database, Fault, ThreadStore, Tx
from node.store.statements import compiler_for

# Tables of the tests' own, apart from the node's `metadata`.
Big = BigInteger().with_variant(Integer(), "sqlite")
own = MetaData()
balances = Table(
    "test_balance",
    own,
    Column("name", Text, primary_key=True),
    Column("amount", Big, nullable=False),
    Column("open", Boolean().with_variant(Integer(), "sqlite"), nullable=False, server_default=true()),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
notes = Table(
    "test_note",
    own,
    Column("id", Big, primary_key=True),
    Column("words", Text, nullable=False),
    # Checked at COMMIT only, which is how a test makes a real COMMIT fail.
    Column("about", Text, ForeignKey("test_balance.name", deferrable=True, initially="DEFERRED")),
    sqlite_strict=True,
)

OPEN = insert(balances)
SET = update(balances).where(balances.c.name == bindparam("which")).values(amount=bindparam("to"))
AMOUNT = select(balances.c.amount).where(balances.c.name == bindparam("which"))
ALL = select(balances.c.name, balances.c.amount).order_by(balances.c.name)
NOTE = insert(notes)
WORDS = select(notes.c.words).order_by(notes.c.id)


class NotEnough(Exception):
    """An honest no of a unit."""


class Boom(Exception):
    """A fault put there by a test."""


def add(tx: Tx, name: str, amount: int) -> int:
    """Read, decide, write: the unit that loses updates when units are not alone."""
    now = tx.scalar(AMOUNT, which=name)
    if now + amount < 0:
        raise NotEnough(name)
    tx.run(SET, which=name, to=now + amount)
    return now + amount


def move(tx: Tx, payer: str, payee: str, amount: int) -> None:
    """Two writes that belong together."""
    add(tx, payer, -amount)
    add(tx, payee, amount)


class Disk:
    """Where a store is opened, closed, crashed and opened again."""

    def __init__(self, database: Database, open_store: Callable[[Database, Fault | None], Any]):
        self.database = database
        self.dialect = database.dialect
        self._open_store = open_store
        self._stores: list[Any] = []

    async def open(self, fault: Fault | None = None) -> Any:
        """Return a new store on this disk."""
        store = self._open_store(self.database, fault)
        if asyncio.iscoroutine(store):
            store = await store
        self._stores.append(store)
        return store

    async def with_balances(self, fault: Fault | None = None, **amounts: int) -> Any:
        """Return a new store whose table has these balances; `fault` is met only after that."""
        ready = False

        def later(what: str) -> None:
            if ready and fault is not None:
                fault(what)

        store = await self.open(later)
        await store.write(self._prepare, amounts)
        ready = True
        return store

    def _prepare(self, tx: Tx, amounts: dict[str, int]) -> None:
        for table in own.sorted_tables:
            tx.run(text(str(CreateTable(table).compile(dialect=compiler_for(self.dialect).dialect))))
        for name, amount in amounts.items():
            tx.run(OPEN, name=name, amount=amount)

    async def close(self) -> None:
        """Close every store opened here."""
        for store in self._stores:
            await store.close()

    async def together(self, store: Any, *units: tuple[Any, ...]) -> list[Any]:
        """Have the store run `units` as one group; return their results or exceptions."""
        gate = threading.Event()
        tasks = []
        if isinstance(store, ThreadStore):  # its writer is kept busy until all of them are in line
            tasks.append(asyncio.ensure_future(store.write(lambda tx: gate.wait())))
            await asyncio.sleep(0)
        tasks += [asyncio.ensure_future(store.write(unit, *args)) for unit, *args in units]
        await asyncio.sleep(0)
        gate.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        return answers[-len(units) :]
