"""What a unit of work and a query see of the database.

A unit is a plain synchronous function `(tx, …) -> result`: it reads, decides and records, touches no memory
outside, and may be run again. Source: architecture, decide, record, act, 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from sqlalchemy import Table

from node.store.errors import StoreError
from node.store.remembered import Noted
from node.store.statements import BadStatement, Compiler, Ordered, Prepared, Row, Statement

# Told each SQL text and "COMMIT" before it is run, and "COMMITTED" after; a test raises from it.
Fault = Callable[[str], None]
Later = tuple[Callable[..., None], tuple[Any, ...]]  # a call to make after COMMIT
Kept = dict[
    str, dict[Any, Any]
]  # by table: rows as the writer knows them, under keys of the service's choice

# Of one table. More means that a whole table went by; forgetting all of it keeps memory bounded.
KEPT_ROWS_MAX: Final = 10_000


class Cursor(Protocol):
    """The part of a driver's cursor used here."""

    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Row | None: ...
    def fetchall(self) -> list[Row]: ...


class Connection(Protocol):
    """One connection to one database, of either kind."""

    @property
    def errors(self) -> type[Exception]:
        """What the driver raises."""
        ...

    @property
    def compiler(self) -> Compiler: ...
    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Cursor: ...
    def executemany(self, sql: str, rows: Sequence[Sequence[Any]], /) -> Cursor: ...
    def inserted_key(self, cursor: Any) -> int:
        """Return the key of the row that the statement just run on `cursor` inserted."""
        ...

    def begin(self) -> None: ...
    def commit(self) -> None: ...
    def rollback(self) -> None:
        """End the transaction, if there is still one; never raises."""
        ...

    def scrub(self) -> None:
        """Write the database anew, so that its files hold nothing of what was deleted. Outside a transaction."""
        ...

    def in_transaction(self) -> bool:
        """Tell whether the transaction begun is still there and can go on."""
        ...

    def is_lost(self) -> bool:
        """Tell whether the database went away, so that a failed COMMIT says nothing about its outcome."""
        ...

    def translated(self, error: Exception) -> Exception:
        """Return the StoreError that a driver's error amounts to, or `error` itself if it is our bug."""
        ...

    def close(self) -> None: ...


class ReadTx:
    """Reading one state of the database. Rows are plain tuples in the order of the columns asked for."""

    __slots__ = ("_connection", "_fault", "_kept", "_noted", "_spoilt")

    def __init__(self, connection: Connection, fault: Fault | None = None, kept: Kept | None = None):
        self._connection: Final = connection
        self._fault: Final = fault
        self._kept: Final[Kept] = {} if kept is None else kept
        self._noted: Noted | None = None
        self._spoilt: Exception | None = None

    def kept(self, table: Table) -> dict[Any, Any]:
        """Return what is known of rows of `table` as they stand in this transaction; values, never changed in place.

        Put in what was read, or what `run_keeping` wrote. The one writer keeps it from unit to unit, and
        forgets it at every rollback and whenever the table is written to in another way.
        """
        rows = self._kept.setdefault(table.name, {})
        if len(rows) > KEPT_ROWS_MAX:
            rows.clear()
        return rows

    def note_reads(self) -> Noted:
        """Begin to note which tables are read, for `Remembered`."""
        self._noted = Noted()
        return self._noted

    def holds_until(self, moment_ms: float) -> None:
        """Say that what this query answers can be another answer from that moment on, though nothing is written.

        Without a clock in its answer a query need not say so. The earliest moment counts.
        """
        if self._noted is not None and moment_ms < self._noted.until_ms:
            self._noted.until_ms = moment_ms

    def one(self, statement: Statement, /, **params: Any) -> Row | None:
        """Return the first row, or None."""
        connection = self._connection
        prepared = connection.compiler.prepare(statement, params)
        self._before(prepared)
        try:
            row = connection.execute(prepared.sql, prepared.values(params)).fetchone()
        except connection.errors as error:
            raise self._failed(error) from error
        return None if row is None else prepared.row(row)

    def all(self, statement: Statement, /, **params: Any) -> list[Row]:
        """Return every row."""
        connection = self._connection
        prepared = connection.compiler.prepare(statement, params)
        self._before(prepared)
        try:
            rows = connection.execute(prepared.sql, prepared.values(params)).fetchall()
        except connection.errors as error:
            raise self._failed(error) from error
        return prepared.rows(rows)

    def scalar(self, statement: Statement, /, **params: Any) -> Any:
        """Return the first column of the first row, or None if there is no row."""
        row = self.one(statement, **params)
        return None if row is None else row[0]

    def _before(self, prepared: Prepared) -> None:
        """Refuse what must not be run."""
        if prepared.writes:
            raise BadStatement(f"a query only reads: {prepared.sql}")
        if self._spoilt is not None:
            raise self._spoilt
        if self._noted is not None:
            self._noted.reads(prepared.reads)
        if self._fault is not None:
            self._fault(prepared.sql)

    def _failed(self, error: Exception) -> Exception:
        """Remember a failed statement: whoever caught its error could otherwise go on without it.

        PostgreSQL refuses everything after a failed statement; SQLite may have rolled back already, and
        would then make each further statement durable by itself.
        """
        self._spoilt = self._connection.translated(error)
        return self._spoilt

    def finish(self) -> None:
        """End the use of this object: raise what a failed statement raised, and refuse all further calls.

        Raises:
            StoreError: a statement failed and the unit kept it to itself.
        """
        spoilt, self._spoilt = self._spoilt, StoreError("used after its unit had returned")
        if spoilt is not None:
            raise spoilt


class Tx(ReadTx):
    """Reading and writing in one transaction, committed together with neighbours or not at all."""

    __slots__ = ("later", "scrubs", "wrote_to")

    def __init__(self, connection: Connection, fault: Fault | None = None, kept: Kept | None = None):
        super().__init__(connection, fault, kept)
        self.wrote_to: Final[set[str | None]] = set()  # tables; None for one we do not know
        self.later: Final[list[Later]] = []
        self.scrubs = False

    def run(self, statement: Statement, /, **params: Any) -> int:
        """Run an insert, update or delete; return how many rows it wrote."""
        connection = self._connection
        prepared = connection.compiler.prepare(statement, params)
        self._before_writing(prepared)
        try:
            return connection.execute(prepared.sql, prepared.values(params)).rowcount
        except connection.errors as error:
            raise self._failed(error) from error

    def run_keeping(self, statement: Statement, /, **params: Any) -> None:
        """Run a write whose outcome the caller now puts into `kept`: what is kept of other rows stays true."""
        connection = self._connection
        prepared = connection.compiler.prepare(statement, params)
        self._before_keeping(prepared)
        try:
            connection.execute(prepared.sql, prepared.values(params))
        except connection.errors as error:
            raise self._failed(error) from error

    def insert(self, statement: Statement, /, **params: Any) -> int:
        """Insert one row into a table with one integer key; return the key it was given."""
        prepared = self._connection.compiler.prepare(statement, params)
        self._forget_kept(prepared)
        return self._insert(prepared, params)

    def insert_keeping(self, statement: Statement, /, **params: Any) -> int:
        """As `insert`, for a row that the caller now puts into `kept`, or that nobody keeps: as `run_keeping`."""
        return self._insert(self._connection.compiler.prepare(statement, params), params)

    def _insert(self, prepared: Prepared, params: Mapping[str, Any]) -> int:
        connection = self._connection
        if not prepared.gives_key:
            raise BadStatement(f"gives no integer key, use run or one(… returning): {prepared.sql}")
        self._before_keeping(prepared)
        try:
            return connection.inserted_key(connection.execute(prepared.sql, prepared.values(params)))
        except connection.errors as error:
            raise self._failed(error) from error

    def many(self, statement: Statement, /, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run one insert, update or delete for each of `rows`, which all have the same names."""
        rows = list(rows)
        if not rows:
            return
        names = rows[0].keys()
        if different := next((row for row in rows if row.keys() != names), None):
            raise BadStatement(f"{sorted(different)} in one row, {sorted(names)} in another")
        connection = self._connection
        prepared = connection.compiler.prepare(statement, names, many=True)
        self._before_writing(prepared)
        try:
            connection.executemany(prepared.sql, [prepared.values(row) for row in rows])
        except connection.errors as error:
            raise self._failed(error) from error

    def put(self, write: Ordered, values: Row) -> None:
        """Run a write as `run_keeping` does, at half the price."""
        connection = self._connection
        prepared = connection.compiler.prepare_ordered(write)
        self._before_keeping(prepared)
        try:
            connection.execute(prepared.sql, values)
        except connection.errors as error:
            raise self._failed(error) from error

    def put_many(self, write: Ordered, rows: Sequence[Row]) -> None:
        """Run a write for each of `rows`, as `put`."""
        connection = self._connection
        prepared = connection.compiler.prepare_ordered(write, many=True)
        self._before_keeping(prepared)
        try:
            connection.executemany(prepared.sql, rows)
        except connection.errors as error:
            raise self._failed(error) from error

    def put_new(self, write: Ordered, values: Row) -> int | None:
        """As `put`, of an upsert that changes nothing: the new row's key, or None if a unique index knows the row."""
        connection = self._connection
        prepared = connection.compiler.prepare_ordered(write)
        if not prepared.gives_new_key:
            raise BadStatement(f"gives no integer key of new rows only: {prepared.sql}")
        self._before_keeping(prepared)
        try:
            cursor = connection.execute(prepared.sql, values)
            return connection.inserted_key(cursor) if cursor.rowcount else None
        except connection.errors as error:
            raise self._failed(error) from error

    def on_commit(self, call: Callable[..., None], /, *args: Any) -> None:
        """Have `call(*args)` made on the event loop after COMMIT and before the caller is answered.

        Calls are made in the order of the units, then of this method's calls; on rollback they are forgotten.
        """
        self.later.append((call, args))

    def scrub_after_commit(self) -> None:
        """Have the database written anew after COMMIT, without the bytes of what was ever deleted.

        Takes as long as copying it. If it fails, the commit stands: whoever needs it notes so and asks again.
        """
        self.scrubs = True

    def _before(self, prepared: Prepared) -> None:
        if prepared.writes:  # an insert or update with RETURNING
            self._before_writing(prepared)
        else:
            super()._before(prepared)

    def _before_writing(self, prepared: Prepared) -> None:
        self._forget_kept(prepared)
        self._before_keeping(prepared)

    def _forget_kept(self, prepared: Prepared) -> None:
        if self._kept and prepared.table in self._kept:
            self._kept[prepared.table].clear()

    def _before_keeping(self, prepared: Prepared) -> None:
        if self._spoilt is not None:
            raise self._spoilt
        if self._fault is not None:
            self._fault(prepared.sql)
        self.wrote_to.add(prepared.table)
