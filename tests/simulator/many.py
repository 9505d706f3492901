"""Many runs: over several processes, summed up, and the first that fails made as small as it gets."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tests.simulator.accidents import AT_THE_START, COUNTED_AS, FAULTS, LIES, WEATHER
from tests.simulator.run import Outcome, Plan, simulate
from tests.simulator.thrift import quiet, thrifty


@dataclass
class Sum:
    """What came of many runs."""

    runs: int = 0
    events: int = 0
    cpu_s: float = 0.0
    virtual_s: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    faults: frozenset[str] = frozenset()  # those allowed in some run
    failed: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Take in one run."""
        self.runs += 1
        self.events += outcome.events
        self.cpu_s += outcome.cpu_s
        self.virtual_s += outcome.virtual_s
        self.counts.update(outcome.counts)
        self.faults |= outcome.plan.faults
        if outcome.violated:
            self.failed.append(outcome)

    def summary(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {
            "runs": self.runs,
            "events": self.events,
            "events_per_cpu_minute": round(60 * self.events / self.cpu_s) if self.cpu_s else 0,
            "cpu_s": round(self.cpu_s, 1),
            "virtual_days": round(self.virtual_s / 86_400, 1),
            "counts": dict(sorted(self.counts.items())),
            "never_happened": never_happened(self.faults, self.counts),
            "failed": [outcome.summary() for outcome in self.failed],
        }


def never_happened(faults: frozenset[str], counts: Counter[str]) -> list[str]:
    """Return the kinds of faults that were allowed and did not happen."""
    return sorted(fault for fault in faults if not counts[COUNTED_AS.get(fault, fault)])


def name_of(violated: str) -> str:
    """Return the name an invariant's message begins with."""
    return violated.split(" ", 1)[0]


def quietly(plan: Plan) -> Outcome:
    """Run one plan without the logs of its nodes."""
    with quiet(), thrifty():
        return simulate(plan)


def run_all(plans: Iterator[Plan], jobs: int, *, done: Callable[[Outcome], None]) -> Sum:
    """Run plans until they are over or one fails; `done` is told of each."""
    total = Sum()

    def take(outcome: Outcome) -> None:
        total.add(outcome)
        done(outcome)

    if jobs == 1:
        for plan in plans:
            take(quietly(plan))
            if total.failed:
                break
        return total
    with ProcessPoolExecutor(jobs) as pool:
        waiting = {pool.submit(quietly, plan) for plan in itertools.islice(plans, 2 * jobs)}
        while waiting:
            ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in ended:
                take(future.result())
            if not total.failed:
                waiting |= {pool.submit(quietly, plan) for plan in itertools.islice(plans, len(ended))}
    total.failed.sort(key=lambda outcome: outcome.plan.seed)
    return total


# What is left out together, rather than one by one, where that is enough.
GROUPS: Final = (LIES, AT_THE_START, WEATHER, *((fault,) for fault in FAULTS))


def fewer_faults(plan: Plan) -> Iterator[Plan]:
    """Yield the plans with one group or one kind of fault less."""
    for group in GROUPS:
        if plan.faults & set(group):
            yield replace(plan, faults=plan.faults - set(group))


def spare_steps(steps: int) -> int:
    """Return how many steps too many a smallest plan may have."""
    return max(5, steps // 20)


def smallest(failed: Outcome, *, run: Callable[[Plan], Outcome] = quietly) -> Outcome:
    """Return a run of the same seed that breaks the same invariant, as small as leaving things out one by one makes it.

    Of what is returned it was tried: no plan of `fewer_faults` breaks that invariant, nor does some plan that is
    shorter by at most `spare_steps`.
    """
    name, best = name_of(failed.violated), failed

    def still_fails(plan: Plan) -> bool:
        nonlocal best
        outcome = run(plan)
        if name_of(outcome.violated) != name:
            return False
        best = outcome
        return True

    while True:
        before = best
        for group in GROUPS:
            if best.plan.faults & set(group):
                still_fails(replace(best.plan, faults=best.plan.faults - set(group)))
        low, high = 0, min(best.plan.steps, best.events)
        while high - low > spare_steps(high):
            middle = (low + high) // 2
            if still_fails(replace(best.plan, steps=middle)):
                high = middle
            else:
                low = middle
        if best is before:  # else what was needed before may be needed no more
            return best
