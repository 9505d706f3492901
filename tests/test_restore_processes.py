"""A dead disk, on real processes: a scheme comes back from its recovery sheet and one neighbour. Rule 6.7 (0), (b), (g)."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from scripts.town import organising
from scripts.town.buying import Outcome, go_to_check, pay, statement_lines
from scripts.town.filling import PASSPHRASE, Scheme, fill_scheme, make_scheme
from scripts.town.plan import read_town
from scripts.town.processes import NodeProcess, end_all, free_ports, until
from scripts.town.town import Town


def logged(process: NodeProcess) -> str:
    return (process.folder / "serve.log").read_text("utf-8", errors="replace")


async def dead_and_back(folder: Path) -> None:
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
        late = await oakvale.process.run("member", "add", "Zoe Late", "--phone", "0100")
        await asyncio.sleep(45)  # real time: a round of the keeper's, and another if that one was lost
        bought = await buy(town)
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
        async with town.member("oakvale", "Ana Silva") as ana:  # her PIN still opens

            async def is_back() -> bool:
                return len(await statement_lines(ana, bought)) == 1

            await until(is_back, "the purchase over the line", 60)
        second_time = await buy(town)
        assert second_time != bought
    finally:
        end_all(town.processes)


async def buy(town: Town) -> str:
    """Let Ana buy something of Hilltop's; return the reference."""
    offers = [
        each for member in town["hilltop"].plan.members for each in member.listings if each.kind == "offer"
    ]
    offer = next(each.title for each in offers if each.price.amount and each.price.per == "item")
    async with town.member("oakvale", "Ana Silva") as ana:

        async def bought() -> str | None:
            page = await ana.open("/find", q=offer)
            if not page.has_link(offer):
                return None
            purchase = await pay(ana, await go_to_check(ana, offer))
            return purchase.reference if purchase.outcome is Outcome.DONE else None

        return await until(bought, f"{offer} bought from Hilltop", 90)


@pytest.mark.slow
def test_a_scheme_comes_back_from_its_sheet_and_one_neighbour(tmp_path: Path):
    asyncio.run(dead_and_back(tmp_path))
