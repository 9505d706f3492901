"""One wired node: it loads, runs, ends, and what it knew is there again. Source: docs/architecture.md."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog
from aiohttp import ClientSession, UnixConnector, web

from crypto.keyfile import Cost
from node.app import Node
from node.cli.admin import admin_app
from node.clock import LoopClock, SeededChance, SystemChance
from node.config import Config, load
from node.doors import public_app
from node.federation.channel import Channel, ChannelClosed
from node.hosting.front import Front
from node.hosting.hosts import names_of
from node.jobs import Job, run_jobs
from node.keyfiles import draw_keys, make_keys
from node.logs import set_up_logs
from node.opening import open_node, options_of
from node.own_descriptor import OwnDescriptor
from node.services.acts import OPERATOR
from node.services.members import NewMember, count_members
from node.services.settings import SchemeSettings
from node.simulation.virtual_loop import EPOCH_MS
from node.simulation.virtual_loop import run as run_virtual
from node.store import InlineStore, Memory, StoreInUse
from protocol.descriptor import open_descriptor
from tests.builders import NOW
from tests.fakes import StoppedClock

CHEAP = Cost(memory_kib=8, iterations=1, lanes=1)
KEYS = draw_keys(SeededChance("app"), NOW).keys


async def nobody(_scheme: object) -> Channel:
    raise ChannelClosed()


def configured(folder: Path) -> Config:
    """Return the configuration of a new node with its keys in `folder`."""
    path = folder / "interlets.toml"
    path.write_text('[scheme]\nname = "Oakvale"\n[node]\ndata_dir = "data"\n')
    config = load(path, {})
    make_keys(config.node.data_dir, "apples keep all winter", SystemChance(), NOW, cost=CHEAP)
    return config


def simulated(config: Config, disk: Memory) -> tuple[Node, InlineStore]:
    store = InlineStore(disk)
    node = Node(
        options_of(config),
        store=store,
        clock=LoopClock(EPOCH_MS),
        chance=SeededChance("app"),
        keys=KEYS,
        dial=nobody,
    )
    return node, store


# --- A node's life -----------------------------------------------------------------------------------------------


async def test_what_was_written_is_there_when_the_node_is_opened_again(tmp_path: Path) -> None:
    config = configured(tmp_path)
    async with open_node(config) as node:
        await node.people.add(OPERATOR, NewMember(name="Ana"))
        await node.settings.change(OPERATOR, meeting="Saturday")

    async with open_node(config) as again:
        assert again.scheme == node.scheme
        assert await again.store.read(count_members) == 1
        assert again.settings.now.meeting == "Saturday"


async def test_data_is_open_once(tmp_path: Path) -> None:
    config = configured(tmp_path)
    async with open_node(config):
        with pytest.raises(StoreInUse):
            async with open_node(config):
                pass


def test_a_simulated_node_starts_stops_crashes_and_starts_again(tmp_path: Path) -> None:
    config, disk = configured(tmp_path), Memory()

    async def life() -> None:
        node, store = simulated(config, disk)
        await node.load()
        await node.start()
        await asyncio.sleep(3 * 3600)  # every job comes round
        await node.people.add(OPERATOR, NewMember(name="Ana"))
        await node.stop()
        await store.close()

        node, store = simulated(config, disk)
        await node.load()
        await node.start()
        store.crash()
        await node.crash()

        node, store = simulated(config, disk)
        await node.load()
        await node.start()
        assert await node.store.read(count_members) == 1
        await node.stop()
        await store.close()

    run_virtual(life())


def test_a_node_whose_store_fails_at_the_start_says_so(tmp_path: Path) -> None:
    config = configured(tmp_path)

    async def life() -> None:
        node, store = simulated(config, Memory())
        await node.load()
        store.crash()
        with pytest.raises(Exception, match="closed"):
            await node.start()

    run_virtual(life())


# --- Doors -------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def on_socket(
    node: Node, folder: Path
) -> AsyncIterator[Callable[..., Awaitable[tuple[int, dict[str, object]]]]]:
    runner = web.AppRunner(admin_app(node))
    await runner.setup()
    path = str(folder / "s")
    await web.UnixSite(runner, path).start()
    async with ClientSession(connector=UnixConnector(path)) as session:

        async def post(command: str, data: bytes) -> tuple[int, dict[str, object]]:
            async with session.post(f"http://node/{command}", data=data) as answer:
                return answer.status, await answer.json()

        yield post
    await runner.cleanup()


async def test_the_socket_takes_commands_of_its_own_release_only(tmp_path: Path) -> None:
    async with open_node(configured(tmp_path)) as node, on_socket(node, tmp_path) as post:
        for command, data, status in (
            ("user-link", b"{", 400),
            ("user-link", b"[]", 400),
            ("user-link", b'{"nobody": 1}', 400),
            ("drop-everything", b"{}", 404),
            ("user-link", b'{"name": "nobody"}', 409),
            ("health", b"{}", 200),
        ):
            answered, answer = await post(command, data)
            assert answered == status, (command, data)
            assert ("error" in answer) == (status != 200)


async def test_the_doors_open_and_close(tmp_path: Path) -> None:
    import socket

    config = configured(tmp_path)
    async with open_node(config) as node:
        listening = socket.create_server(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        async with Front(listening) as front, ClientSession() as session:
            place = front.make_place("", names_of(config.node.origin))
            await front.open()
            async with place.showing(public_app(node)):
                for path, says in (("/livez", "alive\n"), ("/readyz", "ready\n")):
                    async with session.get(f"http://127.0.0.1:{port}{path}") as answer:
                        assert (answer.status, await answer.text()) == (200, says)
                async with session.get(f"http://127.0.0.1:{port}/.well-known/interlets") as answer:
                    descriptor = open_descriptor(await answer.read(), node.keyring.identity)
                assert descriptor.body.name == "Oakvale"
                await node.store.close()
                async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                    assert answer.status == 503


# --- What the node says of itself --------------------------------------------------------------------------------


def test_the_descriptor_is_signed_anew_when_it_says_something_else_and_monthly() -> None:
    clock, settings = StoppedClock(), [SchemeSettings(name="Oakvale")]
    descriptor = OwnDescriptor(KEYS.keyring, clock, lambda: settings[0], ["https://oakvale.example"])

    first = descriptor()
    assert descriptor() == first
    body = open_descriptor(first, KEYS.keyring.identity).body
    assert (body.unit, body.minor_per_unit, body.addresses) == ("hours", 60, ("https://oakvale.example",))

    settings[0] = SchemeSettings(
        name="Oakvale Ring", unit_kind="decimal", unit_name="Oak Leaves!", decimals=2
    )
    body = open_descriptor(descriptor(), KEYS.keyring.identity).body
    assert (body.name, body.unit, body.unit_name, body.minor_per_unit) == (
        "Oakvale Ring", "oak-leaves", "Oak Leaves!", 100,
    )  # fmt: skip
    clock.now += 30 * 86_400_000
    assert open_descriptor(descriptor(), KEYS.keyring.identity).body.time == clock.now


# --- Jobs and logs -----------------------------------------------------------------------------------------------


def test_a_job_that_fails_comes_round_again() -> None:
    turns: list[str] = []

    async def fails() -> None:
        turns.append("fails")
        raise RuntimeError("broken")

    async def slow() -> None:
        turns.append("slow")
        await asyncio.sleep(25)

    async def life() -> None:
        jobs = asyncio.ensure_future(run_jobs([Job("fails", 10, fails), Job("slow", 10, slow)]))
        await asyncio.sleep(41)
        jobs.cancel()
        await asyncio.wait({jobs})

    run_virtual(life())

    assert turns.count("fails") == 4
    assert turns.count("slow") == 2  # never a second one beside the first


@pytest.fixture
def written() -> AsyncIterator[io.StringIO]:
    out = io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    set_up_logs("info", "json", out)
    yield out
    root.handlers[:], root.level = before
    structlog.reset_defaults()


def test_logs_hold_events_and_no_secrets(written: io.StringIO) -> None:
    structlog.stdlib.get_logger().info(
        "signed_in", member=7, token="abc", wire=b"\x00" * 9, line=b"\x01" * 32
    )

    (line,) = written.getvalue().splitlines()
    event = json.loads(line)
    assert event.pop("timestamp")
    assert event == {
        "event": "signed_in", "level": "info", "member": 7, "token": "…", "wire": "…", "line": "<32 bytes>",
    }  # fmt: skip


def test_logs_keep_to_one_line_and_to_their_level(written: io.StringIO) -> None:
    structlog.stdlib.get_logger().debug("too_fine")
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("some.library").exception("it said\nthis")
    logging.getLogger("some.library").info("chatter")

    (line,) = written.getvalue().splitlines()
    event = json.loads(line)
    assert (event["event"], event["library"], event["level"]) == ("library", "some.library", "error")
    assert "two\nlines" in event["exception"]


def test_what_peers_say_steers_no_terminal(written: io.StringIO) -> None:
    """An error code of a peer, or its name, may hold what a terminal obeys."""
    try:
        raise ValueError("\x1b]0;owned\x07")
    except ValueError:
        structlog.stdlib.get_logger().exception("failed", reason="\x1b[2J \u202egnorw\u202c caf\u00e9\x9b1m")

    line = written.getvalue()
    assert all(sign.isprintable() for sign in line.rstrip("\n"))
    event = json.loads(line)
    assert event["reason"] == r"\x1b[2J \u202egnorw\u202c café\x9b1m"
    assert r"\x1b]0;owned\x07" in event["exception"]
    assert len(event["exception"].splitlines()) > 2


class FullDisk(io.StringIO):
    """A stream that takes nothing while it is full."""

    full = False

    def write(self, text: str, /) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


async def test_what_is_no_request_is_answered_and_does_not_fill_the_log(written: io.StringIO) -> None:
    """Doubled, broken and endless heads: anybody can send them, as often as they like."""

    async def hello(_request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_get("/", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    for head in (
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nx\r\n\r\n",
        b"GET / HTTP/1.1\r\na: " + b"b" * 9_000 + b"\r\n\r\n",
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head)
        assert (await reader.readline()).startswith(b"HTTP/1.0 400")
        writer.close()
    await runner.cleanup()
    assert written.getvalue() == ""
    logging.getLogger("aiohttp.server").error("Error handling request from %s", "10.0.0.1")
    assert "10.0.0.1" in written.getvalue(), "what is ours to mend is told"


def test_a_log_that_cannot_be_written_stops_nothing_and_says_how_much_is_missing(
    written: io.StringIO,
) -> None:
    out = FullDisk()
    set_up_logs("info", "text", out)
    log = structlog.stdlib.get_logger()
    log.info("before")
    out.full = True
    for _ in range(3):
        log.info("meanwhile")
    out.full = False
    log.info("after")

    events = [line.partition("event=")[2] for line in out.getvalue().splitlines()]
    assert events == ["before", "log_lines_lost count=3", "after"]
