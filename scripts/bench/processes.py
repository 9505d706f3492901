"""Processes of a benchmark: each serves orders that come as lines of JSON, one answer for each order."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

ROOT: Final = Path(__file__).resolve().parents[2]
LINE_BYTES_MAX: Final = 1 << 22

Order = Callable[..., Awaitable[Any]]


class Child:
    """A process running one module of this folder. Use it as `async with Child(…) as child`."""

    def __init__(self, module: str, **settings: Any):
        self._command: Final = (sys.executable, "-m", f"scripts.bench.{module}", json.dumps(settings))

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE_BYTES_MAX,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()  # the end of its orders is its end
        try:
            async with asyncio.timeout(5):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    async def ask(self, order: str, **arguments: Any) -> Any:
        """Give an order and return its answer. Raises RuntimeError if it failed there."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps({"order": order, **arguments}).encode() + b"\n")
        await stdin.drain()
        line = await stdout.readline()
        answer = json.loads(line) if line else {"error": "the process has ended"}
        if "error" in answer:
            raise RuntimeError(f"{self._command[2]} {order}: {answer['error']}")
        return answer["answer"]


async def serve_orders(orders: Mapping[str, Order]) -> None:
    """Carry out orders from standard input until it ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LINE_BYTES_MAX)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        asked = json.loads(line)
        try:
            answer = {"answer": await orders[asked.pop("order")](**asked)}
        except Exception as error:  # noqa: BLE001 - told to the parent, which ends the benchmark
            answer = {"error": repr(error)}
        print(json.dumps(answer), flush=True)


def run_process(main: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """Run `main` with the settings of the command line, on uvloop where they say so."""
    settings = json.loads(sys.argv[1])
    factory = None
    if settings.pop("uvloop", True):
        # Only here: some processes are measured without it.
        import uvloop

        factory = uvloop.new_event_loop

    async def begin() -> None:
        await main(settings)

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(begin())


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback address that nobody uses now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
