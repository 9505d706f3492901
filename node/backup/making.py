"""Making a backup, beside a node that runs or not: one consistent state of the database, with keys and configuration.

What is written is read back before it gets its name, so that a file that has the name of a backup is one.
Source: docs/backup.md.
"""

from __future__ import annotations

import fcntl
import io
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import quote

from crypto.safekeeping import SafeKeys
from node import crash
from node.backup.keeping import PARTIAL, Kept, Rule, backups_in, file_name, to_remove
from node.backup.sealed_file import (
    NUMBER_BYTES,
    BackupUnusable,
    Header,
    SealedReader,
    SealedWriter,
    read_header,
)
from node.clock import Chance
from node.keyfiles import (
    FOLDER,
    IDENTITY_LOG,
    MACHINE_KEY,
    ONLINE_KEYS,
    ROOT_KEY,
    machine_key_path,
    make_private,
    sync_folder,
)
from node.store.upgrade import HEAD
from protocol.names import SchemeId, scheme_text

DATABASE: Final = "node.db"
CONFIG: Final = "interlets.toml"
KEY_FILES: Final = (MACHINE_KEY, ONLINE_KEYS, ROOT_KEY, IDENTITY_LOG)
CONTENTS: Final = (*(f"{FOLDER}/{name}" for name in KEY_FILES), CONFIG, DATABASE)
WORK: Final = "backup.making"
LOCK: Final = "backup.lock"
READ_AT_A_TIME: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is backed up."""

    data_dir: Path
    config: Path | None  # the file it was started with
    scheme: SchemeId
    safe: SafeKeys


def make_backup(
    source: Source, folder: Path, now_ms: int, chance: Chance, environment: Mapping[str, str] = os.environ
) -> Path:
    """Write a backup into `folder` and return its path. Takes a while; any thread may do it.

    Raises:
        BackupUnusable: it could not be made; `folder` is as it was.
    """
    if not folder.is_dir():
        raise BackupUnusable(f"the folder {folder} is not there: is its disk plugged in?")
    header = Header(scheme=source.scheme, made_ms=now_ms, schema=HEAD, number=chance.bytes(NUMBER_BYTES))
    path = folder / file_name(scheme_text(source.scheme), now_ms)
    if path.exists():
        raise BackupUnusable(f"{path} exists already")
    partial = path.with_name(path.name + PARTIAL)
    try:
        with _alone(source.data_dir):
            for left in folder.glob(f"{scheme_text(source.scheme)[:13]}-*{PARTIAL}"):
                left.unlink()  # by one that was interrupted
            work = source.data_dir / WORK
            try:
                _snapshot(source.data_dir / DATABASE, work)
                crash.point("backup-copied")
                _write(partial, header, source, work, environment)
                crash.point("backup-written")
                _read_back(partial, header, source.safe)
                partial.rename(path)
                sync_folder(folder)
            finally:
                shutil.rmtree(work, ignore_errors=True)
                partial.unlink(missing_ok=True)
    except (OSError, sqlite3.Error) as error:
        raise BackupUnusable(f"no backup could be made in {folder}: {error}") from error
    return path


def thin_out(folder: Path, scheme: SchemeId, rule: Rule) -> list[Path]:
    """Remove backups of `scheme` that the rule does not keep; return which. Raises OSError."""
    found = backups_in(folder, scheme)
    gone = to_remove([each.header.made_ms for each in found], rule)
    removed = [each.path for each in found if each.header.made_ms in gone]
    for path in removed:
        path.unlink(missing_ok=True)
    return removed


def newest(folder: Path, scheme: SchemeId) -> Kept | None:
    """Return the newest backup of `scheme` in `folder`. Raises OSError."""
    found = backups_in(folder, scheme)
    return found[-1] if found else None


# --- Steps -------------------------------------------------------------------------------------------------------


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Keep others from making a backup at the same time; what an interrupted one left is removed."""
    handle = os.open(data_dir / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupUnusable("another backup is being made right now") from None
        shutil.rmtree(data_dir / WORK, ignore_errors=True)
        yield
    finally:
        os.close(handle)


def _snapshot(database: Path, work: Path) -> None:
    """Write one state of the database into `work`, while others write on: readers hold nobody up.

    `VACUUM INTO` leaves behind what was deleted; copying pages would begin anew at each commit of the node.
    """
    make_private(work)
    raw = sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True, isolation_level=None)
    try:
        raw.execute("VACUUM INTO ?", (str(work / DATABASE),))
    finally:
        raw.close()


def _write(partial: Path, header: Header, source: Source, work: Path, environment: Mapping[str, str]) -> None:
    keys = source.data_dir / FOLDER
    files = {f"{FOLDER}/{name}": keys / name for name in KEY_FILES}
    files[f"{FOLDER}/{MACHINE_KEY}"] = machine_key_path(keys, environment)
    if source.config is not None:
        files[CONFIG] = source.config
    files[DATABASE] = work / DATABASE
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        writer = SealedWriter(file, header, source.safe)
        with tarfile.open(
            fileobj=_Writable(writer), mode="w|", format=tarfile.PAX_FORMAT, bufsize=READ_AT_A_TIME
        ) as tar:
            for name, path in files.items():
                _add(tar, name, path, header.made_ms)
        writer.close()
        file.flush()
        os.fsync(file.fileno())


def _add(tar: tarfile.TarFile, name: str, path: Path, made_ms: int) -> None:
    info = tarfile.TarInfo(name)
    info.mode, info.mtime = 0o600, made_ms // 1000
    with path.open("rb") as file:
        info.size = os.fstat(file.fileno()).st_size
        tar.addfile(info, file)


def _read_back(partial: Path, header: Header, safe: SafeKeys) -> None:
    with partial.open("rb") as file:
        if read_header(file) != header:
            raise BackupUnusable(f"{partial} was not written as it should be: is the disk in order?")
        reader = SealedReader(file, header, safe)
        for _ in members(reader):
            pass
        reader.check_end()


def members(reader: SealedReader) -> Iterator[tuple[str, BinaryIO]]:
    """Yield what is in a backup, in order: its name and its bytes. Raises BackupUnusable."""
    seen = set()
    try:
        with tarfile.open(fileobj=_Readable(reader), mode="r|", bufsize=READ_AT_A_TIME) as tar:
            for info in tar:
                file = tar.extractfile(info) if info.isreg() else None
                if file is None or info.name not in CONTENTS or info.name in seen:
                    raise BackupUnusable(f"this backup holds what no release puts there: {info.name!r}")
                seen.add(info.name)
                yield info.name, file  # type: ignore[misc]  # an IO[bytes] that can be read
    except (tarfile.TarError, EOFError) as error:
        raise BackupUnusable(f"this backup is damaged: {error}") from None
    if missing := sorted({*CONTENTS} - seen - {CONFIG}):
        raise BackupUnusable(f"this backup lacks {', '.join(missing)}")


class _Writable(io.RawIOBase):
    """A writer as the tar library wants it."""

    def __init__(self, writer: SealedWriter):
        self._writer: Final = writer

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._writer.write(bytes(data))


class _Readable(io.RawIOBase):
    """A reader as the tar library wants it."""

    def __init__(self, reader: SealedReader):
        self._reader: Final = reader

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._reader.read(READ_AT_A_TIME if size < 0 else size)
