"""Figures about the scheme as a whole, for its organisers: sums over tables, one query each.

Source: docs/pages.md 7.3 to 7.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import bindparam, case, func, literal, null, select, union_all

from node.store import ReadTx
from node.store.schema import books as schema
from node.store.schema import payments as payments_schema
from protocol.ledger import AccountKind
from protocol.payment import ConnectorState, PayerState

_A: Final = schema.account.c
_T: Final = schema.trade.c
_SUMS: Final = select(_A.unit, func.sum(_A.balance)).group_by(_A.unit)
_ENDS: Final = select(func.min(_A.balance), func.max(_A.balance)).where(_A.kind == AccountKind.MEMBER.value)
_TRADES: Final = select(
    func.count(), func.coalesce(func.sum(case((_T.kind == "local", 0), else_=1)), 0)
).where(_T.created_ms >= bindparam("since"), _T.state != "undone")  # fmt: skip
_LATE: Final = select(func.count()).select_from(schema.trade).where(_T.state == "set-aside", _T.late)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How the scheme stands. Amounts are minor units of its own unit."""

    imbalance: dict[str, int]  # unit → what its balances add up to, where that is not 0
    furthest_behind: int
    furthest_ahead: int
    trades: int
    trades_across: int  # of them with members of other schemes
    late: int  # trades with other schemes that wait for longer than they should


def read_figures(tx: ReadTx, since_ms: int) -> Figures:
    """Return the figures; trades are those begun since a moment. A part of a page's read."""
    behind, ahead = tx.one(_ENDS) or (0, 0)
    trades, across = tx.one(_TRADES, since=since_ms) or (0, 0)
    return Figures(
        imbalance={str(unit): int(total) for unit, total in tx.all(_SUMS) if total},
        furthest_behind=min(0, behind or 0),
        furthest_ahead=max(0, ahead or 0),
        trades=int(trades),
        trades_across=int(across),
        late=int(tx.scalar(_LATE)),
    )


# --- What went over one line -------------------------------------------------------------------------------------

_P: Final = payments_schema.payment.c
_R: Final = payments_schema.promise.c
_F: Final = payments_schema.forward.c
_OUT: Final = (
    select(_T.reference, literal("out").label("way"), _P.state, _P.hours, _P.started_ms.label("at"))
    .select_from(payments_schema.payment.join(schema.trade, _T.no == _P.trade_no))
    .where(_P.line_no == bindparam("line_no"))
)
_IN: Final = (
    select(_T.reference, literal("in"), _R.state, _T.hours, _T.created_ms)
    .select_from(payments_schema.promise.join(schema.trade, _T.no == _R.trade_no))
    .where(_R.line_no == bindparam("line_no"))
)
_THROUGH: Final = select(null(), literal("through"), _F.state, _F.amount, _F.started_ms).where(
    (_F.line_no == bindparam("line_no")) | (_F.out_line_no == bindparam("line_no"))
)
# Of all three kinds: a payment of ours, a promise that was kept, a lock that went through.
DONE: Final = frozenset({PayerState.PAID.value, ConnectorState.CLAIMED.value})
UNDONE: Final = frozenset({PayerState.FAILED.value, ConnectorState.RELEASED.value})
_ALL: Final = union_all(_OUT, _IN, _THROUGH).subquery()
_ON_LINE: Final = select(_ALL).order_by(_ALL.c.at.desc()).limit(bindparam("most"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTrade:
    """A payment that used a line with a neighbour."""

    reference: int | None  # 40 bits; none where it only passes through: it is others' to speak of
    direction: Literal["out", "in", "through"]
    state: Literal["under-way", "done", "undone"]
    hours: int  # 3 600 000ths
    started_ms: int


def trades_on_line(tx: ReadTx, line_no: int, most: int) -> list[LineTrade]:
    """Return the payments that used a line, the latest first. A part of a page's read."""
    return [
        LineTrade(
            reference=reference,
            direction=way,
            state="done" if state in DONE else "undone" if state in UNDONE else "under-way",
            hours=int(hours or 0),
            started_ms=started_ms,
        )
        for reference, way, state, hours, started_ms in tx.all(_ON_LINE, line_no=line_no, most=most)
    ]
