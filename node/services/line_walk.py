"""A walk over the ops of one line: each is verified and the line folded anew, in the order in which this node took them.

Its own op with the `ack` k was written when it held k ops of the peer, which gives that order back. Nothing is compared
with other tables here, see `ledger_check.py`. Source: docs/protocol.md 6.2–6.5, I2, I4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sqlalchemy import bindparam, select

from crypto.keys import VerifyingKey
from crypto.signing import Signed
from node.services.ledger_walk import Findings, Identities
from node.store import ReadTx
from node.store.schema import lines as schema
from protocol import line as rules
from protocol.errors import NotAuthentic, ProtocolError
from protocol.line import LineState
from protocol.line_ops import EPOCH_SEQS, Claim, Lock, Op, Release, Reopen, Terms, before_epoch, epoch_of
from protocol.line_view import LOW
from protocol.message import open_message
from protocol.names import KeySeq, SchemeId
from protocol.reopening import EPOCH_LAST, empty_epoch, fits

_L: Final = schema.line.c
_O: Final = schema.op.c
LINES: Final = select(_L.no, _L.id, _L.peer, _L.low, _L.high, _L.nonce, _L.state).order_by(_L.no)
_CHAIN: Final = (
    select(_O.seq, _O.wire)
    .where(
        _O.line_no == bindparam("line_no"),
        _O.mine == bindparam("mine"),
        _O.epoch == bindparam("epoch"),
    )
    .order_by(_O.seq)
)
# An epoch is one in which an op has its number: a row that stands in another one is a stray.
_EPOCHS: Final = (
    select(_O.epoch)
    .where(
        _O.line_no == bindparam("line_no"),
        _O.epoch.between(0, EPOCH_LAST),
        _O.seq > _O.epoch * EPOCH_SEQS,
        _O.seq <= (_O.epoch + 1) * EPOCH_SEQS,
    )
    .distinct()
)
_STRAYS: Final = select(_O.line_no, _O.mine, _O.epoch, _O.seq).order_by(_O.line_no, _O.mine, _O.epoch, _O.seq)


class End(NamedTuple):
    """How a lock ended: by the op at `seq` of its beneficiary's chain, with a receipt if it was claimed."""

    seq: int
    receipt: bytes | None
    memo: bytes


@dataclass(slots=True)
class Walked:
    """One line as its ops make it."""

    no: int
    status: str
    state: LineState
    own_locks: dict[int, Lock] = field(default_factory=dict)
    peer_locks: dict[int, Lock] = field(default_factory=dict)
    own_ends: dict[int, End] = field(default_factory=dict)  # by the peer's lock that I ended
    peer_ends: dict[int, End] = field(default_factory=dict)  # by my lock that the peer ended
    ops: int = 0
    broken: bool = False  # something is wrong with its ops: what follows from them is not reckoned

    @property
    def peer(self) -> SchemeId:
        """The scheme at the other end."""
        return self.state.peer


def walk_lines(
    tx: ReadTx, scheme: SchemeId, identities: Identities, findings: Findings, progress: Callable[[int], None]
) -> dict[int, Walked]:
    """Return every line as its ops make it, by number; what is wrong with them is among the findings."""
    walked: dict[int, Walked] = {}
    lost: set[int] = set()
    for no, id_, peer, low, high, nonce, status in tx.all(LINES):
        terms = Terms(low=SchemeId(low), high=SchemeId(high), nonce=nonce) if low < high else None
        if terms is None or terms.line_id() != id_ or scheme not in (low, high) or peer not in (low, high):
            findings.add("line", no, "its id is not that of its terms between these two schemes")
            continue
        begun = Walked(no, status, rules.new_line(terms, scheme))
        walk = _LineWalk(tx, begun, identities, findings)
        walked[no] = walk.walk()
        progress(walk.line.ops)
    for line_no, mine, epoch, seq in tx.all(_STRAYS):
        line = walked.get(line_no)
        if line is None and line_no not in lost:
            lost.add(line_no)
            findings.add("line", line_no, "missing: there are ops of it", derived=True)
        if line is None or mine not in (0, 1) or epoch != epoch_of(seq) or epoch > EPOCH_LAST:
            findings.add("op", op_row(line_no, mine, seq), "of no line that there is", derived=line is None)
    return walked


def op_row(line_no: int, mine: int, seq: int) -> str:
    """Return how a finding names an op."""
    return f"{seq} of {'ours' if mine else 'theirs'} on line {line_no}"


class _LineWalk:
    def __init__(self, tx: ReadTx, line: Walked, identities: Identities, findings: Findings):
        self.line: Final = line
        self._tx: Final = tx
        self._identities: Final = identities
        self._findings: Final = findings
        self._mine: list[Signed[Op]] = []
        self._theirs: list[Signed[Op]] = []
        self._before = 0  # the length of a chain on which nothing of this epoch stands
        self._ended: LineState | None = None  # the epoch before, whole
        self._all_mine: dict[int, Signed[Op]] = {}  # of the epochs before, by seq

    def walk(self) -> Walked:
        line = self.line
        for epoch in sorted({0, *(row[0] for row in self._tx.all(_EPOCHS, line_no=line.no))}):
            if epoch:
                line.state = empty_epoch(line.state, epoch)
            self._walk_epoch()
            if line.broken:
                break
        return line

    def _walk_epoch(self) -> None:
        line, ended = self.line, self._ended
        self._before = before_epoch(line.state.epoch)
        self._mine, self._theirs = self._chain(1), self._chain(0)
        line.ops += len(self._mine) + len(self._theirs)
        if line.broken:
            return
        if ended is not None and not (self._begins(ended, 1) and self._begins(ended, 0)):
            return
        taken = 0
        for op in self._mine:
            known = op.body.ack - self._before
            taken = self._take(taken, known)
            if taken < known or not self._write(op):
                return
        self._take(taken, len(self._theirs))
        self._ended = line.state
        self._all_mine |= {op.body.seq: op for op in self._mine}

    def _begins(self, ended: LineState, mine: int) -> bool:
        """Tell whether a chain of this epoch begins with what continues the epoch before, as it ended. Source: 6.8."""
        chain = self._mine if mine else self._theirs
        if not chain:  # both have signed before an epoch begins, and both rows are written at once
            self._wrong(mine, self._before + 1, "missing: the epoch begins with it (6.8)")
            return False
        step = chain[0].body.step
        if not isinstance(step, Reopen):
            self._wrong(mine, chain[0].body.seq, "an epoch begins with REOPEN (6.8)")
            return False
        if step.old == ended.epoch:
            low, high = step.low_length, step.high_length
            own, peer = (low, high) if ended.me == LOW else (high, low)
            for of_ours, signed, held in ((1, own, ended.own_length), (0, peer, ended.peer_length)):
                if signed > held:
                    self._wrong(of_ours, held + 1, "missing: the line went on after it (6.8)")
                    return False
        if not fits(ended, step):
            self._wrong(mine, chain[0].body.seq, "it does not continue the epoch before as it ended (6.8)")
            return False
        return True

    def _own_op(self, seq: int) -> Signed[Op]:
        held = self._all_mine.get(seq)  # of an epoch before
        return self._mine[seq - self._before - 1] if held is None else held

    def _chain(self, mine: int) -> list[Signed[Op]]:
        line = self.line
        chain: list[Signed[Op]] = []
        author = line.state.scheme(line.state.me) if mine else line.peer
        for seq, wire in self._tx.all(_CHAIN, line_no=line.no, mine=mine, epoch=line.state.epoch):
            if seq != self._before + len(chain) + 1:
                self._wrong(mine, self._before + len(chain) + 1, "missing")
                return chain
            try:
                op = open_message(Op, wire, self._key_for(author))
                if (op.body.author, op.body.seq, op.body.line) != (author, seq, line.state.line):
                    raise NotAuthentic("another op was signed than the one that should stand here")
            except ProtocolError as error:
                self._wrong(mine, seq, str(error))
                return chain
            chain.append(op)
        return chain

    def _key_for(self, author: SchemeId) -> Callable[[Op, int], VerifyingKey | None]:
        identity = self._identities(author)

        def key(_op: Op, key_seq: int) -> VerifyingKey | None:
            # A key that was revoked since had counted when the op was taken (2.3).
            found = None if identity is None else identity.delegation(KeySeq(key_seq))
            return found.verifying if found is not None and found.purpose == "line" else None

        return key

    def _wrong(self, mine: int, seq: int, text: str) -> None:
        self.line.broken = True
        self._findings.add("op", op_row(self.line.no, mine, seq), text)

    def _take(self, taken: int, until: int) -> int:
        """Fold ops of the peer up to `until`; return how many are folded."""
        line = self.line
        if until > len(self._theirs):
            self._wrong(0, self._before + len(self._theirs) + 1, "missing: an op of ours acknowledges it")
            return taken
        for op in self._theirs[taken:until]:
            if op.body.ack - self._before > len(self._mine):
                self._wrong(1, self._before + len(self._mine) + 1, "missing: an op of theirs acknowledges it")
                return taken
            try:
                line.state = rules.accept(line.state, op, self._own_op)
            except (ProtocolError, IndexError) as error:
                self._wrong(0, op.body.seq, str(error) or "it acknowledges what we never wrote")
                return taken
            self._note(op.body, line.peer_locks, line.peer_ends)
            taken += 1
        return taken

    def _write(self, op: Signed[Op]) -> bool:
        line, state = self.line, self.line.state
        try:
            rules.check(state.mine, state.me, op.body, None)
            line.state = rules.returned(state, op, lambda seq: self._theirs[seq - self._before - 1])
            if line.state.mine.digest() != op.body.state:
                raise NotAuthentic("the state it states is not the line's (I2)")
        except (ProtocolError, IndexError) as error:
            self._wrong(1, op.body.seq, str(error) or "it acknowledges what they never wrote")
            return False
        step = op.body.step
        if isinstance(step, Claim):
            lock = line.peer_locks[step.lock]
            if not rules.receipt_opens(lock.receipt_key, lock.quote_id, step.receipt):
                self._wrong(1, op.body.seq, "its receipt does not open the lock")
        self._note(op.body, line.own_locks, line.own_ends)
        return True

    def _note(self, op: Op, locks: dict[int, Lock], ends: dict[int, End]) -> None:
        match op.step:
            case Lock():
                locks[op.seq] = op.step
            case Claim():
                ends[op.step.lock] = End(op.seq, op.step.receipt, op.step.memo)
            case Release():
                ends[op.step.lock] = End(op.seq, None, b"")
            case _:
                pass
