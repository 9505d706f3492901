"""Group commit: many units, one transaction, one COMMIT, and answers only after it.

There are no savepoints (with them, a full disk in one unit silently undid its finished neighbours). Instead
the group is run again without the unit that failed, so units are re-runnable. Which thread this happens in
is left to the two stores. Source: architecture, decide, record, act, 1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog

from node.store.errors import OutcomeUnknown, StoreFull
from node.store.redo import Redo, Written, recording
from node.store.remembered import Changes
from node.store.transaction import Connection, Fault, Kept, Later, ReadTx, Tx

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()


class Job:
    """One unit or query with its arguments, and what came of it."""

    __slots__ = ("args", "error", "future", "kwargs", "later", "result", "work")

    def __init__(
        self,
        work: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        future: asyncio.Future[Any],
    ):
        self.work: Final = work
        self.args: Final = args
        self.kwargs: Final = kwargs
        self.future: Final = future
        self.result: Any = None
        self.error: BaseException | None = None
        self.later: Sequence[Later] = ()

    def attempt(self, tx: ReadTx) -> None:
        """Run the work; afterwards `result` or `error` says what came of it."""
        self.result, self.error = None, None
        try:
            self.result = self.work(tx, *self.args, **self.kwargs)
            tx.finish()
        except Exception as error:  # noqa: BLE001 - handed to the caller, whose error it is
            self.error = error

    def fail(self, error: BaseException) -> None:
        """Let the caller have `error`."""
        self.result, self.error, self.later = None, error, ()


def deliver(jobs: Sequence[Job], loop: asyncio.AbstractEventLoop) -> None:
    """Make the calls the units asked for, in order, and then answer the callers. Runs on the event loop.

    Each call goes through `call_soon`: one that raises is reported by the loop and hinders no other. A
    caller is woken through `call_soon` too, so all the calls of its group have been made before it goes on.
    """
    for job in jobs:
        for call, args in job.later:
            loop.call_soon(call, *args)
    for job in jobs:
        if job.future.done():  # the caller stopped waiting
            continue
        if job.error is None:
            job.future.set_result(job.result)
        else:
            job.future.set_exception(job.error)


More = Callable[[float], Job | None]  # the next in line, if somebody comes within so many seconds

# Enough that COMMIT costs each unit next to nothing; few enough that the first of them is not kept waiting.
UNITS_PER_GROUP_MAX: Final = 256
# Those answered last time need a moment to ask again, and no commit is faster than this.
COMPANY_WAIT_S: Final = 0.001


def nobody(_wait_s: float) -> None:
    """Nobody else comes."""


class GroupCommit:
    """Runs groups of units on one connection; `answer` gets the units settled, in the order of their commit."""

    def __init__(
        self,
        connection: Connection,
        answer: Callable[[Sequence[Job]], None],
        changes: Changes,
        redo: Redo,
        fault: Fault | None = None,
    ):
        self._redo: Final = redo
        self._connection: Final = connection
        self._answer: Final = answer
        self._changes: Final = changes
        self._fault: Final = fault
        self._wrote_to: Final[set[str | None]] = set()  # in the transaction under way
        self._scrubs = False  # whether a unit in it asks for that
        self._company = 1  # how many were settled together last time
        # True of the database as this writer, the only one, last saw or made it.
        self._kept: Final[Kept] = {}

    def run(self, jobs: Sequence[Job], more: More = nobody) -> None:
        """Settle every one of `jobs`: each is durable, or has an error and left nothing behind.

        Whoever `more` names while they run is settled with them: those answered last time ask again meanwhile,
        so that all who ask all the time share one COMMIT instead of taking turns at two. While less than half of
        last time's company is there, it is waited for a little; who is alone never waits.

        Whatever this raises (a fault at "COMMITTED", the end of the interpreter) is the end of the store.
        """
        groups = self._settle(list(jobs), more)
        while groups:
            groups[:0] = self._settle(groups.pop(0))

    def _settle(self, group: list[Job], more: More = nobody) -> list[list[Job]]:
        """Try to commit `group`, into which `more` may come; return what must be run again, as groups."""
        connection = self._connection
        try:
            connection.begin()
        except connection.errors as error:
            return self._all_failed(group, error)
        try:
            failed = self._run_units(group, more)
            if failed is None:
                return self._commit(group)
        except BaseException:
            self._roll_back()
            raise
        self._roll_back()
        others = [job for job in group if job is not failed]
        self._answer([failed])
        if isinstance(failed.error, StoreFull):
            # Room is short: whoever still fits must not be undone again by whoever does not.
            return [[job] for job in others]
        return [others] if others else []

    def _run_units(self, group: list[Job], more: More) -> Job | None:
        """Run the units; return the one that spoilt the transaction, or None if it can be committed.

        A unit that refuses, that is, raises before its first write, spoils nothing. It keeps its place in the
        group until COMMIT all the same: it may have refused because of what a neighbour wrote.
        """
        self._wrote_to.clear()
        self._scrubs = False
        for job in group:  # which grows meanwhile
            tell = self._redo.tell  # asked anew: whoever begins a copy is in line behind those of before
            written: list[Written] = []
            connection = self._connection if tell is None else recording(self._connection, written)
            tx = Tx(connection, self._fault, self._kept)
            job.attempt(tx)
            self._wrote_to.update(tx.wrote_to)
            self._scrubs = self._scrubs or (tx.scrubs and job.error is None)
            if job.error is None:
                job.later = tx.later if tell is None else [(tell, (written,)), *tx.later]
            else:
                job.later = ()
                if tx.wrote_to or not self._connection.in_transaction():
                    return job
            if job is group[-1] and len(group) < UNITS_PER_GROUP_MAX:
                wait_s = COMPANY_WAIT_S if 2 * len(group) < self._company else 0
                if (late := more(wait_s)) is not None:
                    group.append(late)
        return None

    def _commit(self, group: list[Job]) -> list[list[Job]]:
        self._changes.begin(self._wrote_to)
        try:
            if self._fault is not None:
                self._fault("COMMIT")
            self._connection.commit()
        except Exception as error:  # noqa: BLE001 - handed to the callers; a fault may be of any kind
            if self._connection.is_lost():
                self._kept.clear()
                self._changes.lose(self._wrote_to)
                return self._all_failed(group, OutcomeUnknown(str(error)))
            self._roll_back()
            self._changes.end()
            if len(group) == 1:
                return self._all_failed(group, error)
            return [[job] for job in group]
        self._changes.end()
        if self._fault is not None:
            self._fault("COMMITTED")
        self._company = len(group)
        if self._scrubs:
            self._scrub()
        if self._wrote_to and (watchers := self._changes.watchers):
            # Behind what the units asked for: whoever looks finds memory as it is after them.
            group[-1].later = [*group[-1].later, *((call, ()) for call in watchers)]
        self._answer(group)
        return []

    def _scrub(self) -> None:
        try:
            self._connection.scrub()
        except self._connection.errors as error:
            # What was committed stands, and so does the note that this is still to be done.
            log.warning("not_scrubbed", reason=str(error))

    def _roll_back(self) -> None:
        self._kept.clear()
        self._connection.rollback()

    def _all_failed(self, group: list[Job], error: Exception) -> list[list[Job]]:
        for job in group:
            job.fail(self._connection.translated(error))
        self._answer(group)
        return []
