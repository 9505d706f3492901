"""A node whose scheme went on at another address or on another machine: a file in its folder says so, and it writes no more.

The file is not in a backup, so the copy that goes on has none. While it is there no command opens the data of this folder,
and `interlets serve` shows one page. Source: docs/moving.md; docs/protocol.md 6.7.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from node.cli.admin import CannotDo
from node.keyfiles import sync_folder

FILE: Final = "moved.json"
_UNFINISHED: Final = "moved.json.new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Where a scheme went, and how its old address says so."""

    address: str
    name: str
    language: str
    wording: str
    help_name: str
    help_phone: str
    help_hours: str


def read_moved(data_dir: Path) -> Moved | None:
    """Return where the scheme of this folder went; None if it did not. Raises CannotDo: the file cannot be read."""
    path = data_dir / FILE
    try:
        stored: Any = json.loads(path.read_text("utf-8"))
        return Moved(**stored)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise CannotDo(f"{path} should say where this scheme moved, and cannot be read: {error}") from None


def write_moved(data_dir: Path, moved: Moved) -> None:
    """Note where the scheme went: from then on nothing is written here. Raises CannotDo: nothing was noted."""
    try:
        unfinished = data_dir / _UNFINISHED
        unfinished.write_text(json.dumps(asdict(moved), ensure_ascii=False) + "\n", "utf-8")
        unfinished.chmod(0o600)
        unfinished.rename(data_dir / FILE)
        sync_folder(data_dir)
    except OSError as error:
        raise CannotDo(f"it cannot be noted in {data_dir}: {error}") from None


def forget_moved(data_dir: Path) -> None:
    """Let this folder be the scheme's again. Raises CannotDo."""
    try:
        (data_dir / FILE).unlink(missing_ok=True)
        sync_folder(data_dir)
    except OSError as error:
        raise CannotDo(f"{data_dir / FILE} cannot be removed: {error}") from None


def must_be_here(data_dir: Path) -> None:
    """Raise CannotDo if the scheme of this folder went on elsewhere."""
    moved = read_moved(data_dir)
    if moved is not None:
        raise CannotDo(
            f"this scheme moved to {moved.address}, and nothing is written here any more: two copies of one node harm"
            " each other. Only if no copy was ever started there: “interlets moved --undo”"
        )
