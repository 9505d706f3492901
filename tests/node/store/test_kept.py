"""What the one writer keeps of rows from unit to unit is never anything but the rows."""

from __future__ import annotations

import asyncio

from node.store import Ordered, ReadTx, StoreError, Tx
from node.store.transaction import KEPT_ROWS_MAX
from tests.node.store.disks import AMOUNT, NOTE, SET, WORDS, Boom, Disk, balances, notes

PUT = Ordered(SET, "to", "which")


def amount_of(tx: ReadTx, name: str) -> int:
    """Read through what is kept."""
    kept = tx.kept(balances)
    if name not in kept:
        kept[name] = tx.scalar(AMOUNT, which=name)
    amount: int = kept[name]
    return amount


def add_keeping(tx: Tx, name: str, amount: int) -> int:
    """Write and keep what was written."""
    now = amount_of(tx, name) + amount
    tx.run_keeping(SET, which=name, to=now)
    tx.kept(balances)[name] = now
    return now


def is_kept(tx: Tx, name: str) -> bool:
    return name in tx.kept(balances)


async def test_a_row_is_kept_from_unit_to_unit(disk: Disk):
    store = await disk.with_balances(ana=0)

    answers = await asyncio.gather(*[store.write(add_keeping, "ana", 1) for _ in range(50)])

    assert answers == list(range(1, 51))
    assert await store.write(is_kept, "ana")
    assert await store.read(lambda tx: tx.scalar(AMOUNT, which="ana")) == 50


async def test_many_rows_written_and_kept_leave_the_others_kept(disk: Disk):
    store = await disk.with_balances(ana=0, bob=0, cem=0)
    await store.write(add_keeping, "cem", 7)

    def unit(tx: Tx) -> None:
        tx.put_many(PUT, [(1, "ana"), (2, "bob")])
        tx.kept(balances).update(ana=1, bob=2)

    await store.write(unit)
    assert await store.write(is_kept, "cem")
    assert [await store.write(amount_of, name) for name in ("ana", "bob", "cem")] == [1, 2, 7]
    assert [await store.read(amount_of, name) for name in ("ana", "bob", "cem")] == [1, 2, 7]


async def test_a_row_inserted_and_kept_leaves_the_others_kept(disk: Disk):
    store = await disk.with_balances(ana=0)

    def unit(tx: Tx, words: str) -> int:
        no = tx.insert_keeping(NOTE, words=words)
        tx.kept(notes)[no] = words
        return no

    first, second = await store.write(unit, "one"), await store.write(unit, "two")
    kept = await store.write(lambda tx: dict(tx.kept(notes)))
    assert kept == {first: "one", second: "two"}
    await store.write(lambda tx: tx.insert(NOTE, words="three"))
    assert await store.write(lambda tx: dict(tx.kept(notes))) == {}
    assert [words for (words,) in await store.read(lambda tx: tx.all(WORDS))] == ["one", "two", "three"]


async def test_a_query_knows_nothing_of_what_the_writer_keeps(disk: Disk):
    store = await disk.with_balances(ana=0)
    await store.write(add_keeping, "ana", 7)

    assert not await store.read(lambda tx: "ana" in tx.kept(balances))
    assert await store.read(amount_of, "ana") == 7


async def test_a_write_of_another_kind_to_the_table_makes_all_of_it_forgotten(disk: Disk):
    store = await disk.with_balances(ana=0, bob=0)
    await store.write(add_keeping, "ana", 7)

    await store.write(lambda tx: tx.run(SET, which="bob", to=1))

    assert not await store.write(is_kept, "ana")
    assert await store.write(amount_of, "bob") == 1


async def test_a_rollback_makes_everything_forgotten(disk: Disk):
    store = await disk.with_balances(ana=0)

    def careless(tx: Tx) -> None:
        add_keeping(tx, "ana", 100)
        raise Boom

    answers = await disk.together(store, (add_keeping, "ana", 1), (careless,), (add_keeping, "ana", 2))

    assert answers[0] == 1
    assert isinstance(answers[1], Boom)
    assert answers[2] == 3
    assert await store.write(amount_of, "ana") == 3


async def test_a_commit_that_fails_makes_everything_forgotten(disk: Disk):
    """The fault is at COMMIT: each unit ran, none of them happened."""
    failing = False

    def fault(what: str) -> None:
        if what == "COMMIT" and failing:
            raise StoreError("the disk said no")

    store = await disk.with_balances(ana=5)
    await store.close()
    store = await disk.open(fault)
    failing = True
    answers = await asyncio.gather(store.write(add_keeping, "ana", 1), return_exceptions=True)
    failing = False

    assert isinstance(answers[0], StoreError)
    assert await store.write(amount_of, "ana") == 5


async def test_no_more_is_kept_than_fits(disk: Disk):
    store = await disk.with_balances(ana=0)

    def keep_too_many(tx: Tx) -> int:
        kept = tx.kept(balances)
        kept.update({str(number): number for number in range(KEPT_ROWS_MAX + 1)})
        return len(tx.kept(balances))

    assert await store.write(keep_too_many) == 0
