"""Trying the newest backup in a process of its own, as `interlets backup verify` does. Source: docs/backup.md."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE
from typing import Final

from node.backup.making import newest
from node.config import Config
from node.services.rehearsals import Tried
from protocol.names import SchemeId

ENDS_WITHIN_S: Final = 1800.0  # 100,000 entries take half a minute on two cores


async def try_newest(config: Config, scheme: SchemeId) -> Tried:
    """Unpack the newest backup, open its keys, reckon its whole book anew, and return what came of it."""
    assert config.backup.folder is not None, "whoever asks saw to it"
    try:
        found = await asyncio.to_thread(newest, config.backup.folder, scheme)
    except OSError as error:
        return _wrong(f"{config.backup.folder} cannot be read: {error}")
    if found is None:
        return _wrong(f"there is no backup in {config.backup.folder}")
    command = [sys.executable, "-m", "node"]
    if config.file is not None:
        command += ["--config", str(config.file)]
    process = await asyncio.create_subprocess_exec(
        *command, "backup", "verify", "--json", str(found.path), stdin=DEVNULL, stdout=PIPE, stderr=PIPE
    )
    try:
        async with asyncio.timeout(ENDS_WITHIN_S):
            out, err = await process.communicate()
    except TimeoutError:
        return _wrong("it took longer than half an hour, and was stopped")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return tried_of(out, err)


def tried_of(out: bytes, err: bytes) -> Tried:
    """Return what the command said: its answer for programs, or on the other channel why there is none."""
    try:
        answer = json.loads(out)
        return Tried(
            made_ms=int(answer["made_ms"]),
            entries=int(answer["entries"]),
            right=answer["right"] is True,
            said="\n".join(str(each) for each in answer["findings"]),
        )
    except (ValueError, TypeError, KeyError):
        return _wrong(err.decode("utf-8", "replace").strip() or "it ended without a word")


def _wrong(said: str) -> Tried:
    return Tried(made_ms=None, entries=0, right=False, said=said)
