"""Channels over WebSockets: whatever way the other side leaves, it is the end of the channel and nothing else. Source: 9.3."""

from __future__ import annotations

from typing import cast

import pytest
from aiohttp import ClientConnectionResetError, web

from node.federation.channel import ChannelClosed, WebSocketChannel
from protocol.frame import CloseCode


class GoneInTheMiddle:
    """A socket of aiohttp whose peer has left: answering its ping, or sending, fails while something is received."""

    close_code = None

    def __init__(self, error: Exception):
        self._error = error

    async def receive(self) -> None:
        raise self._error

    async def send_bytes(self, data: bytes) -> None:
        raise self._error


@pytest.mark.parametrize(
    "error", [ClientConnectionResetError("closing"), ConnectionResetError(), BrokenPipeError()]
)
async def test_whoever_pings_and_leaves_has_only_left(error: Exception) -> None:
    channel = WebSocketChannel(cast(web.WebSocketResponse, GoneInTheMiddle(error)), address="127.0.0.1")

    with pytest.raises(ChannelClosed):
        await channel.send(b"x")
    for _ in range(2):
        with pytest.raises(ChannelClosed) as closed:
            await channel.receive()
        assert closed.value.code == CloseCode.LOST
