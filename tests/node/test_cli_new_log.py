"""`interlets ledger new-log`, as its user meets it: each command is a process. Rule 6.7 (g); docs/operating.md."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from node.keyfiles import open_keys, read_identity
from protocol.checkpoint import Checkpoint, origin_of, sign_checkpoint
from protocol.identity import fold_log
from tests.node.test_cli import init

KNOWN = 500  # entries of the log that a neighbour has shown


def test_a_log_whose_end_is_lost_begins_anew_once(tmp_path: Path) -> None:
    """Refused while the node runs, where nothing is lost, and to whoever has not the root key; then published by the next start."""
    here, _ = init(tmp_path)
    command = ("ledger", "new-log", "--passphrase-file", "passphrase", "--yes")
    assert "nothing to begin anew" in here.run(*command, status=1).stderr
    with here.serving():
        assert "stop it first" in here.run(*command, status=1).stderr

    data_dir = tmp_path / "data"
    keys = open_keys(data_dir).keyring
    _, key = keys.signing["checkpoint"]
    shown = Checkpoint(origin=origin_of(keys.scheme), size=KNOWN, root=bytes(32))
    row = (keys.scheme, KNOWN, bytes(32), sign_checkpoint(shown, key).data())
    with sqlite3.connect(data_dir / "node.db") as database:  # as the node notes it when a neighbour shows it
        database.execute("INSERT INTO checkpoint_seen (scheme, size, root, note) VALUES (?, ?, ?, ?)", row)

    (tmp_path / "wrong").write_text("pears do not keep")
    wrong = here.run("ledger", "new-log", "--passphrase-file", "wrong", "--yes", status=1)
    assert "passphrase is wrong" in wrong.stderr
    assert "Is there really no newer backup" in here.run(*command[:-1], status=1).stdout, "it asks first"
    assert fold_log(read_identity(data_dir)).log_number == 1

    made = here.answer(*command)
    assert (made["number"], made["known"]) == (2, KNOWN)
    assert 0 < made["held"] < KNOWN
    assert fold_log(read_identity(data_dir)).log_number == 2
    assert "nothing to begin anew" in here.run(*command, status=1).stderr
    with here.serving():
        assert here.get("/livez")
