"""Statements: what happened to an account between two moments, line by line. Source: docs/pages.md 7.2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from node.services.trades import TRADE_COLUMNS, Trade, trade_of
from node.store import ReadTx
from node.store.schema import books as schema

_L: Final = schema.leg.c
_E: Final = schema.entry.c
_T: Final = schema.trade.c
_BALANCE_BEFORE: Final = (
    select(_L.balance_after)
    .select_from(schema.leg.join(schema.entry, _L.entry_seq == _E.seq))
    .where(_L.account_no == bindparam("account_no"), _E.time < bindparam("from_ms"))
    .order_by(_L.entry_seq.desc())
    .limit(1)
)
_LINES: Final = (
    select(_E.time, _E.kind, _L.amount, _L.balance_after, *TRADE_COLUMNS)
    .select_from(
        schema.leg.join(schema.entry, _L.entry_seq == _E.seq).outerjoin(schema.trade, _T.entry_seq == _E.seq)
    )
    .where(
        _L.account_no == bindparam("account_no"),
        _E.time >= bindparam("from_ms"),
        _E.time < bindparam("to_ms"),
    )
    .order_by(_L.entry_seq)
    .limit(bindparam("most"))
)

STATEMENT_LINES_MAX: Final = 5_000


@dataclass(frozen=True, slots=True)
class StatementLine:
    """What one entry did to an account."""

    time_ms: int
    kind: str
    amount: int
    balance_after: int
    trade: Trade | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """An account between two moments."""

    start: int
    end: int
    gained: int
    given: int
    lines: tuple[StatementLine, ...]
    complete: bool  # False: there are more lines than were read


def read_statement(tx: ReadTx, account_no: int, from_ms: int, to_ms: int) -> Statement:
    """Return an account's statement, from one state of the database."""
    start = tx.scalar(_BALANCE_BEFORE, account_no=account_no, from_ms=from_ms) or 0
    rows = tx.all(_LINES, account_no=account_no, from_ms=from_ms, to_ms=to_ms, most=STATEMENT_LINES_MAX + 1)
    lines = tuple(
        StatementLine(row[0], row[1], row[2], row[3], None if row[4] is None else trade_of(row[4:]))
        for row in rows[:STATEMENT_LINES_MAX]
    )
    return Statement(
        start=start,
        end=lines[-1].balance_after if lines else start,
        gained=sum(line.amount for line in lines if line.amount > 0),
        given=-sum(line.amount for line in lines if line.amount < 0),
        lines=lines,
        complete=len(rows) <= STATEMENT_LINES_MAX,
    )
