"""The command line, as its user meets it: each command is a process. Source: docs/operating.md."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from crypto.words import from_words, to_words
from node.cli.doctor import sqlite_finding
from node.cli.init import check_copy
from node.clock import SeededChance
from node.findings import State
from node.founding.making import parse_hour
from tests.sources import ROOT

PASSPHRASE = "apples keep all winter"
STARTS_WITHIN_S = 20.0
ENDS_WITHIN_S = 2.0


@dataclass
class Machine:
    """A folder with one scheme in it, and the commands started there."""

    folder: Path
    port: int = 0

    def run(self, *command: str, status: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "node", *command], cwd=self.folder, env=self.environment(environment),
            capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def answer(self, *command: str, status: int = 0) -> Any:
        return json.loads(self.run(*command, "--json", status=status).stdout)

    def environment(self, more: dict[str, str]) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("INTERLETS_")}
        return {**kept, "PYTHONPATH": str(ROOT), **more}

    @contextmanager
    def serving(self) -> Iterator[subprocess.Popen[str]]:
        """Serve until the block ends; by then the process must be gone by itself."""
        process = subprocess.Popen(
            [sys.executable, "-m", "node", "serve"], cwd=self.folder, env=self.environment({}), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            self.until_ready(process)
            yield process
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                assert process.wait(ENDS_WITHIN_S) == 0
        finally:
            process.kill()
            process.communicate()

    def until_ready(self, process: subprocess.Popen[str]) -> None:
        deadline = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < deadline and process.poll() is None:
            try:
                assert self.get("/readyz") == "ready\n"
                return
            except OSError:
                process_ended(process, 0.05)
        process.kill()
        raise AssertionError(process.communicate()[0])

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            return answer.read().decode()


def process_ended(process: subprocess.Popen[str], within_s: float) -> bool:
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def init(folder: Path, *more: str) -> tuple[Machine, dict[str, Any]]:
    machine = Machine(folder, free_port())
    (folder / "passphrase").write_text(PASSPHRASE + "\n")
    made = machine.answer(
        "init", "--name", "Oakvale", "--place", "Oakvale", "--organiser", "Rosa Field", "--email", "rosa@example.org",
        "--port", str(machine.port), "--passphrase-file", "passphrase", *(more or ("--unit", "hours")),
    )  # fmt: skip
    return machine, made


@pytest.fixture(scope="module")
def oakvale(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return init(tmp_path_factory.mktemp("oakvale"))[0]


# --- init --------------------------------------------------------------------------------------------------------


def test_init_makes_a_scheme_with_its_first_organiser(tmp_path: Path) -> None:
    machine, made = init(tmp_path)

    assert len(from_words(" ".join(made["words"]))) == 32
    assert made["scheme"].startswith("lets1")
    assert made["number"] == "0001"
    assert made["link"].startswith(f"http://127.0.0.1:{machine.port}/login/link/")
    assert {finding["state"] for finding in machine.answer("doctor")} <= {"ok", "note"}


def test_init_with_a_unit_of_its_own(tmp_path: Path) -> None:
    machine, _ = init(tmp_path, "--unit", "Acorns", "--hour", "12.00")

    assert 'unit_name = "Acorns"' in (machine.folder / "interlets.toml").read_text()
    assert "rate = 1200" in (machine.folder / "interlets.toml").read_text()
    machine.run("doctor")


@pytest.mark.parametrize("typed, rate", [
    ("12", (1200, 2)), ("12.00", (1200, 2)), ("12,5", (125, 1)), ("1.000", (1000, 3)), (" 60 ", (6000, 2)),
])  # fmt: skip
def test_what_an_hour_is_can_be_typed_in_many_ways(typed: str, rate: tuple[int, int]) -> None:
    assert parse_hour(typed) == rate


def test_init_asks_for_what_it_was_not_told(tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_text(PASSPHRASE)

    asked = subprocess.run(
        [sys.executable, "-m", "node", "init", "--passphrase-file", "passphrase"], cwd=tmp_path, text=True,
        input="Oakvale\nOakvale\nAcorns\n12\nRosa\n\n", capture_output=True, check=False, timeout=60,
        env=Machine(tmp_path).environment({}),
    )  # fmt: skip

    assert asked.returncode == 0, asked.stderr
    assert "Recovery sheet" in asked.stdout
    assert "/login/link/" in asked.stdout


def test_three_words_are_typed_back_until_they_are_right() -> None:
    """docs/first-evening.md: a slip in the copy is found while the sheet is on the screen."""
    words = to_words(b"\x07" * 32)
    asked: list[int] = []

    @click.command()
    def ask() -> None:
        check_copy(words, SeededChance("three words"))

    runner = CliRunner()
    silent = runner.invoke(ask, input="")
    assert silent.exit_code == 1, "whoever types nothing has not checked"
    for _ in range(3):  # the places come one by one, the same for the same seed
        typed = "".join(f"slip\n {words[place - 1].upper()} \n" for place in asked)
        said = runner.invoke(ask, input=typed).output
        asked.append(int(re.findall(r"Word (\d+)", said)[-1]))
    done = runner.invoke(ask, input="".join(f"slip\n{words[place - 1]}\n" for place in asked))
    assert done.exit_code == 0
    assert done.output.count("mend your copy") == 3
    assert len(set(asked)) == 3
    assert asked == sorted(asked)


def test_init_happens_once(oakvale: Machine) -> None:
    again = (
        "init",
        "--name",
        "x",
        "--place",
        "",
        "--unit",
        "hours",
        "--organiser",
        "y",
        "--passphrase-file",
        "passphrase",
    )

    assert "exists" in oakvale.run(*again, status=1).stderr
    assert "exists" in oakvale.run("--config", "other.toml", *again, status=1).stderr
    assert not (oakvale.folder / "other.toml").exists()


def test_init_leaves_nothing_behind_when_it_is_told_nonsense(tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    (tmp_path / "short").write_text("short")
    common = ("init", "--place", "", "--organiser", "Rosa")

    for wrong, said in (
        (("--name", "x" * 200, "--unit", "hours", "--passphrase-file", "passphrase"), "name"),
        (
            ("--name", "x", "--unit", "Acorns", "--hour", "0", "--passphrase-file", "passphrase"),
            "an hour is a number",
        ),
        (("--name", "x", "--unit", "hours", "--passphrase-file", "short"), "at least 12 characters"),
        (
            ("--name", "x", "--unit", "hours", "--email", "rosa", "--passphrase-file", "passphrase"),
            "not an e-mail",
        ),
        (
            (
                "--name",
                "x",
                "--unit",
                "hours",
                "--public-address",
                "oakvale",
                "--passphrase-file",
                "passphrase",
            ),
            "address",
        ),
    ):
        assert said in Machine(tmp_path).run(*common, *wrong, status=1).stderr
        assert sorted(path.name for path in tmp_path.iterdir()) == ["passphrase", "short"]


# --- serve -------------------------------------------------------------------------------------------------------


def test_a_node_serves_and_ends_in_two_seconds(oakvale: Machine) -> None:
    with oakvale.serving() as process:
        assert oakvale.get("/livez") == "alive\n"
        mode = (oakvale.folder / "data" / "admin.sock").stat().st_mode
        assert stat.S_IMODE(mode) & 0o077 == 0
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(ENDS_WITHIN_S) == 0
        assert time.monotonic() - began < ENDS_WITHIN_S
    assert not (oakvale.folder / "data" / "admin.sock").exists()


def test_a_killed_node_starts_again(oakvale: Machine) -> None:
    with oakvale.serving() as process:
        process.kill()
        process.wait()
    assert (oakvale.folder / "data" / "admin.sock").exists()
    with oakvale.serving():
        oakvale.get("/readyz")


def test_two_nodes_never_share_a_database(oakvale: Machine) -> None:
    with oakvale.serving():
        assert "running" in oakvale.run("serve", status=1).stderr


def test_an_occupied_port_is_told(oakvale: Machine) -> None:
    with socket.create_server(("127.0.0.1", oakvale.port)):
        assert "cannot listen" in oakvale.run("serve", status=1).stderr


def test_ready_is_told_to_systemd(oakvale: Machine, tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        listener.settimeout(STARTS_WITHIN_S)
        process = subprocess.Popen(
            [sys.executable, "-m", "node", "serve"], cwd=oakvale.folder,
            env=oakvale.environment({"NOTIFY_SOCKET": path}), stdout=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            assert listener.recv(100) == b"READY=1"
            process.send_signal(signal.SIGTERM)
            assert listener.recv(100) == b"STOPPING=1"
            assert process.wait(ENDS_WITHIN_S) == 0
        finally:
            process.kill()
            process.wait()


def test_an_unknown_crash_point_is_refused(oakvale: Machine) -> None:
    stderr = oakvale.run("serve", status=1, INTERLETS_CRASH_AT="nowhere:1").stderr

    assert "INTERLETS_CRASH_AT" in stderr


# --- Commands, with and without a running node -------------------------------------------------------------------


def test_commands_work_on_a_running_node_and_on_a_closed_one(oakvale: Machine) -> None:
    before = oakvale.answer("member", "add", "Ana Silva", "--email", "ana@example.org", "--pin", "481516")
    with oakvale.serving():
        meanwhile = oakvale.answer("member", "add", "Ben", "--role", "organiser")
        link = oakvale.answer("user", "link", "ana silva")
        findings = {finding["name"]: finding for finding in oakvale.answer("doctor")}
    after = oakvale.answer("user", "link", meanwhile["number"])

    assert meanwhile["no"] == before["no"] + 1
    assert link["number"] == before["number"]
    assert after["name"] == "Ben"
    assert findings["node"]["text"] == "runs"
    assert findings["balances"]["state"] == "ok"


def test_a_refusal_is_one_plain_sentence(oakvale: Machine) -> None:
    refusals = [
        (("member", "add", "Cy", "--email", "rosa@example.org"), "another member has this e-mail address"),
        (("member", "add", "Cy", "--pin", "123456"), "too easy"),
        (("member", "add", " "), "a member has a name"),
        (("user", "link", "nobody here"), "nobody is called"),
        (("user", "link", "9999"), "nobody is called"),
    ]
    closed = [oakvale.run(*command, status=1).stderr for command, _ in refusals]

    assert all(said in told for told, (_, said) in zip(closed, refusals, strict=True)), closed
    assert {len(told.splitlines()) for told in closed} == {1}
    with oakvale.serving():
        assert [oakvale.run(*command, status=1).stderr for command, _ in refusals] == closed


def test_a_namesake_is_asked_back(oakvale: Machine) -> None:
    oakvale.answer("member", "add", "Twin", "--place", "East")
    oakvale.answer("member", "add", "Twin", "--place", "West")

    assert "in East" in oakvale.run("user", "link", "twin", status=1).stderr


def test_the_path_of_a_socket_may_be_long(tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 20) / ("er" * 30)
    folder.mkdir(parents=True)
    machine, _ = init(folder)

    with machine.serving():
        assert machine.answer("member", "add", "Ana")["number"] == "0002"


def test_two_nodes_are_introduced_and_find_each_other(tmp_path: Path) -> None:
    machines = []
    for name in ("oakvale", "hilltop"):
        (tmp_path / name).mkdir()
        machines.append(init(tmp_path / name, "--unit", "hours", "--lan")[0])
    oakvale, hilltop = machines
    address = f"http://127.0.0.1:{hilltop.port}"
    with hilltop.serving() as other, oakvale.serving():
        assert "without TLS" in oakvale.run("peer", "add", address, status=1).stderr
        assert "no node answers" in oakvale.run("peer", "add", "http://127.0.0.1:9", "--lan", status=1).stderr
        own = f"http://127.0.0.1:{oakvale.port}"
        assert "this node itself" in oakvale.run("peer", "add", own, "--lan", status=1).stderr

        added = oakvale.answer("peer", "add", address, "--lan")
        deadline = time.monotonic() + STARTS_WITHIN_S
        while not (peers := oakvale.answer("peer", "list")["peers"])[0]["connected"]:
            assert time.monotonic() < deadline, peers
            assert not process_ended(other, 0.2)
    assert len(added["words"]) == 6
    assert [(each["scheme"], each["address"]) for each in peers] == [(added["scheme"], address)]
    closed = oakvale.answer("peer", "list")["peers"]
    assert [each["connected"] for each in closed] == [False]
    assert closed[0]["heard_ms"] > 0


# --- doctor ------------------------------------------------------------------------------------------------------


def test_doctor_finds_a_file_others_can_read(tmp_path: Path) -> None:
    machine, _ = init(tmp_path)
    (tmp_path / "data" / "keys" / "online.key").chmod(0o644)

    done = machine.run("doctor", status=1)

    assert "others on this machine can read" in done.stdout
    assert "chmod go=" in done.stdout


def test_doctor_finds_lost_keys_and_a_slip_in_the_file(tmp_path: Path) -> None:
    machine, _ = init(tmp_path)
    (tmp_path / "data" / "keys" / "machine.key").unlink()
    assert "cannot be read" in machine.run("doctor", status=1).stdout

    with (tmp_path / "interlets.toml").open("a") as file:
        file.write("[mial]\n")
    assert "did you mean [mail]?" in machine.run("doctor", status=1).stdout


def test_doctor_finds_balances_that_do_not_sum_to_zero(tmp_path: Path) -> None:
    """Written past the node, as no part of it could."""
    import sqlite3

    machine, _ = init(tmp_path)
    with sqlite3.connect(tmp_path / "data" / "node.db") as database:
        database.execute("UPDATE account SET balance = 5 WHERE no = 1")
    database.close()

    assert "do not sum to zero; too many: 5 local" in machine.run("doctor", status=1).stdout


@pytest.mark.parametrize("version, state", [
    ((3, 40, 1), State.NOTE), ((3, 44, 5), State.NOTE), ((3, 44, 6), State.OK), ((3, 50, 6), State.NOTE),
    ((3, 50, 7), State.OK), ((3, 51, 2), State.NOTE), ((3, 51, 3), State.OK), ((3, 53, 0), State.OK),
])  # fmt: skip
def test_which_sqlite_is_mended(version: tuple[int, ...], state: State) -> None:
    """docs/operating.md; the bug of several connections resetting one write-ahead log."""
    assert sqlite_finding(version).state is state


# --- What it costs to start --------------------------------------------------------------------------------------


def test_the_version_is_said_without_loading_the_node() -> None:
    code = "import sys, node.cli.main; print([m for m in ('aiohttp','sqlalchemy','pydantic','rich','jinja2') if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_serving_imports_nothing_it_may_never_need() -> None:
    late = ("alembic", "aiosmtplib", "zeroconf", "mnemonic", "psycopg")
    code = f"import sys, node.serving; print([m for m in {late} if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


# --- ledger export -----------------------------------------------------------------------------------------------


def test_the_ledger_is_exported_from_a_running_node_and_from_a_closed_one(oakvale: Machine) -> None:
    """The export of docs/export.md; what an auditor finds in it is in tests/test_audit.py."""
    oakvale.run("member", "add", "Ana", "--email", "ana@oakvale.example", "--pin", "271828")
    closed = oakvale.answer("ledger", "export", "closed")
    with oakvale.serving():
        running = oakvale.answer("ledger", "export", "deep/running")
        assert "something in" in oakvale.run("ledger", "export", "closed", status=1).stderr

    assert running["records"] == closed["records"]
    assert running["records"]["accounts.jsonl"] >= 2
    for name in ("closed", "deep/running"):
        assert stat.S_IMODE((oakvale.folder / name).stat().st_mode) & 0o077 == 0
        manifest = json.loads((oakvale.folder / name / "manifest.json").read_text())
        assert (manifest["format"], manifest["version"]) == ("interlets-export", 1)
        assert manifest["records"] == closed["records"]
