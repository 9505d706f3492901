"""The first thing a node does: it looks whether a neighbour keeps newer books of its own, and starts on those if so.

Newer books take the place of the database in one step, and the older file stays beside it; where both were written to
since they parted, the database stays and what it lacks is listed. A crash anywhere leaves the one or the other, and the
next start looks again. Source: docs/protocol.md 6.7 (g); decision 23.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from node import crash
from node.clock import Chance, Clock
from node.federation.links import Dial
from node.keyfiles import Keys
from node.services.awakening import Awakening, Newer, waited_in_vain
from node.services.catching_up import Offload
from node.services.copy_comparing import Copied, goes_on, look_into, note_missing, read_known
from node.services.kept_copy import CopyUnusable, Position, build_again, note_position, read_position
from node.services.peers import Network
from node.services.recovered_rows import BOOKS, PARTED, note_once
from node.store import InlineStore, SqliteDatabase, Store, StoreFailed, Tx
from protocol.names import scheme_text

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

UNFINISHED: Final = ".restoring"  # after the name of the database: the newer books, not in their place yet
BEFORE: Final = ".before-"  # the older ones, and the generation of what took their place
# What no copy has and the older books need not lose: what we keep for others, who they are, which letters came.
CARRIED_OVER: Final = ("kept", "identity_event", "identity_key", "identity_conflict", "received")
_FOUND: Final = """INSERT INTO recovered (at_ms, kind, peer, made_ms, hours, amount, trade_no, known, beyond)
    VALUES (?, ?, ?, ?, 0, 0, NULL, 1, 0)"""


class _Rebuilt(NamedTuple):
    """A database built from a keeper's copy, beside the one in use."""

    position: Position
    copied: Copied


@dataclass(frozen=True, slots=True, kw_only=True)
class Waking:
    """What it takes to wake a node; `wake` does it."""

    database: Path
    keys: Keys
    clock: Clock
    chance: Chance
    network: Network
    allow_lan: bool
    dial: Dial | None  # none: neighbours are called at their addresses
    opened: Callable[[], Awaitable[Store]]
    doors: Callable[[Awakening], AbstractAsyncContextManager[object]]  # lets neighbours in meanwhile
    hindered: Callable[[str], None]  # told why newer books that are there cannot be had
    may_go_on: Callable[[], bool]  # whether people want to go on without them
    offload: Offload

    async def wake(self) -> None:
        """Let the database be the newest books of ours that can be had.

        Raises:
            StoreError: it cannot be opened, or the newer one not be put in its place; it is as it was.
        """
        clear(self.database)
        store = await self.opened()
        try:
            awakening = Awakening(
                store=store, clock=self.clock, chance=self.chance, keyring=self.keys.keyring, network=self.network,
                allow_lan=self.allow_lan, dial=self.dial,
            )  # fmt: skip
            async with self.doors(awakening):
                newer = await awakening.find_newer(self.hindered, self.may_go_on)
                rebuilt = None if newer is None else await self._rebuild(newer)
            takes_over = (
                newer is not None and rebuilt is not None and await self._takes_over(store, newer, rebuilt)
            )
        finally:
            await store.close()
        if newer is not None and takes_over:
            await self.offload(put_in_place, self.database, newer.generation)
            log.error("books_replaced", peer=scheme_text(newer.keeper), generation=newer.generation)
        clear(self.database)

    async def _rebuild(self, newer: Newer) -> _Rebuilt | None:
        """Return what was built; None if it cannot be, and people want to go on without it."""
        try:
            rebuilt: _Rebuilt = await self.offload(
                rebuild, self.database, newer, self.keys, self.clock.now_ms()
            )
        except CopyUnusable as error:
            log.error("kept_copy_unreadable", peer=scheme_text(newer.keeper), reason=str(error))
            self.hindered(f"a neighbour keeps newer books, which cannot be read here: {error}")
            while not await waited_in_vain(self.may_go_on):
                pass
            return None
        return rebuilt

    async def _takes_over(self, store: Store, newer: Newer, rebuilt: _Rebuilt) -> bool:
        """Tell whether what was built is to take the place of the database; where both were written to, list it."""
        noted, here = await store.read(read_position), await store.read(read_known)
        if rebuilt.position[:2] <= noted[:2]:
            return False  # its last batch came in part, and is of the time before
        if goes_on(rebuilt.copied.known, here):
            return True
        log.error("books_parted", peer=scheme_text(newer.keeper))
        await store.write(self._note_parted, newer, rebuilt)
        return False

    def _note_parted(self, tx: Tx, newer: Newer, rebuilt: _Rebuilt) -> None:
        now_ms = self.clock.now_ms()
        note_missing(tx, rebuilt.copied, now_ms)
        note_once(tx, now_ms, PARTED, newer.keeper)
        note_position(tx, rebuilt.position)  # people see to it from here on


# --- Files -------------------------------------------------------------------------------------------------------


def rebuild(database: Path, newer: Newer, keys: Keys, now_ms: int) -> _Rebuilt:
    """Build the newer books beside `database`, with what neighbours gave into our keeping. Raises CopyUnusable."""
    unfinished = _beside(database, UNFINISHED)
    InlineStore(SqliteDatabase(unfinished)).crash()  # makes the tables
    built = build_again(unfinished, newer.parts, newer.generation, keys.keyring.safe)
    if built.pepper != keys.pepper:
        raise CopyUnusable("its PINs belong to other keys than those here")
    with closing(sqlite3.connect(unfinished, isolation_level=None)) as raw:
        raw.execute("ATTACH ? AS older", (str(database),))
        raw.execute("BEGIN")
        for table in CARRIED_OVER:
            raw.execute(f"INSERT OR IGNORE INTO main.{table} SELECT * FROM older.{table}")  # noqa: S608 - constants
        raw.execute(_FOUND, (now_ms, BOOKS, newer.keeper, now_ms))
        raw.execute("COMMIT")
        raw.execute("DETACH older")
    position = Position(newer.generation, built.batches, len(newer.parts))
    return _Rebuilt(position, look_into(unfinished))


def put_in_place(database: Path, generation: int) -> None:
    """Let what was built be the database, at once; the older one stays beside it. Raises StoreFailed."""
    unfinished, before = _beside(database, UNFINISHED), _beside(database, f"{BEFORE}{generation}")
    try:
        for each in (unfinished, database):
            # Closed by everybody: with its last connection SQLite has written the whole of it into the one file.
            if (log_size := _size(_beside(each, "-wal"))) > 0:
                raise StoreFailed(
                    f"{each} is in use by another program: {log_size} bytes of its log are left"
                )
        _sync(unfinished)
        crash.point("books-rebuilt")
        if not before.exists():
            os.link(database, before)
        _sync(database.parent)
        crash.point("books-kept-aside")
        unfinished.replace(database)
        _sync(database.parent)
        crash.point("books-replaced")
    except OSError as error:
        raise StoreFailed(f"the newer books cannot be put in the place of {database}: {error}") from error


def clear(database: Path) -> None:
    """Remove what an attempt left."""
    for left in database.parent.glob(f"{database.name}{UNFINISHED}*"):
        left.unlink()


def _beside(file: Path, suffix: str) -> Path:
    return file.with_name(file.name + suffix)


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
