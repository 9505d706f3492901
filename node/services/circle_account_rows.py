"""Accounts of groups in the store: as values, and how they are found. What is done with them is in `circle_accounts.py`.

Source: docs/protocol.md 3.10.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NewType

from sqlalchemy import ColumnElement, ScalarSelect, bindparam, func, literal_column, select

from node.store import ReadTx
from node.store.schema import circle_accounts as schema
from node.store.schema import people as people_schema
from node.store.statements import Row

GroupAccountKey = NewType("GroupAccountKey", bytes)  # 16 random bytes: its name in addresses


class AccountState(StrEnum):
    """Where an account of a group stands."""

    ASKED = "asked"  # by a keeper
    OPEN = "open"
    CLOSED = "closed"


_A: Final = schema.circle_account.c
_T: Final = schema.circle_treasurer.c
_M: Final = people_schema.member.c
_COLUMNS: Final = (_A.no, _A.key, _A.circle_no, _A.account_no, _A.name, _A.state, _A.two_above)
_BY_KEY: Final = select(*_COLUMNS).where(_A.key == bindparam("key"))
_BY_NO: Final = select(*_COLUMNS).where(_A.no == bindparam("no"))
_BY_ACCOUNT: Final = select(*_COLUMNS).where(_A.account_no == bindparam("account_no"))
_NOT_CLOSED: Final = _A.state != literal_column(f"'{AccountState.CLOSED.value}'")
_OF_CIRCLE: Final = select(*_COLUMNS).where(_A.circle_no == bindparam("circle_no"), _NOT_CLOSED)
_ALL: Final = select(*_COLUMNS).where(_NOT_CLOSED).order_by(_A.name, _A.no)
_COUNT_ASKED: Final = (
    select(func.count())
    .select_from(schema.circle_account)
    .where(_A.state == literal_column(f"'{AccountState.ASKED.value}'"))
)
_TREASURERS: Final = (
    select(_T.member_no, _M.name)
    .select_from(schema.circle_treasurer.join(people_schema.member, _T.member_no == _M.no))
    .where(_T.circle_account_no == bindparam("no"))
    .order_by(_M.folded, _M.no)
)


def group_of(*accounts: ColumnElement[int]) -> ScalarSelect[str]:
    """Return the name of the group whose account one of these columns names, as a column."""
    return select(_A.name).where(_A.account_no.in_(accounts)).limit(1).scalar_subquery()


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAccount:
    """An account of a group, or one that is asked for."""

    no: int
    key: GroupAccountKey
    circle_no: int | None  # None: the group is gone
    account_no: int | None  # None: it is asked for
    name: str
    state: AccountState
    two_above: int | None  # minor units: for more than this two treasurers say yes


def _account(row: Row) -> GroupAccount:
    no, key, circle_no, account_no, name, state, two_above = row
    return GroupAccount(
        no=no, key=GroupAccountKey(key), circle_no=circle_no, account_no=account_no, name=name, state=AccountState(state),
        two_above=two_above,
    )  # fmt: skip


def group_account_by_key(tx: ReadTx, key: GroupAccountKey) -> GroupAccount | None:
    """Return the account of that name in addresses."""
    row = tx.one(_BY_KEY, key=key)
    return None if row is None else _account(row)


def group_account_by_no(tx: ReadTx, no: int) -> GroupAccount | None:
    """Return the account of that number."""
    row = tx.one(_BY_NO, no=no)
    return None if row is None else _account(row)


def group_account_by_ledger(tx: ReadTx, account_no: int) -> GroupAccount | None:
    """Return the group's account that has this number on the ledger; None where it is nobody's or a member's."""
    row = tx.one(_BY_ACCOUNT, account_no=account_no)
    return None if row is None else _account(row)


def account_of_circle(tx: ReadTx, circle_no: int) -> GroupAccount | None:
    """Return the account that a group has, or asks for; none that is closed."""
    row = tx.one(_OF_CIRCLE, circle_no=circle_no)
    return None if row is None else _account(row)


def group_accounts(tx: ReadTx) -> list[GroupAccount]:
    """Return every account that is asked for or open, by name."""
    return [_account(row) for row in tx.all(_ALL)]


def count_accounts_asked(tx: ReadTx) -> int:
    """Return how many groups ask for an account."""
    return int(tx.scalar(_COUNT_ASKED))


def treasurers_of(tx: ReadTx, no: int) -> dict[int, str]:
    """Return who lets an account give, by number: their names."""
    return dict(tx.all(_TREASURERS, no=no))
