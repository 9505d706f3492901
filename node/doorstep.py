"""The doorstep: connections on which nothing is being answered, so that a crowd of silent callers keeps nobody out.

A web server in front of the node does this too; a node in a local network may stand alone. Whoever connects has some
seconds to ask for something, and of those who wait without a word only so many are kept: one too many ends the one that
has been silent longest. A caller who speaks is never that one. Attack T34.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, cast

from aiohttp import web

# A request's head arrives within one round trip; over the worst line of a mobile telephone that is a few seconds.
HEAD_TIMEOUT_S: Final = 20.0
# Longer than people look at a page before the next click costs a new connection, which is cheap.
KEEP_ALIVE_S: Final = 75.0
# With their heads half sent (64 lines of 8 KiB at most) they take 64 MiB; and 1,024 open files are a usual limit.
QUIET_MAX: Final = 128
HEADERS_MAX: Final = 64

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Doorstep:
    """Counts the connections of one server. `protocol` makes each; `middleware` tells when one is answered."""

    def __init__(self) -> None:
        # The longest silent first, each with the timer that ends its patience.
        self._quiet: Final[OrderedDict[asyncio.BaseTransport, asyncio.TimerHandle]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._quiet)

    def arrived(self, transport: asyncio.BaseTransport) -> None:
        """Take in a new connection."""
        self._wait(transport, HEAD_TIMEOUT_S)

    def gone(self, transport: asyncio.BaseTransport) -> None:
        """Forget a connection that has ended."""
        timer = self._quiet.pop(transport, None)
        if timer is not None:
            timer.cancel()

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Do not count a connection while it is answered; a session of another node lasts for days."""
        transport = request.transport
        if transport is None:
            return await handler(request)
        self.gone(transport)
        try:
            return await handler(request)
        finally:
            if not transport.is_closing():
                # aiohttp ends it at KEEP_ALIVE_S; later than that, something hangs.
                self._wait(transport, 2 * KEEP_ALIVE_S)

    def _wait(self, transport: asyncio.BaseTransport, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._quiet[transport] = loop.call_later(seconds, self._end, transport)
        while len(self._quiet) > QUIET_MAX:
            self._end(next(iter(self._quiet)))

    def _end(self, transport: asyncio.BaseTransport) -> None:
        self.gone(transport)
        # Those of the faster loop are transports by what they do, not by descent.
        cast("asyncio.WriteTransport", transport).abort()

    def protocol(self, server: web.Server) -> asyncio.Protocol:
        """Return the protocol of a new connection to `server`."""
        return _Watched(self, server())


class _Watched(asyncio.Protocol):
    """Passes everything on to aiohttp's protocol, and tells the doorstep of beginning and end."""

    __slots__ = ("_doorstep", "_inner", "_transport")

    def __init__(self, doorstep: Doorstep, inner: asyncio.Protocol):
        self._doorstep: Final = doorstep
        self._inner: Final = inner
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._inner.connection_made(transport)
        self._doorstep.arrived(transport)

    def data_received(self, data: bytes) -> None:
        self._inner.data_received(data)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._doorstep.gone(self._transport)
        self._inner.connection_lost(exc)
