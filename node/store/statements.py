"""SQLAlchemy Core statements, compiled once for each dialect and then run at the driver's own speed.

A statement is a module-level constant whose variable parts are `bindparam`s (for `insert` and `update`
without `.values()`: the columns named at the first call). Compiling takes SQLAlchemy some hundred
microseconds; running what came out costs little more than `sqlite3` alone.

What is refused, at the first run of a statement, because it would need work at every run: `bindparam`s that
expand to a list, Python-side column defaults, and column types that convert values (dates, enums, JSON).
Columns are integers, text, bytes and flags.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Enum,
    Float,
    Integer,
    LargeBinary,
    String,
    Table,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Insert, UpdateBase
from sqlalchemy.sql.elements import ClauseElement, ColumnClause, TextClause
from sqlalchemy.sql.visitors import iterate
from sqlalchemy.types import NullType, TypeEngine

Row = tuple[Any, ...]
PLAIN_TYPES: Final = (
    Integer,
    String,
    LargeBinary,
    Boolean,
    Float,
    NullType,
)  # the drivers need no help with them
Excluded = Any  # the row that could not be inserted, as SQLAlchemy offers it: one attribute for each column

# Statements are constants, so there are some hundred of them. More means that somebody builds them at run
# time; forgetting all of them then keeps memory bounded, and the speed tells.
COMPILED_MAX: Final = 8192


class BadStatement(TypeError):
    """A statement that cannot be compiled once and for all, or called with the wrong parameters."""


class Upsert:
    """An `INSERT … ON CONFLICT`, built for the dialect that will run it."""

    __slots__ = ("_key", "_returning", "_table", "_update", "_where")

    def __init__(
        self,
        table: Table,
        key: Sequence[str],
        update: Sequence[str] | Callable[[Excluded], Mapping[str, Any]] = (),
        where: Callable[[Excluded], ColumnElement[bool]] | None = None,
        returning: Sequence[ColumnElement[Any]] = (),
    ):
        self._table: Final = table
        self._key: Final = tuple(key)
        self._update: Final = update
        self._where: Final = where
        self._returning: Final = tuple(returning)

    @property
    def only_new(self) -> bool:
        """Whether a row already there stays as it is."""
        return not self._update

    def returning(self, *columns: ColumnElement[Any]) -> Upsert:
        """Return the same statement giving back columns of the row inserted or changed (none if neither)."""
        return Upsert(self._table, self._key, self._update, self._where, columns)

    def build(self, dialect: str) -> UpdateBase:
        """Return the statement in the words of `dialect`."""
        insert = _insert(dialect)(self._table)
        if not self._update:
            built = insert.on_conflict_do_nothing(index_elements=self._key or None)
        else:
            excluded = insert.excluded
            changes = (
                self._update(excluded)
                if callable(self._update)
                else {name: excluded[name] for name in self._update}
            )
            where = None if self._where is None else self._where(excluded)
            built = insert.on_conflict_do_update(index_elements=self._key, set_=changes, where=where)
        returning: UpdateBase = built.returning(*self._returning) if self._returning else built
        return returning


def upsert(
    table: Table,
    *,
    key: Sequence[str],
    update: Sequence[str] | Callable[[Excluded], Mapping[str, Any]] = (),
    where: Callable[[Excluded], ColumnElement[bool]] | None = None,
) -> Upsert:
    """Return an insert that minds a row already there under `key` (the columns of one unique index).

    Without `update`, an empty `key` means any unique index.
    With no `update`, that row stays as it is and the row count is 0. With names, these columns take the new
    values; with a function of the row offered, the columns it names take the expressions it gives, as in
    `update=lambda new: {"count": table.c.count + new.count}`. `where` says when the update applies, as in
    `where=lambda new: new.revision > table.c.revision`.
    """
    assert key or not update, "an update needs to know of which row"
    return Upsert(table, key, update, where)


def _insert(dialect: str) -> Callable[[Table], Any]:
    """Return the `insert` of a dialect, which knows ON CONFLICT."""
    if dialect == "sqlite":
        return sqlite.insert
    # A twentieth of the start to import, and for no node on SQLite.
    from sqlalchemy.dialects import postgresql

    return postgresql.insert


Statement = ClauseElement | Upsert


class Ordered:
    """A write whose values come in a fixed order: for rows that are written all the time."""

    __slots__ = ("names", "statement")

    def __init__(self, statement: Statement, *names: str):
        self.statement: Final = statement
        self.names: Final = names


class Prepared:
    """A compiled statement: SQL in the driver's own words and where each parameter goes."""

    __slots__ = (
        "_order", "_reshape", "gives_key", "gives_new_key", "reads", "sql", "table", "values", "writes",
    )  # fmt: skip

    def __init__(
        self,
        sql: str,
        values: Callable[[Mapping[str, Any]], Sequence[Any]],
        *,
        order: tuple[str, ...],
        writes: bool,
        table: str | None,
        reads: frozenset[str] | None,
        gives_key: bool,
        gives_new_key: bool,
        reshape: tuple[tuple[int, Callable[[Any], Any]], ...],
    ):
        self.sql: Final = sql
        self.values: Final = values  # puts named parameters in the order in which the SQL wants them
        self._order: Final = order
        self.writes: Final = writes
        self.table: Final = table  # the one it writes to
        self.reads: Final = reads  # all it could read of; None where its text does not say
        self.gives_key: Final = gives_key  # it inserts a row whose integer key the database chooses
        self.gives_new_key: Final = gives_new_key  # the same, if it inserts one
        self._reshape: Final = reshape

    def takes(self, names: tuple[str, ...]) -> bool:
        """Tell whether values named so are in the order of the SQL already."""
        return self._order == names

    def row(self, row: Row) -> Row:
        """Return a row of the driver with the same Python types on every database."""
        if not self._reshape:
            return row
        values = list(row)
        for index, convert in self._reshape:
            if values[index] is not None:
                values[index] = convert(values[index])
        return tuple(values)

    def rows(self, rows: list[Row]) -> list[Row]:
        """Return `row` of each."""
        return [self.row(row) for row in rows] if self._reshape else rows


class Compiler:
    """Compiles statements for one dialect and remembers them."""

    def __init__(self, dialect: Dialect):
        self.dialect: Final = dialect
        self._known: Final[dict[tuple[object, ...], Prepared]] = {}

    def prepare(self, statement: Statement, params: Iterable[str], many: bool = False) -> Prepared:
        """Return `statement` compiled for a call with the parameters named `params`.

        Raises:
            BadStatement: it cannot be compiled once for all calls, or these are not its parameters.
        """
        key = (statement, many, *params)
        try:
            return self._known[key]
        except KeyError:
            pass
        if len(self._known) >= COMPILED_MAX:
            self._known.clear()
        prepared = self._known[key] = self._compile(statement, tuple(params), many)
        return prepared

    def prepare_ordered(self, ordered: Ordered, *, many: bool = False) -> Prepared:
        """Return a write compiled for tuples in its own order.

        Raises:
            BadStatement: as `prepare`, or the SQL wants another order.
        """
        key = (ordered, many)
        known = self._known.get(key)
        if known is not None:
            return known
        prepared = self.prepare(ordered.statement, ordered.names, many)
        if not prepared.takes(ordered.names) or not prepared.writes:
            raise BadStatement(f"{ordered.names} are not in the order of {prepared.sql}")
        self._known[key] = prepared
        return prepared

    def _compile(self, statement: Statement, names: tuple[str, ...], many: bool) -> Prepared:
        clause = statement.build(self.dialect.name) if isinstance(statement, Upsert) else statement
        if not clause.supports_execution:
            raise BadStatement(f"a {type(clause).__name__} is not something units run")
        writes = isinstance(clause, UpdateBase)
        keys = list(names) if writes else None
        compiled = clause.compile(dialect=self.dialect, column_keys=keys, for_executemany=many)
        if not isinstance(compiled, SQLCompiler):
            raise BadStatement(f"a {type(clause).__name__} is not something units run")
        _check(compiled, names)
        sql, order = str(compiled), tuple(compiled.positiontup or ())
        constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        if compiled.post_compile_params:  # a list of constants behind IN
            expanded = compiled.construct_expanded_state({**constants, **dict.fromkeys(names)})
            sql, order = expanded.statement, tuple(expanded.positiontup or ())
            constants = dict(expanded.parameters)
        constants = {name: value for name, value in constants.items() if name in order and name not in names}
        # After an upsert, and in a table without row ids, SQLite would give the key of some earlier insert.
        keyed = (
            isinstance(clause, Insert)
            and isinstance(clause.table, Table)
            and clause.table.autoincrement_column is not None
        )
        return Prepared(
            sql,
            _arrangement(order, constants),
            order=order,
            writes=writes,
            table=_table_of(clause),
            reads=_tables_read(clause),
            gives_key=keyed and not isinstance(statement, Upsert),
            gives_new_key=keyed and isinstance(statement, Upsert) and statement.only_new,
            reshape=tuple(_conversions(compiled, self.dialect.name)),
        )


def _table_of(clause: ClauseElement) -> str | None:
    """Return the name of the table that a statement writes to, or None."""
    table = clause.table if isinstance(clause, UpdateBase) else None
    return table.name if isinstance(table, Table) else None


def _tables_read(clause: ClauseElement) -> frozenset[str] | None:
    """Return the names of all tables that occur in a statement; None if a part of it is plain text."""
    names: set[str] = set()
    todo: list[Any] = [clause]
    while todo:
        for element in iterate(todo.pop()):
            if isinstance(element, TextClause):
                return None
            if isinstance(element, Table):
                names.add(element.name)
            # Columns say whose they are, which no list behind FROM needs to repeat.
            elif isinstance(element, ColumnClause) and element.table is not None:
                if isinstance(element.table, Table):
                    names.add(element.table.name)
                else:
                    todo.append(element.table)
    return frozenset(names)


def _arrangement(
    order: tuple[str, ...], constants: Mapping[str, Any]
) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    """Return what puts named parameters in order; in the usual cases without a loop in Python."""
    if constants:
        return lambda params: [params[name] if name in params else constants[name] for name in order]
    if len(order) > 1:
        return itemgetter(*order)
    if order:
        (only,) = order
        return lambda params: (params[only],)
    return lambda _: ()


def _check(compiled: SQLCompiler, names: tuple[str, ...]) -> None:
    """Refuse what would need work at every run, and parameters too many or too few."""
    required = {name for name, bind in compiled.binds.items() if bind.required}
    used = set(compiled.binds)
    for name in required:
        _check_type(compiled.binds[name].type, name)
    if expanding := {bind.key for bind in compiled.post_compile_params if bind.required}:
        raise BadStatement(f"{expanding} expand to a list; join a table or call once for each")
    if compiled.literal_execute_params:
        raise BadStatement("parameters written into the SQL at each run")
    if prefetched := [str(column) for column in [*compiled.insert_prefetch, *compiled.update_prefetch]]:
        raise BadStatement(f"{prefetched} have Python-side defaults; give the values, or use server_default")
    if missing := required - set(names):
        raise BadStatement(f"parameters {sorted(missing)} are missing in {compiled}")
    if unknown := set(names) - used:
        raise BadStatement(f"parameters {sorted(unknown)} do not occur in {compiled}")


def _conversions(compiled: SQLCompiler, dialect: str) -> Iterable[tuple[int, Callable[[Any], Any]]]:
    """Yield what makes rows equal on all databases: flags on SQLite, sums of BIGINT on PostgreSQL."""
    for index, result in enumerate(compiled._result_columns):
        _check_type(result.type, str(result.keyname))
        if dialect == "sqlite" and isinstance(result.type, Boolean):
            yield index, bool
        stored = any(isinstance(item, Column) for item in result.objects)
        if dialect == "postgresql" and isinstance(result.type, Integer) and not stored:
            yield index, int


def _check_type(kind: TypeEngine[Any], name: str) -> None:
    if not isinstance(kind, PLAIN_TYPES) or isinstance(kind, Enum):
        raise BadStatement(f"{name} is of type {kind!r}, which would need converting at each run")


@cache
def compiler_for(dialect: str) -> Compiler:
    """Return the compiler all stores of this process share: what it remembers depends on nothing else."""
    if dialect == "sqlite":
        return Compiler(sqlite.dialect(paramstyle="qmark"))
    from sqlalchemy.dialects.postgresql import psycopg

    return Compiler(psycopg.dialect(paramstyle="format"))  # type: ignore[no-untyped-call] # their omission
