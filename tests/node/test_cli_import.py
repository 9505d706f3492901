"""`interlets import`: what it says, and as its user meets it: each command is a process, and one of them is killed. Issue 6.8."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.cli.admin import CannotDo
from node.cli.importing import import_file, import_undo
from node.crash import IMPORT_POINTS, VARIABLE
from tests.node.services.test_imports import EVEN, Desk
from tests.node.services.test_past_trades import TRADES
from tests.node.test_cli import Machine, init

ROWS = "name,number,balance\nCem,17,-1:30\nDora,18,1:30\n,19,0\n"


# --- what it says -------------------------------------------------------------------------------------------------


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    await made.furnish()
    yield made
    await made.store.close()


async def test_what_is_wrong_is_said_in_words_and_nothing_is_brought_in(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    file.write_text("name,balance\nCem,1\n")
    before = await desk.names()
    with pytest.raises(CannotDo, match="do not sum to zero"):
        await import_file(desk.node, file=str(file), layout="members", bring_in=True)
    assert await desk.names() == before
    with pytest.raises(CannotDo, match="the file cannot be read"):
        await import_file(desk.node, file=str(tmp_path / "none.csv"), layout="members")
    answer = await import_file(desk.node, file=str(file), layout="members", remainder="chest", bring_in=True)
    assert (answer["total"], answer["brought_in"]) == (60, 2)
    with pytest.raises(CannotDo, match="No line of it can be brought in"):
        await import_file(desk.node, file=str(file), layout="members", bring_in=True)
    file.write_text('name\n"Cem\n')
    with pytest.raises(CannotDo, match="line 2: The quotation marks"):
        await import_file(desk.node, file=str(file), layout="members")
    with pytest.raises(CannotDo, match="there is no import 70"):
        await import_undo(desk.node, no=70)


async def test_past_trades_are_told_with_whose_balance_differs(desk: Desk, tmp_path: Path) -> None:
    await desk.bring(EVEN)
    file = tmp_path / "trades.csv"
    file.write_text(TRADES)
    answer = await import_file(desk.node, file=str(file), layout="trades", bring_in=True)
    assert (answer["trades"], answer["outside"], answer["brought_in"]) == (3, [4], 2)
    assert answer["differences"] == [{"member": "0003", "name": "Cem", "opening": -90, "trades": -75}]
    assert await import_undo(desk.node, no=2) == {"undone": 2}


# --- as a process -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def oakvale(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return init(tmp_path_factory.mktemp("oakvale"))[0]


def numbered(rows: str, first: str) -> str:
    """Return rows about other members: their numbers begin with `first`."""
    return rows.replace("17,", f"{first}17,").replace("18,", f"{first}18,")


def test_a_file_is_looked_at_brought_in_and_undone(oakvale: Machine, tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    file.write_text(numbered(ROWS, "a"))
    looked = oakvale.run("import", str(file), "--layout", "members").stdout
    assert "line 4: left out. The name is missing." in looked
    assert "Nothing was: “--yes” does it." in looked
    with oakvale.serving():
        answer = oakvale.answer("import", str(file), "--layout", "members", "--yes")
        assert answer["members"] == 2
    assert "undone" in oakvale.run("undo-import", str(answer["brought_in"])).stdout


@pytest.mark.parametrize("point", IMPORT_POINTS)
def test_killed_between_two_steps_a_file_is_in_or_it_is_not(
    oakvale: Machine, tmp_path: Path, point: str
) -> None:
    """I7: by SIGKILL, in a process of its own."""
    file = tmp_path / "old.csv"
    file.write_text(numbered(ROWS, point))
    command = [sys.executable, "-m", "node", "import", str(file), "--layout", "members", "--yes"]
    killed = subprocess.run(
        command, cwd=oakvale.folder, env=oakvale.environment({VARIABLE: f"{point}:1"}), capture_output=True, check=False,
        timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert killed.returncode == -9, killed.stderr
    assert json.loads(oakvale.run("ledger", "verify", "--json").stdout)["right"]
    if point == "import-committed":
        assert oakvale.answer("import", str(file), "--layout", "members")["members"] == 0
    else:
        assert oakvale.answer("import", str(file), "--layout", "members", "--yes")["members"] == 2
