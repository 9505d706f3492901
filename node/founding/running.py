"""The process of `interlets set-up`: a door for whoever holds the link, and then the node itself behind the same address.

Pages that show a recovery sheet leave this machine only over `https`: without such an address it listens to itself alone.
Source: docs/operating.md; docs/decisions/0053-a-scheme-is-founded-whole.md.
"""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from node.cli.admin import CannotDo
from node.clock import SystemChance, SystemClock
from node.config import Config, load
from node.doors import listen, started
from node.doorstep import Doorstep
from node.founding.door import SetUp, make_app
from node.founding.making import absolute, finish, refuse_second
from node.logs import set_up_logs
from node.serving import end_at_signals, loop_factory, serve
from protocol.descriptor import parse_address
from protocol.errors import InvalidValue

Say = Callable[[str], None]
LOCAL_NAMES: Final = ("localhost",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the command line says about where a new scheme is to be."""

    target: Path
    data_dir: Path
    host: str
    port: int
    public_address: str = ""
    lan: bool = False

    @property
    def origin(self) -> str:
        """The address the pages are opened at."""
        return self.public_address.rstrip("/").lower() or f"http://{self.host}:{self.port}"


def check_address(machine: Machine) -> None:
    """Raises CannotDo: pages with secrets would cross a network in the clear."""
    if machine.public_address:
        try:
            parse_address(machine.origin)
        except InvalidValue as error:
            raise CannotDo(f"--public-address: {error}") from None
    if not (machine.origin.startswith("https://") if machine.public_address else is_loopback(machine.host)):
        raise CannotDo(
            "the pages show the recovery sheet: open them on this machine (--host 127.0.0.1; from elsewhere with"
            f" “ssh -L {machine.port}:127.0.0.1:{machine.port}”), or through a web server, with --public-address https://…"
        )


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches what listens there."""
    if host in LOCAL_NAMES:
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def set_up_forever(machine: Machine, say: Say) -> None:
    """Ask for a new scheme on pages, make it, and serve it until a signal ends it. Raises CannotDo, as serving does."""
    data_dir = absolute(machine.data_dir)
    check_address(machine)
    try:
        done = finish(machine.target, data_dir)
    except OSError as error:
        raise CannotDo(f"{data_dir} cannot be written: {error.strerror or error}") from None
    if done:
        raise CannotDo(
            "the scheme that was begun here is whole now: “interlets serve” starts it, “interlets user link NAME” logs its organiser in"
        )
    refuse_second(machine.target, data_dir)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_set_up(machine, say))


async def _set_up(machine: Machine, say: Say) -> None:
    with listen(machine.host, machine.port) as listening:
        if not await ask(machine, say, listening):
            return
        config: Config = load(machine.target)
        set_up_logs(config.log.level, config.log.form)
        gc.disable()  # as at every start, until it serves
        await serve(config, listening.dup())


async def ask(machine: Machine, say: Say, listening: socket.socket) -> bool:
    """Show the pages until there is a scheme that is to be started; False if a signal ended it before."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    end_at_signals(ended.set)
    founders = SetUp(machine.target, machine.data_dir, machine.host, machine.port, machine.public_address, machine.lan,
                     origin=machine.origin, chance=SystemChance(), clock=SystemClock(), say=say, ended=ended)  # fmt: skip
    doorstep = Doorstep()
    runner = await started(make_app(founders, doorstep.middleware))
    assert runner.server is not None, "it was set up a moment ago"
    # A second name of the socket: this one is closed, and whoever comes in between waits in line.
    server = await loop.create_server(partial(doorstep.protocol, runner.server), sock=listening.dup())
    founders.stop_taking = server.close
    say("Open this link in a browser. It opens once, and makes your scheme:")
    say(founders.link_address())
    try:
        await ended.wait()
    finally:
        server.close()
        await runner.cleanup()
        await founders.close()
    return founders.start
