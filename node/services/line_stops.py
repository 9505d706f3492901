"""Lines that the other side has frozen: told with each SYNC, so that its people are not left to notice it by themselves.

Only one side may have seen that both lost ops, and it may not be the side that offers how the line goes on. What is
told is not signed, moves nothing and is kept nowhere: while the line stays frozen it is told again. Source: docs/protocol.md 6.8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from crypto.canonical import Value
from node.clock import Clock
from node.services.line_rows import FROZEN, Line
from protocol.frame import FrameType
from protocol.limits import SYNC_INTERVAL_MS
from protocol.names import LineId, SchemeId

# A line that is frozen is asked about at every interval; whoever has said nothing for some of them has gone on.
COUNTS_FOR_MS: Final = 4 * SYNC_INTERVAL_MS

Offer = Callable[[SchemeId, FrameType, Value], object]  # `Links.offer`


class Stops:
    """See the head of this file."""

    def __init__(self, clock: Clock, offer: Offer):
        self._clock: Final = clock
        self._offer: Final = offer
        self._heard: Final[dict[SchemeId, int]] = {}  # when each peer last said so
        self._epochs: Final[dict[LineId, int]] = {}  # of lines that went on since the boot

    def say(self, line: Line) -> None:
        """Tell the peer that `line` is frozen here, if it is."""
        if line.status == FROZEN:
            said = (line.state.line, line.state.epoch)
            self._offer(line.peer, FrameType.LINE_FROZEN, said)  # lost: the next SYNC tells it

    def hear(self, peer: SchemeId, line: LineId, epoch: int) -> None:
        """Take in that `peer` has frozen a line that it has with us; not, if it has gone on here since."""
        if epoch >= self._epochs.get(line, 0):
            self._heard[peer] = self._clock.now_ms()

    def took(self, lines: Iterable[Line]) -> None:
        """Take in lines after a commit: what went on in a later epoch is frozen no more."""
        for line in lines:
            if line.state.epoch > self._epochs.get(line.state.line, 0):
                self._epochs[line.state.line] = line.state.epoch
                self.forget(line.peer)

    def forget(self, peer: SchemeId) -> None:
        """Forget what was heard of a peer."""
        self._heard.pop(peer, None)

    def is_frozen_at(self, peer: SchemeId) -> bool:
        """Tell whether `peer` says that its side of our line is frozen."""
        heard_ms = self._heard.get(peer)
        return heard_ms is not None and self._clock.now_ms() - heard_ms < COUNTS_FOR_MS
