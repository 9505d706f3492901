"""Opening a database of any age: made, used as it is, migrated after a backup, or refused untouched."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, select

from node.store import InlineStore, Memory, SchemaTooNew, SqliteDatabase, StoreFailed, migrations, upgrade
from node.store.schema import creation, load_all, meta
from node.store.sqlite import SqliteConnection
from node.store.upgrade import HEAD, REVISION_TABLE, bring_up_to_date

NEXT = f"{int(HEAD) + 1:04}"

# A further migration, as `scripts/make_migration` would write it; {body} is what a test wants it to do.
FURTHER = f'''
from alembic import op
import sqlalchemy as sa
revision = "{NEXT}"
down_revision = "{HEAD}"
def upgrade():
    with op.batch_alter_table("meta", table_kwargs={{"sqlite_strict": True, "sqlite_with_rowid": False}}) as batch:
        batch.add_column(sa.Column("note", sa.Text(), nullable=False, server_default="new"))
    BODY
'''


def raw(connection: Any) -> sqlite3.Connection:
    """Return the driver's connection inside ours."""
    assert isinstance(connection, SqliteConnection)
    return connection.raw


def described(connection: sqlite3.Connection) -> dict[str, Any]:
    """Return everything SQLite knows about the tables, in a form that no spelling of the SQL changes."""

    def rows(pragma: str) -> list[tuple[Any, ...]]:
        return connection.execute(f"PRAGMA {pragma}").fetchall()

    tables = [
        row
        for row in rows("table_list")
        if row[0] == "main" and row[1] not in (REVISION_TABLE, "sqlite_schema")
    ]
    answer: dict[str, Any] = {}
    for _, name, kind, _, without_rowid, strict in tables:
        indices = {}
        for _, index, unique, origin, partial in rows(f"index_list('{name}')"):
            shown = (
                index
                if origin == "c"
                else f"{origin} of {[row[2] for row in rows(f'index_info({index!r})')]}"
            )
            indices[shown] = (unique, partial, [row[1:] for row in rows(f"index_xinfo('{index}')")])
        (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone() or (
            "",
        )
        answer[name] = {
            "kind": (kind, without_rowid, strict),
            "columns": {row[1]: row[2:] for row in rows(f"table_xinfo('{name}')")},
            "indices": indices,
            "references": sorted(row[2:] for row in rows(f"foreign_key_list('{name}')")),
            "made by": " ".join((sql or "").split()) if kind == "virtual" else "",
            "rules": sorted(re.findall(r"CONSTRAINT \S+|CHECK\s*\(.*\)", sql or "")),
        }
    return answer


def test_the_migrations_lead_to_the_tables_of_the_schema():
    """Whoever changes a table writes the migration with it: `scripts/make_migration`, `--freeze` until 0.1 is released."""
    made, migrated = Memory(), Memory()
    one, other = made.open_writer(), migrated.open_writer()
    bring_up_to_date(made, one)
    migrated.migrate(other, "head")

    assert described(raw(other)) == described(raw(one))
    assert load_all().tables.keys() <= described(raw(one)).keys()


def test_autogenerate_finds_nothing_left_to_do():
    """The same, with Alembic's own eyes."""
    from alembic import command
    from alembic.util import CommandError

    with create_engine("sqlite://").connect() as connection:
        config = migrations.config_for(connection)
        command.upgrade(config, "head")
        try:
            command.check(config)
        except CommandError as error:
            pytest.fail(str(error))


def test_head_is_the_newest_migration():
    with create_engine("sqlite://").connect() as connection:
        scripts = ScriptDirectory.from_config(migrations.config_for(connection))
    assert scripts.get_heads() == [HEAD]
    numbers = [script.revision for script in scripts.walk_revisions()]
    assert sorted(numbers) == [f"{number:04}" for number in range(1, len(numbers) + 1)], "compared as text"


def test_both_dialects_can_make_the_tables():
    assert len(creation("sqlite")) == len(creation("postgresql")) >= len(load_all().tables)


def test_tables_hold_only_types_that_are_the_same_on_both_databases():
    """Stack, pitfall 5."""
    allowed = {"BIGINT", "INTEGER", "BLOB", "TEXT", "BOOLEAN", "FLOAT"}
    found = {
        f"{column}": str(column.type) for table in load_all().tables.values() for column in table.columns
    }
    assert {name: kind for name, kind in found.items() if kind not in allowed} == {}


def test_alembic_is_not_imported_to_open_a_database_that_is_new_or_up_to_date(tmp_path: Path, root: Path):
    program = (
        "import sys; from pathlib import Path; from node.store import InlineStore, SqliteDatabase\n"
        "InlineStore(SqliteDatabase(Path(sys.argv[1]))).crash()\n"
        "InlineStore(SqliteDatabase(Path(sys.argv[1]))).crash()\n"
        "sys.exit('alembic' in sys.modules)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "node.db")]
    subprocess.run(command, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, check=True)


@pytest.fixture
def database(tmp_path: Path) -> SqliteDatabase:
    """A database of this release, with one row."""
    database = SqliteDatabase(tmp_path / "node.db")
    connection = database.open_writer()
    bring_up_to_date(database, connection)
    connection.execute("INSERT INTO meta VALUES ('made', 'long ago')")
    connection.close()
    database.release()
    return database


def copies(directory: Path) -> list[Path]:
    """Return the backups made there."""
    return sorted(directory.glob("*.backup"))


def release_with(further: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this the next release, whose last migration ends with the line `further`."""
    scripts = tmp_path / "migrations"
    (scripts / "versions").mkdir(parents=True)
    for path in [migrations.SCRIPTS / "env.py", *(migrations.SCRIPTS / "versions").glob("*.py")]:
        (scripts / path.relative_to(migrations.SCRIPTS)).write_bytes(path.read_bytes())
    (scripts / "versions" / f"{NEXT}_next.py").write_text(FURTHER.replace("BODY", further))
    monkeypatch.setattr(migrations, "SCRIPTS", scripts)
    monkeypatch.setattr(upgrade, "HEAD", NEXT)


async def test_an_older_database_is_copied_and_migrated(
    database: SqliteDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    release_with("pass", tmp_path, monkeypatch)
    store = InlineStore(database)
    assert raw(store._writer).execute("SELECT * FROM meta").fetchall() == [("made", "long ago", "new")]
    assert raw(store._writer).execute("PRAGMA foreign_keys").fetchone() == (1,)
    assert await store.read(lambda tx: tx.all(select(meta))) == [("made", "long ago")]
    await store.close()

    (copy,) = copies(tmp_path)
    assert copy.name == f"node-before-{NEXT}.backup"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with sqlite3.connect(copy) as old:
        assert old.execute("SELECT * FROM meta").fetchall() == [("made", "long ago")]
        assert old.execute(f"SELECT * FROM {REVISION_TABLE}").fetchall() == [(HEAD,)]


async def test_a_migration_that_fails_half_way_changes_nothing(
    database: SqliteDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def contents() -> list[str]:
        with sqlite3.connect(tmp_path / "node.db") as connection:
            return list(connection.iterdump())

    before = contents()
    release_with("op.execute('SELECT 1 FROM nowhere')", tmp_path, monkeypatch)
    for attempt in (1, 2):
        with pytest.raises(StoreFailed):
            InlineStore(database)
        assert contents() == before
        assert len(copies(tmp_path)) == attempt, "an earlier copy is never overwritten"


async def test_a_migration_may_not_leave_broken_references(
    database: SqliteDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    release_with(
        "op.execute('CREATE TABLE child (of TEXT REFERENCES meta)'); op.execute(\"INSERT INTO child VALUES ('x')\")",
        tmp_path,
        monkeypatch,
    )
    with pytest.raises(StoreFailed, match="broken references"):
        InlineStore(database)


async def test_a_newer_database_is_refused_and_not_touched(database: SqliteDatabase, tmp_path: Path):
    with sqlite3.connect(tmp_path / "node.db") as connection:
        connection.execute(f"UPDATE {REVISION_TABLE} SET version_num = '{NEXT}'")
        before = list(connection.iterdump())

    with pytest.raises(SchemaTooNew, match=NEXT):
        InlineStore(database)

    with sqlite3.connect(tmp_path / "node.db") as connection:
        assert list(connection.iterdump()) == before
    assert copies(tmp_path) == []


async def test_a_database_of_something_else_is_refused(tmp_path: Path):
    with sqlite3.connect(tmp_path / "node.db") as connection:
        connection.execute("CREATE TABLE recipes (cake TEXT)")
    with pytest.raises(StoreFailed):
        InlineStore(SqliteDatabase(tmp_path / "node.db"))
    with sqlite3.connect(tmp_path / "node.db") as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("recipes",)]
