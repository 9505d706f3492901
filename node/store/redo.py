"""Every write of a unit, noted as the database was given it, for whoever keeps a copy elsewhere. Source: docs/protocol.md 6.7 (g).

Nothing is noted, and nothing costs anything, until somebody asks to be told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, cast

from node.store.transaction import Connection

_WRITES: Final = re.compile(
    r'\s*(?:INSERT\s+(?:OR\s+\w+\s+)?INTO|UPDATE|DELETE\s+FROM)\s+"?(\w+)', re.IGNORECASE
)


class Written(NamedTuple):
    """One write: the table it went to, and what the database was given."""

    table: str
    sql: str
    values: Sequence[Any]


class Redo:
    """Who is told of the writes of each unit, on the event loop, after their commit and in its order."""

    __slots__ = ("tell",)

    def __init__(self) -> None:
        self.tell: Callable[[list[Written]], None] | None = None


@lru_cache(maxsize=1024)
def _table_of(sql: str) -> str | None:
    found = _WRITES.match(sql)
    return None if found is None else found[1]


class _Recording:
    """A connection that notes what is written through it."""

    def __init__(self, connection: Connection, written: list[Written]):
        self._connection: Final = connection
        self._written: Final = written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Any:
        cursor = self._connection.execute(sql, values)
        table = _table_of(sql)
        if table is not None:
            self._written.append(Written(table, sql, values))
        return cursor

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> Any:
        cursor = self._connection.executemany(sql, rows)
        table = _table_of(sql)
        if table is not None:
            self._written.extend(Written(table, sql, values) for values in rows)
        return cursor


def recording(connection: Connection, written: list[Written]) -> Connection:
    """Return `connection`, with what is written through it added to `written`."""
    return cast(Connection, _Recording(connection, written))
