"""What is done to the town: purchases while processes die and the network misbehaves; then calm, and the reckoning."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from node import crash
from scripts.auditor.__main__ import audit
from scripts.storm.buying import NOBODY, Became, Bought, buy, see_end, times_on_statement
from scripts.storm.proxy import FAIR, STORM
from scripts.storm.town import KEYS, StormTown
from scripts.town.pages import Browser, Unexpected
from scripts.town.processes import Trouble, until
from scripts.town.screen import Screen

DIES_WITHIN_S: Final = 30.0
ENDS_WITHIN_S: Final = 180.0
FRAMES_LOST_MAX: Final = 60  # some ten transactions
WAL_HEADER_BYTES: Final = 32
WAL_FRAME_HEADER_BYTES: Final = 24
# In a storm nobody waits long for a price; each member has so many browsers open.
PRICED_WITHIN_S: Final = 8.0
SHOPPERS: Final = 2
PAYER, FIRST, SECOND, PAYEE = KEYS
# Which node passes which point while the first scheme buys from the last. A point of the code that is missing here is
# told by a test.
PASSED_BY: Final[dict[str, tuple[str, ...]]] = {
    "ops-arrived": (PAYER, FIRST, SECOND, PAYEE),
    "lock-committed": (PAYER,),
    "forward-committed": (FIRST, SECOND),
    "claim-stored": (FIRST, SECOND),
    "claim-committed": (PAYEE,),
    "payment-ended": (PAYER,),
}


def cut_frames(log: Path, count: int) -> None:
    """Take the last frames of SQLite's write-ahead log away; its first stays."""
    head = log.read_bytes()[:WAL_HEADER_BYTES]
    step = WAL_FRAME_HEADER_BYTES + int.from_bytes(head[8:12])
    frames = (log.stat().st_size - WAL_HEADER_BYTES) // step
    os.truncate(log, WAL_HEADER_BYTES + step * max(1, frames - count))


@dataclass(frozen=True)
class Death:
    """A process that kills itself at a point, while the first scheme buys from the last."""

    point: str
    key: str

    def __str__(self) -> str:
        return f"{self.key} at {self.point}"


def matrix() -> list[Death]:
    """Return every point with every node that passes it."""
    return [Death(point, key) for point, keys in PASSED_BY.items() for key in keys]


@dataclass
class Campaign:
    """One run over one town."""

    town: StormTown
    screen: Screen
    chance: Random
    browsers: dict[str, Browser]
    bought: list[Bought] = field(default_factory=list)
    killed: Counter[str] = field(default_factory=Counter)

    def wish(self, payer: str, payee: str) -> Bought:
        """Return a new purchase, with words nothing else has."""
        new = Bought(payer, payee, f"Basket number {len(self.bought) + 1:05}")
        self.bought.append(new)
        return new

    # --- one death at a time -------------------------------------------------------------------------------------

    async def die_at(self, death: Death) -> None:
        """Buy while a process kills itself at the named point, start it again, and see the purchase end."""
        process = self.town.process(death.key)
        await process.stop()
        await process.start(crash_at=f"{death.point}:1")
        bought = self.wish(PAYER, PAYEE)
        buying = asyncio.create_task(buy(self.browsers[PAYER], bought))
        try:
            if not await process.died(DIES_WITHIN_S):
                raise Trouble(f"{process.name} did not kill itself at {death.point}:\n{process.log_end()}")
            self.killed[death.point] += 1
            await process.start()
            await buying
        finally:
            buying.cancel()
            await asyncio.gather(buying, return_exceptions=True)
        await self._until_ended()

    async def lose_last_writes(self, key: str) -> None:
        """Buy, kill a node, and take the end of its write-ahead log away, as a disk does that lied. Rule 6.7.

        What is lost is found again with the neighbours; then buy once more.
        """
        process = self.town.process(key)
        for again in (False, True):
            await buy(self.browsers[PAYER], self.wish(PAYER, PAYEE))
            await self._until_ended()
            if not again:
                process.kill()
                log = process.folder / "data" / "node.db-wal"
                cut_frames(log, FRAMES_LOST_MAX // 2 + self.chance.randrange(FRAMES_LOST_MAX // 2))
                self.killed["with its last writes lost"] += 1
                await process.start()
        if not (await self.town.health(key))["recovered"]:
            raise Trouble(f"{key} says nothing of having recovered anything: was anything lost?")

    # --- everything at once ----------------------------------------------------------------------------------------

    async def storm(self, seconds: float, purchases: int) -> None:
        """Let every member buy while the network misbehaves and processes are killed."""
        for proxy in self.town.proxies.values():
            proxy.weather = STORM
        try:
            async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
                shoppers = [(key, await _browser(self.town, key, stack)) for key in KEYS * SHOPPERS]
                end = time.monotonic() + seconds
                for key, browser in shoppers:
                    tasks.create_task(self._shop(key, browser, end, purchases))
                tasks.create_task(self._kill(end))
                tasks.create_task(self._cut(end))
        finally:
            for proxy in self.town.proxies.values():
                proxy.weather = FAIR
                proxy.block(blocked=False)

    async def _shop(self, key: str, browser: Browser, end: float, most: int) -> None:
        """Buy here and there, mostly near by: a way over three lines is seldom whole in such weather."""
        here = KEYS.index(key)
        others = [other for at, other in enumerate(KEYS) for _ in range(8 >> abs(at - here)) if at != here]
        for _ in range(most):
            left = end - time.monotonic()
            if left < 0:
                return
            bought = self.wish(key, self.chance.choice(others))
            await buy(browser, bought, priced_within_s=min(PRICED_WITHIN_S, left))
            await asyncio.sleep(self.chance.random())

    async def _kill(self, end: float) -> None:
        """Kill a process now and then: at any moment, or by itself at a named point."""
        while time.monotonic() < end:
            await asyncio.sleep(4 + 6 * self.chance.random())
            key = self.chance.choice(KEYS)
            process = self.town.process(key)
            process.kill()
            self.killed["at any moment"] += 1
            await asyncio.sleep(self.chance.random())
            point = self.chance.choice((None, *crash.TRADE_POINTS))
            count = self.chance.randint(1, 2)
            await self._start(key, None if point is None else f"{point}:{count}")
            if point is not None:
                if await process.died(6.0):
                    self.killed[point] += 1
                process.kill()
                await self._start(key, None)

    async def _start(self, key: str, crash_at: str | None) -> None:
        """Start a process; one that was told to die may do so before it serves."""
        process = self.town.process(key)
        try:
            await process.start(crash_at=crash_at)
        except Trouble:
            if crash_at is None or process.running:
                raise

    async def _cut(self, end: float) -> None:
        """Take a line away for some seconds, now and then."""
        while time.monotonic() < end:
            await asyncio.sleep(4 + 6 * self.chance.random())
            proxy = self.chance.choice(list(self.town.proxies.values()))
            proxy.block(blocked=True)
            await asyncio.sleep(4 * self.chance.random())
            proxy.block(blocked=False)

    # --- the reckoning -----------------------------------------------------------------------------------------------

    async def _until_ended(self) -> None:
        async def ended() -> bool:
            try:
                return all([await see_end(self.browsers[each.payer], each) for each in self.bought])
            except (*NOBODY, Unexpected):
                return False  # a node that is on its way up

        await until(ended, "the end of every purchase", ENDS_WITHIN_S, every_s=0.5)

    async def reckon(self) -> None:
        """See that all is at rest, that every purchase happened once or never, and what the auditor says. Raises Trouble."""
        with self.screen.step("In calm weather every purchase comes to its end by itself"):
            for key in KEYS:
                if not self.town.process(key).running:
                    await self.town.process(key).start()
            await self._until_ended()
            await self.town.until_connected()
        for bought in self.bought:
            await self._happened_once(bought)
        became = Counter(bought.became for bought in self.bought)
        told = ", ".join(f"{count} {how.value}" for how, count in became.items() if how is not None)
        self.screen.found(f"{len(self.bought)} purchases, each on both statements once or not at all: {told}")
        folders = await self.town.export("exports")
        audited, findings = await asyncio.to_thread(audit, folders, at_rest=True)
        if findings.wrong:
            raise Trouble("the independent auditor finds:\n" + "\n".join(findings.wrong))
        paid = sum(
            record["state"] == "paid"
            for each in audited
            for record in each.export.of("payments")
            if record["as"] == "payer"
        )
        if paid != became[Became.DONE]:
            raise Trouble(f"{became[Became.DONE]} purchases were done, and {paid} are in the exports")
        ops = sum(len(each.export.of("ops")) for each in audited)
        self.screen.found(
            f"The independent auditor agrees: {len(audited)} exports, {ops} ops, {paid} payments"
        )

    async def _happened_once(self, bought: Bought) -> None:
        times = 1 if bought.became is Became.DONE else 0
        for key in (bought.payer, bought.payee):
            found = await times_on_statement(self.browsers[key], bought)
            if found != times:
                raise Trouble(
                    f"{bought.what} from {bought.payer} to {bought.payee} ({bought.reference}) is {bought.became}, and"
                    f" {found} times on the statement in {key}; pressed {bought.presses} times, {bought.said}"
                )

    def told(self) -> Iterator[str]:
        """Say what was done to the town."""
        done: Counter[str] = Counter()
        for proxy in self.town.proxies.values():
            done += proxy.done
        yield "Killed: " + (", ".join(f"{name} {count}" for name, count in self.killed.items()) or "nobody")
        yield "The network: " + (", ".join(f"{name} {count}" for name, count in done.items()) or "fair")


async def begin(town: StormTown, seed: int, screen: Screen, stack: AsyncExitStack) -> Campaign:
    """Return a campaign with every member logged in; the browsers are closed with `stack`."""
    return Campaign(town, screen, Random(seed), {key: await _browser(town, key, stack) for key in KEYS})


async def _browser(town: StormTown, key: str, stack: AsyncExitStack) -> Browser:
    browser = await town.member(key)
    stack.push_async_callback(browser.close)
    return browser
