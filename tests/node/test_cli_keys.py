"""`interlets keys`, as its user meets it: each command is a process. Rules 2.2, 2.3; docs/operating.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.node.test_cli import Machine, init


@pytest.fixture
def machine(tmp_path: Path) -> tuple[Machine, list[str]]:
    made, answer = init(tmp_path)
    return made, answer["words"]


def in_force(machine: Machine) -> dict[str, tuple[int, str]]:
    return {
        each["purpose"]: (each["seq"], each["key"]) for each in machine.answer("keys", "list")["keys"] if each["in_force"]
    }  # fmt: skip


def test_a_stolen_key_is_revoked_while_the_node_is_stopped(machine: tuple[Machine, list[str]]) -> None:
    here, _ = machine
    before = in_force(here)
    assert len(before) == 10, "the root, and one for each purpose"
    with here.serving():
        refused = here.run("keys", "revoke", "line", "--passphrase-file", "passphrase", status=1)
        assert "stop it first" in refused.stderr
        assert in_force(here) == before

    said = here.run("keys", "revoke", "line", "--passphrase-file", "passphrase").stdout
    assert "The line key is ended and has a successor" in said
    after = in_force(here)
    assert {purpose for purpose in before if before[purpose] != after[purpose]} == {"line"}
    assert "ended" in here.run("keys", "list").stdout
    assert (
        "is no online key"
        in here.run("keys", "revoke", "root", "--passphrase-file", "passphrase", status=1).stderr
    )
    (here.folder / "wrong").write_text("pears do not keep")
    assert (
        "passphrase is wrong"
        in here.run("keys", "revoke", "feed", "--passphrase-file", "wrong", status=1).stderr
    )
    with here.serving():
        assert here.get("/livez")


def test_a_new_root_comes_from_the_sheet_and_prints_another(machine: tuple[Machine, list[str]]) -> None:
    here, words = machine
    (here.folder / "sheet").write_text("\n".join(f"{no}. {word}" for no, word in enumerate(words, 1)))
    (here.folder / "new").write_text("pears do not keep")
    before = in_force(here)
    assert here.answer("keys", "check-sheet", "--sheet-file", "sheet") == {"sheet": "in-force"}
    made = here.answer("keys", "rotate", "--all", "--sheet-file", "sheet", "--passphrase-file", "new")
    assert len(made["words"]) == 24
    assert made["words"] != words
    assert here.answer("keys", "check-sheet", "--sheet-file", "sheet", status=1) == {"sheet": "older"}
    after = in_force(here)
    assert all(before[purpose] != after[purpose] for purpose in before)
    refused = here.run("keys", "rotate", "--sheet-file", "sheet", "--passphrase-file", "new", status=1)
    assert "not the recovery sheet in force" in refused.stderr
    (here.folder / "slip").write_text(" ".join(words[:23]))
    here.run("keys", "rotate", "--sheet-file", "slip", "--passphrase-file", "new", status=1)

    (here.folder / "sheet").write_text(" ".join(made["words"]))
    printed = here.run("keys", "rotate", "--sheet-file", "sheet", "--passphrase-file", "passphrase").stdout
    assert "Keep the old sheet with the new one" in printed
    with here.serving():
        assert here.get("/livez")
