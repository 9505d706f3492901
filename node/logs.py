"""Logs: events with fields, one line each, on standard output. Source: docs/operating.md.

Never keys, bodies or what members wrote: bytes are shown by their number only, and fields with a telling name
not at all. What libraries log through the standard library is led through here, from warnings up.
"""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final, Literal, TextIO, cast

import structlog
from aiohttp.http_exceptions import HttpProcessingError

from node.visible import visible

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
SECRET_FIELDS: Final = frozenset(
    {
        "body",
        "code",
        "cookie",
        "email",
        "key",
        "message",
        "password",
        "pepper",
        "pin",
        "seed",
        "text",
        "token",
        "wire",
    }
)


def hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace what must not be logged; a last net, not a licence."""
    for field, value in event.items():
        if field in SECRET_FIELDS:
            event[field] = "…"
        elif isinstance(value, bytes | bytearray | memoryview):
            event[field] = f"<{len(value)} bytes>"
    return event


def show_controls(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Write out what would steer the terminal of whoever reads the log."""
    for field, value in event.items():
        if type(value) is str and not value.isprintable():
            # The lines of an exception are ours, and the form of the log takes care of them.
            event[field] = (
                "\n".join(map(visible, value.split("\n"))) if field == "exception" else visible(value)
            )
    return event


class _Bridge(logging.Handler):
    """Gives what libraries log to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.stdlib.get_logger()
        if record.exc_info and isinstance(record.exc_info[1], HttpProcessingError):
            # Anybody can send what is no request, as often as they like: no trace of our own code, and not from where.
            logger.debug("no_request", why=type(record.exc_info[1]).__name__)
            return
        failure = record.exc_info if record.exc_info and record.exc_info[0] is not None else None
        logger.log(record.levelno, "library", library=record.name, said=record.getMessage(), exc_info=failure)


class _Patient(io.TextIOBase):
    """A stream on which what cannot be written is left out, and counted once it can be written again.

    A log in a file on a full disk must not be what stops the node: it has to say that the disk is full.
    """

    def __init__(self, out: TextIO):
        self._out: Final = out
        self._lost = 0

    def write(self, text: str, /) -> int:
        try:
            if self._lost:
                self._out.write(f"event=log_lines_lost count={self._lost}\n")
                self._out.flush()
                self._lost = 0
            self._out.write(text)
        except OSError:
            self._lost += 1
        return len(text)

    def flush(self) -> None:
        try:
            self._out.flush()
        except OSError:
            self._lost += 1


def set_up_logs(
    level: Literal["debug", "info", "warning", "error"],
    form: Literal["text", "json"],
    stream: TextIO | None = None,
) -> None:
    """Send the logs of this process to `stream`, standard output by default. Called once, at start."""
    out = cast("TextIO", _Patient(stream or sys.stdout))  # it can do what is asked of it
    renderer: Any
    if form == "json":
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        renderer = structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"])
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            hide_secrets,
            structlog.processors.format_exc_info,
            show_controls,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Bridge()]
    root.setLevel(max(LEVELS[level], logging.WARNING))
