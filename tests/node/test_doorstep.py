"""A crowd of silent callers keeps nobody out. Real sockets on loopback. Attack T34."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial

import pytest
from aiohttp import ClientSession, web

from node import doorstep
from node.doorstep import HEADERS_MAX, Doorstep

HALF_A_HEAD = b"GET / HTTP/1.1\r\nHost: oakvale\r\nX-Slow: "


@dataclass
class House:
    """A server with a doorstep: `/` answers, `/long` answers when it is told to."""

    step: Doorstep
    port: int
    go_on: asyncio.Event

    async def call(self, path: str = "/", **headers: str) -> int:
        async with ClientSession() as session, session.get(self.url(path), headers=headers) as answer:
            return answer.status

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def silent(self) -> socket.socket:
        caller = socket.create_connection(("127.0.0.1", self.port))
        caller.setblocking(False)
        await asyncio.get_running_loop().sock_sendall(caller, HALF_A_HEAD)
        return caller


@pytest.fixture
async def house() -> AsyncIterator[House]:
    step, go_on = Doorstep(), asyncio.Event()

    async def at_once(_request: web.Request) -> web.Response:
        return web.Response(text="yes")

    async def long(_request: web.Request) -> web.Response:
        await go_on.wait()
        return web.Response(text="at last")

    app = web.Application(middlewares=[step.middleware])
    app.add_routes([web.get("/", at_once), web.get("/long", long)])
    runner = web.AppRunner(app, access_log=None, max_headers=HEADERS_MAX)
    await runner.setup()
    assert runner.server is not None
    server = await asyncio.get_running_loop().create_server(
        partial(step.protocol, runner.server), "127.0.0.1", 0
    )
    yield House(step, server.sockets[0].getsockname()[1], go_on)
    server.close()
    await runner.cleanup()


async def until(ready: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not ready():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.01)


async def ended(caller: socket.socket) -> bool:
    """Whether the other side has ended this connection."""
    try:
        return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(caller, 1), 0.05) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


async def test_of_too_many_silent_callers_the_oldest_is_ended(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorstep, "QUIET_MAX", 8)
    callers = [await house.silent() for _ in range(20)]
    await until(lambda: len(house.step) == 8)

    assert await house.call() == 200
    assert [await ended(caller) for caller in callers[:12]] == [True] * 12
    assert not await ended(callers[-1])
    for caller in callers:
        caller.close()


async def test_a_silent_caller_is_ended_in_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorstep, "HEAD_TIMEOUT_S", 0.2)
    caller = await house.silent()
    await until(lambda: len(house.step) == 1)
    await until(lambda: len(house.step) == 0)
    assert await ended(caller)
    caller.close()


async def test_who_is_being_answered_is_never_ended(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session of another node is one long answer."""
    monkeypatch.setattr(doorstep, "QUIET_MAX", 2)
    monkeypatch.setattr(doorstep, "HEAD_TIMEOUT_S", 0.2)
    answered = asyncio.ensure_future(house.call("/long"))
    await asyncio.sleep(0.1)
    callers = [await house.silent() for _ in range(10)]
    await asyncio.sleep(0.4)
    house.go_on.set()

    assert await answered == 200
    for caller in callers:
        caller.close()


async def test_a_connection_between_two_requests_is_the_first_to_go(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ClientSession() as session:
        for _ in range(3):
            async with session.get(house.url("/")) as answer:
                assert answer.status == 200
        await until(lambda: len(house.step) == 1)
        monkeypatch.setattr(doorstep, "QUIET_MAX", 1)
        caller = await house.silent()
        await asyncio.sleep(0.1)
        async with session.get(house.url("/")) as answer:
            assert answer.status == 200, "the browser connects anew"
    caller.close()


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(HEADERS_MAX + 10)) + b"\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"\x00\xff" * 5_000,
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n",
    ],
    ids=["many lines", "a long line", "a long address", "no HTTP", "a later HTTP", "less than nothing", "no chunk"],
)  # fmt: skip
async def test_a_head_that_is_none_is_refused_and_others_are_served(house: House, head: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(head)
    async with asyncio.timeout(5):
        first = await reader.readline()
    assert first.split()[1:2] in ([b"400"], [b"405"], [b"413"], [b"431"], [b"505"], []), first
    writer.close()
    assert await house.call() == 200
