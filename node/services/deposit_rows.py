"""Deposits of all bookings: what is set aside, how each stands, and who has a part in one. Queries. Source: docs/protocol.md 3.3, 7.8."""

from __future__ import annotations

from collections import Counter
from typing import Final

from sqlalchemy import bindparam, func, or_, select

from node.store import ReadTx
from node.store.schema import bookings as schema
from node.store.schema import people as people_schema
from node.store.statements import Row
from protocol.deposit import ASIDE

_B: Final = schema.booking.c
_ASIDE: Final = _B.deposit_state.in_(sorted(state.value for state in ASIDE))
_HELD: Final = select(_B.borrower_no, func.sum(_B.deposit)).where(_ASIDE).group_by(_B.borrower_no)
_M: Final = people_schema.member.c
_PARTY: Final = (
    select(func.count())
    .select_from(schema.booking)
    .where(
        _B.no == bindparam("no"),
        select(_M.no)
        .where(
            _M.no == bindparam("member_no"),
            or_(_M.account_no == _B.owner_no, _M.account_no == _B.borrower_no),
        )
        .exists(),
    )
)
_DEPOSITS: Final = select(_B.no, _B.state, _B.deposit, _B.deposit_state, _B.keep).order_by(_B.no)


def deposits_held(tx: ReadTx) -> Counter[int]:
    """Return what is set aside for deposits, by account. Source: 3.3, 7.8."""
    return Counter({no: int(held) for no, held in tx.all(_HELD)})


def deposit_rows(tx: ReadTx) -> list[Row]:
    """Return number, state, deposit, state of the deposit and what is kept of every booking, to check them."""
    return tx.all(_DEPOSITS)


def is_party(tx: ReadTx, no: int, member_no: int | None) -> bool:
    """Tell whether a booking is a member's own, of either side."""
    return member_no is not None and bool(tx.scalar(_PARTY, no=no, member_no=member_no))
