"""A database built from a whole archive, in a file beside its place, checked whole, and only then put there.

Identities come from the export in it, which signs nothing by itself: their logs are verified. docs/export.md; docs/protocol.md 2, I19.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from crypto.safekeeping import SafeKeys
from node.services.archive import SECRET_TABLES, ArchiveUnusable, read_index, read_rows, read_scheme, records
from node.services.kept_copy import LEFT_OUT
from node.services.ledger_check import Checked, check_books
from node.services.ledger_identities import read_identities
from node.store.schema import load_all
from node.store.sqlite import SqliteDatabase
from node.store.transaction import ReadTx
from protocol.errors import ProtocolError
from protocol.identity import fold_log
from protocol.names import SchemeId

UNFINISHED: Final = ".importing"  # after the name of the database
_FEED: Final = frozenset({"feed", "item"})  # the own one comes along
IDENTITIES: Final = "identities.jsonl"

Step = Callable[[str], None]


def fill(database: Path, folder: Path, scheme: SchemeId) -> int:
    """Fill the empty tables of `database` from an archive of `scheme`; return the number of rows.

    Raises:
        ArchiveUnusable: it is another scheme's, another release's, or was altered; nothing is kept.
    """
    index = read_index(folder)
    if read_scheme(folder) != scheme:
        raise ArchiveUnusable("it is another scheme's archive than the keys in the data folder")
    raw = sqlite3.connect(database, isolation_level=None)
    try:
        raw.execute("PRAGMA foreign_keys = OFF")
        raw.execute("BEGIN IMMEDIATE")
        count = sum(_fill_table(raw, folder, name, rows) for name, rows in sorted(index.items()))
        _fill_identities(raw, folder)
        broken = raw.execute("PRAGMA foreign_key_check").fetchone()
        if broken is not None:
            raise ArchiveUnusable(f"a row of {broken[0]} refers to one of {broken[2]} that is not there")
        raw.execute("COMMIT")
        return count
    except (sqlite3.Error, OverflowError) as error:
        raise ArchiveUnusable(f"it does not fit the tables: {error}") from error
    finally:
        raw.close()


def _fill_table(raw: sqlite3.Connection, folder: Path, name: str, count: int) -> int:
    table = name.removeprefix("tables/").removesuffix(".jsonl")
    known = load_all().tables.get(table)
    if (
        known is None
        or table in SECRET_TABLES
        or (table in LEFT_OUT and table not in _FEED)
        or name != f"tables/{table}.jsonl"
    ):
        raise ArchiveUnusable(f"{name}: no archive has such a file")
    wanted = [str(column.name) for column in known.columns]
    places = ", ".join("?" * len(wanted))
    names = ", ".join(f'"{each}"' for each in wanted)
    for values in read_rows(folder, name, count, wanted):
        try:
            raw.execute(f'INSERT INTO "{table}" ({names}) VALUES ({places})', values)  # noqa: S608  # our own words
        except sqlite3.Error as error:
            raise ArchiveUnusable(f"{name}, {values[0]}: {error}") from None
    return count


def _fill_identities(raw: sqlite3.Connection, folder: Path) -> None:
    logs: dict[str, list[bytes]] = {}
    for number, record in records(folder / IDENTITIES, IDENTITIES):
        try:
            logs.setdefault(str(record["scheme"]), []).append(bytes.fromhex(record["wire"]))
        except (KeyError, TypeError, ValueError):
            raise ArchiveUnusable(f"{IDENTITIES}, line {number}: not an identity event") from None
    for scheme, wires in logs.items():
        try:
            state = fold_log(wires)
        except ProtocolError as error:
            raise ArchiveUnusable(f"{IDENTITIES}: the log of {scheme[:16]}… is not whole: {error}") from None
        if state.scheme_id.hex() != scheme:
            raise ArchiveUnusable(f"{IDENTITIES}: the log of {scheme[:16]}… is another scheme's")
        raw.executemany(
            "INSERT INTO identity_event (scheme, seq, wire, seen_ms) VALUES (?, ?, ?, 0)",
            [(state.scheme_id, seq, wire) for seq, wire in enumerate(wires)],
        )
        raw.executemany(
            "INSERT INTO identity_key (public_key, scheme) VALUES (?, ?)",
            [(key, state.scheme_id) for key in sorted(state.proved_keys())],
        )


def check_filled(database: Path, scheme: SchemeId, log: Sequence[bytes], safe: SafeKeys) -> Checked:
    """Return what is wrong with the books in a database that was just filled. Raises ArchiveUnusable."""
    connection = SqliteDatabase(database).open_reader()
    try:
        connection.begin()
        tx = ReadTx(connection)
        return check_books(tx, scheme, read_identities(tx, {scheme: tuple(log)}), safe=safe)
    finally:
        connection.rollback()
        connection.close()


def bring_in(
    database: Path, folder: Path, scheme: SchemeId, log: Sequence[bytes], safe: SafeKeys, *,
    make_tables: Callable[[Path], None], step: Step = lambda _done: None,
) -> dict[str, Any]:  # fmt: skip
    """Build `database`, which is not there, from an archive; it appears whole or not at all.

    `step` is told after each step, where a test may break off.

    Raises:
        ArchiveUnusable: nothing was put in place.
    """
    unfinished = database.with_name(database.name + UNFINISHED)
    clear(database)
    try:
        make_tables(unfinished)
        step("tables made")
        rows = fill(unfinished, folder, scheme)
        step("filled")
        checked = check_filled(unfinished, scheme, log, safe)
        if not checked.right:
            raise ArchiveUnusable("; ".join(str(each) for each in checked.findings[:3]))
        step("checked")
        _settle(unfinished)
        step("written")
        unfinished.rename(database)
        step("in place")
        _sync(database.parent)
    finally:
        clear(database)
    return {"rows": rows, "entries": checked.entries, "accounts": checked.accounts, "ops": checked.ops}


def clear(database: Path) -> None:
    """Remove what an attempt left that was broken off."""
    for left in database.parent.glob(f"{database.name}{UNFINISHED}*"):
        left.unlink()


def _settle(database: Path) -> None:
    """Write everything into the one file, durably."""
    raw = sqlite3.connect(database, isolation_level=None)
    try:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        raw.close()
    _sync(database)


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
