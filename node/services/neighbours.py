"""What organisers decide about neighbours they have, or do not want: decline, stop, trade again, end, settle.

Each wish counts at once at home; the op that tells the other side is written when its line may be written to
(`line_ends.py`). Asking and agreeing are in `lines.py`. Source: docs/protocol.md 6.3, 6.4, 6.6; docs/pages.md 8.12.
"""

from __future__ import annotations

from typing import Final

from node.services.acts import Actor, Deed, note_act
from node.services.books import Books
from node.services.line_desk import LineDesk
from node.services.line_ends import book_credit, granted
from node.services.line_rows import ASKED, CLOSED, CLOSING, LIVE, OFFERED, OPEN, STOPPED, Line
from node.services.line_units import NOT_IN_TOUCH, NOT_TAKEN, LineRefused
from node.services.lines import LineService
from node.store import Store, Tx
from node.texts import to_translate
from protocol.line_ops import Close, Credit, Limit, Open
from protocol.line_view import Limits, credit_room
from protocol.names import SchemeId, scheme_text

CHANGED: Final = to_translate("Something changed meanwhile. Please look at the page again.")


class Neighbours:
    """See the head of this file."""

    def __init__(self, *, store: Store, lines: LineService, books: Books):
        self._store: Final = store
        self._lines: Final = lines
        self._books: Final = books

    async def decline(self, by: Actor, peer: SchemeId) -> None:
        """Answer a proposal with no. Raises LineRefused: there is none."""
        await self._store.write(self._decline, by, peer)

    def _decline(self, tx: Tx, by: Actor, peer: SchemeId) -> None:
        lines, line = self._line(tx, by, peer, {ASKED})
        terms = line.terms
        # OPEN and CLOSE with no LIMIT between: they read a signed no, and we promised nothing.
        lines.author(line, Open(low=terms.low, high=terms.high, nonce=terms.nonce))
        lines.author(line, Close())
        self._note(tx, lines, by, line, "declined", CLOSED)

    async def take_back(self, by: Actor, peer: SchemeId) -> None:
        """Take our own proposal back. Raises LineRefused: it was answered, or never made."""
        await self._store.write(self._take_back, by, peer)

    def _take_back(self, tx: Tx, by: Actor, peer: SchemeId) -> None:
        lines, line = self._line(tx, by, peer, {OFFERED})
        self._note(tx, lines, by, line, "taken back", CLOSING)

    async def stop(self, by: Actor, peer: SchemeId) -> None:
        """Begin nothing new with a neighbour, heard or silent; what is under way ends as ever. Raises LineRefused."""
        await self._store.write(self._stop, by, peer)

    def _stop(self, tx: Tx, by: Actor, peer: SchemeId) -> None:
        lines, line = self._line(tx, by, peer, {OPEN})
        self._note(tx, lines, by, line, "stopped", STOPPED)

    async def resume(self, by: Actor, peer: SchemeId, limit: Limit, own_ceiling: int | None) -> None:
        """Trade again. Raises LineRefused: it was not stopped, or other limits cannot be told now."""
        await self._store.write(self._resume, by, peer, limit, own_ceiling)

    def _resume(self, tx: Tx, by: Actor, peer: SchemeId, limit: Limit, own_ceiling: int | None) -> None:
        lines, line = self._line(tx, by, peer, {STOPPED})
        if granted(line) != Limits(limit.owed_max, limit.pending_max, limit.open_max):
            _must_be_writable(line)
            lines.author(line, limit)
        line.own_ceiling = own_ceiling
        self._note(tx, lines, by, line, "trading again", OPEN)

    async def close(self, by: Actor, peer: SchemeId) -> None:
        """End the line for good: what is under way ends, what is owed stays on the books. Raises LineRefused."""
        await self._store.write(self._close, by, peer)

    def _close(self, tx: Tx, by: Actor, peer: SchemeId) -> None:
        lines, line = self._line(tx, by, peer, {OPEN, STOPPED})
        self._note(tx, lines, by, line, "ended", CLOSING)

    async def settle(self, by: Actor, peer: SchemeId, hours: int, owed: int) -> None:
        """Write down that they settled `hours` 3 600 000ths of the `owed` in another way. Raises LineRefused."""
        await self._store.write(self._settle, by, peer, hours, owed)

    def _settle(self, tx: Tx, by: Actor, peer: SchemeId, hours: int, owed: int) -> None:
        lines, line = self._line(tx, by, peer, LIVE)
        _must_be_writable(line)
        if -line.state.owed != owed:
            raise LineRefused(CHANGED)
        if not 0 < hours <= credit_room(line.state.mine, line.state.me):
            raise LineRefused("They do not owe us that much.")
        lines.author(line, Credit(amount=hours))
        book_credit(lines, self._books, line, hours, by.words("settled in another way"), ours=True)
        self._note(tx, lines, by, line, "settled", line.status)

    def _line(
        self, tx: Tx, by: Actor, peer: SchemeId, may_be: frozenset[str] | set[str]
    ) -> tuple[LineDesk, Line]:
        by.must_organise()
        lines, _ = self._lines.desks(tx)
        line = lines.by_peer(peer)
        if line is None or line.status not in may_be:
            raise LineRefused(CHANGED)
        return lines, line

    def _note(self, tx: Tx, lines: LineDesk, by: Actor, line: Line, what: str, status: str) -> None:
        """Give the line its new status, note the act, and end the unit."""
        line.status = status
        lines.touch(line)
        note_act(tx, by, Deed.NEIGHBOUR, now_ms=lines.now_ms, detail=f"{scheme_text(line.peer)}: {what}")
        self._lines.finish(tx, lines)


def _must_be_writable(line: Line) -> None:
    if not line.usable:
        raise LineRefused(NOT_IN_TOUCH)
    if line.window_full:
        raise LineRefused(NOT_TAKEN)
