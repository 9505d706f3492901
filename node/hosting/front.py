"""One listener for every scheme of this process: the `Host` header of a request says whose it is. Source: decision 63.

Each scheme has a place, which shows what answers for it just now: nothing yet, the few doors of a node that wakes, its pages, or that it
moved. What nobody is asked for under gets one plain page, which says nothing of any scheme. While there is one scheme only, it answers
under any name, as it always did.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Any, Final, Self, cast

import structlog
from aiohttp import web

from node.cli.admin import CannotDo
from node.doors import KEEP_OPEN, SHUTDOWN_S, started
from node.doorstep import Doorstep
from node.federation.caller import Way
from node.hosting.hosts import Name, asked_for, names_of
from node.web.forms import FORM_BYTES_MAX
from node.web.security import HEADERS
from protocol.errors import InvalidValue

# A scheme opens its database in a second or two; who comes meanwhile waits in line, but not many and not for long.
HOLD_S: Final = 10.0
WAITING_MAX: Final = 64
BACKLOG: Final = 256

NOBODY: Final = "There is nothing at this address. Please look at how it is written.\n"
AWAY: Final = "This is not to be had just now. Please try again in some minutes.\n"
PLACE: Final = web.RequestKey("place", object)


class Place:
    """What answers for one scheme just now. `shown` is set while something does."""

    def __init__(self, name: str, names: frozenset[Name]):
        self.name: Final = name  # of a hosted scheme, for the log
        self.names: Final = names
        self.server: web.Server | None = None
        self.shown: Final = asyncio.Event()  # or it is known that nothing will be for a while
        self.under_way: Final[set[asyncio.Task[Any]]] = set()
        self.waiting = 0

    @asynccontextmanager
    async def showing(self, app: web.Application) -> AsyncIterator[None]:
        """Let `app` answer. At the end streams are ended, and requests under way have a moment to be answered."""
        runner = await started(app)
        self.server = runner.server
        self.shown.set()
        try:
            yield
        finally:
            self.server = None
            self.shown.clear()
            await runner.cleanup()
            await self._let_finish()

    async def _let_finish(self) -> None:
        this = asyncio.current_task()
        left = {task for task in self.under_way if task is not this}
        if left:
            _, left = await asyncio.wait(left, timeout=SHUTDOWN_S)
        for task in left:
            task.cancel()

    def away(self) -> None:
        """Let nobody wait: nothing will answer here for a while."""
        self.shown.set()

    def coming(self) -> None:
        """Let whoever asks wait a moment: something will answer."""
        if self.server is None:
            self.shown.clear()


class Front:
    """The listener. Use as `async with Front(listening) as front`; nothing is taken in before `open`."""

    def __init__(self, listening: socket.socket):
        self._listening: Final = listening
        self._doorstep: Final = Doorstep()
        self._places: Final[list[Place]] = []
        self._by_name: Final[dict[Name, Place]] = {}
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._nobody = await started(self._plain(NOBODY, HTTPStatus.MISDIRECTED_REQUEST))
        self._away = await started(self._plain(AWAY, HTTPStatus.SERVICE_UNAVAILABLE))
        self._web = web.Server(self._answer, request_factory=self._request, access_log=None, **KEEP_OPEN)
        self._runner = web.ServerRunner(self._web, shutdown_timeout=SHUTDOWN_S)
        await self._runner.setup()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        self._listening.close()
        for runner in (self._runner, self._nobody, self._away):
            await runner.cleanup()

    async def open(self) -> None:
        """Take in whoever comes; until then they wait in line at the socket."""
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(
                partial(self._doorstep.protocol, self._web), sock=self._listening, backlog=BACKLOG
            )

    @property
    def shows_something(self) -> bool:
        """Whether at least one scheme answers."""
        return any(place.server is not None for place in self._places)

    # --- places ------------------------------------------------------------------------------------------------

    def make_place(self, called: str, names: frozenset[Name]) -> Place:
        """Return a place for a scheme that is asked for under these names. Raises CannotDo: another has one of them."""
        if taken := [name.host for name in names if name in self._by_name]:
            raise CannotDo(f"another scheme of this computer is found at {taken[0]}")
        place = Place(called, names)
        self._places.append(place)
        self._by_name.update(dict.fromkeys(names, place))
        return place

    def give_up(self, place: Place) -> None:
        """Let nothing be asked for there any more."""
        self._places.remove(place)
        for name in place.names:
            del self._by_name[name]

    def way_to(self, address: str) -> Way | None:
        """Return how a scheme of this same process is called: at the listener, by its name. None for all others."""
        try:
            known = names_of(address) & self._by_name.keys()
        except InvalidValue:
            return None
        if not known:
            return None
        host, port = self._listening.getsockname()[:2]
        at = ipaddress.ip_address(host)
        if at.is_unspecified:
            at = ipaddress.ip_address("127.0.0.1" if at.version == 4 else "::1")
        written = f"[{at}]" if at.version == 6 else str(at)
        return Way(base=f"http://{written}:{port}", host=address.partition("://")[2])

    # --- requests ----------------------------------------------------------------------------------------------

    def _choose(self, message: Any) -> Place | None:
        if len(self._places) == 1:
            return self._places[0]
        # What could not be read has no headers at all: aiohttp answers it, as whom does not matter.
        hosts = message.headers.getall("Host", ()) if message.headers else ()
        name = asked_for(hosts, message.path)
        return None if name is None else self._by_name.get(name)

    def _request(self, message: Any, *rest: Any) -> web.BaseRequest:
        """Make a request as the application makes it that is going to answer it."""
        place = self._choose(message)
        server = self._server_of(place)
        request = server.request_factory(message, *rest)
        request[PLACE] = place
        return request

    def _server_of(self, place: Place | None) -> web.Server:
        runner = self._nobody if place is None else self._away
        server = runner.server if place is None or place.server is None else place.server
        assert server is not None, "it was set up"
        return server

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        return await self._doorstep.middleware(cast("web.Request", request), self._pass_on)

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        place = cast("Place | None", request[PLACE])
        if place is None:
            return await self._server_of(None).request_handler(request)
        if place.server is None and place.waiting < WAITING_MAX:
            await self._wait(place)
        if not place.name:
            return await self._answer_at(place, request)
        with structlog.contextvars.bound_contextvars(hosted=place.name):
            return await self._answer_at(place, request)

    async def _answer_at(self, place: Place, request: web.Request) -> web.StreamResponse:
        this = asyncio.current_task()
        assert this is not None, "a coroutine runs in a task"
        place.under_way.add(this)
        try:
            return await self._server_of(place).request_handler(request)
        finally:
            place.under_way.discard(this)

    async def _wait(self, place: Place) -> None:
        place.waiting += 1
        try:
            async with asyncio.timeout(HOLD_S):
                await place.shown.wait()
        except TimeoutError:
            pass  # said below
        finally:
            place.waiting -= 1

    # --- plain pages -------------------------------------------------------------------------------------------

    def _plain(self, text: str, status: HTTPStatus) -> web.Application:
        """Return what says one sentence at every address; of the process itself only whether it lives."""

        async def answer(request: web.Request) -> web.Response:
            if status is HTTPStatus.MISDIRECTED_REQUEST:
                if request.path == "/livez":
                    return web.Response(text="alive\n")
                if request.path == "/readyz" and self.shows_something:
                    return web.Response(text="ready\n")
            headers = {**HEADERS, "Cache-Control": "no-store"}
            if status is HTTPStatus.SERVICE_UNAVAILABLE:
                headers["Retry-After"] = "30"
            return web.Response(text=text, status=status, headers=headers)

        # As large as pages take it: a request that waited for its scheme is handed on to it.
        app = web.Application(client_max_size=FORM_BYTES_MAX)
        app.router.add_route("*", "/{rest:.*}", answer)
        return app
