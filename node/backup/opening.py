"""Reading a backup again: to see that it would do (`verify`), or to put it back (`restore`). Source: docs/backup.md."""

from __future__ import annotations

import os
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from crypto.safekeeping import SafeKeys
from node import crash
from node.backup.making import CONFIG, DATABASE, READ_AT_A_TIME, members
from node.backup.sealed_file import BackupUnusable, Header, SealedReader, read_header
from node.keyfiles import FOLDER, Keys, KeysUnusable, make_private, open_keys, sync_folder
from node.store.upgrade import HEAD

RESTORING: Final = ".restoring"
OLD_CONFIG: Final = "interlets.toml.from-backup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """A backup whose files lie in a folder and were looked at."""

    header: Header
    folder: Path
    keys: Keys


def header_of(path: Path) -> Header:
    """Return what a backup says without any key. Raises BackupUnusable."""
    try:
        with path.open("rb") as file:
            return read_header(file)
    except OSError as error:
        raise BackupUnusable(f"{path} cannot be read: {error}") from error


def unpack(path: Path, safe: SafeKeys, folder: Path) -> Unpacked:
    """Write what a backup holds into `folder`, a new one, and look whether a node could start from it.

    Raises:
        BackupUnusable: it could not; nothing is left of `folder`.
    """
    try:
        make_private(folder.parent)
        folder.mkdir(mode=0o700)
        try:
            return _unpacked(path, safe, folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    except OSError as error:
        raise BackupUnusable(f"{path} cannot be unpacked into {folder}: {error}") from error


def restore(path: Path, safe: SafeKeys, data_dir: Path) -> Unpacked:
    """Put a backup into `data_dir`, which is empty or not there: all of it at once, or nothing.

    Raises:
        BackupUnusable: it cannot be used, or `data_dir` holds something.
    """
    if data_dir.exists() and any(data_dir.iterdir()):
        raise BackupUnusable(
            f"{data_dir} is not empty, and nothing is put over what may be newer: move it elsewhere first"
        )
    making = data_dir.with_name(data_dir.name + RESTORING)
    shutil.rmtree(making, ignore_errors=True)  # left by one that was interrupted
    unpacked = unpack(path, safe, making)
    crash.point("backup-unpacked")
    try:
        making.rename(data_dir)  # over an empty folder, too
        sync_folder(data_dir.parent)
    except OSError as error:
        shutil.rmtree(making, ignore_errors=True)
        raise BackupUnusable(f"{data_dir} cannot be written: {error}") from error
    return Unpacked(header=unpacked.header, folder=data_dir, keys=unpacked.keys)


# --- Steps -------------------------------------------------------------------------------------------------------


def _unpacked(path: Path, safe: SafeKeys, folder: Path) -> Unpacked:
    with path.open("rb") as file:
        header = read_header(file)
        if header.schema > HEAD:
            raise BackupUnusable(
                f"it was made by a newer release: its database has schema {header.schema}, this one knows up to {HEAD}"
            )
        reader = SealedReader(file, header, safe)
        (folder / FOLDER).mkdir(mode=0o700)
        for name, content in members(reader):
            _write(folder / (OLD_CONFIG if name == CONFIG else name), content)
        reader.check_end()
    sync_folder(folder / FOLDER)
    sync_folder(folder)
    try:
        keys = open_keys(folder, {})
    except KeysUnusable as error:
        raise BackupUnusable(f"the keys in this backup do not open: {error}") from None
    if keys.keyring.scheme != header.scheme:
        raise BackupUnusable("the keys in this backup are another scheme's")
    _look_at_database(folder / DATABASE)
    return Unpacked(header=header, folder=folder, keys=keys)


def _write(path: Path, content: BinaryIO) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        shutil.copyfileobj(content, file, READ_AT_A_TIME)
        file.flush()
        os.fsync(file.fileno())


def _look_at_database(database: Path) -> None:
    raw = sqlite3.connect(database)
    try:
        found = [str(row[0]) for row in raw.execute("PRAGMA integrity_check(3)")]
    except sqlite3.Error as error:
        found = [str(error)]
    finally:
        raw.close()
    if found != ["ok"]:
        raise BackupUnusable(f"the database in this backup is damaged: {'; '.join(found)}")
