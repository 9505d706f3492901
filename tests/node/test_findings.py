"""What is said of a node's state, from the figures it gives. Source: docs/operating.md."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from node import findings
from node.backup.regular import Standing
from node.finding_names import NAMES, NEIGHBOUR
from node.findings import (
    DISK_FREE_GOOD,
    DISK_FREE_MIN,
    RELEASED_MS,
    State,
    backups_finding,
    clock_finding,
    disk_finding,
    health_findings,
    is_well,
)
from node.services.recovered_rows import BOOKS

WELL: dict[str, Any] = {
    "sums": {"local": 0, "hours": 0}, "accounts": 3, "mails_waiting": 0, "mails_late": 0, "mail_reason": "",
    "lines": [], "mail_set_up": True, "recovered": 0, "found": [], "missing": 0, "contradictions": 0,
    "log": {"size": 5, "witnesses": 3, "cosigned": 3, "quorum": 3, "at_ms": 0, "stopped": None, "stopped_by": None},
    "maintenance": False, "proxy_to_add": None, "now_ms": 10**12,
}  # fmt: skip
LINE = {"name": "Fenside", "connected": True, "clocks": "agree", "heard_ms": 10**12}

# What differs from WELL → the finding it gives: its name, its state, words of it.
CASES = [
    ({"sums": {"local": 5, "hours": 0}}, "balances", State.PROBLEM, "too many: 5 local"),
    ({"log": {**WELL["log"], "cosigned": 2}}, "log", State.NOTE, "2 of 3 witnesses"),
    ({"log": {**WELL["log"], "quorum": None, "witnesses": 2}}, "log", State.NOTE, "too few"),
    ({"log": {**WELL["log"], "stopped": "waiting"}}, "log", State.NOTE, "until a neighbour is heard"),
    ({"log": {**WELL["log"], "stopped": "behind", "stopped_by": "x"}}, "log", State.PROBLEM, "x holds a longer log"),
    ({"log": {**WELL["log"], "stopped": "other", "stopped_by": "x"}}, "log", State.PROBLEM, "x holds another log"),
    ({"log": {**WELL["log"], "stopped": "other"}}, "log", State.PROBLEM, "this database holds another log"),
    ({"found": [BOOKS], "recovered": 1}, "recovered", State.NOTE, "has taken its place"),
    ({"missing": 4}, "recovered", State.PROBLEM, "only in that copy: 4"),
    ({"recovered": 7}, "recovered", State.NOTE, "in two weeks: 7"),
    ({"maintenance": True}, "maintenance", State.NOTE, "change nothing"),
    ({"mail_set_up": False, "mails_waiting": 2}, "mail", State.NOTE, "wait in the outbox: 2"),
    ({"mails_late": 2, "mail_reason": "550 no"}, "mail", State.PROBLEM, "in vain: 2; 550 no"),
    ({"proxy_to_add": "10.0.0.0/8"}, "proxy", State.PROBLEM, "10.0.0.0/8 passes requests on"),
    ({"lines": [LINE]}, "neighbour Fenside", State.OK, "connected"),
    ({"lines": [{**LINE, "clocks": "warn"}]}, "neighbour Fenside", State.NOTE, "differ a little"),
    ({"lines": [{**LINE, "clocks": "no-new-locks"}]}, "neighbour Fenside", State.PROBLEM, "no trade is begun"),
    ({"lines": [{**LINE, "connected": False}]}, "neighbour Fenside", State.OK, "not connected now"),
    ({"lines": [{**LINE, "connected": False, "heard_ms": 0}]}, "neighbour Fenside", State.NOTE, "two days"),
    ({"contradictions": 1}, "evidence", State.NOTE, "contradicted itself: 1"),
]  # fmt: skip


def test_a_node_that_is_well_has_no_note_and_no_problem() -> None:
    assert {each.state for each in health_findings(WELL, running=True)} == {State.OK}


@pytest.mark.parametrize(("differs", "name", "state", "words"), CASES)
def test_each_trouble_has_its_words(differs: dict[str, Any], name: str, state: State, words: str) -> None:
    found = list(health_findings({**WELL, **differs}, running=True))
    (one,) = [each for each in found if each.name == name]
    assert one.state is state
    assert words in one.said()
    assert bool(one.cure()) or state is State.OK or name == "log"
    assert is_well(found) is (state is not State.PROBLEM)
    assert one.as_json() == {"name": name, "state": state, "text": one.said(), "fix": one.cure()}


def test_a_silent_neighbour_is_no_news_while_the_node_itself_is_stopped() -> None:
    silent = {**WELL, "lines": [{**LINE, "connected": False, "heard_ms": 0}]}
    assert {each.state for each in health_findings(silent, running=False)} == {State.OK}


@pytest.mark.parametrize(
    ("free", "state"),
    [(DISK_FREE_MIN - 1, State.PROBLEM), (DISK_FREE_MIN, State.NOTE), (DISK_FREE_GOOD, State.OK)],
)
def test_how_full_the_disk_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: State
) -> None:
    monkeypatch.setattr(
        findings.shutil, "disk_usage", lambda _: findings.shutil._ntuple_diskusage(0, 0, free)
    )
    assert disk_finding(tmp_path).state is state
    assert disk_finding(tmp_path / "nowhere").state is State.PROBLEM


def test_how_it_stands_with_backups(tmp_path: Path) -> None:
    def of(**differs: Any) -> Standing:
        return Standing(**{"folder": tmp_path, "there": True, "newest_ms": 5, "late": False, **differs})

    states = {
        None: State.NOTE, of(there=False): State.PROBLEM, of(newest_ms=None): State.NOTE,
        of(late=True): State.PROBLEM, of(same_disk=True): State.NOTE, of(): State.OK,
    }  # fmt: skip
    for standing, state in states.items():
        assert backups_finding(standing, str).state is state


def test_a_clock_years_behind_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    assert clock_finding(RELEASED_MS - 1).state is State.PROBLEM
    monkeypatch.setattr(findings, "NTP_MARKS", (Path("/nowhere"),))
    assert clock_finding(RELEASED_MS).state is State.NOTE
    monkeypatch.setattr(findings, "NTP_MARKS", (Path("/"),))
    assert clock_finding(RELEASED_MS).state is State.OK


def test_the_page_has_a_name_for_everything() -> None:
    """Else a page for admins ends in an error on the day something is wrong."""
    tree = ast.parse(Path(findings.__file__).read_text())
    named = {
        node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        and any(isinstance(target, ast.Name) and target.id == "name" for target in node.targets)
    } | {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding"
        and isinstance(node.args[0], ast.Constant)
    }  # fmt: skip
    assert len(named) >= 6
    assert {name for name in named if not str(name).startswith(NEIGHBOUR)} <= NAMES.keys()
