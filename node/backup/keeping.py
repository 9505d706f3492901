"""Which backups a folder holds, which of them stay, and when the next is due. Source: docs/backup.md."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from node.backup.sealed_file import BackupUnusable, Header, read_header
from protocol.limits import DAY_MS
from protocol.names import SchemeId

SUFFIX: Final = ".backup"
PARTIAL: Final = ".partial"
# A day is over a little early, so that a backup a day stays one at about the same hour.
DUE_AFTER_MS: Final = DAY_MS - 30 * 60 * 1000
LATE_AFTER_MS: Final = DAY_MS + 2 * 60 * 60 * 1000
CLOCKS_DIFFER_MS: Final = 10 * 60 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A backup in a folder."""

    path: Path
    header: Header


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How many days, weeks and months have a backup each; the newest of all always stays."""

    daily: int = 7
    weekly: int = 4
    monthly: int = 12


def file_name(scheme_text: str, made_ms: int) -> str:
    """Return what a backup is called: sorted by name they are sorted by time."""
    return f"{scheme_text[:13]}-{_moment(made_ms):%Y%m%dT%H%M%SZ}{SUFFIX}"


def backups_in(folder: Path, scheme: SchemeId) -> list[Kept]:
    """Return the backups of `scheme` in `folder`, the oldest first; what is none is passed over. Raises OSError."""
    found = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            with path.open("rb") as file:
                header = read_header(file)
        except BackupUnusable:
            continue
        if header.scheme == scheme:
            found.append(Kept(path=path, header=header))
    return sorted(found, key=lambda each: each.header.made_ms)


def is_due(newest_ms: int | None, now_ms: int) -> bool:
    """Tell whether it is time for the next backup; one from the future counts for nothing."""
    return newest_ms is None or not now_ms - DUE_AFTER_MS < newest_ms <= now_ms + CLOCKS_DIFFER_MS


def to_remove(times_ms: Sequence[int], rule: Rule) -> set[int]:
    """Return which of these moments are not kept: of each of the last days, weeks and months the newest one is.

    Days, weeks and months that have no backup do not count, so that a node which stood still keeps what it has.
    """
    kept = set(times_ms[:0])
    newest_first = sorted(times_ms, reverse=True)
    kept.update(newest_first[:1])
    for count, period in ((rule.daily, _day), (rule.weekly, _week), (rule.monthly, _month)):
        kept.update(_newest_of_each(newest_first, period)[:count])
    return set(times_ms) - kept


def _newest_of_each(newest_first: Sequence[int], period: Callable[[datetime], tuple[int, ...]]) -> list[int]:
    newest: dict[tuple[int, ...], int] = {}
    for each in newest_first:
        newest.setdefault(period(_moment(each)), each)
    return list(newest.values())


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, tz=UTC)


def _day(moment: datetime) -> tuple[int, ...]:
    return moment.year, moment.month, moment.day


def _week(moment: datetime) -> tuple[int, ...]:
    return moment.isocalendar()[:2]


def _month(moment: datetime) -> tuple[int, ...]:
    return moment.year, moment.month
