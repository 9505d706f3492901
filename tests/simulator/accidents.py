"""What people do and what befalls a simulated town, each by its name; when and to whom is drawn from the seed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from node.services.acts import Actor, Role
from node.services.line_units import LineRefused
from node.simulation.network import Weather
from node.store import StoreError
from protocol.line_ops import Limit
from protocol.line_view import credit_room
from protocol.units import HOUR
from tests.simulator.backups import back_up, restore
from tests.simulator.keys import change_keys, use_stolen_keys
from tests.simulator.purchases import buy, buy_reducing, buy_several
from tests.simulator.town import FIRST_LIMIT, SimNode, any_rate

if TYPE_CHECKING:
    from tests.simulator.town import SimTown

DAY_S: Final = 86_400
ORGANISER: Final = Actor(no=None, name="Rosa", role=Role.ORGANISER)
STATEMENTS_AHEAD: Final = 40  # the power fails within so many statements

# What `--faults` can name. The first five are drawn once for each link or town, the others happen again and again.
WEATHER: Final = ("loss", "duplication", "reordering", "delay")
AT_THE_START: Final = ("mixed", "skew")
EVENTS: Final = (
    "partition", "days", "crash", "restart", "restore", "limits", "rates", "credit", "stopping", "parallel", "reduce",
    "keys",
)  # fmt: skip
LIES: Final = ("silent", "late", "forking", "over-limit", "lying-sync", "forged-receipt", "replay")
FAULTS: Final = (*WEATHER, *AT_THE_START, *EVENTS, *LIES)
# Only where it is named: a town in which machines die without a word has several times the messages.
BY_NAME_ONLY: Final = ("half-open",)
# How the story counts each of them; what is not here bears its own name.
COUNTED_AS: Final = {
    "loss": "lost", "duplication": "doubled", "reordering": "late", "delay": "slow links", "partition": "partitions",
    "crash": "crashes", "restart": "restarts", "restore": "restores", "credit": "credits", "stopping": "stops",
    **{lie: f"lies: {lie}" for lie in LIES},
}  # fmt: skip

# How wrong clocks are, of a whole town: a few seconds, what is still allowed (9.2), or anything.
HOUR_MS: Final = 3_600_000
SKEWS_MS: Final = ((0, 0, 9_000, -9_000), (0, 150_000, -140_000), (0, HOUR_MS, -HOUR_MS, 270_000))


@dataclass(frozen=True)
class Act:
    """Something that can happen next, and how often beside the others."""

    fault: str  # empty: always
    weight: int
    do: Callable[[Happenings], None]


class Happenings:
    """Lets things happen to one town."""

    def __init__(self, town: SimTown, faults: frozenset[str]):
        self.town, self.random, self.faults = town, town.random, faults
        self.tasks: set[asyncio.Task[None]] = set()
        self.purchases = 0
        self._acts = [act for act in ACTS if not act.fault or act.fault in faults]
        # Seldom at one place and time only: a run is either busy or has long pauses.
        self._pauses = self.random.choice([(0.02, 0.6), (0.1, 3.0), (0.5, 6.0), (0.05, 15.0)])
        self._skews = self.random.choices(SKEWS_MS, [14, 4, 2])[0]
        self._cuts: Counter[tuple[str, str]] = Counter()

    async def pause(self) -> None:
        """Wait until the next thing happens."""
        await asyncio.sleep(self.random.uniform(*self._pauses))

    def next(self) -> None:
        """Let one thing happen."""
        act = self.random.choices(self._acts, [each.weight for each in self._acts])[0]
        act.do(self)

    def spawn(self, work: object) -> None:
        """Let something take its time beside everything else."""
        task = asyncio.ensure_future(work)  # type: ignore[arg-type]  # a coroutine
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def told(self, kind: str, what: str) -> None:
        """Note an event."""
        self.town.story.happened(kind, what)

    def anybody(self) -> SimNode | None:
        """Return a node that is up, if the one drawn is."""
        node = self.town[self.random.choice(list(self.town.nodes))]
        return node if node.is_up else None

    def draw_weather(self) -> None:
        """Give each link its own weather."""
        chance = self.random.random
        for one, other in self.town.edges:
            delays = [(0.01, 0.05)] * 5 + [(0.1, 0.4)] * 3 + [(0.5, 3.0)]
            weather = Weather(
                loss=0.08 * chance() if "loss" in self.faults else 0.0,
                duplicate=0.25 * chance() if "duplication" in self.faults else 0.0,
                reorder=0.3 * chance() if "reordering" in self.faults else 0.0,
                delay_s=self.random.choice(delays) if "delay" in self.faults else (0.01, 0.05),
                late_s=self.random.choice([0.3, 0.3, 1.0, 20.0, 200.0]),
            )
            self.town.network.set_weather(one, other, weather)
            self.town.story.counts["slow links"] += weather.delay_s[0] >= 0.1

    def count_weather(self) -> None:
        """Note what the weather did."""
        counts, network = self.town.story.counts, self.town.network
        for pair in [*self.town.edges, *(edge[::-1] for edge in self.town.edges)]:
            traffic = network.traffic(*pair)
            counts.update({"lost": traffic.lost, "doubled": traffic.doubled, "late": traffic.late})

    def clear_weather(self) -> None:
        """Let everything pass."""
        for one, other in self.town.edges:
            self.town.network.mend(one, other)
            self.town.network.set_weather(one, other, Weather())

    # --- people -----------------------------------------------------------------------------------------------

    def change_limit(self) -> None:
        """Let organisers trust a neighbour more, less or not at all."""
        node = self.anybody()
        if node is None:
            return
        peer = self.town[self.random.choice(self.town.neighbours_of(node.name))]
        owed = self.random.choice([0, 2, 5, 20, 20, 100]) * HOUR
        limit = Limit(
            owed_max=owed,
            pending_max=self.random.choice([owed, 10 * HOUR]),
            open_max=self.random.choice([1, 6, 6, 50]),
        )
        ceiling = self.random.choice([None, None, 3 * HOUR])

        async def act() -> None:
            try:
                under_way = await self._is_busy(node)
                await node.lines.set_limit(peer.scheme, limit, ceiling)
            except (LineRefused, StoreError):
                return  # not in touch just now: they are told so
            self.told("limits", f"{node.name} gives {peer.name} a LIMIT of {owed}")
            self.town.story.counts["limits in flight"] += under_way

        self.spawn(act())

    async def _is_busy(self, node: SimNode) -> bool:
        """Tell whether a payment is under way over some line of `node`. Raises StoreError."""
        return any(line.state.mine.locks() for line in await node.line_states())

    def change_rate(self) -> None:
        """Let a scheme reckon its hour anew, with quotes under way."""
        node = self.anybody()
        if node is None:
            return
        node.rate = any_rate(self.random)
        node.rates.add(node.rate.minor_per_hour)
        self.told("rates", f"an hour of {node.name} is now {node.rate.minor_per_hour}")

        async def count() -> None:
            with suppress(StoreError):
                self.town.story.counts["rates in flight"] += await self._is_busy(node)

        self.spawn(count())

    def forgive(self) -> None:
        """Let organisers write down that a neighbour settled some of what it owes in another way. Source: 6.3 (CREDIT)."""
        node = self.anybody()
        if node is None:
            return
        peer = self.town[self.random.choice(self.town.neighbours_of(node.name))]
        part = self.random.choice([1.0, 1.0, self.random.random()])

        async def act() -> None:
            try:
                line = next(each for each in await node.line_states() if each.peer == peer.scheme)
                most = credit_room(line.state.mine, line.state.me)
                if most:
                    await node.neighbours.settle(
                        ORGANISER, peer.scheme, max(1, int(most * part)), -line.state.owed
                    )
                    self.told(
                        "credits",
                        f"{peer.name} settles {max(1, int(most * part))} with {node.name} in another way",
                    )
            except (LineRefused, StoreError):
                return

        self.spawn(act())

    def stop_trading(self) -> None:
        """Let organisers stop trading with a neighbour, and think again."""
        node = self.anybody()
        if node is None:
            return
        peer = self.town[self.random.choice(self.town.neighbours_of(node.name))]
        seconds = self.random.choice([0.1, 2.0, 30.0])

        async def act() -> None:
            try:
                await node.neighbours.stop(ORGANISER, peer.scheme)
                self.told("stops", f"{node.name} stops trading with {peer.name} for {seconds} s")
                await asyncio.sleep(seconds)
                await node.neighbours.resume(ORGANISER, peer.scheme, FIRST_LIMIT, None)
            except (LineRefused, StoreError):
                return

        self.spawn(act())

    # --- accidents --------------------------------------------------------------------------------------------

    def cut(self) -> None:
        """Cut one link for a while, or break its channels; what was on the way comes later, or never."""
        one, other = self.random.choice(self.town.edges)
        if self.random.random() < 0.3:
            self.town.network.reset(one, other)
            self.told("resets", f"the channels between {one} and {other} break")
            return
        seconds = self.random.choice([0.1, 0.1, 3.0, 3.0, 70.0, 700.0])
        self.told("partitions", f"{one} and {other} are cut off for {seconds} s")
        self.spawn(self.cut_off([(one, other)], seconds))

    async def cut_off(self, links: list[tuple[str, str]], seconds: float) -> None:
        for one, other in links:
            self._cuts[one, other] += 1
            self.town.network.cut(one, other)
        await asyncio.sleep(seconds)
        for one, other in links:
            self._cuts[one, other] -= 1
            if not self._cuts[one, other]:  # else another reason keeps it cut
                self.town.network.mend(one, other)

    def cut_for_days(self) -> None:
        """Let days pass, with everybody cut off from everybody, or with nobody up."""
        if self.random.random() < 0.3:
            days = self.random.choice([0.01, 0.03, 0.1, 1.0])
            self.told("days", f"all links are cut for {days} days")
            self.spawn(self.cut_off(list(self.town.edges), days * DAY_S))
            return
        days = self.random.choice([1, 3, 10])
        self.told("days", f"a power cut everywhere for {days} days")
        self.town.dark_until = self.town.network.loop.time() + days * DAY_S
        for node in self.town.nodes.values():
            if node.is_up:
                self.spawn(self._lie_down(node, self.random.random()))

    def restart(self) -> None:
        """Stop a node between two statements, and start it again."""
        node = self.anybody()
        if node is not None and not node.down_for_good:
            seconds = self.random.choice([0.01, 0.01, 1.0, 1.0, 40.0, 900.0])
            self.told("restarts", f"{node.name} stops for {seconds} s")
            self.spawn(self._lie_down(node, seconds))

    async def _lie_down(self, node: SimNode, seconds: float) -> None:
        if not node.is_up:
            return
        self.town.down.add(node.name)
        await node.crash()
        await asyncio.sleep(seconds)
        if self.random.random() < 0.3:
            self.set_clock(node)
        await self.town.start(node)

    def set_clock(self, node: SimNode) -> None:
        """Let the clock of a node that is down be wrong."""
        if "skew" in self.faults:
            node.skew_ms = self.random.choice(self._skews)
            self.told("skew", f"the clock of {node.name} is now {node.skew_ms / 1000} s ahead")
            self.town.story.counts["skew of an hour"] += abs(node.skew_ms) == HOUR_MS

    def crash(self) -> None:
        """Let the power fail in the middle of what a node does next."""
        node = self.anybody()
        if node is not None and node.statements_left is None:
            node.cut_at(self.random.randrange(1, STATEMENTS_AHEAD))


ACTS: Final = (
    Act("", 600, buy),
    Act("parallel", 100, buy_several),
    Act("credit", 20, Happenings.forgive),
    Act("stopping", 10, Happenings.stop_trading),
    Act("restore", 30, back_up),
    Act("restore", 130, restore),
    Act("reduce", 60, buy_reducing),
    Act("keys", 40, change_keys),
    Act("keys", 60, use_stolen_keys),
    Act("limits", 60, Happenings.change_limit),
    Act("rates", 30, Happenings.change_rate),
    Act("partition", 50, Happenings.cut),
    Act("days", 1, Happenings.cut_for_days),
    Act("restart", 20, Happenings.restart),
    Act("crash", 60, Happenings.crash),
)
