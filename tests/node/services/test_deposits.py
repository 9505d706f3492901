"""Deposits as holds in the ledger: with the yes, until the thing is back; kept by the borrower's yes or two organisers. Rules 3.3, 7.8."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import text

from node.services.accounts import load
from node.services.booking_rows import booking_by_no
from node.services.bookings import Booking, CannotBook, Why
from node.services.deposit_rows import deposits_held
from node.services.ledger_check import check_books
from node.services.ledger_rebuild import rebuild
from node.services.members import Member
from protocol.booking import BookingEvent, BookingState
from protocol.deposit import ASIDE, DepositEvent, DepositState
from protocol.market import Listing
from protocol.names import SchemeId
from tests.invariants import Violated, check_nothing_left, take_snapshot
from tests.node.services.test_bookings import DRILL, TERMS, Lending, days, refused

E, S = BookingEvent, BookingState
DEPOSIT = 120
DEAR = replace(DRILL, terms=replace(TERMS, deposit=DEPOSIT))


class Pledging(Lending):
    """Ana lends her drill against a deposit; everybody may go 600 below zero."""

    async def open(self, content: Listing = DEAR) -> Pledging:
        await super().open(content)
        self.content = content
        return self

    async def held(self, who: Member) -> tuple[int, int]:
        """Return what an account holds and has."""
        value = (await self.store.read(load, who.account_no)).value
        return value.held, value.balance

    async def settle(self, booking: Booking, event: DepositEvent, who: Member) -> Booking:
        return await self.bookings.settle(booking.no, event, who, proved_by="pin", once=self.once())

    async def out(self) -> Booking:
        booking = await self.ask(self.ben, days(0, 1), content=self.content)
        booking = await self.act(booking, E.AGREE, self.ana)
        return await self.act(booking, E.HAND_OVER, self.ana)

    async def asked_for(self, keep: int) -> Booking:
        booking = await self.out()
        return await self.bookings.act(
            booking.no, E.TAKE_BACK, self.ana.account_no, words="Bent", keep=keep, once=self.once()
        )

    async def check(self) -> tuple[str, ...]:
        """Return what checking the whole book finds."""
        own = self.keyring.scheme
        checked = await self.store.read(check_books, own, self.identity)
        return tuple(str(each) for each in checked.findings)

    def identity(self, scheme: SchemeId) -> Any:
        return self.keyring.identity if scheme == self.keyring.scheme else None


@pytest.fixture
async def pledging() -> Pledging:
    return await Pledging().open()


async def test_a_deposit_is_set_aside_with_the_yes_and_free_when_it_is_back(pledging: Pledging):
    booking = await pledging.ask(pledging.ben, days(0, 1), content=DEAR)
    assert (booking.deposit_state, await pledging.held(pledging.ben)) == (DepositState.NONE, (0, 0))
    booking = await pledging.act(booking, E.AGREE, pledging.ana)
    assert (booking.deposit_state, await pledging.held(pledging.ben)) == (DepositState.HELD, (DEPOSIT, 0))
    booking = await pledging.act(booking, E.HAND_OVER, pledging.ana)
    assert await pledging.held(pledging.ben) == (DEPOSIT, 0)
    booking = await pledging.act(booking, E.TAKE_BACK, pledging.ana)
    assert (booking.deposit_state, await pledging.held(pledging.ben)) == (DepositState.FREED, (0, 0))
    assert await pledging.check() == ()


async def test_called_off_it_is_free_at_once(pledging: Pledging):
    booking = await pledging.ask(pledging.ben, days(0, 1), content=DEAR)
    booking = await pledging.act(booking, E.AGREE, pledging.ana)
    booking = await pledging.act(booking, E.CANCEL, pledging.ben)
    assert (booking.deposit_state, await pledging.held(pledging.ben)) == (DepositState.FREED, (0, 0))


async def test_without_a_deposit_there_is_no_yes(pledging: Pledging):
    """Rule 7.8: nothing is given away, and nothing is noted, where it cannot be set aside."""
    dear = replace(DRILL, terms=replace(TERMS, deposit=601))
    await pledging.market.edit(pledging.key, dear)
    booking = await pledging.ask(pledging.ben, days(0, 1), content=dear)
    assert await refused(pledging.act(booking, E.AGREE, pledging.ana)) is Why.DEPOSIT
    assert (await pledging.again(booking)).state is S.ASKED
    assert await pledging.held(pledging.ben) == (0, 0)
    once = replace(dear, terms=replace(dear.terms or TERMS, approval=False))
    await pledging.market.edit(pledging.key, once)
    assert await refused(pledging.ask(pledging.cem, days(4, 4), content=once)) is Why.DEPOSIT


async def test_who_waits_and_cannot_pledge_is_passed_over(pledging: Pledging):
    content = replace(DRILL, terms=replace(TERMS, deposit=400, approval=False))
    await pledging.market.edit(pledging.key, content)
    first = await pledging.ask(pledging.ben, days(0, 1), content=content)
    assert (first.state, await pledging.held(pledging.ben)) == (S.AGREED, (400, 0))
    poor = await pledging.ask(pledging.cem, days(0, 0), content=content, in_line=True)
    other = await pledging.listed(replace(content, title="Saw"))
    await pledging.ask(pledging.cem, days(0, 0), content=content, key=other)
    dora = await pledging.ask(await pledging.member("Dora"), days(0, 1), content=content, in_line=True)
    await pledging.act(first, E.CANCEL, pledging.ben)
    assert (await pledging.again(poor)).state is S.WAITING
    assert (await pledging.again(dora)).state is S.AGREED
    assert await pledging.check() == ()


async def test_some_of_it_is_kept_by_the_borrowers_yes(pledging: Pledging):
    """Rule 7.8: an ordinary payment out of the hold, once; the rest is free."""
    booking = await pledging.asked_for(50)
    assert (booking.state, booking.deposit_state, booking.keep) == (S.RETURNED, DepositState.ASKED, 50)
    assert await pledging.held(pledging.ben) == (DEPOSIT, 0)
    assert await pledging.check() == ()
    once = pledging.once()
    for _ in range(2):
        kept = await pledging.bookings.settle(
            booking.no, DepositEvent.KEEP, pledging.ben, proved_by="pin", once=once
        )
        assert kept.deposit_state is DepositState.KEPT
    assert (await pledging.held(pledging.ben), await pledging.held(pledging.ana)) == ((0, -50), (0, 50))
    assert await refused(pledging.settle(booking, DepositEvent.KEEP, pledging.ben)) is Why.OTHERWISE
    assert await pledging.check() == ()


async def test_the_owner_lets_it_go_and_keeps_nothing_alone(pledging: Pledging):
    booking = await pledging.asked_for(DEPOSIT)
    assert await refused(pledging.settle(booking, DepositEvent.KEEP, pledging.ana)) is Why.OTHERWISE
    assert await refused(pledging.settle(booking, DepositEvent.FREE, pledging.ben)) is Why.OTHERWISE
    with pytest.raises(LookupError):
        await pledging.settle(booking, DepositEvent.KEEP, pledging.cem)
    assert await pledging.held(pledging.ben) == (DEPOSIT, 0)
    booking = await pledging.settle(booking, DepositEvent.FREE, pledging.ana)
    assert (booking.deposit_state, await pledging.held(pledging.ben)) == (DepositState.FREED, (0, 0))


@pytest.mark.parametrize("keep", [DEPOSIT + 1, -1])
async def test_nobody_asks_for_more_than_the_deposit(pledging: Pledging, keep: int):
    booking = await pledging.out()
    asking = pledging.bookings.act(
        booking.no, E.TAKE_BACK, pledging.ana.account_no, keep=keep, once=pledging.once()
    )
    assert await refused(asking) is Why.TOO_MUCH
    assert (await pledging.again(booking)).state is S.HANDED_OVER


async def test_who_leaves_lets_the_deposits_of_others_go(pledging: Pledging):
    booking = await pledging.asked_for(50)
    other = await pledging.ask(pledging.cem, days(4, 4), content=DEAR)
    await pledging.act(other, E.AGREE, pledging.ana)
    await pledging.store.write(pledging.bookings.leave_in, pledging.ana.account_no)
    assert await pledging.held(pledging.ben) == await pledging.held(pledging.cem) == (0, 0)
    assert (await pledging.again(other)).state is S.CANCELLED
    assert (await pledging.again(booking)).deposit_state is DepositState.FREED


async def test_what_is_set_aside_is_reckoned_from_the_bookings(pledging: Pledging):
    """I8, and checking the book: a hold that no booking explains is named, and a rebuilt account holds what bookings say."""
    await pledging.out()
    own = pledging.keyring.scheme
    check_nothing_left(await pledging.store.read(take_snapshot, own))
    change = text("UPDATE account SET held = held + :more WHERE held > 0").bindparams(more=1)
    await pledging.store.write(lambda tx: tx.run(change))
    assert any("open payments and deposits make it 120" in each for each in await pledging.check())
    with pytest.raises(Violated, match="I8"):
        check_nothing_left(await pledging.store.read(take_snapshot, own))
    await pledging.store.write(rebuild, own, pledging.identity)
    assert await pledging.check() == ()
    assert await pledging.held(pledging.ben) == (DEPOSIT, 0)


@pytest.mark.parametrize(
    "change",
    [
        "deposit_state = 'freed', keep = 1", "deposit_state = 'asked', keep = 1", "deposit_state = 'none'", "keep = 1",
        "state = 'cancelled'", "deposit_state = 'lost'",
    ],
)  # fmt: skip
async def test_a_deposit_that_does_not_fit_its_booking_is_named(pledging: Pledging, change: str):
    await pledging.out()
    await pledging.store.write(lambda tx: tx.run(text(f"UPDATE booking SET {change}")))
    assert any(each.startswith("booking") for each in await pledging.check())


class DepositMachine(RuleBasedStateMachine):
    """Three people, one drill and a deposit: what is set aside is always that of the bookings, whatever they do."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.made: list[Booking] = []

    @initialize(approval=st.booleans(), deposit=st.sampled_from([100, 300, 700]))
    def begin(self, approval: bool, deposit: int) -> None:
        content = replace(DRILL, terms=replace(TERMS, approval=approval, deposit=deposit))
        self.town = self.runner.run(Pledging().open(content))
        self.people = [self.town.ana, self.town.ben, self.town.cem]

    def tried(self, work: Any) -> Any:
        try:
            return self.runner.run(work)
        except (CannotBook, LookupError):
            return None

    @rule(who=st.integers(1, 2), first=st.integers(0, 4), in_line=st.booleans())
    def ask(self, who: int, first: int, in_line: bool) -> None:
        asking = self.town.ask(
            self.people[who], days(first, first + 1), content=self.town.content, in_line=in_line
        )
        made = self.tried(asking)
        if made is not None:
            self.made.append(made)

    @rule(
        which=st.integers(0, 12),
        event=st.sampled_from(E),
        who=st.integers(0, 2),
        keep=st.sampled_from([0, 0, 60]),
    )
    def act(self, which: int, event: BookingEvent, who: int, keep: int) -> None:
        if which < len(self.made):
            once, account_no = self.town.once(), self.people[who].account_no
            self.tried(self.town.bookings.act(self.made[which].no, event, account_no, keep=keep, once=once))

    @rule(which=st.integers(0, 12), event=st.sampled_from(DepositEvent), who=st.integers(0, 2))
    def settle(self, which: int, event: DepositEvent, who: int) -> None:
        if which < len(self.made):
            self.tried(self.town.settle(self.made[which], event, self.people[who]))

    @invariant()
    def what_is_held_is_what_bookings_say(self) -> None:
        if not self.made:
            return
        now = [self.runner.run(self.town.store.read(booking_by_no, each.no)) for each in self.made]
        held = self.runner.run(self.town.store.read(deposits_held))
        balances = 0
        for who in self.people:
            aside, balance = self.runner.run(self.town.held(who))
            mine = [
                each.deposit
                for each in now
                if each.borrower_no == who.account_no and each.deposit_state in ASIDE
            ]
            assert aside == held[who.account_no] == sum(mine)
            balances += balance
        assert balances == 0
        kept = sum(each.keep for each in now if each.deposit_state is DepositState.KEPT)
        assert self.runner.run(self.town.held(self.town.ana))[1] == kept

    def teardown(self) -> None:
        if hasattr(self, "town"):
            assert self.runner.run(self.town.check()) == ()
            self.runner.run(self.town.store.close())
        self.runner.close()


TestDepositMachine = DepositMachine.TestCase
TestDepositMachine.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
