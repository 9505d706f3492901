"""Naming who owns a thing too, and the group it belongs to. Only whoever lists it names anybody. Source: docs/protocol.md 5.9."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from sqlalchemy import bindparam, delete, select

from node.clock import Clock
from node.services.circle_rows import CircleKey, circle_by_key, people_of
from node.services.members import State, existing, member_by_no
from node.services.thing_rows import ASKED, YES, Thing, read_thing
from node.services.thing_telling import ThingTelling
from node.store import Store, Tx, upsert
from node.store.schema import market as market_schema
from node.store.schema import things as schema
from protocol.circle import Standing
from protocol.limits import THING_OWNERS_MAX
from protocol.listing import State as ListingState
from protocol.names import ItemKey

_O: Final = schema.thing_owner.c
_G: Final = schema.thing_group.c
_L: Final = market_schema.listing.c
_PUT: Final = upsert(schema.thing_owner, key=("item_key", "member_no"), update=("state", "created_ms"))
_NOT: Final = delete(schema.thing_owner).where(
    _O.item_key == bindparam("which"), _O.member_no == bindparam("who")
)
_PUT_GROUP: Final = upsert(schema.thing_group, key=("item_key",), update=("circle_no", "members_only"))
_NO_GROUP: Final = delete(schema.thing_group).where(_G.item_key == bindparam("which"))
_GROUP_GONE: Final = delete(schema.thing_group).where(_G.circle_no == bindparam("which"))
_LISTED_BY: Final = select(_L.item_key).where(_L.member_no == bindparam("who"))
# Of somebody who leaves: what they own with others, and who owned with them what they listed.
_LEFT: Final = (
    delete(schema.thing_owner).where((_O.member_no == bindparam("who")) | _O.item_key.in_(_LISTED_BY)),
    delete(schema.thing_group).where(_G.item_key.in_(_LISTED_BY)),
)


class Why(StrEnum):
    """Why something was not done; nothing changed."""

    NOT_YOURS = "not-yours"
    WHO = "who"  # nobody with this number, or somebody who owns it already
    FULL = "full"
    NOT_NOW = "not-now"  # nobody asks any more


class CannotShare(Exception):
    """An honest no."""

    def __init__(self, why: Why):
        super().__init__(why.value)
        self.why: Final = why


class Things:
    """See the head of this file."""

    def __init__(self, *, store: Store, clock: Clock, telling: ThingTelling):
        self._store: Final = store
        self._clock: Final = clock
        self._telling: Final = telling

    async def name(self, key: ItemKey, by_no: int, who_no: int) -> None:
        """Ask a member to own a thing too, as whoever lists it. Raises LookupError, CannotShare."""
        await self._store.write(self._name, key, by_no, who_no)

    def _name(self, tx: Tx, key: ItemKey, by_no: int, who_no: int) -> None:
        thing, who = self._listed_by(tx, key, by_no), member_by_no(tx, who_no)
        known = {by_no, *(each.no for each in (*thing.owners, *thing.asked))}
        if who is None or who.state is State.LEFT or who_no in known:
            raise CannotShare(Why.WHO)
        if len(known) >= THING_OWNERS_MAX:
            raise CannotShare(Why.FULL)
        tx.run(_PUT, item_key=key, member_no=who_no, state=ASKED, created_ms=self._clock.now_ms())
        self._telling.asks(tx, thing, who)

    async def remove(self, key: ItemKey, by_no: int, who_no: int) -> None:
        """Let somebody own a thing no longer, as whoever lists it or as that member. Raises LookupError, CannotShare."""
        await self._store.write(self._remove, key, by_no, who_no)

    def _remove(self, tx: Tx, key: ItemKey, by_no: int, who_no: int) -> None:
        thing = self._existing(tx, key)
        if by_no not in (who_no, thing.first.no):
            raise CannotShare(Why.NOT_YOURS)
        if who_no not in {each.no for each in (*thing.owners, *thing.asked)}:
            raise CannotShare(Why.NOT_NOW)
        tx.run(_NOT, which=key, who=who_no)
        self._telling.ended(tx, thing, existing(tx, who_no), by=existing(tx, by_no))

    async def agree(self, key: ItemKey, by_no: int) -> None:
        """Say yes to owning a thing too. Raises LookupError, CannotShare."""
        await self._store.write(self._agree, key, by_no)

    def _agree(self, tx: Tx, key: ItemKey, by_no: int) -> None:
        thing = self._existing(tx, key)
        if by_no not in {each.no for each in thing.asked}:
            raise CannotShare(Why.NOT_NOW)
        tx.run(_PUT, item_key=key, member_no=by_no, state=YES, created_ms=self._clock.now_ms())
        self._telling.agreed(tx, thing, existing(tx, by_no))

    async def give_to_group(
        self, key: ItemKey, by_no: int, group: CircleKey | None, *, members_only: bool
    ) -> None:
        """Say to which group a thing belongs, as whoever lists it and keeps that group. Raises LookupError, CannotShare."""
        await self._store.write(self._give_to_group, key, by_no, group, members_only)

    def _give_to_group(
        self, tx: Tx, key: ItemKey, by_no: int, group: CircleKey | None, members_only: bool
    ) -> None:
        self._listed_by(tx, key, by_no)
        if group is None:
            tx.run(_NO_GROUP, which=key)
            return
        known = circle_by_key(tx, group)
        if known is None:
            raise LookupError("no such group")
        if people_of(tx, known).standing_of(by_no) is not Standing.KEEPER:
            raise CannotShare(Why.NOT_YOURS)
        tx.run(_PUT_GROUP, item_key=key, circle_no=known.no, members_only=members_only)

    def leave_in(self, tx: Tx, member_no: int) -> None:
        """Unit: a member leaves the scheme, and owns nothing with anybody any more."""
        for statement in _LEFT:
            tx.run(statement, who=member_no)

    def group_gone_in(self, tx: Tx, circle_no: int) -> None:
        """Unit: nobody is left in a group: its things are those of whoever lists them."""
        tx.run(_GROUP_GONE, which=circle_no)

    def _existing(self, tx: Tx, key: ItemKey) -> Thing:
        thing = read_thing(tx, key)
        if thing is None or thing.owned.listing.state is ListingState.WITHDRAWN:
            raise LookupError("no such thing")
        return thing

    def _listed_by(self, tx: Tx, key: ItemKey, by_no: int) -> Thing:
        thing = self._existing(tx, key)
        if thing.first.no != by_no:
            raise CannotShare(Why.NOT_YOURS)
        return thing
