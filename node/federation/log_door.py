"""The door to the log: checkpoint, tiles and bundles for anybody, and requests to cosign. Source: docs/protocol.md 9.1.

Tiles never change, so that caches may keep them for ever; the checkpoint is young for some seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from aiohttp import web

from node.federation.budget import Bucket
from protocol.errors import MalformedMessage
from protocol.limits import WITNESS_REQUEST_BYTES_MAX
from protocol.tiles import Tile, parse_tile_path

LOG_PATH: Final = "/v1/log/"
WITNESS_PATH: Final = "/v1/witness/"
FOR_EVER: Final = "public, max-age=31536000, immutable"
YOUNG: Final = "public, max-age=5"
# Each costs some signature checks. A hundred logs ask once a minute each.
REQUESTS_A_SECOND: Final = 10.0
REQUESTS_BURST: Final = 100
BODY_S: Final = 10.0  # for the body of a request to come in


class LogDoor:
    """Serves one log, and one witness."""

    def __init__(
        self,
        *,
        checkpoint: Callable[[], Awaitable[bytes | None]],
        tile: Callable[[Tile], Awaitable[bytes | None]],
        cosign: Callable[[bytes], Awaitable[tuple[int, bytes, str]]],
    ):
        """`cosign` answers a request with status, body and content type."""
        self._checkpoint: Final = checkpoint
        self._tile: Final = tile
        self._cosign: Final = cosign
        self._requests: Final = Bucket(REQUESTS_A_SECOND, REQUESTS_BURST, 0.0)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to add to the node's application."""
        return [
            web.get(LOG_PATH + "checkpoint", self.show_checkpoint),
            web.get(LOG_PATH + "{tile:tile/.+}", self.show_tile),
            web.post(WITNESS_PATH + "add-checkpoint", self.add_checkpoint),
        ]

    async def show_checkpoint(self, _request: web.Request) -> web.Response:
        """Serve the newest signed checkpoint, with the cosignatures that came."""
        note = await self._checkpoint()
        if note is None:
            raise web.HTTPNotFound(text="nothing is signed yet\n")
        return web.Response(
            body=note, content_type="text/plain", charset="utf-8", headers={"Cache-Control": YOUNG}
        )

    async def show_tile(self, request: web.Request) -> web.Response:
        """Serve a tile or bundle that the newest checkpoint has."""
        try:
            tile = parse_tile_path(request.match_info["tile"])
        except MalformedMessage:
            raise web.HTTPNotFound(text="no such tile\n") from None
        data = await self._tile(tile)
        if data is None:
            raise web.HTTPNotFound(text="no such tile\n")
        response = web.Response(
            body=data, content_type="application/octet-stream", headers={"Cache-Control": FOR_EVER}
        )
        if tile.level is None:
            response.enable_compression()
        return response

    async def add_checkpoint(self, request: web.Request) -> web.Response:
        """Cosign a checkpoint, or say why not."""
        if self._requests.take(1, asyncio.get_running_loop().time()) > 0:
            raise web.HTTPTooManyRequests(text="ask again in a minute\n")
        try:
            async with asyncio.timeout(BODY_S):
                data = await request.content.read(WITNESS_REQUEST_BYTES_MAX + 1)
                while len(data) <= WITNESS_REQUEST_BYTES_MAX and not request.content.at_eof():
                    data += await request.content.read(WITNESS_REQUEST_BYTES_MAX + 1 - len(data))
        except TimeoutError:
            raise web.HTTPRequestTimeout from None
        if len(data) > WITNESS_REQUEST_BYTES_MAX:
            raise web.HTTPRequestEntityTooLarge(WITNESS_REQUEST_BYTES_MAX, len(data))
        status, body, content_type = await self._cosign(data)
        # 503 is followed by asking at once: what was cosigned last is shown, and then it is cosigned.
        headers = {"Retry-After": "0"} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
        return web.Response(status=status, body=body, content_type=content_type, headers=headers)
