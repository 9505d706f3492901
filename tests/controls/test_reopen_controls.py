"""What a line that goes on must not do: each shortcut makes the towns of `tests/simulator/both_lost.py` fail, by name. Source: docs/protocol.md 6.8."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from crypto.signing import Signed
from node.services import both_lost as finding
from node.services import reopen_desk
from node.services.connector_desk import ConnectorDesk
from protocol import line as line_rules
from protocol import reopening as rules
from protocol.line import LineState, author, returned
from protocol.line_ops import Op, Reopen
from protocol.line_view import LOW
from tests.simulator.both_lost import both_lost

Shortcut = Callable[[pytest.MonkeyPatch], None]


def drop_open_locks(patches: pytest.MonkeyPatch) -> None:
    """REOPEN leaves out what is under way. Against 6.8."""
    step = rules.reopen_step
    patches.setattr(rules, "reopen_step", lambda state, owed: replace(step(state, owed), locks=b""))


def answer_something_else(patches: pytest.MonkeyPatch) -> None:
    """The other side signs another balance than the one offered, and goes on from it. Against 6.8."""
    begin = rules.begin

    def answer(state: LineState, offered: Signed[Op], time_ms: int) -> tuple[Op, LineState]:
        step = offered.body.step
        assert isinstance(step, Reopen)
        other = replace(step, owed_by_low=step.owed_by_low + 1)
        return author(rules.empty_epoch(state, offered.body.epoch), other, time_ms)

    def begin_alone(state: LineState, offered: Signed[Op], answered: Signed[Op]) -> LineState:
        if state.me == LOW:
            return begin(state, offered, answered)
        return returned(rules.empty_epoch(state, offered.body.epoch), answered, lambda seq: offered)

    patches.setattr(rules, "answer", answer)
    patches.setattr(rules, "begin", begin_alone)
    patches.setattr(line_rules, "_check_reopen", lambda *_: None)


def leave_it_in_transit(patches: pytest.MonkeyPatch) -> None:
    """What was lost on the way is not taken to the chest. Against 6.8."""

    def settle(_desk: Any, _line: Any) -> list[tuple[int, int]]:
        return []

    patches.setattr(ConnectorDesk, "settle_lost", settle)
    patches.setattr(finding, "find_unbalanced", lambda *_: finding.Unbalanced(0, 0, frozenset()))
    patches.setattr(reopen_desk, "find_unbalanced", lambda *_: finding.Unbalanced(0, 0, frozenset()))


def let_numbers_be_taken(patches: pytest.MonkeyPatch) -> None:
    """A line of which both sides lost ops is used again before anybody looks. Against 6.8."""
    patches.setattr(finding, "missing_on", lambda *_: None)
    from node.services import line_units

    patches.setattr(line_units, "missing_on", lambda *_: None)
    patches.setattr(ConnectorDesk, "_is_lost", lambda *_: False)


CONTROLS = [
    (drop_open_locks, "I17|I8|6.8", (45, 47)),
    (answer_something_else, "I2|6.8", (1, 2)),
    (leave_it_in_transit, "I8", (30, 26)),
    (let_numbers_be_taken, "I|6.8", (7, 45, 47)),
]


@pytest.mark.parametrize(
    "shortcut, names, seeds", CONTROLS, ids=[shortcut.__name__ for shortcut, *_ in CONTROLS]
)
def test_a_shortcut_is_found(
    monkeypatch: pytest.MonkeyPatch, shortcut: Shortcut, names: str, seeds: tuple[int, ...]
) -> None:
    """The same seeds pass without it (`tests/test_both_lost.py`)."""
    assert [both_lost(seed).violated for seed in seeds] == [""] * len(seeds)
    shortcut(monkeypatch)
    found = [both_lost(seed).violated for seed in seeds]
    assert any(violated.startswith(tuple(names.split("|"))) for violated in found), found
