"""A town that lives: schemes with members who do things over days, and whose nodes fall over now and then.

What members do is in `doings.py`; here is whatever all of it needs: who there is, how something is done at a node that may
be down just then, and how often what came of it. A doing is a story of several people and several days, told by one task.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final, TypeVar

from node.app import Node
from node.services.acts import OPERATOR, Role
from node.services.ask_rows import CannotAsk
from node.services.booking_rows import CannotBook
from node.services.bookings import UnfitPeriod
from node.services.books import Refused
from node.services.circles import CannotGroup
from node.services.event_settling import CannotSettle
from node.services.events import TooManyComments, TooManyEvents
from node.services.gifts import CannotGive
from node.services.helping import CannotHelp
from node.services.loans import CannotLend
from node.services.market import TooManyListings
from node.services.members import Member, NewMember
from node.services.pledges import CannotPledge
from node.services.proposals import CannotDecide
from node.services.requests_abroad import CannotRequest
from node.services.settings import SchemeSettings
from node.services.settlement import CannotPay
from node.services.standing import CannotBegin
from node.services.swaps import CannotSwap
from node.simulation.network import SimulatedNetwork, Weather
from node.simulation.town import Resident, Town
from node.store import StoreError
from protocol.errors import OutOfOrder
from protocol.line_ops import Limit
from protocol.names import SchemeId
from protocol.units import HOUR

Result = TypeVar("Result")

HOUR_S: Final = 3_600.0
DAY_S: Final = 24 * HOUR_S
DOWN_HOURS_MAX: Final = 3.0  # a node that fell over
TRIES_MAX: Final = 480  # one each 30 s: people wait for longer than that
# The honest noes of the product: somebody else was faster, a limit is reached, things stand differently by now.
HONEST_NO: Final = (
    CannotAsk, CannotBegin, CannotBook, CannotDecide, CannotGive, CannotGroup, CannotHelp, CannotLend, CannotPay, CannotPledge, CannotRequest,
    CannotSettle, CannotSwap, OutOfOrder, Refused, TooManyComments, TooManyEvents, TooManyListings, UnfitPeriod,
)  # fmt: skip

OAKVALE: Final = SchemeSettings(name="Oakvale", credit_limit=600, ceiling=None, asks_abroad=True)
HILLTOP: Final = SchemeSettings(
    name="Hilltop", unit_kind="decimal", unit_name="Hills", unit_symbol="Hills", decimals=2, minor_per_hour=1_000,
    credit_limit=10_000, ceiling=None, asks_abroad=True,
)  # fmt: skip
RIVERSIDE: Final = SchemeSettings(
    name="Riverside", unit_kind="decimal", unit_name="Acorns", unit_symbol="Acorns", decimals=2, minor_per_hour=1_200,
    credit_limit=12_000, ceiling=None, asks_abroad=True,
)  # fmt: skip
SCHEMES: Final = (OAKVALE, HILLTOP, RIVERSIDE)
# Oakvale and Riverside know each other only through Hilltop.
ROADS: Final = (("Oakvale", "Hilltop"), ("Hilltop", "Riverside"))
WIDE: Final = Limit(owed_max=2_000 * HOUR, pending_max=2_000 * HOUR, open_max=100)


class NeverUp(Exception):
    """A node stayed down for longer than anybody would wait."""


@dataclass(frozen=True)
class Plan:
    """A month, made again by the same numbers."""

    seed: int = 1
    days: int = 30
    members: int = 300  # of all schemes together
    doings_a_day: int = 30
    crashes_a_day: float = 1.0  # of all nodes together
    weather: bool = True


@dataclass
class Home:
    """One scheme: its node, which may be down, and its people."""

    resident: Resident
    people: list[Member] = field(default_factory=list)
    rosa: Member | None = None  # its organiser

    @property
    def name(self) -> str:
        """What it is called."""
        return self.resident.name

    @property
    def scheme(self) -> SchemeId:
        """Its id."""
        return self.resident.scheme

    @property
    def organiser(self) -> Member:
        """Whoever looks after it."""
        assert self.rosa is not None
        return self.rosa

    @property
    def hour(self) -> int:
        """An hour's work, in its minor units."""
        return self.resident.options.seed.minor_per_hour

    async def do(self, what: Callable[[Node], Awaitable[Result]]) -> Result:
        """Do something at the node, as people do: they wait while it is down, and press the button again after it fell over.

        Raises:
            NeverUp: it stayed down. What `what` raises, but for a store that failed under it.
        """
        for _ in range(TRIES_MAX):
            if self.resident.is_up:
                try:
                    return await what(self.resident.node)
                except StoreError:
                    pass  # it fell over meanwhile: was it done or not? The same form is sent again
            await asyncio.sleep(30)
        raise NeverUp(self.name)


Doing = Callable[["Life"], Coroutine[object, object, None]]


class Life:
    """The town, its chance, and what came of everything."""

    def __init__(self, network: SimulatedNetwork, plan: Plan):
        self.plan: Final = plan
        self.random: Final = Random(f"month {plan.seed}")
        self.network: Final = network
        self.town: Final = Town(network, seed=plan.seed)
        self.homes: Final[list[Home]] = []
        self.done: Final[Counter[str]] = Counter()
        self.refused: Final[Counter[str]] = Counter()
        self.faults: Final[Counter[str]] = Counter()
        self.forms = 0
        self._stories: Final[set[asyncio.Task[None]]] = set()
        self.broken: list[BaseException] = []

    # --- people -----------------------------------------------------------------------------------------------

    async def move_in(self) -> None:
        """Open the schemes, make them neighbours, and let their members join."""
        for settings in SCHEMES:
            self.homes.append(Home(await self.town.add(settings)))
        await self.town.connect(ROADS, WIDE)
        for number in range(self.plan.members):
            home = self.homes[number % len(self.homes)]
            name = f"{NAMES[number // len(self.homes) % len(NAMES)]} {number}"
            new = NewMember(name=name, email=f"m{number}@example.org")
            home.people.append(await home.resident.node.people.add(OPERATOR, new))
        for home in self.homes:
            new = NewMember(name="Rosa", email="rosa@example.org", role=Role.ORGANISER)
            home.rosa = await home.resident.node.people.add(OPERATOR, new)

    def home(self) -> Home:
        """Return some scheme."""
        return self.random.choice(self.homes)

    def two(self, home: Home) -> tuple[Member, Member]:
        """Return two members of a scheme."""
        one, other = self.random.sample(home.people, 2)
        return one, other

    def once(self) -> bytes:
        """Return what tells one form from all others."""
        self.forms += 1
        return self.forms.to_bytes(16, "big")

    def now_ms(self, home: Home) -> int:
        """Return the time a scheme's clock shows; it is up."""
        return home.resident.node.clock.now_ms()

    def some(self, home: Home, most_hours: float = 2.0) -> int:
        """Return an amount up to so many hours' worth, in minor units."""
        return max(1, int(home.hour * self.random.uniform(0.1, most_hours)))

    async def later(self, least_h: float, most_h: float) -> None:
        """Let some hours go by."""
        await asyncio.sleep(HOUR_S * self.random.uniform(least_h, most_h))

    # --- stories ----------------------------------------------------------------------------------------------

    def begin(self, name: str, doing: Doing) -> None:
        """Let people do something that takes its time."""
        story = asyncio.create_task(self._tell(name, doing))
        self._stories.add(story)
        story.add_done_callback(self._ended)

    def _ended(self, story: asyncio.Task[None]) -> None:
        self._stories.discard(story)
        if (error := story.exception()) is not None:
            self.broken.append(error)

    async def _tell(self, name: str, doing: Doing) -> None:
        try:
            await doing(self)
        except HONEST_NO as no:
            why = getattr(no, "why", None) or getattr(no, "reason", None)
            self.refused[f"{name}: {getattr(why, 'value', None) or type(no).__name__}"] += 1
        else:
            self.done[name] += 1

    async def all_told(self) -> None:
        """Wait until every story has ended."""
        while self._stories:
            await asyncio.wait(set(self._stories))

    # --- what befalls the town --------------------------------------------------------------------------------

    async def bad_luck(self, days: float) -> None:
        """Let nodes fall over, lines be cut and messages be lost, for so many days."""
        if self.plan.weather:
            for one, other in ROADS:
                self.network.set_weather(
                    one, other, Weather(loss=0.02, duplicate=0.02, reorder=0.1, late_s=2.0)
                )
        for at in sorted(self._moments(days)):
            await asyncio.sleep(at)
            if self.random.random() < 0.5:
                await self._fall_over()
            else:
                await self._cut()
        for one, other in ROADS:
            self.network.set_weather(one, other, Weather())

    def _moments(self, days: float) -> Iterator[float]:
        """Yield how long it is from each accident to the next."""
        left = days * DAY_S
        while self.plan.crashes_a_day and left > 0:
            pause = self.random.expovariate(self.plan.crashes_a_day / DAY_S)
            if pause > left:
                break
            left -= pause
            yield pause
        yield left

    async def _fall_over(self) -> None:
        home = self.home()
        self.faults["crashes"] += 1
        await home.resident.crash()
        await self.later(0.02, DOWN_HOURS_MAX)
        await home.resident.boot()

    async def _cut(self) -> None:
        one, other = self.random.choice(ROADS)
        self.faults["cuts"] += 1
        self.network.cut(one, other)
        await self.later(0.02, 12.0)
        self.network.mend(one, other)


NAMES: Final = (
    "Ana", "Ben", "Cem", "Dora", "Eve", "Finn", "Gus", "Hana", "Ines", "Jon", "Karim", "Lea", "Maud", "Nils", "Otto", "Pia",
    "Quin", "Ruth", "Sam", "Tom", "Uma", "Vic", "Wim", "Xenia", "Yan", "Zoe",
)  # fmt: skip
