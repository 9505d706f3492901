"""Deposits of all bookings: what is set aside, how each stands, and who has a part in one. Queries. Source: docs/protocol.md 3.3, 7.8."""

from __future__ import annotations

from collections import Counter
from typing import Final

from sqlalchemy import bindparam, func, or_, select

from node.services.pledge_rows import pledges_held
from node.store import ReadTx
from node.store.schema import bookings as schema
from node.store.schema import people as people_schema
from node.store.schema import requests as requests_schema
from node.store.statements import Row
from protocol.deposit import ASIDE, DepositState
from protocol.names import Handle, SchemeId

_B: Final = schema.booking.c
_ASIDE: Final = _B.deposit_state.in_(sorted(state.value for state in ASIDE))
# Of a guest from abroad, whose number is below 0, it is held in the ledger of their own scheme.
_HELD: Final = (
    select(_B.borrower_no, func.sum(_B.deposit)).where(_ASIDE, _B.borrower_no >= 0).group_by(_B.borrower_no)
)
_M: Final = people_schema.member.c
_RQ: Final = requests_schema.request.c
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
_DEPOSITS: Final = select(_B.no, _B.state, _B.deposit, _B.deposit_state, _B.keep, _B.borrower_no).order_by(
    _B.no
)
# Of what guests from abroad had, and whose owner here asks to keep exactly so much.
_PAID: Final = (
    select(_B.no, _RQ.id)
    .select_from(
        schema.booking.join(
            requests_schema.request,
            (_RQ.about_no == _B.no) & (_RQ.kind == _B.kind) & (_RQ.role == "in"),
        )
    )
    .where(
        _B.owner_no == bindparam("owner_no"), _B.borrower_no < 0, _B.deposit_state == DepositState.ASKED.value,
        _B.keep == bindparam("keep"), _RQ.scheme == bindparam("scheme"), _RQ.their_handle == bindparam("handle"),
    )
    .order_by(_B.no)
)  # fmt: skip


def deposits_held(tx: ReadTx) -> Counter[int]:
    """Return what is set aside for deposits, by account. Source: 3.3, 7.8."""
    return Counter({no: int(held) for no, held in tx.all(_HELD)}) + pledges_held(tx)


def deposit_rows(tx: ReadTx) -> list[Row]:
    """Return number, state, deposit, its state, what is kept and who borrows of every booking, to check them."""
    return tx.all(_DEPOSITS)


def asked_of_guest(
    tx: ReadTx, owner_no: int, scheme: SchemeId, handle: Handle, keep: int
) -> list[tuple[int, bytes]]:
    """Return of which bookings an owner asks a guest from abroad to keep exactly so much: numbers, and names of requests."""
    found = tx.all(_PAID, owner_no=owner_no, scheme=scheme, handle=handle, keep=keep)
    return [(no, bytes(id_)) for no, id_ in found]


def is_party(tx: ReadTx, no: int, member_no: int | None) -> bool:
    """Tell whether a booking is a member's own, of either side."""
    return member_no is not None and bool(tx.scalar(_PARTY, no=no, member_no=member_no))
