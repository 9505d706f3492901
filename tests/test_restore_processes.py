"""On real processes: a dead disk, with only the recovery sheet left; and an old backup with its keys. Rule 6.7 (0), (b), (g)."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from node import crash
from scripts.town import organising
from scripts.town.buying import Outcome, go_to_check, pay, statement_lines
from scripts.town.filling import PASSPHRASE, Scheme, fill_scheme, make_scheme
from scripts.town.plan import read_town
from scripts.town.processes import NodeProcess, end_all, free_ports, until
from scripts.town.town import Town


def logged(process: NodeProcess) -> str:
    return (process.folder / "serve.log").read_text("utf-8", errors="replace")


@asynccontextmanager
async def two_schemes(folder: Path) -> AsyncIterator[tuple[Town, dict[str, Any]]]:
    """Give Oakvale and Hilltop, trading, with a copy of Oakvale's books at Hilltop; and what was said when they were made."""
    plans = read_town()[:2]
    ports = free_ports([None] * len(plans))
    town = Town({
        plan.key: Scheme(plan, NodeProcess(plan.name, folder / plan.key, port))
        for plan, port in zip(plans, ports, strict=True)
    })  # fmt: skip
    made = {}
    for scheme in town.schemes.values():
        made[scheme.plan.key] = await make_scheme(scheme.plan, scheme.process)
        await fill_scheme(scheme.plan, scheme.process)
    oakvale, hilltop = town["oakvale"], town["hilltop"]
    try:
        await asyncio.gather(*(process.start() for process in town.processes))
        async with town.organiser("oakvale") as first, town.organiser("hilltop") as second:
            await organising.make_neighbours(oakvale, first, hilltop, second)

        async def kept() -> bool:
            return "copy_kept" in logged(oakvale.process)

        await until(kept, "a copy of Oakvale's books with Hilltop", 90)
        yield town, made
    finally:
        end_all(town.processes)


async def dead_and_back(folder: Path) -> None:
    async with two_schemes(folder) as (town, made):
        oakvale, hilltop = town["oakvale"], town["hilltop"]
        late = await oakvale.process.run("member", "add", "Zoe Late", "--phone", "0100")
        await asyncio.sleep(45)  # real time: a round of the keeper's, and another if that one was lost
        bought = await buy(town, "hilltop")
        oakvale.process.kill()
        scheme_id = oakvale.scheme_id
        shutil.rmtree(oakvale.process.folder / "data")

        (oakvale.process.folder / "words").write_text(" ".join(made["oakvale"]["words"]))
        (oakvale.process.folder / "passphrase").write_text(PASSPHRASE)
        again = await oakvale.process.run(
            "restore", "--scheme", scheme_id, "--from", hilltop.process.origin, "--lan",
            "--words-file", str(oakvale.process.folder / "words"),
            "--passphrase-file", str(oakvale.process.folder / "passphrase"),
        )  # fmt: skip
        assert len(again["words"]) == 24
        assert again["words"] != made["oakvale"]["words"]
        await oakvale.process.start()

        link = await oakvale.process.run("user", "link", "Zoe Late")
        assert link["number"] == late["number"]
        await on_statement(town, bought)
        second_time = await buy(town, "hilltop")
        assert second_time != bought


async def old_and_new_again(folder: Path) -> None:
    async with two_schemes(folder) as (town, _):
        oakvale = town["oakvale"]
        data, backup = oakvale.process.folder / "data", folder / "backup"
        back_up(data, backup)
        late = await oakvale.process.run("member", "add", "Zoe Late", "--phone", "0100")
        within = await buy(town, "oakvale")
        await asyncio.sleep(45)  # real time, as above
        across = await buy(town, "hilltop")
        oakvale.process.kill()
        shutil.rmtree(data)
        shutil.copytree(backup, data)

        for point in crash.RESTORE_POINTS:  # the last of them once the newer books are there
            oakvale.process.start_to_die(f"{point}:1")
            assert await oakvale.process.died(60), oakvale.process.log_end()
        await oakvale.process.start()
        link = await oakvale.process.run("user", "link", "Zoe Late")
        assert link["number"] == late["number"]
        await on_statement(town, within)
        await on_statement(town, across)
        (finding,) = [
            each
            for each in await oakvale.process.run("doctor")
            if each["name"] == "recovered" and "copy" in each["text"]
        ]
        assert finding["state"] == "note"
        assert await buy(town, "hilltop") not in (within, across)
        assert await buy(town, "oakvale") not in (within, across)


def back_up(data: Path, backup: Path) -> None:
    """Copy a data folder while its node runs."""
    shutil.copytree(data / "keys", backup / "keys")
    with (
        closing(sqlite3.connect(data / "node.db")) as source,
        closing(sqlite3.connect(backup / "node.db")) as copy,
    ):
        source.backup(copy)
    (backup / "node.db").chmod(0o600)


async def on_statement(town: Town, reference: str) -> None:
    """Wait until Ana, whose PIN still opens, reads a purchase on her statement, once."""
    async with town.member("oakvale", "Ana Silva") as ana:

        async def is_there() -> bool:
            return len(await statement_lines(ana, reference)) == 1

        await until(is_there, f"the purchase {reference}", 60)


async def buy(town: Town, where: str) -> str:
    """Let Ana of Oakvale buy something of somebody at `where`; return the reference."""
    offers = [
        each
        for member in town[where].plan.members
        for each in member.listings
        if each.kind == "offer" and member.name != "Ana Silva"
    ]
    offer = next(each.title for each in offers if each.price.amount and each.price.per == "item")
    async with town.member("oakvale", "Ana Silva") as ana:

        async def bought() -> str | None:
            page = await ana.open("/find", q=offer)
            if not page.has_link(offer):
                return None
            purchase = await pay(ana, await go_to_check(ana, offer))
            return purchase.reference if purchase.outcome is Outcome.DONE else None

        return await until(bought, f"{offer} bought at {where}", 90)


@pytest.mark.slow
def test_an_old_backup_starts_on_the_newer_books_of_its_keeper(tmp_path: Path):
    """Killed at each step of taking them, too."""
    asyncio.run(old_and_new_again(tmp_path))


@pytest.mark.slow
def test_a_scheme_comes_back_from_its_sheet_and_one_neighbour(tmp_path: Path):
    asyncio.run(dead_and_back(tmp_path))
