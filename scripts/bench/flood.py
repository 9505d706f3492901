"""Payments of others through a node that one of its neighbours floods, against the same payments in quiet.

Oakvale pays Riverside through Hilltop, one payment at a time; Eve is a neighbour of Hilltop too. Mallory, behind Riverside,
ends no lock of hers before the flood is over. With and without the flood they take turns, so the ratio is of one run. I14; attacks T2, T34.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

from scripts.bench.flooding import JAM, KINDS
from scripts.bench.harness import Comparison, Options, Result, Sample, by_p50, scratch, take_turns
from scripts.bench.processes import Child, free_ports

NAMES: Final = ("Oakvale", "Hilltop", "Riverside", "Eve", "Mallory")
LINES: Final = (
    ("Oakvale", "Hilltop"), ("Hilltop", "Riverside"), ("Eve", "Hilltop"), ("Mallory", "Riverside"),
)  # fmt: skip
# What a flood may add to the memory of the node it meets: the queues of one session, and what is carried for it.
GROWTH_MIB: Final = 64.0
UNJAM_S: Final = 60.0


@asynccontextmanager
async def town(directory: Path, *, uvloop: bool) -> AsyncIterator[tuple[dict[str, Child], dict[str, Any]]]:
    """Four nodes with their lines open, and what Oakvale needs to pay a member of Riverside."""
    ports = dict(zip(NAMES, free_ports(len(NAMES)), strict=True))
    async with AsyncExitStack() as stack:
        nodes = {
            name: await stack.enter_async_context(
                Child(
                    "node_process",
                    name=name,
                    ports=ports,
                    path=str(directory / f"{name}.db"),
                    uvloop=uvloop,
                    silent=name == "Mallory",
                )
            )
            for name in NAMES
        }
        for a, b in LINES:
            await nodes[a].ask("in_touch", other=b)
            await nodes[a].ask("propose", other=b)
            await nodes[b].ask("agree", other=a)
        payee = await nodes["Riverside"].ask("member")
        ways = {}
        for payer in ("Oakvale", "Eve"):
            account_no = await nodes[payer].ask("member")
            handle = await nodes["Riverside"].ask("handle", payer=payer, account_no=payee)
            await nodes[payer].ask("ready", goal="Riverside")
            ways[payer] = {"goal": "Riverside", "handle": handle, "account_no": account_no}
        await nodes["Eve"].ask("arm", at="Hilltop", silent="Mallory", **ways["Eve"])
        yield nodes, ways["Oakvale"]


async def run(options: Options) -> list[Result]:
    """Compare for every kind of flood; say how the memory of the flooded node grew."""
    results: list[Result] = []
    async with scratch(options) as directory, town(directory, uvloop=options.uvloop) as (nodes, way):
        for kind in KINDS[:2] if options.quick else KINDS:
            results += await _against(options, kind, nodes, way)
    return results


async def _against(options: Options, kind: str, nodes: dict[str, Child], way: dict[str, Any]) -> list[Result]:
    payer, hilltop, eve = nodes["Oakvale"], nodes["Hilltop"], nodes["Eve"]
    sent, peak = 0, 0.0
    before: float = await hilltop.ask("memory")

    async def quiet(seconds: float) -> Sample:
        told = await payer.ask("measure", count=1, seconds=seconds, **way)
        return Sample(value=told[0], p50_ms=told[1], p99_ms=told[2])

    async def flooded(seconds: float) -> Sample:
        nonlocal sent, peak
        await eve.ask("flood", kind=kind)
        try:
            return await quiet(seconds)
        finally:
            peak = max(peak, await hilltop.ask("memory"))
            sent += await eve.ask("calm")
            if kind == JAM:
                await _unjam(eve, nodes["Mallory"])

    ours, limit = await take_turns(options, flooded, quiet)
    note = f"{sent:,} sent; Hilltop grew from {before:.0f} to {peak:.0f} MiB, may by {GROWTH_MIB:.0f}"
    return [
        Comparison(
            what=f"a payment, p50, under a flood of {kind}", unit="ms", limit_is="the same in quiet", ours=by_p50(ours),
            limit=by_p50(limit), goal=2, at_most=True, note=note,
        ),
        Comparison(
            what=f"memory under a flood of {kind}", unit="MiB", limit_is="before, and its cap",
            ours=(Sample(value=peak),), limit=(Sample(value=before + GROWTH_MIB),), goal=1, at_most=True,
        ),
    ]  # fmt: skip


async def _unjam(eve: Child, mallory: Child) -> None:
    """Let every lock of Eve's end, or the quiet after the flood would be none."""
    async with asyncio.timeout(UNJAM_S):
        while await eve.ask("locks_open"):
            await mallory.ask("end_locks")
            await asyncio.sleep(0.1)
