"""Trying a backup: the newest is unpacked and its whole book reckoned anew, in a process of its own, and what came of it is kept.

Source: docs/backup.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import insert, select

from node.clock import Clock
from node.services.acts import Actor, Deed, note_act
from node.store import ReadTx, Store, Tx
from node.store.schema import upkeep as schema

SAID_CHARACTERS_MAX: Final = 2_000

_R: Final = schema.rehearsal.c
_NEWEST: Final = (
    select(_R.at_ms, _R.by_no, _R.made_ms, _R.entries, _R.right, _R.said).order_by(_R.no.desc()).limit(1)
)
_NEW: Final = insert(schema.rehearsal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of trying a backup."""

    made_ms: int | None  # when it was made; none: it could not be opened
    entries: int
    right: bool
    said: str  # what is wrong, in the words of the command line


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """The same, with who tried it and when."""

    at_ms: int
    by_no: int  # the admin's
    tried: Tried


class Rehearsals:
    """Tries backups, one at a time."""

    def __init__(self, *, store: Store, clock: Clock, run: Callable[[], Awaitable[Tried]] | None):
        """`run` tries the newest backup; none where no backups are made."""
        self._store: Final = store
        self._clock: Final = clock
        self._run: Final = run
        self._one: Final = asyncio.Lock()

    @property
    def possible(self) -> bool:
        """Whether there is anything to try."""
        return self._run is not None

    @property
    def under_way(self) -> bool:
        """Whether one is being tried just now."""
        return self._one.locked()

    async def try_newest(self, by: Actor) -> Tried | None:
        """Try the newest backup and note what came of it; None if that is being done already, or there is none."""
        by.must_administer()
        if self._run is None or self._one.locked():
            return None
        async with self._one:
            tried = await self._run()
            await self._store.write(self._note, by, tried)
            return tried

    def _note(self, tx: Tx, by: Actor, tried: Tried) -> None:
        now_ms = self._clock.now_ms()
        tx.run(
            _NEW, at_ms=now_ms, by_no=by.no, made_ms=tried.made_ms, entries=tried.entries, right=tried.right,
            said=tried.said[:SAID_CHARACTERS_MAX],
        )  # fmt: skip
        note_act(tx, by, Deed.REHEARSAL, now_ms=now_ms, detail="right" if tried.right else "wrong")


def newest_rehearsal(tx: ReadTx) -> Rehearsal | None:
    """Return the last time a backup was tried."""
    row = tx.one(_NEWEST)
    if row is None:
        return None
    at_ms, by_no, made_ms, entries, right, said = row
    return Rehearsal(
        at_ms=at_ms, by_no=by_no, tried=Tried(made_ms=made_ms, entries=entries, right=right, said=said)
    )
