"""Files that calendars read (RFC 5545): what is agreed or planned, as entries.

Moments are written in UTC, so no zone has to be described: every calendar shows them by its owner's clock on the wall.
An entry keeps its `uid`, so that a file fetched again changes what an earlier one put there. Source: docs/pages.md 7.2, 8.5.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from aiohttp import web

from node.web.downloads import download

LINE_BYTES_MAX: Final = 75  # without its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing in a calendar. Moments are ms UTC."""

    uid: str  # the same for the same thing, of letters, digits and signs that need no escape
    title: str
    starts: int
    ends: int
    changed: int  # when what it says was last changed
    place: str = ""
    text: str = ""
    cancelled: bool = False


def calendar_answer(entries: Iterable[Entry], name: str) -> web.Response:
    """Return the answer that is a calendar's file called `name`."""
    return download(calendar_bytes(entries), "text/calendar; charset=utf-8", f"{name}.ics")


def calendar_bytes(entries: Iterable[Entry]) -> bytes:
    """Return a calendar with these entries."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//interlets//EN"]
    for each in entries:
        lines += [
            "BEGIN:VEVENT", f"UID:{each.uid}@interlets", f"DTSTAMP:{_stamp(each.changed)}", f"DTSTART:{_stamp(each.starts)}",
            f"DTEND:{_stamp(each.ends)}", f"SUMMARY:{_escaped(each.title)}",
            *([f"LOCATION:{_escaped(each.place)}"] if each.place else []),
            *([f"DESCRIPTION:{_escaped(each.text)}"] if each.text else []),
            *(["STATUS:CANCELLED"] if each.cancelled else []), "END:VEVENT",
        ]  # fmt: skip
    return "".join(f"{folded(each)}\r\n" for each in (*lines, "END:VCALENDAR")).encode()


def _stamp(moment_ms: int) -> str:
    return f"{datetime.fromtimestamp(moment_ms / 1000, UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    for sign in "\\;,":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("\n", "\\n")


def folded(text: str) -> str:
    """Return a line in pieces of at most LINE_BYTES_MAX bytes, the space before each but the first counted."""
    pieces, piece = [], ""
    for sign in text:
        if len((piece + sign).encode()) >= LINE_BYTES_MAX:
            pieces.append(piece)
            piece = ""
        piece += sign
    return "\r\n ".join((*pieces, piece))
