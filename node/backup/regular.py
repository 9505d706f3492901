"""Backups that a running node makes by itself, one a day, and what is to be said about them. Source: docs/backup.md."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from node.backup.keeping import LATE_AFTER_MS, Rule, is_due
from node.backup.making import Source, make_backup, newest, thin_out
from node.backup.sealed_file import BackupUnusable
from node.clock import Chance, Clock
from node.config import Config
from node.services.backing_up import BackupFailed
from protocol.names import SchemeId

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

LOOK_EVERY_S: Final = 600.0


class RegularBackups:
    """Makes a backup when the newest in the folder is a day old, and removes what the rule does not keep."""

    def __init__(self, source: Source, folder: Path, rule: Rule, clock: Clock, chance: Chance):
        self._source: Final = source
        self._folder: Final = folder
        self._rule: Final = rule
        self._clock: Final = clock
        self._chance: Final = chance

    async def make_when_due(self) -> None:
        """Make one if it is time, in a thread. Raises BackupUnusable: it is tried again at the next turn."""
        await asyncio.to_thread(self._make)

    async def make_now(self) -> None:
        """Make one whenever the last was, in a thread. Raises BackupFailed."""
        try:
            await asyncio.to_thread(self._make, wanted=True)
        except BackupUnusable as error:
            raise BackupFailed(str(error)) from error

    def _make(self, *, wanted: bool = False) -> None:
        scheme, now_ms = self._source.scheme, self._clock.now_ms()
        try:
            last = newest(self._folder, scheme)
            if not (wanted or is_due(None if last is None else last.header.made_ms, now_ms)):
                return
            path = make_backup(self._source, self._folder, now_ms, self._chance)
            removed = thin_out(self._folder, scheme, self._rule)
        except OSError as error:
            raise BackupUnusable(f"{self._folder} cannot be used: {error}") from error
        log.info("backed up", file=str(path), removed=len(removed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How it stands with the backups of a node."""

    folder: Path
    there: bool  # the folder can be read
    newest_ms: int | None = None
    late: bool = True
    same_disk: bool = False


def standing_of(config: Config, scheme: SchemeId, now_ms: int) -> Standing | None:
    """Return how it stands with the backups of a node; None where no folder for them is named."""
    folder = config.backup.folder
    return None if folder is None else standing(folder, config.node.data_dir, scheme, now_ms)


def standing(folder: Path, data_dir: Path, scheme: SchemeId, now_ms: int) -> Standing:
    """Return how it stands with the backups in `folder`."""
    try:
        last = newest(folder, scheme)
        same_disk = folder.stat().st_dev == data_dir.stat().st_dev
        there = folder.is_dir()
    except OSError:
        return Standing(folder=folder, there=False)
    if not there or last is None:
        return Standing(folder=folder, there=there, same_disk=same_disk)
    made_ms = last.header.made_ms
    return Standing(
        folder=folder,
        there=True,
        newest_ms=made_ms,
        late=made_ms < now_ms - LATE_AFTER_MS,
        same_disk=same_disk,
    )
