"""A member leaves: the account is closed, nothing of theirs is offered any more, and nobody signs in as them.

What is held about them stays until two organisers erase it (`erasure.py`). Source: docs/protocol.md 3.4; docs/pages.md 8.10.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import bindparam, delete, update

from node.clock import Clock
from node.services.acts import Actor, Deed, Role, note_act
from node.services.books import Books, Refused
from node.services.market import Market
from node.services.members import Member, State, Unable, Why, count_admins, existing
from node.services.own_listings import listings_of
from node.services.people import may_decide
from node.store import Store, Tx
from node.store.schema import people as schema
from node.store.schema import second_step as step_schema
from protocol.listing import Actor as ListingActor
from protocol.listing import Withdrew

_M: Final = schema.member.c
_LEFT: Final = (
    update(schema.member)
    .where(_M.no == bindparam("which"))
    .values(state=State.LEFT.value, state_reason="", away_until=None, role=Role.MEMBER.value)
)
_SIGNED_OUT: Final = tuple(
    delete(each).where(each.c.member_no == bindparam("which"))
    for each in (schema.session, schema.pending_sign_in, schema.sign_in_link, step_schema.pending_step)
)


class Parting:
    """See the head of this file."""

    def __init__(
        self, *, store: Store, clock: Clock, books: Books, market: Market, leaving: Callable[[Tx, Member], None]
    ):  # fmt: skip
        """`leaving` ends, in the same unit, what a member began with others."""
        self._store: Final = store
        self._clock: Final = clock
        self._books: Final = books
        self._market: Final = market
        self._leaving: Final = leaving

    async def part(self, by: Actor, no: int, *, why: str = "") -> None:
        """Note that a member has left.

        Raises:
            Unable: the balance is not zero, something is set aside, or this is the last admin.
        """
        by.must_organise()
        await self._store.write(self._part, by, no, why)

    def _part(self, tx: Tx, by: Actor, no: int, why: str) -> None:
        member = existing(tx, no)
        may_decide(by, member)
        if member.state is State.LEFT:
            raise Unable(Why.ALREADY_DECIDED)
        if member.role is Role.ADMIN and count_admins(tx) <= 1:
            raise Unable(Why.LAST_ADMIN)
        words = by.words("account closed", on_behalf_of=member.name, why=why or Deed.LEFT.value)
        self._leaving(tx, member)  # first: it frees what is set aside for what never came about
        try:
            self._books.close(tx, member.account_no, words)
        except Refused:
            raise Unable(Why.NOT_EVEN) from None
        for owned in listings_of(tx, no):
            self._market.act_in(tx, owned.listing.key, Withdrew(), ListingActor.OWNER)
        tx.run(_LEFT, which=no)
        for statement in _SIGNED_OUT:
            tx.run(statement, which=no)
        note_act(tx, by, Deed.LEFT, now_ms=self._clock.now_ms(), for_no=no, why=why)
