"""What a treasurer wants a group's account to give and a second has to say yes to, in the store. Queries and units.

What is done with it is in `circle_givings.py`. Source: docs/protocol.md 3.10.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import bindparam, func, insert, select, update

from node.services.circle_account_rows import GroupAccount, group_account_by_no
from node.store import ReadTx, Tx
from node.store.schema import circle_accounts as schema
from node.store.statements import Row
from protocol.limits import GROUP_GIVING_WAITS_MS

_G: Final = schema.circle_giving.c
_T: Final = schema.circle_treasurer.c
_COLUMNS: Final = (
    _G.no, _G.circle_account_no, _G.payee_no, _G.amount, _G.text, _G.by_no, _G.state, _G.created_ms, _G.trade_no,
)  # fmt: skip
_BY_NO: Final = select(*_COLUMNS).where(_G.no == bindparam("no"))
_BY_ONCE: Final = select(*_COLUMNS).where(_G.once == bindparam("once"))
_WAITS: Final = _G.state == "waiting"
_OF_ACCOUNT: Final = (
    select(*_COLUMNS)
    .where(_G.circle_account_no == bindparam("account"), _WAITS, _G.created_ms > bindparam("since"))
    .order_by(_G.no)
)
_FOR_TREASURER: Final = (
    select(*_COLUMNS)
    .select_from(schema.circle_giving.join(schema.circle_treasurer, _T.circle_account_no == _G.circle_account_no))
    .where(
        _T.member_no == bindparam("member_no"), _G.by_no != bindparam("member_no"), _G.payee_no != bindparam("member_no"),
        _WAITS, _G.created_ms > bindparam("since"),
    )
    .order_by(_G.no)
    .limit(bindparam("most"))
)  # fmt: skip
_COUNT: Final = (
    select(func.count())
    .select_from(schema.circle_giving)
    .where(_G.circle_account_no == bindparam("account"), _WAITS)
)
_OLD: Final = select(*_COLUMNS).where(_WAITS, _G.created_ms <= bindparam("since")).order_by(_G.no)
_NEW: Final = insert(schema.circle_giving)
_ENDED: Final = (
    update(schema.circle_giving)
    .where(_G.no == bindparam("which"))
    .values(
        state=bindparam("new_state"), ended_ms=bindparam("now"), ended_by_no=bindparam("ended_by"), trade_no=bindparam("trade")
    )
)  # fmt: skip
_NO_MORE: Final = (
    update(schema.circle_giving)
    .where(_G.circle_account_no == bindparam("which"), _WAITS)
    .values(state="lapsed", ended_ms=bindparam("now"))
)


class GivingState(StrEnum):
    """Where it stands."""

    WAITING = "waiting"
    GIVEN = "given"
    DECLINED = "declined"
    LAPSED = "lapsed"  # nobody said yes in time, or the account was closed


@dataclass(frozen=True, slots=True, kw_only=True)
class Giving:
    """What one treasurer wants to be given."""

    no: int
    account: GroupAccount
    payee_no: int  # a member
    amount: int
    text: str
    by_no: int  # the treasurer's
    state: GivingState
    created_ms: int
    trade_no: int | None

    @property
    def until_ms(self) -> int:
        """From when on nothing comes of it."""
        return self.created_ms + GROUP_GIVING_WAITS_MS

    def waits(self, now_ms: int) -> bool:
        """Tell whether a second treasurer may still say yes."""
        return self.state is GivingState.WAITING and now_ms < self.until_ms


def _giving(tx: ReadTx, row: Row) -> Giving:
    no, account_no, payee_no, amount, text, by_no, state, created_ms, trade_no = row
    account = group_account_by_no(tx, account_no)
    assert account is not None, "never deleted once it was opened"
    return Giving(
        no=no, account=account, payee_no=payee_no, amount=amount, text=text, by_no=by_no, state=GivingState(state),
        created_ms=created_ms, trade_no=trade_no,
    )  # fmt: skip


def giving_by_no(tx: ReadTx, no: int) -> Giving | None:
    """Return the one of that number."""
    row = tx.one(_BY_NO, no=no)
    return None if row is None else _giving(tx, row)


def giving_by_once(tx: ReadTx, once: bytes) -> Giving | None:
    """Return what a form's key asked for."""
    row = tx.one(_BY_ONCE, once=once)
    return None if row is None else _giving(tx, row)


def givings_of(tx: ReadTx, account_no: int, now_ms: int) -> list[Giving]:
    """Return what waits at the group's account of that number, the oldest first."""
    return _waiting(tx, tx.all(_OF_ACCOUNT, account=account_no, since=now_ms - GROUP_GIVING_WAITS_MS))


def givings_for(tx: ReadTx, member_no: int, now_ms: int, most: int) -> list[Giving]:
    """Return what waits for the yes of a treasurer."""
    rows = tx.all(_FOR_TREASURER, member_no=member_no, since=now_ms - GROUP_GIVING_WAITS_MS, most=most)
    return _waiting(tx, rows)


def _waiting(tx: ReadTx, rows: list[Row]) -> list[Giving]:
    found = [_giving(tx, row) for row in rows]
    for each in found:
        tx.holds_until(each.until_ms)
    return found


def count_waiting(tx: ReadTx, account_no: int) -> int:
    """Return how many wait at one account."""
    return int(tx.scalar(_COUNT, account=account_no))


def run_out(tx: ReadTx, now_ms: int) -> list[Giving]:
    """Return what nobody said yes to in time and that is not noted yet."""
    return [_giving(tx, row) for row in tx.all(_OLD, since=now_ms - GROUP_GIVING_WAITS_MS)]


def put_giving(
    tx: Tx, *, account_no: int, payee_no: int, amount: int, text: str, by_no: int, once: bytes, now_ms: int
) -> Giving:
    """Unit: note what a treasurer wants to be given."""
    no = tx.insert(
        _NEW, circle_account_no=account_no, payee_no=payee_no, amount=amount, text=text, by_no=by_no, once=once,
        state=GivingState.WAITING.value, created_ms=now_ms, ended_ms=None, ended_by_no=None, trade_no=None,
    )  # fmt: skip
    made = giving_by_no(tx, no)
    assert made is not None
    return made


def end_giving(
    tx: Tx, no: int, state: GivingState, *, by_no: int | None, now_ms: int, trade_no: int | None = None
) -> None:
    """Unit: note what came of it."""
    tx.run(_ENDED, which=no, new_state=state.value, now=now_ms, ended_by=by_no, trade=trade_no)


def no_more_givings(tx: Tx, account_no: int, now_ms: int) -> None:
    """Unit: nothing comes of what waits at an account any more."""
    tx.run(_NO_MORE, which=account_no, now=now_ms)
