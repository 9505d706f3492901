"""What is lent, rented and let to members of neighbouring schemes, on whole nodes in virtual time. Rules 5.9, 7.8, 7.10."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pytest

from node.services.acts import OPERATOR
from node.services.booking_guests import Guest, borrower_of
from node.services.booking_rows import Booking, CannotBook, acts_of, bookings_of, taking
from node.services.bookings import NewBooking, whole_price
from node.services.members import Member
from node.services.request_rows import Request, newest_requests
from node.services.requests_abroad import CannotRequest, NewRequest
from node.simulation.network import SimulatedNetwork, Weather
from node.simulation.town import Resident, Town
from node.store import ReadTx
from protocol.beyond import Seen, Stands, Wants
from protocol.booking import BookingEvent, BookingState, BookingTerms, Period
from protocol.circle import Door
from protocol.entry import ListingRef
from protocol.letter import DELIVERED, NOT_UNDERSTOOD, Sum
from protocol.limits import BOOKINGS_OPEN_OF_ONE_MAX
from protocol.market import AskingPrice, Listing
from protocol.names import Handle, ItemKey
from tests.gossip_town import build, converged, listing, pause, until
from tests.node.services.test_requests_abroad import Giving, new_member
from tests.simulation import run_virtual

E, S = BookingEvent, BookingState
TERMS = BookingTerms(step="day", longest=7)


def drill(terms: BookingTerms = TERMS, amount: int = 100) -> Listing:
    price = AskingPrice(amount=amount, per="day" if amount else "free")
    return listing("Drill", kind="rent", category="borrow-tools", price=price, terms=terms)


@dataclass
class Lending:
    """Karim of Riverside rents a drill out; Ben lives there too, Ana and Zoe live in Oakvale."""

    town: Town
    ana: Member
    zoe: Member
    karim: Member
    ben: Member
    key: ItemKey
    content: Listing
    letters: int = 0

    @property
    def oakvale(self) -> Resident:
        return self.town["Oakvale"]

    @property
    def riverside(self) -> Resident:
        return self.town["Riverside"]

    def days(self, first: int, last: int) -> Period:
        """Return days from now; both are included."""
        bookings = self.riverside.node.bookings
        today = bookings.wall(self.riverside.node.clock.now_ms()) // 24 * 24
        return Period(today + 24 * first, today + 24 * (last + 1))

    def new(self, period: Period, **given: Any) -> NewRequest:
        usual: dict[str, Any] = {
            "scheme": self.riverside.scheme, "key": self.key, "kind": "rent", "title": "Drill", "owner_name": "Karim",
            "wanted": "For a shelf", "start": period.start, "end": period.end, "price": whole_price(self.content, period),
        }  # fmt: skip
        return NewRequest(**{**usual, **given})

    async def ask(self, who: Member, period: Period, **given: Any) -> Request:
        return await self.oakvale.node.requests.ask(who, self.new(period, **given))

    async def mine(self, who: Member) -> Request:
        return (await self.oakvale.node.store.read(newest_requests, who.account_no))[0]

    async def sees(self, who: Member, wanted: Stands | Seen) -> Request:
        async def so() -> bool:
            return (await self.mine(who)).mirror.seen is wanted

        await until(self.town, so, 7200, wanted.value)
        return await self.mine(who)

    async def says(self, who: Member, wants: Wants) -> None:
        await self.oakvale.node.requests.act(who, (await self.mine(who)).no, wants)

    async def bens(self, period: Period, *, in_line: bool = False) -> Booking:
        new = NewBooking(
            key=self.key, period=period, guests=0, text="", terms=self.content.terms or TERMS,
            price=whole_price(self.content, period), in_line=in_line,
        )  # fmt: skip
        return await self.riverside.node.bookings.ask(new, self.ben, period.start.to_bytes(16, "big"))

    async def lent(self) -> list[Booking]:
        return (await self.riverside.node.store.read(bookings_of, self.karim.account_no))[0]

    async def owner(self, event: BookingEvent, words: str = "", booking: Booking | None = None) -> Booking:
        self.letters += 1
        no = (booking or (await self.lent())[0]).no
        once = self.letters.to_bytes(16, "little")
        return await self.riverside.node.bookings.act(
            no, event, self.karim.account_no, words=words, once=once
        )

    async def until_lent(self, state: BookingState) -> Booking:
        async def so() -> bool:
            found = await self.lent()
            return bool(found) and found[0].state is state

        await until(self.town, so, 7200, state.value)
        return (await self.lent())[0]

    async def letter(self, **given: Any) -> str:
        """Hand Riverside a letter as Oakvale would sign it."""
        giving = Giving(self.town, self.ana, self.karim, self.ben, self.zoe, self.key, self.letters)
        usual = {
            "start": self.days(1, 1).start,
            "end": self.days(1, 1).end,
            "amount": Sum(scheme=self.riverside.scheme, amount=100),
        }
        answer = await giving.letter(giving.text(**{**usual, **given}))
        self.letters = giving.letters
        return answer

    async def never_twice(self) -> None:
        """No hour of the drill is taken by two."""
        taken = await self.riverside.node.store.read(taking, self.key, self.days(-5, 60))
        spans = sorted((each.period.start, each.period.end) for each in taken)
        assert all(one[1] <= other[0] for one, other in pairwise(spans))


def lending(
    act: Callable[[Lending], Awaitable[None]], content: Listing | None = None, weather: Weather | None = None, seed: int = 0
) -> None:  # fmt: skip
    async def scenario(network: SimulatedNetwork) -> None:
        town = await build(network, ["Oakvale", "Riverside"], [("Oakvale", "Riverside")])
        ana, zoe = [await new_member(town["Oakvale"], name) for name in ("Ana", "Zoe")]
        karim, ben = [await new_member(town["Riverside"], name) for name in ("Karim", "Ben")]
        listed = content or drill()
        owned = await town["Riverside"].node.market.post(karim.no, listed)
        await until(town, lambda: converged(town), 600, "feeds")
        await act(Lending(town, ana, zoe, karim, ben, owned.listing.key, listed))
        await town.close()

    run_virtual(scenario, seed, weather or Weather())


@pytest.mark.parametrize("seed", range(2))
def test_a_drill_is_rented_to_a_neighbours_member_through_foul_weather_and_crashes(seed: int) -> None:
    """Asked, agreed, handed over, said to be back, taken back: with the same words on both sides, whatever fell over."""

    async def act(it: Lending) -> None:
        await it.ask(it.ana, it.days(0, 1))
        await it.riverside.crash()
        await pause(30)
        await it.riverside.boot()
        asked = await it.until_lent(S.ASKED)
        assert (asked.price, asked.text, asked.borrower_no) == (200, "For a shelf", -1)
        guest = await it.riverside.node.store.read(borrower_of, asked)
        assert isinstance(guest, Guest)
        assert (guest.name, guest.scheme) == ("Ana", it.oakvale.scheme)
        await it.sees(it.ana, Stands.ASKED)
        await it.owner(E.AGREE, "Ring twice")
        await it.oakvale.crash()
        await it.oakvale.boot()
        assert (await it.sees(it.ana, Stands.AGREED)).said == "Ring twice"
        await it.owner(E.HAND_OVER)

        async def told() -> bool:
            return "It was handed over." in (await it.mine(it.ana)).said

        await until(it.town, told, 7200, "handed over")
        await it.says(it.ana, Wants.HAS_IT)
        await it.until_lent(S.BROUGHT_BACK)
        await it.owner(E.TAKE_BACK)
        done = await it.sees(it.ana, Stands.DONE)
        assert (done.price, done.start, done.end) == (200, it.days(0, 1).start, it.days(0, 1).end)
        with pytest.raises(CannotRequest):
            await it.says(it.ana, Wants.TAKE_BACK)
        events = [each.event for each in await it.riverside.node.store.read(acts_of, asked.no)]
        assert events == [E.AGREE, E.HAND_OVER, E.BRING_BACK, E.TAKE_BACK]

    lending(act, weather=Weather(loss=0.05, duplicate=0.1, reorder=0.1), seed=seed)


def test_one_hour_is_given_to_one_of_those_who_want_it_here_and_abroad() -> None:
    """Three ask at the same moment for days that meet, of a thing that is had at once; the others wait and move up."""

    async def act(it: Lending) -> None:
        await asyncio.gather(
            it.ask(it.ana, it.days(2, 3)), it.ask(it.zoe, it.days(3, 4)), it.bens(it.days(3, 3))
        )
        await it.sees(it.zoe, Stands.WAITING)
        await it.sees(it.ana, Stands.WAITING)
        await it.never_twice()
        with pytest.raises(CannotBook):
            await it.bens(it.days(2, 4))
        bens = next(each for each in await it.lent() if each.borrower_no == it.ben.account_no)
        self_no = it.ben.account_no
        await it.riverside.node.bookings.act(bens.no, E.CANCEL, self_no, once=b"c" * 16)

        async def one() -> bool:
            seen = {(await it.mine(who)).mirror.seen for who in (it.ana, it.zoe)}
            return seen == {Stands.AGREED, Stands.WAITING}

        await until(it.town, one, 7200, "the first in line has it")
        await it.never_twice()
        has, waits = it.ana, it.zoe
        if (await it.mine(it.zoe)).mirror.seen is Stands.AGREED:
            has, waits = it.zoe, it.ana
        await it.says(has, Wants.TAKE_BACK)
        await it.sees(has, Stands.TAKEN_BACK)
        await it.sees(waits, Stands.AGREED)
        await it.owner(E.CANCEL, "It broke", next(each for each in await it.lent() if each.state is S.AGREED))
        assert (await it.sees(waits, Stands.ENDED)).said == "It broke"
        assert await it.riverside.node.store.read(taking, it.key, it.days(0, 30)) == []

    lending(act, drill(replace(TERMS, approval=False)))


def test_what_cannot_be_booked_from_abroad_is_declined_and_takes_no_hour() -> None:
    async def act(it: Lending) -> None:
        there = it.riverside
        for number, (wrong, answer) in enumerate(
            (
                ({"amount": Sum(scheme=there.scheme, amount=99)}, DELIVERED),  # an older price
                ({"amount": None}, DELIVERED),
                ({"amount": Sum(scheme=it.oakvale.scheme, amount=100)}, NOT_UNDERSTOOD),  # of the asker's unit
                ({"start": it.days(1, 1).start + 1}, DELIVERED),  # no whole day
                ({"start": it.days(-9, 0).start, "end": it.days(-9, 0).end - 24}, DELIVERED),  # over
                ({"end": it.days(1, 9).end, "amount": Sum(scheme=there.scheme, amount=900)}, DELIVERED),  # too long
                ({"places": 3}, DELIVERED),  # a drill has no guests
                ({"start": None, "end": None}, NOT_UNDERSTOOD),
                ({"end": 2**53 - 1}, NOT_UNDERSTOOD),  # no day of any calendar
            )
        ):  # fmt: skip
            name = bytes([number]) * 16
            given = {"reference": name, "thread": name, "from_handle": Handle(name), **wrong}
            assert await it.letter(**given) == answer
        assert await it.lent() == []
        held = await there.node.market.post(it.karim.no, drill(replace(TERMS, deposit=500)))
        secret = await there.node.market.post(it.karim.no, drill(), shared=False)
        for key in (held.listing.key, secret.listing.key):
            ref = ListingRef(scheme=there.scheme, key=key)
            assert await it.letter(listing=ref, reference=key, thread=key) == DELIVERED
        assert await it.lent() == [], (
            "no deposit is taken from abroad, and what is not shared is not asked for"
        )
        gift = await there.node.market.post(
            it.karim.no,
            listing("Sofa", kind="gift", category="home", price=AskingPrice(amount=0, per="free")),
        )
        ref = ListingRef(scheme=there.scheme, key=gift.listing.key)
        assert await it.letter(listing=ref, reference=b"g" * 16) == NOT_UNDERSTOOD, "a gift has no time"

    lending(act)


def test_letters_in_any_order_take_one_booking_where_its_newest_word_says() -> None:
    """What was answered for good stays so: a late letter takes no hour. Rule 7.10."""

    async def act(it: Lending) -> None:
        for turn, word in ((2, "take-back"), (1, "ask"), (2, "take-back"), (3, "ask")):
            assert await it.letter(turn=turn, word=word) == DELIVERED
        assert await it.lent() == [], "taken back before it came: over for good"
        for turn, word in ((1, "ask"), (1, "ask"), (4, "has-it"), (3, "take-back")):
            assert await it.letter(turn=turn, word=word, reference=b"s" * 16) == DELIVERED
        booked = await it.lent()
        assert [each.state for each in booked] == [S.ASKED], "it did not begin, and 3 was overtaken by 4"
        # Somebody else, in another conversation, under the same name: nothing of it is theirs.
        await it.letter(
            turn=9, word="take-back", reference=b"s" * 16, thread=b"o" * 16, from_handle=Handle(b"o" * 16)
        )
        assert [each.state for each in await it.lent()] == [S.ASKED]
        await it.letter(turn=5, word="take-back", reference=b"s" * 16)
        assert [each.state for each in await it.lent()] == [S.WITHDRAWN]
        for number in range(BOOKINGS_OPEN_OF_ONE_MAX + 2):
            day = it.days(10 + number, 10 + number)
            await it.letter(reference=number.to_bytes(16, "big"), start=day.start, end=day.end)
        open_now = [each for each in await it.lent() if each.state is S.ASKED]
        assert len(open_now) == BOOKINGS_OPEN_OF_ONE_MAX, "as many as a member of ours may"

    lending(act)


def test_what_nobody_answers_runs_out_and_what_is_late_is_said() -> None:
    async def act(it: Lending) -> None:
        await it.ask(it.ana, it.days(0, 0))
        await it.sees(it.ana, Stands.ASKED)
        await it.ask(it.zoe, it.days(1, 1))
        await it.sees(it.zoe, Stands.ASKED)
        await it.owner(E.AGREE)
        await it.owner(E.HAND_OVER)
        node = it.riverside.node
        assert await node.bookings_abroad.look() == 0, "its day is not over"
        wall = node.bookings.wall
        setattr(node.bookings, "wall", lambda ms: wall(ms) + 48)  # noqa: B010 - the clock on the wall, two days on
        assert [await node.bookings_abroad.look() for _ in range(2)] == [1, 0], "told once"
        assert "in time" in (await it.sees(it.ana, Stands.ENDED)).said
        await node.bookings.remind()

        async def late() -> bool:
            return "It was to be back by" in (await it.mine(it.zoe)).said

        await until(it.town, late, 7200, "a reminder")
        await node.store.write(node._leave, it.karim)
        assert [each.state for each in await it.lent()][:1] == [S.HANDED_OVER], "it has to come back"

    lending(act)


def test_several_days_of_one_thing_can_be_asked_for_and_the_same_once() -> None:
    async def act(it: Lending) -> None:
        first = await it.ask(it.ana, it.days(1, 1))
        again, other = await it.ask(it.ana, it.days(1, 1)), await it.ask(it.ana, it.days(5, 6))
        assert (again.no, other.no) == (first.no, first.no + 1)
        await it.until_lent(S.ASKED)

        async def both() -> bool:
            return len(await it.lent()) == 2

        await until(it.town, both, 7200, "two bookings")
        assert {each.borrower_no for each in await it.lent()} == {-1}, "one person"

        def calendar(tx: ReadTx) -> int:
            return len(taking(tx, it.key, it.days(0, 9)))

        assert await it.riverside.node.store.read(calendar) == 0, "nothing is taken before a yes"

    lending(act)


def test_several_owners_answer_a_guest_and_what_is_for_a_group_alone_is_not_had_from_abroad() -> None:
    """All owners stand on the owner's side of a booking from abroad, too. Rule 5.9."""

    async def act(it: Lending) -> None:
        node = it.riverside.node
        await node.things.name(it.key, it.karim.no, it.ben.no)
        await node.things.agree(it.key, it.ben.no)
        await it.ask(it.ana, it.days(1, 1))
        booking = await it.until_lent(S.ASKED)
        await node.bookings.act(booking.no, E.AGREE, it.ben.account_no, once=b"y" * 16)
        await it.sees(it.ana, Stands.AGREED)
        group = await node.circles.start(it.karim, "Tools", "", Door.OPEN, b"g" * 16)
        await node.things.give_to_group(it.key, it.karim.no, group, members_only=False)
        await it.ask(it.zoe, it.days(4, 4))
        await it.sees(it.zoe, Stands.ASKED)
        await node.things.give_to_group(it.key, it.karim.no, group, members_only=True)
        await it.ask(it.zoe, it.days(6, 6))
        await it.sees(it.zoe, Stands.DECLINED)
        await node.things.give_to_group(it.key, it.karim.no, group, members_only=False)
        await node.circle_accounts.ask(group, it.karim, [it.karim.no])
        await node.circle_accounts.open(1, OPERATOR, 0, None)
        await it.ask(it.zoe, it.days(8, 8))
        await it.sees(it.zoe, Stands.DECLINED)
        assert [each.state for each in await it.lent()] == [S.ASKED, S.AGREED], (
            "nobody abroad can give to a group"
        )

    lending(act)
