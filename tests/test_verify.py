"""A receipt is checked with one command, on a machine that has never seen the node. Source: docs/protocol.md 4.4."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from node.cli.main import cli
from protocol.limits import RECEIPT_BYTES_MAX
from protocol.receipt_file import encode_receipt
from protocol.receipt_proof import Fault
from protocol.receipt_words import WRONG
from tests.protocol.receipts import (
    EXAMPLES,
    FALSE_RIVERSIDE,
    OAKVALE,
    across,
    local_trade,
    local_words,
    moving,
)
from tests.sources import ROOT

# What the script may load of ours: run under this, it fails on anything else, and on a socket.
_WATCHED = """
import runpy, socket, sys
def never(*_, **__): raise SystemExit("a socket")
socket.socket = never
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    ours = {name.partition(".")[0] for name in sys.modules} & {"node", "tests", "aiohttp", "sqlalchemy", "sqlite3", "asyncio"}
    if ours: raise SystemExit(f"loaded {ours}")
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the script, crypto/ and protocol/, and nothing else of ours."""
    folder = tmp_path_factory.mktemp("bare")
    for room in ("crypto", "protocol"):
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "verify", folder / "scripts" / "verify")
    return folder


def run(folder: Path, data: bytes, *options: str) -> subprocess.CompletedProcess[str]:
    file = folder / "a.receipt"
    file.write_bytes(data)
    script = str(folder / "scripts" / "verify")
    return subprocess.run(
        [sys.executable, "-c", _WATCHED, script, str(file), *options],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_a_receipt_is_checked_with_two_rooms_and_nothing_else(bare):
    """Rule 4.4: no node, no network, no database; in plain words."""
    done = run(bare, encode_receipt(across(we_pay=True)))

    assert (done.returncode, done.stderr) == (0, "")
    assert "This receipt is whole" in done.stdout
    assert f"Its six words: {' '.join(_words(OAKVALE))}." in done.stdout
    assert "somebody of Oakvale gave 30 minutes to Karim of Riverside, for “plum jam”" in done.stdout
    assert (
        "Both schemes signed the same terms: 6.00 acorns there, 30 minutes between the schemes."
        in done.stdout
    )
    assert "Riverside confirmed that Oakvale paid." in done.stdout
    assert "Vouched for by Hilltop at 2026-01-01 00:02 UTC." in done.stdout


def test_a_changed_byte_is_refused_with_its_reason(bare):
    data = bytearray(encode_receipt(local_trade()))
    place = bytes(data).index(b"two hours in the garden")
    data[place] ^= 1

    done = run(bare, bytes(data))

    assert done.returncode == 1
    assert done.stdout.startswith("This receipt does not hold. It proves nothing.\n" + WRONG[Fault.WORDS])


def test_values_instead_of_sentences(bare):
    done = run(bare, encode_receipt(local_trade()), "--json")
    record = json.loads(done.stdout)

    assert record["proven"]
    assert record["scheme"]["name"] == "Oakvale"
    assert [each["name"] for each in record["log"]["witnesses"]] == ["Hilltop", "Riverside"]


def test_no_file_is_said_apart_from_a_bad_one(bare):
    done = subprocess.run(
        [sys.executable, str(bare / "scripts" / "verify"), "nowhere.receipt"],
        cwd=bare, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == 2


def _words(town):
    from crypto.words import identity_words

    return identity_words(town.id)


# --- interlets verify ---


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_command_says_what_the_script_says(bare, tmp_path, name):
    data = encode_receipt(EXAMPLES[name]())
    file = tmp_path / "a.receipt"
    file.write_bytes(data)

    done = CliRunner().invoke(cli, ["verify", str(file)])

    assert (done.exit_code, done.output) == (0, run(bare, data).stdout)


def test_the_command_ends_with_1_if_it_does_not_hold(tmp_path):
    file = tmp_path / "a.receipt"
    for data in (b"", b"no receipt", bytes(RECEIPT_BYTES_MAX + 10)):
        file.write_bytes(data)
        done = CliRunner().invoke(cli, ["verify", "--json", str(file)])
        assert done.exit_code == 1
        assert json.loads(done.output)["fault"] == "unreadable"


def test_a_false_riverside_is_told_by_its_words_only(tmp_path):
    """Anybody can call a scheme Riverside; whoever reads is told to compare the words."""
    file = tmp_path / "a.receipt"
    file.write_bytes(encode_receipt(local_trade(FALSE_RIVERSIDE)))

    said = CliRunner().invoke(cli, ["verify", str(file)]).output

    assert "Written by: Riverside. Its six words: " + " ".join(_words(FALSE_RIVERSIDE)) in said
    assert "Anybody can call a scheme Riverside; nobody can choose the six words." in said


def test_names_do_nothing_to_a_terminal(tmp_path):
    """What a stranger wrote into a file is shown, never carried out."""
    from dataclasses import replace

    from protocol.identity_events import LEDGER
    from protocol.ledger import LOCAL
    from protocol.receipt_file import salted
    from tests.protocol.receipts import ANA, BEN

    words = local_words(text="\x1b[2J\u202egarden", parties=("Ana\r\nReference", "Ben"))
    entry = OAKVALE.entries((moving((ANA, LOCAL, -1), (BEN, LOCAL, 1)), words))[0]
    receipt = replace(
        local_trade(proof=False), own=OAKVALE.shown(LEDGER), entry=entry.signed.wire, book=salted(entry.book),
        words=salted(entry.words),
    )  # fmt: skip
    file = tmp_path / "a.receipt"
    file.write_bytes(encode_receipt(receipt))

    said = CliRunner().invoke(cli, ["verify", str(file)]).output

    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "\r" not in said
    assert "Ana\ufffd\ufffdReference" in said
