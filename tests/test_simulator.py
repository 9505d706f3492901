"""The simulator itself, and a sample of its towns. `scripts/simulate` runs as many as one likes. Source: docs/protocol.md 11."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from random import Random
from typing import Any

import pytest

from node.supervisor import Supervisor
from tests.controls.test_payment_controls import release_on_a_timer
from tests.invariants import Violated
from tests.simulation import run_virtual
from tests.simulator.accidents import FAULTS, LIES
from tests.simulator.many import (
    fewer_faults,
    name_of,
    never_happened,
    quietly,
    run_all,
    smallest,
    spare_steps,
)
from tests.simulator.run import Outcome, Plan
from tests.simulator.town import PowerCut, SimTown, image, template

WHOLE = 1_000  # towns of a normal run, and …
AFTER = 1_000  # seeds from here on show that everything happens
# Seeds that failed once, and what was found. A later change of the simulator draws other towns from them; what each found
# has a test of its own beside the code.
REGRESSIONS = {
    1004: "returned ops keep a revoked key",
    60223: "a lock that a liar hid for a time was let go with the line it froze",
    52282: "a liar hid a lock from a restored scheme, and showed it as new before the next line was compared",
    113823: "a liar hid from a restored scheme that it had let a lock go, and claimed it",
    5015: "the verdict fell while what a liar had held back was on its way",
}
CHUNK = 40  # … of one test, so that all workers have a share


def run_seeds(first: int, count: int, **fields: object) -> Counter[str]:
    """Run towns, all of which must hold; return what happened in them."""
    plans = (Plan(seed=seed, **fields) for seed in range(first, first + count))  # type: ignore[arg-type]  # as a Plan has them
    total = run_all(plans, 1, done=lambda _outcome: None)
    for outcome in total.failed:
        raise Violated("\n".join([outcome.violated, *outcome.story, f"seed {outcome.plan.seed}"]))
    return total.counts


@pytest.mark.timeout(900)
@pytest.mark.parametrize("first", range(0, WHOLE, CHUNK))
def test_many_towns_keep_every_invariant(first: int) -> None:
    """I1–I9, I12, I15, I17: as many seeds as the protocol's promises rest on."""
    run_seeds(first, CHUNK)


@pytest.mark.timeout(900)
def test_what_can_go_wrong_goes_wrong() -> None:
    """A fault that never happens would show nothing: each kind, and those moments at which some of them matter most."""
    counts = run_seeds(AFTER, 40)

    assert not never_happened(frozenset(FAULTS), counts)
    wanted = {
        "payments paid", "payments failed", "resets", "thefts", "keys with ops in flight", "limits in flight",
        "rates in flight", "restores beside liars", "skew of an hour",
    }  # fmt: skip
    assert not {what for what in wanted if not counts[what]}


@pytest.mark.parametrize("seed", REGRESSIONS, ids=REGRESSIONS.values())
def test_what_was_found_once_stays_mended(seed: int) -> None:
    """Towns in which the node was wrong when they were first run."""
    run_seeds(seed, 1)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("nodes", [2, 3, 6, 8])
def test_towns_of_other_sizes_keep_every_invariant(nodes: int) -> None:
    """Two neighbours, a triangle, and towns with long ways."""
    run_seeds(0, 40, nodes=nodes)


@pytest.mark.parametrize("lie", LIES)
def test_each_lie_is_told_and_harms_nobody(lie: str) -> None:
    """Rule 0.5, I1–I6 for the honest: one liar, one lie, no other trouble."""
    counts = run_seeds(0, 5, faults=frozenset({lie}), steps=300)

    assert counts[f"lies: {lie}"]


def test_the_same_seed_is_the_same_town() -> None:
    """Every event at the same moment, with the same bytes; also in another process, whose hashes are salted anew."""
    once, again, other = quietly(Plan(seed=3)), quietly(Plan(seed=3)), quietly(Plan(seed=4))
    assert once.digest == again.digest
    assert once.digest != other.digest
    assert once.events >= once.plan.steps

    command = [sys.executable, "scripts/simulate", "--replay", "3"]
    told = subprocess.run(
        command, cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["digest"] == once.digest


def test_a_failing_seed_is_made_small_and_tells_its_story() -> None:
    """With a shortcut in the node: the story ends with the invariant, and less happens in it."""
    with pytest.MonkeyPatch.context() as patches:
        release_on_a_timer(patches)
        total = run_all((Plan(seed=seed) for seed in range(20)), 1, done=lambda _outcome: None)
        (failed,) = total.failed
        small = smallest(failed)
        # What the shrinker promises: whatever is left out now, it is no failure of this name any more.
        assert [name_of(quietly(plan).violated) for plan in fewer_faults(small.plan)].count("I5") == 0

    assert name_of(failed.violated) == name_of(small.violated) == "I5"
    assert small.plan.seed == failed.plan.seed
    assert small.plan.faults < failed.plan.faults
    assert small.plan.steps <= failed.plan.steps
    assert any("*** I5" in line for line in small.story)
    assert any("RELEASE of lock" in line for line in small.story)
    summary = json.dumps(total.summary())
    assert "I5" in summary


def test_what_a_supervisor_catches_fails_the_run() -> None:
    """Rule 0.5: a node goes on after a task of it failed; here it is a bug, whichever task it was."""
    spawn, begun = Supervisor.spawn, 0
    template(4)  # built once, and no town that is judged

    async def broken() -> None:
        raise RuntimeError("of a kind that no rule foresees")

    def spawn_broken(self: Supervisor, work: Coroutine[Any, Any, object], what: str) -> None:
        nonlocal begun
        begun += 1
        if begun == 20:
            work.close()
            work = broken()
        spawn(self, work, what)

    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(Supervisor, "spawn", spawn_broken)
        failed = quietly(Plan(seed=0, steps=40))
    assert failed.violated.startswith("0.5 a task failed")
    assert quietly(Plan(seed=0, steps=40)).violated == ""


@pytest.mark.parametrize("needed", [
    [{"loss", "crash"}],
    [{"restore"}],
    [set()],
    [{"loss", "crash", "delay"}, {"restore"}],  # in two ways
    [{"silent", "late", "partition"}],
])  # fmt: skip
@pytest.mark.parametrize("steps", [1, 40, 500])
def test_nothing_more_can_be_left_out_of_what_the_shrinker_returns(
    needed: list[set[str]], steps: int
) -> None:
    """Over failures that need known faults and so many steps; what comes first to be left out may be needed only beside others."""
    tried = 0

    def run(plan: Plan) -> Outcome:
        nonlocal tried
        tried += 1
        fails = plan.steps >= steps and any(each <= plan.faults for each in needed)
        # A fault that keeps the others from harm: with it, one more is needed.
        fails = fails and not ("days" in plan.faults and "skew" not in plan.faults)
        return Outcome(
            plan=plan, violated="I5 it broke" if fails else "", digest="", counts={}, events=plan.steps, virtual_s=0.0,
            cpu_s=0.0,
        )  # fmt: skip

    small = smallest(run(Plan(seed=1, steps=900)), run=run).plan

    assert small.faults in [frozenset(each) for each in needed]
    assert not any(run(plan).violated for plan in fewer_faults(small))
    assert steps <= small.steps <= steps + spare_steps(small.steps)
    assert tried < 150


def test_a_disk_between_two_states_is_noticed() -> None:
    """I7: the simulator looks at the disk after each power cut, byte for byte."""
    made = template(2)

    async def begin(network):  # type: ignore[no-untyped-def]  # a scenario
        town = SimTown(network, 2, 0, Random(0), mixed=False)
        node = town[made.names[0]]
        await node.boot()
        node.cut_at(100)
        node.meet("SELECT")
        assert node._before == image(node.disk)
        node.store._writer.execute("UPDATE account SET balance = balance + 1 WHERE no = 1")  # behind its back
        node.statements_left = 1
        with pytest.raises(PowerCut):
            node.meet("SELECT")
        await asyncio.gather(*town.returning)
        await node.crash()
        return town.watch.violation

    violation = run_virtual(begin)
    assert str(violation).startswith("I7 ")
