"""Small jobs that come round: each at its own pace, and one that fails is logged and tried at its next turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from node.supervisor import Supervisor


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do every `every_s` seconds, the first time after one such time."""

    name: str
    every_s: float
    work: Callable[[], Awaitable[object]]


async def run_jobs(jobs: Sequence[Job]) -> None:
    """Do `jobs` until cancelled. A job that takes longer than its pace is not begun a second time."""
    async with Supervisor("jobs") as supervisor, asyncio.TaskGroup() as tasks:
        for job in jobs:
            tasks.create_task(_come_round(job, supervisor))


async def _come_round(job: Job, supervisor: Supervisor) -> None:
    idle = asyncio.Event()
    idle.set()

    async def turn() -> None:
        try:
            await job.work()
        finally:
            idle.set()

    while True:
        await asyncio.sleep(job.every_s)
        await idle.wait()
        idle.clear()
        supervisor.spawn(turn(), job.name)
