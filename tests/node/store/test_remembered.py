"""What is remembered of queries is never anything but what they would answer now."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Table, select, text
from sqlalchemy.sql.dml import Update
from sqlalchemy.sql.elements import BindParameter, ClauseElement
from sqlalchemy.sql.visitors import iterate

import node
from node.services.search import Order, _Shape, _statements
from node.store import ReadTx, Remembered, StoreError, ThreadStore, Tx
from node.store.remembered import Changes
from node.store.schema import creation, load_all
from node.store.sqlite import SqliteDatabase
from node.store.statements import Upsert, compiler_for
from tests.node.store.disks import AMOUNT, NOTE, Boom, Disk, add, balances

NOW = 1_000
asked: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_asked() -> None:
    asked.clear()


def amount_of(tx: ReadTx, _now_ms: int, name: str) -> int:
    """Query: a balance; notes that it ran."""
    asked.append(name)
    amount: int = tx.scalar(AMOUNT, which=name)
    return amount


def amount_until(tx: ReadTx, now_ms: int, name: str) -> tuple[int, int]:
    """Query: a balance and the moment, which matters from 2,000 on."""
    tx.holds_until(2_000 if now_ms < 2_000 else 3_000)
    return amount_of(tx, now_ms, name), now_ms


async def test_what_nobody_changed_is_read_once(disk: Disk) -> None:
    store = await disk.with_balances(ana=1, bob=2)
    remembered = Remembered(store, 10)

    for _ in range(3):
        assert await remembered.read(NOW, amount_of, "ana") == 1
        assert await remembered.read(NOW + 1, amount_of, "bob") == 2

    assert asked == ["ana", "bob"]


async def test_a_commit_shows_at_the_very_next_read(disk: Disk) -> None:
    store = await disk.with_balances(ana=1)
    remembered = Remembered(store, 10)
    for amount in range(2, 6):
        await remembered.read(NOW, amount_of, "ana")
        await store.write(add, "ana", 1)
        assert await remembered.read(NOW, amount_of, "ana") == amount


async def test_a_commit_to_another_table_changes_nothing(disk: Disk) -> None:
    store = await disk.with_balances(ana=1)
    remembered = Remembered(store, 10)
    await remembered.read(NOW, amount_of, "ana")
    await store.write(lambda tx: tx.run(NOTE, words="hello", about=None))

    assert await remembered.read(NOW, amount_of, "ana") == 1
    assert asked == ["ana"]


async def test_a_write_that_says_not_to_which_table_counts_as_to_all(disk: Disk) -> None:
    store = await disk.with_balances(ana=1)
    remembered = Remembered(store, 10)
    await remembered.read(NOW, amount_of, "ana")
    await store.write(lambda tx: tx.run(text("UPDATE test_balance SET amount = 7")))

    assert await remembered.read(NOW, amount_of, "ana") == 7


async def test_a_query_that_says_not_what_it_reads_is_not_remembered(disk: Disk) -> None:
    store = await disk.with_balances(ana=1)
    remembered = Remembered(store, 10)

    def query(tx: ReadTx, _now_ms: int) -> int:
        asked.append("text")
        amount: int = tx.scalar(text("SELECT amount FROM test_balance"))
        return amount

    assert [await remembered.read(NOW, query) for _ in range(2)] == [1, 1]
    assert asked == ["text", "text"]


async def test_a_commit_that_fails_changes_nothing_that_is_shown(disk: Disk) -> None:
    failing = False

    def fault(what: str) -> None:
        if what == "COMMIT" and failing:
            raise StoreError("the disk said no")

    store = await disk.with_balances(fault, ana=1)
    remembered = Remembered(store, 10)
    assert await remembered.read(NOW, amount_of, "ana") == 1
    failing = True
    with pytest.raises(StoreError):
        await store.write(add, "ana", 100)
    failing = False

    assert await remembered.read(NOW, amount_of, "ana") == 1
    await store.write(add, "ana", 1)
    assert await remembered.read(NOW, amount_of, "ana") == 2


async def test_a_unit_that_is_rolled_back_changes_nothing_that_is_shown(disk: Disk) -> None:
    store = await disk.with_balances(ana=1)
    remembered = Remembered(store, 10)
    await remembered.read(NOW, amount_of, "ana")

    def careless(tx: Tx) -> None:
        add(tx, "ana", 100)
        raise Boom

    answers = await disk.together(store, (careless,), (add, "ana", 1))

    assert isinstance(answers[0], Boom)
    assert await remembered.read(NOW, amount_of, "ana") == 2


@pytest.mark.parametrize("stop_at, meanwhile", [("COMMIT", 1), ("COMMITTED", 2)])
async def test_nothing_read_while_a_commit_is_under_way_is_kept(
    tmp_path: Path, stop_at: str, meanwhile: int
) -> None:
    """Between COMMIT and its answer a reader may see either state, and would keep the wrong one for ever."""
    at, go_on = threading.Event(), threading.Event()

    def fault(what: str) -> None:
        if what == stop_at:
            at.set()
            go_on.wait(10)

    disk = Disk(SqliteDatabase(tmp_path / "node.db"), lambda db, f: ThreadStore.open(db, fault=f))
    store = await disk.with_balances(fault, ana=1)
    remembered = Remembered(store, 10)
    assert await remembered.read(NOW, amount_of, "ana") == 1
    writing = asyncio.ensure_future(store.write(add, "ana", 1))
    await asyncio.to_thread(at.wait, 10)
    assert [await remembered.read(NOW, amount_of, "ana") for _ in range(2)] == [meanwhile] * 2
    go_on.set()

    assert await writing == 2
    assert await remembered.read(NOW, amount_of, "ana") == 2
    await disk.close()


async def test_an_answer_of_a_moment_is_over_with_it(disk: Disk) -> None:
    store = await disk.with_balances(ana=1)
    remembered = Remembered(store, 10)

    moments = [1_000, 1_999, 2_000, 2_999, 3_000, 3_001, 1_500]
    answers = [(await remembered.read(moment, amount_until, "ana"))[1] for moment in moments]

    # From 3,000 on it says that it holds no longer; and a clock that was set back finds nothing of later.
    assert answers == [1_000, 1_000, 2_000, 2_000, 3_000, 3_001, 1_500]


async def test_no_more_is_remembered_than_fits(disk: Disk) -> None:
    store = await disk.with_balances(ana=1, bob=2, cleo=3)
    remembered = Remembered(store, 2)
    for name in ("ana", "bob", "cleo", "cleo", "bob", "ana"):
        await remembered.read(NOW, amount_of, name)

    assert asked == ["ana", "bob", "cleo", "ana"]


async def test_what_a_query_raises_is_not_remembered(disk: Disk) -> None:
    store = await disk.with_balances(ana=1)
    remembered = Remembered(store, 2)

    def query(tx: ReadTx, _now_ms: int) -> int:
        asked.append("")
        amount: int = tx.scalar(AMOUNT, which="ana")
        raise Boom(amount)

    for _ in range(2):
        with pytest.raises(Boom):
            await remembered.read(NOW, query)
    assert len(asked) == 2


def test_a_commit_whose_outcome_is_unknown_makes_its_tables_unknown_for_ever() -> None:
    """A server may still carry it out after it went away from us."""
    changes = Changes()
    changes.begin({"account"})
    changes.lose({"account"})
    for _ in range(3):
        changes.begin({"session"})
        changes.end()
        assert not changes.none_since(changes.commits, ["account"])
        assert changes.none_since(changes.commits, ["session"])


# --- Which tables a statement reads and writes ----------------------------------------------------------------


def statements_of_the_node() -> Iterator[tuple[str, ClauseElement | Upsert]]:
    """Return every statement that stands in a module, and some that are made by shape."""
    for module in pkgutil.walk_packages(node.__path__, "node."):
        if module.name.startswith(("node.services", "node.mail", "node.web", "node.app", "node.serving")):
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, Upsert) or (
                    isinstance(value, ClauseElement)
                    and value.supports_execution
                    and not isinstance(value, Table)
                ):
                    yield f"{module.name}.{name}", value
    for order in Order:
        for said in (True, False):
            shape = _Shape(
                text=said, kind=said, category=said, scheme=said, km=said, visitor=said, order=order
            )
            for number, statement in enumerate(_statements(shape)):
                yield f"find {shape} {number}", statement


def parameters_of(statement: ClauseElement) -> list[str]:
    """Return the names of all parameters: those written down, and the columns of an insert."""
    if isinstance(statement, Update):  # compiled by itself it would want every column
        binds = [each for each in iterate(statement) if isinstance(each, BindParameter)]
    else:
        binds = list(statement.compile(dialect=compiler_for("sqlite").dialect).binds.values())
    return list(dict.fromkeys(bind.key for bind in binds if bind.required))


def test_a_statement_reads_and_writes_no_table_but_those_noted() -> None:
    """SQLite itself tells, when it prepares a statement, what it will touch."""
    raw = sqlite3.connect(":memory:")
    for line in creation("sqlite"):
        raw.execute(line)
    touched: set[str] = set()

    def note(action: int, table: str | None, *_: str | None) -> int:
        if action in (
            sqlite3.SQLITE_READ,
            sqlite3.SQLITE_INSERT,
            sqlite3.SQLITE_UPDATE,
            sqlite3.SQLITE_DELETE,
        ):
            touched.add(str(table))
        return sqlite3.SQLITE_OK

    raw.set_authorizer(note)
    compiler, count = compiler_for("sqlite"), 0
    for name, statement in statements_of_the_node():
        built = statement.build("sqlite") if isinstance(statement, Upsert) else statement
        names = parameters_of(built)
        prepared = compiler.prepare(statement, names)
        touched.clear()
        raw.execute("EXPLAIN " + prepared.sql, prepared.values(dict.fromkeys(names, 0)))
        assert prepared.reads is not None, name
        noted = prepared.reads | {str(prepared.table)}
        assert {each for each in touched if not each.startswith(("sqlite_", "listing_text_"))} <= noted, name
        if prepared.writes:
            assert prepared.table is not None, name
        count += 1
    assert count > 150


@pytest.mark.parametrize(
    "statement",
    [
        select(balances.alias().c.amount),
        select(select(balances.c.amount).scalar_subquery()),
        select(select(balances.c.name).subquery().c.name),
        select(balances.c.name).where(~select(balances.c.name).exists()),
    ],
)
def test_a_table_is_noted_wherever_it_stands(statement: ClauseElement) -> None:
    assert compiler_for("sqlite").prepare(statement, ()).reads == {"test_balance"}


def test_no_table_is_written_to_behind_our_back() -> None:
    """Triggers and cascades would change tables that no statement names."""
    for table in load_all().sorted_tables:
        for key in table.foreign_keys:
            assert key.ondelete is None, key
            assert key.onupdate is None, key
    assert not any("TRIGGER" in line for line in creation("sqlite"))


# --- Whoever wants to know of commits ------------------------------------------------------------------------------


async def test_who_watches_is_called_after_what_was_written_before_whoever_wrote_goes_on(disk: Disk) -> None:
    store = await disk.with_balances(ana=1)
    heard: list[str] = []

    def unit(tx: Tx) -> None:
        tx.on_commit(heard.append, "asked for by the unit")
        add(tx, "ana", 1)

    def watcher() -> None:
        heard.append("watcher")

    store.changes.watch(watcher)
    await store.write(unit)
    assert heard == ["asked for by the unit", "watcher"]

    heard.clear()
    await store.write(amount_of, NOW, "ana")  # wrote nothing
    with pytest.raises(ZeroDivisionError):
        await store.write(_fails_after_writing)
    assert heard == []

    store.changes.unwatch(watcher)
    await store.write(add, "ana", 1)
    assert heard == []


def _fails_after_writing(tx: Tx) -> None:
    add(tx, "ana", 1)
    _ = 1 // 0
