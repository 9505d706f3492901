"""A house with several schemes on disk and over loopback, for the tests of hosting: each is a folder, the process is this one."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from click.testing import CliRunner

from crypto.keyfile import Cost
from node.app import Node
from node.cli.hosted import ask_house
from node.cli.main import cli
from node.clock import SystemChance, SystemClock
from node.config import load
from node.hosting.front import Front
from node.hosting.house import House
from node.hosting.life import Life, State
from node.hosting.roster import HOUSE, Hosted, write_roster
from node.keyfiles import make_keys
from node.services.acts import OPERATOR, Role
from node.services.members import Member, NewMember

CHEAP = Cost(memory_kib=8, iterations=1, lanes=1)
PATIENCE_S = 30.0


@dataclass
class Folder:
    """One scheme on disk."""

    path: Path
    address: str
    words: tuple[str, ...] = ()

    @property
    def config(self) -> Path:
        return self.path / "interlets.toml"

    @property
    def data_dir(self) -> Path:
        return self.path / "data"

    def hosted(self, name: str) -> Hosted:
        return Hosted(name=name, address=self.address, folder=self.path)


def write_config(path: Path, name: str, address: str, port: int) -> Folder:
    """Write the configuration of a scheme that is not there yet."""
    path.mkdir(parents=True)
    folder = Folder(path, address)
    folder.config.write_text(
        f'[scheme]\nname = "{name}"\n[node]\ndata_dir = "data"\nlisten_port = {port}\npublic_address = "{address}"\n'
        "[federation]\nallow_lan_addresses = true\n"
    )
    return folder


def make_folder(path: Path, name: str, address: str, port: int) -> Folder:
    """Make a scheme with keys, as `init` does, but cheap ones."""
    folder = write_config(path, name, address, port)
    now_ms = SystemClock().now_ms()
    _, folder.words = make_keys(folder.data_dir, "apples keep all winter", SystemChance(), now_ms, cost=CHEAP)
    return folder


class Answer(NamedTuple):
    """What came back over a socket."""

    status: int
    text: str
    cookies: dict[str, str]


@dataclass
class Street:
    """A running house at a port of loopback."""

    house: House
    own: Folder
    port: int
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def life(self, name: str = HOUSE) -> Life:
        return self.house._lives[name]

    def node(self, name: str = HOUSE) -> Node:
        node = self.life(name).node
        assert node is not None, f"{name} does not run"
        return node

    async def until_runs(self, *names: str) -> None:
        for name in names:
            await until(
                lambda name=name: name in self.house._lives and self.life(name).state is State.RUNS,
                f"{name} runs",
            )  # type: ignore[misc]  # a lambda with a default

    async def raw(self, request: str) -> Answer:
        """Send bytes as they are, and read until the other side has nothing more to say."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request.encode("latin-1"))
        async with asyncio.timeout(PATIENCE_S):
            data = (await reader.read()).decode("utf-8", "replace")
        writer.close()
        head, _, body = data.partition("\r\n\r\n")
        set_cookies = dict(re.findall(r"(?im)^set-cookie: ([^=]+)=([^;]*)", head))
        return Answer(int(head.split(" ", 2)[1]) if head else 0, head + body, set_cookies)

    async def get(self, host: str, path: str = "/", **headers: str) -> Answer:
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        return await self.raw(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{lines}Connection: close\r\n\r\n")

    async def post(self, host: str, path: str, body: str, **headers: str) -> Answer:
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        return await self.raw(
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\n{lines}Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
        )

    async def ask(self, command: str, **arguments: str) -> None:
        """Ask the process on its own socket, as commands do."""
        await asyncio.to_thread(ask_house, load(self.own.config, {}), command, **arguments)

    async def run(self, *command: str, status: int = 0) -> str:
        """Run a command beside the process, as on the same machine."""
        done = await asyncio.to_thread(CliRunner().invoke, cli, ["--config", str(self.own.config), *command])
        assert done.exit_code == status, (command, done.output, done.exception)
        return done.output


@asynccontextmanager
async def running(own: Folder, listening: socket.socket, pause_s: float = 0.05) -> AsyncIterator[Street]:
    """Serve a machine's own scheme and all that its list names, until the block ends."""
    async with Front(listening) as front, asyncio.TaskGroup() as tasks:
        street = Street(House(load(own.config, {}), front, pause_s=pause_s), own, listening.getsockname()[1])
        serving = tasks.create_task(street.house.run(street.stopping))
        try:
            await until(
                lambda: (
                    serving.done()
                    or (
                        bool(street.house._lives)
                        and all(each.tried.is_set() for each in street.house._lives.values())
                    )
                ),
                "all were tried",
            )
            yield street
        finally:
            street.stopping.set()
            async with asyncio.timeout(PATIENCE_S):
                await serving


@asynccontextmanager
async def house_of(folder: Path, *names: str) -> AsyncIterator[tuple[Street, dict[str, Folder]]]:
    """Serve Oakvale and the schemes of these names beside it, at NAME.localhost; return their folders too."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    folders = {HOUSE: make_folder(folder / "house", "Oakvale", f"http://127.0.0.1:{port}", port)}
    for name in names:
        folders[name] = make_folder(folder / name, name.title(), f"http://{name}.localhost:{port}", port)
    write_roster(folders[HOUSE].data_dir, [folders[name].hosted(name) for name in names])
    async with running(folders[HOUSE], listening) as street:
        yield street, folders


async def until(ready: Callable[[], bool | Awaitable[bool]], what: str) -> None:
    """Wait for something that happens by itself."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                answer = ready()
                if answer is True or (answer is not False and await answer):
                    return
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"in vain: {what}") from None


async def join(node: Node, name: str, role: Role = Role.MEMBER) -> Member:
    return await node.people.add(OPERATOR, NewMember(name=name, role=role))
