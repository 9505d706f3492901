"""Asks for PDFs: one at a time, a few waiting, each with an end. Source: decision 29."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Mapping
from enum import StrEnum
from importlib.util import find_spec
from typing import Final

import structlog

from node.confined import run_confined
from node.pdf.child import NOT_INSTALLED, OUTPUT_BYTES_MAX, TOO_MUCH

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

WAITING_MAX: Final = 4
TIMEOUT_S: Final = 90.0  # on a busy machine; its own processor time is bounded more tightly
PAGE_BYTES_MAX: Final = 4 * 1024 * 1024


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
        try:
            ended = await run_confined(
                self._command, handed, timeout_s=TIMEOUT_S, output_bytes_max=OUTPUT_BYTES_MAX
            )
        except TimeoutError:
            log.warning("pdf_too_slow", bytes=len(handed))
            raise NoPdf(Why.TOO_LARGE) from None
        if ended.status == NOT_INSTALLED:
            self._installed = False
            log.warning("pdf_not_installed", reason=ended.said)
            raise NoPdf(Why.NOT_INSTALLED)
        if ended.status in (TOO_MUCH, -signal.SIGXCPU) or len(ended.made) > OUTPUT_BYTES_MAX:
            log.info("pdf_too_large", bytes=len(handed))
            raise NoPdf(Why.TOO_LARGE)
        if ended.status != 0 or not ended.made.startswith(b"%PDF-"):
            log.error("pdf_failed", status=ended.status, reason=ended.said)
            raise NoPdf(Why.FAILED)
        return ended.made
