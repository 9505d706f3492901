"""`interlets ledger`, as its user meets it: each command is a process. Rule 11, I19."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.node.test_cli import Machine, init


def database(machine: Machine) -> sqlite3.Connection:
    found = sqlite3.connect(next(machine.folder.rglob("node.db")), isolation_level=None)
    found.execute("PRAGMA foreign_keys = OFF")
    return found


def verified(machine: Machine, *options: str, status: int = 0) -> Any:
    return json.loads(machine.run("ledger", "verify", "--json", *options, status=status).stdout)


def test_the_book_is_checked_beside_a_running_node_and_beside_none(tmp_path: Path) -> None:
    machine, _ = init(tmp_path)
    machine.run("member", "add", "Ana")
    with machine.serving():
        machine.run("member", "add", "Ben")
        beside = verified(machine)
    alone = verified(machine)

    assert beside == alone
    assert (alone["right"], alone["entries"], alone["accounts"], alone["findings"]) == (True, 3, 3, [])
    assert "all of it is right" in machine.run("ledger", "verify").stdout


def test_what_is_wrong_is_named_and_what_follows_from_signed_bytes_is_written_anew(tmp_path: Path) -> None:
    machine, _ = init(tmp_path)
    machine.run("member", "add", "Ana")
    with database(machine) as raw:
        raw.execute("UPDATE account SET balance = 600 WHERE no = 2")
    said = machine.run("ledger", "verify", status=1).stdout
    assert "account 2: balance is 600, what was signed makes it 0" in said
    assert "ledger verify --rebuild" in said

    with machine.serving():
        assert "already running" in machine.run("ledger", "verify", "--rebuild", status=1).stderr
    answer = verified(machine, "--rebuild")

    assert answer["right"]
    assert answer["rebuilt"]["account"] == 2


def test_nothing_is_written_where_what_was_signed_is_wrong(tmp_path: Path) -> None:
    machine, _ = init(tmp_path)
    machine.run("member", "add", "Ana")
    with database(machine) as raw:
        raw.execute("UPDATE entry SET book_salt = zeroblob(16) WHERE seq = 1")
    assert [each["row"] for each in verified(machine, status=1)["findings"] if each["table"] == "entry"] == [
        "1"
    ]

    said = machine.run("ledger", "verify", "--rebuild", status=1).stderr

    assert "nothing was written" in said
    assert "entry 1" in said


def test_an_archive_is_brought_into_an_empty_node_and_into_no_other(tmp_path: Path) -> None:
    """docs/export.md: the keys are put there by hand; members, trades and settings come back, PINs do not."""
    (tmp_path / "old").mkdir()
    machine, _ = init(tmp_path / "old")
    machine.run("member", "add", "Ana", "--pin", "739152")
    machine.run("ledger", "export", "--whole", str(tmp_path / "archive"))
    assert "exists: an archive" in machine.run("ledger", "import", str(tmp_path / "archive"), status=1).stderr
    data = next(machine.folder.rglob("node.db")).parent
    for left in data.glob("node.db*"):
        left.unlink()

    answer = json.loads(machine.run("ledger", "import", str(tmp_path / "archive"), "--json").stdout)

    assert answer["entries"] == 2
    assert verified(machine)["right"]
    with database(machine) as raw:
        assert raw.execute("SELECT name, pin_hash FROM member WHERE no = 2").fetchone() == ("Ana", None)
    for left in data.glob("node.db*"):
        left.unlink()
    (data / "keys").rename(data / "elsewhere")
    assert "holds no keys" in machine.run("ledger", "import", str(tmp_path / "archive"), status=1).stderr


def test_a_year_is_closed_and_anybody_checks_the_sheet(tmp_path: Path) -> None:
    """Rule 4.5: signed, beside a running node or none; a file is never written over."""
    machine, made = init(tmp_path)
    machine.run("member", "add", "Ana")
    year = str(datetime.now().astimezone().year)
    with machine.serving():
        said = machine.run("ledger", "close", year, "--to", "now.sheet").stdout
    answer = machine.answer("ledger", "close", year)

    assert "all balances sum to zero" in said
    assert answer["file"] == f"books-{year}.sheet"
    assert answer["sheet"]["sums"] == {"local": 0, "hours": 0}
    for name in ("now.sheet", answer["file"]):
        checked = json.loads(machine.run("verify", name, "--json").stdout)
        assert checked["proven"]
        assert checked["scheme"]["id"] == made["scheme"]
    assert "was not written" in machine.run("ledger", "close", year, status=1).stderr
    assert "nothing in the books" in machine.run("ledger", "close", "1990", status=1).stderr
    spoilt = bytearray((tmp_path / "now.sheet").read_bytes())
    spoilt[-30] ^= 1
    (tmp_path / "now.sheet").write_bytes(spoilt)
    assert "does not hold" in machine.run("verify", "now.sheet", status=1).stdout
