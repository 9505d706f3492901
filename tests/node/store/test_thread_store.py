"""What the serving store adds: threads, a file only its owner reads, one writing process, back-pressure."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from node.store import InlineStore, SqliteDatabase, StoreFailed, StoreInUse, ThreadStore, Tx
from node.store.sqlite import SqliteConnection
from node.store.thread_store import WAITING_MAX
from tests.node.store.disks import AMOUNT, Boom, Disk, add

# Opens a store in another process, adds, says so, and then ends as it is told.
PROGRAM = """
import asyncio, os, signal, sys
from pathlib import Path
from node.store import StoreInUse, ThreadStore
from tests.node.store.disks import AMOUNT, SET, Boom, Disk, add
async def main():
    try:
        store = await ThreadStore.open(Path(sys.argv[1]))
    except StoreInUse:
        sys.exit(75)
    for _ in range(10):
        print(await store.write(add, "ana", 1), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


def run_elsewhere(root: Path, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
async def file_disk(tmp_path: Path):
    """A disk with a file, for the serving store."""
    disk = Disk(
        SqliteDatabase(tmp_path / "node.db"), lambda database, fault: ThreadStore.open(database, fault=fault)
    )
    yield disk
    await disk.close()


async def test_a_second_process_cannot_write_and_a_killed_one_leaves_what_it_answered(
    file_disk: Disk, root: Path, tmp_path: Path
):
    """Stack, pitfall 2: two writers of one write-ahead log are how a database is corrupted."""
    path = tmp_path / "node.db"
    store = await file_disk.with_balances(ana=0)
    refused = await asyncio.to_thread(run_elsewhere, root, path)
    assert refused.returncode == 75, refused.stderr
    with pytest.raises(StoreInUse):
        InlineStore(SqliteDatabase(path))
    with pytest.raises(StoreInUse):
        await ThreadStore.open(path)
    await store.close()

    killed = await asyncio.to_thread(run_elsewhere, root, path)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert killed.stdout.split() == [str(n) for n in range(1, 11)]

    again = await file_disk.open()
    assert await again.read(lambda tx: tx.scalar(AMOUNT, which="ana")) == 10


async def test_only_the_owner_can_read_the_files(file_disk: Disk, tmp_path: Path):
    """Stack, pitfall 8: whatever the umask."""
    before = os.umask(0o000)
    try:
        await file_disk.with_balances(ana=0)
        modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in os.scandir(tmp_path)}
    finally:
        os.umask(before)
    assert modes.keys() == {"node.db", "node.db-wal", "node.db-shm", "node.db.lock"}
    assert set(modes.values()) == {0o600}


async def test_the_settings_that_make_an_answer_durable(file_disk: Disk):
    """Stack, pitfalls 1 to 3."""
    store = await file_disk.with_balances(ana=0)
    settings = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 5000,
        "query_only": 0,
    }
    for connection in (store._writer, *store._readers):
        assert isinstance(connection, SqliteConnection)
        assert connection.raw.isolation_level is None
        for name, value in settings.items():
            expected = 1 if name == "query_only" and connection is not store._writer else value
            assert connection.raw.execute(f"PRAGMA {name}").fetchone() == (expected,), name


async def test_nothing_runs_on_the_event_loop(file_disk: Disk):
    store = await file_disk.with_balances(ana=0)
    here = threading.current_thread()
    assert await store.write(lambda tx: threading.current_thread()) is not here
    assert await store.read(lambda tx: threading.current_thread()) is not here
    called_in: list[threading.Thread] = []
    await store.write(lambda tx: tx.on_commit(lambda: called_in.append(threading.current_thread())))
    assert called_in == [here]


async def test_queries_run_beside_each_other_and_beside_a_unit(file_disk: Disk):
    store = await file_disk.with_balances(ana=0)
    meeting = threading.Barrier(3, timeout=20)

    def meets(tx) -> None:
        meeting.wait()

    await asyncio.gather(store.write(meets), store.read(meets), store.read(meets))


async def test_a_query_sees_one_state_while_units_go_on(file_disk: Disk):
    store = await file_disk.with_balances(ana=0)
    looked, written = threading.Event(), threading.Event()

    def looks_twice(tx) -> tuple[int, int]:
        first = tx.scalar(AMOUNT, which="ana")
        looked.set()
        assert written.wait(20)
        return first, tx.scalar(AMOUNT, which="ana")

    looking = asyncio.ensure_future(store.read(looks_twice))
    await asyncio.to_thread(looked.wait, 20)
    await store.write(add, "ana", 1)
    written.set()

    assert await looking == (0, 0)
    assert await store.read(lambda tx: tx.scalar(AMOUNT, which="ana")) == 1


async def test_a_flood_waits_outside_and_is_served_in_the_end(file_disk: Disk):
    store = await file_disk.with_balances(ana=0)
    gate = threading.Event()
    first = asyncio.ensure_future(store.write(lambda tx: gate.wait()))
    flood = [asyncio.ensure_future(store.write(add, "ana", 1)) for _ in range(WAITING_MAX + 500)]
    for _ in range(3):
        await asyncio.sleep(0)
    assert len(store._writing._unanswered) == WAITING_MAX
    gate.set()
    await first

    assert sorted(await asyncio.gather(*flood)) == list(range(1, WAITING_MAX + 501))


async def test_those_who_wait_outside_when_the_store_closes_are_told(file_disk: Disk):
    store = await file_disk.with_balances(ana=0)
    gate = threading.Event()
    first = asyncio.ensure_future(store.write(lambda tx: gate.wait()))
    flood = [asyncio.ensure_future(store.write(add, "ana", 1)) for _ in range(WAITING_MAX + 5)]
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(store.close())
    await asyncio.sleep(0)
    gate.set()
    await closing
    await first

    answers = await asyncio.gather(*flood, return_exceptions=True)
    done = [answer for answer in answers if isinstance(answer, int)]
    assert {type(answer).__name__ for answer in answers} == {"int", "StoreClosed"}
    again = await file_disk.open()
    assert await again.read(lambda tx: tx.scalar(AMOUNT, which="ana")) == len(done)


@pytest.mark.parametrize("content", [b"not a database at all" * 100, None], ids=["garbage", "no directory"])
async def test_what_cannot_be_opened_is_refused_and_let_go(tmp_path: Path, content: bytes | None):
    path = tmp_path / ("node.db" if content else "nowhere/node.db")
    if content:
        path.write_bytes(content)
    with pytest.raises(StoreFailed):
        await ThreadStore.open(path)
    if content:
        assert path.read_bytes() == content
        path.unlink()
        store = await ThreadStore.open(path)
        await store.close()


async def test_many_units_share_one_commit(file_disk: Disk):
    commits: list[str] = []
    store = await file_disk.with_balances(
        lambda what: commits.append(what) if what == "COMMIT" else None, ana=0
    )

    def unit(tx: Tx) -> int:
        return add(tx, "ana", 1)

    await file_disk.together(store, *[(unit,)] * 100)
    assert len(commits) <= 2


async def test_who_comes_while_a_group_runs_shares_its_commit(file_disk: Disk):
    """Else those who ask all the time would take turns at two commits."""
    commits: list[str] = []
    store = await file_disk.with_balances(
        lambda what: commits.append(what) if what == "COMMIT" else None, ana=0
    )
    before = len(commits)
    begun, go_on = threading.Event(), threading.Event()

    def first(tx: Tx) -> int:
        begun.set()
        assert go_on.wait(20)
        return add(tx, "ana", 1)

    asked = asyncio.create_task(store.write(first))
    await asyncio.to_thread(begun.wait, 20)
    late = [asyncio.create_task(store.write(add, "ana", 1)) for _ in range(300)]
    await asyncio.sleep(0)  # all of them get in line
    go_on.set()

    assert await asked == 1
    assert await asyncio.gather(*late) == list(range(2, 302))
    assert len(commits) - before == 2, (
        "a group has an end: who came first is not kept waiting by those who come"
    )


async def test_a_unit_that_fails_among_those_who_came_late_is_dropped_alone(file_disk: Disk):
    store = await file_disk.with_balances(ana=0)
    begun, go_on = threading.Event(), threading.Event()

    def first(tx: Tx) -> int:
        begun.set()
        assert go_on.wait(20)
        return add(tx, "ana", 1)

    def fails(tx: Tx) -> int:
        add(tx, "ana", 100)
        raise Boom

    asked = asyncio.create_task(store.write(first))
    await asyncio.to_thread(begun.wait, 20)
    units = [add, fails, add, fails, add]
    late = [asyncio.create_task(store.write(unit, *(("ana", 1) if unit is add else ()))) for unit in units]
    await asyncio.sleep(0)  # all of them get in line
    go_on.set()

    answers = await asyncio.gather(asked, *late, return_exceptions=True)
    assert [answer for answer in answers if not isinstance(answer, Boom)] == [1, 2, 3, 4]
    assert await store.read(lambda tx: tx.scalar(AMOUNT, which="ana")) == 4
