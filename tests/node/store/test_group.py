"""Who is settled with whom. What a group does to the database is tested with the stores, which all use it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from node.store import Memory, Tx
from node.store.group import COMPANY_WAIT_S, UNITS_PER_GROUP_MAX, GroupCommit, Job
from node.store.redo import Redo
from node.store.remembered import Changes


class Line:
    """People in line, some of whom come only if they are waited for."""

    def __init__(self) -> None:
        self.settled: list[int] = []
        self.waited: list[float] = []
        self.there, self.coming = 0, 0
        self.commit = GroupCommit(Memory().open_writer(), self._answer, Changes(), Redo())

    def _answer(self, jobs: Sequence[Job]) -> None:
        assert all(job.error is None for job in jobs)
        self.settled.append(len(jobs))

    def job(self) -> Job:
        def unit(_tx: Tx) -> None:
            """Change nothing."""

        return Job(unit, (), {}, asyncio.get_running_loop().create_future())

    def more(self, wait_s: float) -> Job | None:
        self.waited.append(wait_s)
        if self.there:
            self.there -= 1
            return self.job()
        if wait_s and self.coming:
            self.coming -= 1
            return self.job()
        return None

    def run(self, there: int, coming: int = 0) -> tuple[int, float]:
        """Settle those who are there and perhaps come; return how many came together, and how long was waited at most."""
        self.there, self.coming = there - 1, coming
        self.waited.clear()
        self.commit.run([self.job()], self.more)
        return self.settled.pop(), sum(self.waited)


async def test_all_in_line_are_settled_together_up_to_the_most():
    line = Line()
    assert line.run(5) == (5, 0)
    assert line.run(UNITS_PER_GROUP_MAX + 7)[0] == UNITS_PER_GROUP_MAX
    assert line.there == 7


async def test_who_is_alone_never_waits():
    """A single caller's time is the commit's."""
    line = Line()
    assert [line.run(1) for _ in range(3)] == [(1, 0)] * 3
    assert line.run(2) == (2, 0)
    assert line.run(1) == (1, 0)


async def test_less_than_half_of_last_times_company_is_waited_for_a_little():
    line = Line()
    line.run(8)
    assert line.run(1, coming=9) == (4, 3 * COMPANY_WAIT_S)
    assert line.run(1) == (1, COMPANY_WAIT_S), "nobody came"
    assert line.run(1) == (1, 0), "and so nobody is waited for any more"
