"""What a node shows while it is not awake: a door for neighbours, a page that says to come back, and a word for its admin.

The admin's word is a file beside the database, for a node that does not answer commands yet: `waiting` says why it waits,
`interlets go-on` makes the other. Source: docs/protocol.md 6.7 (g); docs/operating.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web

from node.app import DATABASE
from node.cli.admin import GO_ON, WAITING
from node.clock import SystemChance, SystemClock
from node.config import Config
from node.federation.caller import PEER_PATH
from node.federation.door import Door
from node.keyfiles import open_keys
from node.notify import notify
from node.opening import ALONE, Lodging
from node.proxies import Proxies
from node.services.awakening import Awakening
from node.store import Store, ThreadStore
from node.waking import Waking
from node.web.security import address_of
from protocol.names import SchemeId

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

Showing = Callable[[web.Application], AbstractAsyncContextManager[None]]
PATIENCE_US: Final = 120_000_000  # systemd is asked for so long each time the node finds that it must wait
NOT_AWAKE: Final = (
    "This computer is starting: it asks its neighbours whether they keep newer books. Try again soon.\n"
)


async def wake(config: Config, showing: Showing, lodging: Lodging = ALONE) -> None:
    """Look for newer books of this node before it serves; `showing` lets doors answer. Raises StoreError, KeysUnusable."""
    data_dir = config.node.data_dir
    waiting, go_on = data_dir / WAITING, data_dir / GO_ON

    async def opened() -> Store:
        return await ThreadStore.open(data_dir / DATABASE)

    def hindered(why: str) -> None:
        notify(f"EXTEND_TIMEOUT_USEC={PATIENCE_US}")
        if not waiting.exists():
            log.error("waiting_for_newer_books", reason=why)
        waiting.write_text(f"{why}\n", "utf-8")

    async with lodging.caller() as caller:
        await Waking(
            database=data_dir / DATABASE, keys=open_keys(data_dir), clock=SystemClock(), chance=SystemChance(),
            network=caller, allow_lan=config.federation.allow_lan_addresses, dial=None, opened=opened,
            doors=partial(_doors, lodging.proxies_of(config), showing), hindered=hindered, may_go_on=go_on.exists, offload=asyncio.to_thread,
        ).wake()  # fmt: skip
    waiting.unlink(missing_ok=True)
    go_on.unlink(missing_ok=True)


@asynccontextmanager
async def _doors(proxies: Proxies, showing: Showing, awakening: Awakening) -> AsyncIterator[None]:
    """Let neighbours in, and tell everybody else to come back."""

    async def own_log(scheme: SchemeId) -> tuple[bytes, ...] | None:
        return awakening.directory.log(scheme) or None

    door = Door(
        links=awakening.links, descriptor=bytes, identity_log=own_log, address_of=partial(address_of, proxies=proxies)
    )  # fmt: skip
    app = web.Application()
    app.router.add_get(PEER_PATH, door.serve_peer)
    app.router.add_route("*", "/{rest:.*}", _come_back)
    async with showing(app):
        yield


async def _come_back(_request: web.Request) -> web.Response:
    return web.Response(text=NOT_AWAKE, status=HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": "10"})
