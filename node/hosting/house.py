"""The process of `interlets serve`: the machine's own scheme and those it hosts, each with a life of its own.

The list of them is read at the start, and again when a command says so: a scheme is added or taken off while the others serve.
Source: decision 63; docs/operating.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import structlog

from node.app import Beside
from node.cli.admin import CannotDo, answering
from node.config import Config, ConfigError
from node.doors import command_door, lan_addresses
from node.hosting.front import Front
from node.hosting.hosts import Name, names_of
from node.hosting.life import PAUSE_S, Life, State, first_of
from node.hosting.roster import HOUSE, Hosted, config_of_hosted, names_of_config, read_roster
from node.opening import Lodging
from node.web.assets import Assets
from node.web.render import Renderer
from protocol.errors import InvalidValue

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

SOCKET: Final = "house.sock"
# A scheme that was added has this long to start before the command is answered: it asks neighbours for 20 s at most.
TRY_S: Final = 40.0
END_S: Final = 10.0


class House:
    """All schemes of one process. `run` until `stopping` is set."""

    def __init__(
        self, config: Config, front: Front, *, newborn: bool = False, ready: Callable[[], None] = lambda: None,
        pause_s: float = PAUSE_S,
    ):  # fmt: skip
        """`ready` is called once when the first scheme serves."""
        self._config: Final = config
        self._front: Final = front
        self._newborn: Final = newborn
        self._ready: Final = ready
        self._pause_s: Final = pause_s
        self._renderer: Final = Renderer(Assets())
        self._lives: Final[dict[str, Life]] = {}
        self._listed: dict[str, Hosted] = {}
        self._one_at_a_time: Final = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._told = False

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve all. Raises CannotDo: the list cannot be used; whatever ended the machine's own scheme, where it is the only one."""
        self._stopping = stopping
        roster = read_roster(self._config.node.data_dir)
        try:
            async with asyncio.TaskGroup() as tasks:
                self._begin_own(tasks)
                for each in roster:
                    self._begin(tasks, each)
                if not self._config.node.data_dir.is_dir():
                    await self._until_stopped()  # its own scheme says what is missing
                    return
                commands: dict[str, Callable[..., Awaitable[dict[str, Any]]]] = {
                    "schemes": self._said,
                    "look-again": partial(self._look_again, tasks),
                    "pause": self._pause,
                }
                async with command_door(answering(commands), self._config.node.data_dir, SOCKET):
                    await self._until_stopped()
        except BaseExceptionGroup as group:
            raise first_of(group) from None

    async def _until_stopped(self) -> None:
        await self._front.open()
        await self._stopping.wait()
        for life in self._lives.values():
            life.stop()

    def _changed(self) -> None:
        """Say that the process serves as soon as one scheme does, or none will for a while."""
        lives = self._lives.values()
        if not self._told and (
            any(life.awake for life in lives) or all(life.tried.is_set() for life in lives)
        ):
            self._told = True
            self._ready()

    # --- lives -------------------------------------------------------------------------------------------------

    def _begin_own(self, tasks: asyncio.TaskGroup) -> None:
        config = self._config
        place = self._front.make_place(HOUSE, _names_of_house(config))
        life = Life(
            HOUSE, place, lambda: config, Lodging(near=self._front.way_to, beside=self._beside), renderer=self._renderer,
            newborn=self._newborn, lone=lambda: len(self._lives) == 1, changed=self._changed, pause_s=self._pause_s,
        )  # fmt: skip
        self._lives[HOUSE] = life
        tasks.create_task(life.run())

    def _begin(self, tasks: asyncio.TaskGroup, hosted: Hosted) -> None:
        """Let a scheme of the list live. One that has no place in the process is logged, and the others live."""
        try:
            place = self._front.make_place(hosted.name, _names(hosted))
        except CannotDo as error:
            log.error("scheme_failed", scheme=hosted.name, reason=str(error))
            return
        lodging = Lodging(hosted=True, proxies=self._config.node.believed(), near=self._front.way_to)
        life = Life(
            hosted.name, place, partial(config_of_hosted, hosted), lodging, renderer=self._renderer, changed=self._changed,
            pause_s=self._pause_s,
        )  # fmt: skip
        self._lives[hosted.name] = life
        self._listed[hosted.name] = hosted
        tasks.create_task(life.run())

    async def _end(self, name: str) -> None:
        life = self._lives[name]
        await self._stop(life)
        self._front.give_up(life.place)
        del self._lives[name], self._listed[name]

    async def _stop(self, life: Life, *, for_a_while: bool = False) -> None:
        life.stop(for_a_while=for_a_while)
        try:
            async with asyncio.timeout(END_S):
                await life.ended.wait()
        except TimeoutError:
            raise CannotDo(f"{life.name} does not end; stop the whole process") from None

    def _beside(self) -> list[Beside]:
        return [
            Beside(
                name, life.state in (State.RUNS, State.MOVED), life.troubles, rests=life.state is State.PAUSED
            )
            for name, life in self._lives.items()
            if name != HOUSE
        ]

    # --- commands ----------------------------------------------------------------------------------------------

    async def _said(self) -> dict[str, Any]:
        """Return what every scheme is doing."""
        return {
            "schemes": {
                name: {"state": life.state.value, "why": life.why} for name, life in self._lives.items()
            }
        }

    async def _look_again(self, tasks: asyncio.TaskGroup, again: str = "") -> dict[str, Any]:
        """Read the list anew: end what is no longer there or stands there otherwise, begin what is new, and `again` in any case.

        What is paused stays so, unless it is `again`.
        """
        async with self._one_at_a_time:
            now = {each.name: each for each in read_roster(self._config.node.data_dir)}
            for name, hosted in list(self._listed.items()):
                if now.get(name) != hosted or name == again:
                    await self._end(name)
            for name, hosted in now.items():
                if name not in self._lives and not self._stopping.is_set():
                    self._begin(tasks, hosted)
            await self._until_tried([self._lives[name] for name in now if name in self._lives])
            return await self._said()

    async def _pause(self, name: str) -> dict[str, Any]:
        """End a scheme until it is to begin `again`, so that its folder is free; who asks for it is told to come later."""
        async with self._one_at_a_time:
            if name in self._listed:
                await self._stop(self._lives[name], for_a_while=True)
            return await self._said()

    async def _until_tried(self, lives: list[Life]) -> None:
        try:
            async with asyncio.timeout(TRY_S):
                for life in lives:
                    await life.tried.wait()
        except TimeoutError:
            pass  # its state says that it starts


def _names(hosted: Hosted) -> frozenset[Name]:
    """Return under which names a hosted scheme is asked for; where its configuration cannot be read, by the list alone."""
    try:
        return names_of_config(config_of_hosted(hosted), more=(hosted.address,))
    except (CannotDo, ConfigError):
        return names_of(hosted.address)


def _names_of_house(config: Config) -> frozenset[Name]:
    """Return under which names the machine's own scheme is asked for, in the local network too where it is announced there."""
    try:
        return names_of_config(config, more=lan_addresses(config))
    except InvalidValue:
        return frozenset()  # an address that nobody can type is no reason not to serve
