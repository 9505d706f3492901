"""Which service of the node takes which type of frame, and what it may raise. Source: docs/protocol.md 9.3."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from protocol.frame import Frame, FrameType
from protocol.names import SchemeId

if TYPE_CHECKING:
    from node.federation.session import Session

# Told of input that made our own code fail: (scheme, the frame's bytes, the error). Source: 0.5.
Quarantine = Callable[[SchemeId, bytes, Exception], None]


class NoAnswer(Exception):
    """A request got no answer in time, or the session ended first."""


class AnsweredWithError(NoAnswer):
    """The peer answered a request with an error; `code` is what it said."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code: Final = code


class FrameHandler(Protocol):
    """A service that takes some types of frames."""

    async def on_frame(self, session: Session, frame: Frame) -> None:
        """Handle `frame`. The next one waits until this returns, so slow work belongs in a queue of its own.

        Raises:
            ProtocolError: the peer broke a rule; it is told, and too many of these end the session.
        """


class Dispatch:
    """Which service takes which type of frame, for all sessions of a node."""

    def __init__(self) -> None:
        self._handlers: dict[FrameType, FrameHandler] = {}

    def register(self, handler: FrameHandler, *types: FrameType) -> None:
        """Give frames of `types` to `handler`; each type has one."""
        for kind in types:
            assert kind not in self._handlers, f"{kind.name} has a handler"
            self._handlers[kind] = handler

    def handler_of(self, kind: FrameType) -> FrameHandler | None:
        return self._handlers.get(kind)
