"""What every benchmark shares: ours and its limit take turns, and the ratio of each round is what counts.

A machine is never quiet, and a figure of another minute says nothing about this one. So the two sides run one
after the other in every round, the first one by turns, and a result is the median of the rounds' ratios with
the least and the greatest beside it. Nothing here passes or fails: a goal is printed next to what was reached.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How long and where to measure."""

    rounds: int = 5
    seconds: float = 1.0  # of each side in each round
    directory: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))
    quick: bool = False  # smaller amounts, to see that it runs
    uvloop: bool = True  # nodes in processes of their own run with the extra `fast`


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One side in one round. `value` is what is compared, in the comparison's own unit."""

    value: float
    p50_ms: float | None = None
    p99_ms: float | None = None


Measure = Callable[[float], Awaitable[Sample]]  # told for how many seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What was measured, against what, and what was to be reached."""

    what: str
    unit: str
    limit_is: str
    ours: tuple[Sample, ...]
    limit: tuple[Sample, ...]
    goal: float
    at_most: bool = False  # the goal is a ceiling: times and sizes
    note: str = ""

    @property
    def ratios(self) -> tuple[float, ...]:
        """Ours by the limit, of each round."""
        return tuple(ours.value / limit.value for ours, limit in zip(self.ours, self.limit, strict=True))

    @property
    def ratio(self) -> float:
        """The median ratio."""
        return median(self.ratios)

    @property
    def reached(self) -> bool:
        """Whether the median ratio is on the right side of the goal."""
        return self.ratio <= self.goal if self.at_most else self.ratio >= self.goal

    def as_json(self) -> dict[str, object]:
        """Return everything, for a file."""
        return {
            "what": self.what,
            "unit": self.unit,
            "limit_is": self.limit_is,
            "ours": [sample.value for sample in self.ours],
            "limit": [sample.value for sample in self.limit],
            "ratios": list(self.ratios),
            "ratio": self.ratio,
            "goal": self.goal,
            "goal_is": "at most" if self.at_most else "at least",
            "reached": self.reached,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A limit alone, for reference: nothing of ours is compared with it here."""

    what: str
    unit: str
    values: tuple[float, ...]
    note: str = ""

    def as_json(self) -> dict[str, object]:
        """Return everything, for a file."""
        return {
            "what": self.what,
            "unit": self.unit,
            "values": list(self.values),
            "median": median(self.values),
            "note": self.note,
        }


Result = Comparison | Figure


async def take_turns(
    options: Options, ours: Measure, limit: Measure, *, warm_up: bool = True
) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """Measure both sides in every round, the first one by turns."""
    if warm_up:
        for side in (ours, limit):
            await side(min(0.3, options.seconds))
    taken: tuple[list[Sample], list[Sample]] = ([], [])
    for number in range(options.rounds):
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            taken[which].append(await (ours, limit)[which](options.seconds))
    return tuple(taken[0]), tuple(taken[1])


async def callers(count: int, once: Callable[[], Awaitable[object]], seconds: float) -> Sample:
    """Let `count` callers call `once` again and again; the value is calls a second."""
    clock = time.perf_counter
    waits: list[float] = []
    began = clock()
    end = began + seconds

    async def caller() -> None:
        while (at := clock()) < end:
            await once()
            waits.append(clock() - at)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(count):
            tasks.create_task(caller())
    return summary(waits, clock() - began)


def summary(waits: list[float], elapsed: float) -> Sample:
    """Return a sample of calls that took `waits` and `elapsed` seconds together."""
    waits = sorted(waits)
    return Sample(
        value=len(waits) / elapsed,
        p50_ms=waits[len(waits) // 2] * 1000,
        p99_ms=waits[min(len(waits) - 1, len(waits) * 99 // 100)] * 1000,
    )


def by_p50(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """Return samples whose value is their median wait, in milliseconds."""
    return tuple(
        Sample(value=sample.p50_ms or 0.0, p50_ms=sample.p50_ms, p99_ms=sample.p99_ms) for sample in samples
    )


def spin(once: Callable[[], object], seconds: float, per_call: int = 1) -> float:
    """Return how often a second `once` runs, in this thread; each call counts `per_call` times."""
    clock = time.perf_counter
    calls, began = 0, clock()
    while True:
        for _ in range(16):
            once()
        calls += 16
        elapsed = clock() - began
        if elapsed > seconds:
            return calls * per_call / elapsed


@asynccontextmanager
async def scratch(options: Options) -> AsyncIterator[Path]:
    """A directory on the disk to be measured, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="interlets-bench-", dir=options.directory) as name:
        yield Path(name)


# --- what comes out ------------------------------------------------------------------------------------------

_COLUMNS: Final = ("what", "ours", "limit", "ratio", "spread", "goal", "")


def table(results: Sequence[Result]) -> str:
    """Return results as a plain table."""
    rows = [_COLUMNS, *(_row(result) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = [
        "  ".join(
            cell.ljust(width) if column in (0, 6) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    notes = [f"  {result.what}: {result.note}" for result in results if result.note]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:], *notes])


def _row(result: Result) -> tuple[str, ...]:
    if isinstance(result, Figure):
        middle = median(result.values)
        spread = f"{min(result.values) / middle:.2f}..{max(result.values) / middle:.2f}"
        return (result.what, "", _number(middle, result.unit), "", spread, "", "")
    ratios = result.ratios
    return (
        result.what,
        _number(median(sample.value for sample in result.ours), result.unit),
        _number(median(sample.value for sample in result.limit), result.unit),
        f"{result.ratio:.2f}",
        f"{min(ratios):.2f}..{max(ratios):.2f}",
        f"{'≤' if result.at_most else '≥'} {result.goal:g}",
        "reached" if result.reached else "NOT REACHED",
    )


def _number(value: float, unit: str) -> str:
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.2f} {unit}"
