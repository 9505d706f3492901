"""Two treasurers of a group's account, and what treasurers are told of what moves it. Rule 3.10."""

from __future__ import annotations

import pytest

from node.services.acts import Actor
from node.services.circle_accounts import Why
from node.services.circle_giving_rows import Giving, GivingState, giving_by_no, givings_for, givings_of
from node.services.ledger_check import check_books
from node.services.mail_wishes import Level
from node.services.members import Member
from node.services.trades import Trade, trade_by_no
from protocol.circle import Act
from protocol.limits import GROUP_GIVING_WAITS_MS, GROUP_GIVINGS_WAITING_MAX
from tests.node.services.test_circle_accounts import Bakers, bakers, refused

__all__ = ["bakers"]


async def two(bakers: Bakers, amount: int | None, by: Actor | None = None) -> None:
    key = (await bakers.now()).key
    await bakers.node.circle_givings.set_two_above(key, by or bakers.ana.acts("pin"), amount)


async def wants(
    bakers: Bakers, by: Member, to: Member, amount: int, once: bytes | None = None
) -> Trade | Giving:  # fmt: skip
    key = (await bakers.now()).key
    once = once or bakers.node.chance.bytes(16)
    return await bakers.node.circle_givings.pay_out(key, by, "pin", to.no, amount, "Yeast", once)


async def agrees(bakers: Bakers, giving: Trade | Giving, by: Member) -> None:
    assert isinstance(giving, Giving)
    await bakers.node.circle_givings.agree(giving.account.key, giving.no, by, "passkey")


async def now(bakers: Bakers, giving: Trade | Giving) -> Giving:
    found = await bakers.node.store.read(giving_by_no, giving.no)
    assert found is not None
    return found


async def test_over_the_amount_a_second_says_yes(bakers: Bakers) -> None:
    """Up to it one is enough; above it nothing moves until another says yes, once; both names stand in the entry."""
    await bakers.opened(bakers.ana, bakers.ben, bakers.maud, lower=500)
    await two(bakers, 100)
    assert isinstance(await wants(bakers, bakers.ben, bakers.otto, 100), Trade)
    once = bytes(15) + b"1"
    first = await wants(bakers, bakers.ben, bakers.otto, 101, once)
    assert isinstance(first, Giving)
    assert await wants(bakers, bakers.ben, bakers.otto, 101, once) == first
    assert await bakers.balance() == -100
    mine = await bakers.node.store.read(givings_for, bakers.ana.no, bakers.node.clock.now_ms(), 9)
    assert mine == [first]
    assert await bakers.node.store.read(givings_for, bakers.ben.no, bakers.node.clock.now_ms(), 9) == []
    for _ in range(2):
        await agrees(bakers, first, bakers.ana)
    assert await bakers.balance() == -201
    after = await now(bakers, first)
    assert after.state is GivingState.GIVEN
    assert after.trade_no is not None
    trade = await bakers.node.store.read(trade_by_no, after.trade_no)
    assert trade.entered_by == "Ben + Ana"
    checked = await bakers.node.store.read(check_books, bakers.node.scheme, bakers.node.directory.state)
    assert checked.right, checked.findings


async def test_nobody_says_it_twice_and_nobody_to_themselves(bakers: Bakers) -> None:
    await bakers.opened(bakers.ana, bakers.ben, bakers.maud, lower=500)
    await two(bakers, 100)
    first = await wants(bakers, bakers.ben, bakers.maud, 200)
    await refused(Why.SECOND, agrees(bakers, first, bakers.ben))
    await refused(Why.OWN, agrees(bakers, first, bakers.maud))
    await refused(Why.NOT_YOURS, agrees(bakers, first, bakers.otto))
    await refused(Why.NOT_YOURS, bakers.node.circle_givings.decline(first.account.key, first.no, bakers.otto))  # type: ignore[union-attr]  # as above
    await refused(Why.OWN, wants(bakers, bakers.ben, bakers.ben, 200))
    await refused(Why.SECOND, bakers.pay(bakers.ben, bakers.maud, 200))
    with pytest.raises(LookupError):
        await bakers.node.circle_givings.agree(b"\x01" * 16, first.no, bakers.ana, "pin")  # type: ignore[arg-type]  # any
    assert await bakers.balance() == 0


async def test_it_ends_by_a_no_by_time_and_with_the_first_ones_office(bakers: Bakers) -> None:
    await bakers.opened(bakers.ana, bakers.ben, lower=500)
    await two(bakers, 0)
    declined, late, gone = [await wants(bakers, bakers.ben, bakers.otto, 5) for _ in range(3)]
    await bakers.node.circle_givings.decline(declined.account.key, declined.no, bakers.ana)  # type: ignore[union-attr]  # as above
    await refused(Why.NOT_NOW, agrees(bakers, declined, bakers.ana))
    await bakers.accounts.name_treasurers(
        late.account.key, bakers.ana.acts("pin"), [bakers.ana.no, bakers.maud.no]
    )  # type: ignore[union-attr]  # as above
    await refused(Why.NOT_NOW, agrees(bakers, gone, bakers.ana))
    await bakers.accounts.name_treasurers(
        late.account.key, bakers.ana.acts("pin"), [bakers.ana.no, bakers.ben.no]
    )  # type: ignore[union-attr]  # as above
    bakers.town.clock.now += GROUP_GIVING_WAITS_MS
    await refused(Why.NOT_NOW, agrees(bakers, late, bakers.ana))
    account = (await bakers.now()).no
    assert await bakers.node.store.read(givings_of, account, bakers.node.clock.now_ms()) == []
    assert await bakers.node.circle_givings.look() == 2
    assert await bakers.node.circle_givings.look() == 0
    assert [(await now(bakers, each)).state.value for each in (declined, late, gone)] == [
        "declined",
        "lapsed",
        "lapsed",
    ]
    assert await bakers.balance() == 0


async def test_who_sets_the_amount_and_that_there_is_a_second(bakers: Bakers) -> None:
    await bakers.opened(bakers.ana, lower=500)
    await refused(Why.NOT_YOURS, two(bakers, 1, bakers.ben.acts("pin")))
    await refused(Why.NOT_YOURS, two(bakers, 1, bakers.rosa.acts("pin")))
    await two(bakers, 100)
    await refused(Why.SECOND, wants(bakers, bakers.ana, bakers.otto, 101))
    await bakers.accounts.name_treasurers(
        (await bakers.now()).key, bakers.ana.acts("pin"), [bakers.ana.no, bakers.ben.no]
    )
    for _ in range(GROUP_GIVINGS_WAITING_MAX):
        await wants(bakers, bakers.ana, bakers.otto, 101)
    await refused(Why.SO_MANY, wants(bakers, bakers.ana, bakers.otto, 101))
    await two(bakers, None)
    assert isinstance(await wants(bakers, bakers.ana, bakers.otto, 101), Trade)
    await bakers.give(bakers.otto, 101)
    no = (await bakers.now()).no
    await bakers.accounts.close(no, bakers.rosa.acts("pin"))
    waiting = await bakers.node.store.read(givings_for, bakers.ben.no, bakers.node.clock.now_ms(), 99)
    assert waiting == []


async def test_treasurers_are_told_of_what_moves_as_they_chose(bakers: Bakers) -> None:
    """Ana at once, Ben not at all; whoever did it is not told; what waits for somebody comes at once to all."""
    await bakers.opened(bakers.ana, bakers.ben, lower=500)
    await bakers.node.wishes.choose(bakers.ana, Level.AT_ONCE)
    await bakers.node.wishes.choose(bakers.ben, Level.MUST_ACT)
    seen = len(await bakers.town.mails())

    async def told() -> list[tuple[str, str]]:
        nonlocal seen
        mails = (await bakers.town.mails())[seen:]
        seen += len(mails)
        return [(each.recipient.partition("@")[0], each.subject) for each in mails]

    await bakers.give(bakers.otto, 60)
    assert await told() == [("ana", "“Bread” got 1 hour from Otto")]
    await wants(bakers, bakers.ana, bakers.otto, 30)
    assert await told() == []
    trade = await wants(bakers, bakers.ben, bakers.maud, 30)
    assert await told() == [("ana", "“Bread” gave 30 minutes to Maud")]
    await two(bakers, 10)
    await wants(bakers, bakers.ana, bakers.otto, 30)
    assert await told() == [("ben", "Ana wants “Bread” to give 30 minutes to Otto: please say yes or no")]
    assert isinstance(trade, Trade)
    await bakers.node.trades.correct(
        trade.no, organiser="Rosa", on_behalf_of="Maud", reason="twice", once=bakers.node.chance.bytes(16)
    )
    assert await told() == [("ana", "“Bread” got 30 minutes from Maud")]


async def test_who_leaves_the_group_confirms_nothing(bakers: Bakers) -> None:
    await bakers.opened(bakers.ana, bakers.ben, lower=500)
    await two(bakers, 10)
    first = await wants(bakers, bakers.ana, bakers.otto, 30)
    await bakers.node.circles.act(bakers.group, Act.LEAVE, bakers.ben, bakers.ben.no)
    await refused(Why.NOT_YOURS, agrees(bakers, first, bakers.ben))
