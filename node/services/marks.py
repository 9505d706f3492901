"""Statements between schemes: a MARK on each line once a day in which something changed, and what both last agreed on.

What a MARK states is checked like every op (`protocol/line.py`): one that states other figures is no MARK of an honest
book. Source: docs/protocol.md 6.3 (MARK).
"""

from __future__ import annotations

from typing import Final

from node.services.line_desk import LineDesk
from node.services.line_rows import LIVE, Line
from node.services.lines import LineService
from node.store import Store, Tx
from protocol.limits import MARK_EVERY_MS
from protocol.line_ops import Mark


class Marks:
    """Writes what is due."""

    def __init__(self, *, store: Store, lines: LineService):
        self._store: Final = store
        self._lines: Final = lines

    async def write(self) -> None:
        """State every line on which something changed since its last statement, a day ago or longer."""
        await self._store.write(self._write)

    def _write(self, tx: Tx) -> None:
        lines, _ = self._lines.desks(tx)
        for line in lines.all():
            if is_due(lines, line):
                state = line.state
                lines.author(
                    line,
                    Mark(
                        owed=state.owed,
                        own_length=state.own_length,
                        peer_length=state.peer_length,
                        state=state.mine.digest(),
                    ),
                )
                line.marked, line.marked_peer = line.state.own_length, line.state.peer_length
        self._lines.finish(tx, lines)


def is_due(lines: LineDesk, line: Line) -> bool:
    """Tell whether a line wants a MARK of mine now: it may be written to, and something changed a day after the last one."""
    state = line.state
    changed = state.own_length > line.marked or state.peer_length > line.marked_peer
    if line.status not in LIVE or not changed or not line.usable or line.window_full:
        return False
    if not all(state.mine.opened):
        return False
    last = lines.own_op_of(line)(line.marked).body.time if line.marked else 0
    return lines.now_ms >= last + MARK_EVERY_MS
