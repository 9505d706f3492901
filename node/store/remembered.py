"""What queries answered, kept in memory exactly: until a commit writes to a table they read, or their moment is over.

A page that is opened twice between two commits reads the database once. Nothing is ever out of date: `Changes` is
told by the one writer which tables it wrote to before COMMIT and once its outcome is known, so an answer counts only
if no commit to what it read was under way or came between. This relies on the writer being the only one, which
`open_writer` sees to, and on the schema having neither triggers nor cascades, which a test does.

What a query answers may also change because time passes. Such a query says until when its answer holds
(`ReadTx.holds_until`); forgetting to say so is a bug that the test over all remembered pages looks for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Concatenate, Final, NamedTuple, ParamSpec, TypeVar

if TYPE_CHECKING:
    from node.store.store import Store
    from node.store.transaction import ReadTx

P = ParamSpec("P")
T = TypeVar("T")


class Changes:
    """Which commit was the last to write to each table. Told by the writer's thread, asked from any other."""

    __slots__ = ("_anything", "_last", "_watchers", "commits")

    def __init__(self) -> None:
        self.commits = 0  # tried so far, whatever came of them
        self._watchers: tuple[Callable[[], None], ...] = ()  # never changed in place: two threads look at it
        self._last: Final[dict[str, float]] = {}
        self._anything: float = 0  # the last to write we do not know where

    def begin(self, tables: Iterable[str | None]) -> None:
        """Take in that `tables` are about to change: until `end`, nothing read of them counts."""
        self._mark(tables, self.commits + 1)

    def end(self) -> None:
        """Take in that the change happened, or did not: what is read from now on counts."""
        self.commits += 1

    def lose(self, tables: Iterable[str | None]) -> None:
        """Take in that nobody knows whether and when the change happens: nothing read of `tables` counts any more."""
        self._mark(tables, math.inf)

    def watch(self, call: Callable[[], None]) -> None:
        """Have `call()` made on the event loop after each commit that wrote something, before its callers are answered."""
        self._watchers = (*self._watchers, call)

    def unwatch(self, call: Callable[[], None]) -> None:
        """End what `watch` began."""
        self._watchers = tuple(each for each in self._watchers if each != call)

    @property
    def watchers(self) -> tuple[Callable[[], None], ...]:
        """Who wants to know of commits."""
        return self._watchers

    def _mark(self, tables: Iterable[str | None], commit: float) -> None:
        for table in tables:
            if table is None:
                self._anything = max(self._anything, commit)
            else:
                self._last[table] = max(self._last.get(table, 0), commit)

    def none_since(self, commits: int, tables: Iterable[str]) -> bool:
        """Tell whether what was read of `tables` after `commits` commits is what would be read now."""
        if self._anything > commits:
            return False
        last = self._last
        return all(last.get(table, 0) <= commits for table in tables)


class Noted:
    """What one query read, and until when its answer holds."""

    __slots__ = ("tables", "until_ms")

    def __init__(self) -> None:
        self.tables: set[str] | None = set()  # None: of some statement we do not know what it reads
        self.until_ms: float = math.inf

    def reads(self, tables: frozenset[str] | None) -> None:
        """Take in what a statement reads."""
        if tables is None:
            self.tables = None
        elif self.tables is not None:
            self.tables |= tables


class _Answer(NamedTuple):
    value: Any
    tables: tuple[str, ...]
    commits: int
    from_ms: int
    until_ms: float


class Remembered:
    """Answers of one store's queries. All on the event loop."""

    def __init__(self, store: Store, most: int):
        """Remember up to `most` answers; beyond these the oldest are forgotten."""
        self._store: Final = store
        self._most: Final = most
        self._answers: Final[dict[tuple[Any, ...], _Answer]] = {}

    async def read(
        self, now_ms: int, query: Callable[Concatenate[ReadTx, int, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what `query(tx, now_ms, *args)` answers on the state last committed.

        `args` are values that can be hashed, and with `query` they are all the answer depends on besides the
        database and the moment. The answer is shared by whoever asks: nobody may change it.
        """
        assert not kwargs, "arguments by name would have to be part of the key"
        key = (query, *args)
        known = self._answers.get(key)
        if (
            known is not None
            and known.from_ms <= now_ms < known.until_ms
            and self._store.changes.none_since(known.commits, known.tables)
        ):
            value: T = known.value
            return value
        # Counted before the query begins: what is committed meanwhile makes its answer count no longer.
        commits = self._store.changes.commits
        value, noted = await self._store.read(_noting, now_ms, query, args)
        if noted.tables is not None and noted.until_ms > now_ms:
            self._keep(key, _Answer(value, tuple(noted.tables), commits, now_ms, noted.until_ms))
        return value

    def forget(self) -> None:
        """Forget everything."""
        self._answers.clear()

    def _keep(self, key: tuple[Any, ...], answer: _Answer) -> None:
        answers = self._answers
        answers.pop(key, None)
        if len(answers) >= self._most:
            del answers[next(iter(answers))]
        answers[key] = answer


def _noting(tx: ReadTx, now_ms: int, query: Callable[..., T], args: tuple[Any, ...]) -> tuple[T, Noted]:
    noted = tx.note_reads()
    return query(tx, now_ms, *args), noted
