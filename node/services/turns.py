"""How much of each peer is being worked on at once: what one asks must not use up what serves the others.

Whoever asks for more gets no turn and asks again later. Source: docs/protocol.md 0.5, 9.3, I14.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from protocol.names import SchemeId


class Turns:
    """Counts what is under way for each peer, up to `most`."""

    def __init__(self, most: int):
        self._most: Final = most
        self._taken: Final[dict[SchemeId, int]] = {}

    def are_left(self, peer: SchemeId) -> bool:
        """Tell whether `peer` may have one more."""
        return self._taken.get(peer, 0) < self._most

    @contextmanager
    def one(self, peer: SchemeId) -> Iterator[None]:
        """Count one for `peer` while it lasts."""
        self._taken[peer] = self._taken.get(peer, 0) + 1
        try:
            yield
        finally:
            self._taken[peer] -= 1
            if not self._taken[peer]:
                del self._taken[peer]
