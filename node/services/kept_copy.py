"""A copy of what only this node knows, for a keeper: the rows of our own tables, then every write made since.

Cut into parts, compressed, and sealed under the scheme's own safe key, so that a keeper holds bytes and nothing
else. What neighbours know anyway (their feeds, their identities) and what is worth nothing tomorrow (sessions,
throttles) is left out. From a whole copy and its changes the database is built again. Source: docs/protocol.md 6.7 (g).
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Table, select

from crypto.canonical import NotCanonical, Value, decode, encode
from crypto.safekeeping import SafeKeys
from crypto.sealing import CannotOpen
from node.store import ReadTx, Written
from node.store.schema import feeds, load_all
from node.store.upgrade import HEAD
from protocol.names import SchemeId

LEFT_OUT: Final = frozenset({
    "carried", "evidence_told", "feed", "feed_evidence", "identity_conflict", "identity_event", "identity_key", "item",
    "kept", "meta", "pending_sign_in", "quarantine", "received", "search_doc", "session", "sign_in_link",
    "sign_in_place", "sync_kept", "throttle",
})  # fmt: skip
FULL_TEXT: Final = "listing_text"  # with the tables SQLite keeps behind it; made again from the listings
PART_BYTES: Final = 64 * 1024  # of rows or writes in one part, before it is compressed
PART_BYTES_MAX: Final = 1024 * 1024  # a part is closed after the row that filled it
_BEGIN, _ROWS, _WRITES = 0, 1, 2


class CopyUnusable(Exception):
    """A copy cannot be read; the text says why, in plain words."""


class Rows(NamedTuple):
    """Rows of one table."""

    table: str
    columns: tuple[str, ...]
    rows: list[Any]


def is_kept(written: Written) -> bool:
    """Tell whether a write belongs into the copy."""
    return written.table not in LEFT_OUT and not written.table.startswith(FULL_TEXT)


def read_all(tx: ReadTx, own: SchemeId) -> list[Rows]:
    """Return every row that belongs into a copy, our own feed included."""
    found = [
        _rows(tx, table, select(table)) for table in load_all().sorted_tables if table.name not in LEFT_OUT
    ]
    mine = _rows(tx, feeds.feed, select(feeds.feed).where(feeds.feed.c.scheme == own))
    found.append(mine)
    for row in mine.rows:
        number = row[mine.columns.index("no")]
        found.append(_rows(tx, feeds.item, select(feeds.item).where(feeds.item.c.feed_no == number)))
    return found


def _rows(tx: ReadTx, table: Table, statement: Any) -> Rows:
    return Rows(str(table.name), tuple(str(column.name) for column in table.columns), tx.all(statement))


# --- Writing parts -----------------------------------------------------------------------------------------------


def whole_parts(everything: Iterable[Rows], generation: int, pepper: bytes, keys: SafeKeys) -> list[bytes]:
    """Return the parts of a whole copy; `pepper` is hashed into every PIN, and lies in no table."""
    bodies: list[Value] = [(_BEGIN, HEAD, pepper)]
    for table, columns, rows in everything:
        bodies += [(_ROWS, table, columns, tuple(chunk)) for chunk in _chunks(rows)]
    return [_close(body, generation, part, keys) for part, body in enumerate(bodies)]


def change_parts(written: Sequence[Written], generation: int, first: int, keys: SafeKeys) -> list[bytes]:
    """Return the parts that say what was written since the last ones; the first of them has the number `first`."""
    writes = [(each.sql, tuple(each.values)) for each in written]
    return [
        _close((_WRITES, tuple(chunk)), generation, part, keys)
        for part, chunk in enumerate(_chunks(writes), start=first)
    ]


def _chunks(rows: Sequence[Any]) -> Iterator[list[Any]]:
    chunk: list[Any] = []
    size = 0
    for row in rows:
        chunk.append(row)
        size += len(encode(tuple(row), bytes_max=PART_BYTES_MAX))
        if size >= PART_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _purpose(generation: int, part: int) -> bytes:
    return b"interlets/1/kept" + generation.to_bytes(8, "big") + part.to_bytes(4, "big")


def _close(body: Value, generation: int, part: int, keys: SafeKeys) -> bytes:
    return keys.seal(_purpose(generation, part), zlib.compress(encode(body, bytes_max=PART_BYTES_MAX)))


# --- Building again ----------------------------------------------------------------------------------------------


def build_again(database: Path, parts: Iterable[bytes], generation: int, keys: SafeKeys) -> bytes:
    """Fill the empty tables of `database` from a copy; return the pepper of its PINs.

    Raises:
        CopyUnusable: a part is not ours, or missing, or was written by another release.
    """
    raw = sqlite3.connect(database, isolation_level=None)
    try:
        raw.execute("PRAGMA foreign_keys = OFF")
        raw.execute("BEGIN IMMEDIATE")
        pepper = None
        for part, sealed in enumerate(parts):
            body = _open(sealed, generation, part, keys)
            if part == 0:
                pepper = _begun(body)
            else:
                _apply(raw, body)
        if pepper is None:
            raise CopyUnusable("the copy is empty")
        raw.execute("COMMIT")
        return pepper
    except sqlite3.Error as error:
        raise CopyUnusable(f"the copy does not fit this release: {error}") from error
    finally:
        raw.close()


def _open(sealed: bytes, generation: int, part: int, keys: SafeKeys) -> Value:
    try:
        unpacked = zlib.decompressobj()
        plain = unpacked.decompress(keys.open(_purpose(generation, part), sealed), PART_BYTES_MAX)
        return decode(plain, bytes_max=PART_BYTES_MAX)
    except (CannotOpen, NotCanonical, zlib.error) as error:
        raise CopyUnusable(f"part {part} cannot be read: {error}") from None


def _begun(body: Any) -> bytes:
    match body:
        case (int(kind), str(head), bytes(pepper)) if kind == _BEGIN:
            if head != HEAD:
                raise CopyUnusable(f"it was written by another release: tables {head}, here {HEAD}")
            return pepper
        case _:
            raise CopyUnusable("its beginning is missing")


def _apply(raw: sqlite3.Connection, body: Any) -> None:
    # Sealed by ourselves, so the shapes are ours.
    match body:
        case (int(kind), str(table), tuple(columns), tuple(rows)) if kind == _ROWS:
            names = ", ".join(f'"{name}"' for name in columns)
            places = ", ".join("?" * len(columns))
            raw.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({places})', rows)  # noqa: S608  # our own words
        case (int(kind), tuple(writes)) if kind == _WRITES:
            for sql, values in writes:
                raw.execute(sql, values)
        case _:
            raise CopyUnusable("a part says what no release ever wrote")
