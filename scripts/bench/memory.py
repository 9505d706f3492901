"""What a whole node holds in memory with 100,000 listings of a neighbour, fetched and indexed for search."""

from __future__ import annotations

import asyncio
from typing import Final

from scripts.bench.harness import Comparison, Options, Result, Sample, scratch
from scripts.bench.processes import free_ports
from scripts.bench.replication import LISTINGS, PUT_AT_ONCE, connect, pair

MOST_MIB: Final = 150.0
INDEXED_WITHIN_S: Final = 240.0
LOOK_EVERY_S: Final = 0.5


async def run(options: Options) -> list[Result]:
    """Fetch them once, wait for the index, and look."""
    count = 5_000 if options.quick else LISTINGS
    async with (
        scratch(options) as directory,
        pair(directory, 0, free_ports(2), uvloop=options.uvloop) as (a, b),
    ):
        empty = await b.ask("memory")
        await a.ask("put", count=count, at_once=PUT_AT_ONCE)
        await connect(a, b, 0)
        await b.ask("until_held", other="Oakvale", count=count)
        fetched = most = await b.ask("memory")
        for _ in range(int(INDEXED_WITHIN_S / LOOK_EVERY_S)):
            if await b.ask("indexed") >= count:
                break
            most = max(most, await b.ask("memory"))
            await asyncio.sleep(LOOK_EVERY_S)
        indexed, found = await b.ask("memory"), await b.ask("indexed")
    return [
        Comparison(
            what=f"a node with {count:,} listings", unit="MiB", limit_is=f"{MOST_MIB:.0f} MiB",
            ours=(Sample(value=indexed),), limit=(Sample(value=MOST_MIB),), goal=1, at_most=True,
            note=f"empty {empty:.0f}, when fetched {fetched:.0f}, at most {most:.0f} MiB; {found:,} indexed",
        )
    ]  # fmt: skip
