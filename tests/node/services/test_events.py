"""Events on a whole node: places are given once, whoever waits moves up, and all concerned are told. Rule 5.11."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from node.services.acts import OPERATOR, NotAllowed, Role, acts_for
from node.services.event_rows import (
    Hosted,
    comments_of,
    event_by_key,
    events_of,
    guests_of,
    of_series,
    upcoming,
)
from node.services.events import TooManyComments, TooManyEvents
from node.services.members import Member, NewMember
from node.services.my_data import read_my_data
from node.services.paper_notes import to_tell
from node.store import ReadTx
from protocol.errors import InvalidValue, OutOfOrder
from protocol.event import Answer, Guests, Kind, Plan, State
from protocol.limits import DAY_MS, EVENT_COMMENTS_MAX, EVENTS_OF_ONE_MAX, HOUR_MS
from tests.builders import NOW
from tests.erasing import Scheme, open_scheme
from tests.node.web.towns import Town, open_town

PLAN = Plan(
    kind=Kind.WORK, title="Hedge", text="Bring gloves.", where="School", starts=NOW + 7 * DAY_MS, ends=NOW + 7 * DAY_MS + HOUR_MS
)  # fmt: skip


class Oakvale:
    def __init__(self, town: Town, rosa: Member, guests: list[Member]):
        self.town, self.rosa, self.guests, self.events = town, rosa, guests, town.node.events

    def once(self) -> bytes:
        return self.town.node.chance.bytes(16)

    async def post(self, plan: Plan = PLAN, *more: Plan) -> Hosted:
        return await self.events.post(self.rosa, [plan, *more], self.once())

    async def now(self, hosted: Hosted) -> tuple[Hosted, Guests]:
        def query(tx: ReadTx) -> tuple[Hosted, Guests]:
            found = event_by_key(tx, hosted.key)
            assert found is not None
            return found, guests_of(tx, found)

        return await self.town.node.store.read(query)

    async def subjects(self) -> list[tuple[str, str]]:
        return [(mail.recipient.partition("@")[0], mail.subject) for mail in await self.town.mails()]


@pytest.fixture
async def oakvale() -> AsyncIterator[Oakvale]:
    async with open_town() as town:
        rosa = await town.member("Rosa", Role.ORGANISER)
        yield Oakvale(town, rosa, [await town.member(name) for name in ("Ana", "Ben", "Maud", "Otto")])


async def test_a_place_that_becomes_free_goes_to_whoever_waits_longest_and_they_are_told(
    oakvale: Oakvale,
) -> None:
    ana, ben, maud, _ = oakvale.guests
    hosted = await oakvale.post(replace(PLAN, capacity=1))
    assert await oakvale.events.answer(hosted.key, ana, True) is Answer.COMING
    assert await oakvale.events.answer(hosted.key, ben, True) is Answer.WAITING
    assert await oakvale.events.answer(hosted.key, maud, True) is Answer.WAITING
    assert await oakvale.subjects() == []

    assert await oakvale.events.answer(hosted.key, ana, False) is Answer.NOT_COMING
    _, guests = await oakvale.now(hosted)
    assert [each.who for each in guests.coming] == [ben.no]
    assert [each.who for each in guests.waiting] == [maud.no]
    assert await oakvale.subjects() == [("ben", "You have a place now: Hedge")]
    (mine,) = await oakvale.town.node.store.read(events_of, ben.no, NOW, 9)
    assert mine.moved_up_ms == oakvale.town.clock.now_ms()


async def test_answers_that_come_at_once_give_no_place_twice(tmp_path: Path) -> None:
    """On the store that serves, with a writer of its own: fifteen people, three places."""
    async with open_scheme(tmp_path) as scheme:
        rosa = scheme.members[0]
        people = [await scheme.join() for _ in range(15)]
        plan = replace(PLAN, capacity=3, starts=scheme.clock.now + DAY_MS, ends=scheme.clock.now + DAY_MS + 1)
        hosted = await scheme.node.events.post(rosa, [plan], scheme.node.chance.bytes(16))
        for comes in (True, False, True):
            told = await asyncio.gather(
                *(scheme.node.events.answer(hosted.key, each, comes) for each in people)
            )
            guests = await scheme.node.store.read(guests_of, hosted)
            assert len(guests.coming) == (3 if comes else 0)
            assert len(guests.waiting) == (12 if comes else 0)
            assert told.count(Answer.COMING) == (3 if comes else 0)


async def test_whoever_has_no_mail_is_told_on_paper(oakvale: Oakvale) -> None:
    ana, ben, *_ = oakvale.guests
    post_only = await oakvale.town.node.people.add(OPERATOR, NewMember(name="Post"))
    hosted = await oakvale.post(replace(PLAN, capacity=1))
    for each in (ana, post_only, ben):
        await oakvale.events.answer(hosted.key, each, True)
    await oakvale.events.answer(hosted.key, ana, False)
    later = replace(PLAN, capacity=1, where="Church")
    await oakvale.events.edit(hosted.key, oakvale.rosa.acts("pin"), later)
    await oakvale.events.cancel(hosted.key, oakvale.rosa.acts("pin"), "Rain")
    (waiting,) = await oakvale.town.node.store.read(to_tell)
    assert waiting.member.no == post_only.no
    ends = ("You have one now.", "00.", "is cancelled.")
    assert [each.text.endswith(end) for each, end in zip(waiting.notes, ends, strict=True)] == [True] * 3, (
        waiting.notes
    )


async def test_a_wider_hall_moves_up_and_another_time_is_told(oakvale: Oakvale) -> None:
    ana, ben, maud, otto = oakvale.guests
    hosted = await oakvale.post(replace(PLAN, capacity=1))
    for each in (ana, ben, maud):
        await oakvale.events.answer(hosted.key, each, True)
    await oakvale.events.answer(hosted.key, otto, False)
    host = oakvale.rosa.acts("pin")
    await oakvale.events.edit(hosted.key, host, replace(PLAN, capacity=2, text="Bring shears."))
    assert await oakvale.subjects() == [("ben", "You have a place now: Hedge")]
    later = replace(PLAN, capacity=2, starts=PLAN.starts + HOUR_MS, ends=PLAN.ends + HOUR_MS)
    await oakvale.events.edit(hosted.key, host, later)
    assert sorted((await oakvale.subjects())[1:]) == [
        (name, "Another time or place: Hedge") for name in ("ana", "ben", "maud")
    ]
    found, guests = await oakvale.now(hosted)
    assert (found.event.plan, len(guests.coming)) == (later, 2)


async def test_a_cancelled_event_is_told_to_all_who_wanted_to_come_and_stays_in_the_calendar(
    oakvale: Oakvale,
) -> None:
    ana, ben, *_ = oakvale.guests
    hosted = await oakvale.post(replace(PLAN, capacity=1))
    for each in (ana, ben):
        await oakvale.events.answer(hosted.key, each, True)
    assert await oakvale.events.cancel(hosted.key, oakvale.rosa.acts("pin"), "It rains.") == 1
    mails = await oakvale.town.mails()
    assert [(mail.recipient, mail.subject) for mail in mails] == [
        ("ana@example.org", "Cancelled: Hedge"),
        ("ben@example.org", "Cancelled: Hedge"),
    ]
    assert all("Why: It rains." in mail.text for mail in mails)
    shown, _ = await oakvale.town.node.store.read(lambda tx: upcoming(tx, NOW, me=1))
    assert [(each.event.state, each.event.reason) for each in shown] == [(State.CANCELLED, "It rains.")]
    for act in (
        oakvale.events.cancel(hosted.key, oakvale.rosa.acts("pin"), "Again."),
        oakvale.events.edit(hosted.key, oakvale.rosa.acts("pin"), PLAN),
        oakvale.events.answer(hosted.key, ana, False),
    ):
        with pytest.raises(OutOfOrder):
            await act


async def test_each_date_of_what_repeats_is_its_own_and_later_ones_can_be_cancelled_together(
    oakvale: Oakvale,
) -> None:
    ana = oakvale.guests[0]
    plans = [
        replace(PLAN, starts=PLAN.starts + n * 7 * DAY_MS, ends=PLAN.ends + n * 7 * DAY_MS) for n in range(4)
    ]
    first = await oakvale.post(*plans)
    assert first.series is not None
    dates = await oakvale.town.node.store.read(of_series, first.series, NOW)
    assert [each.event.plan.starts for each in dates] == [plan.starts for plan in plans]
    await oakvale.events.answer(dates[2].key, ana, True)
    assert [len((await oakvale.now(each))[1].coming) for each in dates] == [0, 0, 1, 0]

    host = oakvale.rosa.acts("pin")
    await oakvale.events.cancel(dates[3].key, host, "Easter")
    assert await oakvale.events.cancel(dates[1].key, host, "The hall is let", later_too=True) == 2
    after = [(await oakvale.now(each))[0].event for each in dates]
    assert [each.reason for each in after] == ["", "The hall is let", "The hall is let", "Easter"]
    assert await oakvale.subjects() == [("ana", "Cancelled: Hedge")]


async def test_the_same_form_posts_once(oakvale: Oakvale) -> None:
    once = oakvale.once()
    first = await oakvale.events.post(oakvale.rosa, [PLAN, replace(PLAN, starts=PLAN.starts + 1)], once)
    again = await oakvale.events.post(oakvale.rosa, [PLAN], once)
    assert (again.key, (await oakvale.town.node.store.read(lambda tx: upcoming(tx, NOW, me=1)))[1]) == (
        first.key,
        2,
    )


async def test_only_its_host_and_organisers_change_an_event(oakvale: Oakvale) -> None:
    ana, ben, *_ = oakvale.guests
    hosted = await oakvale.events.post(ana, [PLAN], oakvale.once())
    for by in (ben.acts("pin"), replace(oakvale.rosa, state=ben.state, role=Role.MEMBER).acts("pin")):
        for act in (
            oakvale.events.edit(hosted.key, by, replace(PLAN, title="Mine")),
            oakvale.events.cancel(hosted.key, by, "Mine"),
        ):
            with pytest.raises(NotAllowed):
                await act
    await oakvale.events.cancel(hosted.key, oakvale.rosa.acts("pin"), "Rosa rang.")
    (act_on_record,) = [
        each for each in await oakvale.town.node.store.read(acts_for, ana.no) if each.deed.value == "event"
    ]
    assert (act_on_record.by_name, act_on_record.why) == ("Rosa", "Rosa rang.")


async def test_what_is_not_there_or_not_now_is_refused(oakvale: Oakvale) -> None:
    ana = oakvale.guests[0]
    hosted = await oakvale.post()
    with pytest.raises(OutOfOrder):
        await oakvale.events.answer(hosted.key, oakvale.rosa, True)  # the host is there anyway
    with pytest.raises(LookupError):
        await oakvale.events.answer(type(hosted.key)(bytes(16)), ana, True)
    with pytest.raises(InvalidValue):
        await oakvale.post(replace(PLAN, starts=NOW - 1))
    oakvale.town.clock.now = PLAN.ends
    with pytest.raises(OutOfOrder):
        await oakvale.events.answer(hosted.key, ana, True)


async def test_one_host_has_so_many_events_ahead_and_no_more(oakvale: Oakvale) -> None:
    plans = [replace(PLAN, starts=PLAN.starts + n, ends=PLAN.ends + n) for n in range(EVENTS_OF_ONE_MAX)]
    await oakvale.post(*plans)
    with pytest.raises(TooManyEvents):
        await oakvale.post()
    oakvale.town.clock.now = PLAN.ends
    await oakvale.post(replace(PLAN, starts=PLAN.ends + HOUR_MS, ends=PLAN.ends + 2 * HOUR_MS))


async def test_words_under_an_event_are_said_once_and_taken_away_by_whose_they_are(oakvale: Oakvale) -> None:
    ana, ben, *_ = oakvale.guests
    hosted, once = await oakvale.post(), oakvale.once()
    for _ in range(2):
        await oakvale.events.comment(hosted.key, ana, "A lift?", once)
    (said,) = await oakvale.town.node.store.read(comments_of, hosted.no)
    assert (said.name, said.text) == ("Ana", "A lift?")
    other = await oakvale.post()
    with pytest.raises(LookupError):
        await oakvale.events.take_back(other.key, said.no, ana.acts("pin"))
    with pytest.raises(NotAllowed):
        await oakvale.events.take_back(hosted.key, said.no, ben.acts("pin"))
    await oakvale.events.take_back(hosted.key, said.no, ana.acts("pin"))
    assert await oakvale.town.node.store.read(comments_of, hosted.no) == []
    for _ in range(EVENT_COMMENTS_MAX):
        await oakvale.events.comment(hosted.key, ana, "Ja.", oakvale.once())
    with pytest.raises(TooManyComments):
        await oakvale.events.comment(hosted.key, ana, "Ja.", oakvale.once())


async def test_whoever_leaves_hosts_nothing_and_keeps_no_place(oakvale: Oakvale) -> None:
    ana, ben, maud, _ = oakvale.guests
    anas = await oakvale.events.post(ana, [PLAN], oakvale.once())
    await oakvale.events.answer(anas.key, ben, True)
    rosas = await oakvale.post(replace(PLAN, capacity=1))
    for each in (ana, maud):
        await oakvale.events.answer(rosas.key, each, True)
    await oakvale.town.node.parting.part(oakvale.rosa.acts("pin"), ana.no)
    assert (await oakvale.now(anas))[0].event.state is State.CANCELLED
    assert [each.who for each in (await oakvale.now(rosas))[1].coming] == [maud.no]
    assert sorted(await oakvale.subjects()) == [
        ("ben", "Cancelled: Hedge"),
        ("maud", "You have a place now: Hedge"),
    ]


async def host_and_talk(scheme: Scheme, host: Member, guest: Member) -> Hosted:
    """Let somebody host, and somebody else come and say something, in words of their own."""
    starts = scheme.clock.now + DAY_MS
    plan = replace(
        PLAN, title=scheme.word(host), text=scheme.word(host), where=scheme.word(host), starts=starts, ends=starts + 1
    )  # fmt: skip
    hosted = await scheme.node.events.post(host, [plan], scheme.node.chance.bytes(16))
    await scheme.node.events.answer(hosted.key, guest, True)
    await scheme.node.events.comment(hosted.key, guest, scheme.word(guest), scheme.node.chance.bytes(16))
    return hosted


async def test_erasing_takes_what_somebody_hosted_and_said(tmp_path: Path) -> None:
    """Rule 3.1."""
    async with open_scheme(tmp_path) as scheme:
        rosa, otto, ana, ben, *_ = scheme.members
        await host_and_talk(scheme, ana, rosa)
        scheme.words[rosa.no] = set()  # said under what Ana hosts: it goes along
        bens = await host_and_talk(scheme, ben, ana)
        await scheme.erase(ana, rosa, otto)
        assert not any(word.encode() in scheme.files() for word in scheme.words[ana.no])
        assert (await scheme.node.store.read(guests_of, bens)).all == ()
        assert all(word.encode() in scheme.files() for word in scheme.words[ben.no])


async def test_the_data_of_a_member_holds_what_they_host_answered_and_said(oakvale: Oakvale) -> None:
    ana, ben, *_ = oakvale.guests
    hosted = await oakvale.events.post(ana, [PLAN], oakvale.once())
    for each in (ben,):
        await oakvale.events.answer(hosted.key, each, True)
        await oakvale.events.comment(hosted.key, each, "Yes.", oakvale.once())
    anas = await oakvale.town.node.store.read(read_my_data, ana)
    bens = await oakvale.town.node.store.read(read_my_data, ben)
    names = ("events", "answers_to_events", "said_under_events")
    assert [len(anas[name]) for name in names] == [1, 0, 0]
    assert [len(bens[name]) for name in names] == [0, 1, 1]
