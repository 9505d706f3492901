"""The life of one scheme in its process: it wakes, opens its books, serves, and ends; where it fails it begins again.

What fails here is this scheme's own: others of the process serve on. Source: decision 63; docs/operating.md.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final

import structlog

from node.app import HOUR_S, Node
from node.cli.admin import CannotDo, admin_app, is_running
from node.cli.verify import moment
from node.clock import SystemChance, SystemClock
from node.config import Config, ConfigError
from node.doors import command_door, discovery, public_app, watching
from node.early import wake
from node.findings import State as Weight
from node.health import findings_of
from node.hosting.front import Place
from node.jobs import Job
from node.keyfiles import KeysUnusable
from node.moved import read_moved
from node.opening import Lodging, open_node
from node.store import StoreError
from node.web.render import Renderer
from node.web.weekly import LOOK_EVERY_S as WRITE_EVERY_S
from node.web.weekly import Weekly

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

# Before a scheme that failed begins again: what mends itself does so at once or takes long.
PAUSE_S: Final = 10.0
PAUSE_MAX_S: Final = 600.0
WHY_CHARACTERS_MAX: Final = 300
KNOWN: Final = (CannotDo, ConfigError, KeysUnusable, StoreError)  # what says in its own words what is wrong


class State(enum.StrEnum):
    """What a scheme is doing."""

    STARTS = "starts"  # or waits for newer books of its own
    RUNS = "runs"
    MOVED = "moved"  # shows the page that says so
    FAILED = "failed"  # and begins again
    PAUSED = "paused"  # its folder is free, until somebody says that it goes on
    ENDED = "ended"


class Life:
    """One scheme of a process. `run` until `stop`; a failure of a `lone` one ends it with that error."""

    def __init__(
        self, name: str, place: Place, config: Callable[[], Config], lodging: Lodging, *, renderer: Renderer,
        newborn: bool = False, lone: Callable[[], bool] = lambda: False, changed: Callable[[], None] = lambda: None,
        pause_s: float = PAUSE_S,
    ):  # fmt: skip
        """`config` reads its configuration anew; a `newborn` was founded a moment ago, so nobody has newer books of it.

        `changed` is called when it serves, and when it failed.
        """
        self.name: Final = name
        self.place: Final = place
        self.state = State.STARTS
        self.why = ""
        self.node: Node | None = None
        self.troubles = 0  # problems at the last look
        self.tried: Final = asyncio.Event()  # it runs, or it is known why not
        self.awake = False  # it serves, or shows where it went
        self.ended: Final = asyncio.Event()
        self._config: Final = config
        self._lodging: Final = lodging
        self._renderer: Final = renderer
        self._newborn = newborn
        self._lone: Final = lone
        self._changed: Final = changed
        self._pause_s: Final = pause_s
        self._stopping: Final = asyncio.Event()
        self._goes_on_later = False

    def stop(self, *, for_a_while: bool = False) -> None:
        """Let it end; `ended` is set when it has. Where that is for a while, its place stays its own."""
        self._goes_on_later = for_a_while
        self._stopping.set()

    async def run(self) -> None:
        """Live until `stop`. Raises whatever ended a lone scheme."""
        pause_s = self._pause_s
        if self.name:
            structlog.contextvars.bind_contextvars(
                hosted=self.name
            )  # in every line of the log that its tasks write
        try:
            while not self._stopping.is_set():
                self.state, self.why = State.STARTS, ""
                self.place.coming()
                try:
                    await self._live()
                except Exception as error:
                    if self._lone():
                        raise
                    if self.awake:
                        pause_s = self._pause_s
                    self._note_failure(error, pause_s)
                    await self._unless_stopped(asyncio.sleep(pause_s))
                    pause_s = min(2 * pause_s, PAUSE_MAX_S)
        finally:
            self.state = State.PAUSED if self._goes_on_later else State.ENDED
            self.place.away()
            self.tried.set()
            self.ended.set()

    def _note_failure(self, error: Exception, pause_s: float) -> None:
        first = first_of(error)
        self.state, self.why, self.awake = State.FAILED, reason_of(first), False
        log.error(
            "scheme_failed", reason=self.why, again_in_s=pause_s, exc_info=None if isinstance(first, KNOWN) else error
        )  # fmt: skip
        self.place.away()
        self.tried.set()
        self._changed()

    async def _unless_stopped(self, work: Coroutine[Any, Any, object]) -> bool:
        """Do `work`; False if the scheme is to end before it is done. Raises what it raises, in a group."""
        async with asyncio.TaskGroup() as tasks:
            working, stopping = tasks.create_task(work), tasks.create_task(self._stopping.wait())
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            done = working.done()
            for task in (working, stopping):
                task.cancel()
        return done

    # --- one life ----------------------------------------------------------------------------------------------

    async def _live(self) -> None:
        config = await asyncio.to_thread(self._config)
        if is_running(config.node.data_dir):
            raise CannotDo(f"a node is running on {config.node.data_dir} already")
        moved = read_moved(config.node.data_dir)
        if moved is not None:
            # A page that most nodes never show.
            from node.web.gone import moved_app

            async with self.place.showing(moved_app(moved)):
                log.warning("scheme_has_moved", address=moved.address)
                self._is_there(State.MOVED)
                await self._stopping.wait()
            return
        if not self._newborn and not await self._unless_stopped(
            wake(config, self.place.showing, self._lodging)
        ):
            return
        self._newborn = False
        async with open_node(config, self._lodging) as node:
            self._add_jobs(node, config)
            self.node = node
            try:
                await self._serve(node, config)
            finally:
                self.node = None

    async def _serve(self, node: Node, config: Config) -> None:
        async with asyncio.TaskGroup() as tasks:
            ready = asyncio.Event()
            running = tasks.create_task(node.run(ready.set))
            await ready.wait()
            async with (
                command_door(admin_app(node), config.node.data_dir),
                self.place.showing(public_app(node, self._renderer)),
                watching(node, config),
                discovery(node, config, wanted=not self._lodging.hosted),
            ):
                log.info("serving", address=config.node.origin)
                self._is_there(State.RUNS)
                stopping = tasks.create_task(self._stopping.wait())
                await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
                stopping.cancel()
                await node.stop()
        log.info("stopped", address=config.node.origin)

    def _is_there(self, state: State) -> None:
        self.state, self.awake = state, True
        self.tried.set()
        self._changed()

    def _add_jobs(self, node: Node, config: Config) -> None:
        _back_up_regularly(node, config)
        node.jobs.append(Job("weekly-mail", WRITE_EVERY_S, Weekly(node).look))
        node.jobs.append(Job("tell-troubles", HOUR_S, partial(self._look_for_trouble, node)))

    async def _look_for_trouble(self, node: Node) -> None:
        """Look at everything once, and let admins know what needs mending."""
        findings = await findings_of(node, moment)
        self.troubles = sum(each.state is Weight.PROBLEM for each in findings)
        await node.troubles.take(findings)


def first_of(error: BaseException) -> BaseException:
    """Return what a group of tasks ended with."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def reason_of(error: BaseException) -> str:
    """Return in one line why a scheme does not run, for whoever looks after the machine."""
    said = "; ".join(error.problems) if isinstance(error, ConfigError) else str(error)
    fault = (
        "" if isinstance(error, KNOWN) else f"a fault of the program, see the log: {type(error).__name__} "
    )
    return (fault + said)[:WHY_CHARACTERS_MAX]


def _back_up_regularly(node: Node, config: Config) -> None:
    """Let the node make a backup a day, where a folder for them is named."""
    if config.backup.folder is None:
        return
    # Only where it is wanted: a node without it starts sooner.
    from node.backup.configured import rule_of, source_of
    from node.backup.regular import LOOK_EVERY_S, RegularBackups

    source, rule = source_of(config, node.keyring), rule_of(config)
    backups = RegularBackups(source, config.backup.folder, rule, SystemClock(), SystemChance())
    node.jobs.append(Job("back-up", LOOK_EVERY_S, backups.make_when_due))
    node.backing_up.made_by(backups.make_now)
