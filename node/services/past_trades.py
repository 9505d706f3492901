"""Trades that were made in an old program, in the store: kept to be read, in no account.

Units and queries only; what they make of a file is in `import_plan.py`. Why they are in no ledger: decision 51.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import Select, bindparam, case, delete, func, insert, or_, select

from node.store import ReadTx, Tx
from node.store.schema import Big
from node.store.schema import imports as schema

PAST_SHOWN_MAX: Final = 2_000

_P: Final = schema.past_trade.c
_COLUMNS: Final = (
    _P.no, _P.import_no, _P.line, _P.mark, _P.day, _P.dated, _P.payer_no, _P.payee_no, _P.payer_name, _P.payee_name, _P.amount,
    _P.text,
)  # fmt: skip
_WHO: Final = bindparam("member_no", type_=Big)
# Each side by its own index.
_OF_MEMBER: Final = or_(_P.payer_no == _WHO, _P.payee_no == _WHO)
_NEW: Final = insert(schema.past_trade)
_KNOWN: Final = select(_P.no).where(_P.mark == bindparam("mark"))
_OF_IMPORT: Final = select(*_COLUMNS).where(_P.import_no == bindparam("import_no")).order_by(_P.line)
_BETWEEN: Final = (
    select(*_COLUMNS)
    .where(_OF_MEMBER, _P.day >= bindparam("first"), _P.day <= bindparam("last"))
    .order_by(_P.day, _P.no)
    .limit(PAST_SHOWN_MAX)
)
_SPAN: Final = select(func.count(), func.min(_P.day), func.max(_P.day)).where(_OF_MEMBER)
_SUM: Final = select(
    func.coalesce(func.sum(case((_P.payee_no == _WHO, _P.amount), else_=0)), 0)
    - func.coalesce(func.sum(case((_P.payer_no == _WHO, _P.amount), else_=0)), 0)
).where(_OF_MEMBER)
_ALL: Final = select(*_COLUMNS).order_by(_P.day, _P.no)
_DROP: Final = delete(schema.past_trade).where(_P.import_no == bindparam("which"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTrade:
    """A trade as the old program had it. `amount` is in our minor units."""

    no: int
    import_no: int
    line: int
    mark: bytes | None
    day: str
    dated: bool
    payer_no: int | None  # numbers of members
    payee_no: int | None
    payer_name: str
    payee_name: str
    amount: int
    text: str


class Span(NamedTuple):
    """How many there are of somebody, and from when to when."""

    trades: int
    first: str
    last: str


def _read(tx: ReadTx, statement: Select[tuple[object, ...]], **given: object) -> list[PastTrade]:
    names = [column.name for column in _COLUMNS]
    rows = [dict(zip(names, row, strict=True)) for row in tx.all(statement, **given)]
    return [PastTrade(**{**row, "dated": bool(row["dated"])}) for row in rows]


def past_of_import(tx: ReadTx, import_no: int) -> list[PastTrade]:
    """Return what a file brought in, by line."""
    return _read(tx, _OF_IMPORT, import_no=import_no)


def past_between(tx: ReadTx, member_no: int, first: str, last: str) -> list[PastTrade]:
    """Return a member's trades of these days, both included, the oldest first; at most PAST_SHOWN_MAX."""
    return _read(tx, _BETWEEN, member_no=member_no, first=first, last=last)


def all_past(tx: ReadTx) -> list[PastTrade]:
    """Return every one of them, the oldest first."""
    return _read(tx, _ALL)


def span_of(tx: ReadTx, member_no: int) -> Span:
    """Return how many trades a member has from old programs, and of which days."""
    count, first, last = tx.one(_SPAN, member_no=member_no) or (0, None, None)
    return Span(int(count), first or "", last or "")


def past_sum(tx: ReadTx, member_no: int) -> int:
    """Return what a member's trades in old programs come to: what they got, less what they gave."""
    return int(tx.scalar(_SUM, member_no=member_no))


def is_known(tx: ReadTx, mark: bytes) -> bool:
    """Tell whether a trade that says the same was brought in before."""
    return tx.one(_KNOWN, mark=mark) is not None


def put_past(tx: Tx, new: PastTrade) -> None:
    """Unit: keep one; its number is given here."""
    given = {column.name: getattr(new, column.name) for column in _COLUMNS if column.name != "no"}
    tx.run(_NEW, **given)


def drop_past(tx: Tx, import_no: int) -> None:
    """Unit: take back what a file brought in."""
    tx.run(_DROP, which=import_no)
