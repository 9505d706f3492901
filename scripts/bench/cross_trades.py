"""Trades across schemes over one, two and three hops, each node a process with a database of its own.

The limit is a toy of signed durable hops (`hop_toy.py`) with as many nodes as there are lines on our way. Over `h`
hops it waits for 2h commits one after the other, and so do we for 2h + 1: the payer's lock, two at every connector,
the payee's claim, and the payer's end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from scripts.bench.harness import Comparison, Measure, Options, Result, Sample, by_p50, scratch, take_turns
from scripts.bench.processes import Child, free_ports

NAMES: Final = ("Oakvale", "Hilltop", "Riverside", "Seaside")
MANY: Final = 32
TRADES_A_SECOND: Final = 250  # as a guess of how many prices to ask for ahead


@asynccontextmanager
async def toy(hops: int, directory: Path) -> AsyncIterator[Child]:
    """The toy's row of processes; yields the one that sends."""
    ports = free_ports(hops + 1)
    async with AsyncExitStack() as stack:
        row = [
            await stack.enter_async_context(
                Child("hop_toy", place=place, hops=hops, ports=ports, path=str(directory / f"hop{place}.db"))
            )
            for place in range(hops + 1)
        ]
        for child in row:
            await child.ask("ready")
        await row[0].ask("connect")
        yield row[0]


@asynccontextmanager
async def nodes(hops: int, directory: Path, *, uvloop: bool) -> AsyncIterator[tuple[Child, dict[str, Any]]]:
    """Our nodes in a row, their lines open; yields the payer's and what it needs to pay a member of the last."""
    names = NAMES[: hops + 1]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    async with AsyncExitStack() as stack:
        row = {
            name: await stack.enter_async_context(
                Child(
                    "node_process", name=name, ports=ports, path=str(directory / f"{name}.db"), uvloop=uvloop
                )
            )
            for name in names
        }
        for a, b in pairwise(names):
            await row[a].ask("in_touch", other=b)
            await row[a].ask("propose", other=b)
            await row[b].ask("agree", other=a)
        payer, payee = names[0], names[-1]
        account_no = await row[payer].ask("member")
        handle = await row[payee].ask("handle", payer=payer, account_no=await row[payee].ask("member"))
        await row[payer].ask("ready", goal=payee)
        yield row[payer], {"goal": payee, "handle": handle, "account_no": account_no}


async def _toy_sample(child: Child, count: int, seconds: float) -> Sample:
    return _sample(await child.ask("measure", count=count, seconds=seconds))


async def _with_quote(child: Child, way: dict[str, Any], count: int, seconds: float) -> Sample:
    return _sample(await child.ask("measure", count=count, seconds=seconds, **way))


async def _paid_only(child: Child, way: dict[str, Any], count: int, seconds: float) -> Sample:
    most = max(8, int(seconds * TRADES_A_SECOND * (1 if count > 1 else 0.4)))
    return _sample(await child.ask("measure_quoted", count=count, most=most, **way))


def _sample(told: list[Any]) -> Sample:
    return Sample(value=told[0], p50_ms=told[1], p99_ms=told[2])


async def run(options: Options) -> list[Result]:
    """Compare over every number of hops, one payment in flight and many, the price asked before and within."""
    results: list[Result] = []
    for hops in (1,) if options.quick else (1, 2, 3):
        async with (
            scratch(options) as directory,
            toy(hops, directory) as sender,
            nodes(hops, directory, uvloop=options.uvloop) as (payer, way),
        ):
            for count in (1, MANY):
                for quote, measure in (("quote not counted", _paid_only), ("with its quote", _with_quote)):
                    ours: Measure = partial(measure, payer, way, count)
                    results.append(
                        await _compare(options, hops, count, quote, ours, partial(_toy_sample, sender, count))
                    )
    return results


async def _compare(
    options: Options, hops: int, count: int, quote: str, ours: Measure, limit: Measure
) -> Comparison:
    mine, its = await take_turns(options, ours, limit)
    what = f"{hops} hop{'s' if hops > 1 else ''}, {count} in flight, {quote}"
    limit_is = f"toy of {hops} signed durable hops"
    if count == 1:
        return Comparison(
            what=f"{what}, p50", unit="ms", limit_is=limit_is, ours=by_p50(mine), limit=by_p50(its), goal=3,
            at_most=True,
        )  # fmt: skip
    return Comparison(what=what, unit="/s", limit_is=limit_is, ours=mine, limit=its, goal=0.4)
