"""The doors of one node: for browsers and other nodes, for commands, for whoever watches it, and in the local network.

Each is opened and closed as a whole; which socket the public one answers at is the business of `hosting/front.py`.
Source: docs/operating.md.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import structlog
from aiohttp import web
from sqlalchemy import literal, select

from node.app import Node
from node.cli.admin import SOCKET, CannotDo, socket_path
from node.config import Config
from node.doorstep import HEADERS_MAX, KEEP_ALIVE_S
from node.federation.door import Door
from node.federation.log_door import LogDoor
from node.store import ReadTx, StoreError
from node.supervisor import Supervisor
from node.web.app import make_app
from node.web.render import Renderer
from node.web.security import address_of

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

# Requests under way at the end have this long; one that waits for a payment is asked again by its page.
SHUTDOWN_S: Final = 0.5
BACKLOG: Final = 256
GOODBYE_S: Final = 0.5  # for telling the local network
# Of every connection to every door.
KEEP_OPEN: Final[dict[str, Any]] = {"keepalive_timeout": KEEP_ALIVE_S, "max_headers": HEADERS_MAX}
_ANYTHING: Final = select(literal(1))


async def started(app: web.Application) -> web.AppRunner:
    """Return what answers for `app`, with the limits of every door."""
    runner = web.AppRunner(
        app, access_log=None, shutdown_timeout=SHUTDOWN_S, handle_signals=False, **KEEP_OPEN
    )
    await runner.setup()
    return runner


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens. Raises CannotDo."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise CannotDo(f"cannot listen on {host}, port {port}: {error.strerror or error}") from None


@asynccontextmanager
async def command_door(app: web.Application, data_dir: Path, name: str = SOCKET) -> AsyncIterator[None]:
    """Let commands of this machine in, at a socket file that only its owner reaches."""
    runner = await started(app)
    (data_dir / name).unlink(missing_ok=True)  # left by a process that was killed
    try:
        with socket_path(data_dir, name) as path:
            await web.UnixSite(runner, path).start()
        yield
    finally:
        await runner.cleanup()
        (data_dir / name).unlink(missing_ok=True)


@asynccontextmanager
async def watching(node: Node, config: Config) -> AsyncIterator[None]:
    """Show figures to programs on this machine that watch it, where an admin switched that on."""
    if not config.node.metrics_port:
        yield
        return
    from node.metrics import make_app as make_metrics

    runner = await started(make_metrics(node, config.node.data_dir))
    try:
        # Never anywhere else: how many members trade when is nobody's business.
        await web.SockSite(runner, listen("127.0.0.1", config.node.metrics_port)).start()
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def discovery(node: Node, config: Config, *, wanted: bool = True) -> AsyncIterator[None]:
    """Announce the node in the local network and notice others there, where an admin switched that on."""
    if not (wanted and config.federation.lan_discovery):
        yield
        return
    # Loads a library that most nodes never need.
    from node.federation.discovery import Discovery

    gone = asyncio.Event()
    found = Discovery(
        own=node.scheme,
        addresses=_own_addresses(config.node.listen_host),
        port=config.node.listen_port,
        secure=False,  # in the local network a node is called where it listens, not at its web server
        on_hint=node.peers.hint,
    )

    async def announce() -> None:
        try:
            await found.run()
        finally:
            gone.set()

    # Trouble with the local network is no reason to stop serving.
    async with Supervisor("discovery") as tasks:
        tasks.spawn(announce(), "discovery")
        try:
            yield
        finally:
            found.stop()
            with suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await gone.wait()


def lan_addresses(config: Config) -> list[str]:
    """Return at which addresses the local network is told to call this machine."""
    if not config.federation.lan_discovery:
        return []
    own = _own_addresses(config.node.listen_host)
    return [f"http://{socket.inet_ntoa(each)}:{config.node.listen_port}" for each in own]


def _own_addresses(host: str) -> list[bytes]:
    """Return where this machine is called within its network."""
    if host not in ("", "0.0.0.0"):  # noqa: S104 - looked for, not listened on
        return [socket.inet_aton(socket.gethostbyname(host))]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # Nothing is sent: this only asks which of the machine's addresses leads outside.
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return []
        return [socket.inet_aton(probe.getsockname()[0])]


def public_app(node: Node, renderer: Renderer | None = None) -> web.Application:
    """Return what browsers, other nodes and health checks meet; nodes in one process share a renderer."""
    door = Door(
        links=node.links,
        descriptor=node.descriptor,
        identity_log=node.identity_log,
        address_of=partial(address_of, proxies=node.options.proxies),
    )
    log_door = LogDoor(
        checkpoint=node.witness.own_log.newest_note,
        tile=node.witness.own_log.tile,
        cosign=node.witness.answer,
    )
    health = (web.get("/livez", _live), web.get("/readyz", _ready_of(node)))
    return make_app(node, (*door.routes(), *log_door.routes(), *health), renderer=renderer)


async def _live(_request: web.Request) -> web.Response:
    return web.Response(text="alive\n")


def _ready_of(node: Node) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def ready(_request: web.Request) -> web.Response:
        try:
            await node.store.read(_answer)
        except StoreError as error:
            log.error("not_ready", reason=str(error))
            text = "the database does not answer\n"
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, text=text)
        away = sum(not each.runs for each in node.options.beside())
        text = f"ready; schemes beside this one that do not run: {away}\n" if away else "ready\n"
        return web.Response(text=text)

    return ready


def _answer(tx: ReadTx) -> object:
    return tx.scalar(_ANYTHING)
