"""Looks at every commit of every node and says at once when an invariant is broken. Source: docs/protocol.md 11.

It keeps the truth of a run: of each line both chains, as their authors first committed them. A node that forks its
chain, ends a lock twice or gives away what it may still have to pay is found at the commit that does it, not hours later.
What takes a whole look at a node is left to the end of the run (`verdict.py`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from protocol.line_ops import MODE_REDUCE, Claim, Credit, Limit, Lock, Op, Release
from protocol.message import trusted_message
from protocol.names import KeySeq, LineId, SchemeId
from tests.invariants import Violated
from tests.simulator.town import raw

if TYPE_CHECKING:
    from tests.simulator.town import SimNode, SimTown, Template

Place = tuple[LineId, int, SchemeId]  # line, epoch, author
LockAt = tuple[LineId, int, SchemeId, int]  # and seq

_OPS = "SELECT rowid, line_no, mine, wire FROM op WHERE rowid > ? ORDER BY rowid"
_ENTRIES = "SELECT MAX(seq) FROM entry"
_BALANCES = "SELECT unit, SUM(balance) FROM account GROUP BY unit"
_LEGS = (
    "SELECT l.entry_seq, a.unit, SUM(l.amount) FROM leg l JOIN account a ON a.no = l.account_no"
    " WHERE l.entry_seq > ? GROUP BY l.entry_seq, a.unit"
)
_CLAIM_DECIDED = "SELECT 1 FROM decision WHERE line_no = ? AND lock_seq = ? AND receipt IS NOT NULL"


@dataclass
class Truth:
    """What the two chains of a line say, as far as they were ever written."""

    owed: dict[SchemeId, int] = field(default_factory=lambda: defaultdict(int))
    pending: dict[SchemeId, int] = field(default_factory=lambda: defaultdict(int))
    highest: dict[SchemeId, int] = field(
        default_factory=lambda: defaultdict(int)
    )  # LIMIT ever granted to a debtor


@dataclass
class Written:
    """A lock that was written, and how it ended."""

    at: LockAt
    step: Lock
    end: Claim | Release | None = None


class Watch:
    """See the head of this file."""

    def __init__(self, town: SimTown, made: Template):
        self._town = town
        self.violation: Violated | None = None
        self.chains: dict[Place, list[tuple[bytes, Op]]] = {}
        self._truths: dict[LineId, Truth] = defaultdict(Truth)
        self._locks: dict[LockAt, Written] = {}
        self._outgoing: dict[tuple[SchemeId, bytes, tuple[SchemeId, ...]], list[Written]] = defaultdict(list)
        self._incoming: dict[tuple[SchemeId, bytes], list[Written]] = defaultdict(list)
        # What a restored node wrote and nobody had; a message of before may bring it yet, while no newer session counts.
        self._lost: set[tuple[Place, bytes]] = set()
        self._parsed: dict[bytes, tuple[int, tuple[bytes, Op]]] = {}  # by wire: signing key, id and op
        self._seen: dict[str, tuple[int, int]] = {}  # op row and entry up to which a node was looked at
        self._lines: dict[str, dict[int, LineId]] = {name: dict(lines) for name, lines in made.lines.items()}
        self._peers: dict[LineId, tuple[SchemeId, ...]] = {}
        for (line, author), ops in made.chains.items():
            self._peers[line] = (*self._peers.get(line, ()), author)
            for op_id, op in ops:
                self.chains.setdefault((line, op.epoch, author), []).append((op_id, op))
                if isinstance(op.step, Limit):
                    for peer in town.names:
                        if (line, peer) in made.chains and peer != author:
                            self._truths[line].highest[peer] = op.step.owed_max

    def fail(self, violation: Violated) -> None:
        """Remember the first thing that is wrong; the run ends with it."""
        if self.violation is None:
            self.violation = violation
            self._town.story.end(str(violation))

    def booted(self, node: SimNode) -> None:
        """Look at a disk anew: it may be an older one."""
        connection = raw(node.disk)
        row = connection.execute("SELECT MAX(rowid) FROM op").fetchone()[0] or 0
        self._seen[node.name] = (row, connection.execute(_ENTRIES).fetchone()[0] or 0)

    def committed(self, node: SimNode) -> None:
        """Look at what a commit added."""
        self._town.story.commit(node.name, 1)
        if self.violation is not None:
            return
        try:
            self._look(node)
        except Violated as violation:
            self.fail(violation)

    def _look(self, node: SimNode) -> None:
        connection = raw(node.disk)
        row, entry = self._seen[node.name]
        fresh = connection.execute(_OPS, (row,)).fetchall()
        last_entry = connection.execute(_ENTRIES).fetchone()[0] or 0
        self._seen[node.name] = (fresh[-1][0] if fresh else row, last_entry)
        if node.liar is not None:
            return
        if last_entry > entry:
            self._check_books(node, entry)
        claims: list[Written] = []
        for _, line_no, mine, wire in fresh:
            written = self._op(node, self._line_id(node, line_no), bool(mine), wire)
            if written is not None:
                claims.append(written)
        for out in claims:
            self._check_claimed_upstream(node, out)

    def _line_id(self, node: SimNode, line_no: int) -> LineId:
        lines = self._lines[node.name]
        if line_no not in lines:
            found = raw(node.disk).execute("SELECT id FROM line WHERE no = ?", (line_no,)).fetchone()
            lines[line_no] = LineId(found[0])
        return lines[line_no]

    # --- the ledger -------------------------------------------------------------------------------------------

    def _check_books(self, node: SimNode, after: int) -> None:
        connection = raw(node.disk)
        for seq, unit, total in connection.execute(_LEGS, (after,)):
            if total:
                raise Violated(f"I1 entry {seq} of {node.name} sums to {total} in {unit}")
        for unit, total in connection.execute(_BALANCES):
            if total:
                raise Violated(f"I1 the ledger of {node.name} sums to {total} in {unit}")

    # --- lines ------------------------------------------------------------------------------------------------

    def _op(self, node: SimNode, line: LineId, mine: bool, wire: bytes) -> Written | None:
        """Take in an op some honest node stored; return the lock of its own that it says is claimed."""
        known = self._parsed.get(wire)
        if known is None:
            opened = trusted_message(Op, wire)
            known = self._parsed[wire] = (opened.key_seq, (opened.id, opened.body))
        key_seq, parsed = known
        op_id, op = parsed
        name = self._town.name_of(op.author)
        if not mine:
            self._check_key(node, op.author, key_seq)
        chain = self.chains.setdefault((line, op.epoch, op.author), [])
        if op.seq > len(chain) + 1:
            raise Violated(f"I15 {node.name} stores op {op.seq} of {name}, of whom {len(chain)} are known")
        if op.seq == len(chain) + 1:
            lost = ((line, op.epoch, op.author), op_id) in self._lost
            if not mine and self._town[name].liar is None and not lost:
                raise Violated(f"I15 {node.name} stores op {op.seq} of {name}, who has not written it")
            chain.append(parsed)
            self._new(node, line, op)
        elif chain[op.seq - 1][0] != op_id and self._town[name].liar is None:
            raise Violated(f"I15 {name} has written two ops {op.seq} to one line")
        if not mine and isinstance(op.step, Claim):
            return self._locks.get((line, op.epoch, node.scheme, op.step.lock))
        return None

    def _check_key(self, node: SimNode, author: SchemeId, key_seq: int) -> None:
        """I18: nothing is newly stored that a key signed which the node knows to be revoked."""
        state = node.directory.state(author)
        given = None if state is None else state.delegation(KeySeq(key_seq))
        if given is None or given.revoked_seq is not None:
            raise Violated(
                f"I18 {node.name} stores what a key of {self._town.name_of(author)} signed that does not count"
            )

    def _new(self, node: SimNode, line: LineId, op: Op) -> None:
        author, truth, step = op.author, self._truths[line], op.step
        peer = next(each for each in self._peers[line] if each != author)
        self._town.story.detail(self._told(op, peer))
        match step:
            case Limit():
                truth.highest[peer] = max(truth.highest[peer], step.owed_max)
            case Lock():
                self._locked(line, op, step, peer, truth)
            case Claim() | Release():
                self._ended(line, op, step, peer, truth)
            case Credit():
                truth.owed[author] += step.amount
                truth.owed[peer] -= step.amount
                self._check_exposure(author, truth, "CREDIT", truth.highest[author])
            case _:
                pass

    def _locked(self, line: LineId, op: Op, step: Lock, peer: SchemeId, truth: Truth) -> None:
        author = op.author
        written = Written((line, op.epoch, author, op.seq), step)
        self._locks[written.at] = written
        truth.pending[author] += step.amount
        if self._is_honest(author) or self._is_honest(peer):
            what = f"LOCK {op.seq}"
            if step.mode == MODE_REDUCE:
                self._check_exposure(author, truth, what, 0, "I16")
            else:
                self._check_exposure(author, truth, what, truth.highest[author])
        if step.route:
            self._incoming[peer, step.quote_id].append(written)
        self._outgoing[author, step.quote_id, step.route].append(written)
        if self._is_honest(author):
            self._check_forwarded(author, peer, step)

    def _check_forwarded(self, author: SchemeId, peer: SchemeId, step: Lock) -> None:
        """I5: one outgoing lock for one incoming lock, and none for one that was released; I6: one lock for one quote."""
        if self._may_be_fooled(author, peer):
            return
        name, sources = self._town.name_of(author), self._sources(author, step)
        outs = self._outgoing[author, step.quote_id, step.route]
        if any(
            isinstance(each.end, Release) and not self._may_be_fooled(author, each.at[2]) for each in sources
        ):
            raise Violated(f"I5 {name} forwarded a lock it had released")
        if len(outs) > max(1, len(sources)):
            raise Violated(
                f"I5 {name} forwarded one lock twice" if sources else f"I6 {name} locked one quote twice"
            )

    def _sources(self, author: SchemeId, step: Lock) -> list[Written]:
        """Return the incoming locks that `author` may have forwarded as `step`."""
        found = self._incoming.get((author, step.quote_id), [])
        return [each for each in found if each.step.route[1:] == step.route]

    def _ended(self, line: LineId, op: Op, step: Claim | Release, peer: SchemeId, truth: Truth) -> None:
        author, name = op.author, self._town.name_of(op.author)
        lock = self._locks.get((line, op.epoch, peer, step.lock))
        if lock is None or lock.end is not None:
            known = "which nobody wrote" if lock is None else "which has an end"
            raise Violated(f"I4 {name} ends lock {step.lock}, {known}")
        lock.end = step
        truth.pending[peer] -= lock.step.amount
        if isinstance(step, Claim):
            truth.owed[peer] += lock.step.amount
            truth.owed[author] -= lock.step.amount
        elif (
            lock.step.route
            and self._is_honest(author)
            and not self._may_be_fooled(author, lock.step.route[0])
        ):
            for out in self._outgoing.get((author, lock.step.quote_id, lock.step.route[1:]), ()):
                if not isinstance(out.end, Release):
                    state = "open" if out.end is None else "claimed"
                    raise Violated(f"I5 {name} released lock {step.lock} upstream, its own lock is {state}")

    # --- what nobody has any more -----------------------------------------------------------------------------

    def restored(self, node: SimNode) -> None:
        """Forget what a node wrote since its backup and nobody else has stored: it never happened. Source: 6.7."""
        undone: list[tuple[LineId, Op, SchemeId]] = []
        for (line, epoch, author), chain in self.chains.items():
            if node.scheme not in self._peers[line]:
                continue
            peer = next(each for each in self._peers[line] if each != author)
            other = self._town[self._town.name_of(peer if author == node.scheme else author)]
            kept = self._held(node, line, epoch, int(author == node.scheme))
            if other.liar is None:  # a liar may have it still, and never say so
                if author != node.scheme:
                    continue
                kept = max(kept, self._held(other, line, epoch, 0))
            undone += [(line, op, peer) for _, op in chain[kept:]]
            self._lost.update(((line, epoch, author), op_id) for op_id, _ in chain[kept:])
            del chain[kept:]
        # Ends first: they name the lock they end.
        for line, op, peer in sorted(undone, key=lambda each: isinstance(each[1].step, Lock)):
            self._undo(line, op, peer)

    def _held(self, node: SimNode, line: LineId, epoch: int, mine: int) -> int:
        line_no = next(no for no, each in self._lines[node.name].items() if each == line)
        query = "SELECT MAX(seq) FROM op WHERE line_no = ? AND epoch = ? AND mine = ?"
        return raw(node.disk).execute(query, (line_no, epoch, mine)).fetchone()[0] or 0

    def _undo(self, line: LineId, op: Op, peer: SchemeId) -> None:
        author, truth, step = op.author, self._truths[line], op.step
        self._town.story.detail(f"nobody has it any more: {self._told(op, peer)}")
        match step:
            case Lock():
                written = self._locks.pop((line, op.epoch, author, op.seq))
                truth.pending[author] -= step.amount
                self._outgoing[author, step.quote_id, step.route].remove(written)
                if step.route:
                    self._incoming[peer, step.quote_id].remove(written)
            case Claim() | Release():
                lock = self._locks[line, op.epoch, peer, step.lock]
                lock.end = None
                truth.pending[peer] += lock.step.amount
                if isinstance(step, Claim):
                    truth.owed[peer] -= lock.step.amount
                    truth.owed[author] += lock.step.amount
            case Credit():
                truth.owed[author] -= step.amount
                truth.owed[peer] += step.amount
            case _:
                pass

    def _check_exposure(
        self, debtor: SchemeId, truth: Truth, what: str, limit: int, rule: str = "I3"
    ) -> None:
        exposure = truth.owed[debtor] + truth.pending[debtor]
        if exposure > limit:
            name = self._town.name_of(debtor)
            raise Violated(f"{rule} {what} of {name} brings debt and open locks to {exposure} of {limit}")

    def _check_claimed_upstream(self, node: SimNode, out: Written) -> None:
        """I5: whose lock was claimed has claimed, or decided to claim, what it forwarded, in the same commit.

        A liar that hides its RELEASE from a restored scheme, whose own RELEASE that followed comes back, can claim the lock
        still: only the lost copy could show it. The line then waits for people (6.8).
        """
        claimer = next(each for each in self._peers[out.at[0]] if each != node.scheme)
        for source in self._sources(node.scheme, out.step):
            if self._may_be_fooled(node.scheme, source.at[2]):
                continue
            if isinstance(source.end, Release) and self._may_be_fooled(node.scheme, claimer):
                continue
            line_no = next(no for no, line in self._lines[node.name].items() if line == source.at[0])
            decided = raw(node.disk).execute(_CLAIM_DECIDED, (line_no, source.at[3])).fetchone()
            if not isinstance(source.end, Claim) and decided is None:
                raise Violated(f"I5 {node.name}'s lock was claimed, it has not claimed what it forwarded")

    def _may_be_fooled(self, connector: SchemeId, peer: SchemeId) -> bool:
        """Tell whether what is known of a line is up to a liar: who started from an old backup asks him what it has forgotten."""
        return self._town[self._town.name_of(connector)].was_restored and not self._is_honest(peer)

    def _is_honest(self, scheme: SchemeId) -> bool:
        return self._town[self._town.name_of(scheme)].liar is None

    def _told(self, op: Op, peer: SchemeId) -> str:
        step, names = op.step, self._town.name_of
        match step:
            case Lock():
                way = " → ".join(names(each) for each in step.route)
                text = f"LOCK {step.amount} {step.mode}, on to {way}" if way else f"LOCK {step.amount}"
            case Claim() | Release():
                text = f"{type(step).__name__.upper()} of lock {step.lock}"
            case Limit():
                text = f"LIMIT {step.owed_max}, {step.open_max} open"
            case _:
                text = type(step).__name__.upper()
        return f"{names(op.author)} writes op {op.seq} to {names(peer)}: {text} (ack {op.ack})"
