"""Lifts on a whole node: no seat twice, however many ask at once; both sides are told; one settlement for all who rode. Rule 5.11."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from node.services.accounts import load
from node.services.acts import NotAllowed
from node.services.event_days import NoSuchDate, TooManyDates, weekdays_of
from node.services.event_rows import Hosted, asked_of, event_by_key, guests_of, lifts_ahead, trades_of
from node.services.members import Member
from node.services.trades import trade_by_no
from node.store import ReadTx, Store
from protocol.errors import OutOfOrder
from protocol.event import Answer, Guests, Kind, Pays, Plan
from protocol.limits import DAY_MS, HOUR_MS
from tests.builders import NOW
from tests.erasing import open_scheme
from tests.node.web.towns import Town, open_town

LIFT = Plan(
    kind=Kind.LIFT, title="To the market", text="", where="Church", starts=NOW + DAY_MS, ends=NOW + DAY_MS + HOUR_MS,
    capacity=2, pays=Pays.SHARED, amount=100, approval=True,
)  # fmt: skip


class Car:
    def __init__(self, town: Town, rosa: Member, riders: list[Member]):
        self.town, self.rosa, self.riders, self.events, self.read = town, rosa, riders, town.node.events, 0

    async def offer(self, plan: Plan = LIFT) -> Hosted:
        return await self.events.post(self.rosa, [plan], self.town.node.chance.bytes(16))

    async def asked(self, hosted: Hosted) -> None:
        for each in self.riders:
            assert await self.events.answer(hosted.key, each, True) is Answer.ASKED

    async def admit(self, hosted: Hosted, who: Member, yes: bool = True) -> Answer:
        return await self.events.admit(hosted.key, self.rosa.acts("pin"), who.no, yes)

    async def subjects(self) -> list[tuple[str, str]]:
        """Return what was mailed since the last time."""
        mails = await self.town.mails()
        new, self.read = mails[self.read :], len(mails)
        return [(mail.recipient.partition("@")[0], mail.subject) for mail in new]

    async def balances(self) -> list[int]:
        def query(tx: ReadTx) -> list[int]:
            return [load(tx, each.account_no).value.balance for each in (self.rosa, *self.riders)]

        return await self.town.node.store.read(query)


async def seats(store: Store, hosted: Hosted) -> Guests:
    def query(tx: ReadTx) -> Guests:
        found = event_by_key(tx, hosted.key)
        assert found is not None
        return guests_of(tx, found)

    return await store.read(query)


@pytest.fixture
async def car() -> AsyncIterator[Car]:
    async with open_town() as town:
        rosa = await town.member("Rosa")
        yield Car(town, rosa, [await town.member(name) for name in ("Ana", "Ben", "Maud")])


async def test_the_driver_gives_the_seats_and_whoever_is_too_many_waits(car: Car) -> None:
    ana, ben, maud = car.riders
    hosted = await car.offer()
    await car.asked(hosted)
    assert await car.subjects() == [
        ("rosa", f"{name} asks for a seat: To the market") for name in ("Ana", "Ben", "Maud")
    ]
    waiting = await car.town.node.store.read(asked_of, car.rosa.no, car.town.clock.now_ms())
    assert [(each.key, count) for each, count in waiting] == [(hosted.key, 3)]
    assert await car.admit(hosted, maud) is Answer.COMING
    assert await car.admit(hosted, ana) is Answer.COMING
    assert await car.admit(hosted, ben) is Answer.WAITING
    assert await car.admit(hosted, ben) is Answer.WAITING, "pressed twice"
    assert await car.subjects() == [
        ("maud", "You have a seat: To the market"),
        ("ana", "You have a seat: To the market"),
        ("ben", "You wait for a seat: To the market"),
    ]
    await car.events.answer(hosted.key, maud, False)
    assert await car.subjects() == [("ben", "You have a place now: To the market")]
    found = await seats(car.town.node.store, hosted)
    assert {each.who for each in found.coming} == {ana.no, ben.no}


async def test_a_no_is_told_and_is_not_asked_again(car: Car) -> None:
    ana = car.riders[0]
    hosted = await car.offer()
    await car.events.answer(hosted.key, ana, True)
    await car.subjects()
    assert await car.admit(hosted, ana, False) is Answer.DECLINED
    assert await car.subjects() == [("ana", "No seat for you this time: To the market")]
    assert await car.events.answer(hosted.key, ana, True) is Answer.DECLINED
    assert await car.subjects() == []


async def test_only_the_driver_or_an_organiser_gives_seats(car: Car) -> None:
    ana, ben, _ = car.riders
    hosted = await car.offer()
    await car.events.answer(hosted.key, ana, True)
    for who in (ana, ben):
        with pytest.raises(NotAllowed):
            await car.events.admit(hosted.key, who.acts("pin"), ana.no, True)
    with pytest.raises(OutOfOrder):
        await car.admit(hosted, ben)  # who did not ask
    await car.events.cancel(hosted.key, car.rosa.acts("pin"), "The car is broken")
    with pytest.raises(OutOfOrder):
        await car.admit(hosted, ana)


async def test_whoever_asked_is_told_that_it_is_cancelled(car: Car) -> None:
    hosted = await car.offer()
    await car.asked(hosted)
    await car.subjects()
    await car.events.cancel(hosted.key, car.rosa.acts("pin"), "The car is broken")
    assert await car.subjects() == [(name, "Cancelled: To the market") for name in ("ana", "ben", "maud")]


@pytest.mark.parametrize("approval", [False, True])
async def test_many_who_want_two_seats_at_once_get_two(tmp_path: Path, approval: bool) -> None:
    """On a disk, with the writer in a thread of its own: whatever comes together, no seat is given twice."""
    async with open_scheme(tmp_path) as scheme:
        driver, events = scheme.members[0], scheme.node.events
        riders = [*scheme.members[1:], *[await scheme.join() for _ in range(6)]]
        now = scheme.clock.now_ms()
        plan = replace(LIFT, starts=now + DAY_MS, ends=now + DAY_MS + HOUR_MS, approval=approval)
        hosted = await events.post(driver, [plan], b"o" * 16)
        said = await asyncio.gather(*[events.answer(hosted.key, each, True) for each in riders])
        if approval:
            assert set(said) == {Answer.ASKED}
            actor = driver.acts("pin")
            said = await asyncio.gather(*[events.admit(hosted.key, actor, each.no, True) for each in riders])
        assert sorted(said) == sorted([Answer.COMING] * 2 + [Answer.WAITING] * (len(riders) - 2))
        found = await seats(scheme.node.store, hosted)
        assert (len(found.coming), len(found.waiting)) == (2, len(riders) - 2)


@pytest.mark.parametrize(
    "pays, moved", [(Pays.SHARED, [66, -33, -33, 0]), (Pays.GUESTS, [200, -100, -100, 0])]
)
async def test_one_confirmation_settles_all_who_rode(car: Car, pays: Pays, moved: list[int]) -> None:
    """The driver bears a third of 100 himself, and what is left over."""
    ana, ben, _ = car.riders
    hosted = await car.offer(replace(LIFT, pays=pays))
    await car.asked(hosted)
    for each in (ana, ben):
        await car.admit(hosted, each)
    car.town.clock.now = LIFT.ends
    node = car.town.node
    settling = [node.event_settling.settle(hosted.key, car.rosa, "pin", [ana.no, ben.no]) for _ in range(3)]
    answers = await asyncio.gather(*settling, return_exceptions=True)
    assert [type(each) for each in answers[1:]] == [OutOfOrder, OutOfOrder], "once"
    assert await car.balances() == moved
    trades = await node.store.read(trades_of, hosted.no)
    trade = await node.store.read(trade_by_no, trades[ana.no])
    assert (trade.text, trade.amount) == ("To the market", -moved[1])


async def test_lifts_have_a_list_of_their_own(car: Car) -> None:
    hosted = await car.offer()
    talk = replace(LIFT, kind=Kind.TALK, pays=Pays.NOBODY, amount=0, approval=False)
    await car.offer(talk)
    gone = await car.offer(replace(LIFT, title="Away"))
    await car.events.cancel(gone.key, car.rosa.acts("pin"), "")
    found, total = await car.town.node.store.read(lifts_ahead, car.town.clock.now_ms(), 0, 20)
    assert ([each.key for each in found], total) == ([hosted.key], 1)


def test_weekdays_are_counted_from_the_first_day_to_the_last() -> None:
    monday = date(2026, 3, 2)
    assert weekdays_of(monday, frozenset({0, 4}), date(2026, 3, 9)) == (
        monday,
        date(2026, 3, 6),
        date(2026, 3, 9),
    )
    assert weekdays_of(monday, frozenset({4}), date(2026, 3, 6)) == (date(2026, 3, 6),)
    with pytest.raises(NoSuchDate):
        weekdays_of(monday, frozenset({4}), date(2026, 3, 5))
    with pytest.raises(TooManyDates):
        weekdays_of(monday, frozenset(range(7)), date(2026, 5, 1))
