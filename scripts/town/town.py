"""The three schemes of the demo, each a node in a process of its own.

Oakvale and Hilltop are neighbours, and so are Hilltop and Riverside; Oakvale and Riverside know each other only
through Hilltop.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from node.config import load
from scripts.town import organising
from scripts.town.filling import Scheme, fill_scheme, make_scheme
from scripts.town.pages import Browser, Seen, Unexpected
from scripts.town.plan import read_town
from scripts.town.processes import CONFIG, NodeProcess, end_all, free_ports, until
from scripts.town.screen import Screen

NEIGHBOURS: Final = (("oakvale", "hilltop"), ("hilltop", "riverside"))
# Where a person finds them again tomorrow, if nobody else listens there.
USUAL_PORTS: Final = (8481, 8482, 8483)
# Lies in the folder of a town that was made to its end, so that it can be kept.
WHOLE: Final = "whole"
HEARD_WITHIN_S: Final = 60.0
# What every other scheme has heard of once listings travel: the last to arrive comes over two lines.
HEARD_OF: Final = (("oakvale", "Plum jam", "Riverside"), ("riverside", "Sourdough bread", "Oakvale"))


@dataclass(frozen=True, slots=True)
class Town:
    """Three schemes that run."""

    schemes: dict[str, Scheme]

    def __getitem__(self, key: str) -> Scheme:
        return self.schemes[key]

    @property
    def processes(self) -> list[NodeProcess]:
        """Return the nodes' processes."""
        return [scheme.process for scheme in self.schemes.values()]

    async def link(self, key: str, name: str) -> str:
        """Return a new one-time link for logging in."""
        answer = await self.schemes[key].process.run("user", "link", name)
        return str(answer["link"])

    @asynccontextmanager
    async def member(self, key: str, name: str) -> AsyncIterator[Browser]:
        """Give a browser in which this member is logged in with number and PIN."""
        scheme = self.schemes[key]
        async with Browser(scheme.process.origin) as browser:
            await log_in(browser, scheme.number(name), scheme.pin(name))
            yield browser

    @asynccontextmanager
    async def organiser(self, key: str) -> AsyncIterator[Browser]:
        """Give a browser in which the scheme's organiser is logged in by a one-time link."""
        scheme = self.schemes[key]
        async with Browser(scheme.process.origin) as browser:
            page = await browser.open(await self.link(key, scheme.plan.organiser))
            await browser.send(page.form("/login/link/"))
            yield browser


async def log_in(browser: Browser, number: str, pin: str) -> Seen:
    """Log in with number and PIN, as a member does, and return the page behind it."""
    page = await browser.open("/login")
    home = await browser.send(page.form("/login/pin"), number=number, pin=pin)
    if not home.url.endswith("/home"):
        raise Unexpected(f"{number} could not log in: {home.text[:300]}")
    return home


@asynccontextmanager
async def running_town(
    folder: Path, screen: Screen, *, keep: bool = False, usual_ports: bool = False
) -> AsyncIterator[Town]:
    """Give the town, and end it afterwards."""
    town = await start_town(folder, screen, keep=keep, usual_ports=usual_ports)
    try:
        yield town
    finally:
        end_all(town.processes)


async def start_town(folder: Path, screen: Screen, *, keep: bool = False, usual_ports: bool = False) -> Town:
    """Make the town anew, or take the one that is kept, and start it; `end_all` ends its processes."""
    town, kept = _lay_out(folder, keep=keep, usual_ports=usual_ports)
    if not kept:
        await _make(town, screen)
    try:
        with screen.step("Three nodes start, each a process of its own"):
            await asyncio.gather(*(process.start() for process in town.processes))
        if not kept:
            await _make_neighbours(town, screen)
            (folder / WHOLE).touch()
        await _until_heard(town, screen)
    except BaseException:
        end_all(town.processes)
        raise
    return town


def _lay_out(folder: Path, *, keep: bool, usual_ports: bool) -> tuple[Town, bool]:
    """Return the town as it will be, and whether it is the one that was kept; otherwise nothing is there now."""
    plans = read_town()
    kept = keep and (folder / WHOLE).exists()
    if kept:
        ports = tuple(load(folder / plan.key / CONFIG, {}).node.listen_port for plan in plans)
    else:
        ports = free_ports(USUAL_PORTS if usual_ports else [None] * len(plans))
        if folder.exists():
            shutil.rmtree(folder)
    town = Town({
        plan.key: Scheme(plan, NodeProcess(plan.name, folder / plan.key, port))
        for plan, port in zip(plans, ports, strict=True)
    })  # fmt: skip
    return town, kept


async def _make(town: Town, screen: Screen) -> None:
    for scheme in town.schemes.values():
        plan = scheme.plan
        listings = sum(len(member.listings) for member in plan.members)
        told = f"{len(plan.members)} members, {listings} offers and wants, {len(plan.trades)} trades"
        with screen.step(f"{plan.name} is made: keys, {told}"):
            await make_scheme(plan, scheme.process)
            await fill_scheme(plan, scheme.process)


async def _make_neighbours(town: Town, screen: Screen) -> None:
    for asking, agreeing in NEIGHBOURS:
        with screen.step(f"{town[asking].plan.name} and {town[agreeing].plan.name} agree to trade"):
            async with town.organiser(asking) as first, town.organiser(agreeing) as second:
                await organising.make_neighbours(town[asking], first, town[agreeing], second)


async def _until_heard(town: Town, screen: Screen) -> None:
    """Wait until offers have come to schemes that know each other only through a third."""
    with screen.step("Offers travel from scheme to scheme"):
        for key, title, source in HEARD_OF:
            member = next(each for each in town[key].plan.members if each.pin)
            async with town.member(key, member.name) as browser:

                async def heard(browser: Browser = browser, title: str = title, source: str = source) -> bool:
                    page = await browser.open("/find", q=title)
                    return page.has_link(title) and source in page.text

                await until(heard, f"{title} from {source} on {town[key].plan.name}'s pages", HEARD_WITHIN_S)
