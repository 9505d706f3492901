"""Commands that read or write the node's data: given to the running node, or done on its closed database.

The running node answers on a socket file in its data directory, which only its owner can reach. Two processes
never write one database: whoever finds it in use and nobody answering does nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from node.config import Config

if TYPE_CHECKING:
    from aiohttp import web

    from node.app import Node

SOCKET: Final = "admin.sock"
# Of a node that waits for newer books of its own and answers no commands yet: why, and that it need not any longer.
WAITING: Final = "waiting-for-newer-books"
GO_ON: Final = "go-on-without-newer-books"
# sun_path of Linux has 108 bytes with its end.
SOCKET_PATH_BYTES_MAX: Final = 100
ANSWER_TIMEOUT_S: Final = 60.0
REQUEST_BYTES_MAX: Final = 64 * 1024


class CannotDo(Exception):
    """A command that was refused; the text says why, in plain words."""


@contextmanager
def socket_path(data_dir: Path, name: str = SOCKET) -> Iterator[str]:
    """Give the path of a socket, in a form short enough for the system."""
    path = str(data_dir / name)
    if len(path.encode()) <= SOCKET_PATH_BYTES_MAX:
        yield path
        return
    folder = os.open(data_dir, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{name}"
    finally:
        os.close(folder)


def is_running(data_dir: Path, name: str = SOCKET) -> bool:
    """Tell whether a node answers on the socket of this data directory."""
    if not (data_dir / name).is_socket():
        return False
    with socket_path(data_dir, name) as path, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
        return True


def ask(config: Config, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a command, from the running node or by opening its data. Raises CannotDo."""
    if is_running(config.node.data_dir):
        return asyncio.run(ask_socket(config.node.data_dir, command, arguments))
    return asyncio.run(_do_here(config, command, arguments))


async def ask_socket(
    data_dir: Path, command: str, arguments: dict[str, Any], name: str = SOCKET
) -> dict[str, Any]:
    """Return what answers a command on a socket. Raises CannotDo."""
    from aiohttp import ClientError, ClientSession, ClientTimeout, UnixConnector

    with socket_path(data_dir, name) as path:
        timeout = ClientTimeout(total=ANSWER_TIMEOUT_S)
        try:
            async with (
                ClientSession(connector=UnixConnector(path), timeout=timeout) as session,
                session.post(f"http://node/{command}", json=arguments) as response,
            ):
                answer = await response.json()
        except (ClientError, TimeoutError, ValueError) as error:
            raise CannotDo(f"the running node gave no answer: {type(error).__name__} {error}") from None
    if response.status != HTTPStatus.OK:
        raise CannotDo(str(answer.get("error", "the running node refused")))
    result: dict[str, Any] = answer
    return result


async def _do_here(config: Config, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
    from node.cli.commands import COMMANDS, READING

    async with closed_node(config) as node:
        if command not in READING:
            await node.note_start()
        return await COMMANDS[command](node, **arguments)


@asynccontextmanager
async def closed_node(config: Config) -> AsyncIterator[Node]:
    """Open a node's data without serving; nobody else can meanwhile. Raises StoreInUse, KeysUnusable."""
    from node.opening import open_node

    async with open_node(config) as node:
        yield node


# --- The running node's side -------------------------------------------------------------------------------------


def admin_app(node: Node) -> web.Application:
    """Return what answers on the socket."""
    from node.cli.commands import COMMANDS

    return answering({name: partial(command, node) for name, command in COMMANDS.items()})


def answering(commands: Mapping[str, Callable[..., Awaitable[dict[str, Any]]]]) -> web.Application:
    """Return what answers these commands on a socket."""
    from aiohttp import web

    async def answer(request: web.Request) -> web.Response:
        command = commands.get(request.match_info["command"])
        if command is None:
            return web.json_response({"error": "the running node does not know this command"}, status=404)
        try:
            arguments = await request.json()
            return web.json_response(await command(**arguments))
        except CannotDo as error:
            return web.json_response({"error": str(error)}, status=409)
        except (json.JSONDecodeError, TypeError) as error:
            # Another release's command line: it says what this one would not understand.
            return web.json_response({"error": f"not a command of this release: {error}"}, status=400)

    app = web.Application(client_max_size=REQUEST_BYTES_MAX)
    app.router.add_post("/{command}", answer)
    return app
