"""Asks for PDFs: one at a time, a few waiting, each with an end. Source: decision 29."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from importlib.util import find_spec
from typing import Final

import structlog

from node.pdf.child import NOT_INSTALLED, OUTPUT_BYTES_MAX, TOO_MUCH

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

WAITING_MAX: Final = 4
TIMEOUT_S: Final = 90.0  # on a busy machine; its own processor time is bounded more tightly
SAID_BYTES_MAX: Final = 64 * 1024
PAGE_BYTES_MAX: Final = 4 * 1024 * 1024
_KEPT: Final = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")  # of our own environment, for finding libraries


class Why(StrEnum):
    """Why there is no PDF."""

    NOT_INSTALLED = "not-installed"
    BUSY = "busy"
    TOO_LARGE = "too-large"
    FAILED = "failed"


class NoPdf(Exception):
    """A PDF could not be made; nothing else happened."""

    def __init__(self, why: Why):
        super().__init__(why.value)
        self.why: Final = why


class PdfMaker:
    """Makes PDFs of pages, in processes of their own."""

    def __init__(self, command: tuple[str, ...] = (sys.executable, "-m", "node.pdf.child")):
        self._command: Final = command
        self._turn: Final = asyncio.Semaphore(1)
        self._waiting = 0
        self._installed = find_spec("weasyprint") is not None

    @property
    def installed(self) -> bool:
        """Whether it can be, as far as is known: that a library of the system lacks shows at the first PDF."""
        return self._installed

    async def make(self, page: str, files: Mapping[str, tuple[str, str]]) -> bytes:
        """Return a page as PDF; `files` are those it names: path → kind and text. Raises NoPdf."""
        if not self._installed:
            raise NoPdf(Why.NOT_INSTALLED)
        handed = json.dumps({"page": page, "files": files}).encode()
        if len(handed) > PAGE_BYTES_MAX:
            raise NoPdf(Why.TOO_LARGE)
        if self._waiting >= WAITING_MAX:
            raise NoPdf(Why.BUSY)
        self._waiting += 1
        try:
            async with self._turn:
                return await self._run(handed)
        finally:
            self._waiting -= 1

    async def _run(self, handed: bytes) -> bytes:
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            *self._command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE, env={**environment, "LANG": "C.UTF-8", "HOME": "/nonexistent"},
        )  # fmt: skip
        try:
            async with asyncio.timeout(TIMEOUT_S):
                made, said = await _talk(process, handed)
        except TimeoutError:
            log.warning("pdf_too_slow", bytes=len(handed))
            raise NoPdf(Why.TOO_LARGE) from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode == NOT_INSTALLED:
            self._installed = False
            log.warning("pdf_not_installed", reason=_last_line(said))
            raise NoPdf(Why.NOT_INSTALLED)
        if process.returncode in (TOO_MUCH, -signal.SIGXCPU) or len(made) > OUTPUT_BYTES_MAX:
            log.info("pdf_too_large", bytes=len(handed))
            raise NoPdf(Why.TOO_LARGE)
        if process.returncode != 0 or not made.startswith(b"%PDF-"):
            log.error("pdf_failed", status=process.returncode, reason=_last_line(said))
            raise NoPdf(Why.FAILED)
        return made


async def _talk(process: asyncio.subprocess.Process, handed: bytes) -> tuple[bytes, bytes]:
    """Hand over the page; return what the process writes, and the end of what it says besides."""
    assert process.stderr is not None
    made, said = await asyncio.gather(_made_by(process, handed), _end_of(process.stderr))
    await process.wait()
    return made, said


async def _made_by(process: asyncio.subprocess.Process, handed: bytes) -> bytes:
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
        if len(made) > OUTPUT_BYTES_MAX:
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
