"""The door for other nodes: descriptor, identity log, and the WebSocket of sessions. Source: docs/protocol.md 9.1."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from aiohttp import web

from crypto.canonical import Value, encode
from node.federation.caller import IDENTITY_PATH, PEER_PATH, WELL_KNOWN_PATH
from node.federation.channel import MESSAGE_SIZE, WebSocketChannel
from node.federation.links import Links
from protocol.errors import InvalidValue
from protocol.frame import CloseCode
from protocol.limits import FETCH_BYTES_MAX
from protocol.names import SchemeId, parse_scheme_text

CONTENT_TYPE: Final = "application/octet-stream"
# How long a peer may take to answer our closing of a WebSocket.
_CLOSE_S: Final = 2.0


class Door:
    """Serves one node to other nodes. It signs and believes nothing itself."""

    def __init__(
        self,
        *,
        links: Links,
        descriptor: Callable[[], bytes],
        identity_log: Callable[[SchemeId], Awaitable[tuple[bytes, ...] | None]],
        address_of: Callable[[web.Request], str] = lambda request: request.remote or "",
    ):
        """`address_of` tells where a request came from."""
        self._links = links
        self._descriptor = descriptor
        self._identity_log = identity_log
        self._address_of = address_of

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to add to the node's application."""
        return [
            web.get(WELL_KNOWN_PATH, self.show_descriptor),
            web.get(IDENTITY_PATH + "{scheme}", self.show_identity_log),
            web.get(PEER_PATH, self.serve_peer),
        ]

    async def show_descriptor(self, _request: web.Request) -> web.Response:
        """Serve the signed descriptor, in its wire form."""
        return web.Response(body=self._descriptor(), content_type=CONTENT_TYPE)

    async def show_identity_log(self, request: web.Request) -> web.Response:
        """Serve the identity events of a scheme known here, as many of the oldest as fit into one answer.

        `?after=<seq>` leaves out the events up to that one, which is how the rest is fetched.
        """
        try:
            scheme = parse_scheme_text(request.match_info["scheme"])
            after = int(request.query.get("after", "-1"))
        except (InvalidValue, ValueError):
            raise web.HTTPBadRequest(text="no scheme id, or no number") from None
        events = await self._identity_log(scheme)
        if events is None:
            raise web.HTTPNotFound(text="not known here")
        return web.Response(body=_encoded(events[max(after, -1) + 1 :]), content_type=CONTENT_TYPE)

    async def serve_peer(self, request: web.Request) -> web.StreamResponse:
        """Hold a session with whoever calls and proves who it is."""
        socket = web.WebSocketResponse(compress=False, max_msg_size=MESSAGE_SIZE, timeout=_CLOSE_S)
        if not socket.can_prepare(request):
            raise web.HTTPUpgradeRequired(headers={"Upgrade": "websocket"}, text="a WebSocket only")
        try:
            await socket.prepare(request)
        except ConnectionResetError:  # whoever called has gone already, as a node that stops does
            return web.Response(status=HTTPStatus.BAD_REQUEST)
        channel = WebSocketChannel(socket, address=self._address_of(request))
        try:
            await self._links.accept(channel)
        finally:
            await channel.close(CloseCode.GOING_AWAY)
        return socket


def _encoded(events: tuple[Value, ...]) -> bytes:
    """Return the longest beginning of `events` that fits into one answer."""
    size, count = 8, 0  # 8: more than the head of the array
    for event in events:
        assert isinstance(event, bytes)
        size += len(event) + 5
        if size > FETCH_BYTES_MAX:
            break
        count += 1
    return encode(events[:count], bytes_max=FETCH_BYTES_MAX)
