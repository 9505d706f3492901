"""Four schemes in a row, each a node in a process of its own, with a bad network between neighbours.

Alder – Birch – Cedar – Dogwood, in four units. Every pair of neighbours has a proxy of its own, so that each line can have
its own weather. Each scheme has an organiser and one member, who sells something and buys elsewhere.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from node.cli.admin import CannotDo, ask
from node.config import load
from node.web.amounts import HOURS, Unit
from protocol.market import AskingPrice
from scripts.storm.proxy import Proxy
from scripts.town import organising
from scripts.town.filling import Scheme, fill_scheme, make_scheme
from scripts.town.pages import Browser
from scripts.town.plan import ListingPlan, MemberPlan, SchemePlan
from scripts.town.processes import NodeProcess, Trouble, end_all, free_ports, until
from scripts.town.screen import Screen
from scripts.town.town import log_in

KEYS: Final = ("alder", "birch", "cedar", "dogwood")
# Who dials whom: a line must hold whichever end has the address.
DIALS: Final = (("alder", "birch"), ("cedar", "birch"), ("cedar", "dogwood"))
PIN: Final = "271828"
MEMBER: Final = "Robin Vale"
ORGANISER: Final = "Kim Marsh"
HEARD_WITHIN_S: Final = 150.0
MEET_EVERY_S: Final = 20.0
CONNECTED_WITHIN_S: Final = 120.0
_UNITS: Final = {
    "alder": (HOURS, 60),
    "birch": (Unit(code="Leaves", kind="decimal", decimals=2, symbol="L", names={"en": {"other": "Leaves"}}), 1200),
    "cedar": (HOURS, 60),
    "dogwood": (Unit(code="Dogs", kind="decimal", decimals=1, symbol="D", names={"en": {"other": "Dogs"}}), 150),
}  # fmt: skip


def offer_of(key: str) -> str:
    """Return what the member of a scheme sells."""
    return f"Baskets from {key.capitalize()}"


def plan_of(key: str) -> SchemePlan:
    """Return an invented scheme; what it sells costs a tenth of an hour."""
    unit, per_hour = _UNITS[key]
    listing = ListingPlan(
        kind="offer", title=offer_of(key), text="Woven.", category="food",
        price=AskingPrice(amount=per_hour // 10, per="item"),
    )  # fmt: skip
    return SchemePlan(
        key=key, name=key.capitalize(), place=key.capitalize(), unit=unit, per_hour=per_hour, north_millionths=51_000_000,
        east_millionths=1_000_000, headline="", about="", meeting="", help_name="", help_phone="01632 960000", help_hours="",
        organiser=ORGANISER,
        members=(
            MemberPlan(name=ORGANISER, place="", pin=PIN, listings=()),
            MemberPlan(name=MEMBER, place="", pin=PIN, listings=(listing,)),
        ),
        trades=(),
    )  # fmt: skip


@dataclass(frozen=True)
class StormTown:
    """Four schemes that run, and what is between them."""

    folder: Path
    schemes: dict[str, Scheme]
    proxies: dict[tuple[str, str], Proxy]

    def __getitem__(self, key: str) -> Scheme:
        return self.schemes[key]

    def process(self, key: str) -> NodeProcess:
        """Return a scheme's process."""
        return self.schemes[key].process

    async def organiser(self, key: str) -> Browser:
        """Return a browser in which the organiser is logged in; the caller closes it."""
        browser = Browser(self.process(key).origin)
        await log_in(browser, self[key].number(ORGANISER), PIN)
        return browser

    async def member(self, key: str) -> Browser:
        """Return a browser in which the member is logged in; the caller closes it."""
        browser = Browser(self.process(key).origin)
        await log_in(browser, self[key].number(MEMBER), PIN)
        return browser

    async def health(self, key: str) -> dict[str, Any]:
        """Return the figures of a running node. Raises Trouble."""
        try:
            return await asyncio.to_thread(ask, load(self.process(key).config, {}), "health", {})
        except CannotDo as error:
            raise Trouble(f"{key}: {error}") from None

    async def until_connected(self) -> None:
        """Wait until every line is in touch and nothing is under way on it."""

        async def quiet() -> bool:
            lines = [line for key in KEYS for line in (await self.health(key))["lines"]]
            return all(line["connected"] and line["usable"] and not line["under_way"] for line in lines)

        await until(quiet, "all lines in touch, with nothing under way", CONNECTED_WITHIN_S, every_s=0.5)

    async def export(self, name: str) -> list[Path]:
        """Let every node export its ledger; return the folders."""
        folders = []
        for key in KEYS:
            folder = self.folder / name / key
            shutil.rmtree(folder, ignore_errors=True)
            await self.process(key).run("ledger", "export", str(folder))
            folders.append(folder)
        return folders


@asynccontextmanager
async def running(folder: Path, seed: int, screen: Screen) -> AsyncIterator[StormTown]:
    """Make the town anew, start it, and end it afterwards."""
    shutil.rmtree(folder, ignore_errors=True)
    ports = free_ports([None] * len(KEYS))
    processes = {key: NodeProcess(key, folder / key, port) for key, port in zip(KEYS, ports, strict=True)}
    town = StormTown(
        folder,
        {key: Scheme(plan_of(key), processes[key]) for key in KEYS},
        {pair: Proxy("–".join(pair), processes[pair[1]].port, Random(f"{seed} {pair}")) for pair in DIALS},
    )
    for proxy in town.proxies.values():
        await proxy.start()
    try:
        with screen.step("Four schemes are made"):
            await asyncio.gather(*(_make(town, key) for key in KEYS))
        with screen.step("Four nodes start, and neighbours agree to trade"):
            await asyncio.gather(*(process.start() for process in processes.values()))
            for first, second in DIALS:
                await _make_neighbours(town, first, second)
        with screen.step("Offers travel from end to end"):
            for key, other in (("alder", "dogwood"), ("dogwood", "alder")):
                await _until_heard(town, key, other)
        yield town
    finally:
        end_all(processes.values())
        for proxy in town.proxies.values():
            await proxy.stop()


async def _make(town: StormTown, key: str) -> None:
    scheme = town[key]
    await make_scheme(scheme.plan, scheme.process)
    # Nobody is to find a way around the proxies: at this address nobody listens, and callers use the one they were told.
    nowhere = json.dumps(["http://127.0.0.1:9"])
    config = scheme.process.config
    config.write_text(config.read_text().replace("[federation]", f"[federation]\naddresses = {nowhere}", 1))
    await fill_scheme(scheme.plan, scheme.process)


async def _make_neighbours(town: StormTown, first: str, second: str) -> None:
    asking, agreeing = await town.organiser(first), await town.organiser(second)
    try:
        address = f"http://127.0.0.1:{town.proxies[first, second].port}"
        await organising.make_neighbours(town[first], asking, town[second], agreeing, address=address)
    finally:
        await asking.close()
        await agreeing.close()


async def _until_heard(town: StormTown, key: str, other: str) -> None:
    """Wait until a scheme knows the offer of another, three lines away.

    Neighbours tell each other what they know once a minute, and whenever they meet: so they are made to meet.
    """
    browser = await town.member(key)
    last_met = 0.0

    async def heard() -> bool:
        nonlocal last_met
        if (await browser.open("/find", q=offer_of(other))).has_link(offer_of(other)):
            return True
        # Not more often: after each short session neighbours wait longer before they dial again.
        if time.monotonic() - last_met > MEET_EVERY_S:
            last_met = time.monotonic()
            for proxy in town.proxies.values():
                proxy.cut()
        return False

    try:
        await until(heard, f"{offer_of(other)} on {key}'s pages", HEARD_WITHIN_S, every_s=0.5)
    finally:
        await browser.close()
