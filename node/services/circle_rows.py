"""Groups in the store: as values, how they are found, and who is in them. What is done with them is in `circles.py`.

Source: docs/protocol.md 5.12.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NewType

from sqlalchemy import bindparam, func, select

from node.store import ReadTx
from node.store.schema import circles as schema
from node.store.schema import letters as letters_schema
from node.store.schema import people as people_schema
from node.store.statements import Row
from protocol.circle import Circle, Door, Person, Standing
from protocol.names import SchemeId

CircleKey = NewType("CircleKey", bytes)  # 16 random bytes: a group's name in addresses

_C: Final = schema.circle.c
_P: Final = schema.circle_person.c
_M: Final = people_schema.member.c
_COLUMNS: Final = (_C.no, _C.key, _C.name, _C.purpose, _C.door, _C.created_ms)
_BY_KEY: Final = select(*_COLUMNS).where(_C.key == bindparam("key"))
_BY_NO: Final = select(*_COLUMNS).where(_C.no == bindparam("no"))
_BY_ONCE: Final = select(*_COLUMNS).where(_C.once == bindparam("once"))
_ALL: Final = select(*_COLUMNS).order_by(_C.name, _C.no)
_COUNT: Final = select(func.count()).select_from(schema.circle)
_PEOPLE: Final = select(_P.member_no, _P.standing, _P.turn).where(_P.circle_no == bindparam("circle_no"))
_SIZES: Final = (
    select(_P.circle_no, func.count())
    .where(_P.standing.in_([Standing.IN.value, Standing.KEEPER.value]))
    .group_by(_P.circle_no)
)
_MINE: Final = select(_P.circle_no, _P.standing).where(_P.member_no == bindparam("member_no"))
_NAMES: Final = (
    select(_P.member_no, _M.name)
    .select_from(schema.circle_person.join(people_schema.member, _P.member_no == _M.no))
    .where(_P.circle_no == bindparam("circle_no"))
)
# Who asks to come into a group that somebody keeps.
_OWN: Final = schema.circle_person.alias("own")
_ASKING: Final = (
    select(*_COLUMNS, _M.no, _M.name)
    .select_from(
        schema.circle_person.join(schema.circle, _P.circle_no == _C.no)
        .join(_OWN, _OWN.c.circle_no == _C.no)
        .join(people_schema.member, _P.member_no == _M.no)
    )
    .where(
        _OWN.c.member_no == bindparam("member_no"),
        _OWN.c.standing == Standing.KEEPER.value,
        _P.standing == Standing.ASKING.value,
    )
    .order_by(_P.changed_ms)
    .limit(bindparam("most"))
)
_TH: Final = letters_schema.thread.c
_SHUT: Final = (
    select(_M.no)
    .select_from(letters_schema.thread.join(people_schema.member, _TH.their_account == _M.account_no))
    .where(_TH.account_no == bindparam("account_no"), _TH.scheme == bindparam("own"), _TH.blocked.is_(True))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A group, without its people."""

    no: int
    key: CircleKey
    name: str
    purpose: str
    door: Door
    created_ms: int


def _known(row: Row) -> Known:
    no, key, name, purpose, door, created_ms = row
    return Known(
        no=no, key=CircleKey(key), name=name, purpose=purpose, door=Door(door), created_ms=created_ms
    )


def circle_by_key(tx: ReadTx, key: CircleKey) -> Known | None:
    """Return the group of that name in addresses."""
    row = tx.one(_BY_KEY, key=key)
    return None if row is None else _known(row)


def circle_by_no(tx: ReadTx, no: int) -> Known | None:
    """Return the group of that number."""
    row = tx.one(_BY_NO, no=no)
    return None if row is None else _known(row)


def circle_by_once(tx: ReadTx, once: bytes) -> Known | None:
    """Return what a form's key started."""
    row = tx.one(_BY_ONCE, once=once)
    return None if row is None else _known(row)


def all_circles(tx: ReadTx) -> list[Known]:
    """Return every group, by name."""
    return [_known(row) for row in tx.all(_ALL)]


def count_circles(tx: ReadTx) -> int:
    """Return how many groups there are."""
    return int(tx.scalar(_COUNT))


def people_of(tx: ReadTx, known: Known) -> Circle:
    """Return a group with everybody who is something to it."""
    found = tuple(
        Person(who, Standing(standing), turn) for who, standing, turn in tx.all(_PEOPLE, circle_no=known.no)
    )
    return Circle(known.door, found)


def sizes(tx: ReadTx) -> Mapping[int, int]:
    """Return how many are in each group, by its number."""
    return dict(tx.all(_SIZES))


def standings_of(tx: ReadTx, member_no: int) -> Mapping[int, Standing]:
    """Return what somebody is to each group, by its number; those to which they are nothing are left out."""
    return {no: Standing(standing) for no, standing in tx.all(_MINE, member_no=member_no)}


def names_in(tx: ReadTx, circle_no: int) -> Mapping[int, str]:
    """Return what everybody is called who is something to a group, by member."""
    return dict(tx.all(_NAMES, circle_no=circle_no))


def asking_mine(tx: ReadTx, member_no: int, most: int) -> list[tuple[Known, int, str]]:
    """Return who asks to come into a group that somebody keeps, whoever asked first first: group, number, name."""
    return [(_known(row[:-2]), row[-2], row[-1]) for row in tx.all(_ASKING, member_no=member_no, most=most)]


def shut_out(tx: ReadTx, account_no: int, own: SchemeId) -> frozenset[int]:
    """Return of whom a member wants to read nothing more: the members whose conversation with them they shut."""
    return frozenset(no for (no,) in tx.all(_SHUT, account_no=account_no, own=own))
