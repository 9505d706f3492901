"""Events of this scheme: posted, changed and cancelled by their host, answered by members, talked about below.

What may be done is decided in `protocol/event.py`, in the unit that records it: the one writer takes answers one after
the other, so nobody is given a place that is not there. Whoever is concerned is told in the same unit.
Source: docs/protocol.md 5.11; docs/pages.md 7.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, delete, func, insert, select, update

from node.clock import Chance, Clock
from node.services.acts import ORGANISERS, Actor, Deed, NotAllowed, note_act
from node.services.event_rows import (
    Hosted,
    comment_at,
    event_by_key,
    event_by_once,
    events_of,
    guests_of,
    hosted_by,
    of_series,
)
from node.services.event_telling import EventTelling, News
from node.services.members import Member, member_by_no
from node.store import ReadTx, Store, Tx, upsert
from node.store.schema import events as schema
from protocol.errors import OutOfOrder
from protocol.event import (
    Answer,
    Guests,
    OwnEvent,
    Plan,
    Seated,
    admitted,
    cancelled,
    edited,
    planned,
    resized,
    says,
)
from protocol.limits import EVENT_COMMENTS_MAX, EVENTS_OF_ONE_MAX
from protocol.names import ItemKey

EVERY: Final = 10_000  # events one member can have said yes to: more than there are

_E: Final = schema.event.c
_G: Final = schema.guest.c
_C: Final = schema.event_comment.c
_NEW: Final = insert(schema.event)
_CHANGED: Final = (
    update(schema.event)
    .where(_E.no == bindparam("which"))
    .values(
        state=bindparam("new_state"), kind=bindparam("new_kind"), title=bindparam("new_title"),
        text=bindparam("new_text"), place=bindparam("new_place"), starts=bindparam("new_starts"),
        ends=bindparam("new_ends"), capacity=bindparam("new_capacity"), pays=bindparam("new_pays"),
        amount=bindparam("new_amount"), public=bindparam("new_public"), approval=bindparam("new_approval"),
        reason=bindparam("new_reason"), changed_ms=bindparam("now"),
    )
)  # fmt: skip
_GUEST: Final = upsert(
    schema.guest, key=("event_no", "member_no"), update=("answer", "turn", "moved_up_ms", "changed_ms")
)
_SAID: Final = insert(schema.event_comment)
_SAID_BEFORE: Final = select(_C.no).where(_C.once == bindparam("once"))
_COMMENTS: Final = (
    select(func.count()).select_from(schema.event_comment).where(_C.event_no == bindparam("event_no"))
)
_UNSAID: Final = delete(schema.event_comment).where(_C.no == bindparam("which"))


class TooManyEvents(Exception):
    """A member hosts as many as there may be."""


class TooManyComments(Exception):
    """As much was said under an event as there may be."""


def may_manage(by: Actor, hosted: Hosted) -> bool:
    """Tell whether somebody may change or cancel an event: its host, or an organiser."""
    return by.no == hosted.host_no or by.role in ORGANISERS


class Events:
    """See the head of this file."""

    def __init__(self, *, store: Store, clock: Clock, chance: Chance, telling: EventTelling):
        self._store: Final = store
        self._clock: Final = clock
        self._chance: Final = chance
        self._telling: Final = telling

    # --- hosts ----------------------------------------------------------------------------------------------

    async def post(self, host: Member, plans: Sequence[Plan], once: bytes) -> Hosted:
        """Post an event, with one plan for each of its dates; return the first. The same `once` posts once.

        Raises:
            TooManyEvents: they host as many as one may. InvalidValue: one begins in the past or too far ahead.
        """
        return await self._store.write(self._post, host.no, tuple(plans), once)

    def _post(self, tx: Tx, host_no: int, plans: tuple[Plan, ...], once: bytes) -> Hosted:
        if (known := event_by_once(tx, once)) is not None:
            return known
        now_ms = self._clock.now_ms()
        events = [planned(plan, now_ms) for plan in plans]
        if len(hosted_by(tx, host_no, now_ms)) + len(events) > EVENTS_OF_ONE_MAX:
            raise TooManyEvents
        series = self._chance.bytes(16) if len(events) > 1 else None
        for number, each in enumerate(events):
            tx.insert(
                _NEW, key=self._chance.bytes(16), series=series, host_no=host_no, once=None if number else once,
                created_ms=now_ms, changed_ms=now_ms, **_columns(each),
            )  # fmt: skip
        made = event_by_once(tx, once)
        assert made is not None
        return made

    async def edit(self, key: ItemKey, by: Actor, plan: Plan) -> None:
        """Change an event; whoever comes or waits is told if time or place is another.

        Raises:
            LookupError, NotAllowed. OutOfOrder: not now, or not what it costs. InvalidValue: another time, out of range.
        """
        await self._store.write(self._edit, key, by, plan)

    def _edit(self, tx: Tx, key: ItemKey, by: Actor, plan: Plan) -> None:
        hosted, guests = self._managed(tx, key, by)
        after, moved = edited(hosted.event, plan, guests, self._clock.now_ms())
        self._save(tx, hosted, after)
        if moved:
            self._tell_all(tx, hosted, after, guests, News.CHANGED)
        self._seat(tx, hosted, after, guests, resized(guests, plan.places))
        self._note(tx, by, hosted)

    async def cancel(self, key: ItemKey, by: Actor, reason: str, *, later_too: bool = False) -> int:
        """Cancel an event, with `later_too` also all later dates of one that repeats; return how many. All are told.

        Raises:
            LookupError, NotAllowed. OutOfOrder: it is cancelled or over.
        """
        return await self._store.write(self._cancel, key, by, reason, later_too)

    def _cancel(self, tx: Tx, key: ItemKey, by: Actor, reason: str, later_too: bool) -> int:
        hosted, _ = self._managed(tx, key, by)
        which = [hosted]
        if later_too and hosted.series is not None:
            which += [
                each
                for each in of_series(tx, hosted.series, self._clock.now_ms())
                if each.event.plan.starts > hosted.event.plan.starts
                and each.event.takes_answers(self._clock.now_ms())
            ]
        for each in which:
            self._cancel_one(tx, each, reason)
        self._note(tx, by, hosted, reason)
        return len(which)

    def _cancel_one(self, tx: Tx, hosted: Hosted, reason: str) -> None:
        after = cancelled(hosted.event, reason, self._clock.now_ms())
        self._save(tx, hosted, after)
        self._tell_all(tx, hosted, after, guests_of(tx, hosted), News.CANCELLED)

    def _managed(self, tx: ReadTx, key: ItemKey, by: Actor) -> tuple[Hosted, Guests]:
        hosted = event_by_key(tx, key)
        if hosted is None:
            raise LookupError("no such event")
        if not may_manage(by, hosted):
            raise NotAllowed(by.name)
        return hosted, guests_of(tx, hosted)

    def _note(self, tx: Tx, by: Actor, hosted: Hosted, why: str = "") -> None:
        """Put what an organiser did with somebody else's event on the record."""
        if by.no != hosted.host_no:
            note_act(tx, by, Deed.EVENT, now_ms=self._clock.now_ms(), for_no=hosted.host_no, why=why)

    # --- guests ---------------------------------------------------------------------------------------------

    async def answer(self, key: ItemKey, member: Member, comes: bool) -> Answer:
        """Say that somebody comes, or that they cannot; return what then stands beside their name.

        Raises:
            LookupError. OutOfOrder: it is cancelled, over, theirs, or as many answered as there may be.
        """
        return await self._store.write(self._answer, key, member.no, comes)

    def _answer(self, tx: Tx, key: ItemKey, member_no: int, comes: bool) -> Answer:
        hosted = event_by_key(tx, key)
        if hosted is None:
            raise LookupError("no such event")
        if not hosted.event.takes_answers(self._clock.now_ms()) or member_no == hosted.host_no:
            raise OutOfOrder("an event that is cancelled, over, or one's own")
        guests = guests_of(tx, hosted)
        seated = says(guests, member_no, comes)
        self._seat(tx, hosted, hosted.event, guests, seated)
        after = seated.guests.answer_of(member_no)
        if after is Answer.ASKED and guests.answer_of(member_no) is not Answer.ASKED:
            who, host = member_by_no(tx, member_no), member_by_no(tx, hosted.host_no)
            assert who is not None
            assert host is not None
            self._telling.tell_asked(tx, host, who, hosted.key, hosted.event.plan)
        return after

    async def admit(self, key: ItemKey, by: Actor, member_no: int, yes: bool) -> Answer:
        """Say yes or no to somebody who asked for a place; return what then stands beside their name.

        Raises:
            LookupError, NotAllowed. OutOfOrder: it is cancelled or over, or they did not ask.
        """
        return await self._store.write(self._admit, key, by, member_no, yes)

    def _admit(self, tx: Tx, key: ItemKey, by: Actor, member_no: int, yes: bool) -> Answer:
        hosted, guests = self._managed(tx, key, by)
        if not hosted.event.takes_answers(self._clock.now_ms()):
            raise OutOfOrder("an event that is cancelled or over")
        seated = admitted(guests, member_no, yes)
        self._seat(tx, hosted, hosted.event, guests, seated)
        after = seated.guests.answer_of(member_no)
        if after is not guests.answer_of(member_no):
            member = member_by_no(tx, member_no)
            assert member is not None
            self._telling.tell_admitted(tx, member, hosted.key, hosted.event.plan, after)
            self._note(tx, by, hosted)
        return after

    def _seat(self, tx: Tx, hosted: Hosted, event: OwnEvent, before: Guests, after: Seated) -> None:
        """Record the answers that are others than before, and tell who moved up."""
        now_ms = self._clock.now_ms()
        known = set(before.all)
        for each in after.guests.all:
            if each not in known:
                moved_up = now_ms if each.who in after.moved_up else None
                tx.run(
                    _GUEST, event_no=hosted.no, member_no=each.who, answer=each.answer.value, turn=each.turn,
                    moved_up_ms=moved_up, changed_ms=now_ms,
                )  # fmt: skip
        for who in after.moved_up:
            self._tell(tx, hosted, event, who, News.MOVED_UP)

    def withdraw_in(self, tx: Tx, member_no: int) -> None:
        """Unit: somebody leaves the scheme: what they host is cancelled, and their places go to others."""
        now_ms = self._clock.now_ms()
        for hosted in hosted_by(tx, member_no, now_ms):
            self._cancel_one(tx, hosted, "")
        for mine in events_of(tx, member_no, now_ms, EVERY):
            if mine.hosted.event.takes_answers(now_ms):
                guests = guests_of(tx, mine.hosted)
                self._seat(tx, mine.hosted, mine.hosted.event, guests, says(guests, member_no, False))

    # --- what is said below ---------------------------------------------------------------------------------

    async def comment(self, key: ItemKey, member: Member, text: str, once: bytes) -> None:
        """Say something under an event; the same `once` says it once. Raises LookupError, TooManyComments."""
        await self._store.write(self._comment, key, member.no, text, once)

    def _comment(self, tx: Tx, key: ItemKey, member_no: int, text: str, once: bytes) -> None:
        hosted = event_by_key(tx, key)
        if hosted is None:
            raise LookupError("no such event")
        if tx.one(_SAID_BEFORE, once=once) is not None:
            return
        if tx.scalar(_COMMENTS, event_no=hosted.no) >= EVENT_COMMENTS_MAX:
            raise TooManyComments
        tx.insert(
            _SAID,
            event_no=hosted.no,
            member_no=member_no,
            text=text,
            once=once,
            created_ms=self._clock.now_ms(),
        )

    async def take_back(self, key: ItemKey, no: int, by: Actor) -> None:
        """Take away what was said: one's own words, or anybody's as an organiser. Raises LookupError, NotAllowed."""
        await self._store.write(self._take_back, key, no, by)

    def _take_back(self, tx: Tx, key: ItemKey, no: int, by: Actor) -> None:
        hosted, found = event_by_key(tx, key), comment_at(tx, no)
        if hosted is None or found is None or found[0] != hosted.no:
            raise LookupError("no such comment")
        author = found[1]
        if by.no != author:
            by.must_organise()
            note_act(tx, by, Deed.EVENT, now_ms=self._clock.now_ms(), for_no=author)
        tx.run(_UNSAID, which=no)

    # --- recording and telling ------------------------------------------------------------------------------

    def _save(self, tx: Tx, hosted: Hosted, after: OwnEvent) -> None:
        values = {f"new_{name}": value for name, value in _columns(after).items()}
        tx.run(_CHANGED, which=hosted.no, now=self._clock.now_ms(), **values)

    def _tell_all(self, tx: Tx, hosted: Hosted, event: OwnEvent, guests: Guests, news: News) -> None:
        for each in (*guests.coming, *guests.waiting, *guests.asked):
            self._tell(tx, hosted, event, each.who, news)

    def _tell(self, tx: Tx, hosted: Hosted, event: OwnEvent, member_no: int, news: News) -> None:
        member = member_by_no(tx, member_no)
        assert member is not None
        self._telling.tell(tx, member, hosted.key, event, news)


def _columns(event: OwnEvent) -> dict[str, object]:
    plan = event.plan
    return {
        "state": event.state.value, "kind": plan.kind.value, "title": plan.title, "text": plan.text,
        "place": plan.where, "starts": plan.starts, "ends": plan.ends, "capacity": plan.capacity,
        "pays": plan.pays.value, "amount": plan.amount, "public": plan.public, "approval": plan.approval,
        "reason": event.reason,
    }  # fmt: skip
