"""Negative controls in the simulator: each shortcut, patched into the real node, is found in some seed, by name.

A run of the seed without the shortcut holds; with it, the invariant named is violated. Which seed it was is in the table
(`first`); the search begins there, so that a change of the core which draws other numbers does not break the control.
Source: docs/protocol.md 11; the same shortcuts in the reference model that came before the code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from node.federation.links import Links
from node.federation.session import Session
from node.keyring import KeyRing
from node.services import connector_desk, lines, neighbours, quotes
from node.services.line_desk import LineDesk
from node.services.line_rows import LIVE, Line
from protocol import line as rules
from protocol import line_view
from protocol.identity import IdentityState
from protocol.line_ops import Lock, Op
from protocol.memo import Nothing
from protocol.payment import forward_verdict
from protocol.units import HOUR, Rate
from tests.controls.test_payment_controls import claim_upstream_later, release_on_a_timer
from tests.simulator import accidents
from tests.simulator.accidents import FAULTS, LIES
from tests.simulator.many import name_of, quietly
from tests.simulator.run import Plan

HONEST = frozenset(FAULTS) - frozenset(LIES) - {"days"}
# Little else, so that what matters to old backups happens often.
RESTORES = frozenset({"restore", "parallel", "partition", "delay", "restart"})
# Machines that die without a word: what they sent arrives when they are back, perhaps with an older disk.
SUPERSEDED = RESTORES | {"half-open", "reordering"}
KEYS = frozenset({"keys", "parallel", "partition", "delay"})
CREDITS = frozenset({"credit", "parallel", "limits", "delay", "partition"})
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
    room = line_view.room
    for module in (rules, line_view):
        patches.setattr(module, "room", lambda view, debtor, mode="normal": room(view, debtor))


def forgive_all_that_is_owed(patches: pytest.MonkeyPatch) -> None:
    """CREDIT up to what the peer owes, my own open locks not looked at. Against 6.3."""
    for module in (rules, neighbours, accidents):
        patches.setattr(module, "credit_room", lambda view, author: max(0, -view.owed(author)))


# --- what a node started from an old backup must not do (6.7) ----------------------------------------------------------


def count_as_synced(patches: pytest.MonkeyPatch) -> None:
    """A line counts after a boot as it did before: no answer to this boot's nonce is waited for. Against 6.7 (a)."""
    patches.setattr(lines, "reset_for_boot", lambda tx: None)


def ignore_what_is_returned(patches: pytest.MonkeyPatch) -> None:
    """My own ops that a peer returns are not taken. Against 6.7 (b)."""
    patches.setattr(LineDesk, "take_back", lambda desk, line, op: False)


def treat_as_new(patches: pytest.MonkeyPatch) -> None:
    """Release what may have been passed on before, while the next line is not usable. Against 6.7 (d)."""

    def verdict(lock: Lock, onward: Any, *, now_ms: int, old: bool) -> Any:
        return forward_verdict(lock, replace(onward, compared=True), now_ms=now_ms, old=False)

    patches.setattr(connector_desk, "forward_verdict", verdict)


def write_before_all_is_heard(patches: pytest.MonkeyPatch) -> None:
    """A line is usable as soon as my own chain is whole, whatever of the peer's is still missing. Against 6.7 (c)."""

    def usable(line: Line) -> bool:
        return line.status in LIVE and line.synced and line.state.own_length >= line.returned

    patches.setattr(Line, "usable", property(usable))


def read_older_sessions(patches: pytest.MonkeyPatch) -> None:
    """A newer session ends no older one, and what comes in the older one is read. Against 6.7 (e)."""

    def enter(links: Links, session: Session) -> None:
        links._sessions.setdefault(session.peer, []).append(session)
        links._count_on(session)

    patches.setattr(Links, "_enter", enter)
    patches.setattr(Session, "demote", lambda session: None)


# --- keys (2.3, 6.3) ---------------------------------------------------------------------------------------------------


def take_revoked_keys(patches: pytest.MonkeyPatch) -> None:
    """A key counts for ever. Against 2.3."""

    def key_for(state: IdentityState, purpose: str, key_seq: int, *, seen_at_seq: int | None = None) -> Any:
        del seen_at_seq
        given = state.delegation(key_seq)
        return given.verifying if given is not None and given.purpose == purpose else None

    patches.setattr(IdentityState, "key_for", key_for)


def send_as_once_signed(patches: pytest.MonkeyPatch) -> None:
    """What nobody acknowledged is sent as it was signed, though the key was revoked since. Against 6.3."""
    patches.setattr(KeyRing, "renewed", lambda ring, purpose, kind, wire: wire)


def end_at_once(patches: pytest.MonkeyPatch) -> None:
    """What was decided on a line that is not usable is written all the same. Against 0.4, 6.7 (c)."""

    def decide(
        desk: LineDesk,
        line: Line,
        lock_seq: int,
        receipt: bytes | None,
        reason: str = "",
        memory: Any = Nothing(),
    ) -> bool:
        desk._end(line, lock_seq, receipt, reason, memory)
        return True

    patches.setattr(LineDesk, "decide", decide)


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
    "over-limit": Control(patch=believe_every_lock, name="I3", first=7, faults=frozenset({"over-limit"})),
    "reduce": Control(patch=reduce_as_usual, name="I16", first=1),
    "credit": Control(patch=forgive_all_that_is_owed, name="I3", first=17, faults=CREDITS),
    "a": Control(patch=count_as_synced, name="I15", first=3, faults=RESTORES),
    "b": Control(patch=ignore_what_is_returned, name="I8", first=0, faults=RESTORES),
    "c": Control(patch=write_before_all_is_heard, name="I8", first=1, faults=RESTORES | {"reordering"}),
    "d": Control(patch=treat_as_new, name="I5", first=3, faults=RESTORES),
    "e": Control(patch=read_older_sessions, name="I2", first=13, faults=SUPERSEDED),
    "i": Control(patch=end_at_once, name="I2", first=0, faults=RESTORES),
    "revoked": Control(patch=take_revoked_keys, name="I18", first=1, faults=KEYS),
    "not-renewed": Control(patch=send_as_once_signed, name="I8", first=3, faults=KEYS),
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
