"""Accounts as the store has them, read one by one or all. What changes them is in `books.py`. Source: docs/protocol.md 3.2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from node.store import ReadTx
from node.store.schema import books as schema
from protocol.ledger import Account, AccountKind
from protocol.names import AccountId

_A: Final = schema.account.c
_ACCOUNT_COLUMNS: Final = (
    _A.no, _A.id, _A.kind, _A.unit, _A.balance, _A.held, _A.credit_limit, _A.ceiling, _A.warn_below, _A.warn_above,
    _A.closed,
)  # fmt: skip
_ACCOUNT: Final = select(*_ACCOUNT_COLUMNS).where(_A.no == bindparam("no"))
_ACCOUNT_BY_ID: Final = select(*_ACCOUNT_COLUMNS).where(_A.id == bindparam("id"))
_ACCOUNTS: Final = select(*_ACCOUNT_COLUMNS, _A.role).order_by(_A.no)
_KINDS: Final = {kind.value: kind for kind in AccountKind}


@dataclass(frozen=True, slots=True)
class Held:
    """An account of the store: its number here and its value."""

    no: int
    value: Account


def _account(row: tuple[object, ...]) -> Held:
    no, id_, kind, unit, balance, held, credit_limit, ceiling, warn_below, warn_above, closed, *_ = row
    value = Account(
        account_id=AccountId(id_),  # type: ignore[arg-type]  # columns are what the schema says
        kind=_KINDS[kind],  # type: ignore[index]
        unit=unit,  # type: ignore[arg-type]
        balance=balance,  # type: ignore[arg-type]
        held=held,  # type: ignore[arg-type]
        credit_limit=credit_limit,  # type: ignore[arg-type]
        ceiling=ceiling,  # type: ignore[arg-type]
        warn_below=warn_below,  # type: ignore[arg-type]
        warn_above=warn_above,  # type: ignore[arg-type]
        closed=bool(closed),
    )
    return Held(no, value)  # type: ignore[arg-type]


def load(tx: ReadTx, no: int) -> Held:
    """Return the account `no`.

    Raises:
        LookupError: there is none.
    """
    kept = tx.kept(schema.account)
    held: Held | None = kept.get(no)
    if held is None:
        row = tx.one(_ACCOUNT, no=no)
        if row is None:
            raise LookupError(f"no account {no}")
        held = kept[no] = _account(row)
    return held


def load_by_id(tx: ReadTx, account_id: AccountId) -> Held | None:
    """Return the account that the log calls so, if it is one of ours."""
    row = tx.one(_ACCOUNT_BY_ID, id=account_id)
    return None if row is None else _account(row)


def all_accounts(tx: ReadTx) -> list[tuple[Held, str]]:
    """Return every account with its system role (empty for members and groups), for audits."""
    return [(_account(row), str(row[-1])) for row in tx.all(_ACCOUNTS)]
