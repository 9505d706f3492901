"""Work done in a process of its own: it is handed bytes and gives bytes back, and there is an end to both and to it.

What such a process may use of the machine it bounds by itself, first of all. Source: decisions 29 and 62.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import Final, NamedTuple

SAID_BYTES_MAX: Final = 64 * 1024
_KEPT: Final = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")  # of our own environment, for finding libraries


class Ended(NamedTuple):
    """How a process ended: its status, what it made (one byte or more too long where it was too much), and its last words."""

    status: int | None
    made: bytes
    said: str


async def run_confined(
    command: tuple[str, ...], handed: bytes, *, timeout_s: float, output_bytes_max: int
) -> Ended:
    """Return what a process made of `handed`. Raises TimeoutError; whatever happens, the process is gone then."""
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, env={**environment, "LANG": "C.UTF-8", "HOME": "/nonexistent"},
    )  # fmt: skip
    try:
        async with asyncio.timeout(timeout_s):
            made, said = await _talk(process, handed, output_bytes_max)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return Ended(process.returncode, made, _last_line(said))


async def _talk(
    process: asyncio.subprocess.Process, handed: bytes, output_bytes_max: int
) -> tuple[bytes, bytes]:
    """Hand over what there is; return what the process writes, and the end of what it says besides."""
    assert process.stderr is not None
    made, said = await asyncio.gather(_made_by(process, handed, output_bytes_max), _end_of(process.stderr))
    await process.wait()
    return made, said


async def _made_by(process: asyncio.subprocess.Process, handed: bytes, output_bytes_max: int) -> bytes:
    """Return what a process writes; one that writes too much is ended, so that it does not fill our memory."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError, ConnectionResetError):  # it ended already: how, its exit code says
        process.stdin.write(handed)
        await process.stdin.drain()
        process.stdin.close()
    made = bytearray()
    while part := await process.stdout.read(64 * 1024):
        made += part
        if len(made) > output_bytes_max:
            process.kill()
            break
    return bytes(made)


async def _end_of(stream: asyncio.StreamReader) -> bytes:
    """Return the end of what is said; all of it is heard, so that nobody waits for us."""
    kept = b""
    while part := await stream.read(SAID_BYTES_MAX):
        kept = (kept + part)[-SAID_BYTES_MAX:]
    return kept


def _last_line(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else ""
