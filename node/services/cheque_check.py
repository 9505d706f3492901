"""What is wrong with cheques and slips that an organiser typed, before anything is written into the books.

Each is looked at as it would be posted, one after the other, so that a limit counts what the cheques above it move.
Whether an account may give and take is decided in `protocol/ledger.py`. A query; the page says it in words.
Source: docs/pages.md 8.9; docs/protocol.md 3.4, 7.11.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final

from sqlalchemy import and_, bindparam, exists, or_, select

from node.services.accounts import load
from node.services.ask_rows import Ask, ask_by_no
from node.services.folding import fold
from node.services.members import Member, member_by_no
from node.services.payer_desk import FREED, FREED_PAID
from node.services.quotes import Offer
from node.store import ReadTx
from node.store.schema import asks, books, letters
from node.store.schema import desk as schema
from protocol import ledger
from protocol.ledger import Account, Refusal, transfer
from protocol.letter import EXPIRED, NOBODY, NOT_UNDERSTOOD, TOO_MANY
from protocol.names import AccountId, SchemeId


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
    # Where one of the two is of another scheme:
    NOBODY_THERE = "nobody-there"  # number and name fit nobody there
    UNREACHABLE = "unreachable"
    CANNOT_NOW = "cannot-now"  # somebody there cannot be paid now; why is not said
    DEARER = "dearer"  # it costs more than is written
    SAME = "same"  # exactly this is on its way


class Theirs(StrEnum):
    """Which of the two on a slip is of another scheme."""

    PAYER = "payer"
    PAYEE = "payee"


@dataclass(frozen=True, slots=True, kw_only=True)
class Abroad:
    """Who on a slip is of another scheme, as it stands there, and what it comes to. Source: docs/protocol.md 7.11."""

    scheme: SchemeId
    scheme_name: str
    theirs: Theirs
    number: int
    name: str
    written: int  # in minor units of whoever gives
    gets: int  # in minor units of whoever gets


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """One slip as it was read; None is what could not be. `amount` is in our minor units, 1..AMOUNT_MAX."""

    row: int
    number: str
    day: date | None
    payer: int | None  # a member's number
    payee: int | None
    amount: int | None
    what: str
    abroad: Abroad | None = None
    unread: tuple[str, ...] | None = None  # of one with another scheme: the columns that could not be read

    @property
    def key(self) -> str:
        """The number as numbers are compared: each scheme has its own; "" without one."""
        key = key_of(self.number)
        theirs = self.abroad is not None and self.abroad.theirs is Theirs.PAYER
        return f"{self.abroad.scheme.hex()}:{key}" if key and theirs and self.abroad is not None else key


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What a cheque's number was entered for; without a trade it waits for a yes elsewhere."""

    trade_no: int | None
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
    offer: Offer | None = None  # the firm price, where it pays somebody elsewhere

    @property
    def pays_abroad(self) -> bool:
        """Whether it is good so far, and pays somebody of another scheme."""
        return self.good and self.slip.abroad is not None and self.slip.abroad.theirs is Theirs.PAYEE

    def refused(self, field: str, why: Wrong, short_by: int = 0) -> Judged:
        """Return the same with this wrong."""
        return replace(
            self, wrong=((field, why),), short_by=short_by, payer_after=None, payee_after=None, offer=None
        )

    @property
    def good(self) -> bool:
        """Whether it can be posted."""
        return not self.wrong


WAS_FREED: Final = (FREED, FREED_PAID)  # why a trade is undone that the other scheme may still call paid
CHEQUES_SHOWN: Final = 100
NOT_TAKEN: Final = (
    NOBODY,
    EXPIRED,
    TOO_MANY,
    NOT_UNDERSTOOD,
)  # what another scheme answers to a letter it does not take
_R: Final = schema.cheque_row.c
_M: Final = letters.message.c
# In the books or on its way: not what came back undone, was refused, or never reached the other scheme.
_BEFORE: Final = (
    select(_R.trade_no, _R.by_name)
    .select_from(
        schema.cheque_row.outerjoin(books.trade, books.trade.c.no == _R.trade_no).outerjoin(
            asks.ask, asks.ask.c.no == _R.ask_no
        )
    )
    .where(
        _R.key == bindparam("key"),
        _R.key != "",
        or_(
            books.trade.c.state != "undone",
            books.trade.c.reason.in_(WAS_FREED),
            asks.ask.c.state == "paid",
            and_(
                asks.ask.c.state == "asked",
                asks.ask.c.until_ms > bindparam("now"),
                ~exists().where(
                    _M.thread_no == asks.ask.c.thread_no,
                    _M.reference == asks.ask.c.id,
                    _M.state.in_(NOT_TAKEN),
                ),
            ),
        ),
    )
    .limit(1)
)


# Cheques of a member of ours that were brought elsewhere and are paid, or being paid.
_PAID_ABROAD: Final = (
    select(asks.ask.c.cheque, books.trade.c.no, books.trade.c.entered_by)
    .select_from(asks.ask.join(books.trade, books.trade.c.once == asks.ask.c.answer_once))
    .where(
        asks.ask.c.payer_no == bindparam("account_no"),
        asks.ask.c.cheque != "",
        books.trade.c.state != "undone",
    )
)


# Those that wait for a yes.
_WAITING: Final = (
    select(asks.ask.c.no)
    .select_from(asks.ask.outerjoin(books.trade, books.trade.c.once == asks.ask.c.answer_once))
    .where(
        asks.ask.c.kind == "in",
        asks.ask.c.cheque.is_not(None),
        asks.ask.c.state == "asked",
        asks.ask.c.until_ms > bindparam("now"),
        or_(books.trade.c.no.is_(None), books.trade.c.state == "undone"),
    )
    .order_by(asks.ask.c.no)
    .limit(CHEQUES_SHOWN)
)


def cheques_abroad(tx: ReadTx, now_ms: int) -> list[Ask]:
    """Return cheques of our members that wait for a yes, brought to desks of other schemes; the oldest first."""
    found = [ask for (no,) in tx.all(_WAITING, now=now_ms) if (ask := ask_by_no(tx, no)) is not None]
    for each in found:
        tx.holds_until(each.until_ms)
    return found


def entered_before(tx: ReadTx, key: str, now_ms: int, payer: Member | None = None) -> Before | None:
    """Return what a cheque's number stands for already, here or, of a member of ours, brought to a desk elsewhere."""
    known = tx.one(_BEFORE, key=key, now=now_ms) if key else None
    if known is not None:
        return Before(trade_no=known[0], by_name=known[1])
    if key and payer is not None:
        for number, trade_no, by_name in tx.all(_PAID_ABROAD, account_no=payer.account_no):
            if key_of(number) == key:
                return Before(trade_no=trade_no, by_name=by_name)
    return None


def key_of(number: str) -> str:
    """Return a cheque's number as numbers are compared: 0412 is 412, a is A, and spaces are nothing."""
    return fold("".join(number.split())).lstrip("0")


def judge(tx: ReadTx, slips: Sequence[Slip], today: date, now_ms: int) -> list[Judged]:
    """Return what is wrong with each of `slips`, in their order; prices of other schemes are asked afterwards."""
    keys = Counter(slip.key for slip in slips)
    accounts: dict[AccountId, Account] = {}
    return [_judge(tx, slip, today, now_ms, keys, accounts) for slip in slips]


def _judge(
    tx: ReadTx, slip: Slip, today: date, now_ms: int, keys: Counter[str], accounts: dict[AccountId, Account]
) -> Judged:  # fmt: skip
    wrong: list[tuple[str, Wrong]] = []
    key = slip.key
    mine = None if slip.payer is None else member_by_no(tx, slip.payer)
    before = entered_before(tx, key, now_ms, mine)
    if before is not None:
        wrong.append(("number", Wrong.BEFORE))
    elif key and keys[key] > 1:
        wrong.append(("number", Wrong.TWICE))
    if slip.day is None:
        wrong.append(("day", Wrong.UNREAD))
    elif slip.day > today:
        wrong.append(("day", Wrong.FUTURE))
    if slip.unread is not None:
        wrong += [(column, Wrong.UNREAD) for column in slip.unread]
    payer, payee = (
        _person(tx, no, column, wrong) if slip.unread is None or no is not None else None
        for column, no in (("payer", slip.payer), ("payee", slip.payee))
    )
    if payer is not None and payee is not None and payer.no == payee.no:
        wrong.append(("payee", Wrong.SELF))
    if slip.amount is None and slip.unread is None:
        wrong.append(("amount", Wrong.UNREAD))
    if not slip.what:
        wrong.append(("what", Wrong.UNREAD))
    judged = Judged(slip=slip, payer=payer, payee=payee, wrong=tuple(wrong), before=before)
    if wrong or slip.unread is not None:
        return judged if wrong else _judge_abroad(tx, judged, accounts)
    return _judge_limits(tx, judged, accounts)


def _judge_abroad(tx: ReadTx, judged: Judged, accounts: dict[AccountId, Account]) -> Judged:
    """Look whether ours may give what they give elsewhere, with what the slips above take; whoever gets is looked at when it comes."""
    if judged.payer is None:
        return judged
    assert judged.slip.amount is not None
    account = load(tx, judged.payer.account_no).value
    account = accounts.get(account.account_id, account)
    over = judged.slip.amount - account.spendable
    if over > 0:
        return judged.refused("amount", Wrong.TOO_FAR, over)
    accounts[account.account_id] = replace(account, held=account.held + judged.slip.amount)
    return replace(judged, payer_after=account.balance - account.held - judged.slip.amount)


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
            return judged.refused("amount", Wrong.TOO_FAR, slip.amount - giver.spendable)
        if after is Refusal.EXCEEDS_CEILING:
            return judged.refused("amount", Wrong.TOO_MUCH, slip.amount - (taker.room or 0))
        return judged.refused("payee", Wrong.CANNOT_TRADE)  # an account is closed
    accounts.update(after)
    return Judged(
        slip=slip, payer=payer, payee=payee, wrong=(), payer_after=after[giver.account_id].balance,
        payee_after=after[taker.account_id].balance,
    )  # fmt: skip
