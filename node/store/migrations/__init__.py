"""Alembic, run inside the node on the connection of its store. Imported only when there is something to migrate."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from node.store.errors import StoreFailed

# Where env.py and the migrations are.
SCRIPTS: Final = Path(__file__).parent


def config_for(connection: Connection) -> Config:
    """Return Alembic's configuration; `env.py` takes the connection from it."""
    config = Config()
    # A percent sign in a path would be read as an interpolation.
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


@contextmanager
def _failing_as_a_store() -> Iterator[None]:
    """Turn what SQLAlchemy and Alembic raise into StoreFailed; the transaction has been rolled back by then."""
    try:
        yield
    except (SQLAlchemyError, CommandError) as error:
        raise StoreFailed(f"the migration failed and changed nothing: {error}") from error


def migrate_sqlite(raw: sqlite3.Connection, head: str) -> None:
    """Run the migrations up to `head` in one transaction.

    Raises:
        StoreFailed: a statement failed, or rows now refer to rows that are gone; nothing was changed.
    """
    # Batch mode replaces whole tables, which must not cascade; the setting is ignored inside a transaction.
    raw.execute("PRAGMA foreign_keys = OFF")
    engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with _failing_as_a_store(), engine.connect() as connection, connection.begin():
            command.upgrade(config_for(connection), head)
            if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall():
                raise StoreFailed(f"the migration to {head} leaves broken references: {broken[:5]}")
    finally:
        raw.execute("PRAGMA foreign_keys = ON")


def migrate_postgres(raw: Any, head: str) -> None:
    """Run the migrations up to `head` in one transaction. Raises StoreFailed; nothing was changed then."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: raw, poolclass=StaticPool)
    raw.autocommit = False
    try:
        with _failing_as_a_store(), engine.connect() as connection, connection.begin():
            command.upgrade(config_for(connection), head)
    finally:
        raw.rollback()
        raw.autocommit = True
