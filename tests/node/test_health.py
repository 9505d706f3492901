"""`interlets healthcheck`. Source: docs/operating.md."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from node.cli.admin import CannotDo
from node.cli.health import ask_ready
from node.config import Config, Node, Scheme


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize(
    ("status", "text", "well"), [(200, "ready\n", True), (503, "the database does not answer\n", False)]
)
async def test_a_container_is_well_when_its_node_is_ready(
    host: str, status: int, text: str, well: bool
) -> None:
    async def ready(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=text)

    app = web.Application()
    app.router.add_get("/readyz", ready)
    async with TestServer(app, host="127.0.0.1") as server:
        assert server.port is not None
        config = config_of(host, server.port)
        if well:
            assert await asyncio.to_thread(ask_ready, config) == "ready"
        else:
            with pytest.raises(CannotDo, match="not ready: the database does not answer"):
                await asyncio.to_thread(ask_ready, config)
    with pytest.raises(CannotDo, match="no node answers"):
        await asyncio.to_thread(ask_ready, config)


def config_of(host: str, port: int) -> Config:
    return Config(
        scheme=Scheme(name="Oakvale"), node=Node(data_dir=Path("data"), listen_host=host, listen_port=port)
    )
