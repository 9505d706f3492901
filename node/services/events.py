"""Events of this scheme: posted, changed and cancelled by their host, answered by members, talked about below.

What may be done is decided in `protocol/event.py`, in the unit that records it: the one writer takes answers one after
the other, so nobody is given a place that is not there. Whoever is concerned is told in the same unit.
Source: docs/protocol.md 5.11; docs/pages.md 7.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import bindparam, delete, func, insert, select, update

from node.clock import Chance, Clock
from node.services.acts import Actor, Deed, NotAllowed, note_act
from node.services.circle_rows import CircleKey, circle_by_key, standings_of
from node.services.event_rows import (
    Hosted,
    comment_at,
    event_by_key,
    event_by_once,
    events_of,
    guests_of,
    hosted_by,
    may_read,
    of_series,
    standing_at,
)
from node.services.event_telling import EventTelling, News
from node.services.members import Member, existing
from node.store import ReadTx, Store, Tx, upsert
from node.store.schema import events as schema
from protocol.circle import INSIDE, Standing
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
        near=bindparam("new_near"), inside=bindparam("new_inside"), reason=bindparam("new_reason"), changed_ms=bindparam("now"),
    )
)  # fmt: skip
_GUEST: Final = upsert(
    schema.guest, key=("event_no", "who"), update=("answer", "turn", "moved_up_ms", "changed_ms")
)
_SAID: Final = insert(schema.event_comment)
_SAID_BEFORE: Final = select(_C.no).where(_C.once == bindparam("once"))
_COMMENTS: Final = (
    select(func.count()).select_from(schema.event_comment).where(_C.event_no == bindparam("event_no"))
)
_FOR_NO_GROUP: Final = update(schema.event).where(_E.circle_no == bindparam("which")).values(circle_no=None)
_FOR_ALL_FROM: Final = _FOR_NO_GROUP.where(_E.host_no == bindparam("who"), _E.inside.is_(False))
_UNSAID: Final = delete(schema.event_comment).where(_C.no == bindparam("which"))


TellAbroad = Callable[[Tx, Hosted, OwnEvent, int, News], None]


class TooManyEvents(Exception):
    """A member hosts as many as there may be."""


class TooManyComments(Exception):
    """As much was said under an event as there may be."""


def may_manage(by: Actor, hosted: Hosted, standing: Standing) -> bool:
    """Tell whether somebody who reads an event may change or cancel it: its host, an organiser, or who keeps its group."""
    return by.no == hosted.host_no or by.organises or standing is Standing.KEEPER


class Events:
    """See the head of this file."""

    def __init__(
        self, *, store: Store, clock: Clock, chance: Chance, telling: EventTelling, tell_abroad: TellAbroad
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._chance: Final = chance
        self._telling: Final = telling
        self._tell_abroad: Final = tell_abroad

    # --- hosts ----------------------------------------------------------------------------------------------

    async def post(
        self, host: Member, plans: Sequence[Plan], once: bytes, group: CircleKey | None = None
    ) -> Hosted:
        """Post an event, with one plan for each of its dates; return the first. The same `once` posts once.

        Raises:
            TooManyEvents: they host as many as one may. InvalidValue: one begins in the past or too far ahead.
            LookupError: they are in no such group; or it is for a group alone, and none is named.
        """
        return await self._store.write(self._post, host.no, tuple(plans), once, group)

    def _post(
        self, tx: Tx, host_no: int, plans: tuple[Plan, ...], once: bytes, group: CircleKey | None
    ) -> Hosted:
        if (known := event_by_once(tx, once)) is not None:
            return known
        circle = None if group is None else circle_by_key(tx, group)
        named = circle is not None and standings_of(tx, host_no).get(circle.no) in INSIDE
        if not named and (group is not None or any(each.inside for each in plans)):
            raise LookupError("no such group of theirs")
        now_ms = self._clock.now_ms()
        events = [planned(plan, now_ms) for plan in plans]
        if len(hosted_by(tx, host_no, now_ms)) + len(events) > EVENTS_OF_ONE_MAX:
            raise TooManyEvents
        series = self._chance.bytes(16) if len(events) > 1 else None
        for number, each in enumerate(events):
            tx.insert(
                _NEW, key=self._chance.bytes(16), series=series, host_no=host_no, circle_no=None if circle is None else circle.no, once=None if number else once,
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
        if by.no != hosted.host_no:
            self._telling.tell_host(tx, existing(tx, hosted.host_no), by.name, hosted, reason)
        self._note(tx, by, hosted, reason)
        return len(which)

    def _cancel_one(self, tx: Tx, hosted: Hosted, reason: str) -> None:
        after = cancelled(hosted.event, reason, self._clock.now_ms())
        self._save(tx, hosted, after)
        self._tell_all(tx, hosted, after, guests_of(tx, hosted), News.CANCELLED)

    def _managed(self, tx: ReadTx, key: ItemKey, by: Actor) -> tuple[Hosted, Guests]:
        hosted, standing = self._readable(tx, key, by.no)
        if not may_manage(by, hosted, standing):
            raise NotAllowed(by.name)
        return hosted, guests_of(tx, hosted)

    def _readable(self, tx: ReadTx, key: ItemKey, member_no: int | None) -> tuple[Hosted, Standing]:
        """Return an event that somebody may read, and what they are to its group. Raises LookupError. Source: 5.12."""
        hosted = event_by_key(tx, key)
        if hosted is None:
            raise LookupError("no such event")
        who = member_no or 0  # nobody at the command line is in a group
        standing = standing_at(tx, hosted, who)
        if not may_read(hosted, who, standing):
            raise LookupError("for a group alone, and not theirs to read")
        return hosted, standing

    def _note(self, tx: Tx, by: Actor, hosted: Hosted, why: str = "") -> None:
        """Put what an organiser did with somebody else's event on the record."""
        if by.no != hosted.host_no and by.organises:
            note_act(tx, by, Deed.EVENT, now_ms=self._clock.now_ms(), for_no=hosted.host_no, why=why)

    # --- guests ---------------------------------------------------------------------------------------------

    async def answer(self, key: ItemKey, member: Member, comes: bool) -> Answer:
        """Say that somebody comes, or that they cannot; return what then stands beside their name.

        Raises:
            LookupError. OutOfOrder: it is cancelled, over, theirs, or as many answered as there may be.
        """
        return await self._store.write(self._answer, key, member.no, comes)

    def _answer(self, tx: Tx, key: ItemKey, member_no: int, comes: bool) -> Answer:
        hosted, _ = self._readable(tx, key, member_no)
        if not hosted.event.takes_answers(self._clock.now_ms()) or member_no == hosted.host_no:
            raise OutOfOrder("an event that is cancelled, over, or one's own")
        return self.says_in(tx, hosted, member_no, existing(tx, member_no).name, comes)

    def says_in(self, tx: Tx, hosted: Hosted, who: int, name: str, comes: bool) -> Answer:
        """Unit: note what somebody says, who is a negative number where of another scheme; return what then stands. Raises OutOfOrder."""
        guests = guests_of(tx, hosted)
        seated = says(guests, who, comes)
        self._seat(tx, hosted, hosted.event, guests, seated)
        after = seated.guests.answer_of(who)
        if after is Answer.ASKED and guests.answer_of(who) is not Answer.ASKED:
            host = existing(tx, hosted.host_no)
            self._telling.tell_asked(tx, host, name, hosted.key, hosted.event.plan)
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
        if member_no < 0 and guests.answer_of(member_no) is Answer.DECLINED:
            raise OutOfOrder("a no to somebody of another scheme is for good")
        seated = admitted(guests, member_no, yes)
        self._seat(tx, hosted, hosted.event, guests, seated)
        after = seated.guests.answer_of(member_no)
        if after is not guests.answer_of(member_no):
            if member_no < 0:
                self._tell_abroad(tx, hosted, hosted.event, member_no, News.ANSWERED)
            else:
                member = existing(tx, member_no)
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
                    _GUEST, event_no=hosted.no, who=each.who, member_no=each.who if each.who > 0 else None, answer=each.answer.value, turn=each.turn,
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
            self._free(tx, mine.hosted, member_no)

    def left_group_in(self, tx: Tx, circle_no: int, member_no: int) -> None:
        """Unit: somebody is not in a group any more: no place is theirs in what is for it alone, and they host nothing of it.

        What they host for all members is theirs alone from now on. Source: 5.12.
        """
        now_ms = self._clock.now_ms()

        def alone(hosted: Hosted) -> bool:
            return hosted.event.plan.inside and hosted.group is not None and hosted.group.no == circle_no

        for hosted in hosted_by(tx, member_no, now_ms):
            if alone(hosted):
                self._cancel_one(tx, hosted, "")
        for mine in events_of(tx, member_no, now_ms, EVERY):
            if alone(mine.hosted):
                self._free(tx, mine.hosted, member_no)
        tx.run(_FOR_ALL_FROM, which=circle_no, who=member_no)

    def group_gone_in(self, tx: Tx, circle_no: int) -> None:
        """Unit: nobody is left in a group: what was put for it is put for none any more."""
        tx.run(_FOR_NO_GROUP, which=circle_no)

    def _free(self, tx: Tx, hosted: Hosted, member_no: int) -> None:
        """Give somebody's place in what has not ended to whoever waits."""
        if hosted.event.takes_answers(self._clock.now_ms()):
            guests = guests_of(tx, hosted)
            self._seat(tx, hosted, hosted.event, guests, says(guests, member_no, False))

    # --- what is said below ---------------------------------------------------------------------------------

    async def comment(self, key: ItemKey, member: Member, text: str, once: bytes) -> None:
        """Say something under an event; the same `once` says it once. Raises LookupError, TooManyComments."""
        await self._store.write(self._comment, key, member.no, text, once)

    def _comment(self, tx: Tx, key: ItemKey, member_no: int, text: str, once: bytes) -> None:
        hosted, _ = self._readable(tx, key, member_no)
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
        """Take away what was said: one's own words, or anybody's as an organiser or who keeps the group. Raises LookupError, NotAllowed."""
        await self._store.write(self._take_back, key, no, by)

    def _take_back(self, tx: Tx, key: ItemKey, no: int, by: Actor) -> None:
        hosted, standing = self._readable(tx, key, by.no)
        found = comment_at(tx, no)
        if found is None or found[0] != hosted.no:
            raise LookupError("no such comment")
        author = found[1]
        if by.no != author and standing is not Standing.KEEPER:
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
        if member_no < 0:
            self._tell_abroad(tx, hosted, event, member_no, news)
            return
        self._telling.tell(tx, existing(tx, member_no), hosted.key, event, news)


def _columns(event: OwnEvent) -> dict[str, object]:
    plan = event.plan
    return {
        "state": event.state.value, "kind": plan.kind.value, "title": plan.title, "text": plan.text,
        "place": plan.where, "starts": plan.starts, "ends": plan.ends, "capacity": plan.capacity,
        "pays": plan.pays.value, "amount": plan.amount, "public": plan.public, "approval": plan.approval,
        "near": plan.near, "inside": plan.inside, "reason": event.reason,
    }  # fmt: skip
