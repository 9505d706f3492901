"""What the simulator's store adds: power cuts at any place, and the same run for the same calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from node.store import Database, InlineStore, Memory, SqliteDatabase, StoreClosed, StoreInUse, Tx
from tests.node.store.disks import ALL, AMOUNT, Boom, Disk, add, move


@pytest.fixture(params=["memory", "file"])
def inline_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Disk]:
    """Makes disks for the inline store."""
    made: list[int] = []

    def make() -> Disk:
        made.append(1)
        database: Database = (
            Memory() if request.param == "memory" else SqliteDatabase(tmp_path / f"{len(made)}.db")
        )
        return Disk(database, InlineStore)

    return make


async def test_a_power_cut_at_any_statement_leaves_all_or_nothing_of_each_unit(
    inline_disk: Callable[[], Disk],
):
    """Also right before COMMIT, and right after it, when nobody has been told yet."""
    asyncio.get_running_loop().set_exception_handler(lambda _, context: None)
    cut_last, n, seen = True, 0, set()
    while cut_last:
        n += 1
        met: list[str] = []
        stores: list[InlineStore] = []

        def cut(what: str, n: int = n, met: list[str] = met, stores: list[InlineStore] = stores) -> None:
            met.append(what)
            if len(met) == n:
                stores[0].crash()
                raise Boom

        disk = inline_disk()
        stores.append(await disk.with_balances(cut, ana=10, bob=0))
        answers = await disk.together(stores[0], (move, "ana", "bob", 3), (move, "ana", "bob", 4))
        cut_last = len(met) >= n
        stores[0].crash()
        again = await disk.open()
        there = dict(await again.read(lambda tx: tx.all(ALL)))

        if cut_last:
            assert [type(answer) for answer in answers] == [StoreClosed, StoreClosed]
            assert there == ({"ana": 3, "bob": 7} if met[n - 1] == "COMMITTED" else {"ana": 10, "bob": 0})
            seen.add(met[n - 1])
        else:
            assert answers == [None, None]
            assert there == {"ana": 3, "bob": 7}
        assert sum(there.values()) == 10
        await disk.close()
    assert {"COMMIT", "COMMITTED"} < seen


async def test_a_crash_drops_who_is_in_line(inline_disk: Callable[[], Disk]):
    disk = inline_disk()
    store = await disk.with_balances(ana=0)
    await store.write(add, "ana", 1)
    waiting = [asyncio.ensure_future(store.write(add, "ana", 1)) for _ in range(3)]
    await asyncio.sleep(0)
    store.crash()

    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(answer) for answer in answers] == [StoreClosed] * 3
    with pytest.raises(StoreClosed):
        await store.write(add, "ana", 1)
    again = await disk.open()
    assert await again.read(lambda tx: tx.scalar(AMOUNT, which="ana")) == 1
    await disk.close()


async def test_units_of_one_turn_are_one_group_in_the_order_of_their_asking(inline_disk: Callable[[], Disk]):
    met: list[str] = []
    disk = inline_disk()
    store = await disk.with_balances(met.append, ana=0)
    order: list[int] = []

    def unit(tx: Tx, number: int) -> None:
        order.append(number)

    await asyncio.gather(*[store.write(unit, number) for number in range(10)])
    assert order == list(range(10))
    assert met == ["COMMIT", "COMMITTED"]
    await disk.close()


async def test_writing_and_reading_let_others_run_as_the_threads_do(inline_disk: Callable[[], Disk]):
    """Code that is right only because nothing ran meanwhile must fail in the simulator already."""
    disk = inline_disk()
    store = await disk.with_balances(ana=0)
    ran: list[str] = []
    for call in (store.write(lambda tx: None), store.read(lambda tx: None)):
        asyncio.get_running_loop().call_soon(ran.append, "other")
        await call
        ran.append("call")
    assert ran == ["other", "call"] * 2
    await disk.close()


async def test_an_old_backup_put_back_is_the_old_state_and_what_came_after_is_gone(
    inline_disk: Callable[[], Disk],
):
    """What tests of rule 6.7 do to a node; taken while the store is open, put back while it is not."""
    disk = inline_disk()
    store = await disk.with_balances(None, ana=10, bob=0)
    assert isinstance(disk.database, Memory | SqliteDatabase)
    backup = disk.database.snapshot()
    await store.write(move, "ana", "bob", 3)
    later = disk.database.snapshot()
    with pytest.raises(StoreInUse):
        disk.database.restore(backup)
    store.crash()

    disk.database.restore(backup)
    store = await disk.open()
    assert dict(await store.read(lambda tx: tx.all(ALL))) == {"ana": 10, "bob": 0}
    await store.write(move, "ana", "bob", 1)  # it can be written to, and grows
    store.crash()
    disk.database.restore(later)
    store = await disk.open()
    assert dict(await store.read(lambda tx: tx.all(ALL))) == {"ana": 7, "bob": 3}
    store.crash()
