"""The desk's acts with tokens and money in the store: as values, how they are found, and how they are written down.

Queries and units only; what the desk does is in `tokens.py`. Source: docs/protocol.md 3.9; docs/pages.md 7.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, insert, select

from node.store import ReadTx, Tx
from node.store.schema import care as schema
from node.store.statements import Row
from protocol.tokens import Box, Change, TokenAct

_T: Final = schema.token_act.c
_COLUMNS: Final = (
    _T.no, _T.kind, _T.count, _T.amount, _T.money, _T.tokens_after, _T.money_after, _T.member_no, _T.who, _T.text,
    _T.entry_seq, _T.trade_no, _T.by_name, _T.at_ms, _T.corrects_no,
)  # fmt: skip
_ALL: Final = select(*_COLUMNS).order_by(_T.no)
_BETWEEN: Final = _ALL.where(_T.at_ms >= bindparam("first"), _T.at_ms < bindparam("end"))
_NEWEST: Final = select(*_COLUMNS).order_by(_T.no.desc()).limit(bindparam("most"))
_BY_NO: Final = select(*_COLUMNS).where(_T.no == bindparam("no"))
_BY_ONCE: Final = select(*_COLUMNS).where(_T.once == bindparam("once"))
_BY_TRADE: Final = select(*_COLUMNS).where(_T.trade_no == bindparam("trade_no"))
_CORRECTING: Final = select(*_COLUMNS).where(_T.corrects_no == bindparam("no"))
_LAST: Final = select(_T.tokens_after, _T.money_after).order_by(_T.no.desc()).limit(1)
_LAST_COUNTED: Final = select(func.max(_T.at_ms)).where(_T.kind == TokenAct.COUNTED.value)
_NEW: Final = insert(schema.token_act)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One act of the desk: a numbered receipt."""

    no: int
    kind: TokenAct
    change: Change
    box: Box  # afterwards
    member_no: int | None
    who: str
    text: str
    entry_seq: int | None
    trade_no: int | None
    by_name: str
    at_ms: int
    corrects_no: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is written down beside what an act does."""

    member_no: int | None = None
    who: str = ""
    text: str = ""
    entry_seq: int | None = None
    trade_no: int | None = None
    by_name: str
    at_ms: int
    once: bytes
    corrects_no: int | None = None


def _done(row: Row) -> Done:
    (
        no, kind, count, amount, money, tokens_after, money_after, member_no, who, text, entry_seq, trade_no, by_name, at_ms,
        corrects_no,
    ) = row  # fmt: skip
    return Done(
        no=no, kind=TokenAct(kind), change=Change(tokens=count, amount=amount, money=money),
        box=Box(tokens=tokens_after, money=money_after), member_no=member_no, who=who, text=text, entry_seq=entry_seq,
        trade_no=trade_no, by_name=by_name, at_ms=at_ms, corrects_no=corrects_no,
    )  # fmt: skip


def all_done(tx: ReadTx) -> list[Done]:
    """Return everything the desk did, oldest first."""
    return [_done(row) for row in tx.all(_ALL)]


def done_between(tx: ReadTx, first_ms: int, end_ms: int) -> list[Done]:
    """Return what the desk did from one moment up to another, oldest first."""
    return [_done(row) for row in tx.all(_BETWEEN, first=first_ms, end=end_ms)]


def newest_done(tx: ReadTx, most: int) -> list[Done]:
    """Return what the desk did last, newest first."""
    return [_done(row) for row in tx.all(_NEWEST, most=most)]


def done_by_no(tx: ReadTx, no: int) -> Done | None:
    """Return the act with this number."""
    row = tx.one(_BY_NO, no=no)
    return None if row is None else _done(row)


def done_by_once(tx: ReadTx, once: bytes) -> Done | None:
    """Return the act that a form made, if it did."""
    row = tx.one(_BY_ONCE, once=once)
    return None if row is None else _done(row)


def done_by_trade(tx: ReadTx, trade_no: int) -> Done | None:
    """Return the act that made a trade."""
    row = tx.one(_BY_TRADE, trade_no=trade_no)
    return None if row is None else _done(row)


def correction_of(tx: ReadTx, no: int) -> Done | None:
    """Return the act that is the opposite of another, if there is one."""
    row = tx.one(_CORRECTING, no=no)
    return None if row is None else _done(row)


def box_now(tx: ReadTx) -> Box:
    """Return the tokens in people's hands and the money in the box."""
    row = tx.one(_LAST)
    return Box() if row is None else Box(tokens=int(row[0]), money=int(row[1]))


def last_counted(tx: ReadTx) -> int | None:
    """Return when the box was counted last, in ms UTC."""
    found = tx.scalar(_LAST_COUNTED)
    return None if found is None else int(found)


def put_done(tx: Tx, kind: TokenAct, change: Change, box: Box, said: Said) -> int:
    """Unit: write an act down that leaves `box`; return its number."""
    return tx.insert(
        _NEW, kind=kind.value, count=change.tokens, amount=change.amount, money=change.money, tokens_after=box.tokens,
        money_after=box.money, member_no=said.member_no, who=said.who, text=said.text, entry_seq=said.entry_seq,
        trade_no=said.trade_no, by_name=said.by_name, at_ms=said.at_ms, once=said.once,
        corrects_no=said.corrects_no,
    )  # fmt: skip
