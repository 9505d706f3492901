"""What locks, claims and releases do to payments and to the books, inside one unit of work.

The tables of `protocol/payment.py` decide; here what arrives is given to the desk whose part the scheme has in that
payment, which carries out the effects in the transaction of the event. Source: docs/protocol.md 7.2–7.4, 0.4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from crypto.signing import Signed
from node.keyring import KeyRing
from node.services.books import Books
from node.services.connector_desk import ConnectorDesk
from node.services.line_desk import LineDesk
from node.services.line_ends import book_credit, peer_marked
from node.services.line_rows import FROZEN, Line
from node.services.payee_desk import PayeeDesk
from node.services.payer_desk import Ended, PayerDesk, Tell
from node.store import Tx
from protocol.entry import Words
from protocol.errors import OutOfOrder
from protocol.line import receipt_opens
from protocol.line_ops import Claim, Credit, Lock, Mark, Op, Release
from protocol.names import SchemeId
from protocol.payment import ConnectorState
from protocol.quote import Acceptance

Acceptances = Mapping[bytes, Signed[Acceptance]]  # by op id: what was found, verified, in the notes of locks
AcceptanceOf = Callable[[Lock], Signed[Acceptance] | None]
_THEIR_WORD: Final = Words(text="", done_by="a neighbour scheme", on_behalf_of=None, proved_by="neighbour")


class PaymentDesk:
    """The three parts a scheme can have in payments, within one unit of work."""

    def __init__(self, tx: Tx, lines: LineDesk, books: Books, keyring: KeyRing, on_ended: Ended, tell: Tell):
        self._lines: Final = lines
        self.books: Final = books
        self.payer: Final = PayerDesk(tx, lines, books, on_ended, tell)
        self.connector: Final = ConnectorDesk(tx, lines, books)
        self.payee: Final = PayeeDesk(tx, lines, books, keyring, tell)

    def on_step(self, line: Line, op: Signed[Op], acceptances: Acceptances) -> None:
        """Do what the peer's op, just stored, causes."""
        step = op.body.step
        if not line.usable or op.body.seq <= line.horizon:
            self.connector.old_came(line, op.body.seq, step)
        match step:
            case Lock() if line.usable and op.body.seq > line.horizon:  # older ones: `became_usable`
                self.decide_lock(line, op.body.seq, step, acceptances.get(op.id))
            case Lock() if line.status == FROZEN:
                self.connector.came_after_all(line, op.body.seq, step)
            case Claim():
                self._own_lock_ended(line, step.lock, step.receipt, "")
            case Release():
                self._own_lock_ended(line, step.lock, None, step.reason)
            case Mark():
                peer_marked(self._lines, line, op, step)
            case Credit():
                book_credit(self._lines, self.books, line, step.amount, _THEIR_WORD, ours=False)
            case _:
                pass  # the line has OPEN, LIMIT and CLOSE; a lock on an unusable line waits

    def old_op(self, line: Line, op: Signed[Op]) -> None:
        """Learn what there is in an op of an epoch that has ended: a receipt, and nothing else. Source: 6.8, 7.2."""
        step, me = op.body.step, line.state.me
        if (
            not isinstance(step, Claim)
            or op.body.author != line.peer
            or (me, step.lock) not in line.state.mine.locks()
        ):
            return
        lock = self._lines.own_op_of(line)(step.lock).body.step
        assert isinstance(lock, Lock), "open locks are LOCKs"
        if receipt_opens(lock.receipt_key, lock.quote_id, step.receipt):
            self.connector.receipt_learned(line, step.lock, step.receipt)

    def became_usable(self, line: Line, acceptance_of: AcceptanceOf) -> None:
        """Do what waited for this line: decisions to write, locks to decide, locks of others waiting to go on."""
        for lock_seq, claimed in self._lines.write_decisions(line):
            if claimed:
                self.connector.post_up(line, self._lines.peer_lock(line, lock_seq).amount)
        for lock_seq in line.open_locks_of_peer():
            state = self.connector.state_of(line, lock_seq)
            if state in (ConnectorState.NEW, ConnectorState.WAIT) and not self._lines.is_decided(
                line, lock_seq
            ):
                op = self._lines.peer_op(line, lock_seq)
                assert isinstance(op.body.step, Lock)
                acceptance = None if op.body.step.route else acceptance_of(op.body.step)
                self.decide_lock(line, lock_seq, op.body.step, acceptance)
        for line_no, lock_seq in self.connector.waiting():
            upstream = self._lines.by_no(line_no)
            lock = self._lines.peer_lock(upstream, lock_seq)
            if upstream.usable and upstream.is_open(lock_seq) and lock.route and lock.route[0] == line.peer:
                self.decide_lock(upstream, lock_seq, lock, None)

    def decide_lock(self, line: Line, seq: int, lock: Lock, acceptance: Signed[Acceptance] | None) -> None:
        """Decide an incoming lock on a line that is usable."""
        if self._lines.is_credit_refused(line, seq):
            self._lines.decide(line, seq, None, "cannot-now")
            return
        if lock.route:
            self.connector.connect(line, seq, lock)
        else:
            self.payee.be_paid(line, seq, lock, acceptance)

    def receipts_seen(self, line: Line, peer: SchemeId, ops: Iterable[Signed[Op]]) -> None:
        """Take receipts from ops of the peer that are not taken into its chain: they open our locks all the same. Source: 6.5, 7.2."""
        for op in ops:
            if op.body.author == peer:
                self._receipt_seen(line, op)

    def _receipt_seen(self, line: Line, op: Signed[Op]) -> None:
        step = op.body.step
        if not isinstance(step, Claim) or op.body.epoch != line.state.epoch:
            return
        try:
            lock = self._lines.own_op_of(line)(step.lock).body.step
        except OutOfOrder:
            return
        if not isinstance(lock, Lock) or not receipt_opens(lock.receipt_key, lock.quote_id, step.receipt):
            return
        if not self.connector.receipt_learned(line, step.lock, step.receipt):
            self.payer.receipt_learned(line, step.lock, step.receipt)

    def _own_lock_ended(self, line: Line, seq: int, receipt: bytes | None, reason: str) -> None:
        ours = self.payer.began(line, seq)
        if ours or not self.connector.lock_ended(line, seq, receipt, reason):
            self.payer.lock_ended(line, seq, receipt, reason)
