"""Negative controls in the simulator: each shortcut, patched into the real node, is found in some seed, by name.

A run of the seed without the shortcut holds; with it, the invariant named is violated. Which seed it was is in the table
(`first`); the search begins there, so that a change of the core which draws other numbers does not break the control.
Source: docs/protocol.md 11; the same shortcuts in the reference model that came before the code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from node.services import quotes
from protocol import line as rules
from protocol.line_ops import Lock, Op
from protocol.units import HOUR, Rate
from tests.controls.test_payment_controls import claim_upstream_later, release_on_a_timer
from tests.simulator.accidents import FAULTS, LIES
from tests.simulator.many import name_of, quietly
from tests.simulator.run import Plan

HONEST = frozenset(FAULTS) - frozenset(LIES) - {"days"}
Patch = Callable[[pytest.MonkeyPatch], None]


def round_down(patches: pytest.MonkeyPatch) -> None:
    """The payer's amount rounded down: the payee's side then gets hours nobody paid for. Against 7.1."""

    def local_of(hours: int, rate: Rate) -> int:
        return max(1, hours * rate.minor_per_hour // HOUR)

    patches.setattr(quotes, "local_of", local_of)


def believe_every_lock(patches: pytest.MonkeyPatch) -> None:
    """A LOCK of a peer is stored whatever the LIMIT says. Against 6.3."""
    check = rules.check

    def check_but_locks(view: Any, author: Any, op: Op, lock_of: Any) -> None:
        if not isinstance(op.step, Lock) or lock_of is None:
            check(view, author, op, lock_of)

    patches.setattr(rules, "check", check_but_locks)


def reduce_as_usual(patches: pytest.MonkeyPatch) -> None:
    """Mode *reduce* obeys the LIMIT like any other lock. Against 6.3, 8.2."""
    room = rules.room
    patches.setattr(rules, "room", lambda view, debtor, mode="normal": room(view, debtor))


@dataclass(frozen=True, kw_only=True)
class Control:
    """A shortcut, and what it breaks."""

    patch: Patch
    name: str
    first: int  # a seed that finds it
    faults: frozenset[str] = HONEST
    within: int = 40  # seeds from there
    steps: int = 500


CONTROLS = {
    "split": Control(patch=claim_upstream_later, name="I5", first=0),
    "timer": Control(patch=release_on_a_timer, name="I5", first=0),
    "floor": Control(patch=round_down, name="I9", first=0),
    "over-limit": Control(patch=believe_every_lock, name="I3", first=0, faults=frozenset({"over-limit"})),
    "reduce": Control(patch=reduce_as_usual, name="I16", first=0),
}


def violated(plan: Plan, patch: Patch | None) -> str:
    """Return the name of the invariant that a run breaks, empty if it breaks none."""
    with pytest.MonkeyPatch.context() as patches:
        if patch is not None:
            patch(patches)
        return name_of(quietly(plan).violated)


def found_at(control: Control) -> Plan | None:
    """Return the first run in which the shortcut is found by its name."""
    for seed in range(control.first, control.first + control.within):
        plan = Plan(seed=seed, steps=control.steps, faults=control.faults)
        if violated(plan, control.patch) == control.name:
            return plan
    return None


@pytest.mark.parametrize("shortcut", CONTROLS)
def test_a_forbidden_shortcut_is_found_by_the_simulator(shortcut: str) -> None:
    """Rule 11: the invariants would be worth nothing if they held whatever the node did."""
    control = CONTROLS[shortcut]
    plan = found_at(control)

    assert plan is not None, f"{shortcut}: not found in {control.within} seeds from {control.first}"
    assert violated(plan, None) == "", f"seed {plan.seed} does not hold without the shortcut either"
