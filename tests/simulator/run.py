"""One run of the simulator: a town from a seed, so many events of bad times, then fair weather, then the verdict."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from random import Random
from typing import Any, Final

from node import supervisor
from node.simulation.network import SimulatedNetwork
from node.store import StoreError
from tests.invariants import Violated
from tests.simulation import run_virtual
from tests.simulator.accidents import FAULTS, LIES, Happenings
from tests.simulator.liars import Liar
from tests.simulator.town import PowerCut, SimTown, template
from tests.simulator.verdict import is_at_rest, judge

REST_S: Final = 3_000  # fair weather after which everything must have ended; redials wait up to five minutes
LIAR_SHARE: Final = 0.35  # of the runs in which a lie is allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run. Equal plans give equal outcomes."""

    seed: int
    steps: int = 500
    nodes: int = 4
    faults: frozenset[str] = frozenset(FAULTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it."""

    plan: Plan
    violated: str  # empty: everything holds
    digest: str  # of all events: the same for the same plan
    counts: dict[str, int]
    events: int
    virtual_s: float
    cpu_s: float
    story: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        plan = {**asdict(self.plan), "faults": sorted(self.plan.faults)}
        return {**asdict(replace(self, story=[])), "plan": plan, "story": self.story}


def simulate(plan: Plan) -> Outcome:
    """Run one plan to its verdict."""
    began = time.process_time()
    template(plan.nodes)  # built in a loop of its own

    async def begin(network: SimulatedNetwork) -> Outcome:
        run = _Run(network, plan)
        asyncio.get_running_loop().set_exception_handler(run.on_exception)
        with run.failing_on_failed_tasks():
            return await run.whole(began)

    return run_virtual(begin, plan.seed)


class _Run:
    def __init__(self, network: SimulatedNetwork, plan: Plan):
        self.plan = plan
        self.random = Random(f"{plan.seed} {plan.nodes}")
        self.town = SimTown(network, plan.nodes, plan.seed, self.random, mixed="mixed" in plan.faults)
        self.happenings = Happenings(self.town, plan.faults)

    def on_exception(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Take note of what nobody caught: a power cut is wanted, anything else is a bug."""
        error = context.get("exception")
        if error is not None and not isinstance(error, PowerCut | StoreError | asyncio.CancelledError):
            self.town.watch.fail(Violated(f"0.5 nobody caught {error!r}"))

    @contextmanager
    def failing_on_failed_tasks(self) -> Iterator[None]:
        """Take note of what a supervisor caught and no rule foresees: a node goes on after it, a simulated town must not."""
        fail, real = self.town.watch.fail, supervisor.log

        class Noting:
            def exception(self, _event: str, **about: object) -> None:
                fail(Violated(f"0.5 a task failed: {about['what']}: {sys.exc_info()[1]!r}"))

            def __getattr__(self, name: str) -> Any:
                return getattr(real, name)

        setattr(supervisor, "log", Noting())  # noqa: B010 - it is Final for everybody else
        try:
            yield
        finally:
            setattr(supervisor, "log", real)  # noqa: B010 - see above

    async def whole(self, began: float) -> Outcome:
        """Return the outcome of the run."""
        town, violated = self.town, ""
        try:
            await self._bad_times()
            await self._rest()
            snapshots = await judge(town)
            for snapshot in snapshots:
                town.story.counts.update(f"payments {row[2]}" for row in snapshot.payments)
        except Violated as wrong:
            violated = str(wrong)
            town.story.end(violated)
        town.half_open = False
        await town.stop()
        story = town.story
        return Outcome(
            plan=self.plan,
            violated=violated,
            digest=story.digest(),
            counts=dict(Counter(story.counts)),
            events=story.events,
            virtual_s=round(town.network.loop.time(), 3),
            cpu_s=round(time.process_time() - began, 3),
            story=story.told(),
        )

    def _hold(self) -> None:
        if self.town.watch.violation is not None:
            raise self.town.watch.violation

    async def _bad_times(self) -> None:
        town, happenings = self.town, self.happenings
        self._choose_liars()
        for node in town.nodes.values():
            happenings.set_clock(node)
        happenings.draw_weather()
        town.half_open = "half-open" in self.plan.faults
        town.story.counts["mixed"] += len({node.rate.minor_per_hour for node in town.nodes.values()}) > 1
        for node in town.nodes.values():
            await node.boot()
        await asyncio.sleep(self.random.uniform(0.0, 3.0))
        while town.story.events < self.plan.steps:
            await happenings.pause()
            self._hold()
            liars = [node for node in town.nodes.values() if node.liar is not None]
            if liars and self.random.random() < 0.1:
                liar = self.random.choice(liars).liar
                assert liar is not None
                liar.lie()
            else:
                happenings.next()

    def _choose_liars(self) -> None:
        lies = sorted(self.plan.faults & set(LIES))
        alone = not self.plan.faults - set(LIES)
        if not lies or not (alone or self.random.random() < LIAR_SHARE):
            return
        count = 2 if self.plan.nodes >= 5 and self.random.random() < 0.4 else 1
        for name in self.random.sample(list(self.town.nodes), count):
            node = self.town[name]
            node.liar = Liar(
                node, self.happenings, self.random.sample(lies, self.random.randint(1, len(lies)))
            )

    async def _rest(self) -> None:
        """Fair weather, everybody up, and time."""
        town, happenings = self.town, self.happenings
        for node in town.nodes.values():
            node.statements_left = None
        while happenings.tasks or town.returning:
            await asyncio.gather(*happenings.tasks, *town.returning, return_exceptions=True)
            town.returning = [task for task in town.returning if not task.done()]
            self._hold()
        happenings.count_weather()
        happenings.clear_weather()
        for node in town.nodes.values():
            if not node.is_up and not node.down_for_good:
                await town.start(node)
        await town.tell_keys()
        # What a liar held back may arrive after everything seemed to be over: it counts once it lasts for a second.
        waited, pause, rested = 0.0, 1.0, False
        while waited < REST_S and not (rested and await is_at_rest(town)):
            rested = await is_at_rest(town)
            pause = 1.0 if rested else min(20.0, pause * 1.2)
            await asyncio.sleep(pause)
            waited += pause
            self._hold()
