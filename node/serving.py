"""The process of `interlets serve`: its beginning and its end. What it serves is in `hosting/`. Source: docs/operating.md.

SIGTERM and SIGINT end it cleanly within two seconds: sessions are closed, requests under way are answered, what
was recorded is durable already.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Callable
from typing import Final

from node import crash
from node.cli.admin import CannotDo, is_running
from node.config import Config
from node.doors import listen
from node.hosting.front import Front
from node.hosting.house import SOCKET, House
from node.logs import set_up_logs
from node.notify import notify

NEW_OBJECTS_MAX: Final = 10_000  # before one looks for garbage among them: about a megabyte


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
    if is_running(config.node.data_dir) or is_running(config.node.data_dir, SOCKET):
        raise CannotDo(f"a node is running on {config.node.data_dir} already")
    # Before anything else: an occupied port is the most likely trouble.
    listening = founded or listen(config.node.listen_host, config.node.listen_port)
    stopping = asyncio.Event()

    def end() -> None:
        notify("STOPPING=1")
        stopping.set()

    end_at_signals(end)
    async with Front(listening) as front:
        await House(config, front, newborn=founded is not None, ready=_serving).run(stopping)


def _serving() -> None:
    collect_less()
    gc.enable()
    notify("READY=1")


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
