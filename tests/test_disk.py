"""A real node on a disk that is full, that refuses to write, or whose last writes are gone. I7; rules 0.4, 0.5."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from node.config import load
from node.opening import open_node
from node.services.ledger_export import make_folder, write_export
from scripts.auditor.__main__ import audit
from scripts.storm.town import ORGANISER, PIN, offer_of, plan_of
from scripts.town.buying import Outcome, go_to_check, pay, statement_lines
from scripts.town.filling import Scheme, fill_scheme, make_scheme
from scripts.town.pages import Browser, Unexpected
from scripts.town.processes import NodeProcess, free_ports
from scripts.town.town import log_in
from tests.conftest import EVERYTHING

DISK_MIB = 24
BALLAST = 64 * 1024
TRADES = 12
WAL_HEADER, WAL_FRAME_HEADER = 32, 24


@dataclass
class Shop:
    """A scheme whose organiser buys from its member, on pages, and keeps what the pages said."""

    scheme: Scheme
    browser: Browser
    done: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def process(self) -> NodeProcess:
        return self.scheme.process

    @property
    def database(self) -> Path:
        return self.process.folder / "data" / "node.db"

    async def buy(self) -> bool:
        """Buy once; tell whether the page says it is done. What it says otherwise is kept."""
        what = f"Basket number {len(self.done) + len(self.refused):05}"
        try:
            check = await go_to_check(self.browser, offer_of("alder"), what)
            bought = await pay(self.browser, check)
        except Unexpected as error:
            self.refused.append(str(error))
            return False
        assert bought.outcome is Outcome.DONE
        self.done.append(bought.reference)
        return True

    async def is_whole(self, folder: Path) -> None:
        """Start the node again after a power cut, and see that what was done is there once, and nothing else."""
        self.process.kill()
        await self.process.start()
        for reference in self.done:
            assert len(await statement_lines(self.browser, reference)) == 1, reference
        await self.process.run("ledger", "export", str(folder))
        (audited,), findings = await asyncio.to_thread(audit, [folder], at_rest=True)
        assert findings.wrong == []
        assert len(audited.ledger.legs) == len(self.done), "one posting for each, and no other"


@asynccontextmanager
async def shop(folder: Path) -> AsyncIterator[Shop]:
    """Give a scheme that serves, in a folder."""
    plan = plan_of("alder")
    scheme = Scheme(plan, NodeProcess("alder", folder / "alder", free_ports([None])[0]))
    await make_scheme(plan, scheme.process)
    await fill_scheme(plan, scheme.process)
    await scheme.process.start()
    try:
        async with Browser(scheme.process.origin) as browser:
            await log_in(browser, scheme.number(ORGANISER), PIN)
            yield Shop(scheme, browser)
    finally:
        scheme.process.kill()


# --- no room, and no writing at all --------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few MiB; making one needs the right to mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "interlets-test", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if mounted.returncode != 0:
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Fill the disk to the last byte with one file."""
    ballast = folder / "ballast"
    file = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    for size in (BALLAST, 512):
        with suppress(OSError):  # no space left
            while True:
                os.write(file, bytes(size))
    os.close(file)
    return ballast


async def test_a_full_disk_is_told_loses_nothing_and_is_forgotten_when_there_is_room(
    small_disk: Path, tmp_path: Path
) -> None:
    async with shop(small_disk) as alder:
        for _ in range(3):
            assert await alder.buy()
        ballast = fill(small_disk)
        for _ in range(40):  # the last pages of the log may still have room for one
            if not await alder.buy():
                break
        assert "answers 507" in alder.refused[0]
        assert "full" in alder.refused[0]
        assert not await alder.buy(), "and again, as long as it is full"
        page = await alder.browser.open("/statement")
        assert page.status == 200, "what is there can be read"
        findings = {each["name"]: each for each in await alder.process.run("doctor")}
        assert findings["disk"]["state"] == "problem"

        ballast.unlink()
        for _ in range(3):
            assert await alder.buy()
        await alder.is_whole(tmp_path / "export")


async def test_a_disk_that_refuses_to_write_is_told_loses_nothing_and_may_recover(tmp_path: Path) -> None:
    """As a broken or a read-only one: the process may write no file beyond what it has."""
    async with shop(tmp_path) as alder:
        for _ in range(3):
            assert await alder.buy()
        process = alder.process._process
        assert process is not None
        before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, before[1]))
        assert not await alder.buy()
        assert not await alder.buy()
        assert "answers 50" in alder.refused[0]
        assert (await alder.browser.open("/statement")).status == 200

        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, before)
        for _ in range(3):
            assert await alder.buy()
        await alder.is_whole(tmp_path / "export")


# --- the write-ahead log, cut ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Killed:
    """What a killed node left behind: its folder, and the entries it had, by what an export of it shows."""

    folder: Path
    log: bytes
    page_bytes: int
    entries: list[str]
    references: list[str]

    def frames(self) -> list[int]:
        """Return where each frame of the log ends."""
        step = WAL_FRAME_HEADER + self.page_bytes
        return list(range(WAL_HEADER, len(self.log) + 1, step))


async def killed_node(folder: Path) -> Killed:
    """Let a node trade, and kill it."""
    async with shop(folder) as alder:
        for _ in range(TRADES):
            assert await alder.buy()
        alder.process.kill()
        log = alder.database.with_name("node.db-wal").read_bytes()
        whole = Killed(folder / "alder", log, int.from_bytes(log[8:12]), [], alder.done)
    entries = await reopened(whole, log, folder / "whole")
    return Killed(whole.folder, log, whole.page_bytes, entries, whole.references)


async def reopened(killed: Killed, log: bytes, folder: Path) -> list[str]:
    """Open what a killed node left, with this write-ahead log, audit it, and return its entries."""
    data = folder / "data"
    shutil.copytree(killed.folder / "data", data, ignore=shutil.ignore_patterns("*.sock", "*-shm", "*-wal"))
    (data / "node.db-wal").write_bytes(log)
    config = load(killed.folder / "interlets.toml", {"INTERLETS_NODE__DATA_DIR": str(data)})
    export = folder / "export"
    make_folder(export)
    async with open_node(config) as node:
        await node.store.read(write_export, node.scheme, export, 0)
    (audited,), findings = audit([export], at_rest=True)
    assert findings.wrong == []
    return [str(record["id"]) for record in audited.export.of("entries")]


@pytest.mark.timeout(1_800)
async def test_a_log_cut_anywhere_is_an_earlier_state(tmp_path: Path) -> None:
    """I7: cut at every frame, at random bytes, and with bits turned: the node opens to what was committed up to there."""
    killed = await killed_node(tmp_path)
    assert len(killed.entries) >= TRADES
    assert len(killed.frames()) > TRADES
    chance, lengths = Random(9), []
    for number, end in enumerate(killed.frames()[:: 1 if EVERYTHING else 9]):
        found = await reopened(killed, killed.log[:end], tmp_path / f"cut {number}")
        assert found == killed.entries[: len(found)]
        lengths.append(len(found))
        shutil.rmtree(tmp_path / f"cut {number}")
    assert lengths == sorted(lengths), "a longer log is never an earlier state"
    assert len(set(lengths)) > 3

    for number in range(60 if EVERYTHING else 12):
        at = chance.randrange(WAL_HEADER, len(killed.log))
        spoilt = bytearray(killed.log)
        if number % 2:
            spoilt[at] ^= 1 << chance.randrange(8)
        else:
            del spoilt[at:]
        found = await reopened(killed, bytes(spoilt), tmp_path / f"spoilt {number}")
        assert found == killed.entries[: len(found)]
        shutil.rmtree(tmp_path / f"spoilt {number}")
