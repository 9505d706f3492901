"""Days that people agree, in the store: as values, how they are found, and how they are written down.

Queries and units only; what members do with them is in `days.py`. Source: docs/protocol.md 7.7; docs/pages.md 8.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, func, insert, or_, select, update

from node.store import ReadTx, Tx
from node.store.schema import books as books_schema
from node.store.schema import days as schema
from node.store.statements import Row
from protocol.agreement import AgreementState, Side
from protocol.names import SchemeId

LISTED_MAX: Final = 20

_A: Final = schema.appointment.c
_T: Final = books_schema.trade.c
_COLUMNS: Final = (
    _A.no, _A.id, _A.thread_id, _A.other_scheme, _A.proposer_no, _A.other_no, _A.state, _A.what, _A.place, _A.at_ms,
    _A.amount, _A.payer, _A.pay_once, _A.changed_ms, _T.no, _T.state,
)  # fmt: skip
_ALL: Final = select(*_COLUMNS).select_from(
    schema.appointment.outerjoin(books_schema.trade, _T.once == _A.pay_once)
)
_MINE: Final = or_(_A.proposer_no == bindparam("account_no"), _A.other_no == bindparam("account_no"))
_BY_NO: Final = _ALL.where(_A.no == bindparam("no"), _MINE)
_BY_ID: Final = _ALL.where(_A.id == bindparam("id"))
_BY_ONCE: Final = _ALL.where(_A.once == bindparam("once"))
_OF_THREAD: Final = (
    _ALL.where(_A.thread_id == bindparam("thread_id"), _MINE).order_by(_A.no.desc()).limit(LISTED_MAX)
)
_STANDS: Final = _A.state.in_([AgreementState.PROPOSED.value, AgreementState.AGREED.value])
_OPEN: Final = _ALL.where(_MINE, _STANDS, _A.at_ms > bindparam("since")).order_by(_A.at_ms).limit(LISTED_MAX)
_COUNT: Final = (
    select(func.count())
    .select_from(schema.appointment)
    .where(
        _A.thread_id == bindparam("thread_id"),
        _A.state == AgreementState.PROPOSED.value,
        _A.at_ms > bindparam("now"),
    )
)
_NEW: Final = insert(schema.appointment)
_STATE: Final = (
    update(schema.appointment)
    .where(_A.no == bindparam("which"))
    .values(state=bindparam("new_state"), changed_ms=bindparam("now"))
)
_ANEW: Final = (
    update(schema.appointment)
    .where(_A.no == bindparam("which"), _A.pay_once == bindparam("old_once"))
    .values(pay_once=bindparam("new_once"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """A day as stored, with the trade that pays for it."""

    no: int
    id: bytes
    thread_id: bytes
    other_scheme: SchemeId | None
    proposer_no: int | None
    other_no: int | None
    state: AgreementState  # as written; `stands` says where it is now
    what: str
    place: str
    at_ms: int
    amount: int
    payer: Side
    pay_once: bytes
    changed_ms: int
    trade_no: int | None
    trade_state: str | None

    @property
    def under_way(self) -> bool:
        """Whether a payment across schemes was begun and has not ended."""
        return self.trade_state == "set-aside"

    @property
    def stands(self) -> AgreementState:
        """Where it stands: a payment that came about counts, whatever was said meanwhile."""
        return AgreementState.PAID if self.trade_state in ("done", "corrected") else self.state

    def side_of(self, account_no: int) -> Side:
        """Return which side of it a member is."""
        return Side.PROPOSER if self.proposer_no == account_no else Side.OTHER

    def pays(self, account_no: int) -> bool:
        """Tell whether a member is to pay for it."""
        return bool(self.amount) and self.side_of(account_no) is self.payer

    def partner_of(self, account_no: int) -> int | None:
        """Return the account of the other side; None is somebody abroad."""
        return self.other_no if self.proposer_no == account_no else self.proposer_no


def _appointment(row: Row) -> Appointment:
    (
        no, id_, thread_id, scheme, proposer_no, other_no, state, what, place, at_ms, amount, payer, pay_once, changed_ms,
        trade_no, trade_state,
    ) = row  # fmt: skip
    return Appointment(
        no=no, id=id_, thread_id=thread_id, other_scheme=None if scheme is None else SchemeId(scheme),
        proposer_no=proposer_no, other_no=other_no, state=AgreementState(state), what=what, place=place, at_ms=at_ms,
        amount=amount, payer=Side(payer), pay_once=pay_once, changed_ms=changed_ms, trade_no=trade_no,
        trade_state=trade_state,
    )  # fmt: skip


def find_appointment(tx: ReadTx, no: int, account_no: int) -> Appointment | None:
    """Return a day this account is a party to; None whoever else's it is."""
    row = tx.one(_BY_NO, no=no, account_no=account_no)
    return None if row is None else _appointment(row)


def appointment_by_id(tx: ReadTx, id_: bytes) -> Appointment | None:
    """Return a day by the name both schemes know it by."""
    row = tx.one(_BY_ID, id=id_)
    return None if row is None else _appointment(row)


def appointment_by_once(tx: ReadTx, once: bytes) -> Appointment | None:
    """Return the day a form's key made."""
    row = tx.one(_BY_ONCE, once=once)
    return None if row is None else _appointment(row)


def appointments_in(tx: ReadTx, thread_id: bytes, account_no: int) -> list[Appointment]:
    """Return the newest days of a conversation, as one of the two sees them."""
    return [_appointment(row) for row in tx.all(_OF_THREAD, thread_id=thread_id, account_no=account_no)]


def open_appointments(tx: ReadTx, account_no: int, since_ms: int) -> list[Appointment]:
    """Return a member's days from `since_ms` on that are proposed or agreed, the earliest first."""
    return [_appointment(row) for row in tx.all(_OPEN, account_no=account_no, since=since_ms)]


def proposed_in(tx: ReadTx, thread_id: bytes, now_ms: int) -> int:
    """Return how many proposals of a conversation wait for an answer."""
    return int(tx.scalar(_COUNT, thread_id=thread_id, now=now_ms))


def put_appointment(tx: Tx, *, now_ms: int, **values: Any) -> int:
    """Unit: write a new proposal down; return its number."""
    unsaid = {"other_scheme": None, "proposer_no": None, "other_no": None, "once": None}
    return tx.insert(
        _NEW, **{**unsaid, **values}, state=AgreementState.PROPOSED.value, created_ms=now_ms, changed_ms=now_ms
    )  # fmt: skip


def note_state(tx: Tx, no: int, state: AgreementState, now_ms: int) -> None:
    """Unit: a day stands differently now."""
    tx.run(_STATE, which=no, new_state=state.value, now=now_ms)


def pay_anew(tx: Tx, day: Appointment, once: bytes) -> None:
    """Unit: give a day another key for its payment, because that of the one before came to nothing."""
    tx.run(_ANEW, which=day.no, old_once=day.pay_once, new_once=once)
