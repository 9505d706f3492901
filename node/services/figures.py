"""Figures about the scheme as a whole, for its organisers: sums over tables, one query each.

Source: docs/pages.md 7.3 to 7.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, case, func, select

from node.store import ReadTx
from node.store.schema import books as schema
from protocol.ledger import AccountKind

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
