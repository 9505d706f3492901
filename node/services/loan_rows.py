"""Loans in the store: as values, how they are found, and how they are written down.

Units and queries only; what members do with them is in `loans.py`. Source: docs/protocol.md 3.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, insert, or_, select, update

from node.store import ReadTx, Tx
from node.store.schema import loans as schema
from node.store.statements import Row
from protocol.loan import Loan, LoanState, loan_state
from protocol.standing import Every

LISTED_MAX: Final = 40

_L: Final = schema.loan.c
_P: Final = schema.loan_part.c
_COLUMNS: Final = (
    _L.no, _L.lender_no, _L.borrower_no, _L.amount, _L.repaid, _L.remaining, _L.forgiven, _L.text, _L.part, _L.every,
    _L.first_day, _L.state, _L.proved_by, _L.trade_no, _L.standing_no, _L.give_once, _L.created_ms, _L.until_ms,
    _L.agreed_ms, _L.ended_ms,
)  # fmt: skip
_LOANS: Final = select(*_COLUMNS)
_BY_NO: Final = _LOANS.where(_L.no == bindparam("no"))
_BY_ONCE: Final = _LOANS.where(_L.once == bindparam("once"))
_BY_ORDER: Final = _LOANS.where(_L.standing_no == bindparam("standing_no"))
_BY_TRADE: Final = _LOANS.where(_L.trade_no == bindparam("trade_no"))
_OF: Final = (
    _LOANS.where(or_(_L.lender_no == bindparam("account_no"), _L.borrower_no == bindparam("account_no")))
    .order_by(_L.no.desc())
    .limit(LISTED_MAX)
)
_OPEN: Final = (_L.state == LoanState.OFFERED.value, _L.until_ms > bindparam("now"))
_OFFERED_TO: Final = _LOANS.where(_L.borrower_no == bindparam("account_no"), *_OPEN).order_by(_L.no)
_COUNT_OFFERED: Final = (
    select(func.count()).select_from(schema.loan).where(_L.lender_no == bindparam("account_no"), *_OPEN)
)
_BETWEEN: Final = (
    select(_L.no)
    .where(_L.lender_no == bindparam("lender_no"), _L.borrower_no == bindparam("borrower_no"), *_OPEN)
    .limit(1)
)
_NEW: Final = insert(schema.loan)
_CHANGED: Final = (
    update(schema.loan)
    .where(_L.no == bindparam("which"))
    .values(
        state=bindparam("new_state"), repaid=bindparam("new_repaid"), remaining=bindparam("new_remaining"),
        forgiven=bindparam("new_forgiven"), ended_ms=bindparam("new_ended_ms"),
    )
)  # fmt: skip
_GIVEN: Final = (
    update(schema.loan)
    .where(_L.no == bindparam("which"))
    .values(
        trade_no=bindparam("new_trade_no"), standing_no=bindparam("new_standing_no"), agreed_ms=bindparam("now")
    )
)  # fmt: skip
_NEW_PART: Final = insert(schema.loan_part)
_PARTS: Final = (
    select(_P.trade_no, _P.amount, _P.undone)
    .where(_P.loan_no == bindparam("no"))
    .order_by(_P.trade_no.desc())
)
_PART: Final = select(_P.loan_no, _P.amount).where(_P.trade_no == bindparam("trade_no"), _P.undone.is_(False))
_PART_UNDONE: Final = update(schema.loan_part).where(_P.trade_no == bindparam("which")).values(undone=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """A loan as stored."""

    no: int
    lender_no: int
    borrower_no: int
    loan: Loan
    text: str
    part: int  # paid back each time
    every: Every
    first: int  # the day of paying back for the first time
    proved_by: str
    trade_no: int | None
    standing_no: int | None
    give_once: bytes
    created_ms: int
    until_ms: int
    agreed_ms: int | None
    ended_ms: int | None

    def stands(self, now_ms: int) -> LoanState:
        """Return where it stands now."""
        return loan_state(self.loan.state, self.until_ms, now_ms)

    def concerns(self, account_no: int) -> bool:
        """Tell whether the account is a party to it."""
        return account_no in (self.lender_no, self.borrower_no)


@dataclass(frozen=True, slots=True)
class PartPaid:
    """A trade that paid some of it back."""

    trade_no: int
    amount: int
    undone: bool


def _lent(row: Row) -> Lent:
    (
        no, lender_no, borrower_no, amount, repaid, remaining, forgiven, text, part, every, first_day, state, proved_by,
        trade_no, standing_no, give_once, created_ms, until_ms, agreed_ms, ended_ms,
    ) = row  # fmt: skip
    return Lent(
        no=no, lender_no=lender_no, borrower_no=borrower_no,
        loan=Loan(amount=amount, repaid=repaid, left=remaining, forgiven=forgiven, state=LoanState(state)),
        text=text, part=part, every=Every(every), first=first_day, proved_by=proved_by, trade_no=trade_no,
        standing_no=standing_no, give_once=give_once, created_ms=created_ms, until_ms=until_ms, agreed_ms=agreed_ms,
        ended_ms=ended_ms,
    )  # fmt: skip


# --- reading --------------------------------------------------------------------------------------------------


def loan_by_no(tx: ReadTx, no: int) -> Lent | None:
    """Return a loan, whoever's it is."""
    row = tx.one(_BY_NO, no=no)
    return None if row is None else _lent(row)


def find_loan(tx: ReadTx, no: int, account_no: int) -> Lent | None:
    """Return a loan this account is a party to; None whoever else's it is."""
    found = loan_by_no(tx, no)
    return found if found is not None and found.concerns(account_no) else None


def loan_by_once(tx: ReadTx, once: bytes) -> Lent | None:
    """Return the loan a form's key offered."""
    row = tx.one(_BY_ONCE, once=once)
    return None if row is None else _lent(row)


def loan_by_order(tx: ReadTx, standing_no: int) -> Lent | None:
    """Return the loan that a standing order pays back."""
    row = tx.one(_BY_ORDER, standing_no=standing_no)
    return None if row is None else _lent(row)


def loan_given_by(tx: ReadTx, trade_no: int) -> Lent | None:
    """Return the loan that a trade gave."""
    row = tx.one(_BY_TRADE, trade_no=trade_no)
    return None if row is None else _lent(row)


def part_paid_by(tx: ReadTx, trade_no: int) -> tuple[int, int] | None:
    """Return which loan a trade paid back, and how much; None if none, or it was undone."""
    row = tx.one(_PART, trade_no=trade_no)
    return None if row is None else (int(row[0]), int(row[1]))


def loans_of(tx: ReadTx, account_no: int) -> list[Lent]:
    """Return the newest loans of a member, as lender or as borrower."""
    return [_lent(row) for row in tx.all(_OF, account_no=account_no)]


def loans_offered_to(tx: ReadTx, account_no: int, now_ms: int) -> list[Lent]:
    """Return what a member is offered and has not answered, oldest first."""
    found = [_lent(row) for row in tx.all(_OFFERED_TO, account_no=account_no, now=now_ms)]
    for each in found:
        tx.holds_until(each.until_ms)
    return found


def count_offered(tx: ReadTx, account_no: int, now_ms: int) -> int:
    """Return how many offers of a lender wait for an answer."""
    return int(tx.scalar(_COUNT_OFFERED, account_no=account_no, now=now_ms))


def is_offered(tx: ReadTx, lender_no: int, borrower_no: int, now_ms: int) -> bool:
    """Tell whether an offer of this lender waits with this borrower."""
    return tx.one(_BETWEEN, lender_no=lender_no, borrower_no=borrower_no, now=now_ms) is not None


def parts_of_loan(tx: ReadTx, no: int) -> list[PartPaid]:
    """Return the trades that paid a loan back, the newest first."""
    return [PartPaid(trade_no, amount, bool(undone)) for trade_no, amount, undone in tx.all(_PARTS, no=no)]


# --- writing --------------------------------------------------------------------------------------------------


def put_loan(
    tx: Tx, loan: Loan, *, lender_no: int, borrower_no: int, text: str, part: int, every: Every, first: int,
    proved_by: str, give_once: bytes, once: bytes, now_ms: int, until_ms: int,
) -> Lent:  # fmt: skip
    """Unit: write an offer down."""
    no = tx.insert(
        _NEW, lender_no=lender_no, borrower_no=borrower_no, amount=loan.amount, repaid=loan.repaid, remaining=loan.left,
        forgiven=loan.forgiven, text=text, part=part, every=every.value, first_day=first, state=loan.state.value,
        proved_by=proved_by, trade_no=None, standing_no=None, give_once=give_once, once=once, created_ms=now_ms,
        until_ms=until_ms, agreed_ms=None, ended_ms=None,
    )  # fmt: skip
    made = loan_by_no(tx, no)
    assert made is not None
    return made


def change_loan(tx: Tx, no: int, after: Loan, now_ms: int) -> None:
    """Unit: write down where a loan stands now."""
    runs = after.state in (LoanState.OFFERED, LoanState.RUNNING)
    tx.run(
        _CHANGED, which=no, new_state=after.state.value, new_repaid=after.repaid, new_remaining=after.left,
        new_forgiven=after.forgiven, new_ended_ms=None if runs else now_ms,
    )  # fmt: skip


def note_given(tx: Tx, no: int, trade_no: int, standing_no: int, now_ms: int) -> None:
    """Unit: write down by which trade a loan was given, and which order pays it back."""
    tx.run(_GIVEN, which=no, new_trade_no=trade_no, new_standing_no=standing_no, now=now_ms)


def put_part(tx: Tx, no: int, trade_no: int, amount: int) -> None:
    """Unit: write down a trade that pays some of a loan back."""
    tx.run(_NEW_PART, trade_no=trade_no, loan_no=no, amount=amount, undone=False)


def undo_part(tx: Tx, trade_no: int) -> None:
    """Unit: write down that such a trade was corrected."""
    tx.run(_PART_UNDONE, which=trade_no)
