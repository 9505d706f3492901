"""Nodes as processes of their own: started, watched, killed and started again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from aiohttp import ClientError, ClientSession, ClientTimeout

ROOT: Final = Path(__file__).resolve().parent.parent.parent
READY_WITHIN_S: Final = 30.0
ENDS_WITHIN_S: Final = 10.0
ASK_EVERY_S: Final = 0.1
KEPT_LOG_LINES: Final = 25
CONFIG: Final = "interlets.toml"

Answer = TypeVar("Answer")


class Trouble(Exception):
    """A node did not do what it was started for; the text says which, and how its log ends."""


def environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a node: ours, without settings meant for another one."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INTERLETS_")}
    return {**kept, "PYTHONUNBUFFERED": "1", **(extra or {})}


def free_ports(wanted: Iterable[int | None]) -> tuple[int, ...]:
    """Return loopback ports nobody listens on: those wanted where they are free, else any."""
    with ExitStack() as held:
        return tuple(
            held.enter_context(_bound(port or 0) or _bound(0) or _nothing_free()).getsockname()[1]
            for port in wanted
        )


def _bound(port: int) -> socket.socket | None:
    probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # As servers do: a port whose last connections are still being wound up is free.
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind(("127.0.0.1", port))
    except OSError:
        probe.close()
        return None
    return probe


def _nothing_free() -> socket.socket:
    raise Trouble("no loopback port is free")


@dataclass
class NodeProcess:
    """One scheme's node. Its folder holds the configuration, the data and the log."""

    name: str
    folder: Path
    port: int
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def origin(self) -> str:
        """Where its pages are."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def config(self) -> Path:
        """Its configuration file."""
        return self.folder / CONFIG

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of `interlets` for this node."""
        return [sys.executable, "-m", "node", "--config", str(self.config), *arguments]

    async def run(self, *arguments: str) -> Any:
        """Return what a command with --json answers. Raises Trouble."""
        process = await asyncio.create_subprocess_exec(
            *self.command(*arguments, "--json"),
            cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        try:
            return json.loads(out)
        except ValueError:
            said = (err or out).decode(errors="replace").strip()
            raise Trouble(f"{self.name}: interlets {' '.join(arguments)}: {said}") from None

    async def start(self, *, crash_at: str | None = None) -> None:
        """Start it and wait until it serves. `crash_at` names the point at which it shall kill itself."""
        self._spawn({"INTERLETS_CRASH_AT": crash_at} if crash_at else {})
        await self._until_ready()

    def start_to_die(self, crash_at: str) -> None:
        """Start it so that it kills itself at a point that may come before it serves."""
        self._spawn({"INTERLETS_CRASH_AT": crash_at})

    def _spawn(self, extra: dict[str, str]) -> None:
        assert not self.running
        with self._log().open("ab") as log:
            self._process = subprocess.Popen(
                self.command("serve"),
                cwd=ROOT, env=environment(extra), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C at the terminal is for us; we end them in our own order
            )  # fmt: skip

    async def _until_ready(self) -> None:
        until = time.monotonic() + READY_WITHIN_S
        async with ClientSession(timeout=ClientTimeout(total=2)) as session:
            while time.monotonic() < until:
                if not self.running:
                    raise Trouble(f"{self.name} ended instead of serving:\n{self.log_end()}")
                try:
                    async with session.get(f"{self.origin}/readyz") as response:
                        if response.status == 200:
                            return
                except (ClientError, TimeoutError):
                    pass  # not listening yet
                await asyncio.sleep(ASK_EVERY_S)
        raise Trouble(f"{self.name} does not serve after {READY_WITHIN_S:.0f} s:\n{self.log_end()}")

    async def died(self, within_s: float) -> bool:
        """Tell whether it kills itself by SIGKILL within this time."""
        assert self._process is not None
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            if self._process.poll() is not None:
                return self._process.returncode == -signal.SIGKILL
            await asyncio.sleep(ASK_EVERY_S)
        return False

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None and self.running:
            self._process.kill()
            self._process.wait()

    def ask_to_end(self) -> None:
        """Ask it to end, without waiting."""
        if self._process is not None and self.running:
            self._process.terminate()

    def wait_for_end(self) -> None:
        """Wait until it has ended as asked; one that does not is killed, and that is trouble."""
        if self._process is None:
            return
        try:
            self._process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Trouble(f"{self.name} did not end when asked:\n{self.log_end()}") from None

    async def stop(self) -> None:
        """End it cleanly."""
        self.ask_to_end()
        await asyncio.to_thread(self.wait_for_end)

    def _log(self) -> Path:
        return self.folder / "serve.log"

    def log_end(self) -> str:
        """Return the last lines of its log."""
        if not self._log().exists():
            return "(no log)"
        return "\n".join(self._log().read_text(errors="replace").splitlines()[-KEPT_LOG_LINES:])


def end_all(nodes: Iterable[NodeProcess]) -> None:
    """End all of them, together."""
    nodes = list(nodes)
    for node in nodes:
        node.ask_to_end()
    for node in nodes:
        node.wait_for_end()


async def until(
    ask: Callable[[], Awaitable[Answer | None]], what: str, within_s: float, every_s: float = ASK_EVERY_S
) -> Answer:
    """Return the first answer that is true. Raises Trouble if none came in time."""
    end = time.monotonic() + within_s
    while True:
        answer = await ask()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Trouble(f"not within {within_s:.0f} seconds: {what}")
        await asyncio.sleep(every_s)
