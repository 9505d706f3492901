"""Every state a model can reach, and what is wrong with the first that is wrong. For the walks over payments."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Hashable, Iterator
from typing import Protocol, TypeVar

Town = TypeVar("Town", bound=Hashable)


class Model(Protocol[Town]):
    """States and the moves between them."""

    def start(self) -> Town:
        """Return the state everything begins in."""
        ...

    def moves(self, town: Town, /) -> Iterator[tuple[bool, str, Town]]:
        """Yield (is it sure to be made some day?, what, the state after it)."""
        ...

    def unsafe(self, town: Town, /) -> str | None:
        """Return what must never be, if this state is that."""
        ...

    def unfinished(self, town: Town, /) -> str | None:
        """Return what must have ended where nothing goes on, if it has not."""
        ...


def explore(model: Model[Town]) -> tuple[Collection[Town], str | None]:
    """Visit every state; return them, and the first thing wrong with the shortest story to it.

    A town is at rest when no sure move changes it.
    """
    start = model.start()
    parent: dict[Town, tuple[Town, str] | None] = {start: None}
    queue = deque([start])

    def story(town: Town) -> str:
        said = []
        while (step := parent[town]) is not None:
            town, what = step
            said.append(what)
        return " | ".join(reversed(said))

    while queue:
        town = queue.popleft()
        if wrong := model.unsafe(town):
            return parent, f"{wrong}: {story(town)}"
        resting = True
        for sure, what, after in model.moves(town):
            resting &= not sure or after == town
            if after not in parent:
                parent[after] = (town, what)
                queue.append(after)
        if resting and (wrong := model.unfinished(town)):
            return parent, f"{wrong}: {story(town)}"
    return parent, None
