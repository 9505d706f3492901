"""Members of neighbouring schemes in lifts, and at events that cost or give units, on whole nodes. Rules 5.11, 7.7, 7.10."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.clock import LoopClock
from node.services.acts import OPERATOR
from node.services.ask_rows import Ask, asks_of
from node.services.event_rows import event_by_key, shares_of
from node.services.event_settling import CannotSettle
from node.services.events_near import near_events
from node.simulation.network import Weather
from node.simulation.town import Resident
from node.store import ReadTx
from protocol.beyond import Stands, Wants
from protocol.errors import OutOfOrder
from protocol.event import Answer, Kind, Pays, State
from protocol.feed_kinds import EVENT, Event, payload_bytes
from protocol.limits import DAY_MS, EVENT_SETTLE_MS, HOUR_MS
from protocol.names import ItemKey
from tests.node.services.test_events_abroad import Evening, evening
from tests.node.services.test_requests_abroad import Giving

LIFT = {"kind": Kind.LIFT, "public": False, "near": True, "approval": True, "pays": Pays.SHARED, "amount": 61}
HALF = 30  # the most that one of two gives


async def asked(resident: Resident, account_no: int) -> tuple[list[Ask], list[Ask]]:
    """What an account is asked to pay, and asked others for."""
    return await resident.node.store.read(asks_of, account_no)


def later(it: Evening, ms: int) -> None:
    """Let time pass on both sides, without the weeks in between."""
    for resident in (it.oakvale, it.riverside):
        resident.skew_ms += ms
        clock = resident.node.clock
        assert isinstance(clock, LoopClock)
        clock.skew_ms += ms


def test_the_one_seat_is_given_by_its_driver_and_never_twice() -> None:
    async def act(it: Evening) -> None:
        key, events = await it.put(**LIFT), it.riverside.node.events
        await it.heard(key)
        for who in (it.ana, it.zoe):
            await it.ask(who, key, HALF)
            await it.sees(who, key, Stands.ASKED)
        assert await events.answer(key, it.ben, True) is Answer.ASKED
        await it.riverside.crash()
        await it.riverside.boot()
        events = it.riverside.node.events
        ana, zoe, ben = [each.who for each in (await it.guests(key)).asked]
        assert await events.admit(key, it.actor, ana, True) is Answer.COMING
        assert await events.admit(key, it.actor, ben, True) is Answer.WAITING
        assert await events.admit(key, it.actor, zoe, False) is Answer.DECLINED
        with pytest.raises(OutOfOrder):
            await events.admit(key, it.actor, zoe, True)  # she was told no for good
        mine = await it.sees(it.ana, key, Stands.AGREED)
        await it.sees(it.zoe, key, Stands.DECLINED)
        await it.ask(it.zoe, key, HALF)
        await it.sees(it.zoe, key, Stands.DECLINED)
        assert [each.who for each in (await it.guests(key)).coming] == [ana]
        # Called off by her: the seat is Ben's; by him, and nobody waits; by the driver.
        await it.oakvale.node.requests.act(it.ana, mine.no, Wants.TAKE_BACK)
        await it.sees(it.ana, key, Stands.TAKEN_BACK)
        assert (await it.guests(key)).answer_of(ben) is Answer.COMING
        await it.ask(it.ana, key, HALF)
        await it.sees(it.ana, key, Stands.ASKED)
        await events.admit(key, it.actor, ana, True)
        await it.sees(it.ana, key, Stands.WAITING)
        assert len((await it.guests(key)).coming) == 1
        await events.answer(key, it.ben, False)
        await it.sees(it.ana, key, Stands.AGREED)
        await events.cancel(key, it.actor, "No car")
        assert (await it.sees(it.ana, key, Stands.ENDED)).said == "No car"

    evening(act, Weather(loss=0.05, duplicate=0.1, reorder=0.1), asks=True)


def test_who_rode_from_abroad_is_asked_once_and_who_did_not_is_not() -> None:
    async def act(it: Evening) -> None:
        key, node = await it.put(**{**LIFT, "approval": False, "capacity": 3}), it.riverside.node
        await it.heard(key)
        assert [each.plan.amount for each in await it.lifts()] == [61]
        for who in (it.ana, it.zoe):
            await it.ask(who, key, HALF)
            await it.sees(who, key, Stands.AGREED)
        await node.events.answer(key, it.ben, True)
        ana, zoe = [each.who for each in (await it.guests(key)).coming if each.who < 0]
        later(it, 2 * DAY_MS)
        assert await node.events_abroad.look() == 0, "her driver can still say that she was there"
        await node.settings.change(OPERATOR, asks_abroad=False)
        with pytest.raises(CannotSettle) as no:
            await node.event_settling.settle(key, it.karim, "pin", [ana, it.ben.no])
        assert (no.value.member, no.value.name) == (None, "Ana")
        assert await asked(it.riverside, it.karim.account_no) == ([], [])
        await node.settings.change(OPERATOR, asks_abroad=True)
        trades = await node.event_settling.settle(key, it.karim, "pin", [ana, it.ben.no])
        assert [each.amount for each in trades] == [20], "61 by three, the driver too, rounded down"
        with pytest.raises(OutOfOrder):
            await node.event_settling.settle(key, it.karim, "pin", [ana, zoe])
        await it.riverside.crash()
        await it.riverside.boot()
        await it.oakvale.crash()
        await it.oakvale.boot()
        seen = await it.sees(it.ana, key, Stands.DONE)
        assert seen.said == "You were there, and are asked for 20\u00a0minutes."
        assert (await it.sees(it.zoe, key, Stands.DONE)).said == ""
        (ask,) = (await asked(it.oakvale, it.ana.account_no))[0]
        assert (ask.amount, ask.text[:5], ask.their_name) == (20, "Soup,", "Karim")
        assert await asked(it.oakvale, it.zoe.account_no) == ([], [])
        assert await it.riverside.node.store.read(shares_of, 1) == {ana: 20}
        assert await it.riverside.node.events_abroad.look() == 0

    evening(act, Weather(loss=0.05, duplicate=0.1, reorder=0.1), asks=True)


def test_a_yes_is_to_the_price_that_was_read() -> None:
    async def act(it: Evening) -> None:
        cost = await it.put(capacity=5, pays=Pays.GUESTS, amount=30)
        await it.heard(cost)
        for price in (None, 29, 31):
            await it.ask(it.ana, cost, price)
            said = (await it.sees(it.ana, cost, Stands.DECLINED)).said
            assert said == "The price or the terms have just changed. Please look at them again."
        await it.ask(it.ana, cost, 30)
        await it.sees(it.ana, cost, Stands.AGREED)
        with pytest.raises(OutOfOrder):
            await it.riverside.node.events.edit(
                cost, it.actor, it.plan(capacity=5, pays=Pays.GUESTS, amount=31)
            )
        # Letters that are forged, late or again take no place and ask nobody.
        hands = Giving(it.town, it.zoe, it.karim, it.ben, it.ben, cost)
        for turn, word in ((1, "has-it"), (3, "ask"), (2, "take-back"), (3, "ask"), (4, "has-it")):
            await hands.letter(hands.text(turn=turn, word=word, reference=b"f" * 16))
        assert len((await it.guests(cost)).coming) == 1, "it said no price, and costs some"

    evening(act, asks=True)


def test_what_is_over_is_said_once_and_what_gives_units_is_told() -> None:
    async def act(it: Evening) -> None:
        free = await it.put(capacity=1)
        node = it.riverside.node
        gives = (
            await node.events.post(it.karim, [it.plan(title="Dig", pays=Pays.HOST, amount=90)], b"p" * 16)
        ).key
        await node.announcements.announce()
        await it.heard(gives)
        await it.ask(it.ana, free)
        await it.sees(it.ana, free, Stands.AGREED)
        await it.ask(it.zoe, free)
        await it.sees(it.zoe, free, Stands.WAITING)
        await it.ask(it.ana, gives, -90)
        await it.sees(it.ana, gives, Stands.AGREED)
        later(it, DAY_MS + 2 * HOUR_MS)
        (ana,) = (await it.guests(gives)).coming
        assert await node.event_settling.settle(gives, it.karim, "pin", [ana.who]) == []
        done = await it.sees(it.ana, gives, Stands.DONE)
        assert (done.said, done.price) == ("You were there, and get 1 hour 30 minutes.", -90)
        assert await asked(it.riverside, it.karim.account_no) == ([], []), "she asks for it herself"
        assert await node.events_abroad.look() == 2
        assert await node.events_abroad.look() == 0
        await it.sees(it.ana, free, Stands.DONE)
        await it.sees(it.zoe, free, Stands.ENDED)

    evening(act, asks=True)


def test_what_was_never_confirmed_ends_a_month_later() -> None:
    async def act(it: Evening) -> None:
        key, node = await it.put(**{**LIFT, "approval": False}), it.riverside.node
        await it.heard(key)
        await it.ask(it.ana, key, HALF)
        await it.sees(it.ana, key, Stands.AGREED)
        later(it, DAY_MS + HOUR_MS + EVENT_SETTLE_MS)
        assert await node.events_abroad.look() == 1

        def state(tx: ReadTx) -> State:
            hosted = event_by_key(tx, key)
            assert hosted is not None
            return hosted.event.state

        assert await node.store.read(state) is State.PLANNED
        assert (await it.sees(it.ana, key, Stands.DONE)).said == ""

    evening(act, asks=True)


def test_a_neighbour_may_say_anything_of_a_lift() -> None:
    async def act(it: Evening) -> None:
        key, node, now_ms = await it.put(**LIFT), it.riverside.node, it.riverside.node.clock.now_ms()
        good = Event(
            title="x", text="", language="en", where="", place=None, starts=now_ms + 1, ends=now_ms + DAY_MS, what="lift",
            places=2, pays="shared", amount=60, asked=True,
        )  # fmt: skip
        wild = [
            replace(good, what="raft"), replace(good, pays="all"), replace(good, places=None), replace(good, places=9),
            replace(good, amount=2), replace(good, pays="nobody"), replace(good, pays="host"), replace(good, what="talk"),
        ]  # fmt: skip
        for number, each in enumerate(wild):
            name, data = ItemKey(bytes([number]) * 16), payload_bytes(each)
            await node.store.write(
                lambda tx, name=name, data=data: node.own_feed.put(tx, EVENT, name, data, expires=now_ms + DAY_MS)
            )  # fmt: skip
        await it.heard(key)
        assert [each.key for each in await it.lifts()] == [key]
        now_ms, own = it.oakvale.node.clock.now_ms(), it.oakvale.scheme
        assert await it.oakvale.node.store.read(near_events, now_ms, own) == []

    evening(act, asks=True)
