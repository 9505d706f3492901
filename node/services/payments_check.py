"""Payments of all three parts, compared with the locks and ends on the lines: a part of checking the whole book.

Every LOCK of ours is a payment's or a forwarded one, every CLAIM of ours a promise's or a forwarded lock's. Source:
docs/protocol.md 6.4 (memos), 7.2–7.4, I4–I6.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from sqlalchemy import select

from crypto.canonical import NotCanonical
from crypto.safekeeping import SafeKeys
from crypto.sealing import CannotOpen
from crypto.signing import Signed, signed_bytes
from node.services.ledger_walk import Findings, Identities, shown
from node.services.line_walk import End, Walked
from node.store import ReadTx
from node.store.schema import lines as lines_schema
from node.store.schema import payments as schema
from protocol.errors import ProtocolError
from protocol.ledger import LOCAL, SystemRole, system_account_id
from protocol.line import receipt_opens
from protocol.line_ops import Lock
from protocol.memo import Memory, Paid, Paying, read_memo
from protocol.message import trusted_message
from protocol.names import AccountId, KeySeq, SchemeId
from protocol.payment import ConnectorState, PayerState
from protocol.quote import Acceptance, Quote

_P: Final = schema.payment.c
_PAYMENTS: Final = select(
    _P.no, _P.quote_id, _P.state, _P.line_no, _P.lock_seq, _P.account_no, _P.trade_no, _P.amount, _P.hours, _P.quote,
    _P.acceptance, _P.receipt,
).order_by(_P.no)  # fmt: skip
_Q: Final = schema.promise.c
_PROMISES: Final = select(
    _Q.quote_id, _Q.state, _Q.account_no, _Q.quote, _Q.trade_no, _Q.receipt, _Q.line_no, _Q.lock_seq
).order_by(_Q.quote_id)
_F: Final = schema.forward.c
_FORWARDS: Final = select(
    _F.line_no, _F.lock_seq, _F.state, _F.out_line_no, _F.out_seq, _F.amount, _F.receipt
).order_by(_F.line_no, _F.lock_seq)
_D: Final = lines_schema.decision.c
_DECISIONS: Final = select(_D.line_no, _D.lock_seq, _D.receipt).order_by(_D.line_no, _D.lock_seq)

_UNDER_WAY: Final = frozenset({PayerState.LOCKED.value, PayerState.FROZEN.value})


class Across(NamedTuple):
    """A trade across schemes, as its payment or promise has it."""

    kind: str
    quote: Quote
    quote_id: bytes
    account_no: int
    amount: int  # of our own unit
    state: str
    where: str


class PaymentsCheck:
    """See the head of this file. `held` and `across` are there after `check`."""

    def __init__(
        self, tx: ReadTx, scheme: SchemeId, identities: Identities, lines: dict[int, Walked], ids: dict[int, AccountId],
        safe: SafeKeys | None, findings: Findings,
    ):  # fmt: skip
        self._tx: Final = tx
        self._scheme: Final = scheme
        self._identities: Final = identities
        self._lines: Final = lines
        self._ids: Final = ids
        self._safe: Final = safe
        self._findings: Final = findings
        chest = system_account_id(scheme, SystemRole.CHEST, LOCAL)
        self._chest: Final = next((no for no, id_ in ids.items() if id_ == chest), None)
        self.held: Final[Counter[int]] = Counter()
        self.across: Final[dict[int, Across]] = {}  # by number of the trade
        self._explained: Final[set[tuple[int, int]]] = set()  # locks of ours that somebody answers for
        self._claimed: Final[set[tuple[int, int]]] = set()  # locks of peers whose claim somebody answers for
        self._decided: Final[dict[tuple[int, int], bytes | None]] = {}

    def check(self) -> None:
        """Look at every payment, promise, forwarded lock and decision, and at what none of them explains."""
        self._decisions()
        for row in self._tx.all(_FORWARDS):
            self._forward(*row)
        for row in self._tx.all(_PAYMENTS):
            self._payment(*row)
        for row in self._tx.all(_PROMISES):
            self._promise(*row)
        self._unexplained()

    def _unexplained(self) -> None:
        for no, line in self._lines.items():
            for seq in line.own_locks:
                if (no, seq) not in self._explained:
                    self._findings.add(
                        "payment", f"of lock {seq} on line {no}", "missing, and nothing forwarded it"
                    )
            for seq, end in line.own_ends.items():
                if end.receipt is not None and (no, seq) not in self._claimed:
                    table = "forward" if line.peer_locks[seq].route else "promise"
                    self._findings.add(
                        table, f"of lock {seq} of theirs on line {no}", "missing: we claimed it"
                    )

    def _line(self, table: str, where: object, no: int) -> Walked | None:
        """Return a line whose ops are right; None where it is not, which is named already unless there is none."""
        line = self._lines.get(no)
        if line is None:
            self._findings.add(table, where, f"there is no line {no}")
        return None if line is None or line.broken else line

    # --- decisions ---------------------------------------------------------------------------------------------

    def _decisions(self) -> None:
        for line_no, lock_seq, receipt in self._tx.all(_DECISIONS):
            where = f"about lock {lock_seq} on line {line_no}"
            self._decided[line_no, lock_seq] = receipt
            line = self._line("decision", where, line_no)
            if line is None:
                continue
            lock = line.peer_locks.get(lock_seq)
            if lock is None or lock_seq in line.own_ends:
                self._findings.add("decision", where, "there is no such lock open")
            elif receipt is not None and not receipt_opens(lock.receipt_key, lock.quote_id, receipt):
                self._findings.add("decision", where, "its receipt does not open the lock")

    # --- as payer ----------------------------------------------------------------------------------------------

    def _payment(
        self, no: int, quote_id: bytes, state: str, line_no: int, lock_seq: int, account_no: int, trade_no: int,
        amount: int, hours: int, quote: bytes, acceptance: bytes, receipt: bytes | None,
    ) -> None:  # fmt: skip
        findings = self._findings
        holder = self._chest if state == PayerState.FROZEN.value else account_no
        if state in _UNDER_WAY and holder is not None:
            self.held[holder] += amount
        body = self._quote("payment", no, quote, quote_id)
        if body is not None:
            if trade_no in self.across:
                findings.add("payment", no, f"trade {trade_no} is that of {self.across[trade_no].where}")
            self.across[trade_no] = Across("out", body, quote_id, account_no, amount, state, f"payment {no}")
            findings.equal("payment", no, hours=(hours, body.hours))
            self._acceptance(no, acceptance, quote_id)
        self._explained.add((line_no, lock_seq))
        line = self._line("payment", no, line_no)
        if line is None:
            return
        lock = line.own_locks.get(lock_seq)
        if lock is None:
            findings.add("payment", no, f"there is no lock {lock_seq} of ours on line {line_no}")
            return
        findings.equal("payment", no, quote_id=(quote_id, lock.quote_id), hours=(hours, lock.amount))
        end = line.peer_ends.get(lock_seq)
        self._payer_state(no, state, receipt, end)
        memory = self._memory(lock.memo, lock)
        if isinstance(memory, Paying):
            findings.equal("payment", no, amount=(amount, memory.amount))
            self._same_account("payment", no, account_no, memory.account)

    def _payer_state(self, no: int, state: str, receipt: bytes | None, end: End | None) -> None:
        if end is None:
            if state not in _UNDER_WAY:
                self._findings.add("payment", no, f"it is {state}, and its lock is open")
            return
        wanted = PayerState.FAILED if end.receipt is None else PayerState.PAID
        self._findings.equal("payment", no, state=(state, wanted.value), receipt=(receipt, end.receipt))

    def _acceptance(self, no: int, wire: bytes, quote_id: bytes) -> None:
        try:
            accepted = trusted_message(Acceptance, wire)
        except (NotCanonical, ProtocolError) as error:
            self._findings.add("payment", no, f"its acceptance cannot be read: {error}")
            return
        self._findings.equal("payment", no, quote_id=(quote_id, accepted.body.quote_id))
        if not self._is_signed(accepted, Acceptance.TAG, self._scheme):
            self._findings.add("payment", no, "its acceptance is not signed by us")

    # --- as payee ----------------------------------------------------------------------------------------------

    def _promise(
        self, quote_id: bytes, state: str, account_no: int, quote: bytes, trade_no: int | None, receipt: bytes | None,
        line_no: int | None, claim_seq: int | None,
    ) -> None:  # fmt: skip
        findings, where = self._findings, quote_id.hex()[:16]
        body = self._quote("promise", where, quote, quote_id)
        claimed = None if line_no is None or claim_seq is None else self._claim(where, line_no, claim_seq)
        if state != "paid":
            if state != "given" or (trade_no, receipt, line_no, claim_seq) != (None, None, None, None):
                findings.add("promise", where, f"it is {state}, and says where it was paid")
            return
        if body is not None and trade_no is not None:
            if trade_no in self.across:
                findings.add("promise", where, f"trade {trade_no} is that of {self.across[trade_no].where}")
            self.across[trade_no] = Across(
                "in", body, quote_id, account_no, body.amount, state, f"promise {where}"
            )
        if trade_no is None:
            findings.add("promise", where, "paid, and it names no trade")
        if claimed is None:
            if line_no is None or claim_seq is None:
                findings.add("promise", where, "paid, and no claim is named")
            return
        lock, end = claimed
        findings.equal("promise", where, quote_id=(quote_id, lock.quote_id), receipt=(receipt, end.receipt))
        memory = self._memory(end.memo, lock)
        if isinstance(memory, Paid):
            self._same_account("promise", where, account_no, memory.account)

    def _claim(self, where: str, line_no: int, claim_seq: int) -> tuple[Lock, End] | None:
        line = self._line("promise", where, line_no)
        if line is None:
            return None
        for lock_seq, end in line.own_ends.items():
            if end.seq == claim_seq and end.receipt is not None:
                self._claimed.add((line_no, lock_seq))
                return line.peer_locks[lock_seq], end
        self._findings.add("promise", where, f"there is no claim {claim_seq} of ours on line {line_no}")
        return None

    # --- as connector ------------------------------------------------------------------------------------------

    def _forward(
        self, line_no: int, lock_seq: int, state: str, out_line_no: int | None, out_seq: int | None, amount: int,
        receipt: bytes | None,
    ) -> None:  # fmt: skip
        findings, where = self._findings, f"of lock {lock_seq} on line {line_no}"
        if out_line_no is not None and out_seq is not None:
            self._explained.add((out_line_no, out_seq))
        elif (out_line_no, out_seq) != (None, None):
            findings.add("forward", where, "it names half a lock")
        self._claimed.add((line_no, lock_seq))
        if state == ConnectorState.SETTLED.value or lock_seq < 0:
            return  # one of its locks was lost on both sides, and people settle it (6.8)
        up = self._line("forward", where, line_no)
        if up is None:
            return
        lock = up.peer_locks.get(lock_seq)
        if lock is None:
            findings.add("forward", where, "there is no such lock")
            return
        findings.equal("forward", where, amount=(amount, lock.amount))
        out_end = None
        if out_line_no is not None and out_seq is not None:
            down = self._line("forward", where, out_line_no)
            if down is None:
                return
            out = down.own_locks.get(out_seq)
            if out is None or (out.quote_id, out.amount) != (lock.quote_id, lock.amount):
                findings.add(
                    "forward",
                    where,
                    f"lock {out_seq} of ours on line {out_line_no} is not this one passed on",
                )
                return
            out_end = down.peer_ends.get(out_seq)
        self._connector_state(
            where, (line_no, lock_seq), state, receipt, up.own_ends.get(lock_seq), out_end, out_seq
        )

    def _connector_state(
        self, where: str, key: tuple[int, int], state: str, receipt: bytes | None, inward: End | None,
        outward: End | None, out_seq: int | None,
    ) -> None:  # fmt: skip
        """Compare how far it came with what both lines and the decisions say."""
        findings = self._findings
        in_claimed = inward.receipt if inward is not None else self._decided.get(key)
        in_ended = inward is not None or key in self._decided
        match state:
            case ConnectorState.CLAIMED.value:
                known = in_claimed or (None if outward is None else outward.receipt)
                if known is None or not in_ended or in_claimed is None:
                    findings.add("forward", where, "claimed, and the lock that came in is not")
                elif receipt != known:
                    findings.add("forward", where, f"receipt is {shown(receipt)}, not the one of the claim")
            case ConnectorState.RELEASED.value:
                if (
                    not in_ended
                    or in_claimed is not None
                    or (outward is not None and outward.receipt is not None)
                ):
                    findings.add("forward", where, "released, and a lock of it was claimed or is open")
                if receipt is not None:
                    findings.add("forward", where, "released, and it has a receipt")
            case ConnectorState.FORWARDED.value:
                if out_seq is None or outward is not None or receipt is not None:
                    findings.add("forward", where, "forwarded, and the lock passed on has ended or is none")
            case ConnectorState.WAIT.value:
                if out_seq is not None or receipt is not None:
                    findings.add("forward", where, "it waits, and was passed on")
            case _:
                findings.add("forward", where, f"no payment is ever {state}")

    # --- shared ------------------------------------------------------------------------------------------------

    def _quote(self, table: str, where: object, wire: bytes, quote_id: bytes) -> Quote | None:
        try:
            signed = trusted_message(Quote, wire)
        except (NotCanonical, ProtocolError) as error:
            self._findings.add(table, where, f"its quote cannot be read: {error}")
            return None
        if signed.id != quote_id:
            self._findings.add(table, where, "its quote is not the one it names")
            return None
        # One that was rebuilt after a restore has lost its signature; the receipt is over its id.
        if any(signed.signature) and not self._is_signed(signed, Quote.TAG, signed.body.payee_scheme):
            self._findings.add(table, where, "its quote is not signed by the payee’s scheme")
        return signed.body

    def _is_signed(self, signed: Signed[Quote] | Signed[Acceptance], tag: str, scheme: SchemeId) -> bool:
        """Tell whether a line key of `scheme` signed it, revoked since or not; True where nobody knows that scheme."""
        identity = self._identities(scheme)
        if identity is None:
            return True
        found = identity.delegation(KeySeq(signed.key_seq))
        if found is None or found.purpose != "line" or found.verifying is None:
            return False
        return found.verifying.verifies(signed.signature, signed_bytes(tag, signed.body_bytes))

    def _memory(self, memo: bytes, lock: Lock) -> Memory | None:
        if self._safe is None or not memo:
            return None
        try:
            return read_memo(memo, lock.quote_id, self._safe.open)
        except (CannotOpen, ProtocolError):
            return None  # sealed under an older sheet

    def _same_account(self, table: str, where: object, account_no: int, memory: AccountId) -> None:
        # The chest answers for an account that a restored database did not know (6.7 b).
        if self._ids.get(account_no) != memory and account_no != self._chest:
            self._findings.add(table, where, f"account {account_no} is not the one that its memo names")
