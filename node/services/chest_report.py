"""What came into the community chest and went out of it, by kind. Source: docs/protocol.md 3.8; docs/pages.md 7.3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from node.services.accounts import load
from node.services.statement import StatementLine, read_statement
from node.services.trades import trade_by_no
from node.store import ReadTx
from node.store.schema import fees as schema

_PAID: Final = select(schema.charge.c.trade_no).where(schema.charge.c.trade_no.is_not(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChestReport:
    """The chest now, and what moved it in a time. Amounts are minor units of the scheme; what was put right is taken off again."""

    balance: int
    aside: int  # what is set aside for trades with other schemes that are late
    fees: int
    gifts: int  # from members
    given: int  # to members, as a positive amount
    other: int  # of trades with other schemes, and of files brought in; below zero where it cost more
    lines: tuple[StatementLine, ...]  # oldest first


EMPTY: Final = ChestReport(balance=0, aside=0, fees=0, gifts=0, given=0, other=0, lines=())


def read_chest(tx: ReadTx, account_no: int, from_ms: int, to_ms: int) -> ChestReport:
    """Return how the chest stands and what moved it. A query."""
    told, account = read_statement(tx, account_no, from_ms, to_ms), load(tx, account_no).value
    paid = {row[0] for row in tx.all(_PAID)}
    sums = {"fees": 0, "gifts": 0, "given": 0, "other": 0}
    for line in told.lines:
        trade = line.trade
        if trade is not None and trade.corrects_no is not None:
            trade = trade_by_no(tx, trade.corrects_no)
        if trade is None or trade.kind != "local":
            sums["other"] += line.amount
        elif trade.payer_no == account_no:
            sums["given"] -= line.amount
        else:
            sums["fees" if trade.no in paid else "gifts"] += line.amount
    return ChestReport(balance=account.balance, aside=account.held, lines=told.lines, **sums)
