"""`interlets backup`, as its user meets it: each command is a process, killed at every step. Source: docs/backup.md."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from node.backup.keeping import PARTIAL
from node.backup.trying import try_newest
from node.config import load
from node.keyfiles import open_keys
from tests.node.test_cli import Machine, init

KILLED = -signal.SIGKILL


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made, answer = init(tmp_path)
    (tmp_path / "sheet").write_text(" ".join(answer["words"]))
    (tmp_path / "out").mkdir()
    made.run("member", "add", "Ana")
    return made


def backups(machine: Machine) -> list[Path]:
    return sorted((machine.folder / "out").iterdir())


def test_a_node_goes_on_from_a_backup_after_its_disk_is_gone(machine: Machine) -> None:
    with machine.serving():
        file = Path(machine.answer("backup", "create", "--to", "out")["file"])
    assert machine.answer("backup", "verify", str(file))["right"]
    shutil.rmtree(machine.folder / "data")
    assert machine.answer("backup", "verify", str(file), "--words-file", "sheet")["entries"] == 2

    said = machine.run("backup", "restore", str(file), "--words-file", "sheet").stdout

    assert "is as it was on" in said
    with machine.serving():
        assert [each["name"] for each in json.loads(machine.run("doctor", "--json").stdout)]
        assert machine.run("user", "link", "Ana").stdout
    assert machine.answer("ledger", "verify")["entries"] == 2


def test_the_desk_tries_the_newest_as_a_restore_would(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/backup.md: in a process of its own, which never stops the node; a spoilt one is told in its words."""
    monkeypatch.setenv("INTERLETS_BACKUP__FOLDER", str(machine.folder / "out"))
    config = load(machine.folder / "interlets.toml")
    scheme = open_keys(config.node.data_dir).keyring.scheme
    assert "there is no backup" in asyncio.run(try_newest(config, scheme)).said

    file = machine.folder / machine.answer("backup", "create", "--to", "out")["file"]
    tried = asyncio.run(try_newest(config, scheme))
    assert (tried.right, tried.entries, tried.said) == (True, 2, "")
    assert tried.made_ms is not None

    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    tried = asyncio.run(try_newest(config, scheme))
    assert (tried.right, tried.made_ms) == (False, None)
    assert "it is damaged" in tried.said


def test_the_right_sheet_and_an_empty_folder_are_needed(machine: Machine) -> None:
    file = str(Path(machine.answer("backup", "create", "--to", "out")["file"]))
    (machine.folder / "other").mkdir()
    _, stranger = init(machine.folder / "other")
    (machine.folder / "wrong").write_text(" ".join(stranger["words"]))
    (machine.folder / "nonsense").write_text("abandon ability")

    assert "is not empty" in machine.run("backup", "restore", file, "--words-file", "sheet", status=1).stderr
    shutil.rmtree(machine.folder / "data")
    for words, said in (("wrong", "the words do not belong to it"), ("nonsense", "the recovery sheet")):
        assert said in machine.run("backup", "restore", file, "--words-file", words, status=1).stderr
    assert not (machine.folder / "data").exists()


@pytest.mark.parametrize("point", ["backup-copied", "backup-written"])
def test_killed_while_making_one_there_is_none_and_the_next_is_whole(machine: Machine, point: str) -> None:
    machine.run("backup", "create", "--to", "out", status=KILLED, INTERLETS_CRASH_AT=f"{point}:1")
    assert [each for each in backups(machine) if each.suffix != PARTIAL] == []

    file = Path(machine.answer("backup", "create", "--to", "out")["file"])

    assert backups(machine) == [machine.folder / file]
    assert machine.answer("backup", "verify", str(file))["right"]
    assert not (machine.folder / "data" / "backup.making").exists()


def test_killed_while_putting_one_back_there_is_nothing_or_all(machine: Machine) -> None:
    file = Path(machine.answer("backup", "create", "--to", "out")["file"])
    shutil.rmtree(machine.folder / "data")
    again = ("backup", "restore", str(file), "--words-file", "sheet")

    machine.run(*again, status=KILLED, INTERLETS_CRASH_AT="backup-unpacked:1")
    assert not (machine.folder / "data").exists()

    machine.run(*again)
    assert machine.answer("ledger", "verify")["right"]
    assert [path.name for path in machine.folder.iterdir() if "restoring" in path.name] == []


def test_the_folder_of_the_configuration_is_used_thinned_out_and_looked_at(machine: Machine) -> None:
    def found() -> dict[str, str]:
        return {each["name"]: each["state"] for each in json.loads(machine.run("doctor", "--json").stdout)}

    assert "where to?" in machine.run("backup", "create", status=1).stderr
    assert found()["backups"] == "note"
    with (machine.folder / "interlets.toml").open("a") as file:
        file.write('\n[backup]\nfolder = "out"\ndaily = 1\nweekly = 0\nmonthly = 0\n')
    machine.answer("backup", "create")
    (first,) = backups(machine)
    os.utime(first)
    later = machine.answer("backup", "create")

    assert later["removed"] == [str(first)]
    assert [each["file"] for each in machine.answer("backup", "list")["backups"]] == [later["file"]]
    assert found()["backups"] == "note"  # it is on the node's own disk
    shutil.rmtree(machine.folder / "out")
    assert json.loads(machine.run("doctor", "--json", status=1).stdout)
    assert "is its disk plugged in?" in machine.run("backup", "create", status=1).stderr
