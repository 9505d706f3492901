"""How a line stops, ends, is settled and stated: what its status still asks us to write, inside one unit of work.

An organiser's wish is kept in the status at once and holds from then on; the op that tells the peer is written as soon
as the line may be written to. Source: docs/protocol.md 6.3 (LIMIT, CREDIT, CLOSE), 6.6, 6.7 (c).
"""

from __future__ import annotations

from typing import Final

from crypto.signing import Signed
from node.services.books import Books
from node.services.line_desk import LineDesk
from node.services.line_rows import ASKED, CLOSED, CLOSING, OFFERED, OPEN, STOPPED, Line
from protocol.entry import Words
from protocol.ledger import HOURS, SystemRole
from protocol.line_ops import Close, Limit, Mark, Op
from protocol.line_view import Limits, other

NOTHING: Final = Limit(owed_max=0, pending_max=0, open_max=0)


def keep_word(lines: LineDesk, line: Line) -> None:
    """Write what stopping or leaving still ask of us, and note that a line has ended. Source: 6.6."""
    if line.status == ASKED and line.state.mine.closed[other(line.state.me)]:
        line.status = CLOSED  # taken back before we answered
        lines.touch(line)
        return
    if line.status in (OPEN, STOPPED, OFFERED) and line.state.mine.closed[other(line.state.me)]:
        line.status = CLOSING
        lines.touch(line)
    if line.status == CLOSING and line.usable and not line.state.mine.closed[line.state.me]:
        lines.author(line, Close())
    view, me = line.state.mine, line.state.me
    if line.status == CLOSING and view.closed[me] and (view.ended or not view.opened[other(me)]):
        line.status = CLOSED
        lines.touch(line)
    if line.status == STOPPED and line.usable and not line.window_full and granted(line) != Limits():
        lines.author(line, NOTHING)


def granted(line: Line) -> Limits:
    """Return what we allow the peer."""
    return line.state.mine.limits[other(line.state.me)]


def can_be_lost(line: Line) -> int:
    """Return how many hours the peer owes that were not written off yet."""
    return max(0, -line.state.owed - line.written_off)


def owed_more(lines: LineDesk, books: Books, line: Line, amount: int) -> list[tuple[int, int]]:
    """Return the legs that book `amount` hours we owe the peer more: what was written off is made good first.

    So a CLAIM of a neighbour that came back is honoured against `write-off`. Source: 6.6.
    """
    covered = min(line.written_off, amount)
    if not covered:
        return [(books.line(lines.tx, line.peer), amount)]
    line.written_off -= covered
    lines.touch(line)
    lost = books.system(lines.tx, SystemRole.WRITE_OFF, HOURS)
    return [(books.line(lines.tx, line.peer), amount - covered), (lost, covered)]


def write_off(lines: LineDesk, books: Books, line: Line, amount: int, words: Words) -> None:
    """Book `amount` hours that the peer owes as lost. The line is as it was: no lock ends, nothing is forgiven. Source: 6.6."""
    line.written_off += amount
    lines.touch(line)
    lost = books.system(lines.tx, SystemRole.WRITE_OFF, HOURS)
    books.post(lines.tx, [(books.line(lines.tx, line.peer), amount), (lost, -amount)], words)


def book_credit(lines: LineDesk, books: Books, line: Line, amount: int, words: Words, *, ours: bool) -> None:
    """Book a CREDIT: what was settled outside, or forgiven, falls to the chest of either scheme. Source: 6.3 (CREDIT)."""
    chest = books.system(lines.tx, SystemRole.CHEST, HOURS)
    if ours:
        books.post(lines.tx, [*owed_more(lines, books, line, amount), (chest, -amount)], words)
    else:
        books.post(lines.tx, [(books.line(lines.tx, line.peer), -amount), (chest, amount)], words)


def peer_marked(lines: LineDesk, line: Line, op: Signed[Op], step: Mark) -> None:
    """Note a MARK of the peer, which fitted our book: so both agree on what was owed then."""
    line.agreed_ms = min(op.body.time, lines.now_ms)
    line.agreed_owed = -step.owed
    if line.marked and line.marked_peer == op.body.seq - 1:
        line.marked_peer = op.body.seq  # it only answers mine: no reason for another
    lines.touch(line)
