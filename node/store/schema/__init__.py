"""The tables: one module for each area, sharing `metadata`. Columns are integers, text, bytes and flags.

Money and moments are `Big` (64 bits on both databases). Signed things are kept as the bytes received, in a
`Blob`; columns beside them are derived. What is stored is known by (author, seq): a unique index on a
32-byte hash makes inserts four times slower. There are no triggers: alembic's batch mode drops them silently.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    create_mock_engine,
    text,
)
from sqlalchemy.schema import SchemaItem

# Named constraints, so that a migration can change them on both databases.
metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite makes a row id only of a column declared exactly INTEGER, and STRICT tables know no BIGINT.
Big: Final = BigInteger().with_variant(Integer(), "sqlite")
Small: Final = Integer()
Blob: Final = LargeBinary()
Str: Final = Text()  # lengths and NUL are checked where text enters; SQLite would not
Flag: Final = Boolean().with_variant(Integer(), "sqlite")  # True and False again when read


def table(name: str, *items: SchemaItem, rowid: bool | None = None, **options: Any) -> Table:
    """Return a new table of `metadata`: STRICT on SQLite, and stored in the order of its key if that is natural.

    A natural key is any but one integer column. `rowid=True` keeps SQLite's hidden row number beside it, which
    suits rows of more than about 200 bytes.
    """
    keys = [item for item in items if isinstance(item, Column) and item.primary_key]
    if rowid is None:
        rowid = len(keys) == 1 and isinstance(keys[0].type, Integer)
    return Table(name, metadata, *items, sqlite_strict=True, sqlite_with_rowid=rowid, **options)


def only(condition: str) -> dict[str, Any]:
    """Return the options of an index that holds some of the rows; a query has to say the same words to use it."""
    return {"sqlite_where": text(condition), "info": {"where": condition}}


# What the node knows about its own database, such as when it was made; one row for each fact.
meta: Final = table("meta", Column("key", Str, primary_key=True), Column("value", Str, nullable=False))


@cache
def load_all() -> MetaData:
    """Import every area, so that `metadata` knows all tables; return it."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return metadata


@cache
def load_for_both() -> MetaData:
    """Return the same, with what only PostgreSQL is told; saying it at once would import its half of SQLAlchemy."""
    for each in load_all().tables.values():
        for index in each.indexes:
            if "where" in index.info:
                index.dialect_options["postgresql"]["where"] = text(index.info["where"])
    return metadata


@cache
def creation(dialect: str) -> tuple[str, ...]:
    """Return the SQL that makes every table and index in an empty database."""
    load_all() if dialect == "sqlite" else load_for_both()
    lines: list[str] = []

    def note(element: Any, *_: Any, **__: Any) -> None:
        lines.append(str(element.compile(dialect=engine.dialect)))

    engine = create_mock_engine("sqlite://" if dialect == "sqlite" else "postgresql+psycopg://", note)
    metadata.create_all(engine, checkfirst=False)
    return tuple(lines)
