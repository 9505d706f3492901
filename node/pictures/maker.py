"""Asks for pictures made anew: one at a time, a few waiting, each with an end. Source: docs/protocol.md 5.7; decision 62."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import structlog

from node.confined import Ended, run_confined
from node.pictures.child import MOVING, SIZES, TOO_LARGE, TOO_MUCH
from node.pictures.limits import CHILD_OUTPUT_BYTES_MAX, PICTURE_SENT_BYTES_MAX

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

WAITING_MAX: Final = 8
TIMEOUT_S: Final = 90.0  # on a busy machine; its own processor time is bounded more tightly
# The brands in the twelve bytes a HEIC or AVIF file begins with.
_OTHER_BRANDS: Final = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis")


class Why(StrEnum):
    """Why a file is not taken as a picture."""

    TOO_LONG = "too-long"  # the file
    HEIC = "heic"
    NO_PICTURE = "no-picture"  # nor one of a kind that is taken
    MOVING = "moving"
    TOO_LARGE = "too-large"  # more dots, time or memory
    BROKEN = "broken"
    BUSY = "busy"
    TOO_MANY = "too-many"  # pictures of this member
    ENOUGH = "enough"  # of what was lent, by this side
    FULL = "full"  # the node's room


class NoPicture(Exception):
    """A file was not taken as a picture; nothing else happened."""

    def __init__(self, why: Why):
        super().__init__(why.value)
        self.why: Final = why


@dataclass(frozen=True, slots=True)
class Made:
    """One picture as WebP, and its sides in dots."""

    width: int
    height: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeAnew:
    """A picture in the three sizes that are kept of it."""

    full: Made
    page: Made
    thumbnail: Made


def looked_at(data: bytes) -> Why | None:
    """Return why a file is not even tried, from its first bytes: its name and what a browser says of it count for nothing."""
    if len(data) > PICTURE_SENT_BYTES_MAX:
        return Why.TOO_LONG
    if data[4:8] == b"ftyp" and data[8:12] in _OTHER_BRANDS:
        return Why.HEIC
    if data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")):
        return None
    return None if data.startswith(b"RIFF") and data[8:12] == b"WEBP" else Why.NO_PICTURE


class PictureMaker:
    """Makes pictures anew, in processes of their own."""

    def __init__(self, command: tuple[str, ...] = (sys.executable, "-m", "node.pictures.child")):
        self._command: Final = command
        self._turn: Final = asyncio.Semaphore(1)
        self._waiting = 0

    async def make(self, data: bytes) -> MadeAnew:
        """Return the picture in a file, made anew in three sizes, with nothing of the file but its dots. Raises NoPicture."""
        why = looked_at(data)
        if why is not None:
            raise NoPicture(why)
        if self._waiting >= WAITING_MAX:
            raise NoPicture(Why.BUSY)
        self._waiting += 1
        try:
            async with self._turn:
                return await self._run(data)
        finally:
            self._waiting -= 1

    async def _run(self, data: bytes) -> MadeAnew:
        try:
            ended = await run_confined(
                self._command, data, timeout_s=TIMEOUT_S, output_bytes_max=CHILD_OUTPUT_BYTES_MAX
            )
        except TimeoutError:
            log.warning("picture_too_slow", bytes=len(data))
            raise NoPicture(Why.TOO_LARGE) from None
        if ended.status == MOVING:
            raise NoPicture(Why.MOVING)
        if ended.status in (TOO_MUCH, TOO_LARGE, -signal.SIGXCPU, -signal.SIGKILL):
            log.info("picture_too_large", bytes=len(data), status=ended.status)
            raise NoPicture(Why.TOO_LARGE)
        made = _opened(ended)
        if made is None:
            log.info("picture_broken", bytes=len(data), status=ended.status, reason=ended.said)
            raise NoPicture(Why.BROKEN)
        return made


def _opened(ended: Ended) -> MadeAnew | None:
    """Return what the process made; None where it is not what it should be: whoever broke it may have written it."""
    head, _, body = ended.made.partition(b"\n")
    if ended.status != 0 or not head:
        return None
    made: list[Made] = []
    try:
        for (width, height, length), (side_max, bytes_max) in zip(json.loads(head), SIZES, strict=True):
            data = body[:length]
            if not (0 < width <= side_max and 0 < height <= side_max and 0 < length <= bytes_max):
                return None
            if len(data) != length or not data.startswith(b"RIFF") or data[8:12] != b"WEBP":
                return None
            made.append(Made(width, height, data))
            body = body[length:]
    except (ValueError, TypeError):
        return None
    full, page, thumbnail = made
    return MadeAnew(full=full, page=page, thumbnail=thumbnail)
