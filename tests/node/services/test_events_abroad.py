"""Members of neighbouring schemes at events: places, waiting, races and news, on whole nodes in virtual time. Rules 5.11, 7.10."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from node.services.acts import OPERATOR, Actor
from node.services.event_rows import event_by_key, guests_of
from node.services.events_near import NearEvent, near_event, near_events
from node.services.members import Member
from node.services.request_rows import Request, request_for
from node.services.requests_abroad import NewRequest
from node.simulation.network import SimulatedNetwork, Weather
from node.simulation.town import Resident, Town
from node.store import ReadTx
from protocol.beyond import Seen, Stands, Wants
from protocol.errors import OutOfOrder
from protocol.event import Answer, Guests, Kind, Pays, Plan
from protocol.feed_kinds import EVENT, Event, payload_bytes
from protocol.limits import DAY_MS, HOUR_MS
from protocol.names import ItemKey
from tests.gossip_town import build, until
from tests.node.services.test_requests_abroad import Giving, new_member
from tests.simulation import run_virtual


@dataclass
class Evening:
    """Karim of Riverside puts an event; Ben lives there too, Ana and Zoe live in Oakvale."""

    town: Town
    ana: Member
    zoe: Member
    karim: Member
    ben: Member

    @property
    def oakvale(self) -> Resident:
        return self.town["Oakvale"]

    @property
    def riverside(self) -> Resident:
        return self.town["Riverside"]

    @property
    def actor(self) -> Actor:
        return self.karim.acts("pin")

    async def lifts(self) -> list[NearEvent]:
        def query(tx: ReadTx) -> list[NearEvent]:
            return near_events(tx, self.oakvale.node.clock.now_ms(), self.oakvale.scheme, lifts=True)

        return await self.oakvale.node.store.read(query)

    def plan(self, **given: object) -> Plan:
        now_ms = self.riverside.node.clock.now_ms()
        usual: dict[str, object] = {
            "kind": Kind.SOCIAL, "title": "Soup", "text": "", "where": "Hall", "starts": now_ms + DAY_MS,
            "ends": now_ms + DAY_MS + HOUR_MS, "public": True, "capacity": 1,
        }  # fmt: skip
        return Plan(**{**usual, **given})  # type: ignore[arg-type]  # what a test says

    async def put(self, **given: object) -> ItemKey:
        hosted = await self.riverside.node.events.post(self.karim, [self.plan(**given)], b"o" * 16)
        await self.riverside.node.announcements.announce()
        return hosted.key

    async def heard(self, key: ItemKey, *, there: bool = True) -> None:
        async def so() -> bool:
            now_ms = self.oakvale.node.clock.now_ms()
            found = await self.oakvale.node.store.read(near_event, now_ms, self.riverside.scheme, key)
            return (found is not None) is there

        await until(self.town, so, 900, "the event")

    async def ask(self, who: Member, key: ItemKey, price: int | None = None) -> Request:
        new = NewRequest(
            scheme=self.riverside.scheme, key=key, kind="event", title="Soup", owner_name="", price=price
        )  # fmt: skip
        return await self.oakvale.node.requests.ask(who, new)

    async def sees(self, who: Member, key: ItemKey, wanted: Stands | Seen) -> Request:
        found: list[Request] = []

        async def so() -> bool:
            request = await self.oakvale.node.store.read(
                request_for, who.account_no, self.riverside.scheme, key
            )
            assert request is not None
            found.append(request)
            return request.mirror.seen is wanted

        await until(self.town, so, 7200, wanted.value)
        return found[-1]

    async def guests(self, key: ItemKey) -> Guests:
        def query(tx: ReadTx) -> Guests:
            hosted = event_by_key(tx, key)
            assert hosted is not None
            return guests_of(tx, hosted)

        return await self.riverside.node.store.read(query)


def evening(
    act: Callable[[Evening], Awaitable[None]], weather: Weather | None = None, *, asks: bool = False
) -> None:
    async def scenario(network: SimulatedNetwork) -> None:
        town = await build(network, ["Oakvale", "Riverside"], [("Oakvale", "Riverside")])
        ana, zoe = [await new_member(town["Oakvale"], name) for name in ("Ana", "Zoe")]
        karim, ben = [await new_member(town["Riverside"], name) for name in ("Karim", "Ben")]
        for resident in (town["Oakvale"], town["Riverside"]):
            await resident.node.settings.change(OPERATOR, public_events=True, asks_abroad=asks)
        await act(Evening(town, ana, zoe, karim, ben))
        await town.close()

    run_virtual(scenario, 0, weather or Weather())


def test_the_last_place_goes_to_one_of_two_and_the_other_moves_up() -> None:
    async def act(it: Evening) -> None:
        key = await it.put()
        await it.heard(key)
        await it.ask(it.ana, key)
        await it.riverside.crash()
        await it.riverside.boot()
        await it.sees(it.ana, key, Stands.AGREED)
        assert await it.riverside.node.events.answer(key, it.ben, True) is Answer.WAITING
        await it.ask(it.zoe, key)
        await it.sees(it.zoe, key, Stands.WAITING)
        assert len((await it.guests(key)).coming) == 1
        mine = await it.sees(it.ana, key, Stands.AGREED)
        await it.oakvale.node.requests.act(it.ana, mine.no, Wants.TAKE_BACK)
        await it.sees(it.ana, key, Stands.TAKEN_BACK)
        guests = await it.guests(key)
        assert guests.answer_of(it.ben.no) is Answer.COMING, "he waited longest"
        await it.riverside.node.events.answer(key, it.ben, False)
        await it.oakvale.crash()
        await it.oakvale.boot()
        await it.sees(it.zoe, key, Stands.AGREED)
        await it.ask(it.ana, key)
        await it.sees(it.ana, key, Stands.WAITING)
        assert len((await it.guests(key)).all) == 3, "Ana has one line, however often she asks"

    evening(act, Weather(loss=0.05, duplicate=0.1, reorder=0.1))


def test_guests_from_abroad_hear_of_another_time_and_that_it_is_off() -> None:
    async def act(it: Evening) -> None:
        key = await it.put(capacity=None)
        await it.heard(key)
        await it.ask(it.ana, key)
        await it.sees(it.ana, key, Stands.AGREED)
        node = it.riverside.node
        await node.events.edit(key, it.karim, it.plan(capacity=None, where="Garden"))

        async def told() -> bool:
            return "Garden" in (await it.sees(it.ana, key, Stands.AGREED)).said

        await until(it.town, told, 900, "the place")
        await node.events.cancel(key, it.karim, "No soup")
        assert (await it.sees(it.ana, key, Stands.ENDED)).said == "No soup"
        await node.announcements.announce()
        await it.heard(key, there=False)

    evening(act)


@pytest.mark.parametrize(
    "given", [{"public": False}, {"pays": Pays.GUESTS, "amount": 5}, {"kind": Kind.LIFT, "public": False}]
)  # the second: where nobody may be asked to pay across
def test_what_is_not_for_neighbours_is_not_told_and_gives_no_place(given: dict[str, object]) -> None:
    async def act(it: Evening) -> None:
        key = await it.put(**given)
        open_ = await it.riverside.node.events.post(it.karim, [it.plan(title="Open")], b"p" * 16)
        await it.riverside.node.announcements.announce()
        await it.heard(open_.key)
        await it.heard(key, there=False)
        await it.ask(it.ana, key)  # she knows its name all the same
        await it.sees(it.ana, key, Stands.DECLINED)
        assert (await it.guests(key)).all == ()

    evening(act)


def test_a_neighbour_may_say_any_number_and_takes_no_place_that_is_not_there() -> None:
    async def act(it: Evening) -> None:
        node, now_ms = it.riverside.node, it.riverside.node.clock.now_ms()
        key = await it.put()
        for number, (starts, ends) in enumerate(
            [(0, 2**53 - 1), (2**53 - 2, 2**53 - 1), (now_ms, now_ms + 8 * DAY_MS), (0, 1)]
        ):
            wild = Event(
                title="x", text="", language="en", where="", place=None, starts=starts, ends=ends, what="social",
                places=None, pays="nobody", amount=0, asked=False,
            )  # fmt: skip
            name, bytes_ = ItemKey(bytes([number]) * 16), payload_bytes(wild)
            await node.store.write(
                lambda tx, name=name, data=bytes_: node.own_feed.put(tx, EVENT, name, data, expires=now_ms + DAY_MS)
            )  # fmt: skip
        await it.heard(key)
        own, later = it.oakvale.scheme, it.oakvale.node.clock.now_ms()
        assert [each.key for each in await it.oakvale.node.store.read(near_events, later, own)] == [key]

        hands = Giving(it.town, it.ana, it.karim, it.ben, it.ben, key)
        for turn, word in (
            (2, "take-back"),
            (1, "ask"),
            (2, "ask"),
            (3, "ask"),
            (3, "take-back"),
            (4, "has-it"),
        ):
            await hands.letter(hands.text(turn=turn, word=word))
        again = hands.text(reference=b"s" * 16, turn=1)
        await hands.letter(again)
        await hands.letter(replace(again, reference=b"u" * 16))
        guests = await it.guests(key)
        assert [each.answer for each in guests.all] == [Answer.COMING], "one who asked under three names"
        with pytest.raises(OutOfOrder):
            await node.events.admit(key, it.karim, guests.all[0].who, False)

    evening(act)
