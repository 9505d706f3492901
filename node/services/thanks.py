"""Notes of thanks that somebody received and gave, and which of them both want to be seen. Source: docs/pages.md 7.2 (`/my/thanks`).

A note is shown on the page of whoever is thanked while both agree; either takes it back alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, or_, select, update

from node.services.members import Member, member_by_account
from node.services.trades import Trade, trade_by_no
from node.store import ReadTx, Tx
from node.store.schema import afterwards as schema
from node.store.schema import books as books_schema
from node.store.statements import Row

NOTES_MAX: Final = 100

_H: Final = schema.thanks.c
_T: Final = books_schema.trade.c
_COLUMNS: Final = (_H.no, _H.trade_no, _H.account_no, _H.text, _H.at_ms, _H.giver_agrees, _H.receiver_agrees)
_OF_ACCOUNT: Final = (
    select(*_COLUMNS)
    .select_from(schema.thanks.join(books_schema.trade, _T.no == _H.trade_no))
    .where(or_(_T.payer_no == bindparam("account_no"), _T.payee_no == bindparam("account_no")))
    .order_by(_H.no.desc())
)
_ALL_OF: Final = _OF_ACCOUNT.limit(NOTES_MAX)
_SHOWN_OF: Final = _OF_ACCOUNT.where(
    _H.account_no.is_not(None),
    _H.account_no != bindparam("account_no"),
    _H.giver_agrees.is_(True),
    _H.receiver_agrees.is_(True),
).limit(NOTES_MAX)
_ONE: Final = select(*_COLUMNS).where(_H.no == bindparam("no"))
_GIVER: Final = (
    update(schema.thanks).where(_H.no == bindparam("which")).values(giver_agrees=bindparam("agrees"))
)
_RECEIVER: Final = (
    update(schema.thanks).where(_H.no == bindparam("which")).values(receiver_agrees=bindparam("agrees"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One note of thanks, as one of the two sees it."""

    no: int
    trade: Trade
    text: str
    at_ms: int
    given: bool  # by the one who looks
    other: Member | None  # none: of another scheme, or the scheme itself
    agree: bool  # the one who looks
    they_agree: bool

    @property
    def can_be_shown(self) -> bool:
        """Whether both can agree: who thanked from another scheme cannot."""
        return self.other is not None


def notes_of(tx: ReadTx, account_no: int) -> list[Note]:
    """Return the notes of thanks an account received and gave, newest first."""
    return [_note(tx, row, account_no) for row in tx.all(_ALL_OF, account_no=account_no)]


def notes_shown(tx: ReadTx, account_no: int) -> list[Note]:
    """Return the notes that may be seen on the page of whoever received them."""
    return [_note(tx, row, account_no) for row in tx.all(_SHOWN_OF, account_no=account_no)]


def agree(tx: Tx, no: int, account_no: int, agrees: bool) -> None:
    """Unit: one of the two agrees that a note is seen, or no longer. Raises LookupError: it is none of theirs."""
    row = tx.one(_ONE, no=no)
    if row is None or not trade_by_no(tx, row[1]).concerns(account_no):
        raise LookupError(f"thanks {no}")
    tx.run(_GIVER if row[2] == account_no else _RECEIVER, which=no, agrees=agrees)


def _note(tx: ReadTx, row: Row, account_no: int) -> Note:
    no, trade_no, giver, text, at_ms, giver_agrees, receiver_agrees = row
    trade, given = trade_by_no(tx, trade_no), giver == account_no
    other_no = trade.payee_no if trade.payer_no == account_no else trade.payer_no
    other = None if other_no is None or trade.other_scheme is not None else member_by_account(tx, other_no)
    mine, theirs = (giver_agrees, receiver_agrees) if given else (receiver_agrees, giver_agrees)
    return Note(
        no=no,
        trade=trade,
        text=text,
        at_ms=at_ms,
        given=given,
        other=other,
        agree=bool(mine),
        they_agree=bool(theirs),
    )
