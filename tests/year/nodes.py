"""The nodes of the year: real processes, whose clocks are moved together."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from node.clock import SystemClock
from scripts.town.processes import ROOT, NodeProcess, environment, until
from tests.year.later import taken_file

LINK: Final = re.compile(r"http://127\.0\.0\.1:\d+/set-up/link/\S+")
TAKES_WITHIN_S: Final = 30.0


@dataclass
class MovedProcess(NodeProcess):
    """A node under the moved clock. `moment` is the file that says how wrong it is."""

    moment: Path = field(default_factory=Path)
    next_release: bool = False

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of `interlets` for this node, under the moved clock."""
        later = [sys.executable, "-m", "tests.year.later", str(self.moment)]
        newer = ["--next-release"] if self.next_release else []
        return [*later, *newer, "--config", str(self.config), *arguments]

    async def set_up(self) -> str:
        """Start `interlets set-up` on the empty folder, and return the link it prints."""
        log = self.folder / "serve.log"
        with log.open("ab") as out:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - it goes on when this is over
                self.command("set-up", "--data-dir", str(self.folder / "data"), "--port", str(self.port), "--lan"),
                cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip

        async def printed() -> str:
            found = LINK.search(log.read_text(errors="replace"))
            return found[0] if found else ""

        return await until(printed, "a link from interlets set-up", 30)

    async def wake(self) -> None:
        """Let the process look at the clock again, and wait until it did."""
        if self._process is None or not self.running:
            return
        said, taken = self.moment.read_text(), taken_file(self.moment, self._process.pid)
        os.kill(self._process.pid, signal.SIGUSR1)

        async def took() -> bool:
            return taken.exists() and taken.read_text() == said

        await until(took, f"{self.name} follows the clock", TAKES_WITHIN_S, 0.01)


@contextmanager
def clock_of(moment: Path) -> Iterator[None]:
    """Let this process, too, be at the moment of the nodes, for what it writes into one that does not run yet."""
    before, shift = SystemClock.now_ms, int(moment.read_text())

    def now_ms(self: SystemClock) -> int:
        return time.time_ns() // 1_000_000 + shift

    SystemClock.now_ms = now_ms  # type: ignore[method-assign]
    try:
        yield
    finally:
        SystemClock.now_ms = before  # type: ignore[method-assign]


def _say(moment: Path, at_ms: int) -> None:
    moment.write_text(str(at_ms - time.time_ns() // 1_000_000))


async def move_to(moment: Path, at_ms: int, nodes: Iterable[MovedProcess] = ()) -> None:
    """Let it be `at_ms` for all of `nodes`."""
    _say(moment, at_ms)
    for node in nodes:
        await node.wake()
