"""Bringing the tables of a database to what this release expects, when a store is opened.

An empty database gets all tables at once; an older one is copied to a backup file and migrated; a newer one
is refused, untouched. A test holds the migrations and the tables of `schema/` equal.
"""

from __future__ import annotations

from typing import Final

from node.store.database import Database
from node.store.errors import SchemaTooNew, StoreFailed
from node.store.schema import creation
from node.store.transaction import Connection

# The newest migration. Kept here too, so that a database that has it is opened without importing alembic.
HEAD: Final = "0001"

# Alembic's own table of one row.
REVISION_TABLE: Final = "alembic_version"


def bring_up_to_date(database: Database, connection: Connection) -> None:
    """Create or migrate the tables, unless they are as this release expects.

    Raises:
        SchemaTooNew: the database belongs to a newer release.
        StoreFailed: it is not a node's database, or a migration failed; it is as it was before.
    """
    recorded = recorded_revision(database, connection)
    if recorded == HEAD:
        return
    if recorded is None:
        _create(database, connection)
    elif recorded > HEAD:
        raise SchemaTooNew(
            f"the database has schema {recorded}, this release knows up to {HEAD}: run the release that wrote it"
        )
    else:
        database.back_up(connection, f"before-{HEAD}")
        database.migrate(connection, HEAD)


def recorded_revision(database: Database, connection: Connection) -> str | None:
    """Return the migration the database has, or None if it is empty.

    Raises:
        StoreFailed: it is a database of something else.
    """
    if not database.has_table(connection, REVISION_TABLE):
        if database.is_empty(connection):
            return None
        raise StoreFailed("there are tables in this database, but not a node's")
    row = connection.execute(f"SELECT version_num FROM {REVISION_TABLE}").fetchone()  # noqa: S608 - a constant
    return None if row is None else str(row[0])


def _create(database: Database, connection: Connection) -> None:
    connection.begin()
    try:
        for line in creation(database.dialect):
            connection.execute(line)
        connection.execute(f"CREATE TABLE {REVISION_TABLE} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        connection.execute(f"INSERT INTO {REVISION_TABLE} VALUES ('{HEAD}')")  # noqa: S608 - constants
        connection.commit()
    except connection.errors as error:
        raise StoreFailed(f"cannot create the tables: {error}") from error
    finally:
        connection.rollback()
