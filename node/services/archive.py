"""A whole archive: the export an auditor reads, and beside it the rows of every table that only this node knows.

Each row carries a sum over itself and all rows before it in its file, so that a row altered, lost or doubled by accident is
named by its line. Whoever alters one on purpose can reckon these anew; signatures are checked when it is brought in
(`archive_import.py`). Keys, PINs and sign-ins are in no archive. docs/export.md is its format.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from node.services.kept_copy import read_all
from node.services.ledger_export import MANIFEST, write_export
from node.store import ReadTx
from node.store.upgrade import HEAD
from protocol.names import SchemeId

TABLES: Final = "tables"
INDEX: Final = "tables.json"
# Left empty in the row: it lets somebody sign in.
SECRET: Final = frozenset({("member", "pin_hash")})
# Left out whole, for the same reason.
SECRET_TABLES: Final = frozenset({"passkey", "password", "second_step", "spare_code"})
SUM_CHARACTERS: Final = 16  # of a hexadecimal digest: against accidents, not against forgers
LINE_BYTES_MAX: Final = 4 * 1024 * 1024


class ArchiveUnusable(Exception):
    """An archive cannot be brought in; the text says why and, where it can, at which row."""


def write_archive(tx: ReadTx, scheme: SchemeId, folder: Path, now_ms: int) -> dict[str, int]:
    """Write an export and all tables into `folder`; return how many records each file has. A query. Raises OSError."""
    (folder / TABLES).mkdir(mode=0o700)
    told: dict[str, int] = {}
    for each in read_all(tx, scheme):
        if each.table in SECRET_TABLES:
            continue
        name = f"{TABLES}/{each.table}.jsonl"
        hidden = [at for at, column in enumerate(each.columns) if (each.table, column) in SECRET]
        with (folder / name).open("a", encoding="ascii") as file:
            if not told.get(name):
                told[name] = 0
                file.write(json.dumps({"columns": list(each.columns)}) + "\n")
            before = _last_sum(folder / name, told[name])
            for row in each.rows:
                values = [None if at in hidden else _plain(value) for at, value in enumerate(row)]
                before = sum_after(before, values)
                file.write(json.dumps({"row": values, "sum": before}, separators=(",", ":")) + "\n")
                told[name] += 1
    (folder / INDEX).write_text(json.dumps({"tables": HEAD, "records": told}) + "\n", "ascii")
    # Its manifest last, so that an archive that was broken off is none.
    return {**write_export(tx, scheme, folder, now_ms), **told}


def sum_after(before: str, values: list[Any]) -> str:
    """Return the sum of a row that follows one with the sum `before`."""
    text = json.dumps(values, separators=(",", ":"))
    return hashlib.sha256(f"{before}\n{text}".encode("ascii")).hexdigest()[:SUM_CHARACTERS]


def _last_sum(path: Path, rows: int) -> str:
    """Return the sum of the last row written; items of the own feed come in a second piece."""
    if not rows:
        return ""
    with path.open("rb") as file:
        last = file.read().rstrip(b"\n").rsplit(b"\n", 1)[-1]
    return str(json.loads(last)["sum"])


def _plain(value: Any) -> Any:
    return {"hex": value.hex()} if isinstance(value, bytes) else value


# --- Reading ------------------------------------------------------------------------------------------------------


def read_index(folder: Path) -> dict[str, int]:
    """Return which files of tables an archive has, and how many rows each. Raises ArchiveUnusable."""
    if not (folder / MANIFEST).is_file():
        raise ArchiveUnusable(f"{folder} holds no whole export")
    if not (folder / INDEX).is_file():
        raise ArchiveUnusable(
            "this export was made for an auditor: it holds no names and no words. “--whole” makes one that does"
        )
    index = _read_json(folder / INDEX, INDEX)
    head, records = index.get("tables"), index.get("records")
    if head != HEAD:
        raise ArchiveUnusable(f"it was written by another release: tables {head}, here {HEAD}")
    if not isinstance(records, dict) or not all(type(count) is int for count in records.values()):
        raise ArchiveUnusable(f"{INDEX} does not say what there is")
    return records


def read_scheme(folder: Path) -> SchemeId:
    """Return whose archive it is. Raises ArchiveUnusable."""
    manifest = _read_json(folder / MANIFEST, MANIFEST)
    try:
        return SchemeId(bytes.fromhex(manifest["scheme"]))
    except (KeyError, TypeError, ValueError):
        raise ArchiveUnusable(f"{MANIFEST} does not say whose it is") from None


def read_rows(folder: Path, name: str, count: int, columns: list[str]) -> Iterator[list[Any]]:
    """Yield the values of every row of a file, checked against its sums. Raises ArchiveUnusable."""
    before, rows, begun = "", 0, False
    for number, record in records(folder / name, name):
        if not begun:
            if record != {"columns": columns}:
                raise ArchiveUnusable(f"{name}, line {number}: it has other columns than this release")
            begun = True
            continue
        values = record.get("row")
        if not isinstance(values, list) or len(values) != len(columns):
            raise ArchiveUnusable(f"{name}, line {number}: not a row")
        before = sum_after(before, values)
        if record.get("sum") != before:
            raise ArchiveUnusable(f"{name}, line {number}: altered, or a row before it is missing or doubled")
        rows += 1
        yield [_value(each, name, number) for each in values]
    if rows != count or not begun:
        raise ArchiveUnusable(f"{name}: {rows} rows, {INDEX} says {count}")


def _value(value: Any, name: str, number: int) -> Any:
    match value:
        case None | str():
            return value
        case int() if -(2**63) <= value < 2**63:
            return int(value)
        case {"hex": str(text)} if len(value) == 1:
            try:
                return bytes.fromhex(text)
            except ValueError:
                pass
        case _:
            pass
    raise ArchiveUnusable(f"{name}, line {number}: a value that no table holds")


def records(path: Path, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number and the object of every line of a file. Raises ArchiveUnusable."""
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(LINE_BYTES_MAX):
                number += 1
                yield number, _record(line, name, number)
    except OSError as error:
        raise ArchiveUnusable(f"{name}: {error}") from None


def _record(line: bytes, name: str, number: int) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise ArchiveUnusable(f"{name}, line {number}: cannot be read") from None
    if not isinstance(record, dict):
        raise ArchiveUnusable(f"{name}, line {number}: not a record")
    return record


def _read_json(path: Path, name: str) -> dict[str, Any]:
    try:
        return _record(path.read_bytes()[:LINE_BYTES_MAX], name, 1)
    except OSError as error:
        raise ArchiveUnusable(f"{name}: {error}") from None
