"""SQLite: one file, one writer connection, read-only readers; or a file in memory for the simulator.

The single writer is also the only one that checkpoints, which keeps clear of the corruption bug of SQLite
before 3.51.3 (several connections resetting one WAL). Source: stack, pitfalls 1, 2, 3, 8.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from node.store.errors import ConstraintBroken, StoreFailed, StoreFull, StoreInUse
from node.store.statements import Compiler, compiler_for
from node.store.transaction import Connection

# Kept compiled by the driver, per connection: more than the node has statements.
STATEMENTS_CACHED: Final = 512
BUSY_TIMEOUT_MS: Final = 5_000  # only a foreign tool can hold a lock: the node's own writer is alone
# 16 MB: a page written many times is copied once, and the copying still hides in a COMMIT.
CHECKPOINT_PAGES: Final = 4_000
JOURNAL_BYTES_MAX: Final = 64 * 1024 * 1024  # given back to the disk after a long reader held up the WAL

FILE_PRAGMAS: Final = (
    "synchronous = FULL",  # NORMAL may lose the last commits in a power cut, after a peer holds our signature
    "foreign_keys = ON",
    f"busy_timeout = {BUSY_TIMEOUT_MS}",
    f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
    f"journal_size_limit = {JOURNAL_BYTES_MAX}",
    "temp_store = MEMORY",
    "secure_delete = ON",  # what is deleted or overwritten leaves zeros (3.1)
    "trusted_schema = OFF",
)


_FULL_TEXTS: Final = (
    "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%USING fts5(%'"
)


class SqliteConnection:
    """A connection of the standard library's driver, without its own ideas about transactions."""

    errors: Final = sqlite3.Error
    compiler: Final[Compiler]

    def __init__(self, raw: sqlite3.Connection, begin: str):
        self.raw: Final = raw
        self.compiler = compiler_for("sqlite")
        self.execute: Final = raw.execute
        self.executemany: Final = raw.executemany
        self._begin: Final = begin
        self._closed = False

    def inserted_key(self, cursor: Any) -> int:
        """Return the row id of the row just inserted."""
        return int(cursor.lastrowid)

    def begin(self) -> None:
        """Begin a transaction; a writer's takes the lock at once, so that what it reads stays true."""
        self.raw.execute(self._begin)

    def commit(self) -> None:
        """Make the transaction durable."""
        self.raw.execute("COMMIT")

    def rollback(self) -> None:
        """End the transaction, if SQLite has not done so itself."""
        try:
            if self.in_transaction():
                self.raw.execute("ROLLBACK")
        except sqlite3.Error:
            # The disk is in such a state that the next BEGIN fails too, and tells the callers.
            return

    def scrub(self) -> None:
        """Write every page anew and empty the write-ahead log, in which old pages stand. Waits for readers to end."""
        for (name,) in self.raw.execute(_FULL_TEXTS).fetchall():
            # Deleted rows stay in the segments of a full-text index until these are merged.
            self.raw.execute(f"INSERT INTO {name}({name}) VALUES ('optimize')")  # noqa: S608  # our own name
        self.raw.execute("VACUUM")
        if self.raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            raise sqlite3.OperationalError("somebody reads: the write-ahead log was not emptied")

    def in_transaction(self) -> bool:
        """Tell whether the transaction is still there: a full disk can end it in the middle."""
        return not self._closed and self.raw.in_transaction

    def is_lost(self) -> bool:
        """Tell whether the outcome of a failed COMMIT is open: never, for a file."""
        return False

    def translated(self, error: Exception) -> Exception:
        """Return the StoreError for an error of the database; our own bugs stay what they are."""
        code = getattr(error, "sqlite_errorcode", None)
        if code is None:
            return error
        if code & 0xFF == sqlite3.SQLITE_FULL:
            return StoreFull(str(error))
        if code & 0xFF in (sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH):
            return ConstraintBroken(str(error))
        return StoreFailed(f"{error} ({getattr(error, 'sqlite_errorname', code)})")

    def close(self) -> None:
        """Close the connection; a transaction not committed is lost."""
        self._closed = True
        self.raw.close()


class SqliteBase:
    """What a file and a memory have in common."""

    dialect: Final = "sqlite"

    def has_table(self, connection: Connection, name: str) -> bool:
        """Tell whether there is a table of this name."""
        found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,))
        return found.fetchone() is not None

    def is_empty(self, connection: Connection) -> bool:
        """Tell whether there is nothing in it."""
        return connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None

    def migrate(self, connection: Connection, head: str) -> None:
        """Run the migrations up to `head` in one transaction."""
        # Alembic takes a quarter of a second to import, and is needed once in the life of a release.
        from node.store.migrations import migrate_sqlite

        assert isinstance(connection, SqliteConnection)
        migrate_sqlite(connection.raw, head)


class SqliteDatabase(SqliteBase):
    """One database file. Only its owner may read it, and only one store at a time may write it."""

    def __init__(self, path: Path):
        self.path: Final = path
        self._lock: int | None = None

    def open_writer(self) -> Connection:
        """Return the one connection that writes. Raises StoreInUse, StoreFailed."""
        self._take_lock()
        try:
            # Made before SQLite does, which would let others read it; the -wal and -shm files take its mode.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            raw = self._connect("rwc")
            if raw.execute("PRAGMA journal_mode = WAL").fetchone() != ("wal",):
                raise StoreFailed(f"{self.path}: this file system cannot carry a write-ahead log")
            for pragma in FILE_PRAGMAS:
                raw.execute(f"PRAGMA {pragma}")
        except BaseException as error:
            self.release()
            if isinstance(error, sqlite3.Error | OSError):
                raise StoreFailed(f"{self.path}: {error}") from error
            raise
        return SqliteConnection(raw, "BEGIN IMMEDIATE")

    def open_reader(self) -> Connection:
        """Return a connection that cannot write, twice over."""
        raw = self._connect("ro")
        for pragma in (*FILE_PRAGMAS, "query_only = ON"):
            raw.execute(f"PRAGMA {pragma}")
        return SqliteConnection(raw, "BEGIN")

    def snapshot(self) -> bytes:
        """Return all that was committed, as a backup of the file would hold it."""
        raw = self._connect("ro")
        try:
            return _copied(raw)
        finally:
            raw.close()

    def restore(self, old: bytes) -> None:
        """Put an old backup in the place of the file. No store may have it open."""
        if self._lock is not None:
            raise StoreInUse(f"{self.path} is open for writing")
        for suffix in ("-wal", "-shm"):  # they belong to what is thrown away
            self.path.with_name(f"{self.path.name}{suffix}").unlink(missing_ok=True)
        self.path.write_bytes(old)

    def release(self) -> None:
        """Give up the lock file's lock. The file stays: removing it would let two writers lock two files."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def back_up(self, connection: Connection, label: str) -> Path:
        """Write a consistent, compact copy beside the database; return its path."""
        number = 0
        while True:
            number += 1
            suffix = "" if number == 1 else f"-{number}"
            copy = self.path.with_name(f"{self.path.stem}-{label}{suffix}.backup")
            try:
                os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            except FileExistsError:
                continue
            break
        connection.execute("VACUUM INTO ?", (str(copy),))
        return copy

    def _connect(self, mode: str) -> sqlite3.Connection:
        return sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,  # handed from the opening thread to its own; never used by two at once
            cached_statements=STATEMENTS_CACHED,
        )

    def _take_lock(self) -> None:
        lock_path = self.path.with_name(f"{self.path.name}.lock")
        try:
            lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreFailed(f"{lock_path}: {error}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise StoreInUse(
                f"{self.path} is open for writing elsewhere; is the node already running?"
            ) from error
        self._lock = lock


class _MemoryConnection(SqliteConnection):
    """One use of a Memory: closing it leaves the data, as pulling the plug of a machine leaves its disk."""

    def __init__(self, raw: sqlite3.Connection, read_only: bool):
        super().__init__(raw, "BEGIN" if read_only else "BEGIN IMMEDIATE")
        self._read_only: Final = read_only
        self._changes: int | None = None  # of the connection, before a transaction of this reader

    def begin(self) -> None:
        """Begin a transaction."""
        if self._closed:
            raise sqlite3.ProgrammingError("Cannot operate on a closed database.")
        super().begin()
        self._changes = self.raw.total_changes if self._read_only else None

    def rollback(self) -> None:
        """End the transaction. Writer and reader share one connection, so that a reader only read is asked here.

        `PRAGMA query_only` would forbid it beforehand, but each switch of it makes SQLite compile every statement anew.
        """
        super().rollback()
        before, self._changes = self._changes, None
        if before is not None and self.raw.total_changes != before:
            error = sqlite3.OperationalError("A reader wrote; it was rolled back.")
            error.sqlite_errorcode = sqlite3.SQLITE_READONLY  # as SQLite itself would have said
            raise error

    def close(self) -> None:
        """Lose what is not committed."""
        if not self._closed:
            self.rollback()
            self._closed = True


class Memory(SqliteBase):
    """A disk in memory: what was committed outlives every store opened on it, and goes when nobody holds it."""

    def __init__(self) -> None:
        self._raw: Final = sqlite3.connect(
            ":memory:", isolation_level=None, check_same_thread=False, cached_statements=STATEMENTS_CACHED
        )
        self._raw.execute("PRAGMA foreign_keys = ON")
        self._raw.execute("PRAGMA trusted_schema = OFF")
        self._taken = False

    def open_writer(self) -> Connection:
        """Return the connection that writes. Raises StoreInUse."""
        if self._taken:
            raise StoreInUse("this memory is open for writing elsewhere")
        self._taken = True
        return _MemoryConnection(self._raw, read_only=False)

    def open_reader(self) -> Connection:
        """Return a connection that cannot write."""
        return _MemoryConnection(self._raw, read_only=True)

    def snapshot(self) -> bytes:
        """Return all that was committed, as a backup would hold it."""
        return _copied(self._raw)

    def restore(self, old: bytes) -> None:
        """Become what `old` is a copy of. No store may have it open."""
        if self._taken:
            raise StoreInUse("this memory is open for writing")
        source = sqlite3.connect(":memory:")
        try:
            source.deserialize(old)
            source.backup(self._raw)
        finally:
            source.close()

    def release(self) -> None:
        """Let another writer in."""
        self._taken = False

    def back_up(self, connection: Connection, label: str) -> None:
        """Do nothing: a simulation starts from its seed again."""


def _copied(raw: sqlite3.Connection) -> bytes:
    # Through the backup interface: it waits for nobody's transaction and takes only what is committed.
    copy = sqlite3.connect(":memory:")
    try:
        raw.backup(copy)
        return copy.serialize()
    finally:
        copy.close()


def pragma_values(connection: SqliteConnection, names: Sequence[str]) -> dict[str, Any]:
    """Return settings of a connection as SQLite reports them, for `doctor` and tests."""
    return {name: connection.raw.execute(f"PRAGMA {name}").fetchone()[0] for name in names}
