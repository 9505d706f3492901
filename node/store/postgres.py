"""PostgreSQL through psycopg 3, for a host with many schemes; the optional extra `postgres`.

The writer holds an advisory lock on the very connection it writes through: when the connection goes, the lock
and the open transaction go with it, so two writers can never commit against each other. A lost connection is
not mended here; the store refuses from then on, and the node is started again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from node.store.errors import ConstraintBroken, StoreFailed, StoreFull, StoreInUse
from node.store.statements import Compiler, compiler_for
from node.store.transaction import Connection, Cursor

if TYPE_CHECKING:
    import psycopg

# Known only inside one database, so any fixed number will do: the letters "lets".
WRITER_LOCK: Final = 0x6C657473
# The server notices only after a moment that the process which held the lock has gone.
LOCK_TIMEOUT_MS: Final = 3_000

BEGIN_WRITING: Final = "BEGIN"  # the writer is alone, so the default isolation is as good as serial
BEGIN_READING: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"


class PostgresConnection:
    """A connection in autocommit mode: psycopg's own transactions would begin where it likes."""

    def __init__(self, raw: psycopg.Connection[Any], begin: str):
        from psycopg import Error
        from psycopg.pq import TransactionStatus

        self.raw: Final = raw
        self.errors: Final[type[Exception]] = Error
        self.compiler: Final[Compiler] = compiler_for("postgresql")
        self._begin: Final = begin
        self._in_transaction: Final = TransactionStatus.INTRANS

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Cursor:
        """Run one statement."""
        cursor: Cursor = self.raw.execute(sql.encode(), values)
        return cursor

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]], /) -> Cursor:
        """Run one statement for each of `rows`."""
        cursor = self.raw.cursor()
        cursor.executemany(sql.encode(), rows)
        done: Cursor = cursor
        return done

    def inserted_key(self, cursor: Any) -> int:
        """Return what SQLAlchemy's implicit RETURNING gave."""
        return int(cursor.fetchone()[0])

    def begin(self) -> None:
        """Begin a transaction."""
        self.raw.execute(self._begin.encode())

    def commit(self) -> None:
        """Make the transaction durable."""
        if not self.in_transaction():  # COMMIT would roll back and call that a success
            raise StoreFailed("a statement of this transaction failed")
        self.raw.execute(b"COMMIT")

    def rollback(self) -> None:
        """End the transaction, if there is one."""
        try:
            self.raw.execute(b"ROLLBACK")
        except self.errors:
            # The connection is gone, and the transaction with it; the next BEGIN tells the callers.
            return

    def scrub(self) -> None:
        """Write every table anew. Its write-ahead log is the server's to keep and to archive."""
        self.raw.execute(b"VACUUM (FULL)")

    def in_transaction(self) -> bool:
        """Tell whether the transaction can go on: a failed statement spoils it."""
        return bool(self.raw.info.transaction_status == self._in_transaction)

    def is_lost(self) -> bool:
        """Tell whether the server went away."""
        return bool(self.raw.closed)

    def translated(self, error: Exception) -> Exception:
        """Return the StoreError for an error of the server; our own bugs stay what they are."""
        if not isinstance(error, self.errors):
            return error
        state = getattr(error, "sqlstate", None) or ""
        if state == "53100":  # disk_full
            return StoreFull(str(error))
        if state[:2] in ("22", "23"):  # data exception, integrity constraint violation
            return ConstraintBroken(str(error))
        return StoreFailed(f"{error} ({state or type(error).__name__})")

    def close(self) -> None:
        """Close the connection; a transaction not committed is lost."""
        self.raw.close()


class PostgresDatabase:
    """One database of a PostgreSQL server, named by a URL; it should have the collation C.UTF-8."""

    dialect: Final = "postgresql"

    def __init__(self, url: str):
        self._url: Final = url

    def open_writer(self) -> Connection:
        """Return the one connection that writes. Raises StoreInUse, StoreFailed."""
        import psycopg

        raw = self._connect()
        # Where the server is set to answer before a commit is durable, this node still waits for it.
        raw.execute(
            b"SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )
        try:
            raw.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}".encode())
            raw.execute(b"SELECT pg_advisory_lock(%s)", (WRITER_LOCK,))
            raw.execute(b"SET lock_timeout = 0")
        except psycopg.errors.LockNotAvailable as error:
            raw.close()
            raise StoreInUse(
                "the database is open for writing elsewhere; is the node already running?"
            ) from error
        return PostgresConnection(raw, BEGIN_WRITING)

    def open_reader(self) -> Connection:
        """Return a connection that cannot write."""
        raw = self._connect()
        raw.execute(b"SET default_transaction_read_only = on")
        return PostgresConnection(raw, BEGIN_READING)

    def release(self) -> None:
        """Do nothing: the lock went with the writer's connection."""

    def has_table(self, connection: Connection, name: str) -> bool:
        """Tell whether there is a table of this name."""
        return connection.execute("SELECT to_regclass(%s)", (name,)).fetchone() != (None,)

    def is_empty(self, connection: Connection) -> bool:
        """Tell whether there is no table."""
        found = connection.execute("SELECT 1 FROM pg_tables WHERE schemaname = current_schema()")
        return found.fetchone() is None

    def migrate(self, connection: Connection, head: str) -> None:
        """Run the migrations up to `head` in one transaction."""
        # Alembic takes a quarter of a second to import, and is needed once in the life of a release.
        from node.store.migrations import migrate_postgres

        assert isinstance(connection, PostgresConnection)
        migrate_postgres(connection.raw, head)

    def back_up(self, connection: Connection, label: str) -> None:
        """Do nothing: copies of a server's database are its administrator's, by pg_dump."""

    def _connect(self) -> psycopg.Connection[Any]:
        import psycopg

        try:
            return psycopg.connect(self._url, autocommit=True)
        except psycopg.Error as error:
            raise StoreFailed(f"cannot connect: {error}") from error
