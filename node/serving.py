"""A node that serves: the process, its doors, and its end. Source: docs/operating.md.

SIGTERM and SIGINT end it cleanly within two seconds: sessions are closed, requests under way are answered, what
was recorded is durable already.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web
from sqlalchemy import literal, select

from node import crash
from node.app import HOUR_S, Node
from node.cli.admin import SOCKET, CannotDo, admin_app, is_running, socket_path
from node.cli.verify import moment
from node.clock import SystemChance, SystemClock
from node.config import Config
from node.doorstep import HEADERS_MAX, KEEP_ALIVE_S, Doorstep
from node.early import wake
from node.federation.door import Door
from node.federation.log_door import LogDoor
from node.health import findings_of
from node.jobs import Job
from node.logs import set_up_logs
from node.moved import Moved, read_moved
from node.notify import notify
from node.opening import open_node
from node.store import ReadTx, StoreError
from node.supervisor import Supervisor
from node.web.app import make_app
from node.web.security import address_of
from node.web.weekly import LOOK_EVERY_S as WRITE_EVERY_S
from node.web.weekly import Weekly

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

# Requests under way at the end have this long; one that waits for a payment is asked again by its page.
SHUTDOWN_S: Final = 0.5
BACKLOG: Final = 256
NEW_OBJECTS_MAX: Final = 10_000  # before one looks for garbage among them: about a megabyte
GOODBYE_S: Final = 0.5  # for telling the local network
_ANYTHING: Final = select(literal(1))


def serve_forever(config: Config) -> None:
    """Serve until a signal ends it. Raises StoreError, KeysUnusable, UnknownCrashPoint, CannotDo."""
    crash.arm_from_environment(os.environ)
    set_up_logs(config.log.level, config.log.form)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(serve(config))


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return the faster event loop where it is installed (the extra `fast`)."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def serve(config: Config, founded: socket.socket | None = None) -> None:
    """Serve until SIGTERM or SIGINT. A scheme that was founded a moment ago brings the socket on which it was."""
    if is_running(config.node.data_dir):
        raise CannotDo(f"a node is running on {config.node.data_dir} already")
    # Before anything else: an occupied port is the most likely trouble.
    listening = founded or listen(config.node.listen_host, config.node.listen_port)
    stopping = asyncio.Event()
    moved = read_moved(config.node.data_dir)
    if moved is not None:
        await _serve_moved(moved, listening)
        return
    if founded is not None:
        end_at_signals(stopping.set)  # nobody can have newer books of it
    elif not await _woken(config, listening, stopping):
        return
    async with open_node(config) as node:
        collect_less()
        gc.enable()
        _back_up_regularly(node, config)
        node.jobs.append(Job("weekly-mail", WRITE_EVERY_S, Weekly(node).look))
        node.jobs.append(Job("tell-troubles", HOUR_S, partial(_look_for_trouble, node)))
        async with asyncio.TaskGroup() as tasks:
            ready = asyncio.Event()
            running = tasks.create_task(node.run(ready.set))
            await ready.wait()
            async with doors(node, config, listening), watching(node, config), discovery(node, config):
                notify("READY=1")
                log.info("serving", address=config.node.origin)
                waiting = tasks.create_task(stopping.wait())
                await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
                notify("STOPPING=1")
                await node.stop()
        log.info("stopped")


async def _serve_moved(moved: Moved, listening: socket.socket) -> None:
    """Say where the scheme went, until SIGTERM or SIGINT. Nothing of its data is opened."""
    from node.web.gone import moved_app

    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    end_at_signals(stopping.set)
    doorstep = Doorstep()
    app = moved_app(moved)
    app.middlewares.append(doorstep.middleware)
    runner = await started(app)
    assert runner.server is not None, "it was set up a moment ago"
    server = await loop.create_server(partial(doorstep.protocol, runner.server), sock=listening)
    try:
        notify("READY=1")
        log.warning("scheme_has_moved", address=moved.address)
        await stopping.wait()
        notify("STOPPING=1")
    finally:
        server.close()
        await runner.cleanup()


async def _look_for_trouble(node: Node) -> None:
    """Look at everything once, and let admins know what needs mending."""
    await node.troubles.take(await findings_of(node, moment))


def _back_up_regularly(node: Node, config: Config) -> None:
    """Let the node make a backup a day, where a folder for them is named."""
    if config.backup.folder is None:
        return
    # Only where it is wanted: a node without it starts sooner.
    from node.backup.configured import rule_of, source_of
    from node.backup.regular import LOOK_EVERY_S, RegularBackups

    source, rule = source_of(config, node.keyring), rule_of(config)
    backups = RegularBackups(source, config.backup.folder, rule, SystemClock(), SystemChance())
    node.jobs.append(Job("back-up", LOOK_EVERY_S, backups.make_when_due))
    node.backing_up.made_by(backups.make_now)


async def _woken(config: Config, listening: socket.socket, stopping: asyncio.Event) -> bool:
    """Let the node have the newest books it can get; False if it is to end before it has them. Raises as `wake`."""
    this = asyncio.current_task()
    assert this is not None, "a coroutine runs in a task"

    def end() -> None:
        stopping.set()
        this.cancel()

    end_at_signals(end)
    try:
        await wake(config, listening)
    except asyncio.CancelledError:
        if not stopping.is_set():
            raise
        this.uncancel()
        return False
    end_at_signals(stopping.set)
    return True


def end_at_signals(end: Callable[[], None]) -> None:
    """Let SIGTERM and SIGINT call `end`, and nothing else, from now on."""
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, end)


def collect_less() -> None:
    """Let the search for garbage pass over what was loaded, which stays for good, and come less often.

    Nearly everything a request or a unit makes goes without it, and what of it is still in use is looked at in vain.
    """
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS_MAX)


@asynccontextmanager
async def doors(node: Node, config: Config, listening: socket.socket) -> AsyncIterator[None]:
    """Open the doors for browsers and other nodes, and the one for commands."""
    doorstep = Doorstep()
    public, admin = (
        await started(public_app(node, doorstep)),
        await started(admin_app(node)),
    )
    (config.node.data_dir / SOCKET).unlink(missing_ok=True)  # left by a process that was killed
    assert public.server is not None, "it was set up a moment ago"
    try:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(partial(doorstep.protocol, public.server), sock=listening)
        try:
            with socket_path(config.node.data_dir) as path:
                await web.UnixSite(admin, path).start()
            yield
        finally:
            server.close()
    finally:
        await admin.cleanup()
        (config.node.data_dir / SOCKET).unlink(missing_ok=True)
        await public.cleanup()


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
async def discovery(node: Node, config: Config) -> AsyncIterator[None]:
    """Announce the node in the local network and notice others there, where an admin switched that on."""
    if not config.federation.lan_discovery:
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


async def started(app: web.Application) -> web.AppRunner:
    """Return what answers for `app`, with the limits of every door."""
    runner = web.AppRunner(
        app, access_log=None, shutdown_timeout=SHUTDOWN_S, handle_signals=False, keepalive_timeout=KEEP_ALIVE_S,
        max_headers=HEADERS_MAX,
    )  # fmt: skip
    await runner.setup()
    return runner


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens. Raises CannotDo."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise CannotDo(f"cannot listen on {host}, port {port}: {error.strerror or error}") from None


def public_app(node: Node, doorstep: Doorstep) -> web.Application:
    """Return what browsers, other nodes and health checks meet."""
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
    app = make_app(node, (*door.routes(), *log_door.routes(), *health))
    app.middlewares.insert(0, doorstep.middleware)
    return app


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
        return web.Response(text="ready\n")

    return ready


def _answer(tx: ReadTx) -> object:
    return tx.scalar(_ANYTHING)
