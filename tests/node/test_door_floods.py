"""A real node process under callers who send as fast as they can: it answers others, and its memory stays bounded.

Attacks T18, T34; rules 0.5, 9.3; I14. Loopback only, bounded in bytes and time.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientSession, ClientTimeout

from node.federation.caller import PEER_PATH
from tests.conftest import EVERYTHING
from tests.node.test_cli import Machine, init

FRAMES = 1_000_000 if EVERYTHING else 100_000
BATCH = 1_000
FLOOD_S = 20.0
# What one flood may take: far below what it sends, and room for the allocator's habits.
GROWTH_MIB = 48
ANSWERED_WITHIN_S = 5.0
MASK = b"\x01\x02\x03\x04"


@dataclass
class Serving:
    machine: Machine
    process: subprocess.Popen[bytes]

    @property
    def memory_mib(self) -> float:
        """Return what the process has in memory now."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise AssertionError("no VmRSS")

    async def answers(self) -> float:
        """Return how long a page takes, in seconds."""
        began = time.monotonic()
        async with (
            ClientSession(timeout=ClientTimeout(total=ANSWERED_WITHIN_S)) as session,
            session.get(f"http://127.0.0.1:{self.machine.port}/") as answer,
        ):
            assert answer.status == 200
            await answer.read()
        return time.monotonic() - began

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.machine.port)

    async def upgrade(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open the WebSocket of sessions by hand."""
        reader, writer = await self.connect()
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET {PEER_PATH} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in head.split(b"\r\n")[0], head
        return reader, writer


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    machine, _ = init(tmp_path_factory.mktemp("oakvale"))
    with (machine.folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "node", "serve"], cwd=machine.folder, env=machine.environment({}), stdout=log,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        machine.until_ready(process)  # type: ignore[arg-type]  # its pipes are not read
        yield Serving(machine, process)
        assert process.poll() is None, "it lived through all of it"
        told = (machine.folder / "log").read_text()
        at = told.find("Traceback")
        assert at < 0, told[max(0, at - 500) : at + 4000]
    finally:
        process.kill()
        process.wait()


def masked(opcode: int, data: bytes, *, final: bool = True) -> bytes:
    """Return a small WebSocket frame as clients send it."""
    assert len(data) < 126
    head = bytes([(0x80 if final else 0) | opcode, 0x80 | len(data)])
    return head + MASK + bytes(byte ^ MASK[at % 4] for at, byte in enumerate(data))


async def flood(node: Serving, first: bytes, unit: bytes) -> None:
    """Send `first`, then `unit` again and again, until all is sent, the node hangs up, or time is over."""
    before = node.memory_mib
    await node.answers()
    _reader, writer = await node.upgrade()
    writer.write(first)
    slowest = 0.0

    async def send() -> None:
        try:
            async with asyncio.timeout(FLOOD_S):
                for _ in range(FRAMES // BATCH):
                    writer.write(unit * BATCH)
                    await writer.drain()
        except (OSError, TimeoutError):
            pass  # it hung up, or reads no more

    sending = asyncio.ensure_future(send())
    highest = before
    while not sending.done():
        slowest = max(slowest, await node.answers())
        highest = max(highest, node.memory_mib)
        await asyncio.sleep(0.05)
    writer.transport.abort()
    assert slowest < ANSWERED_WITHIN_S
    assert highest - before < GROWTH_MIB, f"{before:.0f} MiB became {highest:.0f}"


@pytest.mark.parametrize(
    "first, unit",
    [
        (b"", masked(2, b"\xc0")),
        (b"", masked(2, b"")),
        (b"", masked(1, b"a")),
        (b"", masked(9, b"")),  # pings
        (b"", masked(10, b"x")),  # pongs nobody asked for
        (masked(2, b"a", final=False), masked(0, b"", final=False)),  # a message in endless pieces of nothing
        (masked(2, b"a", final=False), masked(0, b"b", final=False)),
        (b"", b"\x00"),
    ],
    ids=["nil", "empty", "text", "pings", "pongs", "pieces of nothing", "pieces", "no frames"],
)  # fmt: skip
async def test_very_many_tiny_frames_cost_others_nothing(node: Serving, first: bytes, unit: bytes) -> None:
    await flood(node, first, unit)


@pytest.mark.parametrize(
    "sent",
    [
        bytes([0x82, 0xFF]) + (2**62).to_bytes(8) + MASK + b"a" * 1_000,  # a frame that says it is huge
        bytes([0x82, 0xFE]) + (60_000).to_bytes(2) + MASK + b"a" * 1_000,  # one that never comes to its end
        masked(2, b"\xdd\xff\xff\xff\xff" + b"\xc0" * 100),  # an array that says it has four milliards of elements
        masked(2, b"\x91" * 120),  # arrays in arrays
        masked(2, b"\xc6\xff\xff\xff\xff"),
        bytes([0xC2, 0x85]) + MASK + b"zzzzz",  # compressed, which nobody agreed on
        bytes([0x82, 0x05]) + b"plain",  # not masked, as no client may
    ],
    ids=["huge", "never whole", "huge array", "deep", "huge bytes", "compressed", "unmasked"],
)  # fmt: skip
async def test_a_frame_that_lies_is_hung_up_on(node: Serving, sent: bytes) -> None:
    before = node.memory_mib
    reader, writer = await node.upgrade()
    writer.write(sent)
    async with asyncio.timeout(30):  # the longest a handshake may take, and more
        while await reader.read(10_000):
            pass
    writer.close()
    assert node.memory_mib - before < GROWTH_MIB
    await node.answers()


async def test_a_body_that_unpacks_to_very_much_is_not_unpacked(node: Serving) -> None:
    before = node.memory_mib
    bomb = gzip.compress(b"place=" + b"a" * 200_000_000, 9)
    async with ClientSession() as session, session.post(
        f"http://127.0.0.1:{node.machine.port}/join", data=bomb,
        headers={"Content-Encoding": "gzip", "Content-Type": "application/x-www-form-urlencoded"},
    ) as answer:  # fmt: skip
        assert 400 <= answer.status < 500
        await answer.read()
    assert node.memory_mib - before < GROWTH_MIB


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/interlets?" + "a" * 7_000,
        "/v1/identity/" + "a" * 7_000,
        "/v1/identity/lets1?after=" + "9" * 5_000,
        "/v1/identity/lets1%00",
        "/v1/identity/%ff%fe",
        "/v1/peer",
        "/v1/nothing",
    ],
)
async def test_strange_questions_of_other_nodes_get_a_short_answer(node: Serving, path: str) -> None:
    from yarl import URL

    async with (
        ClientSession() as session,
        session.get(URL(f"http://127.0.0.1:{node.machine.port}{path}", encoded=True)) as answer,
    ):
        assert answer.status < 500
        assert len(await answer.read()) < 20_000
