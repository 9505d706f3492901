"""Listings from node to node: a whole feed fetched at once, and items pushed as they are made.

The limit of fetching is a toy that verifies every item (`replication_toy.py`); here one head signature admits the feed.
The limit of pushing is one thread that verifies signatures with the library we use, and does nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from crypto.keys import SigningKey
from scripts.bench.harness import Comparison, Options, Result, Sample, scratch, spin
from scripts.bench.processes import Child, free_ports

LISTINGS: Final = 100_000
PUT_AT_ONCE: Final = 2_000
BULK_ROUNDS_MAX: Final = 2  # each takes a new receiver
# Fewer than a node takes in line, and more: what is dropped is fetched.
BURSTS: Final = (4_000, 16_000)
ITEM_BYTES: Final = 330


@asynccontextmanager
async def pair(
    directory: Path, number: int, ports: list[int], *, uvloop: bool
) -> AsyncIterator[tuple[Child, Child]]:
    """Two nodes that do not know each other yet. The first one's data stays from round to round."""
    named = dict(zip(("Oakvale", f"Hilltop{number}"), ports, strict=True))
    async with (
        Child("node_process", name="Oakvale", ports=named, path=str(directory / "ours.db"), uvloop=uvloop, wide=True) as a,
        Child(
            "node_process", name=f"Hilltop{number}", ports=named, path=str(directory / f"{number}.db"), uvloop=uvloop,
            wide=True,
        ) as b,
    ):  # fmt: skip
        yield a, b


async def connect(a: Child, b: Child, number: int) -> float:
    """Make neighbours of them; return when the second one knew that they are."""
    await b.ask("in_touch", other="Oakvale")
    await b.ask("propose", other="Oakvale")
    await a.ask("agree", other=f"Hilltop{number}")
    began: float = await b.ask("follow", other="Oakvale")
    return began


async def run(options: Options) -> list[Result]:
    """Compare fetching and pushing."""
    count = 5_000 if options.quick else LISTINGS
    async with scratch(options) as directory:
        return [
            await _fetched(options, directory, count),
            *[
                await _pushed(options, directory, burst)
                for burst in (BURSTS[:1] if options.quick else BURSTS)
            ],
        ]


async def _fetched(options: Options, directory: Path, count: int) -> Comparison:
    ours: list[Sample] = []
    limit: list[Sample] = []
    memory: list[float] = []
    (toy_port,) = free_ports(1)
    async with (
        Child("replication_toy", sends=True, path=str(directory / "toy-a.db"), port=toy_port) as sender,
        Child("replication_toy", sends=False, path=str(directory / "toy-b.db"), port=toy_port) as receiver,
    ):
        await sender.ask("fill", count=count)
        for number in range(min(options.rounds, BULK_ROUNDS_MAX)):
            got, elapsed = await receiver.ask("fetch")
            assert got == count
            limit.append(Sample(value=count / elapsed))
            async with pair(directory, number, free_ports(2), uvloop=options.uvloop) as (a, b):
                if number == 0:
                    await a.ask("put", count=count, at_once=PUT_AT_ONCE)
                began = await connect(a, b, number)
                ended = await b.ask("until_held", other="Oakvale", count=count)
                ours.append(Sample(value=count / (ended - began)))
                memory.append(await b.ask("memory"))
    return Comparison(
        what=f"{count:,} listings fetched", unit="/s", limit_is="toy that verifies every item", ours=tuple(ours),
        limit=tuple(limit), goal=1, note=f"the receiver used up to {max(memory):.0f} MiB",
    )  # fmt: skip


async def _pushed(options: Options, directory: Path, burst: int) -> Comparison:
    key = SigningKey(bytes(32))
    message = bytes(ITEM_BYTES)
    signature = key.sign(message)
    ours: list[Sample] = []
    limit: list[Sample] = []
    number = 100 + burst
    folder = directory / f"pushed-{burst}"
    folder.mkdir()
    async with pair(folder, number, free_ports(2), uvloop=options.uvloop) as (a, b):
        await connect(a, b, number)
        await asyncio.sleep(1)  # what both say of themselves has been said
        for _ in range(min(options.rounds, 3)):
            before = await b.ask("held", other="Oakvale")
            began = await a.ask("put", count=burst, at_once=burst)
            ended = await b.ask("until_held", other="Oakvale", count=before + burst)
            ours.append(Sample(value=burst / (ended - began)))
            rate = await asyncio.to_thread(
                spin, lambda: key.public.verifies(signature, message), options.seconds
            )
            limit.append(Sample(value=rate))
    return Comparison(
        what=f"{burst:,} items pushed at once", unit="/s", limit_is="one thread that verifies", ours=tuple(ours),
        limit=tuple(limit), goal=0.5, note=f"none of {burst * len(ours):,} lost",
    )  # fmt: skip
