"""What PostgreSQL adds: a lock that dies with its connection, and COMMITs whose outcome nobody knows.

The other promises are tested in test_store.py, on PostgreSQL too where INTERLETS_TEST_DATABASE_URL is set.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from node.store import (
    OutcomeUnknown,
    PostgresDatabase,
    StoreError,
    StoreFailed,
    StoreInUse,
    ThreadStore,
    postgres,
)
from node.store.postgres import PostgresConnection
from node.store.upgrade import bring_up_to_date
from tests.node.store.disks import AMOUNT, Disk, add

OWN_PROCESS = text("SELECT pg_backend_pid()")
END = text("SELECT pg_terminate_backend(:which)")


@pytest.fixture
async def disk(new_postgres: Callable[[], PostgresDatabase]):
    """A new database of the server."""
    disk = Disk(new_postgres(), lambda database, fault: ThreadStore.open(database, fault=fault))
    yield disk
    await disk.close()


async def test_a_second_writer_is_refused(disk: Disk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(postgres, "LOCK_TIMEOUT_MS", 50)
    await disk.open()
    with pytest.raises(StoreInUse):
        await disk.open()


async def test_a_server_that_is_not_there_is_an_error_of_the_store():
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    with pytest.raises(StoreFailed):
        await ThreadStore.open(PostgresDatabase("postgresql://localhost:1/nothing?connect_timeout=2"))


async def test_a_connection_lost_before_commit_keeps_nothing_and_lets_another_writer_in(disk: Disk):
    store = await disk.with_balances(ana=0)
    writer = await store.write(lambda tx: tx.scalar(OWN_PROCESS))

    def ends_its_server_process(tx) -> None:
        add(tx, "ana", 1)
        tx.scalar(END, which=writer)

    answers = await disk.together(store, (add, "ana", 1), (ends_its_server_process,))
    assert all(isinstance(answer, StoreError) for answer in answers)
    assert not any(isinstance(answer, OutcomeUnknown) for answer in answers)

    other = await disk.open()
    assert await other.read(lambda tx: tx.scalar(AMOUNT, which="ana")) == 0
    with pytest.raises(StoreFailed):
        await store.write(add, "ana", 1)


async def test_a_connection_lost_during_commit_is_never_tried_again(disk: Disk):
    """The unit may be durable: running it again could pay twice."""
    store = await disk.with_balances(ana=0)
    runs: list[int] = []

    class LostInCommit:
        """A connection whose COMMIT arrives, and whose answer does not."""

        def __init__(self, inner: PostgresConnection):
            self.inner = inner

        def __getattr__(self, name: str):
            return getattr(self.inner, name)

        def commit(self) -> None:
            self.inner.commit()
            self.inner.raw.close()
            self.inner.raw.execute(b"SELECT 1")

    def counted(tx) -> int:
        runs.append(1)
        return add(tx, "ana", 1)

    await store.close()
    lossy = ThreadStore(
        disk.database, LostInCommit(disk.database.open_writer()), [disk.database.open_reader()], None
    )
    with pytest.raises(OutcomeUnknown):
        await lossy.write(counted)
    with pytest.raises(StoreFailed):
        await lossy.write(counted)
    await lossy.close()

    assert runs == [1]
    again = await disk.open()
    assert await again.read(lambda tx: tx.scalar(AMOUNT, which="ana")) == 1


def test_the_migrations_run_on_postgresql(new_postgres: Callable[[], PostgresDatabase]):
    def columns(connection) -> list:
        return connection.execute(
            "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns "
            "WHERE table_schema = current_schema() AND table_name <> 'alembic_version' ORDER BY 1, 2"
        ).fetchall()

    made, migrated = new_postgres(), new_postgres()
    one, other = made.open_writer(), migrated.open_writer()
    bring_up_to_date(made, one)
    migrated.migrate(other, "head")
    assert columns(one) == columns(other) != []
    bring_up_to_date(migrated, other)
    for connection in (one, other):
        connection.close()
