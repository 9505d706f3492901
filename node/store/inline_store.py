"""The store without threads, for the simulator: same units, same groups, same outcome, deterministic.

Units asked for in one turn of the event loop are one group; it is run in the next turn, on the loop itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Concatenate, Final, ParamSpec, TypeVar

from node.store.database import Database
from node.store.errors import StoreClosed
from node.store.group import GroupCommit, Job, deliver
from node.store.redo import Redo
from node.store.remembered import Changes
from node.store.transaction import Connection, Fault, ReadTx, Tx
from node.store.upgrade import bring_up_to_date

P = ParamSpec("P")
T = TypeVar("T")


class InlineStore:
    """A Store on one connection."""

    def __init__(self, database: Database, fault: Fault | None = None):
        """Open `database`, creating or migrating its tables. Raises what `bring_up_to_date` raises."""
        self._database: Final = database
        self._writer: Final[Connection] = database.open_writer()
        try:
            bring_up_to_date(database, self._writer)
            self._reader: Final[Connection] = database.open_reader()
        except BaseException:
            self._writer.close()
            database.release()
            raise
        self.changes: Final = Changes()
        self.redo: Final = Redo()
        self._commit: Final = GroupCommit(self._writer, self._answer, self.changes, self.redo, fault)
        self._waiting: list[Job] = []
        self._in_flight: list[Job] = []
        self._closed = False

    async def write(self, unit: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `unit(tx, *args, **kwargs)` in the next turn and return its result once it is durable."""
        self._refuse_if_closed()
        loop = asyncio.get_running_loop()
        job = Job(unit, args, kwargs, loop.create_future())
        self._waiting.append(job)
        if len(self._waiting) == 1:
            loop.call_soon(self._run_waiting)
        result: T = await job.future
        return result

    async def read(
        self, query: Callable[Concatenate[ReadTx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return `query(tx, *args, **kwargs)` on the state last committed."""
        # Others run in between, as they do while a reader thread is at work.
        await asyncio.sleep(0)
        self._refuse_if_closed()
        loop = asyncio.get_running_loop()
        job = Job(query, args, kwargs, loop.create_future())
        answer_query(self._reader, job)
        deliver([job], loop)
        result: T = await job.future
        return result

    async def close(self) -> None:
        """Run what was asked for before, then let go of the database."""
        if not self._closed:
            self._run_waiting()
            self.crash()

    def crash(self) -> None:
        """Stop at once, as in a power cut: what is not committed is lost, and those waiting get StoreClosed.

        A `fault` may call this and then raise. The database can be opened again by a new store.
        """
        if self._closed:
            return
        self._closed = True
        lost, self._waiting = [*self._in_flight, *self._waiting], []
        self._reader.close()
        self._writer.close()
        self._database.release()
        for job in lost:
            job.fail(StoreClosed("the store crashed"))
        if lost:
            deliver(lost, asyncio.get_running_loop())

    def _run_waiting(self) -> None:
        group, self._waiting = self._waiting, []
        if not group:
            return
        self._in_flight = list(group)
        try:
            self._commit.run(group)
        except BaseException:
            self.crash()
            raise
        self._in_flight = []

    def _answer(self, jobs: Sequence[Job]) -> None:
        deliver(jobs, asyncio.get_running_loop())
        self._in_flight = [job for job in self._in_flight if job not in jobs]

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StoreClosed("the store was closed")


def answer_query(connection: Connection, job: Job) -> None:
    """Run a query in a transaction of its own, so that all its reads see one state."""
    try:
        connection.begin()
    except connection.errors as error:
        job.fail(connection.translated(error))
        return
    try:
        job.attempt(ReadTx(connection))
    finally:
        try:
            connection.rollback()
        except connection.errors as error:
            job.fail(connection.translated(error))
