"""Lending within the scheme: asked, agreed, handed over, back; never two bookings of one hour. Rule 5.9."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import UTC
from itertools import combinations, count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select

from node.services import bookings as bookings_module
from node.services.acts import OPERATOR
from node.services.booking_rows import acts_of, booking_by_no, bookings_of, in_line, open_bookings, taking
from node.services.booking_telling import BookingTelling
from node.services.bookings import Booking, Bookings, CannotBook, NewBooking, UnfitPeriod, Why, whole_price
from node.services.deposits import Deposits
from node.services.market import Market
from node.services.members import Member, NewMember, Reach
from node.services.own_feed import OwnFeed
from node.services.paper_notes import to_tell
from node.services.trades import Trades
from node.store import ReadTx, StoreError, ThreadStore
from node.store.schema import bookings as schema
from node.wall import wall_hour
from protocol.booking import (
    IS_OUT,
    TAKES_TIME,
    BookingEvent,
    BookingState,
    BookingTerms,
    Period,
    Unfit,
    booking_step,
)
from protocol.errors import OutOfOrder
from protocol.limits import (
    BOOKING_REMINDED_EVERY_MS,
    BOOKINGS_OPEN_MAX,
    BOOKINGS_OPEN_OF_ONE_MAX,
    BOOKINGS_WAITING_MAX,
    DAY_MS,
)
from protocol.market import AskingPrice, Listing
from protocol.names import ItemKey
from tests.builders import NOW
from tests.node.services.desk import Desk

E, S = BookingEvent, BookingState
TODAY = wall_hour(NOW, UTC)
TERMS = BookingTerms(step="day", longest=7)
DRILL = Listing(
    kind="lend", title="Drill", text="18 V", category="borrow-tools", price=AskingPrice(amount=0, per="free"), language="en",
    terms=TERMS,
)  # fmt: skip


def days(first: int, last: int) -> Period:
    """Return the period from one day to another, both included; 0 is today."""
    return Period(TODAY + 24 * first, TODAY + 24 * (last + 1))


class Lending(Desk):
    """Ana has a drill, which Ben and Cem would like to borrow."""

    async def open(self, content: Listing = DRILL) -> Lending:
        await super().open()
        own = self.keyring.scheme
        feed = OwnFeed(store=self.store, keyring=self.keyring, clock=self.clock)
        self.market = Market(store=self.store, clock=self.clock, chance=self.chance, own=own, own_feed=feed)
        trades = Trades(store=self.store, books=self.books, clock=self.clock, scheme=own)
        self.bookings = Bookings(
            store=self.store, clock=self.clock, deposits=Deposits(self.books, trades), wall=lambda ms: wall_hour(ms, UTC),
            telling=BookingTelling(self.outbox, self.settings, self.clock, "https://oakvale.example"),
            tell_abroad=lambda tx, booking, said: None,
        )  # fmt: skip
        self.ana, self.ben, self.cem = [await self.member(name) for name in ("Ana", "Ben", "Cem")]
        self.forms = count(1)
        self.key = await self.listed(content)
        return self

    async def listed(self, content: Listing) -> ItemKey:
        return (await self.market.post(self.ana.no, content)).listing.key

    def once(self) -> bytes:
        return next(self.forms).to_bytes(16, "big")

    async def ask(
        self, who: Member, period: Period, *, once: bytes | None = None, content: Listing = DRILL, **given: Any
    ) -> Booking:  # fmt: skip
        usual: dict[str, Any] = {
            "key": self.key, "period": period, "guests": 0, "text": "", "terms": content.terms, "in_line": False,
            "price": whole_price(content, period),
        }  # fmt: skip
        return await self.bookings.ask(NewBooking(**(usual | given)), who, once or self.once())

    async def act(
        self, booking: Booking, event: BookingEvent, who: Member, words: str = "", once: bytes | None = None
    ) -> Booking:
        return await self.bookings.act(
            booking.no, event, who.account_no, words=words, once=once or self.once()
        )

    async def agreed(self, who: Member, period: Period) -> Booking:
        return await self.act(await self.ask(who, period), E.AGREE, self.ana)

    async def again(self, booking: Booking) -> Booking:
        return await self.store.read(booking_by_no, booking.no)

    async def subjects(self) -> list[tuple[str, str]]:
        """Return who was written what since the last look."""
        mails = [(each.recipient.partition("@")[0], each.subject) for each in await self.mails()]
        self.server.taken.clear()
        return mails


@pytest.fixture
async def lending() -> Lending:
    return await Lending().open()


async def refused(asking: Any) -> Why:
    with pytest.raises(CannotBook) as caught:
        await asking
    return caught.value.why


async def test_a_drill_is_asked_for_lent_and_brought_back(lending: Lending):
    """Each side is told of what the other did; what was said stays with it."""
    booking = await lending.ask(lending.ben, days(1, 2), text="For a shelf")
    assert booking.state is S.ASKED
    assert await lending.subjects() == [("ana", "Ben asks for: Drill")]
    booking = await lending.act(booking, E.AGREE, lending.ana)
    assert await lending.subjects() == [("ben", "Ana said yes: Drill")]
    lending.clock.now += DAY_MS
    booking = await lending.act(booking, E.HAND_OVER, lending.ana, "One battery is weak")
    lending.clock.now += DAY_MS
    booking = await lending.act(booking, E.BRING_BACK, lending.ben)
    booking = await lending.act(booking, E.MISS, lending.ana)
    booking = await lending.act(booking, E.BRING_BACK, lending.ben, "It lies before your door")
    assert booking.state is S.BROUGHT_BACK
    await lending.subjects()
    booking = await lending.act(booking, E.TAKE_BACK, lending.ana, "As it was")
    assert booking.state is S.RETURNED
    assert await lending.subjects() == [("ben", "Ana has it back: Drill")]
    acts = await lending.store.read(acts_of, booking.no)
    assert [(each.event, each.words) for each in acts if each.words] == [
        (E.HAND_OVER, "One battery is weak"),
        (E.BRING_BACK, "It lies before your door"),
        (E.TAKE_BACK, "As it was"),
    ]
    assert await lending.store.read(open_bookings, lending.ben.account_no) == []
    assert await lending.store.read(bookings_of, lending.ana.account_no) == ([booking], [])


async def test_the_same_form_twice_asks_and_acts_once(lending: Lending):
    once, yes = lending.once(), lending.once()
    asked = await asyncio.gather(*[lending.ask(lending.ben, days(1, 1), once=once) for _ in range(3)])
    assert len({each.no for each in asked}) == 1
    done = await asyncio.gather(*[lending.act(asked[0], E.AGREE, lending.ana, once=yes) for _ in range(3)])
    assert {each.state for each in done} == {S.AGREED}
    assert len(await lending.store.read(acts_of, asked[0].no)) == 1
    assert await refused(lending.act(asked[0], E.AGREE, lending.ana)) is Why.OTHERWISE
    assert await lending.subjects() == [("ana", "Ben asks for: Drill"), ("ben", "Ana said yes: Drill")]


async def test_a_key_of_one_booking_does_nothing_to_another(lending: Lending):
    """A form sent once more to another address is no act done before."""
    first, second = await lending.ask(lending.ben, days(1, 1)), await lending.ask(lending.cem, days(3, 3))
    once = lending.once()
    await lending.act(first, E.AGREE, lending.ana, once=once)
    with pytest.raises(StoreError):
        await lending.act(second, E.AGREE, lending.ana, once=once)
    assert (await lending.again(second)).state is S.ASKED


async def test_a_booking_is_nobody_elses(lending: Lending):
    booking = await lending.ask(lending.ben, days(1, 1))
    for event in E:
        with pytest.raises(LookupError):
            await lending.act(booking, event, lending.cem)
    with pytest.raises(LookupError):
        await lending.bookings.act(booking.no + 1, E.AGREE, lending.ana.account_no, once=lending.once())
    for event, who in ((E.AGREE, lending.ben), (E.WITHDRAW, lending.ana), (E.FREE, lending.ben)):
        assert await refused(lending.act(booking, event, who)) is Why.OTHERWISE
    assert await lending.again(booking) == booking


async def test_who_asked_for_the_same_waits_in_line_and_is_next(lending: Lending):
    """Rule 5.9: two ask, one gets it; the other asks again by itself when it is free."""
    first, second = await lending.ask(lending.ben, days(1, 2)), await lending.ask(lending.cem, days(2, 3))
    await lending.act(first, E.AGREE, lending.ana)
    assert (await lending.again(second)).state is S.WAITING
    assert await refused(lending.ask(lending.cem, days(1, 1))) is Why.TAKEN
    assert await refused(lending.act(second, E.AGREE, lending.ana)) is Why.OTHERWISE
    await lending.subjects()
    await lending.act(first, E.CANCEL, lending.ben, "Rain")
    assert (await lending.again(second)).state is S.ASKED
    assert await lending.subjects() == [
        ("ana", "Ben called it off: Drill"),
        ("cem", "Free now, and Ana is asked: Drill"),
        ("ana", "Cem asks for: Drill"),
    ]


async def test_the_first_in_line_comes_first_and_whoever_fits_beside_them(lending: Lending):
    taken = await lending.agreed(lending.ben, days(1, 5))
    line = [
        await lending.ask(who, period, in_line=True)
        for who, period in ((lending.cem, days(1, 2)), (lending.ben, days(6, 6)), (await lending.member("Dora"), days(2, 3)))
    ]  # fmt: skip
    other = await lending.ask(await lending.member("Emil"), days(4, 5), in_line=True)
    assert [each.state for each in line] == [S.WAITING, S.ASKED, S.WAITING]
    await lending.act(taken, E.CANCEL, lending.ben)
    states = [(await lending.again(each)).state for each in (*line, other)]
    assert states == [S.ASKED, S.ASKED, S.WAITING, S.ASKED]
    await lending.act(line[0], E.DECLINE, lending.ana)
    assert (await lending.again(line[2])).state is S.ASKED


async def test_without_the_owners_yes_it_is_had_at_once(lending: Lending):
    content = replace(DRILL, terms=replace(TERMS, approval=False))
    await lending.market.edit(lending.key, content)
    booking = await lending.ask(lending.ben, days(1, 1), content=content)
    assert booking.state is S.AGREED
    assert await lending.subjects() == [("ana", "Ben has booked: Drill")]
    waiting = await lending.ask(lending.cem, days(1, 1), content=content, in_line=True)
    assert waiting.state is S.WAITING
    assert await lending.subjects() == []
    await lending.act(booking, E.CANCEL, lending.ana, "It is broken")
    assert (await lending.again(waiting)).state is S.AGREED
    assert await lending.subjects() == [
        ("ben", "Ana called it off: Drill"),
        ("cem", "Ana said yes: Drill"),
        ("ana", "Cem has booked: Drill"),
    ]


async def test_an_owner_keeps_a_thing_for_herself(lending: Lending):
    mine = await lending.ask(lending.ana, days(1, 1))
    assert (mine.state, mine.price, mine.deposit) == (S.AGREED, 0, 0)
    assert await lending.subjects() == []
    assert await refused(lending.ask(lending.ben, days(1, 1))) is Why.TAKEN
    await lending.act(mine, E.CANCEL, lending.ana)
    assert (await lending.ask(lending.ben, days(1, 1))).state is S.ASKED


async def test_a_thing_is_with_one_person_at_a_time(lending: Lending):
    """Rule 5.9: also where the one before is late."""
    first, second = (
        await lending.agreed(lending.ben, days(0, 0)),
        await lending.agreed(lending.cem, days(1, 1)),
    )
    await lending.act(first, E.HAND_OVER, lending.ben)
    lending.clock.now += DAY_MS
    assert (await lending.again(first)).stands(lending.bookings.wall(lending.clock.now)) is S.OVERDUE
    assert await refused(lending.act(second, E.HAND_OVER, lending.ana)) is Why.STILL_OUT
    await lending.act(first, E.TAKE_BACK, lending.ana)
    assert (await lending.act(second, E.HAND_OVER, lending.ana)).state is S.HANDED_OVER


async def test_what_nobody_answered_has_lapsed(lending: Lending):
    booking = await lending.ask(lending.ben, days(0, 0))
    lending.clock.now += DAY_MS
    for event, who in ((E.AGREE, lending.ana), (E.WITHDRAW, lending.ben)):
        assert await refused(lending.act(booking, event, who)) is Why.OTHERWISE


async def test_what_is_shown_is_what_is_asked_for(lending: Lending):
    """Price, deposit and terms are those of the check page, or nothing is asked."""
    dear = replace(DRILL, kind="rent", price=AskingPrice(amount=60, per="day"))
    await lending.market.edit(lending.key, dear)
    assert await refused(lending.ask(lending.ben, days(1, 2))) is Why.CHANGED
    assert (
        await refused(lending.ask(lending.ben, days(1, 2), terms=replace(TERMS, deposit=5), price=120))
        is Why.CHANGED
    )
    booking = await lending.ask(lending.ben, days(1, 2), content=dear)
    assert booking.price == 120
    await lending.market.edit(lending.key, replace(dear, price=AskingPrice(amount=90, per="day")))
    assert (await lending.again(booking)).price == 120


async def test_what_cannot_be_asked_for(lending: Lending):
    with pytest.raises(UnfitPeriod) as caught:
        await lending.ask(lending.ben, days(1, 8))
    assert caught.value.unfit is Unfit.LONG
    assert await refused(lending.ask(lending.ben, days(1, 1), key=ItemKey(bytes(16)))) is Why.GONE
    plain = await lending.listed(replace(DRILL, title="Saw", terms=None))
    assert await refused(lending.ask(lending.ben, days(1, 1), key=plain)) is Why.GONE
    await lending.ask(lending.ben, days(1, 1))
    assert await refused(lending.ask(lending.ben, days(1, 2))) is Why.SAME
    await lending.market.hide(lending.key)
    assert await refused(lending.ask(lending.ben, days(4, 4))) is Why.GONE
    await lending.market.show(lending.key)
    await lending.people.pause(await lending.rosa(), lending.ben.no, why="Something is wrong")
    assert await refused(lending.ask(lending.ben, days(4, 4))) is Why.NOT_NOW


async def test_nobody_asks_for_everything(lending: Lending):
    for day in range(BOOKINGS_OPEN_OF_ONE_MAX):
        await lending.ask(lending.ben, days(day, day))
    assert await refused(lending.ask(lending.ben, days(40, 40))) is Why.OPEN_OF_ONE
    lending.clock.now += DAY_MS
    assert (await lending.ask(lending.ben, days(40, 40))).state is S.ASKED, "the first has lapsed"
    number = BOOKINGS_OPEN_OF_ONE_MAX
    while number < BOOKINGS_OPEN_MAX:
        key = await lending.listed(replace(DRILL, title=f"Thing {number}"))
        await lending.ask(lending.ben, days(5, 5), key=key)
        number += 1
    key = await lending.listed(replace(DRILL, title="One more"))
    assert await refused(lending.ask(lending.ben, days(5, 5), key=key)) is Why.OPEN


async def test_a_line_has_an_end(lending: Lending):
    await lending.agreed(lending.ben, days(1, 7))
    people = [await lending.member(f"Person{number}") for number in range(BOOKINGS_WAITING_MAX)]
    for each in people:
        await lending.ask(each, days(1, 1), in_line=True)
    assert await refused(lending.ask(lending.cem, days(2, 2), in_line=True)) is Why.LINE_FULL
    assert len(await lending.store.read(in_line, lending.key, TODAY)) == BOOKINGS_WAITING_MAX


async def test_who_has_a_thing_is_reminded(lending: Lending):
    """Once a day before its end, and every three days while it is overdue."""
    booking = await lending.agreed(lending.ben, days(0, 3))
    await lending.act(booking, E.HAND_OVER, lending.ana)
    await lending.subjects()
    assert await lending.bookings.remind() == 0
    lending.clock.now += 3 * DAY_MS
    assert (await lending.bookings.remind(), await lending.bookings.remind()) == (1, 0)
    assert await lending.subjects() == [("ben", "To be back soon: Drill")]
    lending.clock.now += BOOKING_REMINDED_EVERY_MS + 1
    assert (await lending.bookings.remind(), await lending.bookings.remind()) == (1, 0)
    assert await lending.subjects() == [("ben", "Please bring it back: Drill")]


async def test_who_has_no_mail_is_told_by_the_desk(lending: Lending):
    """pages.md 9: on the letters list, with what was said; nothing goes by mail."""
    new = NewMember(name="Maud", email="", reach=Reach.LETTER, address="Mill Lane 1")
    maud = await lending.people.add(OPERATOR, new)
    booking = await lending.ask(maud, days(0, 0))
    await lending.act(booking, E.AGREE, lending.ana)
    await lending.act(booking, E.HAND_OVER, lending.ana, "One battery is weak")
    assert [who for who, _ in await lending.subjects()] == ["ana"]
    (told,) = await lending.store.read(to_tell)
    assert told.member.no == maud.no
    assert [each.text for each in told.notes] == [
        "Ana said yes: Drill. Thursday 1 January 2026.",
        "Handed over: Drill. Thursday 1 January 2026. One battery is weak",
    ]


# --- Never two bookings of one hour --------------------------------------------------------------------------


async def test_fifty_at_once_get_it_once(tmp_path: Path):
    """Rule 5.9, on a store with threads: of all who press at one moment for times that meet, those who have it share
    no hour, and everybody else reads that it is taken."""
    lending = await Lending(await ThreadStore.open(tmp_path / "node.db")).open()
    try:
        content = replace(DRILL, terms=replace(TERMS, approval=False))
        await lending.market.edit(lending.key, content)
        people = [await lending.member(f"Person{number}") for number in range(50)]
        chance = random.Random(5)
        periods = [days(first, first + chance.randrange(3)) for first in chance.choices(range(8), k=50)]
        answers = await asyncio.gather(
            *[lending.ask(who, period, content=content) for who, period in zip(people, periods, strict=True)],
            return_exceptions=True,
        )
        got = [each for each in answers if isinstance(each, Booking)]
        whys = [each.why for each in answers if isinstance(each, CannotBook)]
        assert len(got) + len(whys) == 50
        assert set(whys) == {Why.TAKEN}
        assert got
        assert not any(one.period.overlaps(other.period) for one, other in combinations(got, 2))
        asked = await asyncio.gather(
            *[lending.ask(who, days(20, 20), content=content, in_line=True) for who in people[:20]]
        )
        assert sorted(each.state for each in asked) == [S.AGREED] + [S.WAITING] * 19
    finally:
        await lending.store.close()


async def test_without_the_look_at_all_hours_the_slots_still_hold(
    lending: Lending, monkeypatch: pytest.MonkeyPatch
):
    """The second net: a build that forgets to look breaks a key of the database, and nothing of it is kept."""
    first, second = await lending.ask(lending.ben, days(1, 2)), await lending.ask(lending.cem, days(2, 3))
    monkeypatch.setattr(bookings_module, "taking", lambda *_: [])
    monkeypatch.setattr(bookings_module, "asking", lambda *_: [])
    await lending.act(first, E.AGREE, lending.ana)
    with pytest.raises(StoreError):
        await lending.act(second, E.AGREE, lending.ana)
    assert (await lending.again(second)).state is S.ASKED
    found = await lending.store.read(taking, lending.key, days(0, 9))
    assert [each.no for each in found] == [first.no]


class BookingMachine(RuleBasedStateMachine):
    """Three people and one drill: whatever they do in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.bookings: list[Booking] = []

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    @initialize(approval=st.booleans())
    def begin(self, approval: bool) -> None:
        self.content = replace(DRILL, terms=replace(TERMS, approval=approval))
        self.lending = self.run(Lending().open(self.content))
        self.people = [self.lending.ana, self.lending.ben, self.lending.cem]

    @rule(who=st.integers(0, 2), first=st.integers(0, 6), more=st.integers(0, 3), in_line=st.booleans())
    def ask(self, who: int, first: int, more: int, in_line: bool) -> None:
        period = days(first, first + more)
        taken = self.run(self.lending.store.read(taking, self.lending.key, period))
        try:
            made = self.run(self.lending.ask(self.people[who], period, content=self.content, in_line=in_line))
        except (CannotBook, UnfitPeriod):
            return
        assert (made.state is S.WAITING) == bool(taken)
        self.bookings.append(made)

    @rule(which=st.integers(0, 30), event=st.sampled_from(E), who=st.integers(0, 2))
    def act(self, which: int, event: BookingEvent, who: int) -> None:
        if which >= len(self.bookings):
            return
        before, by = self.run(self.lending.again(self.bookings[which])), self.people[who]
        side = before.side_of(by.account_no)
        now_hour = self.lending.bookings.wall(self.lending.clock.now)
        try:
            answer: Booking | Why | None = self.run(self.lending.act(before, event, by))
        except LookupError:
            answer = None
        except CannotBook as no:
            answer = no.why
        after = self.run(self.lending.again(before))
        if answer is None or side is None:
            assert answer is side is None
        elif isinstance(answer, Booking):
            assert after.state is booking_step(before.stands(now_hour), event, side)
        elif answer is Why.OTHERWISE:
            with pytest.raises(OutOfOrder):
                booking_step(before.stands(now_hour), event, side)
        else:
            assert (answer, event) == (Why.STILL_OUT, E.HAND_OVER)
        if not isinstance(answer, Booking):
            assert after == before

    @rule(hours=st.integers(1, 40))
    def wait(self, hours: int) -> None:
        self.lending.clock.now += hours * 3_600_000

    @invariant()
    def no_two_share_an_hour(self) -> None:
        if not self.bookings:
            return
        now = [self.run(self.lending.again(each)) for each in self.bookings]
        taken = [each for each in now if each.state in TAKES_TIME]
        for one, other in combinations(taken, 2):
            assert not one.period.overlaps(other.period)
        assert sum(each.state in IS_OUT for each in now) <= 1
        for each in now:
            if each.state is S.ASKED:
                assert not any(each.period.overlaps(other.period) for other in taken)
        slots = self.run(self.lending.store.read(all_slots))
        assert slots == {(hour, each.no) for each in taken for hour in each.slots}

    def teardown(self) -> None:
        if hasattr(self, "lending"):
            self.run(self.lending.store.close())
        self.runner.close()


def all_slots(tx: ReadTx) -> set[tuple[int, int]]:
    slot = schema.booking_slot.c
    return {(hour, no) for hour, no in tx.all(select(slot.hour, slot.booking_no))}


TestBookingMachine = BookingMachine.TestCase
TestBookingMachine.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
