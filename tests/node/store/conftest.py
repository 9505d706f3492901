"""Both stores on every kind of disk, for tests that all of them pass.

PostgreSQL takes part when INTERLETS_TEST_DATABASE_URL names a database of a server where this user may create
others: each test gets a new one.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from node.store import Database, Fault, InlineStore, Memory, PostgresDatabase, SqliteDatabase, ThreadStore
from tests.node.store.disks import Disk

POSTGRES_URL = os.environ.get("INTERLETS_TEST_DATABASE_URL")


@pytest.fixture
def new_postgres() -> Iterator[Callable[[], PostgresDatabase]]:
    """Makes new databases of the server that INTERLETS_TEST_DATABASE_URL names."""
    if POSTGRES_URL is None:
        pytest.skip("INTERLETS_TEST_DATABASE_URL is not set")
    psycopg = pytest.importorskip("psycopg")
    names: list[str] = []

    def make() -> PostgresDatabase:
        names.append(f"interlets_test_{uuid.uuid4().hex}")
        server.execute(f"CREATE DATABASE {names[-1]}")
        return PostgresDatabase(psycopg.conninfo.make_conninfo(POSTGRES_URL, dbname=names[-1]))

    with psycopg.connect(POSTGRES_URL, autocommit=True) as server:
        yield make
        for name in names:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def open_threads(database: Database, fault: Fault | None) -> Any:
    return ThreadStore.open(database, fault=fault)


KINDS = ["threads", "inline", "memory", *(["postgres"] if POSTGRES_URL else [])]


def database_for(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Database:
    """Return a new, empty place for a store."""
    if kind == "memory":
        return Memory()
    if kind == "postgres":
        made: Database = request.getfixturevalue("new_postgres")()
        return made
    return SqliteDatabase(tmp_path / f"{uuid.uuid4().hex}.db")


@pytest.fixture(params=KINDS)
def new_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Disk]:
    """Makes disks of one kind, for tests that need many."""
    open_store = open_threads if request.param in ("threads", "postgres") else InlineStore
    return lambda: Disk(database_for(request.param, tmp_path, request), open_store)


@pytest.fixture
async def disk(new_disk: Callable[[], Disk]) -> AsyncIterator[Disk]:
    """One disk; its stores are closed after the test."""
    one = new_disk()
    yield one
    await one.close()
