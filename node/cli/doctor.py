"""`interlets doctor`: looks for what is wrong, and says in plain words how to mend it. Source: docs/operating.md."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from node.cli.admin import WAITING, CannotDo, ask, is_running
from node.cli.backup import moment
from node.cli.hosted import RUNNING, read_states
from node.config import Config, ConfigError, find_file, load
from node.findings import (
    HOSTED,
    Finding,
    State,
    backups_finding,
    clock_finding,
    disk_finding,
    health_findings,
    is_well,
)
from node.hosting.roster import config_of_hosted, find_hosted
from node.keyfiles import KeysUnusable, exposed_files, open_keys
from node.moved import read_moved
from node.store.errors import StoreError
from node.visible import visible
from protocol.names import scheme_text

# Versions with a bug that can spoil a database when two connections reset one write-ahead log; mended in the last,
# and before that in two older lines. The node has one writer, so only other programs are a danger.
SQLITE_MENDED: Final = (3, 51, 3)
SQLITE_ALSO_MENDED: Final = {(3, 44): 6, (3, 50): 7}
CHILD_S: Final = 30


def examine(file: Path | None, scheme: str = "") -> list[Finding]:
    """Return everything that was looked at, of a hosted scheme where one is named; what depends on something broken is left out."""
    try:
        path = find_file(file, os.environ)
        config = load(path)
        if scheme:
            hosted = find_hosted(config.node.data_dir, scheme)
            path, config = hosted.config_file, config_of_hosted(hosted)
    except CannotDo as error:
        return [Finding("config", State.PROBLEM, str(error), "“interlets scheme list” shows what is hosted.")]
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
    return [*findings, *_hosted(config)]


def _hosted(house: Config) -> Iterator[Finding]:
    """Yield how the schemes are that this machine hosts; of each the rest is told by its own `doctor`."""
    try:
        states = read_states(house)
    except CannotDo as error:
        yield Finding(
            "hosted", State.PROBLEM, str(error), "Mend the file, or take it away and add the schemes again."
        )
        return
    for name, said in states.items():
        where, of = f"{HOSTED}{name}", {"why": said.why}
        if said.state in RUNNING:
            yield Finding(where, State.OK, "runs" if said.state == "runs" else "shows where it went")
        elif said.state == "off":
            yield Finding(where, State.NOTE, "does not run")
        elif said.state == "paused":
            fix = f"When its folder is as it is to be: interlets scheme resume {name}"
            yield Finding(where, State.NOTE, "rests, as somebody said", fix)
        else:
            fix = f"See what it lacks: interlets --scheme {name} doctor"
            yield Finding(where, State.PROBLEM, "does not run: %(why)s", fix, of)


# --- The machine -------------------------------------------------------------------------------------------------


def _machine(config: Config) -> Iterator[Finding]:
    from node.clock import SystemClock

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
    yield clock_finding(SystemClock().now_ms())
    yield disk_finding(config.node.data_dir)


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
    moved = read_moved(config.node.data_dir)
    if moved is not None:
        yield Finding(
            "node", State.NOTE, f"the scheme moved to {moved.address}: nothing is written here any more"
        )
        return
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
    yield from health_findings(health, running=running)
    if running and config.node.origin.startswith("https://"):
        yield _certificate(config.node.origin)


def _certificate(origin: str) -> Finding:
    import asyncio

    from node.certificate import Watched
    from node.clock import SystemClock

    return asyncio.run(Watched(origin).finding(SystemClock().now_ms()))


def _backups(config: Config) -> Finding:
    from node.backup.regular import standing_of
    from node.clock import SystemClock

    scheme = open_keys(config.node.data_dir).keyring.scheme
    return backups_finding(standing_of(config, scheme, SystemClock().now_ms()), moment)


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
                (f"{sign} {finding.state.value:<8}", style), visible(f"{finding.name}: {finding.said()}")
            ),
            soft_wrap=True,
        )
        if cure := finding.cure():
            console.print(Text(f"           → {cure}"), soft_wrap=True)
    console.print("Everything needed is in order." if is_well(findings) else "Something needs mending.")
