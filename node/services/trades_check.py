"""The rows of trades, compared with the entries and payments they show: a part of checking the whole book.

Whatever moves a member's account has one trade, and a trade that is done has the entry that did it. Source:
docs/protocol.md 3.5, 7.9.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, select

from node.services.books import reference_number
from node.services.ledger_walk import Findings, Progress, Reckoned, said_of
from node.services.payer_desk import FREED, FREED_PAID
from node.services.payments_check import Across, PaymentsCheck
from node.services.trades import TRADE_COLUMNS, Trade, trade_of
from node.store import ReadTx
from node.store.schema import books as schema
from protocol.names import AccountId
from protocol.payment import PayerState

ROWS_AT_A_TIME: Final = 1_000

_T: Final = schema.trade.c
_AFTER: Final = select(*TRADE_COLUMNS).where(_T.no > bindparam("after")).order_by(_T.no).limit(ROWS_AT_A_TIME)
# What a payment's state makes of its trade: the trade's state, and whether an entry booked it.
_OUT: Final = {
    PayerState.LOCKED.value: ("set-aside", False),
    PayerState.FROZEN.value: ("undone", False),
    PayerState.PAID.value: ("done", True),
    PayerState.FAILED.value: ("undone", False),
}


def check_trades(
    tx: ReadTx, reckoned: Reckoned, payments: PaymentsCheck, ids: dict[int, AccountId], findings: Findings,
    progress: Progress,
) -> None:  # fmt: skip
    """Compare every trade; what is wrong is among the findings."""
    check = _TradesCheck(reckoned, payments, ids, findings)
    after, expected = -1, len(reckoned.moved)
    while rows := tx.all(_AFTER, after=after):
        for row in rows:
            check.trade(trade_of(row))
        after = rows[-1][0]
        progress("trades", min(len(check.shown), expected), expected)
    check.end()


class _TradesCheck:
    def __init__(
        self, reckoned: Reckoned, payments: PaymentsCheck, ids: dict[int, AccountId], findings: Findings
    ):
        self._reckoned: Final = reckoned
        self._payments: Final = payments
        self._ids: Final = ids
        self._findings: Final = findings
        self.shown: Final[dict[int, int]] = {}  # seq of an entry → number of its trade
        self._seen: Final[set[int]] = set()  # numbers of trades across schemes
        self._corrects: Final[dict[int, int]] = {}  # number of a trade → of the trade it corrects
        self._corrected: Final[dict[int, int]] = {}  # and the other way round

    def trade(self, trade: Trade) -> None:
        """Look at one trade."""
        findings, no = self._findings, trade.no
        if trade.corrects_no is not None:
            self._corrects[no] = trade.corrects_no
        if trade.corrected_by_no is not None:
            self._corrected[no] = trade.corrected_by_no
        across = self._payments.across.get(no)
        if trade.kind == "local":
            self._local(trade)
        elif across is None:
            findings.add("trade", no, "no payment or promise is about it")
        else:
            self._seen.add(no)
            self._across(trade, across)
        if trade.entry_seq is not None:
            self._entry(trade, trade.entry_seq)

    def _entry(self, trade: Trade, seq: int) -> None:
        """Compare a trade with the entry that booked it."""
        findings, made, no = self._findings, self._reckoned, trade.no
        if seq in self.shown:
            findings.add("trade", no, f"entry {seq} is that of trade {self.shown[seq]} already")
            return
        self.shown[seq] = no
        moved = made.moved.get(seq)
        if not made.known(seq):
            findings.add("trade", no, f"there is no entry {seq}")
            return
        if moved is None:  # a chest that answers for an account nobody knows has no people in its postings
            if trade.kind == "local":
                findings.add("trade", no, f"entry {seq} moves nothing between people")
            return
        payer = None if trade.payer_no is None else self._ids.get(trade.payer_no)
        payee = None if trade.payee_no is None else self._ids.get(trade.payee_no)
        if trade.kind == "local":
            findings.equal(
                "trade", no, reference=(trade.reference, made.references[seq]), created_ms=(trade.created_ms, made.times[seq]),
                ended_ms=(trade.ended_ms, made.times[seq]),
            )  # fmt: skip
        findings.equal(
            "trade", no, payer_no=(payer, moved.payer), payee_no=(payee, moved.payee), amount=(trade.amount, moved.amount)
        )  # fmt: skip
        if trade.kind == "local" and made.said[seq]:
            said = said_of(trade.text, trade.entered_by, trade.listing)
            if said != made.said[seq]:
                findings.add("trade", no, "its text, listing or who entered it is not what was signed")

    def _local(self, trade: Trade) -> None:
        findings, no = self._findings, trade.no
        if trade.entry_seq is None:
            findings.add("trade", no, "within the scheme, and no entry booked it")
        if no in self._payments.across:
            findings.add("trade", no, f"it is {self._payments.across[no].where}’s, not one within the scheme")
        state = "done" if trade.corrected_by_no is None else "corrected"
        findings.equal(
            "trade", no, state=(trade.state, state), other_scheme=(trade.other_scheme, None), hours=(trade.hours, None),
            other_amount=(trade.other_amount, None), other_unit=(trade.other_unit, None),
        )  # fmt: skip

    def _across(self, trade: Trade, across: Across) -> None:
        findings, no, quote = self._findings, trade.no, across.quote
        findings.equal(
            "trade", no, kind=(trade.kind, across.kind), reference=(trade.reference, reference_number(across.quote_id)),
            amount=(trade.amount, across.amount), hours=(trade.hours, quote.hours), listing=(trade.listing, quote.listing),
        )  # fmt: skip
        if across.kind == "out":
            state, booked = _OUT.get(across.state, ("", False))
            freed = trade.reason in (FREED, FREED_PAID)
            if (
                freed
            ):  # for the member it ended when organisers freed it, and its chest paid if it was claimed (7.2)
                state, booked = "undone", False
            findings.equal(
                "trade", no, payer_no=(trade.payer_no, across.account_no), payee_no=(trade.payee_no, None),
                other_scheme=(trade.other_scheme, quote.payee_scheme), other_amount=(trade.other_amount, quote.amount),
                other_unit=(trade.other_unit, quote.unit),
            )  # fmt: skip
        else:
            state, booked = "done", True
            findings.equal(
                "trade", no, payee_no=(trade.payee_no, across.account_no), payer_no=(trade.payer_no, None),
                other_scheme=(trade.other_scheme, quote.payer_scheme),
            )  # fmt: skip
        findings.equal("trade", no, state=(trade.state, state))
        if (trade.entry_seq is not None) != booked:
            findings.add(
                "trade", no, "no entry booked it" if booked else "an entry booked it, and it is not done"
            )

    def end(self) -> None:
        """Name what no trade shows, and links between trades that entries do not make."""
        findings, made = self._findings, self._reckoned
        for seq in made.moved.keys() - self.shown.keys():
            findings.add("trade", f"of entry {seq}", "missing: that entry moves a member’s account")
        for no in self._payments.across.keys() - self._seen:
            findings.add("trade", no, f"missing: {self._payments.across[no].where} is about it")
        for seq, mistaken in made.corrects.items():
            right, wrong = self.shown.get(seq), self.shown.get(mistaken)
            if right is not None and wrong is not None:
                findings.equal("trade", right, corrects_no=(self._corrects.pop(right, None), wrong))
                findings.equal("trade", wrong, corrected_by_no=(self._corrected.pop(wrong, None), right))
        for no in {*self._corrects, *self._corrected}:
            findings.add("trade", no, "it is linked to a trade that it does not correct")
