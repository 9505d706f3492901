"""Events in the store: as values, how they are found, and who comes. What is done with them is in `events.py`.

Source: docs/protocol.md 5.11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, literal_column, select

from node.services.circle_rows import CircleKey
from node.store import ReadTx
from node.store.schema import circles as circles_schema
from node.store.schema import events as schema
from node.store.schema import people as people_schema
from node.store.statements import Row
from protocol.circle import INSIDE, Standing
from protocol.event import Answer, Guest, Guests, Kind, OwnEvent, Pays, Plan, State
from protocol.limits import EVENT_SETTLE_MS
from protocol.names import ItemKey

_E: Final = schema.event.c
_CI: Final = circles_schema.circle.c
_P: Final = circles_schema.circle_person.c
_COLUMNS: Final = (
    _E.no, _E.key, _E.series, _E.host_no, _E.state, _E.kind, _E.title, _E.text, _E.place, _E.starts, _E.ends, _E.capacity,
    _E.pays, _E.amount, _E.public, _E.approval, _E.near, _E.inside, _E.reason, _E.changed_ms,
    _E.circle_no, *[select(each).where(_CI.no == _E.circle_no).scalar_subquery() for each in (_CI.key, _CI.name)],
)  # fmt: skip
_BY_KEY: Final = select(*_COLUMNS).where(_E.key == bindparam("key"))
_BY_ONCE: Final = select(*_COLUMNS).where(_E.once == bindparam("once"))
_AHEAD: Final = _E.ends > bindparam("now")
# What a reader finds: visitors (nobody) what they may read; members all but what is for a group alone that is not theirs.
_MY_GROUPS: Final = select(_P.circle_no).where(
    _P.member_no == bindparam("me"), _P.standing.in_([each.value for each in sorted(INSIDE)])
)
_FOR_ME: Final = _E.inside.is_(False) | (_E.host_no == bindparam("me")) | _E.circle_no.in_(_MY_GROUPS)
_SEEN: Final = _E.public.is_(True) | ((bindparam("me") != 0) & _FOR_ME)
_UPCOMING: Final = (
    select(*_COLUMNS)
    .where(_AHEAD, _SEEN)
    .order_by(_E.starts, _E.no)
    .limit(bindparam("most"))
    .offset(bindparam("skip"))
)
_UPCOMING_COUNT: Final = select(func.count()).select_from(schema.event).where(_AHEAD, _SEEN)
_BEHIND: Final = _E.ends <= bindparam("now")
_PAST: Final = (
    select(*_COLUMNS)
    .where(_BEHIND, _SEEN)
    .order_by(_E.starts.desc(), _E.no.desc())
    .limit(bindparam("most"))
    .offset(bindparam("skip"))
)
_PAST_COUNT: Final = select(func.count()).select_from(schema.event).where(_BEHIND, _SEEN)
_LIFT: Final = _E.kind == literal_column("'lift'")
_LIFTS: Final = (
    select(*_COLUMNS)
    .where(_AHEAD, _LIFT, _E.state == literal_column("'planned'"))
    .order_by(_E.starts, _E.no)
    .limit(bindparam("most"))
    .offset(bindparam("skip"))
)
_LIFTS_COUNT: Final = (
    select(func.count())
    .select_from(schema.event)
    .where(_AHEAD, _LIFT, _E.state == literal_column("'planned'"))
)
_NEXT_PUBLIC: Final = (
    select(*_COLUMNS)
    .where(_AHEAD, _E.public.is_(True), _E.state == literal_column("'planned'"))
    .order_by(_E.starts, _E.no)
    .limit(1)
)
_OF_CIRCLE: Final = (
    select(*_COLUMNS)
    .where(_AHEAD, _SEEN, _E.circle_no == bindparam("circle_no"))
    .order_by(_E.starts, _E.no)
    .limit(bindparam("most"))
)
_STANDING: Final = select(_P.standing).where(
    _P.circle_no == bindparam("circle_no"), _P.member_no == bindparam("member_no")
)
_SERIES: Final = select(*_COLUMNS).where(_E.series == bindparam("series"), _AHEAD).order_by(_E.starts, _E.no)
_HOSTED: Final = (
    select(*_COLUMNS)
    .where(_E.host_no == bindparam("member_no"), _AHEAD, _E.state == literal_column("'planned'"))
    .order_by(_E.starts, _E.no)
)
_TO_SETTLE: Final = (
    select(*_COLUMNS)
    .where(
        _E.host_no == bindparam("member_no"), _E.starts <= bindparam("now"), _E.ends > bindparam("since"),
        _E.state == literal_column("'planned'"), _E.pays != literal_column("'nobody'"),
    )
    .order_by(_E.starts, _E.no)
)  # fmt: skip
_G: Final = schema.guest.c
_M: Final = people_schema.member.c
_HOST: Final = (
    select(_M.account_no)
    .select_from(schema.event.join(people_schema.member, _E.host_no == _M.no))
    .where(_E.key == bindparam("key"))
)
_GUESTS: Final = (
    select(_G.who, _G.answer, _G.turn).where(_G.event_no == bindparam("event_no")).order_by(_G.turn)
)
_PAID: Final = (
    select(_G.member_no, _G.trade_no)
    .where(_G.event_no == bindparam("event_no"), _G.trade_no.is_not(None))
    .order_by(_G.turn)
)
_SHARES: Final = (
    select(_G.who, _G.share)
    .where(_G.event_no == bindparam("event_no"), _G.share.is_not(None))
    .order_by(_G.turn)
)
_NAMES: Final = (
    select(_G.member_no, _M.name)
    .select_from(schema.guest.join(people_schema.member, _G.member_no == _M.no))
    .where(_G.event_no == bindparam("event_no"))
)
# What one member said yes to, and has not ended.
_MINE: Final = (
    select(*_COLUMNS, _G.answer, _G.moved_up_ms)
    .select_from(schema.event.join(schema.guest, _G.event_no == _E.no))
    .where(
        _G.member_no == bindparam("member_no"), _AHEAD,
        _G.answer.in_([Answer.COMING.value, Answer.WAITING.value, Answer.ASKED.value]),
    )
    .order_by(_E.starts, _E.no)
    .limit(bindparam("most"))
)  # fmt: skip
_COUNT_COMING: Final = (
    select(_G.event_no, func.count())
    .select_from(schema.guest.join(schema.event, _G.event_no == _E.no))
    .where(
        _E.starts >= bindparam("first"),
        _E.starts <= bindparam("last"),
        _G.answer == literal_column("'coming'"),
    )
    .group_by(_G.event_no)
)
_ANSWERS: Final = (
    select(_G.event_no, _G.answer)
    .select_from(schema.guest.join(schema.event, _G.event_no == _E.no))
    .where(
        _G.member_no == bindparam("member_no"),
        _E.starts >= bindparam("first"),
        _E.starts <= bindparam("last"),
    )
)
_C: Final = schema.event_comment.c
_COMMENTS: Final = (
    select(_C.no, _C.member_no, _M.name, _C.text, _C.created_ms)
    .select_from(schema.event_comment.join(people_schema.member, _C.member_no == _M.no))
    .where(_C.event_no == bindparam("event_no"))
    .order_by(_C.no)
)
_COMMENT: Final = select(_C.no, _C.event_no, _C.member_no).where(_C.no == bindparam("no"))


@dataclass(frozen=True, slots=True)
class OfGroup:
    """The group for which an event is put."""

    no: int
    key: CircleKey
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """One event of ours, and whose it is."""

    no: int
    key: ItemKey
    series: bytes | None
    host_no: int
    event: OwnEvent
    changed_ms: int
    group: OfGroup | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attended:
    """An event somebody said yes to, or hosts: then the answer is none."""

    hosted: Hosted
    answer: Answer
    moved_up_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """What somebody said under an event."""

    no: int
    member_no: int
    name: str
    text: str
    created_ms: int


def _hosted(row: Row) -> Hosted:
    (
        no, key, series, host_no, state, kind, title, text, place, starts, ends, capacity, pays, amount, public, approval, near, inside, reason,
        changed_ms, circle_no, circle_key, circle_name,
    ) = row  # fmt: skip
    plan = Plan(
        kind=Kind(kind), title=title, text=text, where=place, starts=starts, ends=ends, capacity=capacity,
        pays=Pays(pays), amount=amount, public=bool(public), approval=bool(approval),
        near=bool(near), inside=bool(inside),
    )  # fmt: skip
    return Hosted(
        no=no, key=ItemKey(key), series=series, host_no=host_no, changed_ms=changed_ms,
        event=OwnEvent(plan=plan, state=State(state), reason=reason),
        group=None if circle_no is None else OfGroup(circle_no, CircleKey(circle_key), circle_name),
    )  # fmt: skip


def event_by_key(tx: ReadTx, key: ItemKey) -> Hosted | None:
    """Return the event of that name."""
    row = tx.one(_BY_KEY, key=key)
    return None if row is None else _hosted(row)


def host_account(tx: ReadTx, key: ItemKey) -> int | None:
    """Return the account of whoever hosts the event of that name."""
    found = tx.scalar(_HOST, key=key)
    return None if found is None else int(found)


def event_by_once(tx: ReadTx, once: bytes) -> Hosted | None:
    """Return what a form's key posted."""
    row = tx.one(_BY_ONCE, once=once)
    return None if row is None else _hosted(row)


def standing_at(tx: ReadTx, hosted: Hosted, member_no: int) -> Standing:
    """Return what somebody is to the group for which an event is put; OUTSIDE where it is for none."""
    if hosted.group is None:
        return Standing.OUTSIDE
    row = tx.one(_STANDING, circle_no=hosted.group.no, member_no=member_no)
    return Standing.OUTSIDE if row is None else Standing(row[0])


def may_read(hosted: Hosted, member_no: int, standing: Standing) -> bool:
    """Tell whether a member, who is `standing` to its group, may read an event and come. Source: 5.12."""
    return not hosted.event.plan.inside or member_no == hosted.host_no or standing in INSIDE


def of_group(tx: ReadTx, circle_no: int, now_ms: int, me: int, most: int) -> list[Hosted]:
    """Return what is put for a group, has not ended, and a member may read; the soonest first."""
    return [_hosted(row) for row in tx.all(_OF_CIRCLE, circle_no=circle_no, now=now_ms, me=me, most=most)]


def upcoming(
    tx: ReadTx, now_ms: int, *, me: int | None, skip: int = 0, most: int = 20
) -> tuple[list[Hosted], int]:
    """Return what has not ended and the member `me` may read, the soonest first, and how much; None is a visitor."""
    asked = {"now": now_ms, "me": me or 0}
    return [_hosted(row) for row in tx.all(_UPCOMING, **asked, skip=skip, most=most)], int(
        tx.scalar(_UPCOMING_COUNT, **asked)
    )


def past(
    tx: ReadTx, now_ms: int, *, me: int | None, skip: int = 0, most: int = 20
) -> tuple[list[Hosted], int]:
    """Return what has ended and the member `me` may read, the newest first, and how much; None is a visitor."""
    asked = {"now": now_ms, "me": me or 0}
    return [_hosted(row) for row in tx.all(_PAST, **asked, skip=skip, most=most)], int(
        tx.scalar(_PAST_COUNT, **asked)
    )


def lifts_ahead(tx: ReadTx, now_ms: int, skip: int, most: int) -> tuple[list[Hosted], int]:
    """Return the lifts that have not ended, the soonest first, and how many there are."""
    found = [_hosted(row) for row in tx.all(_LIFTS, now=now_ms, skip=skip, most=most)]
    return found, int(tx.scalar(_LIFTS_COUNT, now=now_ms))


def asked_of(tx: ReadTx, host_no: int, now_ms: int) -> list[tuple[Hosted, int]]:
    """Return what somebody hosts of which others wait for their yes, and how many; the soonest first."""
    found = []
    for hosted in hosted_by(tx, host_no, now_ms):
        asked = len(guests_of(tx, hosted).asked) if hosted.event.plan.approval else 0
        if asked:
            tx.holds_until(hosted.event.plan.ends)
            found.append((hosted, asked))
    return found


def next_public(tx: ReadTx, now_ms: int) -> Hosted | None:
    """Return the next event that visitors may read."""
    row = tx.one(_NEXT_PUBLIC, now=now_ms)
    return None if row is None else _hosted(row)


def of_series(tx: ReadTx, series: bytes, now_ms: int) -> list[Hosted]:
    """Return the dates of one that repeats which have not ended, in order."""
    return [_hosted(row) for row in tx.all(_SERIES, series=series, now=now_ms)]


def hosted_by(tx: ReadTx, member_no: int, now_ms: int) -> list[Hosted]:
    """Return what somebody hosts and is neither over nor cancelled, the soonest first."""
    return [_hosted(row) for row in tx.all(_HOSTED, member_no=member_no, now=now_ms)]


def to_settle(tx: ReadTx, member_no: int, now_ms: int) -> list[Hosted]:
    """Return what somebody hosted of which they have not yet said who was there, so that units can move."""
    found = [
        _hosted(row)
        for row in tx.all(_TO_SETTLE, member_no=member_no, now=now_ms, since=now_ms - EVENT_SETTLE_MS)
    ]
    for each in found:
        tx.holds_until(each.event.plan.ends + EVENT_SETTLE_MS)
    for each in hosted_by(tx, member_no, now_ms):
        if each.event.plan.starts > now_ms:
            tx.holds_until(each.event.plan.starts)
    return found


def trades_of(tx: ReadTx, event_no: int) -> Mapping[int, int]:
    """Return the trade by which each who was there gave or got, by member."""
    return dict(tx.all(_PAID, event_no=event_no))


def shares_of(tx: ReadTx, event_no: int) -> Mapping[int, int]:
    """Return what each of another scheme who was there is asked for or gets, by what they are among guests."""
    return dict(tx.all(_SHARES, event_no=event_no))


def guests_of(tx: ReadTx, hosted: Hosted) -> Guests:
    """Return every answer to an event."""
    found = tuple(
        Guest(who, Answer(answer), turn) for who, answer, turn in tx.all(_GUESTS, event_no=hosted.no)
    )
    return Guests(hosted.event.plan.places, found, hosted.event.plan.approval)


def guest_names(tx: ReadTx, event_no: int) -> Mapping[int, str]:
    """Return the names of all members who answered, by member."""
    return dict(tx.all(_NAMES, event_no=event_no))


def events_of(tx: ReadTx, member_no: int, now_ms: int, most: int) -> list[Attended]:
    """Return what somebody said yes to and has not ended, the soonest first; cancelled ones too."""
    found = [
        Attended(hosted=_hosted(row[:-2]), answer=Answer(row[-2]), moved_up_ms=row[-1])
        for row in tx.all(_MINE, member_no=member_no, now=now_ms, most=most)
    ]
    for each in found:
        tx.holds_until(each.hosted.event.plan.ends)
    return found


def events_ahead(tx: ReadTx, member_no: int, now_ms: int, most: int) -> list[Attended]:
    """Return what somebody said yes to or hosts and has not ended, the soonest first; cancelled ones only as a guest."""
    hosted = hosted_by(tx, member_no, now_ms)[:most]
    for each in hosted:
        tx.holds_until(each.event.plan.ends)
    own = [Attended(hosted=each, answer=Answer.UNSAID, moved_up_ms=None) for each in hosted]
    found = [*own, *events_of(tx, member_no, now_ms, most)]
    return sorted(found, key=lambda each: (each.hosted.event.plan.starts, each.hosted.no))[:most]


def coming_counts(tx: ReadTx, shown: list[Hosted]) -> Mapping[int, int]:
    """Return how many come to each of `shown`, by event."""
    return dict(tx.all(_COUNT_COMING, **_span(shown)))


def answers_of(tx: ReadTx, shown: list[Hosted], member_no: int) -> Mapping[int, Answer]:
    """Return what somebody answered to each of `shown`, by event."""
    return {no: Answer(answer) for no, answer in tx.all(_ANSWERS, **_span(shown), member_no=member_no)}


def _span(shown: list[Hosted]) -> dict[str, int]:
    starts = [each.event.plan.starts for each in shown]
    return {"first": min(starts, default=0), "last": max(starts, default=-1)}


def comments_of(tx: ReadTx, event_no: int) -> list[Comment]:
    """Return what was said under an event, in order."""
    return [
        Comment(no=no, member_no=member_no, name=name, text=text, created_ms=created_ms)
        for no, member_no, name, text, created_ms in tx.all(_COMMENTS, event_no=event_no)
    ]


def comment_at(tx: ReadTx, no: int) -> tuple[int, int] | None:
    """Return the event and the author of a comment."""
    row = tx.one(_COMMENT, no=no)
    return None if row is None else (row[1], row[2])
