"""The schemes a house serves besides its own: a small list in its data folder, of names, addresses and folders.

Each of them is a whole node's folder with a configuration of its own, which `interlets --config FOLDER/interlets.toml serve` can
serve alone. Nothing of it is in the list but where it is. Source: docs/operating.md, decision 63.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from node.cli.admin import CannotDo
from node.config import Config, load
from node.hosting.hosts import Name, all_names, names_of
from node.keyfiles import sync_folder
from protocol.errors import InvalidValue

CONFIG: Final = "interlets.toml"  # as in founding/making.py, which is too heavy for a command
FILE: Final = "hosted.json"
_UNFINISHED: Final = "hosted.json.new"
FILE_BYTES_MAX: Final = 64 * 1024
# Each takes some megabytes and a handful of threads; who needs more has several houses.
HOSTED_MAX: Final = 20
NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,29}[a-z0-9])?", re.ASCII)
HOUSE: Final = ""  # what the scheme of the house itself is called in the process


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """One scheme of the list."""

    name: str  # what commands call it
    address: str  # where members find it; its host chooses it
    folder: Path

    @property
    def config_file(self) -> Path:
        """Where its own configuration lies."""
        return self.folder / CONFIG


def read_roster(data_dir: Path) -> tuple[Hosted, ...]:
    """Return the schemes that are hosted beside the one of this folder. Raises CannotDo: the list cannot be read."""
    path = data_dir / FILE
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise ValueError("it is too long")
        stored: Any = json.loads(path.read_text("utf-8"))
        found = tuple(
            Hosted(name=each["name"], address=each["address"], folder=Path(each["folder"]))
            for each in stored["schemes"]
        )
        check_roster(found)
    except FileNotFoundError:
        return ()
    except CannotDo as error:
        raise CannotDo(f"{path}: {error}") from None
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise CannotDo(f"{path} should list the hosted schemes, and cannot be read: {error}") from None
    return found


def check_roster(hosted: Iterable[Hosted]) -> None:
    """Raises CannotDo: two cannot be told apart, or one is none."""
    names: set[str] = set()
    hosts: set[Name] = set()
    folders: set[Path] = set()
    for each in hosted:
        if type(each.name) is not str or NAME.fullmatch(each.name) is None:
            raise CannotDo("a name is 1 to 31 small letters, digits and hyphens")
        try:
            own = names_of(each.address)
        except (InvalidValue, TypeError) as error:
            raise CannotDo(f"{each.name}: {error}") from None
        if not each.folder.is_absolute():
            raise CannotDo(f"{each.name}: a folder is named whole, from /")
        if each.name in names or each.folder in folders or own & hosts:
            raise CannotDo(f"{each.name}: another hosted scheme has this name, folder or host")
        names.add(each.name)
        hosts |= own
        folders.add(each.folder)
    if len(names) > HOSTED_MAX:
        raise CannotDo(f"at most {HOSTED_MAX} schemes are hosted by one computer program")


def write_roster(data_dir: Path, hosted: Iterable[Hosted]) -> None:
    """Let the list be this one: all of it, or it is as it was. Raises CannotDo."""
    listed = tuple(hosted)
    check_roster(listed)
    rows = [{"name": each.name, "address": each.address, "folder": str(each.folder)} for each in listed]
    unfinished = data_dir / _UNFINISHED
    try:
        unfinished.unlink(missing_ok=True)
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(json.dumps({"schemes": rows}, ensure_ascii=False, indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(data_dir / FILE)
        sync_folder(data_dir)
    except OSError as error:
        raise CannotDo(f"the list cannot be written into {data_dir}: {error.strerror or error}") from None


def find_hosted(data_dir: Path, name: str) -> Hosted:
    """Return the hosted scheme of this name. Raises CannotDo."""
    roster = read_roster(data_dir)
    for each in roster:
        if each.name == name:
            return each
    known = ", ".join(each.name for each in roster) or "none"
    raise CannotDo(f"no hosted scheme is called {name}; there are: {known}")


def config_of_hosted(hosted: Hosted) -> Config:
    """Return the configuration of a hosted scheme: its own file, and nothing of the environment, which is the house's.

    Raises ConfigError, CannotDo: it cannot be used, or says another address than the list.
    """
    config = load(hosted.config_file, {})
    if config.node.origin != hosted.address:
        raise CannotDo(
            f"{hosted.config_file} says {config.node.origin} as public_address, and this computer serves {hosted.name} at"
            f" {hosted.address}: mend the file, or take the scheme off and add it again with its new host"
        )
    return config


def names_of_config(config: Config, *, more: Iterable[str] = ()) -> frozenset[Name]:
    """Return under which names a scheme is asked for: its public address, and where other nodes find it."""
    return all_names((config.node.origin, *config.federation.addresses, *more))
