"""A line goes on in a new epoch: offers kept, answers made and taken, and what each side books. Source: docs/protocol.md 6.8.

The side with the lower id offers, the other answers. All of it happens inside units of work; who among people may say
so is in `joint_acts.py`, what a REOPEN must name in `protocol/reopening.py`.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, delete, func, select

from crypto.signing import Signed
from node.keyring import KeyRing
from node.services.books import load
from node.services.both_lost import find_unbalanced, set_aside_lost
from node.services.line_desk import LineDesk
from node.services.line_rows import FROZEN, LIVE, STOPPED, Line
from node.services.payment_desk import PaymentDesk
from node.store import ReadTx, Tx
from node.store.schema import lines as schema
from node.store.statements import upsert
from protocol import reopening as rules
from protocol.entry import Words
from protocol.errors import Forked, OutOfOrder
from protocol.ledger import HOURS, SystemRole
from protocol.line_ops import Op, Reopen
from protocol.line_view import LOW
from protocol.message import trusted_message

_R: Final = schema.reopening.c
_KEEP: Final = upsert(schema.reopening, key=("line_no", "mine", "epoch"))
_KEPT: Final = select(_R.wire).where(
    _R.line_no == bindparam("line_no"), _R.mine == bindparam("mine"), _R.epoch == bindparam("epoch")
)
_NEWEST: Final = (
    select(_R.wire, _R.mine).where(_R.line_no == bindparam("line_no")).order_by(_R.epoch.desc()).limit(1)
)
_HIGHEST: Final = select(func.max(_R.epoch)).where(_R.line_no == bindparam("line_no"))
_DROP: Final = delete(schema.reopening).where(_R.line_no == bindparam("line_no"))
# From where a line can go on anew: one that never opened has nothing to go on with, one that is suspended no common chains.
CAN_GO_ON: Final = LIVE | {FROZEN}


def newest_offer(tx: ReadTx, line: Line) -> Signed[Op] | None:
    """Return the offer to go on that waits for an answer, ours or theirs. A part of a page's read."""
    row = tx.one(_NEWEST, line_no=line.no)
    return None if row is None else trusted_message(Op, row[0])


def kept_offer(tx: ReadTx, line: Line, epoch: int) -> Signed[Op] | None:
    """Return what the side with the lower id offers under `epoch`, as it was first heard here."""
    wire = tx.scalar(_KEPT, line_no=line.no, mine=int(line.state.me == LOW), epoch=epoch)
    return None if wire is None else trusted_message(Op, wire)


def read_owed(line: Line, offered: Signed[Op]) -> int:
    """Return what we would owe by an offer; negative: they would."""
    step = offered.body.step
    assert isinstance(step, Reopen)
    return step.owed_by_low if line.state.me == LOW else -step.owed_by_low


def offer_fits(line: Line, offered: Signed[Op]) -> bool:
    """Tell whether an offer names the chains and locks that we hold; else ops came after it."""
    step = offered.body.step
    assert isinstance(step, Reopen)
    return rules.fits(line.state, step)


class ReopenDesk:
    """See the head of this file; for one unit of work."""

    def __init__(self, tx: Tx, lines: LineDesk, payments: PaymentDesk, keyring: KeyRing):
        self._tx: Final = tx
        self._lines: Final = lines
        self._payments: Final = payments
        self._keyring: Final = keyring

    # --- what people say --------------------------------------------------------------------------------------

    def offer(self, line: Line, owed: int) -> None:
        """Sign that the line goes on with `owed`, our debt; nothing more is written in the old epoch.

        Raises:
            InvalidOp: the other side offers.
        """
        highest = self._tx.scalar(_HIGHEST, line_no=line.no) or 0
        epoch = max(highest, line.state.epoch) + 1
        body = rules.offer(line.state, epoch, owed if line.state.me == LOW else -owed, self._lines.now_ms)
        self._keep(line, self._keyring.sign("line", body), mine=True)
        self._freeze(line)

    def answer(self, line: Line, owed: int, words: Words) -> bool:
        """Sign what the other side offers, if it is that, and begin the new epoch; False if it is not.

        Raises:
            InvalidOp: the offer does not fit what we hold.
        """
        offered = newest_offer(self._tx, line)
        if offered is None or line.state.me == LOW or read_owed(line, offered) != owed:
            return False
        body, _ = rules.answer(line.state, offered, self._lines.now_ms)
        answered = self._keyring.sign("line", body)
        self._begin(line, offered, answered, words)
        return True

    # --- what arrives -----------------------------------------------------------------------------------------

    def take(self, line: Line, op: Signed[Op], words: Words) -> bool:
        """Take a REOPEN of a later epoch, of the peer or our own that came back; tell whether the epoch begins with it.

        Raises:
            OutOfOrder: what it continues is not here yet.
            InvalidOp: it is no REOPEN, or not one that continues this line. Forked: two offers in one epoch.
        """
        by_low = (op.body.author == self._keyring.scheme) is (line.state.me == LOW)
        mine = op.body.author == self._keyring.scheme
        if by_low:
            self._take_offer(line, op, mine=mine)
            return False
        offered = kept_offer(self._tx, line, op.body.epoch)
        if offered is None:
            raise OutOfOrder("the offer it answers is not here")
        self._begin(line, offered, op, words)
        return True

    def _take_offer(self, line: Line, op: Signed[Op], *, mine: bool) -> None:
        step = rules.read_offer(line.state, op)
        if step.old < line.state.epoch:
            return  # of an epoch that has ended meanwhile
        known = kept_offer(self._tx, line, op.body.epoch)
        if known is not None and known.id != op.id:
            raise Forked("two offers in one epoch")
        self._keep(line, op, mine=mine)
        self._freeze(line)

    def _keep(self, line: Line, op: Signed[Op], *, mine: bool) -> None:
        self._tx.run(_KEEP, line_no=line.no, mine=int(mine), epoch=op.body.epoch, wire=op.wire)

    def _freeze(self, line: Line) -> None:
        if line.status in CAN_GO_ON:
            line.status = FROZEN
            set_aside_lost(self._tx, line)
            self._lines.touch(line)

    # --- the new epoch ----------------------------------------------------------------------------------------

    def _begin(self, line: Line, offered: Signed[Op], answered: Signed[Op], words: Words) -> None:
        state, before = rules.begin(line.state, offered, answered), line.state
        unbalanced = find_unbalanced(self._tx, self._lines, self._payments.books)
        own, theirs = (offered, answered) if before.me == LOW else (answered, offered)
        set_aside_lost(self._tx, line)
        self._lines.begin_epoch(line, state, own, theirs)
        self._tx.run(_DROP, line_no=line.no)
        line.status = STOPPED
        self._lines.touch(line)
        amounts = self._payments.connector.settle_lost(line)
        if line.no in unbalanced.lines:
            rest = unbalanced.left + sum(amount for no, amount in amounts if no == unbalanced.account)
            amounts += [(unbalanced.account, -rest), (self._chest(), rest)]
        books, chest = self._payments.books, self._chest()
        account = books.line(self._tx, line.peer)
        gap = line.state.owed + line.written_off - load(self._tx, account).value.balance
        if gap:
            amounts += [(account, gap), (chest, -gap)]
        sums: dict[int, int] = {}
        for no, amount in amounts:
            sums[no] = sums.get(no, 0) + amount
        moved = [(no, amount) for no, amount in sums.items() if amount]
        if moved:
            books.post(self._tx, moved, words)

    def _chest(self) -> int:
        return self._payments.books.system(self._tx, SystemRole.CHEST, HOURS)


def would_book(lines: LineDesk, payments: PaymentDesk, line: Line, owed: int) -> int:
    """Return by how much the account of the line would rise if it went on with `owed`, our debt. A unit's question."""
    account = payments.books.line(lines.tx, line.peer)
    return owed + line.written_off - load(lines.tx, account).value.balance
