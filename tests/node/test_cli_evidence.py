"""`interlets evidence`, as its user meets it: each command is a process. Rule 10."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from protocol.evidence import encode_evidence, verify
from protocol.names import scheme_text
from tests.node.test_cli import Machine, init
from tests.protocol.accused import ACCUSED, every_kind

EVIDENCE = every_kind()["two-ops"]


def test_a_file_is_checked_with_nothing_but_the_file(tmp_path: Path) -> None:
    """Rule 10.2: on a machine that has never seen a node."""
    here = Machine(tmp_path)
    (tmp_path / "good").write_bytes(encode_evidence(EVIDENCE))
    said = here.run("evidence", "verify", "good").stdout
    assert scheme_text(ACCUSED.id) in said
    assert "two different steps under one number" in said
    answer = json.loads(here.run("evidence", "verify", "good", "--json").stdout)
    assert (answer["kind"], answer["excused"], answer["id"]) == ("two-ops", False, verify(EVIDENCE).id.hex())

    data = encode_evidence(EVIDENCE)
    (tmp_path / "bent").write_bytes(data.replace(ACCUSED.id, bytes(32), 1))
    assert "proves nothing" in here.run("evidence", "verify", "bent", status=1).stderr
    (tmp_path / "huge").write_bytes(bytes(300_000))
    assert "longer than evidence can be" in here.run("evidence", "verify", "huge", status=1).stderr
    here.run("evidence", "verify", "missing", status=2)


def test_what_is_kept_is_listed_shown_and_saved(tmp_path: Path) -> None:
    machine, _ = init(tmp_path)
    assert "No scheme we know has contradicted itself" in machine.run("evidence", "list").stdout
    found = verify(EVIDENCE)
    with sqlite3.connect(next(tmp_path.rglob("node.db"))) as database:
        database.execute(
            "INSERT INTO evidence (no, id, accused, kind, data, excused, seen_ms) VALUES (1, ?, ?, ?, ?, 0, 0)",
            (found.id, found.accused, found.kind, encode_evidence(EVIDENCE)),
        )
    assert "a scheme contradicted itself" in machine.run("doctor", "--json").stdout
    assert "two-ops  counts" in machine.run("evidence", "list").stdout
    shown = machine.run("evidence", "show", "1", "--save", "saved").stdout
    assert "Here: counts." in shown
    assert (tmp_path / "saved").read_bytes() == encode_evidence(EVIDENCE)
    assert "there is no evidence with the number 9" in machine.run("evidence", "show", "9", status=1).stderr
