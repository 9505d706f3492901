"""The store as services see it: units are written, queries are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from node.store.redo import Redo
from node.store.remembered import Changes
from node.store.transaction import ReadTx, Tx

P = ParamSpec("P")
T = TypeVar("T")


class Store(Protocol):
    """One node's database. ThreadStore and InlineStore run the same units with the same outcome."""

    @property
    def changes(self) -> Changes:
        """Which tables were written to lately."""
        ...

    @property
    def redo(self) -> Redo:
        """Who is told of writes."""
        ...

    async def write(self, unit: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `unit(tx, *args, **kwargs)` and return its result once it is durable.

        The unit may run more than once, together with others in one transaction. Giving up waiting does not
        undo it.

        Raises:
            StoreFull, ConstraintBroken, StoreFailed, StoreClosed: nothing of it was kept.
            OutcomeUnknown: the database server was lost during COMMIT.
            Exception: whatever the unit raised; nothing of it was kept.
        """
        ...

    async def read(
        self, query: Callable[Concatenate[ReadTx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return `query(tx, *args, **kwargs)`, all of whose reads see one state: the last one committed."""
        ...

    async def close(self) -> None:
        """Finish what was asked for before, then let go of the database; later calls raise StoreClosed."""
        ...
