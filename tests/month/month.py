"""A month in a town, from the first day to the verdict. `scripts/month` runs it; `tests/test_month.py` looks at a sample."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from time import process_time
from typing import Final

from node.simulation.network import SimulatedNetwork
from tests.month.abroad import ABROAD
from tests.month.doings import DOINGS
from tests.month.life import DAY_S, HOUR_S, Life, Plan
from tests.month.verdict import crawl, judge
from tests.simulation import run_virtual
from tests.simulator.thrift import quiet, thrifty

# As long as the slowest story, a loan that is paid back in two weeks, may take after the last day.
QUIET_DAYS = 24
WALKERS = 10

# What members do at home, and with people of other schemes.
EVERYTHING: Final = {**DOINGS, **ABROAD}

Progress = Callable[[int, int], None]


@dataclass
class Outcome:
    """What came of a month."""

    plan: Plan
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    pages: Counter[int] = field(default_factory=Counter)
    virtual_days: float = 0.0
    cpu_s: float = 0.0

    def summary(self) -> dict[str, object]:
        """Return what JSON can hold."""
        return {
            "plan": asdict(self.plan),
            "done": dict(sorted(self.done.items())),
            "refused": dict(sorted(self.refused.items())),
            "faults": dict(sorted(self.faults.items())),
            "pages": {str(status): count for status, count in self.pages.items()},
            "virtual_days": round(self.virtual_days, 1),
            "cpu_s": round(self.cpu_s, 1),
        }


def live(plan: Plan, progress: Progress = lambda _day, _of: None) -> Outcome:
    """Live through a month, in virtual time. Raises Wrong, or whatever a member met that is no honest no."""
    began = process_time()

    async def month(network: SimulatedNetwork) -> Outcome:
        life = Life(network, plan)
        await life.move_in()
        luck = asyncio.create_task(life.bad_luck(plan.days))
        kinds = list(EVERYTHING)
        weights = [EVERYTHING[kind][1] for kind in kinds]
        for day in range(plan.days):
            progress(day, plan.days)
            for at in sorted(life.random.uniform(0, DAY_S) for _ in range(plan.doings_a_day)):
                asyncio.get_running_loop().call_later(
                    at, _begin, life, life.random.choices(kinds, weights)[0]
                )
            await asyncio.sleep(DAY_S)
        await luck
        await life.all_told()
        progress(plan.days, plan.days)
        await asyncio.sleep(QUIET_DAYS * DAY_S if plan.days > 7 else 2 * HOUR_S)
        await judge(life)
        outcome = Outcome(plan, life.done, life.refused, life.faults)
        outcome.pages = await crawl(life, min(WALKERS, plan.members))
        outcome.virtual_days = network.loop.time() / DAY_S
        await life.town.close()
        return outcome

    with quiet(), thrifty():
        outcome = run_virtual(month, plan.seed)
    outcome.cpu_s = process_time() - began
    return outcome


def _begin(life: Life, kind: str) -> None:
    life.begin(kind, EVERYTHING[kind][0])
