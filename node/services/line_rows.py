"""Lines as the store has them, read without being written to.

Writing is in `line_desk.py`. Source: docs/protocol.md 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from node.store import ReadTx
from node.store.schema import lines as schema
from protocol import line_view as rules
from protocol.limits import LINE_WINDOW_OPS
from protocol.line import LineState
from protocol.line_ops import MODE_NORMAL, Terms, epoch_of
from protocol.line_view import Side, decode_view
from protocol.names import LineId, SchemeId

# What a line is to this node.
ASKED: Final = "asked"  # they opened it and wait for us
OFFERED: Final = "offered"  # we opened it and wait for them
OPEN: Final = "open"
REPLACED: Final = "replaced"  # both asked at once; the other terms stand
SUSPENDED: Final = "suspended"  # an op of theirs was refused, or our chain lacks ops of ours
FROZEN: Final = (
    "frozen"  # both sides lost ops, or an offer to go on anew waits: nothing of ours is written (6.8)
)
STOPPED: Final = "stopped"  # our organisers stopped trading: no new locks either way, limits to zero
CLOSING: Final = "closing"  # one side closes it for good: what is open ends, then it is closed
CLOSED: Final = "closed"  # ended, or declined, or taken back; what is owed still stands
# Both chains are open: ops go both ways.
LIVE: Final = frozenset({OPEN, STOPPED, CLOSING, CLOSED})

_L: Final = schema.line.c
COLUMNS: Final = (
    _L.no, _L.id, _L.peer, _L.low, _L.high, _L.nonce, _L.state, _L.epoch, _L.own_length, _L.own_id, _L.peer_length,
    _L.peer_id, _L.peer_ack, _L.mine, _L.theirs, _L.synced, _L.announced, _L.returned, _L.horizon, _L.seen,
    _L.own_ceiling, _L.opened_ms, _L.heard_ms, _L.written_off, _L.marked, _L.marked_peer, _L.agreed_ms, _L.agreed_owed,
)  # fmt: skip
BY_ID: Final = select(*COLUMNS).where(_L.id == bindparam("id"))
_ALL: Final = select(*COLUMNS).order_by(_L.no)
_O: Final = schema.op.c
_OPS_AFTER: Final = (
    select(_O.seq, _O.wire)
    .where(
        _O.line_no == bindparam("line_no"),
        _O.mine == bindparam("mine"),
        _O.epoch == bindparam("epoch"),
        _O.seq > bindparam("after"),
    )
    .order_by(_O.seq)
    .limit(bindparam("most"))
)


@dataclass(slots=True)
class Line:
    """A line as the store has it. Changed only through a `LineDesk`."""

    no: int
    nonce: bytes
    status: str
    state: LineState
    synced: bool
    announced: int
    returned: int
    horizon: int
    seen: int
    own_ceiling: int | None
    opened_ms: int
    heard_ms: int
    written_off: int = 0  # of what they owe: booked as lost, and owed still
    marked: int = 0
    marked_peer: int = 0
    agreed_ms: int | None = None  # when both books last agreed, by a MARK of the one that the other took
    agreed_owed: int = 0  # and what I owed then

    def copy(self) -> Line:
        """Return another one like it, which can be changed without changing this one."""
        return Line(
            self.no, self.nonce, self.status, self.state, self.synced, self.announced, self.returned, self.horizon,
            self.seen, self.own_ceiling, self.opened_ms, self.heard_ms, self.written_off, self.marked, self.marked_peer,
            self.agreed_ms, self.agreed_owed,
        )  # fmt: skip

    @property
    def peer(self) -> SchemeId:
        """The scheme at the other end."""
        return self.state.peer

    @property
    def usable(self) -> bool:
        """Whether I may write on it. Source: 6.7 (a), (c)."""
        return self.status in LIVE and self.complete

    @property
    def complete(self) -> bool:
        """Whether I hold all that the peer said there is, in its answer to this boot. Source: 6.7 (a), (c)."""
        return (
            self.synced
            and self.state.peer_length >= self.announced
            and self.state.own_length >= self.returned
        )

    @property
    def acknowledged(self) -> int:
        """How much of my chain the peer stored, as far as I know."""
        return max(self.state.peer_ack, self.seen)

    @property
    def window_full(self) -> bool:
        """Whether so much of mine is on its way that only CLAIM and RELEASE may be added. Source: 6.5."""
        return self.state.own_length - self.acknowledged >= LINE_WINDOW_OPS

    def room(self, mode: str = MODE_NORMAL) -> int:
        """Return the most I may lock on it now: the peer's LIMIT, my own ceiling, the window. Source: 6.3–6.5."""
        if self.status != OPEN or not self.usable or self.window_full:
            return 0
        state = self.state
        room = rules.room(state.mine, state.me, mode)
        if self.own_ceiling is not None:
            exposure = state.owed + state.mine.pending[state.me]
            room = min(room, max(0, self.own_ceiling - exposure))
        return room

    @property
    def debt(self) -> int:
        """What I may come to owe on it by all that is open; never below 0. Source: 6.4."""
        return max(0, self.state.owed + self.state.mine.pending[self.state.me])

    @property
    def proposal(self) -> bool:
        """Whether only the peer has written on it: forgetting it loses nothing of ours."""
        return self.status in (ASKED, CLOSED) and self.state.own_length == 0

    def open_locks_of_peer(self) -> list[int]:
        """Return the seqs of the peer's locks that I have not ended."""
        theirs = rules.other(self.state.me)
        return sorted(seq for side, seq in self.state.mine.locks() if side == theirs)

    def is_open(self, lock_seq: int) -> bool:
        """Whether I have not ended this lock of the peer."""
        return (rules.other(self.state.me), lock_seq) in self.state.mine.locks()

    @property
    def terms(self) -> Terms:
        """What the line was opened over."""
        return Terms(low=self.state.low, high=self.state.high, nonce=self.nonce)


def below_ceiling(most: int, line: Line, every: Iterable[Line], ceiling: int | None) -> int:
    """Return how much of `most` may be locked on `line` under a ceiling over all lines. Source: 6.4."""
    if ceiling is None:
        return most
    elsewhere = sum(each.debt for each in every if each.no != line.no)
    exposure = line.state.owed + line.state.mine.pending[line.state.me]
    return max(0, min(most, ceiling - elsewhere - exposure))


class Standing:
    """Lines as they were last committed, in memory, for questions that no unit of work asks."""

    def __init__(
        self, on_change: Callable[[tuple[Line, ...]], None] | None, owed_ceiling: Callable[[], int | None]
    ):
        self._on_change: Final = on_change
        self._owed_ceiling: Final = owed_ceiling
        self._lines: Final[dict[SchemeId, dict[int, Line]]] = {}  # by peer and number

    def note(self, lines: Sequence[Line]) -> None:
        """Take in lines, which are not changed any more."""
        for line in lines:
            self._lines.setdefault(line.peer, {})[line.no] = line

    def changed(self, lines: tuple[Line, ...]) -> None:
        """Take in lines after a commit, and pass it on."""
        self.note(lines)
        if self._on_change is not None:
            self._on_change(lines)

    def forget(self, line: Line) -> None:
        """Forget a line that was dropped."""
        self._lines.get(line.peer, {}).pop(line.no, None)
        if not self._lines.get(line.peer):
            self._lines.pop(line.peer, None)

    def room_to(self, peer: SchemeId) -> int:
        """Return the most we may lock towards `peer`."""
        known = self._lines.get(peer, {})
        newest = max((no for no, line in known.items() if line.status != REPLACED), default=None)
        if newest is None or not (most := known[newest].room()):
            return 0
        every = (line for lines in self._lines.values() for line in lines.values())
        return below_ceiling(most, known[newest], every, self._owed_ceiling())

    def credit_to(self, peer: SchemeId) -> int:
        """Return the most that `peer` may lock towards us without coming to owe us anything: what we owe it."""
        states = [line.state for line in self._lines.get(peer, {}).values() if line.status != REPLACED]
        sides = [(state.mine, rules.other(state.me)) for state in states]
        return sum(max(0, -view.owed(theirs) - view.pending[theirs]) for view, theirs in sides)


def line_of(row: tuple[object, ...], me: SchemeId) -> Line:
    """Return the line of a row of `COLUMNS`."""
    (
        no, id_, _peer, low, high, nonce, status, epoch, own_length, own_id, peer_length, peer_id, peer_ack, mine, theirs,
        synced, announced, returned, horizon, seen, own_ceiling, opened_ms, heard_ms, *said
    ) = row  # fmt: skip
    state = LineState(
        line=LineId(id_),  # type: ignore[arg-type]  # columns are what the schema says, here and below
        low=SchemeId(low),  # type: ignore[arg-type]
        high=SchemeId(high),  # type: ignore[arg-type]
        me=Side(0 if low == me else 1),
        epoch=epoch,  # type: ignore[arg-type]
        own_length=own_length,  # type: ignore[arg-type]
        own_id=own_id,  # type: ignore[arg-type]
        peer_length=peer_length,  # type: ignore[arg-type]
        peer_id=peer_id,  # type: ignore[arg-type]
        peer_ack=peer_ack,  # type: ignore[arg-type]
        mine=decode_view(mine),  # type: ignore[arg-type]
        theirs=decode_view(theirs),  # type: ignore[arg-type]
    )
    return Line(
        no, nonce, status, state, bool(synced), announced, returned, horizon, seen, own_ceiling, opened_ms, heard_ms, *said  # type: ignore[arg-type]
    )  # fmt: skip


def read_lines(tx: ReadTx, me: SchemeId) -> list[Line]:
    """Return every line, oldest first."""
    return [line_of(row, me) for row in tx.all(_ALL)]


def find_line(tx: ReadTx, line_id: LineId, me: SchemeId) -> Line | None:
    """Return the line over these terms, if there is one."""
    row = tx.one(BY_ID, id=line_id)
    return None if row is None else line_of(row, me)


def read_ops_after(
    tx: ReadTx, line: Line, after: int, most: int, *, mine: bool = True
) -> list[tuple[int, bytes]]:
    """Return (seq, wire) of ops after `after` in their epoch, at most `most`."""
    found = tx.all(
        _OPS_AFTER, line_no=line.no, mine=int(mine), epoch=epoch_of(after + 1), after=after, most=most
    )
    return [(seq, wire) for seq, wire in found]


def own_ops_after(
    tx: ReadTx, line_id: LineId, me: SchemeId, after: int, most: int
) -> list[tuple[int, bytes]]:
    """Return (seq, wire) of my ops after `after` on the line over these terms, at most `most`."""
    line = find_line(tx, line_id, me)
    return [] if line is None else read_ops_after(tx, line, after, most)
