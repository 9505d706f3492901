"""The store for serving: one writer thread with group commit, and a few reader threads.

No database call runs on the event loop. While one group is being committed the next one gathers, so the
price of making things durable is shared by everybody who came meanwhile.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from node.store.database import Database
from node.store.errors import StoreClosed
from node.store.group import GroupCommit, Job, More, deliver
from node.store.inline_store import answer_query
from node.store.redo import Redo
from node.store.remembered import Changes
from node.store.sqlite import SqliteDatabase
from node.store.transaction import Connection, Fault, ReadTx, Tx
from node.store.upgrade import bring_up_to_date

P = ParamSpec("P")
T = TypeVar("T")

# Callers beyond these wait before they even get in line, so a flood is felt where it comes from.
WAITING_MAX: Final = 1024
READERS: Final = 2

Serve = Callable[[Job, More], None]  # somebody who waits, and how to get the next without waiting


class Workers:
    """Threads taking jobs from one line, and the way back to the event loop."""

    def __init__(self, name: str, serves: Sequence[Callable[[Callable[[Sequence[Job]], None]], Serve]]):
        """Start one thread for each of `serves`, which is given how to answer."""
        assert serves, "without a thread nobody would ever be answered"
        self._loop: Final = asyncio.get_running_loop()
        self._line: Final[SimpleQueue[Job | None]] = SimpleQueue()
        self._room: Final = asyncio.Semaphore(WAITING_MAX)
        self._unanswered: Final[set[Job]] = set()
        self._stopping = False
        self._running = len(serves)
        self._ended: Final[asyncio.Future[None]] = self._loop.create_future()
        self._threads: Final = [
            threading.Thread(
                target=self._work, args=(serve(self._answer),), name=f"{name}-{number}", daemon=True
            )
            for number, serve in enumerate(serves)
        ]
        for thread in self._threads:
            thread.start()

    async def ask(self, work: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Get in line, and return what came of it. Raises StoreClosed, and whatever `work` raises."""
        await self._room.acquire()
        if self._stopping:
            self._room.release()
            raise StoreClosed("the store was closed")
        job = Job(work, args, kwargs, self._loop.create_future())
        self._unanswered.add(job)
        self._line.put(job)
        return await job.future

    def close_line(self) -> None:
        """Refuse whoever comes from now on; the threads end once they have served who is in line."""
        if not self._stopping:
            self._stopping = True
            for _ in self._threads:
                self._line.put(None)

    async def ended(self) -> None:
        """Return once all threads have ended."""
        # Shielded: whoever gives up waiting for the end must not take it from the others who wait.
        await asyncio.shield(self._ended)
        for thread in self._threads:
            thread.join()

    def _work(self, serve: Serve) -> None:
        """Serve jobs until told to stop. In its own thread."""
        line, stopped = self._line, False

        def more(wait_s: float) -> Job | None:
            nonlocal stopped
            if stopped:
                return None
            try:
                job = line.get(timeout=wait_s) if wait_s else line.get_nowait()
            except Empty:
                return None
            stopped = job is None
            return job

        try:
            while not stopped and (job := line.get()) is not None:
                serve(job, more)
        finally:
            self._loop.call_soon_threadsafe(self._thread_ended)

    def _answer(self, jobs: Sequence[Job]) -> None:
        """Hand settled jobs to the event loop. In a worker's thread."""
        self._loop.call_soon_threadsafe(self._deliver, tuple(jobs))

    def _deliver(self, jobs: Sequence[Job]) -> None:
        deliver(jobs, self._loop)
        self._unanswered.difference_update(jobs)
        for _ in jobs:
            self._room.release()

    def _thread_ended(self) -> None:
        """Once no thread is left, nobody who still waits will ever be served."""
        self._running -= 1
        if self._running:
            return
        self._stopping = True
        lost = tuple(self._unanswered)
        for job in lost:
            job.fail(StoreClosed("the store's thread ended before it could answer"))
        self._deliver(lost)
        self._ended.set_result(None)


class ThreadStore:
    """A Store whose database calls run in threads of its own. Made by `open`, on the loop that will use it."""

    def __init__(
        self, database: Database, writer: Connection, readers: Sequence[Connection], fault: Fault | None
    ):
        self._database: Final = database
        self._writer: Final = writer
        self._readers: Final = readers
        self.changes: Final = Changes()
        self.redo: Final = Redo()
        self._writing: Final = Workers("store-writer", [_writing_to(writer, self.changes, self.redo, fault)])
        self._reading: Final = Workers("store-reader", [_reading_from(reader) for reader in readers])

    @classmethod
    async def open(
        cls, database: Database | Path, *, readers: int = READERS, fault: Fault | None = None
    ) -> ThreadStore:
        """Open a database (or a SQLite file), creating or migrating its tables, and start the threads.

        Raises:
            StoreInUse, SchemaTooNew, StoreFailed: it cannot be used; nothing was changed.
        """
        if isinstance(database, Path):
            database = SqliteDatabase(database)
        writer, reading = await asyncio.to_thread(_open_all, database, readers)
        return cls(database, writer, reading, fault)

    async def write(self, unit: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `unit(tx, *args, **kwargs)` and return its result once it is durable."""
        result: T = await self._writing.ask(unit, args, kwargs)
        return result

    async def read(
        self, query: Callable[Concatenate[ReadTx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return `query(tx, *args, **kwargs)` on the state last committed."""
        result: T = await self._reading.ask(query, args, kwargs)
        return result

    async def close(self) -> None:
        """Serve what was asked for before, then let go of the database."""
        self._reading.close_line()
        self._writing.close_line()
        await self._reading.ended()
        await self._writing.ended()
        await asyncio.to_thread(self._close_all)

    def _close_all(self) -> None:
        """Close every connection; once more does no harm.

        The writer's comes last: the last one to close cleans up the write-ahead log, which a reader may not.
        """
        for reader in self._readers:
            reader.close()
        self._writer.close()
        self._database.release()


def _writing_to(
    writer: Connection, changes: Changes, redo: Redo, fault: Fault | None
) -> Callable[[Callable[[Sequence[Job]], None]], Serve]:
    def serving(answer: Callable[[Sequence[Job]], None]) -> Serve:
        commit = GroupCommit(writer, answer, changes, redo, fault)

        def serve(job: Job, more: More) -> None:
            commit.run([job], more)

        return serve

    return serving


def _reading_from(reader: Connection) -> Callable[[Callable[[Sequence[Job]], None]], Serve]:
    def serving(answer: Callable[[Sequence[Job]], None]) -> Serve:
        def serve(job: Job, _more: More) -> None:
            answer_query(reader, job)
            answer([job])

        return serve

    return serving


def _open_all(database: Database, readers: int) -> tuple[Connection, list[Connection]]:
    writer = database.open_writer()
    opened: list[Connection] = []
    try:
        bring_up_to_date(database, writer)
        opened.extend(database.open_reader() for _ in range(readers))
    except BaseException:
        for connection in [*opened, writer]:
            connection.close()
        database.release()
        raise
    return writer, opened
