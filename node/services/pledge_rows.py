"""Pledges in the store: deposits for what members book in other schemes, and what people abroad say of theirs for ours.

Units and queries only; what is done with them is in `pledges.py`. Source: docs/protocol.md 7.8, 7.10.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BindParameter, Update, bindparam, func, insert, select, update

from node.store import ReadTx, Tx
from node.store.schema import letters as letters_schema
from node.store.schema import people as people_schema
from node.store.schema import requests as schema
from node.store.statements import Row
from protocol.beyond import Stands, Wants
from protocol.deposit import DepositState
from protocol.names import Handle, SchemeId
from protocol.pledge import ASIDE, UNDER_WAY, Pledge

LISTED_MAX: Final = 60

_P: Final = schema.pledge.c
_R: Final = schema.request.c
_WITH_REQUEST: Final = schema.pledge.join(schema.request, _R.no == _P.request_no)
_OURS: Final = _P.role == "out"
_IS_ASIDE: Final = _P.state.in_(sorted(each.value for each in ASIDE))
_COLUMNS: Final = (
    _P.request_no, _R.account_no, _R.scheme, _P.amount, _P.aside, _P.state, _P.keep, _P.payee_handle, _P.agreed_by,
    _P.tries, _P.paying, _P.trade_no, _P.hindered,
)  # fmt: skip
_ALL: Final = select(*_COLUMNS).select_from(_WITH_REQUEST).where(_OURS)
_BY_NO: Final = _ALL.where(_P.request_no == bindparam("no"))
_BY_TRADE: Final = _ALL.where(
    _P.trade_no == bindparam("trade_no"), _P.state.in_(sorted(each.value for each in UNDER_WAY))
)
_OF_ACCOUNT: Final = _ALL.where(_R.account_no == bindparam("account_no"))
_IN_STATE: Final = _ALL.where(_P.state == bindparam("state")).order_by(_P.request_no).limit(LISTED_MAX)
# A payment of exactly this, given back by a restore that forgot it: 6.7 (b).
_TO_HANDLE: Final = (
    _ALL.where(
        _R.account_no == bindparam("account_no"), _R.scheme == bindparam("scheme"), _P.payee_handle == bindparam("handle"),
        _P.keep == bindparam("keep"), _P.state.in_([Pledge.ASKED.value, Pledge.DUE.value]),
    )
    .order_by(_P.request_no)
    .limit(1)
)  # fmt: skip
# Agreed to, and neither set aside nor given back: the other scheme could not be written to then.
_NOT_HELD: Final = (
    _ALL.where(
        _P.state == Pledge.NONE.value, _R.stands == Stands.AGREED.value, _R.word != Wants.TAKE_BACK.value
    )
    .order_by(_P.request_no)
    .limit(LISTED_MAX)
)
_M: Final = letters_schema.message.c
# What the other scheme has not answered for a day, or says nothing of though the time has begun.
_QUIET: Final = (
    select(_P.request_no, _R.account_no)
    .select_from(_WITH_REQUEST.outerjoin(letters_schema.message, _M.no == _R.message_no))
    .where(
        _OURS, _P.state.in_([each.value for each in (Pledge.NONE, Pledge.HELD, Pledge.ASKED, Pledge.DUE)]),
        _M.state.is_(None) | (_M.state != "waiting"),
        ((_R.heard < _R.my_turn) & (_R.changed_ms <= bindparam("day_ago")))
        | ((_R.start <= bindparam("hour")) & (_R.changed_ms <= bindparam("days_ago"))),
    )
    .order_by(_P.request_no)
    .limit(LISTED_MAX)
)  # fmt: skip
_HELD: Final = (
    select(_R.account_no, func.sum(_P.aside - _P.paying))
    .select_from(_WITH_REQUEST)
    .where(_OURS, _IS_ASIDE)
    .group_by(_R.account_no)
)
_EVERY: Final = select(_P.request_no, _P.role, _P.amount, _P.aside, _P.state, _P.keep, _P.paying, _P.trade_no).order_by(
    _P.request_no
)  # fmt: skip
_SAID: Final = select(_P.amount, _P.state).where(_P.request_no == bindparam("no"), _P.role == "in")
_ME: Final = people_schema.member.c
_PARTY: Final = (
    select(func.count())
    .select_from(_WITH_REQUEST.join(people_schema.member, _ME.account_no == _R.account_no))
    .where(_P.request_no == bindparam("no"), _ME.no == bindparam("member_no"))
)
_NEW: Final = insert(schema.pledge)


def _change(**values: BindParameter[Any]) -> Update:
    return update(schema.pledge).where(_P.request_no == bindparam("which")).values(**values)


_MOVE: Final = _change(state=bindparam("new_state"))
_ASKS: Final = _change(
    state=bindparam("new_state"), keep=bindparam("new_keep"), payee_handle=bindparam("new_handle")
)
_AGREES: Final = _change(state=bindparam("new_state"), agreed_by=bindparam("new_by"))
_PAYS: Final = _change(
    state=bindparam("new_state"), paying=bindparam("new_paying"), trade_no=bindparam("new_trade"), hindered=bindparam("none")
)  # fmt: skip
_PAID: Final = _change(state=bindparam("new_state"), paying=bindparam("zero"), tries=bindparam("new_tries"))
_HINDERED: Final = _change(hindered=bindparam("new_why"))
_SAYS: Final = update(schema.pledge).where(
    _P.request_no == bindparam("which"), _P.role == "in"
).values(amount=bindparam("new_amount"), state=bindparam("new_state"))  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Pledged:
    """A pledge of a member of ours, as stored."""

    no: int  # of the request
    account_no: int
    scheme: SchemeId
    amount: int  # in minor units of the listing's scheme
    aside: int  # in ours
    state: Pledge
    keep: int
    payee_handle: Handle | None
    agreed_by: int | None
    tries: int
    paying: int
    trade_no: int | None
    hindered: str


def _pledged(row: Row) -> Pledged:
    no, account_no, scheme, amount, aside, state, keep, handle, by, tries, paying, trade_no, hindered = row
    return Pledged(
        no=no, account_no=account_no, scheme=SchemeId(scheme), amount=amount, aside=aside, state=Pledge(state), keep=keep,
        payee_handle=None if handle is None else Handle(handle), agreed_by=by, tries=tries, paying=paying,
        trade_no=trade_no, hindered=hindered,
    )  # fmt: skip


def pledge_of(tx: ReadTx, no: int) -> Pledged | None:
    """Return the pledge for a request of ours; None where no deposit is asked."""
    row = tx.one(_BY_NO, no=no)
    return None if row is None else _pledged(row)


def pledge_paid_by(tx: ReadTx, trade_no: int) -> Pledged | None:
    """Return the pledge out of which a payment that is under way pays."""
    row = tx.one(_BY_TRADE, trade_no=trade_no)
    return None if row is None else _pledged(row)


def pledge_to(tx: ReadTx, account_no: int, scheme: SchemeId, handle: Handle, keep: int) -> Pledged | None:
    """Return the first pledge of which an owner abroad asks to keep exactly so much, and nothing is paid yet."""
    row = tx.one(_TO_HANDLE, account_no=account_no, scheme=scheme, handle=handle, keep=keep)
    return None if row is None else _pledged(row)


def pledges_of(tx: ReadTx, account_no: int) -> dict[int, Pledged]:
    """Return the pledges of a member, by the number of the request."""
    return {each.no: each for each in map(_pledged, tx.all(_OF_ACCOUNT, account_no=account_no))}


def pledges_in(tx: ReadTx, state: Pledge) -> list[Pledged]:
    """Return the pledges that stand so, the oldest first."""
    return [_pledged(row) for row in tx.all(_IN_STATE, state=state.value)]


def agreed_not_held(tx: ReadTx) -> list[Pledged]:
    """Return the pledges whose yes was read, of which nothing is set aside or given back."""
    return [_pledged(row) for row in tx.all(_NOT_HELD)]


def quiet_pledges(tx: ReadTx, *, day_ago: int, days_ago: int, hour: int) -> list[tuple[int, int]]:
    """Return of which requests, and whose, something is to be heard: numbers of request and account."""
    return [
        (no, account_no) for no, account_no in tx.all(_QUIET, day_ago=day_ago, days_ago=days_ago, hour=hour)
    ]


def pledges_held(tx: ReadTx) -> Counter[int]:
    """Return what is set aside for pledges, by account; without what payments under way have taken. Source: 3.3, 7.8."""
    return Counter({no: int(held) for no, held in tx.all(_HELD)})


def pledge_rows(tx: ReadTx) -> list[Row]:
    """Return number, role, amount, what is aside, state, keep, what is being paid and trade of every pledge, to check them."""
    return tx.all(_EVERY)


def pledges_party(tx: ReadTx, no: int, member_no: int | None) -> bool:
    """Tell whether a pledge is a member's own."""
    return member_no is not None and bool(tx.scalar(_PARTY, no=no, member_no=member_no))


def put_pledge(tx: Tx, no: int, *, amount: int, aside: int = 0, said: DepositState | None = None) -> None:
    """Unit: note a deposit that is asked; `said` by whoever asks from abroad, else it is one of ours."""
    tx.run(
        _NEW, request_no=no, role="out" if said is None else "in", amount=amount, aside=aside,
        state=(said or Pledge.NONE).value, keep=0, payee_handle=None, agreed_by=None, tries=0, paying=0, trade_no=None,
        hindered="",
    )  # fmt: skip


def said_of(tx: ReadTx, no: int) -> tuple[int, DepositState] | None:
    """Return what whoever asks from abroad says of the deposit; None where they speak of none."""
    row = tx.one(_SAID, no=no)
    return None if row is None else (row[0], DepositState(row[1]))


def note_they_say(tx: Tx, no: int, amount: int, word: DepositState) -> None:
    """Unit: somebody abroad said something of the deposit."""
    if said_of(tx, no) is None:
        put_pledge(tx, no, amount=amount, said=word)
    else:
        tx.run(_SAYS, which=no, new_amount=amount, new_state=word.value)


def note_pledge(tx: Tx, no: int, state: Pledge) -> None:
    """Unit: write down where a pledge stands."""
    tx.run(_MOVE, which=no, new_state=state.value)


def note_asks(tx: Tx, no: int, state: Pledge, keep: int, handle: Handle) -> None:
    """Unit: the owner asks to keep so much, and is paid under this name."""
    tx.run(_ASKS, which=no, new_state=state.value, new_keep=keep, new_handle=handle)


def note_agreed(tx: Tx, no: int, state: Pledge, by_no: int) -> None:
    """Unit: the member of this number says that it is kept."""
    tx.run(_AGREES, which=no, new_state=state.value, new_by=by_no)


def note_paying(tx: Tx, no: int, state: Pledge, paying: int, trade_no: int) -> None:
    """Unit: a payment has taken so much of what is set aside."""
    tx.run(_PAYS, which=no, new_state=state.value, new_paying=paying, new_trade=trade_no, none="")


def note_paid(tx: Tx, no: int, state: Pledge, tries: int) -> None:
    """Unit: that payment has ended."""
    tx.run(_PAID, which=no, new_state=state.value, zero=0, new_tries=tries)


def note_hindered(tx: Tx, no: int, why: str) -> None:
    """Unit: why the newest attempt to pay was not begun."""
    tx.run(_HINDERED, which=no, new_why=why)
