"""Crash points: nothing in normal life, the end of the process when a test asks for it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from node import crash


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    """No point stays armed for the tests that follow."""
    yield
    crash.arm_from_environment({})


def test_unarmed_points_do_nothing():
    crash.arm_from_environment({})
    for name in crash.POINTS:
        crash.point(name)


def test_the_count_th_passing_of_the_named_point_ends_it():
    heard: list[str] = []
    crash.arm_from_environment({crash.VARIABLE: "claim-committed:3"}, lambda: heard.append("end"))
    for passing in ("1", "2", "3", "4"):
        heard.append(passing)
        crash.point("claim-stored")
        crash.point("claim-committed")
    assert heard == ["1", "2", "3", "end", "4"]


@pytest.mark.parametrize("wanted", [
    "", "claim-committed", "claim-committed:", "claim-committed:0", "claim-committed:-1", "claim-committed:x",
    "claim-committed:1:2", "claim-comitted:1", ":1", "claim-committed:²",
])  # fmt: skip
def test_a_wish_that_could_never_be_reached_is_refused_at_start(wanted):
    """A mistyped name would make a crash test pass without a crash."""
    with pytest.raises(crash.UnknownCrashPoint):
        crash.arm_from_environment({crash.VARIABLE: wanted})


def test_it_is_the_end_no_clean_up_runs(root: Path):
    program = (
        "import atexit, os, sys\n"
        "from node import crash\n"
        "crash.arm_from_environment(os.environ)\n"
        "atexit.register(lambda: print('cleaned up', flush=True))\n"
        "print('first', flush=True); crash.point('lock-committed')\n"
        "print('second', flush=True); crash.point('lock-committed')\n"
        "print('third', flush=True)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=root,
        env={**os.environ, crash.VARIABLE: "lock-committed:2", "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert ended.stdout.split() == ["first", "second"]


def test_every_point_in_the_code_is_listed(root: Path):
    """And each is named by a literal, so that this test can see it."""
    calls = re.compile(r"\bcrash\.point\((.*?)\)")
    named = [
        (path.name, call)
        for path in sorted((root / "node").rglob("*.py"))
        if path.name != "crash.py"
        for call in calls.findall(path.read_text("utf-8"))
    ]
    assert [where for where in named if where[1].strip("\"'") not in crash.POINTS] == []
