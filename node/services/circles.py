"""Groups of members: started, joined, left, kept, handed over.

What may be done is decided in `protocol/circle.py`, in the unit that records it, so that a group never is without a keeper.
Its notice board is in `circle_board.py`. Source: docs/protocol.md 5.12; docs/pages.md 7.2.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from sqlalchemy import bindparam, delete, insert, select, update

from node.clock import Chance, Clock
from node.services.circle_accounts import CircleAccounts
from node.services.circle_rows import (
    CircleKey,
    Known,
    circle_by_key,
    circle_by_no,
    circle_by_once,
    count_circles,
    people_of,
    standings_of,
)
from node.services.circle_telling import CircleTelling
from node.services.events import Events
from node.services.members import Member
from node.services.proposals import Proposals
from node.services.things import Things
from node.store import ReadTx, Store, Tx, upsert
from node.store.schema import circles as schema
from protocol.circle import INSIDE, Act, Circle, Door, No, Standing, after, refusal, started, without
from protocol.limits import CIRCLES_KEPT_MAX, CIRCLES_MAX

_C: Final = schema.circle.c
_P: Final = schema.circle_person.c
_N: Final = schema.circle_note.c
_R: Final = schema.circle_reply.c
_NEW: Final = insert(schema.circle)
_CHANGED: Final = (
    update(schema.circle)
    .where(_C.no == bindparam("which"))
    .values(name=bindparam("new_name"), purpose=bindparam("new_purpose"), door=bindparam("new_door"))
)
_PERSON: Final = upsert(
    schema.circle_person, key=("circle_no", "member_no"), update=("standing", "turn", "changed_ms")
)
_NOBODY: Final = delete(schema.circle_person).where(
    _P.circle_no == bindparam("which"), _P.member_no == bindparam("who")
)
_NOTES: Final = select(_N.no).where(_N.circle_no == bindparam("which"))
# Whatever belongs to a group in which nobody is left.
_GONE: Final = (
    delete(schema.circle_reply).where(_R.note_no.in_(_NOTES)),
    delete(schema.circle_note).where(_N.circle_no == bindparam("which")),
    delete(schema.circle_person).where(_P.circle_no == bindparam("which")),
    delete(schema.circle).where(_C.no == bindparam("which")),
)


class Why(StrEnum):
    """Why something was not done; nothing changed."""

    NOT_NOW = "not-now"
    NOT_YOURS = "not-yours"
    LAST_KEEPER = "last-keeper"
    FULL = "full"
    KEEPS_MANY = "keeps-many"  # one person keeps as many as one may
    SO_MANY = "so-many"  # there are as many groups as there may be


class CannotGroup(Exception):
    """An honest no."""

    def __init__(self, why: Why):
        super().__init__(why.value)
        self.why: Final = why


class Circles:
    """See the head of this file."""

    def __init__(
        self, *, store: Store, clock: Clock, chance: Chance, proposals: Proposals, events: Events, accounts: CircleAccounts, things: Things,
        telling: CircleTelling,
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._chance: Final = chance
        self._proposals: Final = proposals
        self._events: Final = events
        self._accounts: Final = accounts
        self._things: Final = things
        self._telling: Final = telling

    async def start(self, by: Member, name: str, purpose: str, door: Door, once: bytes) -> CircleKey:
        """Start a group that `by` keeps; the same `once` starts one. Raises CannotGroup."""
        return await self._store.write(self._start, by.no, name, purpose, door, once)

    def _start(self, tx: Tx, by_no: int, name: str, purpose: str, door: Door, once: bytes) -> CircleKey:
        if (known := circle_by_once(tx, once)) is not None:
            return known.key
        if list(standings_of(tx, by_no).values()).count(Standing.KEEPER) >= CIRCLES_KEPT_MAX:
            raise CannotGroup(Why.KEEPS_MANY)
        if count_circles(tx) >= CIRCLES_MAX:
            raise CannotGroup(Why.SO_MANY)
        key = CircleKey(self._chance.bytes(16))
        no = tx.insert(
            _NEW, key=key, name=name, purpose=purpose, door=door.value, once=once, created_ms=self._clock.now_ms()
        )  # fmt: skip
        self._record(tx, no, Circle(door), started(door, by_no))
        return key

    async def change(self, key: CircleKey, by: Member, name: str, purpose: str, door: Door) -> None:
        """Change what a group is called and for, or close it. A closed one stays closed. Raises LookupError, CannotGroup."""
        await self._store.write(self._change, key, by.no, name, purpose, door)

    def _change(self, tx: Tx, key: CircleKey, by_no: int, name: str, purpose: str, door: Door) -> None:
        known, circle = self._found(tx, key)
        if circle.standing_of(by_no) is not Standing.KEEPER:
            raise CannotGroup(Why.NOT_YOURS)
        if known.door is Door.CLOSED and door is Door.OPEN:
            raise CannotGroup(Why.NOT_NOW)  # what was written there was written for those in it
        tx.run(_CHANGED, which=known.no, new_name=name, new_purpose=purpose, new_door=door.value)
        self._accounts.renamed_in(tx, known.no, name)

    async def act(self, key: CircleKey, act: Act, by: Member, who_no: int) -> Standing:
        """Do something about somebody's place in a group; return what they are to it then.

        The last to leave leaves nothing: the group is gone with all that was in it.

        Raises:
            LookupError: no such group. CannotGroup.
        """
        return await self._store.write(self._act, key, act, by.no, who_no)

    def _act(self, tx: Tx, key: CircleKey, act: Act, by_no: int, who_no: int) -> Standing:
        known, circle = self._found(tx, key)
        if (no := refusal(circle, act, by_no, who_no)) is not None:
            raise CannotGroup(_WHY[no])
        if act is Act.RAISE:
            kept = list(standings_of(tx, who_no).values()).count(Standing.KEEPER)
            if kept >= CIRCLES_KEPT_MAX:
                raise CannotGroup(Why.KEEPS_MANY)
        self._record(tx, known.no, circle, then := after(circle, act, by_no, who_no))
        if act is Act.ASK:
            self._telling.asks(tx, known, then, who_no)
        elif act in (Act.ACCEPT, Act.DECLINE):
            self._telling.let_in_or_not(tx, known, who_no, act)
        return then.standing_of(who_no)

    def leave_in(self, tx: Tx, member: Member) -> None:
        """Unit: somebody leaves the scheme, and every group with it; none is left without a keeper. Source: 5.12."""
        for no in standings_of(tx, member.no):
            known = circle_by_no(tx, no)
            assert known is not None, "a foreign key"
            circle = people_of(tx, known)
            self._record(tx, no, circle, without(circle, member.no))

    def _found(self, tx: ReadTx, key: CircleKey) -> tuple[Known, Circle]:
        known = circle_by_key(tx, key)
        if known is None:
            raise LookupError("no such group")
        return known, people_of(tx, known)

    def _record(self, tx: Tx, no: int, before: Circle, then: Circle) -> None:
        known = set(before.people)
        for each in then.people:
            if each not in known:
                tx.run(
                    _PERSON, circle_no=no, member_no=each.who, standing=each.standing.value, turn=each.turn,
                    changed_ms=self._clock.now_ms(),
                )  # fmt: skip
        for each in before.people:
            left = then.standing_of(each.who)
            if left is Standing.OUTSIDE:
                tx.run(_NOBODY, which=no, who=each.who)
            if each.standing in INSIDE and left not in INSIDE:
                self._proposals.left_group_in(tx, no, each.who)
                self._events.left_group_in(tx, no, each.who)
                self._accounts.left_group_in(tx, no, each.who)
            elif each.standing is Standing.KEEPER and left is Standing.IN:
                self._proposals.keeps_no_more_in(tx, no, each.who)
        if before.inside and not then.inside:
            self._proposals.group_gone_in(tx, no)
            self._events.group_gone_in(tx, no)
            self._accounts.group_gone_in(tx, no)
            self._things.group_gone_in(tx, no)
            for statement in _GONE:
                tx.run(statement, which=no)


_WHY: Final = {
    No.NOT_NOW: Why.NOT_NOW,
    No.NOT_YOURS: Why.NOT_YOURS,
    No.LAST_KEEPER: Why.LAST_KEEPER,
    No.FULL: Why.FULL,
}
