"""Lines inside one unit of work: loaded once, written to, saved at the end.

Reading them is in `line_rows.py`, what an op means for payments in `payment_desk.py`, sending and asking again
in `lines.py`. Source: docs/protocol.md 6, 0.4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import bindparam, delete, insert, select, update

from crypto.signing import Signed
from node.keyring import KeyRing
from node.services.line_rows import BY_ID, COLUMNS, REPLACED, Line, below_ceiling, line_of, read_lines
from node.store import Tx
from node.store.schema import lines as schema
from node.store.statements import upsert
from protocol import line as rules
from protocol.errors import Forked, OutOfOrder
from protocol.limits import SILENT_AFTER_MS
from protocol.line import LineState, Position
from protocol.line_ops import MODE_NORMAL, Claim, Lock, Op, Release, Step, Terms, before_epoch, epoch_of
from protocol.line_view import other
from protocol.memo import Memory, Nothing, write_memo
from protocol.message import trusted_message
from protocol.names import LineId, QuoteId, SchemeId

_L: Final = schema.line.c
_BY_NO: Final = select(*COLUMNS).where(_L.no == bindparam("no"))
_BY_PEER: Final = select(*COLUMNS).where(_L.peer == bindparam("peer")).order_by(_L.no.desc())
_NEW_LINE: Final = insert(schema.line)
_SAVE: Final = (
    update(schema.line)
    .where(_L.no == bindparam("which"))
    .values(
        **{
            name: bindparam(f"new_{name}")
            for name in (
                "state", "epoch", "own_length", "own_id", "peer_length", "peer_id", "peer_ack", "mine", "theirs", "synced",
                "announced", "returned", "horizon", "seen", "own_ceiling", "heard_ms", "written_off", "marked", "marked_peer",
                "agreed_ms", "agreed_owed",
            )
        }
    )
)  # fmt: skip
_BOOT: Final = update(schema.line).values(synced=False, announced=0, returned=0, horizon=_L.peer_length)
_DOUBT: Final = update(schema.line).where(_L.peer == bindparam("whose")).values(synced=False)
_O: Final = schema.op.c
_NEW_OP: Final = insert(schema.op)
_OP: Final = select(_O.wire).where(
    _O.line_no == bindparam("line_no"),
    _O.mine == bindparam("mine"),
    _O.epoch == bindparam("epoch"),
    _O.seq == bindparam("seq"),
)
_D: Final = schema.decision.c
_DECIDE: Final = upsert(schema.decision, key=("line_no", "lock_seq"))  # the first decision stands
_DECISIONS: Final = (
    select(_D.lock_seq, _D.receipt, _D.reason).where(_D.line_no == bindparam("line_no")).order_by(_D.lock_seq)
)
_DECIDED: Final = select(_D.lock_seq).where(
    _D.line_no == bindparam("line_no"), _D.lock_seq == bindparam("lock_seq")
)
_UNDECIDE: Final = delete(schema.decision).where(
    _D.line_no == bindparam("line_no"), _D.lock_seq == bindparam("lock_seq")
)

_NOTHING: Final = Nothing()
_FORGET: Final = (
    delete(schema.op).where(_O.line_no == bindparam("which")),
    delete(schema.decision).where(_D.line_no == bindparam("which")),
    delete(schema.reopening).where(schema.reopening.c.line_no == bindparam("which")),
    delete(schema.line).where(_L.no == bindparam("which")),
)

Outgoing = tuple[LineId, SchemeId, int, bytes]  # line, peer, seq, wire


class LineDesk:
    """The lines one unit of work touches. `save` must be called before the unit returns."""

    def __init__(
        self, tx: Tx, keyring: KeyRing, now_ms: int, takes_locks: Callable[[SchemeId], bool] | None = None,
        owed_ceiling: int | None = None, may_owe_more: Callable[[SchemeId], bool] | None = None,
    ):  # fmt: skip
        self.tx: Final = tx
        self.now_ms: Final = now_ms
        self._takes_locks: Final = takes_locks
        self._owed_ceiling: Final = owed_ceiling  # over all lines, see `room`
        self._may_owe_more: Final = may_owe_more
        self._keyring: Final = keyring
        self._lines: Final[dict[int, Line]] = {}
        self._dirty: Final[set[int]] = set()
        self.outgoing: Final[list[Outgoing]] = []

    # --- finding lines ----------------------------------------------------------------------------------------

    def by_no(self, no: int) -> Line:
        """Return the line numbered `no`, which exists."""
        known = self._lines.get(no)
        if known is None:
            stands: Line | None = self.tx.kept(schema.line).get(no)
            if stands is not None:
                known = self._lines[no] = stands.copy()
            else:
                row = self.tx.one(_BY_NO, no=no)
                assert row is not None, f"no line {no}"
                known = self._read(row)
        return known

    def by_id(self, line_id: LineId) -> Line | None:
        """Return the line over these terms, if there is one."""
        no = self.tx.kept(schema.line).get(("id", line_id))
        if no is not None:
            return self.by_no(no)
        row = self.tx.one(BY_ID, id=line_id)
        return None if row is None else self._read(row)

    def by_peer(self, peer: SchemeId) -> Line | None:
        """Return the newest line with `peer` that was not replaced."""
        kept = self.tx.kept(schema.line)
        no = kept.get(("peer", peer))
        if no is not None and (line := self.by_no(no)).status != REPLACED:
            return line
        for row in self.tx.all(_BY_PEER, peer=peer):
            line = self._read(row)
            if line.status != REPLACED:
                kept["peer", peer] = line.no
                return line
        return None

    def _read(self, row: tuple[object, ...]) -> Line:
        line = line_of(row, self._keyring.scheme)
        kept = self.tx.kept(schema.line)
        if line.no not in kept:
            kept[line.no] = line.copy()
            kept["id", line.state.line] = line.no
        return self._keep(line)

    def all(self) -> list[Line]:
        """Return every line."""
        return [self._keep(line) for line in read_lines(self.tx, self._keyring.scheme)]

    def _keep(self, line: Line) -> Line:
        return self._lines.setdefault(line.no, line)

    def open_new(self, terms: Terms, status: str, own_ceiling: int | None = None) -> Line:
        """Store a new, empty line over `terms`."""
        state = rules.new_line(terms, self._keyring.scheme)
        empty = state.mine.encode()
        no = self.tx.insert(
            _NEW_LINE, id=state.line, peer=state.peer, low=terms.low, high=terms.high, nonce=terms.nonce,
            state=status, epoch=0, own_length=0, own_id=state.own_id, peer_length=0, peer_id=state.peer_id, peer_ack=0,
            mine=empty, theirs=empty, synced=False, announced=0, returned=0, horizon=0, seen=0,
            own_ceiling=own_ceiling, opened_ms=self.now_ms, heard_ms=0, written_off=0, marked=0, marked_peer=0,
            agreed_ms=None, agreed_owed=0,
        )  # fmt: skip
        return self._keep(
            Line(no, terms.nonce, status, state, False, 0, 0, 0, 0, own_ceiling, self.now_ms, 0)
        )

    def room(self, line: Line, mode: str = MODE_NORMAL) -> int:
        """Return the most I may lock on `line` now; nothing towards a peer that is silent. Source: 6.4, 6.6, 6.7 d."""
        if (self._takes_locks is not None and not self._takes_locks(line.peer)) or self._is_silent(line):
            return 0
        most = line.room(mode)
        if most and mode == MODE_NORMAL and self._owed_ceiling is not None:
            most = below_ceiling(most, line, self._every(), self._owed_ceiling)
        return most

    def _is_silent(self, line: Line) -> bool:
        """Tell whether the peer has not said anything for long, though something of mine waits to be acknowledged."""
        since = self.now_ms - SILENT_AFTER_MS
        if line.heard_ms > since or line.state.own_length <= line.acknowledged:
            return False
        return self._read_op(line, line.acknowledged + 1, mine=True).body.time <= since

    def _every(self) -> list[Line]:
        """Return every line, as `all` does; which there are is kept from unit to unit."""
        kept = self.tx.kept(schema.line)
        nos = kept.get("nos")
        if nos is None:
            every = self.all()
            kept["nos"] = tuple(line.no for line in every)
            return every
        return [self.by_no(no) for no in nos]

    def forget(self, line: Line) -> None:
        """Drop a line on which only the peer wrote, with all of it."""
        assert line.proposal, "ops of ours are never forgotten"
        for statement in _FORGET:
            self.tx.run(statement, which=line.no)
        self._lines.pop(line.no, None)
        self._dirty.discard(line.no)

    def is_credit_refused(self, line: Line, lock_seq: int) -> bool:
        """Tell whether a new lock of the peer is refused, because it would owe us and evidence counts against it.

        What only pays back what we owe is taken. An old lock (6.7 d) is decided as ever: it may have gone on. Source: 10.4.
        """
        if lock_seq <= line.horizon or self._may_owe_more is None or self._may_owe_more(line.peer):
            return False
        theirs = other(line.state.me)
        return line.state.mine.owed(theirs) + line.state.mine.pending[theirs] > 0

    # --- writing and taking ops -------------------------------------------------------------------------------

    def author(self, line: Line, step: Step) -> Signed[Op]:
        """Write the next op of my chain; it is sent after the commit.

        Raises:
            InvalidOp: the rules forbid it; the caller should have asked first.
        """
        body, state = rules.author(line.state, step, self.now_ms)
        signed = self._keyring.sign("line", body)
        line.state = rules.authored(state, signed)
        self._store(line, signed, mine=True)
        self.outgoing.append((line.state.line, line.peer, body.seq, signed.wire))
        return signed

    def accept(self, line: Line, op: Signed[Op]) -> bool:
        """Take the peer's next op; False if it is known already. Raises as `protocol.line.accept`."""
        body = op.body
        known = None
        if rules.position(line.state, body) is Position.KNOWN:
            known = self.peer_op(line, body.seq)
        before = line.state.peer_length
        line.state = rules.accept(line.state, op, self.own_op_of(line), known)
        line.heard_ms = self.now_ms
        if line.state.peer_length == before:
            return False
        self._store(line, op, mine=False)
        return True

    def take_back(self, line: Line, op: Signed[Op]) -> bool:
        """Take an op of my own that the peer returned; False if I hold it. Source: 6.7 (b).

        Raises:
            Forked: I hold another op of mine at its place. Otherwise as `protocol.line.returned`.
        """
        seq = op.body.seq
        if seq <= line.state.own_length:
            if self.own_op_of(line)(seq).id != op.id:
                raise Forked("two ops of mine at one seq")
            return False

        def peer_op(seq: int) -> Signed[Op]:
            return self.peer_op(line, seq)

        line.state = rules.returned(line.state, op, peer_op)
        line.seen = max(line.seen, seq)  # the peer has it, or it could not have returned it
        self._store(line, op, mine=True)
        return True

    def _store(self, line: Line, op: Signed[Op], *, mine: bool) -> None:
        body = op.body
        key = (line.no, int(mine), body.epoch, body.seq)
        self.tx.run_keeping(
            _NEW_OP, line_no=line.no, mine=int(mine), epoch=body.epoch, seq=body.seq, wire=op.wire
        )
        self.tx.kept(schema.op)[key] = op
        self._dirty.add(line.no)

    def begin_epoch(self, line: Line, state: LineState, own: Signed[Op], theirs: Signed[Op]) -> None:
        """Let the line go on in the epoch that both have signed, without what was decided about locks that are gone.

        Nothing is written in it before the peer was heard in it. Source: 6.8, 6.7 (a), (d).
        """
        line.state = state
        for op, mine in ((own, True), (theirs, False)):
            self._store(line, op, mine=mine)
        line.synced, line.announced, line.returned, line.seen = False, 0, 0, before_epoch(state.epoch)
        line.horizon = before_epoch(state.epoch)  # whatever goes on is old
        line.marked = line.marked_peer = 0
        for seq, _, _ in self.tx.all(_DECISIONS, line_no=line.no):
            # The lock of a later number is not gone: a neighbour told of its end before the line has gone on here.
            if seq <= line.horizon and not line.is_open(seq):
                self.undecide(line, seq)

    def own_op_of(self, line: Line) -> Callable[[int], Signed[Op]]:
        """Return a reader of my own chain on `line`."""

        def read(seq: int) -> Signed[Op]:
            return self._read_op(line, seq, mine=True)

        return read

    def peer_op(self, line: Line, seq: int) -> Signed[Op]:
        """Return the peer's op at `seq`, which I hold."""
        return self._read_op(line, seq, mine=False)

    def peer_lock(self, line: Line, seq: int) -> Lock:
        """Return the peer's lock at `seq`."""
        step = self.peer_op(line, seq).body.step
        assert isinstance(step, Lock)
        return step

    def _read_op(self, line: Line, seq: int, *, mine: bool) -> Signed[Op]:
        kept, key = self.tx.kept(schema.op), (line.no, int(mine), epoch_of(seq), seq)
        op: Signed[Op] | None = kept.get(key)
        if op is None:
            wire = self.tx.scalar(_OP, line_no=line.no, mine=int(mine), epoch=epoch_of(seq), seq=seq)
            if wire is None:
                raise OutOfOrder(f"op {seq} is not held")
            op = kept[key] = trusted_message(Op, wire)
        return op

    # --- decisions (0.4) --------------------------------------------------------------------------------------

    def decide(
        self, line: Line, lock_seq: int, receipt: bytes | None, reason: str = "", memory: Memory = _NOTHING
    ) -> bool:
        """Decide how the peer's lock ends: CLAIM with `receipt`, else RELEASE. Tell whether it is written already.

        On a line that is not usable the decision is stored and written later; the first one stands. `memory` is for
        the memo of a CLAIM, and only a payee has any; it decides on usable lines alone.
        """
        if lock_seq <= line.state.peer_length and not line.is_open(lock_seq):
            return False  # ended already, by an op of mine that came back after a restore
        if not line.usable or lock_seq > line.state.peer_length:  # the lock may come back later than its end
            assert memory is _NOTHING, "a payee decides on a usable line"
            self.tx.run(_DECIDE, line_no=line.no, lock_seq=lock_seq, receipt=receipt, reason=reason)
            return False
        self._end(line, lock_seq, receipt, reason, memory)
        return True

    def _end(self, line: Line, lock_seq: int, receipt: bytes | None, reason: str, memory: Memory) -> None:
        if receipt is None:
            self.author(line, Release(lock=lock_seq, reason=reason))
        else:
            memo = self.memo(memory, self.peer_lock(line, lock_seq).quote_id)
            self.author(line, Claim(lock=lock_seq, receipt=receipt, memo=memo))

    def memo(self, memory: Memory, quote_id: QuoteId) -> bytes:
        """Return the memo for an op of mine about this quote."""
        return write_memo(memory, quote_id, self._keyring.safe.seal)

    def undecide(self, line: Line, lock_seq: int) -> None:
        """Forget what was decided about a lock: its end is written."""
        self.tx.run(_UNDECIDE, line_no=line.no, lock_seq=lock_seq)

    def is_decided(self, line: Line, lock_seq: int) -> bool:
        """Tell whether an end was decided and not yet written."""
        return self.tx.one(_DECIDED, line_no=line.no, lock_seq=lock_seq) is not None

    def write_decisions(self, line: Line) -> list[tuple[int, bool]]:
        """Write the ends decided while the line was not usable; return (lock seq, was it a CLAIM)."""
        written = []
        for lock_seq, receipt, reason in self.tx.all(_DECISIONS, line_no=line.no):
            if lock_seq > line.state.peer_length:
                continue  # the lock itself is gone on both sides: 6.8
            self._end(line, lock_seq, receipt, reason, _NOTHING)
            self.undecide(line, lock_seq)
            written.append((lock_seq, receipt is not None))
        return written

    # --- saving -----------------------------------------------------------------------------------------------

    def touch(self, line: Line) -> None:
        """Mark a line whose fields were changed directly."""
        self._dirty.add(line.no)

    def touched(self) -> tuple[Line, ...]:
        """Return the lines changed so far."""
        return tuple(self._lines[no] for no in sorted(self._dirty))

    def save(self) -> tuple[Line, ...]:
        """Write the changed lines back, and return them. The last act of a unit."""
        changed = self.touched()
        for line in changed:
            state = line.state
            stood: Line | None = self.tx.kept(schema.line).get(line.no)
            # Which line counts with a peer depends on the status of all of them.
            write = self.tx.run_keeping if stood is not None and stood.status == line.status else self.tx.run
            write(
                _SAVE, which=line.no, new_state=line.status, new_epoch=state.epoch, new_own_length=state.own_length, new_own_id=state.own_id,
                new_peer_length=state.peer_length, new_peer_id=state.peer_id, new_peer_ack=state.peer_ack,
                new_mine=state.mine.encode(), new_theirs=state.theirs.encode(), new_synced=line.synced,
                new_announced=line.announced, new_returned=line.returned, new_horizon=line.horizon, new_seen=line.seen,
                new_own_ceiling=line.own_ceiling, new_heard_ms=line.heard_ms, new_written_off=line.written_off,
                new_marked=line.marked, new_marked_peer=line.marked_peer, new_agreed_ms=line.agreed_ms,
                new_agreed_owed=line.agreed_owed,
            )  # fmt: skip
            kept = self.tx.kept(schema.line)
            kept[line.no] = line.copy()
            kept["id", state.line] = line.no
        self._dirty.clear()
        return changed


def doubt_lines_with(tx: Tx, peer: SchemeId) -> None:
    """Make the lines with `peer` count for nothing until it is asked again: somebody else may have written there."""
    tx.run(_DOUBT, whose=peer)


def reset_for_boot(tx: Tx) -> None:
    """Make every line count for nothing until an answer echoes this boot's nonce. Source: 6.7 (a), (d)."""
    tx.run(_BOOT)
