"""The seam between the stores and the two kinds of database."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from node.store.transaction import Connection


class Database(Protocol):
    """Where a store's data is, and how to open it: at most one writer at any time, many readers."""

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        ...

    def open_writer(self) -> Connection:
        """Return the one connection that writes, after making sure that it is the only one.

        Raises:
            StoreInUse: somebody else has it.
            StoreFailed: the database cannot be opened.
        """
        ...

    def open_reader(self) -> Connection:
        """Return a connection that cannot write."""
        ...

    def release(self) -> None:
        """Let another writer in; the writer's connection has been closed."""
        ...

    def has_table(self, connection: Connection, name: str) -> bool:
        """Tell whether there is a table of this name."""
        ...

    def is_empty(self, connection: Connection) -> bool:
        """Tell whether there is no table at all."""
        ...

    def migrate(self, connection: Connection, head: str) -> None:
        """Run the migrations up to `head` in one transaction."""
        ...

    def back_up(self, connection: Connection, label: str) -> Path | None:
        """Write a copy of the whole database to a new file; return its path, or None if there is no such way."""
        ...
