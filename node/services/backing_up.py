"""A backup that an admin wants now: made as the daily one is, and who wanted it is kept.

Source: docs/backup.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from node.clock import Clock
from node.services.acts import Actor, Deed, note_act
from node.store import Store, Tx


class BackupFailed(Exception):
    """No backup could be made; what hinders it, in the words of the command line."""


class BackingUp:
    """Makes backups when an admin asks for one, one at a time."""

    def __init__(self, *, store: Store, clock: Clock):
        self._store: Final = store
        self._clock: Final = clock
        self._make: Callable[[], Awaitable[None]] | None = None
        self._one: Final = asyncio.Lock()

    def made_by(self, make: Callable[[], Awaitable[None]]) -> None:
        """From now on `make` makes a backup of this node. It raises BackupFailed."""
        self._make = make

    @property
    def possible(self) -> bool:
        """Whether there is anywhere to put one."""
        return self._make is not None

    @property
    def under_way(self) -> bool:
        """Whether one is being made for an admin just now."""
        return self._one.locked()

    async def make_now(self, by: Actor) -> bool:
        """Make a backup; False if that is being done already, or there is nowhere to put one. Raises BackupFailed."""
        by.must_administer()
        if self._make is None or self._one.locked():
            return False
        async with self._one:
            await self._make()
            await self._store.write(self._note, by)
            return True

    def _note(self, tx: Tx, by: Actor) -> None:
        note_act(tx, by, Deed.BACKUP, now_ms=self._clock.now_ms())
