"""What is wrong with cheques and slips that an organiser typed, before anything is written into the books.

Each is looked at as it would be posted, one after the other, so that a limit counts what the cheques above it move.
Whether an account may give and take is decided in `protocol/ledger.py`. A query; the page says it in words.
Source: docs/pages.md 8.9; docs/protocol.md 3.4.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from sqlalchemy import bindparam, select

from node.services.accounts import load
from node.services.folding import fold
from node.services.members import Member, member_by_no
from node.store import ReadTx
from node.store.schema import desk as schema
from protocol import ledger
from protocol.ledger import Account, Refusal, transfer
from protocol.names import AccountId


class Wrong(StrEnum):
    """Why a slip is not written into the books."""

    UNREAD = "unread"  # the page could not make out what was typed
    UNKNOWN = "unknown"  # nobody has this number
    CANNOT_TRADE = "cannot-trade"  # paused, or has left
    SELF = "self"
    FUTURE = "future"
    TWICE = "twice"  # another slip of this batch has the number
    BEFORE = "before"  # a cheque with this number is in the books
    TOO_FAR = "too-far"  # below what the payer may owe
    TOO_MUCH = "too-much"  # above what the payee may have


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """One slip as it was read; None is what could not be. `amount` is in minor units, 1..AMOUNT_MAX."""

    row: int
    number: str
    day: date | None
    payer: int | None  # a member's number
    payee: int | None
    amount: int | None
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The trade that a cheque's number was entered for."""

    trade_no: int
    by_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One slip, and what is wrong with which of its fields; nothing, if it can be posted."""

    slip: Slip
    payer: Member | None
    payee: Member | None
    wrong: tuple[tuple[str, Wrong], ...]
    before: Before | None = None
    short_by: int = 0  # how much less would be possible, in minor units
    payer_after: int | None = None  # balances, if it is posted after those above it
    payee_after: int | None = None

    @property
    def good(self) -> bool:
        """Whether it can be posted."""
        return not self.wrong


_R: Final = schema.cheque_row.c
_BEFORE: Final = select(_R.trade_no, _R.by_name).where(
    _R.key == bindparam("key"), _R.trade_no.is_not(None), _R.key != ""
)


def key_of(number: str) -> str:
    """Return a cheque's number as numbers are compared: 0412 is 412, a is A, and spaces are nothing."""
    return fold("".join(number.split())).lstrip("0")


def judge(tx: ReadTx, slips: Sequence[Slip], today: date) -> list[Judged]:
    """Return what is wrong with each of `slips`, in their order."""
    keys = Counter(key_of(slip.number) for slip in slips)
    accounts: dict[AccountId, Account] = {}
    return [_judge(tx, slip, today, keys, accounts) for slip in slips]


def _judge(
    tx: ReadTx, slip: Slip, today: date, keys: Counter[str], accounts: dict[AccountId, Account]
) -> Judged:  # fmt: skip
    wrong: list[tuple[str, Wrong]] = []
    key = key_of(slip.number)
    known = tx.one(_BEFORE, key=key) if key else None
    if known is not None:
        wrong.append(("number", Wrong.BEFORE))
    elif key and keys[key] > 1:
        wrong.append(("number", Wrong.TWICE))
    if slip.day is None:
        wrong.append(("day", Wrong.UNREAD))
    elif slip.day > today:
        wrong.append(("day", Wrong.FUTURE))
    payer, payee = _person(tx, slip.payer, "payer", wrong), _person(tx, slip.payee, "payee", wrong)
    if payer is not None and payee is not None and payer.no == payee.no:
        wrong.append(("payee", Wrong.SELF))
    if slip.amount is None:
        wrong.append(("amount", Wrong.UNREAD))
    if not slip.what:
        wrong.append(("what", Wrong.UNREAD))
    before = None if known is None else Before(trade_no=known[0], by_name=known[1])
    judged = Judged(slip=slip, payer=payer, payee=payee, wrong=tuple(wrong), before=before)
    return judged if wrong else _judge_limits(tx, judged, accounts)


def _person(tx: ReadTx, no: int | None, field: str, wrong: list[tuple[str, Wrong]]) -> Member | None:
    if no is None:
        wrong.append((field, Wrong.UNREAD))
        return None
    member = member_by_no(tx, no)
    if member is None or member.is_erased:
        wrong.append((field, Wrong.UNKNOWN))
        return None
    if not member.may_trade:
        wrong.append((field, Wrong.CANNOT_TRADE))
    return member


def _judge_limits(tx: ReadTx, judged: Judged, accounts: dict[AccountId, Account]) -> Judged:
    """Try the posting on the accounts as the slips above leave them; note there what it does."""
    slip, payer, payee = judged.slip, judged.payer, judged.payee
    assert payer is not None
    assert payee is not None
    assert slip.amount is not None
    sides = [load(tx, member.account_no).value for member in (payer, payee)]
    giver, taker = (accounts.get(each.account_id, each) for each in sides)
    posting = transfer(giver.account_id, taker.account_id, slip.amount)
    after = ledger.try_post({giver.account_id: giver, taker.account_id: taker}, posting)
    if isinstance(after, Refusal):
        if after is Refusal.EXCEEDS_CREDIT_LIMIT:
            return _refused(judged, "amount", Wrong.TOO_FAR, slip.amount - giver.spendable)
        if after is Refusal.EXCEEDS_CEILING:
            return _refused(judged, "amount", Wrong.TOO_MUCH, slip.amount - (taker.room or 0))
        return _refused(judged, "payee", Wrong.CANNOT_TRADE, 0)  # an account is closed
    accounts.update(after)
    return Judged(
        slip=slip, payer=payer, payee=payee, wrong=(), payer_after=after[giver.account_id].balance,
        payee_after=after[taker.account_id].balance,
    )  # fmt: skip


def _refused(judged: Judged, field: str, why: Wrong, short_by: int) -> Judged:
    return Judged(
        slip=judged.slip, payer=judged.payer, payee=judged.payee, wrong=((field, why),), short_by=short_by
    )
