"""Every state of a payment over two connectors, on real lines and the real tables: I2–I6 and I17 whoever lies, and what finds it.

The model, and what was collapsed in it, is described in `payment_walk.py`. In a normal run one honest node starts again, or
liars try two locks on a line: 55,000 states in some twelve seconds of one core. With `--all` every node starts again, and liars try two
locks with and without a start: 390,000 more. Two locks, two connectors and starts at once, more than six
millions, are not walked. Source: docs/protocol.md 0.1, 7.2–7.4, 11.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import chain, combinations

import pytest

from protocol import line as rules
from protocol.line_ops import Claim, Release
from protocol.payment import (
    CONNECTOR,
    PAYEE,
    ConnectorEvent,
    ConnectorState,
    Effect,
    PayeeEvent,
    PayeeState,
    PayerState,
)
from tests.protocol.exploring import explore
from tests.protocol.payment_walk import DOWN, LOSS, UP, Walk

NODES = "PABY"
Change = Callable[[pytest.MonkeyPatch], object]


def walk(run: str, locks: int = 1, boots: int = 1) -> Walk:
    """Return the walk of a run of honest nodes, the others being liars."""
    first = NODES.index(run[0])
    assert run == NODES[first : first + len(run)]
    return Walk(first, first + len(run) - 1, locks=locks, boots=boots)


ONE_STARTS_AGAIN = [("P", 84), ("A", 2_128), ("B", 2_128), ("Y", 32), ("PA", 2_172), ("AB", 12_604), ("BY", 274),
                    ("PAB", 11_412), ("ABY", 897), ("PABY", 936)]  # fmt: skip
TWO_LOCKS = [("A", 9_252), ("B", 9_252), ("Y", 32), ("BY", 455), ("ABY", 3_896)]
ALL_START_AGAIN = [("AB", 44_556), ("BY", 686), ("PAB", 41_860), ("ABY", 8_485), ("PABY", 9_197)]
# With a start anew a second lock waits where it went on before (6.7 d), so that some orders come together.
TWO_LOCKS_AND_A_START = [("A", 68_979), ("B", 68_979), ("Y", 170), ("BY", 5_741)]


@pytest.mark.timeout(1_500)  # for the longest of them on a busy machine; in quiet that is half a minute
@pytest.mark.parametrize(
    "run, locks, boots, states",
    [
        *(pytest.param(run, 1, 1, states, id=run) for run, states in ONE_STARTS_AGAIN),
        *(pytest.param(run, 2, 0, states, id=f"{run}, two locks") for run, states in TWO_LOCKS),
        *(
            pytest.param(run, 1, 4, states, id=f"{run}, all start again", marks=pytest.mark.slow)
            for run, states in ALL_START_AGAIN
        ),
        *(
            pytest.param(run, 2, 1, states, id=f"{run}, two locks and a start", marks=pytest.mark.slow)
            for run, states in TWO_LOCKS_AND_A_START
        ),
        pytest.param("AB", 2, 0, 145_782, id="AB, two locks", marks=pytest.mark.slow),
    ],
)
def test_i3_i4_i5_i6_i17_hold_in_every_state_whoever_lies(
    run: str, locks: int, boots: int, states: int
) -> None:
    """I2, I3, I4, I5, I6, I17 for each honest node. The figure is how many states there were when this was written."""
    found, wrong = explore(walk(run, locks, boots))

    assert wrong is None
    assert len(found) >= states, "fewer states than once: is something not tried any more?"


def test_every_set_of_liars_is_made_of_the_runs_that_are_walked() -> None:
    """Whoever is honest in a row is a run, with liars or nobody around it."""
    walked = {run for run, _ in ONE_STARTS_AGAIN}
    some = chain.from_iterable(combinations(NODES, count) for count in range(len(NODES)))
    for liars in map(set, some):
        honest = "".join("-" if node in liars else node for node in NODES)
        assert set(honest.replace("-", " ").split()) <= walked


def test_the_walk_meets_what_it_is_about() -> None:
    """It would be worth nothing if nothing moved."""
    towns, _ = explore(walk("PABY"))
    assert {town.payer for town in towns} == set(PayerState)
    assert any(town.debited and town.credited and town.proof for town in towns)
    forwards = {each for town in towns for mine in town.forwards for each in mine}
    # Nobody's disk goes back in time here.
    assert {each.state for each in forwards} == set(ConnectorState) - {ConnectorState.SETTLED}
    assert any(each.decided for each in forwards), "decided while the line is not usable"
    assert any(each.posted == UP | DOWN for each in forwards)

    towns, _ = explore(walk("AB"))
    assert {end is not None and end.stopped for town in towns for end in town.ends} == {True, False}
    assert any(each.posted & LOSS for town in towns for mine in town.forwards for each in mine)


# --- negative controls (11): each forbidden shortcut is found, with the invariant it breaks -----------------------------


def row(state: ConnectorState, event: ConnectorEvent, then: ConnectorState, *effects: Effect) -> Change:
    return lambda patch: patch.setitem(CONNECTOR[state], event, (then, effects))  # type: ignore[call-overload]  # a dict


def never_decided(patch: pytest.MonkeyPatch) -> None:
    for event in (ConnectorEvent.FORWARD, ConnectorEvent.REFUSE):
        patch.delitem(CONNECTOR[ConnectorState.WAIT], event)  # type: ignore[arg-type]  # a dict


def ended_twice(patch: pytest.MonkeyPatch) -> None:
    check, apply = rules.check, rules.apply
    ends = (Claim, Release)

    def lenient_check(view, author, op, lock_of):
        return None if isinstance(op.step, ends) else check(view, author, op, lock_of)

    def lenient_apply(view, author, seq, step):
        known = not isinstance(step, ends) or (rules.other(author), step.lock) in view.locks()
        return apply(view, author, seq, step) if known else view

    patch.setattr(rules, "check", lenient_check)
    patch.setattr(rules, "apply", lenient_apply)
    released = (PayeeState.RELEASED, (Effect.RELEASE_UP,))
    patch.setitem(PAYEE[PayeeState.CLAIMED], PayeeEvent.REFUSE, released)  # type: ignore[call-overload]  # a dict


FORWARDED, CLAIMED, RELEASED = ConnectorState.FORWARDED, ConnectorState.CLAIMED, ConnectorState.RELEASED
SHORTCUTS = {
    "released by a clock": (
        "AB", row(FORWARDED, ConnectorEvent.REFUSE, RELEASED, Effect.RELEASE_UP), "I5 released upstream",
    ),
    "a claim answered in another transaction": (
        "PABY", row(FORWARDED, ConnectorEvent.DOWN_CLAIMED, CLAIMED, Effect.POST_DOWN), "I5 paid downstream",
    ),
    "a receipt from elsewhere posts both lines": (
        "B",
        row(FORWARDED, ConnectorEvent.RECEIPT, CLAIMED, Effect.POST_DOWN, Effect.STORE_RECEIPT, Effect.CLAIM_UP),
        "the books differ from the lines",
    ),
    "no limit": ("Y", lambda patch: patch.setattr(rules, "room", lambda *_: 10**12), "I3 more is owed"),
    "any receipt opens": ("P", lambda patch: patch.setattr(rules, "receipt_opens", lambda *_: True), "I6 the payer"),
    "ended twice": ("Y", ended_twice, "I4 a lock on line 2 has two ends"),
    "what waits is never decided": ("PABY", never_decided, "I17 a lock is stuck"),
}  # fmt: skip


@pytest.mark.parametrize("shortcut", SHORTCUTS)
def test_control_a_forbidden_shortcut_is_found(shortcut: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules 0.1, 0.4, 6.3, 7.2–7.4."""
    run, change, why = SHORTCUTS[shortcut]
    change(monkeypatch)

    _, wrong = explore(walk(run))

    assert wrong is not None
    assert re.match(why, wrong), wrong
