"""`interlets doctor`: looks for what is wrong, and says in plain words how to mend it. Source: docs/operating.md."""

from __future__ import annotations

import enum
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from node.cli.admin import WAITING, CannotDo, ask, is_running
from node.cli.backup import moment
from node.config import Config, ConfigError, find_file, load
from node.keyfiles import KeysUnusable, exposed_files, open_keys
from node.store.errors import StoreError
from node.visible import visible
from protocol.limits import DAY_MS
from protocol.names import scheme_text

DISK_FREE_MIN: Final = 200 * 1024 * 1024
DISK_FREE_GOOD: Final = 1024 * 1024 * 1024
# Versions with a bug that can spoil a database when two connections reset one write-ahead log; mended in the last,
# and before that in two older lines. The node has one writer, so only other programs are a danger.
SQLITE_MENDED: Final = (3, 51, 3)
SQLITE_ALSO_MENDED: Final = {(3, 44): 6, (3, 50): 7}
# When this release was made: a clock before that is wrong.
RELEASED_MS: Final = 1_767_225_600_000
CHILD_S: Final = 30
QUIET_AFTER_MS: Final = 2 * DAY_MS
SYNCHRONIZED: Final = Path("/run/systemd/timesync/synchronized")
NTP_MARKS: Final = (SYNCHRONIZED, Path("/run/chrony"), Path("/run/ntpd.pid"), Path("/run/openntpd.sock"))


KEYS_MAY_BE_OUT: Final = (
    "If others may have the backup or the old disk, stop the node and run “interlets keys rotate --all”."
)


class State(enum.StrEnum):
    """How a finding is meant."""

    OK = "ok"
    NOTE = "note"  # works, and could be better
    PROBLEM = "problem"


# By the words of `Clocks` in protocol/session.py.
CLOCKS_SAID: Final = {
    "agree": (State.OK, "connected"),
    "warn": (State.NOTE, "connected; its clock and ours differ a little"),
    "no-new-locks": (State.PROBLEM, "connected; its clock and ours differ so much that no trade is begun"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    state: State
    text: str
    fix: str = ""

    def as_json(self) -> dict[str, str]:
        """Return it for programs."""
        return asdict(self)


def is_well(findings: list[Finding]) -> bool:
    """Tell whether nothing is a problem."""
    return all(finding.state is not State.PROBLEM for finding in findings)


def examine(file: Path | None) -> list[Finding]:
    """Return everything that was looked at; what depends on something broken is left out."""
    try:
        path = find_file(file, os.environ)
        config = load(path)
    except ConfigError as error:
        return [
            Finding("config", State.PROBLEM, problem, "Mend the file or the variable.")
            for problem in error.problems
        ]
    findings = [Finding("config", State.OK, f"{path} is in order"), *_machine(config)]
    keys = _keys(config)
    findings.append(keys)
    if keys.state is not State.PROBLEM:
        findings += _data(config)
    return findings


# --- The machine -------------------------------------------------------------------------------------------------


def _machine(config: Config) -> Iterator[Finding]:
    exposed = exposed_files(config.node.data_dir)
    if exposed:
        names = ", ".join(map(str, exposed))
        yield Finding(
            "files", State.PROBLEM, f"others on this machine can read {names}", f"chmod go= {names}"
        )
    else:
        yield Finding("files", State.OK, "keys and database can be read by their owner only")
    yield sqlite_finding(sqlite3.sqlite_version_info)
    yield _papers()
    yield _clock()
    yield _disk(config.node.data_dir)


def sqlite_finding(version: tuple[int, ...]) -> Finding:
    """Return what is to be said about a version of SQLite."""
    written = ".".join(map(str, version))
    mended = version >= SQLITE_MENDED or version[2] >= SQLITE_ALSO_MENDED.get((version[0], version[1]), 1000)
    if mended:
        return Finding("sqlite", State.OK, f"SQLite {written}")
    return Finding(
        "sqlite",
        State.NOTE,
        f"SQLite {written} has a bug that harms databases written by two programs at once; the node writes alone",
        "Never open node.db with another program while the node runs.",
    )


def _papers() -> Finding:
    fix = "Install the libraries: apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
    if find_spec("weasyprint") is None:
        fix = "Install the packages of the lock file, among which is weasyprint (docs/operating.md)."
    else:
        looked = [sys.executable, "-m", "node.pdf.child", "--check"]
        try:
            subprocess.run(looked, check=True, capture_output=True, timeout=CHILD_S)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            pass  # said below
        else:
            return Finding("pdf", State.OK, "statements and receipts can be had as PDF")
    return Finding(
        "pdf", State.NOTE, "no PDFs: members can print pages, and most browsers save as PDF there", fix
    )


def _clock() -> Finding:
    from node.clock import SystemClock

    if SystemClock().now_ms() < RELEASED_MS:
        return Finding("clock", State.PROBLEM, "the clock is years behind", "Set it, and switch on NTP.")
    if not any(mark.exists() for mark in NTP_MARKS):
        return Finding(
            "clock",
            State.NOTE,
            "nothing shows that the clock is kept right; neighbours refuse new trades when it is far off",
            "Switch on NTP: timedatectl set-ntp true",
        )
    return Finding("clock", State.OK, "kept right by NTP")


def _disk(data_dir: Path) -> Finding:
    if not data_dir.is_dir():
        return Finding(
            "disk", State.PROBLEM, f"{data_dir} does not exist", "Run “interlets init”, or mend data_dir."
        )
    free = shutil.disk_usage(data_dir).free
    said = f"{free // 1024**2} MiB free in {data_dir}"
    if free < DISK_FREE_MIN:
        return Finding("disk", State.PROBLEM, said, "Make room: a full disk stops all trading.")
    if free < DISK_FREE_GOOD:
        return Finding("disk", State.NOTE, said, "Make room in the next weeks.")
    return Finding("disk", State.OK, said)


def _keys(config: Config) -> Finding:
    try:
        keys = open_keys(config.node.data_dir)
    except KeysUnusable as error:
        return Finding(
            "keys", State.PROBLEM, str(error), "Put back keys/ from the backup that belongs to this machine."
        )
    return Finding("keys", State.OK, f"the keys of {scheme_text(keys.keyring.scheme)} open")


# --- What the node knows -----------------------------------------------------------------------------------------


def _data(config: Config) -> Iterator[Finding]:
    waiting = config.node.data_dir / WAITING
    if waiting.exists():
        yield Finding(
            "backup",
            State.PROBLEM,
            f"the node waits: {waiting.read_text('utf-8').strip()}",
            "Help that neighbour to answer; if it cannot, “interlets go-on” lets the node start with the books it has.",
        )
        return
    running = is_running(config.node.data_dir)
    yield _backups(config)
    yield Finding("node", State.OK if running else State.NOTE, "runs" if running else "does not run")
    try:
        health = ask(config, "health", {})
    except (CannotDo, StoreError, KeysUnusable) as error:
        yield Finding(
            "database", State.PROBLEM, str(error), "If nothing else helps, put back the last backup."
        )
        return
    yield _balances(health)
    yield _log(health["log"])
    yield from _recovered(health)
    if health["maintenance"]:
        yield Finding(
            "maintenance",
            State.NOTE,
            "members can record and change nothing",
            "When you are done: interlets maintenance off",
        )
    yield from _mail(health)
    if health["proxy_to_add"] is not None:
        yield Finding(
            "proxy",
            State.PROBLEM,
            f"a web server in {health['proxy_to_add']} passes requests on and is not believed, so that all members seem to be one",
            f'Add "{health["proxy_to_add"]}" to proxies in [node], if it is yours.',
        )
    yield from _neighbours(health, running)


def _backups(config: Config) -> Finding:
    from node.backup.regular import standing
    from node.clock import SystemClock

    folder = config.backup.folder
    if folder is None:
        return Finding(
            "backups",
            State.NOTE,
            "none are made by themselves",
            "Name a folder on another disk as folder under [backup], or copy what “interlets backup create” makes.",
        )
    scheme = open_keys(config.node.data_dir).keyring.scheme
    found = standing(folder, config.node.data_dir, scheme, SystemClock().now_ms())
    if not found.there:
        return Finding(
            "backups",
            State.PROBLEM,
            f"{folder} cannot be read",
            "Plug in the disk, or mend folder under [backup].",
        )
    if found.newest_ms is None:
        return Finding(
            "backups",
            State.NOTE,
            f"there is none in {folder} yet",
            "Make the first: interlets backup create.",
        )
    said = f"the newest in {folder} is of {moment(found.newest_ms)}"
    if found.late:
        return Finding("backups", State.PROBLEM, said, "See in the log of the node why it makes none.")
    if found.same_disk:
        return Finding(
            "backups", State.NOTE, f"{said}, on the disk of the node itself", "Copy them to another one."
        )
    return Finding("backups", State.OK, said)


def _balances(health: dict[str, Any]) -> Finding:
    sums = {unit: total for unit, total in health["sums"].items() if total}
    if sums:
        said = ", ".join(f"{total} of {unit}" for unit, total in sums.items())
        return Finding(
            "balances",
            State.PROBLEM,
            f"the balances do not sum to zero: {said} too many",
            "Stop the node, keep a copy of everything, and report it: this is a fault of the program.",
        )
    return Finding("balances", State.OK, f"{health['accounts']} accounts sum to zero in every unit")


def _log(said: dict[str, Any]) -> Finding:
    """Return what is to be said about the log and its witnesses. Source: docs/protocol.md 4.3, 6.7 (f)."""
    name, size, by = "log", said["size"], said["stopped_by"]
    if said["stopped"] == "behind":
        text = f"nothing is signed: {by} holds a longer log that we signed; this database is an old one"
        return Finding(
            name,
            State.PROBLEM,
            text,
            "Put back a newer backup; if there is none, see “ledger new-log” in operating.md.",
        )
    if said["stopped"] == "other":
        text = f"nothing is signed: {by or 'this database'} holds another log that we signed"
        return Finding(name, State.PROBLEM, text, "Is a second copy of this node running? Stop one of them.")
    if said["stopped"] == "waiting":
        return Finding(name, State.NOTE, "nothing is signed until a neighbour is heard after the start")
    if said["quorum"] is None:
        text = f"{size} entries are signed; {said['witnesses']} witnesses are too few, it takes three"
        return Finding(name, State.NOTE, text, "Trade with more neighbours: each of them checks the log.")
    text = f"{size} entries are signed; {said['cosigned']} of {said['witnesses']} witnesses have checked them, {said['quorum']} are needed"
    return Finding(name, State.OK if said["cosigned"] >= said["quorum"] else State.NOTE, text)


def _recovered(health: dict[str, Any]) -> Iterator[Finding]:
    from node.services.recovered_rows import BOOKS

    if BOOKS in health["found"]:
        yield Finding(
            "backup",
            State.NOTE,
            "the database was older than the copy a neighbour keeps, which has taken its place; the older one is beside it",
            f"Ask who traded in the last minute before the loss. {KEYS_MAY_BE_OUT}",
        )
    if health["missing"]:
        yield Finding(
            "backup",
            State.PROBLEM,
            f"the database was older than the copy a neighbour keeps, and was written to since: {health['missing']} "
            "things are only in that copy",
            f"Enter them again: they are listed under /admin/recovered. {KEYS_MAY_BE_OUT}",
        )
    ops = health["recovered"] - len(health["found"])
    if ops > 0:
        yield Finding(
            "backup",
            State.NOTE,
            f"the database was older than what neighbours remember; {ops} things came back in two weeks",
            f"Look at them on the organisers' desk, under /admin/recovered. {KEYS_MAY_BE_OUT}",
        )


def _mail(health: dict[str, Any]) -> Iterator[Finding]:
    waiting = health["mails_waiting"]
    if not health["mail_set_up"]:
        yield Finding(
            "mail", State.NOTE, f"no mail server; {waiting} mails wait in the outbox", "Fill in [mail]."
        )
    elif health["mails_late"]:
        yield Finding(
            "mail",
            State.PROBLEM,
            f"{health['mails_late']} mails were tried in vain: {health['mail_reason']}",
            "Mend [mail]; they are tried again by themselves.",
        )
    else:
        yield Finding("mail", State.OK, f"{waiting} mails waiting")


def _neighbours(health: dict[str, Any], running: bool) -> Iterator[Finding]:
    for line in health["lines"]:
        name = f"neighbour {line['name']}"
        if line["connected"]:
            state, said = CLOCKS_SAID[line["clocks"]]
            yield Finding(name, state, said, "" if state is State.OK else "Set both clocks by NTP.")
        elif running and health["now_ms"] - line["heard_ms"] > QUIET_AFTER_MS:
            yield Finding(name, State.NOTE, "not heard for more than two days", "Ring its organiser.")
        else:
            yield Finding(name, State.OK, "not connected now")
    if health["contradictions"]:
        yield Finding(
            "evidence",
            State.NOTE,
            f"{health['contradictions']} proofs that a scheme contradicted itself; it comes to owe us no more",
            "Read them under /admin/evidence, and ring its organisers.",
        )


def show(findings: list[Finding]) -> None:
    """Print what was found, problems with their cure."""
    from rich.console import Console
    from rich.text import Text

    console = Console()
    signs = {State.OK: ("✓", "green"), State.NOTE: ("·", "yellow"), State.PROBLEM: ("✗", "red bold")}
    for finding in findings:
        sign, style = signs[finding.state]
        console.print(
            Text.assemble(
                (f"{sign} {finding.state.value:<8}", style), visible(f"{finding.name}: {finding.text}")
            ),
            soft_wrap=True,
        )
        if finding.fix:
            console.print(Text(f"           → {finding.fix}"), soft_wrap=True)
    console.print("Everything needed is in order." if is_well(findings) else "Something needs mending.")
