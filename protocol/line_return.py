"""What a side that lost ops of its own is given back, in an order in which it can take it. Source: docs/protocol.md 6.7 (b).

An op acknowledges a stretch of the other chain, and can be taken only by whoever holds that stretch. A side whose
database went back in time lacks ops of both chains, so they are sent merged. Taking one back is `line.returned`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Returning(NamedTuple):
    """One op of a chain, as far as its place is concerned."""

    seq: int
    ack: int  # how much of the other chain its author held
    wire: bytes


def merged(
    theirs: Sequence[Returning], mine: Sequence[Returning], *, theirs_held: int, mine_held: int
) -> tuple[list[Returning], int, int]:
    """Return ops to send and how far both chains are then known to the other side.

    `theirs` are its own ops that it lacks, `mine` those of the sender that it lacks, both in order and without
    gaps; it holds `theirs_held` and `mine_held`. What could not be taken yet is left out: where both chains are whole,
    that is nothing, because no op was written before what it acknowledges.
    """
    order: list[Returning] = []
    left, right = 0, 0
    while left < len(theirs) or right < len(mine):
        if left < len(theirs) and theirs[left].ack <= mine_held:
            step = theirs[left]
            left, theirs_held = left + 1, step.seq
        elif right < len(mine) and mine[right].ack <= theirs_held:
            step = mine[right]
            right, mine_held = right + 1, step.seq
        else:
            break  # the rest waits for what the next page brings
        order.append(step)
    return order, theirs_held, mine_held
