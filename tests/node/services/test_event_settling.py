"""What an event costs or gives: one trade for each who was there, all or none, once. Rules 3.4, 3.5, 5.11."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from node.services.accounts import load
from node.services.acts import OPERATOR, NotAllowed
from node.services.event_rows import Hosted, event_by_key, to_settle, trades_of
from node.services.event_settling import CannotSettle
from node.services.ledger_check import check_books
from node.services.members import Member
from node.services.trades import trade_by_no
from node.store import ReadTx
from protocol.entry import Words
from protocol.errors import OutOfOrder
from protocol.event import Kind, Pays, Plan, State
from protocol.limits import DAY_MS, HOUR_MS
from protocol.message import decode_message
from tests.builders import NOW
from tests.erasing import open_scheme
from tests.node.web.towns import Town, open_town

PLAN = Plan(
    kind=Kind.TALK, title="Grafting", text="", where="Library", starts=NOW + DAY_MS, ends=NOW + DAY_MS + HOUR_MS,
    pays=Pays.GUESTS, amount=60,
)  # fmt: skip


class Oakvale:
    def __init__(self, town: Town, rosa: Member, guests: list[Member]):
        self.town, self.rosa, self.guests = town, rosa, guests

    async def held(self, plan: Plan = PLAN) -> Hosted:
        """Let Rosa host it and all others come; it is over."""
        once = self.town.node.chance.bytes(16)
        hosted = await self.town.node.events.post(self.rosa, [plan], once)
        for each in self.guests:
            await self.town.node.events.answer(hosted.key, each, True)
        self.town.clock.now = plan.ends
        return hosted

    async def settle(self, hosted: Hosted, *there: Member) -> None:
        await self.town.node.event_settling.settle(hosted.key, self.rosa, "pin", [each.no for each in there])

    async def balances(self) -> list[int]:
        def query(tx: ReadTx) -> list[int]:
            return [load(tx, each.account_no).value.balance for each in (self.rosa, *self.guests)]

        return await self.town.node.store.read(query)

    async def state(self, hosted: Hosted) -> State:
        found = await self.town.node.store.read(event_by_key, hosted.key)
        assert found is not None
        return found.event.state


@pytest.fixture
async def oakvale() -> AsyncIterator[Oakvale]:
    async with open_town() as town:
        rosa = await town.member("Rosa")
        yield Oakvale(town, rosa, [await town.member(name) for name in ("Ana", "Ben", "Maud")])


@pytest.mark.parametrize("pays, moved", [(Pays.GUESTS, [120, -60, -60, 0]), (Pays.HOST, [-120, 60, 60, 0])])
async def test_each_who_was_there_gives_or_gets_and_is_told(
    oakvale: Oakvale, pays: Pays, moved: list[int]
) -> None:
    ana, ben, _ = oakvale.guests
    hosted = await oakvale.held(replace(PLAN, pays=pays))
    assert await oakvale.balances() == [0, 0, 0, 0]
    await oakvale.settle(hosted, ana, ben)
    assert await oakvale.balances() == moved
    assert await oakvale.state(hosted) is State.SETTLED

    def said(tx: ReadTx) -> dict[int, str]:
        return {who: trade_by_no(tx, no).text for who, no in trades_of(tx, hosted.no).items()}

    assert await oakvale.town.node.store.read(said) == {ana.no: "Grafting", ben.no: "Grafting"}
    mails = await oakvale.town.mails()
    assert [(each.recipient, each.subject) for each in mails] == [
        ("ana@example.org", "Recorded: Grafting, 1 hour"),
        ("ben@example.org", "Recorded: Grafting, 1 hour"),
    ]
    what = "You gave Rosa 1 hour for it" if pays is Pays.GUESTS else "You got 1 hour from Rosa for it."
    assert all(what in each.text for each in mails)


async def test_the_entry_says_who_confirmed_it_and_for_whom(oakvale: Oakvale) -> None:
    """Rule 3.5."""
    hosted = await oakvale.held()
    await oakvale.settle(hosted, oakvale.guests[0])
    rows = (await oakvale.town.everything())["entry"]
    found = [
        decode_message(Words, each)
        for row in rows
        for each in row
        if isinstance(each, bytes) and b"Grafting" in each
    ]
    assert [(each.done_by, each.on_behalf_of, each.proved_by) for each in found] == [("Rosa", "Ana", "pin")]


async def test_all_of_it_or_nothing(oakvale: Oakvale) -> None:
    """The last of three cannot give that much: the others keep what they have, and it can be tried without him."""
    ana, ben, maud = oakvale.guests
    await oakvale.town.node.people.set_limits(OPERATOR, maud.no, 59, None, why="test")
    hosted = await oakvale.held()
    before = await oakvale.town.everything()
    with pytest.raises(CannotSettle) as caught:
        await oakvale.settle(hosted, ana, ben, maud)
    assert caught.value.member.no == maud.no
    assert await oakvale.town.everything() == before
    await oakvale.settle(hosted, ana, ben)
    assert await oakvale.balances() == [120, -60, -60, 0]


async def test_the_host_may_be_the_one_in_the_way(oakvale: Oakvale) -> None:
    await oakvale.town.node.people.set_limits(OPERATOR, oakvale.rosa.no, 100, 100, why="test")
    for pays in (Pays.HOST, Pays.GUESTS):
        oakvale.town.clock.now = NOW
        hosted = await oakvale.held(replace(PLAN, pays=pays))
        with pytest.raises(CannotSettle) as caught:
            await oakvale.settle(hosted, *oakvale.guests)
        assert caught.value.member.no == oakvale.rosa.no
    await oakvale.town.node.people.pause(OPERATOR, oakvale.guests[0].no, why="test")
    with pytest.raises(CannotSettle) as caught:
        await oakvale.settle(hosted, oakvale.guests[0])
    assert caught.value.member.no == oakvale.guests[0].no
    assert await oakvale.balances() == [0, 0, 0, 0]


async def test_it_moves_once_whoever_presses_how_often(tmp_path: Path) -> None:
    """On the store that serves: eight presses at once, one counts; and the book is right."""
    async with open_scheme(tmp_path) as scheme:
        rosa, _, *guests = scheme.members
        plan = replace(PLAN, starts=scheme.clock.now + DAY_MS, ends=scheme.clock.now + DAY_MS + 1)
        hosted = await scheme.node.events.post(rosa, [plan], scheme.node.chance.bytes(16))
        for each in guests:
            await scheme.node.events.answer(hosted.key, each, True)
        scheme.clock.now = plan.ends
        there = [each.no for each in guests]
        done = await asyncio.gather(
            *(scheme.node.event_settling.settle(hosted.key, rosa, "pin", there) for _ in range(8)),
            return_exceptions=True,
        )
        assert sum(isinstance(each, list) for each in done) == 1
        assert sum(isinstance(each, OutOfOrder) for each in done) == 7
        held = await scheme.node.store.read(load, rosa.account_no)
        assert held.value.balance == 60 * len(guests)
        checked = await scheme.node.store.read(
            check_books, scheme.node.scheme, scheme.node.directory.state, safe=scheme.node.keyring.safe
        )
        assert checked.right, checked.findings


async def test_only_the_host_and_only_in_time(oakvale: Oakvale) -> None:
    ana, *_ = oakvale.guests
    hosted = await oakvale.held()
    with pytest.raises(NotAllowed):
        await oakvale.town.node.event_settling.settle(hosted.key, ana, "pin", [ana.no])
    with pytest.raises(LookupError):
        await oakvale.town.node.event_settling.settle(
            type(hosted.key)(bytes(16)), oakvale.rosa, "pin", [ana.no]
        )
    for now_ms in (PLAN.starts - 1, PLAN.ends + 30 * DAY_MS):
        oakvale.town.clock.now = now_ms
        with pytest.raises(OutOfOrder):
            await oakvale.settle(hosted, ana)
    oakvale.town.clock.now = PLAN.starts
    read = oakvale.town.node.store.read
    assert [each.no for each in await read(to_settle, oakvale.rosa.no, PLAN.starts)] == [hosted.no]
    assert await read(to_settle, oakvale.rosa.no, PLAN.starts - 1) == []
    await oakvale.settle(hosted, ana)
    assert await read(to_settle, oakvale.rosa.no, PLAN.starts) == []
    assert await oakvale.balances() == [60, -60, 0, 0]
