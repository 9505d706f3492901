"""Loans from member to member: offered by one, agreed to by the other, paid back by a standing order or earlier, free of interest.

Both say yes themselves: the lender when offering, the borrower to amount and days. The units move, the loan and its order are
written in one unit. Source: docs/protocol.md 3.7; docs/pages.md 0.10.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from node.clock import Chance, Clock
from node.services.loan_rows import (
    Lent,
    change_loan,
    count_offered,
    find_loan,
    is_offered,
    loan_by_no,
    loan_by_once,
    loan_by_order,
    loan_given_by,
    note_given,
    part_paid_by,
    put_loan,
    put_part,
    undo_part,
)
from node.services.members import Member, member_by_account
from node.services.standing import CannotBegin, NewStanding, StandingOrders
from node.services.standing import Why as CannotBeginWhy
from node.services.standing_rows import EndedBy
from node.services.telling import Telling
from node.services.trades import NewTrade, Trade, Trades, trade_by_once
from node.store import ReadTx, Store, Tx
from protocol.limits import LOAN_OFFER_VALID_MS, LOANS_OFFERED_MAX
from protocol.loan import (
    Agreed,
    Declined,
    Forgave,
    LoanState,
    PaidBack,
    TakenBack,
    Voided,
    Withdrawn,
    loan_step,
    new_loan,
    times_to_repay,
)
from protocol.standing import Every, Standing

ONCE_BYTES: Final = 16


class Why(StrEnum):
    """Why something is not done; nothing changed."""

    TOO_MANY = "too-many"  # enough offers of this lender wait, or orders of this borrower run
    SAME = "same"  # an offer to this member waits for an answer
    PAST = "past"  # the first day of paying back is over
    NOT_NOW = "not-now"  # one of the two may not trade now, or they are one and the same
    ENDED = "ended"  # it was answered, taken back, or ran out; or nothing is left of it
    TOO_MUCH = "too-much"  # more than is left of it


class CannotLend(Exception):
    """An honest no: nothing was changed."""

    def __init__(self, why: Why):
        super().__init__(why.value)
        self.why: Final = why


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLoan:
    """What a lender says yes to."""

    lender: Member
    borrower: Member
    amount: int
    text: str
    part: int
    every: Every
    first: int
    proved_by: str

    @property
    def schedule(self) -> Standing:
        """The days of paying back. Raises InvalidValue: there are too many."""
        return schedule_of(self.amount, self.part, self.every, self.first)


def schedule_of(amount: int, part: int, every: Every, first: int) -> Standing:
    """Return the order that pays an amount back in parts; the last of them may be smaller. Raises InvalidValue."""
    times = times_to_repay(amount, part)
    return Standing(amount=min(part, amount), every=every, first=first, times=times)


class Loans:
    """See the head of this file."""

    def __init__(
        self, *, store: Store, clock: Clock, chance: Chance, trades: Trades, standing: StandingOrders,
        telling: Telling, zone: tzinfo,
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._chance: Final = chance
        self._trades: Final = trades
        self._standing: Final = standing
        self._telling: Final = telling
        self._zone: Final = zone

    # --- offering and answering --------------------------------------------------------------------------------

    async def offer(self, new: NewLoan, once: bytes) -> Lent:
        """Offer a loan; the same `once` again offers nothing more.

        Raises:
            CannotLend: nothing was changed. InvalidValue: more days than an order may have.
        """
        return await self._store.write(self._offer, new, once)

    def _offer(self, tx: Tx, new: NewLoan, once: bytes) -> Lent:
        known = loan_by_once(tx, once)
        if known is not None:
            return known
        lender, borrower, now = new.lender, new.borrower, self._clock.now_ms()
        if lender.no == borrower.no or not (lender.may_trade and borrower.may_trade):
            raise CannotLend(Why.NOT_NOW)
        if new.first <= self._standing.today():
            raise CannotLend(Why.PAST)
        if count_offered(tx, lender.account_no, now) >= LOANS_OFFERED_MAX:
            raise CannotLend(Why.TOO_MANY)
        if is_offered(tx, lender.account_no, borrower.account_no, now):
            raise CannotLend(Why.SAME)
        assert new.schedule.times is not None
        lent = put_loan(
            tx, new_loan(new.amount), lender_no=lender.account_no, borrower_no=borrower.account_no, text=new.text,
            part=new.part, every=new.every, first=new.first, proved_by=new.proved_by,
            give_once=self._chance.bytes(ONCE_BYTES), once=once, now_ms=now,
            until_ms=min(now + LOAN_OFFER_VALID_MS, self.end_of(new.first)),
        )  # fmt: skip
        self._telling.loan_offered(
            tx, lent.no, new.amount, lender=lender.name, text=new.text, borrower=borrower
        )
        return lent

    def end_of(self, day: int) -> int:
        """Return the moment at which a day ends where the scheme lives: a schedule that has begun is agreed to by nobody."""
        after = date.fromordinal(day) + timedelta(days=1)
        return int(datetime.combine(after, time(), self._zone).timestamp() * 1000)

    async def agree(self, no: int, borrower: Member, *, proved_by: str) -> Lent:
        """Say yes to an offer: it is given, and its order begins, once, however often it is said.

        Raises:
            CannotLend: nothing was changed. Refused: the ledger says no. LookupError: no such offer to them.
        """
        return await self._store.write(self._agree, no, borrower, proved_by)

    def _agree(self, tx: Tx, no: int, borrower: Member, proved_by: str) -> Lent:
        lent, now = self._own(tx, no, borrower, lender=False), self._clock.now_ms()
        if lent.loan.state is LoanState.RUNNING:
            return lent
        if lent.stands(now) is not LoanState.OFFERED:
            raise CannotLend(Why.ENDED)
        lender = member_by_account(tx, lent.lender_no)
        if lender is None or not (lender.may_trade and borrower.may_trade):
            raise CannotLend(Why.NOT_NOW)
        order = NewStanding(
            payer=borrower, payee=lender, text=lent.text, proved_by=proved_by,
            standing=schedule_of(lent.loan.amount, lent.part, lent.every, lent.first),
        )  # fmt: skip
        try:
            self._standing.check(tx, order)
        except CannotBegin as cannot:
            raise CannotLend(Why.TOO_MANY if cannot.why is CannotBeginWhy.TOO_MANY else Why.ENDED) from None
        trade = self._trades.record_in(
            tx,
            NewTrade(
                payer_no=lender.account_no, payee_no=borrower.account_no, amount=lent.loan.amount, text=lent.text,
                entered_by=lender.name, proved_by=lent.proved_by, once=lent.give_once, payer_name=lender.name,
                payee_name=borrower.name,
            ),
        )  # fmt: skip
        begun = self._standing.begin_in(tx, order, lent.give_once)
        change_loan(tx, no, loan_step(lent.loan, Agreed()), now)
        note_given(tx, no, trade.no, begun.no, now)
        self._telling.loan_answered(
            tx, no, borrower=borrower.name, text=lent.text, agreed=True, lender=lender
        )
        return self._again(tx, no)

    async def decline(self, no: int, borrower: Member) -> Lent:
        """Say no to an offer. Raises CannotLend, LookupError."""
        return await self._store.write(self._decline, no, borrower)

    def _decline(self, tx: Tx, no: int, borrower: Member) -> Lent:
        lent, now = self._own(tx, no, borrower, lender=False), self._clock.now_ms()
        if lent.stands(now) is not LoanState.OFFERED:
            raise CannotLend(Why.ENDED)
        change_loan(tx, no, loan_step(lent.loan, Declined()), now)
        lender = member_by_account(tx, lent.lender_no)
        if lender is not None:
            self._telling.loan_answered(
                tx, no, borrower=borrower.name, text=lent.text, agreed=False, lender=lender
            )
        return self._again(tx, no)

    async def withdraw(self, no: int, lender: Member) -> Lent:
        """Take an offer back. Raises CannotLend, LookupError."""
        return await self._store.write(self._withdraw, no, lender)

    def _withdraw(self, tx: Tx, no: int, lender: Member) -> Lent:
        lent, now = self._own(tx, no, lender, lender=True), self._clock.now_ms()
        if lent.stands(now) is not LoanState.OFFERED:
            raise CannotLend(Why.ENDED)
        change_loan(tx, no, loan_step(lent.loan, Withdrawn()), now)
        return self._again(tx, no)

    # --- paying back and forgiving -----------------------------------------------------------------------------

    async def repay(self, no: int, borrower: Member, amount: int, once: bytes, *, proved_by: str) -> Trade:
        """Pay some or all of it back before its day; the same `once` again gives the same trade.

        Raises:
            CannotLend: nothing was changed. Refused: the ledger says no. LookupError: no such loan of theirs.
        """
        return await self._store.write(self._repay, no, borrower, amount, once, proved_by)

    def _repay(
        self, tx: Tx, no: int, borrower: Member, amount: int, once: bytes, proved_by: str
    ) -> Trade:  # fmt: skip
        lent = self._own(tx, no, borrower, lender=False)
        known = trade_by_once(tx, once)
        if known is not None:
            return known
        lender = member_by_account(tx, lent.lender_no)
        if lent.loan.owed == 0:
            raise CannotLend(Why.ENDED)
        if amount > lent.loan.owed:
            raise CannotLend(Why.TOO_MUCH)
        if lender is None or not (lender.may_trade and borrower.may_trade):
            raise CannotLend(Why.NOT_NOW)
        trade = self._trades.record_in(
            tx,
            NewTrade(
                payer_no=borrower.account_no, payee_no=lender.account_no, amount=amount, text=lent.text,
                entered_by=borrower.name, proved_by=proved_by, once=once, payer_name=borrower.name,
                payee_name=lender.name,
            ),
        )  # fmt: skip
        self._paid_back(tx, lent, trade)
        if self._again(tx, no).loan.owed == 0:
            self._end_order(tx, lent)
        return trade

    def _paid_back(self, tx: Tx, lent: Lent, trade: Trade) -> None:
        put_part(tx, lent.no, trade.no, trade.amount)
        change_loan(tx, lent.no, loan_step(lent.loan, PaidBack(amount=trade.amount)), self._clock.now_ms())

    def _end_order(self, tx: Tx, lent: Lent) -> None:
        if lent.standing_no is not None:
            self._standing.end_in(tx, lent.standing_no, EndedBy.NOTHING_LEFT)

    async def forgive(self, no: int, lender: Member) -> Lent:
        """Forgive what is left; forgiven once is forgiven. Raises CannotLend, LookupError."""
        return await self._store.write(self._forgive, no, lender)

    def _forgive(self, tx: Tx, no: int, lender: Member) -> Lent:
        lent = self._own(tx, no, lender, lender=True)
        if lent.loan.state is LoanState.FORGIVEN:
            return lent
        if lent.loan.state is not LoanState.RUNNING:
            raise CannotLend(Why.ENDED)
        change_loan(tx, no, loan_step(lent.loan, Forgave()), self._clock.now_ms())
        self._end_order(tx, lent)
        borrower = member_by_account(tx, lent.borrower_no)
        if borrower is not None:
            self._telling.loan_forgiven(
                tx, no, lent.loan.owed, lender=lender.name, text=lent.text, borrower=borrower
            )
        return self._again(tx, no)

    # --- what others tell --------------------------------------------------------------------------------------

    def most_due(self, tx: ReadTx, standing_no: int) -> int | None:
        """Return what is still owed of the loan a standing order pays back; None for an order that pays none."""
        lent = loan_by_order(tx, standing_no)
        return None if lent is None else lent.loan.owed

    def turn_paid(self, tx: Tx, standing_no: int, trade: Trade) -> None:
        """Unit: note that a standing order paid a turn, which may be a part of a loan."""
        lent = loan_by_order(tx, standing_no)
        if lent is not None:
            self._paid_back(tx, lent, trade)

    def trade_corrected(self, tx: Tx, trade_no: int) -> None:
        """Unit: what is done to a trade is done to the loan it gave or paid back. Source: 3.5, 3.7."""
        given, now = loan_given_by(tx, trade_no), self._clock.now_ms()
        if given is not None:
            change_loan(tx, given.no, loan_step(given.loan, Voided()), now)
            self._end_order(tx, given)
            return
        part = part_paid_by(tx, trade_no)
        if part is not None:
            no, amount = part
            undo_part(tx, trade_no)
            change_loan(tx, no, loan_step(self._again(tx, no).loan, TakenBack(amount=amount)), now)

    def _own(self, tx: ReadTx, no: int, member: Member, *, lender: bool) -> Lent:
        lent = find_loan(tx, no, member.account_no)
        if lent is None or (lent.lender_no if lender else lent.borrower_no) != member.account_no:
            raise LookupError(f"loan {no}")
        return lent

    def _again(self, tx: ReadTx, no: int) -> Lent:
        lent = loan_by_no(tx, no)
        assert lent is not None
        return lent


__all__ = ["CannotLend", "Lent", "Loans", "NewLoan", "Why", "schedule_of"]
