"""Whose a thing is that is lent or rented out: of whoever lists it, of those who own it too, of a group. Queries.

What is done about it is in `things.py`. Source: docs/protocol.md 5.9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select, union_all

from node.services.circle_account_rows import AccountState, GroupAccount, account_of_circle
from node.services.circle_rows import Known, circle_by_no, people_of
from node.services.members import (
    MEMBER_COLUMNS,
    Member,
    State,
    member_by_account,
    member_by_no,
    member_of_row,
)
from node.services.own_listings import Owned, find_own
from node.store import ReadTx
from node.store.schema import circles as circle_schema
from node.store.schema import market as market_schema
from node.store.schema import people as people_schema
from node.store.schema import things as schema
from protocol.circle import INSIDE, Standing
from protocol.listing import State as ListingState
from protocol.names import ItemKey

YES: Final = "yes"
ASKED: Final = "asked"
OWNED_TOGETHER: Final = (
    "lend",
    "rent",
)  # the kinds of listing that several own: nobody shares a bed they let
LISTED_MAX: Final = 60

_O: Final = schema.thing_owner.c
_G: Final = schema.thing_group.c
_L: Final = market_schema.listing.c
_M: Final = people_schema.member.c
_P: Final = circle_schema.circle_person.c
_KEEPER: Final = circle_schema.circle_person.alias("keeper")
_OF_GROUP: Final = schema.thing_group.join(market_schema.listing, _L.item_key == _G.item_key).join(
    circle_schema.circle_person, (_P.circle_no == _G.circle_no) & (_P.member_no == _L.member_no)
)
_STILL: Final = _P.standing.in_(sorted(each.value for each in INSIDE))
# The things of others that an account answers for too: it said yes to owning them, or keeps the group they belong to.
THINGS_KEPT: Final = union_all(
    select(_O.item_key)
    .select_from(schema.thing_owner.join(people_schema.member, _M.no == _O.member_no))
    .where(_M.account_no == bindparam("account_no"), _O.state == YES),
    select(_G.item_key)
    .select_from(
        _OF_GROUP.join(_KEEPER, _KEEPER.c.circle_no == _G.circle_no).join(
            people_schema.member, _M.no == _KEEPER.c.member_no
        )
    )
    .where(_M.account_no == bindparam("account_no"), _KEEPER.c.standing == Standing.KEEPER.value, _STILL),
)
_KEEPS: Final = select(_L.item_key).where(_L.item_key == bindparam("item_key"), _L.item_key.in_(THINGS_KEPT))
_OWNERS: Final = (
    select(_O.state, *MEMBER_COLUMNS)
    .select_from(schema.thing_owner.join(people_schema.member, _M.no == _O.member_no))
    .where(_O.item_key == bindparam("item_key"))
    .order_by(_O.created_ms, _O.member_no)
)
_GROUP: Final = (
    select(_G.circle_no, _G.members_only)
    .select_from(_OF_GROUP)
    .where(_G.item_key == bindparam("item_key"), _STILL)
)
_ASKED_OF: Final = (
    select(_O.item_key)
    .where(_O.member_no == bindparam("member_no"), _O.state == ASKED)
    .order_by(_O.created_ms)
    .limit(bindparam("most"))
)
_MINE: Final = (
    select(_O.item_key)
    .where(_O.member_no == bindparam("member_no"), _O.state == YES)
    .order_by(_O.created_ms)
    .limit(LISTED_MAX)
)
_THINGS_OF: Final = (
    select(_G.item_key)
    .select_from(_OF_GROUP)
    .where(_G.circle_no == bindparam("circle_no"), _STILL, _L.state == ListingState.PUBLISHED.value)
    .order_by(_L.created.desc())
    .limit(LISTED_MAX)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfGroup:
    """The group a thing belongs to, and who may book it."""

    known: Known
    members_only: bool
    account: GroupAccount | None  # where its price and its deposits go; None: to whoever lists it


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """Whose a thing is."""

    owned: Owned
    first: Member  # lists it
    owners: tuple[Member, ...]  # who said yes to owning it too
    asked: tuple[Member, ...]  # who did not answer yet
    group: OfGroup | None

    @property
    def shared(self) -> bool:
        """Whether it belongs to anybody but whoever lists it."""
        return bool(self.owners) or self.group is not None


def read_thing(tx: ReadTx, key: ItemKey) -> Thing | None:
    """Return whose a listing of ours is that lends or rents out; None for any other."""
    owned = find_own(tx, key)
    if owned is None or owned.listing.content.kind not in OWNED_TOGETHER:
        return None
    first = member_by_no(tx, owned.member_no)
    if first is None:
        return None
    rows = [(row[0], member_of_row(row[1:])) for row in tx.all(_OWNERS, item_key=key)]
    there = [(state, each) for state, each in rows if each.state is not State.LEFT]
    return Thing(
        owned=owned, first=first, group=group_of_thing(tx, key),
        owners=tuple(each for state, each in there if state == YES),
        asked=tuple(each for state, each in there if state == ASKED),
    )  # fmt: skip


def group_of_thing(tx: ReadTx, key: ItemKey) -> OfGroup | None:
    """Return the group a thing belongs to now."""
    row = tx.one(_GROUP, item_key=key)
    known = None if row is None else circle_by_no(tx, row[0])
    if row is None or known is None:
        return None
    account = account_of_circle(tx, known.no)
    is_open = account is not None and account.state is AccountState.OPEN
    return OfGroup(known=known, members_only=bool(row[1]), account=account if is_open else None)


def keeps_thing(tx: ReadTx, key: ItemKey, account_no: int) -> bool:
    """Tell whether an account answers for a thing that somebody else lists."""
    return tx.one(_KEEPS, item_key=key, account_no=account_no) is not None


def who_answers(tx: ReadTx, key: ItemKey, owner_no: int) -> list[Member]:
    """Return everybody who says yes or no for a thing, whoever lists it (account `owner_no`) first."""
    first = member_by_account(tx, owner_no)
    found = {} if first is None else {first.no: first}
    thing = read_thing(tx, key)
    if thing is not None:
        found |= {each.no: each for each in thing.owners}
        if thing.group is not None:
            people = people_of(tx, thing.group.known).keepers
            keepers = [member_by_no(tx, each.who) for each in people]
            found |= {each.no: each for each in keepers if each is not None}
    return list(found.values())


def may_book(tx: ReadTx, key: ItemKey, member_no: int | None) -> bool:
    """Tell whether a member may ask for a thing at all: what is for a group alone only those in it may.

    None asks for somebody of another scheme: they are in no group, and can give nothing to its account.
    """
    group = group_of_thing(tx, key)
    if group is None or member_no is None:
        return group is None or (not group.members_only and group.account is None)
    return not group.members_only or people_of(tx, group.known).standing_of(member_no) in INSIDE


def things_asked_of(tx: ReadTx, member_no: int, most: int) -> list[Thing]:
    """Return the things somebody is asked to own too."""
    return _things(tx, tx.all(_ASKED_OF, member_no=member_no, most=most))


def things_owned_too(tx: ReadTx, member_no: int) -> list[Thing]:
    """Return the things of others that somebody owns too."""
    return _things(tx, tx.all(_MINE, member_no=member_no))


def things_of_group(tx: ReadTx, circle_no: int) -> list[Thing]:
    """Return the things of a group that can be found now, the newest first."""
    return _things(tx, tx.all(_THINGS_OF, circle_no=circle_no))


def _things(tx: ReadTx, rows: list[tuple[bytes]]) -> list[Thing]:
    gone = (ListingState.WITHDRAWN, ListingState.REMOVED)
    found = (read_thing(tx, ItemKey(key)) for (key,) in rows)
    return [each for each in found if each is not None and each.owned.listing.state not in gone]
