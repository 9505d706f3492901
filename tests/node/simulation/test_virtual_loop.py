"""The virtual loop: waiting costs nothing, and one seed gives one run. Source: docs/architecture.md."""

from __future__ import annotations

import asyncio
import time

import pytest

from node.clock import LoopClock
from node.simulation.virtual_loop import EPOCH_MS, Stalled, run, running_loop


def test_a_year_of_waiting_takes_no_time():
    async def wait() -> float:
        await asyncio.sleep(365 * 24 * 3600)
        return running_loop().time()

    began = time.monotonic()
    assert run(wait()) == pytest.approx(365 * 24 * 3600)
    assert time.monotonic() - began < 5


def test_timeouts_and_sleeps_are_taken_in_order_of_their_moments():
    async def scenario() -> list[str]:
        seen: list[str] = []

        async def after(seconds: float, name: str) -> None:
            await asyncio.sleep(seconds)
            seen.append(name)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(after(3, "third"))
            tasks.create_task(after(1, "first"))
            tasks.create_task(after(2, "second"))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(2.5):
                    await asyncio.Event().wait()
            seen.append("timeout")
        return seen

    assert run(scenario()) == ["first", "second", "timeout", "third"]


def test_a_clock_reads_the_loop():
    async def scenario() -> tuple[int, int]:
        clock = LoopClock(EPOCH_MS, skew_ms=-500)
        before = clock.now_ms()
        await asyncio.sleep(1.25)
        return before, clock.now_ms()

    assert run(scenario()) == (EPOCH_MS - 500, EPOCH_MS + 750)


def test_when_nothing_can_happen_any_more_it_says_so():
    with pytest.raises(Stalled):
        run(asyncio.Event().wait())


def test_there_are_no_threads():
    async def scenario() -> None:
        await asyncio.to_thread(time.monotonic)

    with pytest.raises(RuntimeError, match="no threads"):
        run(scenario())


async def test_a_real_loop_is_refused():
    with pytest.raises(RuntimeError, match="virtual"):
        running_loop()
