"""`interlets import`, as its user meets it: each command is a process, and one of them is killed. Issue 6.8."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from node.crash import IMPORT_POINTS, VARIABLE
from tests.node.test_cli import init

ROWS = "name,number,balance\nCem,17,-1:30\nDora,18,1:30\n,19,0\n"


def test_a_file_is_looked_at_brought_in_and_undone(tmp_path: Path) -> None:
    machine, _ = init(tmp_path)
    file = tmp_path / "old.csv"
    file.write_text(ROWS)
    looked = machine.run("import", str(file), "--layout", "members").stdout
    assert "line 4: left out. The name is missing." in looked
    assert "Nothing was: “--yes” does it." in looked
    with machine.serving():
        answer = machine.answer("import", str(file), "--layout", "members", "--yes")
        assert (answer["members"], answer["brought_in"]) == (2, 1)
        again = machine.run("import", str(file), "--layout", "members", "--yes", status=1).stderr
        assert "No line of it can be brought in." in again
    assert "undone" in machine.run("undo-import", "1").stdout
    assert "there is no import 7" in machine.run("undo-import", "7", status=1).stderr
    assert json.loads(machine.run("ledger", "verify", "--json").stdout)["right"]


def test_balances_that_do_not_sum_to_zero_are_refused(tmp_path: Path) -> None:
    machine, _ = init(tmp_path)
    file = tmp_path / "old.csv"
    file.write_text("name,balance\nCem,1\n")
    said = machine.run("import", str(file), "--layout", "members", "--yes", status=1).stderr
    assert "do not sum to zero" in said
    assert (
        machine.answer("import", str(file), "--layout", "members", "--rest", "chest", "--yes")["total"] == 60
    )
    file.write_text('name\n"Cem\n')
    assert (
        "line 2: The quotation marks"
        in machine.run("import", str(file), "--layout", "members", status=1).stderr
    )


@pytest.mark.parametrize("point", IMPORT_POINTS)
def test_killed_between_two_steps_a_file_is_in_or_it_is_not(tmp_path: Path, point: str) -> None:
    """I7: by SIGKILL, in a process of its own."""
    machine, _ = init(tmp_path)
    file = tmp_path / "old.csv"
    file.write_text(ROWS)
    command = [sys.executable, "-m", "node", "import", str(file), "--layout", "members", "--yes"]
    killed = subprocess.run(
        command, cwd=machine.folder, env=machine.environment({VARIABLE: f"{point}:1"}), capture_output=True, check=False,
        timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert killed.returncode == -9, killed.stderr
    assert json.loads(machine.run("ledger", "verify", "--json").stdout)["right"]
    looked = machine.answer("import", str(file), "--layout", "members")
    assert looked["members"] == (2 if point != "import-committed" else 0)
    if point != "import-committed":
        assert machine.answer("import", str(file), "--layout", "members", "--yes")["members"] == 2
