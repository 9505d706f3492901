"""Ops of our own that a neighbour returns: their effects rebuilt, and written down for the organisers.

A node started from an old backup lacks what it wrote since. Its neighbours hold those ops with our signatures and
memos; here, inside one unit of work, holds, postings, payments and promises become again what they were.
Source: docs/protocol.md 6.7 (b).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import bindparam, insert, select

from crypto.sealing import CannotOpen
from crypto.signing import Signed
from node.keyring import KeyRing
from node.services.books import load
from node.services.line_desk import LineDesk
from node.services.line_ends import NOTHING, book_credit
from node.services.line_rows import ASKED, CLOSING, OFFERED, OPEN, STOPPED, Line
from node.services.payer_desk import Rebuilt
from node.services.payment_desk import AcceptanceOf, PaymentDesk
from node.store import Tx
from node.store.schema import books as books_schema
from node.store.schema import restore as schema
from protocol.entry import Words
from protocol.errors import InvalidOp, InvalidValue, MalformedMessage, OutOfOrder
from protocol.line_ops import Claim, Close, Credit, Limit, Lock, Op, Release
from protocol.memo import Memory, Nothing, Paid, Passing, Paying, read_memo
from protocol.names import QuoteId, SchemeId

_OUR_WORD: Final = Words(text="", done_by="interlets", on_behalf_of=None, proved_by="system")
_NOTHING: Final = Rebuilt(None, 0, known=True)
_NEW: Final = insert(schema.recovered)
_T: Final = books_schema.trade.c
_OF_TRADE: Final = select(_T.payer_no, _T.payee_no).where(_T.no == bindparam("no"))


class RestoreDesk:
    """Rebuilds what returned ops stand for, within one unit of work."""

    def __init__(
        self, tx: Tx, lines: LineDesk, payments: PaymentDesk, keyring: KeyRing, know: Callable[[Line], None]
    ):
        """`know` is told, after the commit, of lines that were not known."""
        self._tx: Final = tx
        self._lines: Final = lines
        self._payments: Final = payments
        self._keyring: Final = keyring
        self._know: Final = know

    def take_back(self, line: Line, op: Signed[Op], acceptance_of: AcceptanceOf) -> bool:
        """Take an op of mine from the peer and rebuild its effects; False if I hold it.

        Raises:
            OutOfOrder: ops before it, or what it acknowledges, are missing still.
            Forked, InvalidOp: the peer has another past than I do, or the memo is not mine.
        """
        if not self._lines.take_back(line, op):
            return False
        if line.status in (ASKED, OFFERED) and all(line.state.mine.opened):
            line.status = OPEN
        try:
            rebuilt, hours = self._rebuild(line, op, acceptance_of)
        except (CannotOpen, MalformedMessage, InvalidValue) as error:
            raise InvalidOp(f"its memo cannot be read: {error}") from None
        except OutOfOrder as error:
            # The op is taken by now: what it means must not be missing, so nothing of this transaction stands (0.5).
            raise RuntimeError(f"what an op of ours stands for cannot be rebuilt: {error}") from error
        self._note(line.peer, op, rebuilt, hours)
        return True

    def _rebuild(self, line: Line, op: Signed[Op], acceptance_of: AcceptanceOf) -> tuple[Rebuilt, int]:
        step = op.body.step
        match step:
            case Lock():
                return self._lock(line, op, step), step.amount
            case Claim() | Release():
                self._lines.undecide(line, step.lock)
                lock = self._lines.peer_lock(line, step.lock)
                if isinstance(step, Release):
                    self._payments.connector.release_came_back(line, step.lock)
                    return _NOTHING, lock.amount
                return self._claim(line, op, step, lock, acceptance_of), lock.amount
            case Credit():
                book_credit(self._lines, self._payments.books, line, step.amount, _OUR_WORD, ours=True)
                return _NOTHING, step.amount
            case Close() if line.status in (OPEN, STOPPED, OFFERED):
                line.status = CLOSING
                return _NOTHING, 0
            case Limit() if line.status in (OPEN, STOPPED):
                # No limit is zero but that of an organiser who stopped, and any other says that they trade again (6.6).
                line.status = STOPPED if step == NOTHING else OPEN
                return _NOTHING, 0
            case _:
                return _NOTHING, 0  # OPEN, LIMIT and MARK are on the line, and nowhere else

    def _lock(self, line: Line, op: Signed[Op], lock: Lock) -> Rebuilt:
        memory = self._memory(lock.memo, lock.quote_id)
        match memory:
            case Paying():
                return self._payments.payer.begin_again(line, op, lock, memory, self._keyring)
            case Passing():
                terms = memory.terms(self._keyring.scheme)
                # Where that line is younger than the backup it is unknown here; its peer brings the rest of it.
                up = self._lines.by_id(terms.line_id())
                if up is None:
                    up = self._lines.open_new(terms, OFFERED)
                    self._tx.on_commit(self._know, up)
                self._payments.connector.lock_came_back(line, op.body.seq, lock, up, memory.seq)
                return _NOTHING
            case _:
                raise InvalidValue("a LOCK with the memo of a CLAIM")

    def _claim(
        self, line: Line, op: Signed[Op], claim: Claim, lock: Lock,
        acceptance_of: AcceptanceOf,
    ) -> Rebuilt:  # fmt: skip
        memory = self._memory(claim.memo, lock.quote_id)
        match memory:
            case Nothing() if lock.route:
                self._payments.connector.claim_came_back(line, claim.lock, lock, claim.receipt)
                return _NOTHING
            case Paid() if not lock.route:
                return self._payments.payee.be_paid_again(line, op, lock, memory, acceptance_of(lock))
            case _:
                raise InvalidValue("a CLAIM with the memo of another op")

    def _memory(self, memo: bytes, quote_id: QuoteId) -> Memory:
        return read_memo(memo, quote_id, self._keyring.safe.open)

    def _note(self, peer: SchemeId, op: Signed[Op], rebuilt: Rebuilt, hours: int) -> None:
        beyond = False
        if rebuilt.trade_no is not None:
            row = self._tx.one(_OF_TRADE, no=rebuilt.trade_no)
            assert row is not None
            value = load(self._tx, row[0] if row[0] is not None else row[1]).value
            beyond = value.limited and (value.spendable < 0 or (value.room is not None and value.room < 0))
        self._tx.run(
            _NEW, at_ms=self._lines.now_ms, kind=op.body.step.TAG.lower(), peer=peer, made_ms=op.body.time, hours=hours,
            amount=rebuilt.amount, trade_no=rebuilt.trade_no, known=rebuilt.known, beyond=beyond,
        )  # fmt: skip
