"""A channel: whole messages of bytes, in order, to one other node, until it closes.

Here are the type and its form over a WebSocket; `node/simulation/network.py` has the one in memory.
Source: docs/protocol.md 9.1.
"""

from __future__ import annotations

import hashlib
from typing import Final, Protocol

from aiohttp import ClientConnectionResetError, ClientWebSocketResponse, WSMsgType, web

from protocol.frame import CloseCode
from protocol.limits import FRAME_BYTES_MAX

# aiohttp refuses a message of exactly `max_msg_size`, so the largest allowed one needs one more.
MESSAGE_SIZE: Final = FRAME_BYTES_MAX + 1


class ChannelClosed(Exception):
    """The channel is closed, by either side or by the network.

    `code` is the one the peer or this side gave, LOST if nobody did; `by_peer` tells whose it was.
    """

    def __init__(self, code: int = CloseCode.LOST, *, by_peer: bool = True):
        super().__init__(f"channel closed with {code}")
        self.code: Final = code
        self.by_peer: Final = by_peer


class Channel(Protocol):
    """Messages out and in. One task receives; sending from several tasks keeps each message whole."""

    @property
    def address(self) -> str:
        """Where the other end is, for logs."""

    @property
    def tls_seen(self) -> bytes | None:
        """SHA-256 of the pinned certificate this side, the dialler, was shown; None for every other channel."""

    async def send(self, data: bytes) -> None:
        """Hand `data` to the network; waits while too much is on the way. Raises ChannelClosed."""

    async def receive(self) -> bytes:
        """Return the next message. Raises ChannelClosed."""

    async def close(self, code: int = CloseCode.DONE) -> None:
        """Close; a second call does nothing."""


class WebSocketChannel:
    """A channel over an aiohttp WebSocket, whichever side dialled."""

    __slots__ = ("_closed", "_socket", "address", "tls_seen")

    def __init__(
        self,
        socket: web.WebSocketResponse | ClientWebSocketResponse[bool],
        *,
        address: str,
        pinned: bool = False,
    ):
        self._socket = socket
        self._closed: ChannelClosed | None = None
        self.address = address
        self.tls_seen = _certificate_hash(socket) if pinned else None

    async def send(self, data: bytes) -> None:
        if self._closed is not None:
            raise self._closed
        try:
            await self._socket.send_bytes(data)
        except (ClientConnectionResetError, ConnectionError):
            # aiohttp says so when the peer left in the middle of a send; `receive` will tell the code.
            raise ChannelClosed() from None

    async def receive(self) -> bytes:
        if self._closed is not None:
            raise self._closed
        try:
            message = await self._socket.receive()
        except (ClientConnectionResetError, ConnectionError):
            # aiohttp answers a ping while it receives, and says so when whoever pinged has left.
            self._closed = ChannelClosed()
            raise self._closed from None
        if message.type is WSMsgType.BINARY:
            data = message.data
            assert isinstance(data, bytes)
            return data
        if message.type is WSMsgType.TEXT:
            await self.close(CloseCode.MALFORMED)
        if self._closed is None:
            by_peer = message.type is not WSMsgType.ERROR
            self._closed = ChannelClosed(self._socket.close_code or CloseCode.LOST, by_peer=by_peer)
        raise self._closed

    async def close(self, code: int = CloseCode.DONE) -> None:
        if self._closed is None:
            self._closed = ChannelClosed(code, by_peer=False)
            await self._socket.close(code=code)


def _certificate_hash(socket: web.WebSocketResponse | ClientWebSocketResponse[bool]) -> bytes | None:
    tls = socket.get_extra_info("ssl_object")
    certificate = tls.getpeercert(binary_form=True) if tls is not None else None
    return hashlib.sha256(certificate).digest() if certificate else None
