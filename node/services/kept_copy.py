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

from sqlalchemy import Table, bindparam, select

from crypto.canonical import NotCanonical, Value, decode, encode
from crypto.safekeeping import SafeKeys
from crypto.sealing import CannotOpen
from node.store import ReadTx, Tx, Written, upsert
from node.store.schema import feeds, load_all, meta
from node.store.upgrade import HEAD
from protocol.names import SchemeId

LEFT_OUT: Final = frozenset({
    "carried", "checkpoint_seen", "evidence_told", "feed", "feed_evidence", "identity_conflict", "identity_event",
    "identity_key", "item", "kept", "listing_new", "log_hash", "meta", "passkey_challenge", "password", "pending_sign_in", "pending_step", "picture", "picture_abroad", "quarantine", "received", "search_doc", "session", "sign_in_link",
    "sign_in_place", "sync_kept", "throttle",
})  # fmt: skip
FULL_TEXT: Final = "listing_text"  # with the tables SQLite keeps behind it; made again from the listings
PART_BYTES: Final = 64 * 1024  # of rows or writes in one part, before it is compressed
PART_BYTES_MAX: Final = 1024 * 1024  # a part is closed after the row that filled it
_BEGIN, _ROWS, _WRITES = 0, 1, 2
POSITION: Final = "kept-position"  # in `meta`
KEEPER: Final = "keeper"  # in `meta`: who had everything when something was last sent

_META: Final = select(meta.c.value).where(meta.c.key == bindparam("key"))
_PUT_META: Final = upsert(meta, key=("key",), update=("value",))
_PUT_RAW: Final = "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)"


class CopyUnusable(Exception):
    """A copy cannot be read; the text says why, in plain words."""


class Position(NamedTuple):
    """How far a copy of these books may have come: noted before anything of it is sent, so that no keeper has more."""

    generation: int
    batches: int  # of changes, each of them everything written up to one moment
    parts: int  # at least so many were there before the last batch


class Built(NamedTuple):
    """What a database was built from."""

    pepper: bytes  # of its PINs
    batches: int  # of changes that came whole; what came in part is left out


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


# --- How far a copy has come ------------------------------------------------------------------------------------


def read_position(tx: ReadTx) -> Position:
    """Return how far a copy of this database may have come; all zero before the first."""
    noted = tx.scalar(_META, key=POSITION)
    return Position(0, 0, 0) if noted is None else Position._make(map(int, noted.split(":")))


def note_position(tx: Tx, position: Position) -> None:
    """Unit: note how far a copy may have come from now on."""
    tx.run(_PUT_META, key=POSITION, value=_written(position))


def read_keeper(tx: ReadTx) -> SchemeId | None:
    """Return who last kept a copy of this database."""
    noted = tx.scalar(_META, key=KEEPER)
    return None if noted is None else SchemeId(bytes.fromhex(noted))


def note_keeper(tx: Tx, keeper: SchemeId) -> None:
    """Unit: note who keeps a copy of this database now."""
    tx.run(_PUT_META, key=KEEPER, value=keeper.hex())


def _written(position: Position) -> str:
    return ":".join(map(str, position))


# --- Writing parts -----------------------------------------------------------------------------------------------


def whole_parts(everything: Iterable[Rows], generation: int, pepper: bytes, keys: SafeKeys) -> list[bytes]:
    """Return the parts of a whole copy; `pepper` is hashed into every PIN, and lies in no table."""
    bodies: list[Value] = [(_BEGIN, HEAD, pepper)]
    for table, columns, rows in everything:
        bodies += [(_ROWS, table, columns, tuple(chunk)) for chunk in _chunks(rows)]
    return [_close(body, generation, part, keys) for part, body in enumerate(bodies)]


def change_parts(
    written: Sequence[Written], generation: int, batch: int, first: int, keys: SafeKeys
) -> list[bytes]:
    """Return the parts that say what was written since the last batch; the first of them has the number `first`."""
    chunks = list(_chunks([(each.sql, tuple(each.values)) for each in written]))
    return [
        _close((_WRITES, batch, part == first + len(chunks) - 1, tuple(chunk)), generation, part, keys)
        for part, chunk in enumerate(chunks, start=first)
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


def build_again(database: Path, parts: Iterable[bytes], generation: int, keys: SafeKeys) -> Built:
    """Fill the empty tables of `database` from a copy, up to its last whole batch of changes.

    Raises:
        CopyUnusable: a part is not ours, or missing, or was written by another release.
    """
    raw = sqlite3.connect(database, isolation_level=None)
    try:
        raw.execute("PRAGMA foreign_keys = OFF")
        raw.execute("BEGIN IMMEDIATE")
        pepper, batches, count, waiting = None, 0, 0, []
        for part, sealed in enumerate(parts):
            body, count = _open(sealed, generation, part, keys), part + 1
            if part == 0:
                pepper = _begun(body)
                continue
            waiting.append(body)
            batch = _batch_of(body)
            if batch is None or batch[1]:
                batches = batches if batch is None else batch[0]
                for each in waiting:
                    _apply(raw, each)
                waiting.clear()
        if pepper is None:
            raise CopyUnusable("the copy is empty")
        raw.execute(_PUT_RAW, (POSITION, _written(Position(generation, batches, count))))
        raw.execute("COMMIT")
        return Built(pepper, batches)
    except sqlite3.Error as error:
        raise CopyUnusable(f"the copy does not fit this release: {error}") from error
    finally:
        raw.close()


def newest_batch(parts: Iterable[bytes], generation: int, first: int, keys: SafeKeys) -> int:
    """Return the number of the last whole batch among some parts of a copy; 0 for none. Raises CopyUnusable."""
    found = [_batch_of(_open(sealed, generation, part, keys)) for part, sealed in enumerate(parts, first)]
    return max((batch for batch, whole in filter(None, found) if whole), default=0)


def _batch_of(body: Any) -> tuple[int, bool] | None:
    match body:
        case (int(kind), int(batch), bool(is_last), _) if kind == _WRITES:
            return batch, is_last
        case _:
            return None


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
        case (int(kind), int(_), bool(_), tuple(writes)) if kind == _WRITES:
            for sql, values in writes:
                raw.execute(sql, values)
        case _:
            raise CopyUnusable("a part says what no release ever wrote")
