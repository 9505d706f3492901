"""What ties a trade across schemes to its quote, and who is on its other side. Source: docs/protocol.md 7.1, 7.7."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from node.services.trades import Trade, trade_by_no
from node.store import ReadTx
from node.store.schema import payments as schema
from protocol.message import trusted_message
from protocol.names import Handle, QuoteId
from protocol.quote import Quote

_P: Final = schema.payment.c
_Q: Final = schema.promise.c
_OUT: Final = select(_P.quote_id, _P.quote).where(_P.trade_no == bindparam("trade_no"))
_IN: Final = select(_Q.quote_id, _Q.payer_handle).where(_Q.trade_no == bindparam("trade_no"))
_OUT_OF: Final = select(_P.trade_no).where(_P.quote_id == bindparam("quote_id"))
_IN_OF: Final = select(_Q.trade_no).where(_Q.quote_id == bindparam("quote_id"))


@dataclass(frozen=True, slots=True)
class TradeLink:
    """The quote of a trade, and how the member abroad is called."""

    quote_id: QuoteId
    handle: Handle


def link_of(tx: ReadTx, trade: Trade) -> TradeLink | None:
    """Return the link of a trade across schemes; None for others."""
    if trade.kind == "out":
        row = tx.one(_OUT, trade_no=trade.no)
        return (
            None
            if row is None
            else TradeLink(QuoteId(row[0]), trusted_message(Quote, row[1]).body.payee_handle)
        )
    row = tx.one(_IN, trade_no=trade.no) if trade.kind == "in" else None
    return None if row is None else TradeLink(QuoteId(row[0]), Handle(row[1]))


def trade_of_quote(tx: ReadTx, quote_id: bytes) -> Trade | None:
    """Return our trade of a quote, whichever side we are on."""
    for statement in (_OUT_OF, _IN_OF):
        no = tx.scalar(statement, quote_id=quote_id)
        if no is not None:
            return trade_by_no(tx, no)
    return None
