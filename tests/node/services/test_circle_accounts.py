"""A group's own account: asked for, opened, given to, let give, closed. Rule 3.10."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from node.services.accounts import load
from node.services.acts import Actor, Hand, NotAllowed, Role
from node.services.books import Refused
from node.services.circle_account_rows import (
    AccountState,
    GroupAccount,
    account_of_circle,
    group_account_by_no,
    group_accounts,
    treasurers_of,
)
from node.services.circle_accounts import CannotKeepAccount, Why, may_read_account
from node.services.circle_rows import circle_by_key
from node.services.fee_rows import traded
from node.services.ledger_check import check_books
from node.services.members import Member
from node.services.trades import Trade, trade_by_no
from node.store import ReadTx
from protocol.circle import Act, Door
from protocol.ledger import AccountKind, Refusal
from tests.node.web.towns import Town, open_town


class Bakers:
    """A group that Ana keeps, with Ben and Maud in it; Otto is not. Rosa and Ines organise."""

    def __init__(self, town: Town, people: list[Member], group: bytes):
        self.town, self.node, self.group = town, town.node, group
        self.rosa, self.ines, self.ana, self.ben, self.maud, self.otto = people
        self.accounts = town.node.circle_accounts

    async def now(self) -> GroupAccount:
        (found,) = await self.node.store.read(group_accounts)
        return found

    async def opened(self, *who: Member, lower: int = 0, upper: int | None = None) -> GroupAccount:
        """Let Ana ask, and Rosa open."""
        await self.accounts.ask(self.group, self.ana, [each.no for each in who or (self.ana, self.ben)])
        await self.accounts.open((await self.now()).no, self.rosa.acts("pin"), lower, upper)
        return await self.now()

    async def give(self, by: Member, amount: int, once: bytes | None = None) -> Trade:
        hand = Hand(entered_by=by.name, proved_by="pin")
        key = (await self.now()).key
        return await self.accounts.give(key, by, amount, "Flour", hand, once or self.node.chance.bytes(16))

    async def pay(self, by: Member, to: Member, amount: int, once: bytes | None = None) -> Trade:
        key = (await self.now()).key
        return await self.accounts.pay_out(
            key, by, "pin", to.no, amount, "Yeast", once or self.node.chance.bytes(16)
        )

    async def balance(self) -> int:
        no = (await self.now()).account_no
        assert no is not None
        return (await self.node.store.read(load, no)).value.balance

    async def treasurers(self) -> list[str]:
        return list((await self.node.store.read(treasurers_of, (await self.now()).no)).values())


@pytest.fixture
async def bakers() -> AsyncIterator[Bakers]:
    async with open_town() as town:
        people = [await town.member(name, Role.ORGANISER) for name in ("Rosa", "Ines")]
        people += [await town.member(name) for name in ("Ana", "Ben", "Maud", "Otto")]
        group = await town.node.circles.start(people[2], "Bread", "Baking.", Door.OPEN, bytes(16))
        made = Bakers(town, people, group)
        for who in (made.ben, made.maud):
            await town.node.circles.act(group, Act.JOIN, who, who.no)
        yield made


async def refused(why: Why, doing: object) -> None:
    with pytest.raises(CannotKeepAccount) as caught:
        await doing  # type: ignore[misc]  # an awaitable
    assert caught.value.why is why


async def test_from_the_question_to_the_close(bakers: Bakers) -> None:
    found = await bakers.opened(lower=60)
    assert found.account_no is not None
    held = (await bakers.node.store.read(load, found.account_no)).value
    assert (held.kind, held.balance, held.credit_limit) == (AccountKind.GROUP, 0, 60)
    given = await bakers.give(bakers.otto, 100)
    trade = await bakers.node.store.read(trade_by_no, given.no)
    assert (trade.group_name, trade.payer_no) == ("Bread", bakers.otto.account_no)
    once = bytes(15) + b"1"
    for _ in range(2):
        await bakers.pay(bakers.ben, bakers.maud, 150, once)
    assert await bakers.balance() == -50
    sums = await bakers.node.store.read(
        lambda tx: sum(load(tx, no).value.balance for no in (found.account_no or 0, bakers.otto.account_no, bakers.maud.account_no))
    )  # fmt: skip
    assert sums == 0
    await refused(Why.NOT_EVEN, bakers.accounts.close(found.no, bakers.rosa.acts("pin")))
    await bakers.give(bakers.maud, 50)
    await bakers.accounts.close(found.no, bakers.rosa.acts("pin"))
    assert await bakers.node.store.read(group_accounts) == []
    closed = await bakers.node.store.read(group_account_by_no, found.no)
    assert closed is not None
    assert closed.state is AccountState.CLOSED
    with pytest.raises(LookupError):
        await bakers.accounts.give(
            found.key, bakers.otto, 1, "x", Hand(entered_by="Otto", proved_by="pin"), bytes(16)
        )
    await bakers.opened()  # another may be asked for


async def test_who_asks_who_opens_and_that_nobody_decides_about_their_own(bakers: Bakers) -> None:
    one = [bakers.ana.no]
    await refused(Why.NOT_YOURS, bakers.accounts.ask(bakers.group, bakers.ben, one))
    await refused(Why.NOT_YOURS, bakers.accounts.ask(bakers.group, bakers.otto, one))
    for wrong in ([], [bakers.otto.no], [bakers.ana.no, 999]):
        await refused(Why.WHO, bakers.accounts.ask(bakers.group, bakers.ana, wrong))
    assert await bakers.node.store.read(group_accounts) == []
    await bakers.node.circles.act(bakers.group, Act.JOIN, bakers.rosa, bakers.rosa.no)
    await bakers.accounts.ask(bakers.group, bakers.ana, [bakers.rosa.no])
    await refused(Why.NOT_NOW, bakers.accounts.ask(bakers.group, bakers.ana, one))
    no = (await bakers.now()).no
    with pytest.raises(NotAllowed):
        await bakers.accounts.open(no, bakers.ben.acts("pin"), 0, None)
    for act in (
        bakers.accounts.open(no, bakers.rosa.acts("pin"), 0, None),
        bakers.accounts.decline(no, bakers.rosa.acts("pin")),
    ):
        await refused(Why.OWN, act)
    await bakers.accounts.open(no, bakers.ines.acts("pin"), 0, None)
    await refused(Why.NOT_NOW, bakers.accounts.open(no, bakers.ines.acts("pin"), 0, None))
    await refused(Why.NOT_NOW, bakers.accounts.decline(no, bakers.ines.acts("pin")))
    await refused(Why.OWN, bakers.accounts.close(no, bakers.rosa.acts("pin")))


async def test_only_treasurers_let_it_give_within_its_limits_and_never_to_themselves(bakers: Bakers) -> None:
    await bakers.opened(lower=60, upper=100)
    for other in (bakers.maud, bakers.otto, bakers.rosa):
        await refused(Why.NOT_YOURS, bakers.pay(other, bakers.ben, 1))
    await refused(Why.OWN, bakers.pay(bakers.ana, bakers.ana, 1))
    with pytest.raises(LookupError):
        await bakers.accounts.pay_out((await bakers.now()).key, bakers.ana, "pin", 999, 1, "x", bytes(16))
    for doing, why in (
        (bakers.pay(bakers.ana, bakers.otto, 61), Refusal.EXCEEDS_CREDIT_LIMIT),
        (bakers.give(bakers.otto, 101), Refusal.EXCEEDS_CEILING),
    ):
        with pytest.raises(Refused) as caught:
            await doing
        assert caught.value.reason is why
    assert await bakers.balance() == 0


async def test_whoever_leaves_the_group_is_its_treasurer_no_more_and_a_keeper_names_others(
    bakers: Bakers,
) -> None:
    key = (await bakers.opened()).key
    await bakers.node.circles.act(bakers.group, Act.REMOVE, bakers.ana, bakers.ben.no)
    assert await bakers.treasurers() == ["Ana"]
    await refused(Why.NOT_YOURS, bakers.pay(bakers.ben, bakers.maud, 1))
    keeper = bakers.ana.acts("pin")
    await refused(Why.WHO, bakers.accounts.name_treasurers(key, keeper, [bakers.ben.no]))
    for by in (bakers.maud.acts("pin"), bakers.rosa.acts("pin")):
        await refused(Why.NOT_YOURS, bakers.accounts.name_treasurers(key, by, [bakers.maud.no]))
    await bakers.accounts.name_treasurers(key, keeper, [bakers.maud.no])
    assert await bakers.treasurers() == ["Maud"]


async def test_an_account_outlives_its_group_until_organisers_close_it(bakers: Bakers) -> None:
    found = await bakers.opened(bakers.ana)
    await bakers.give(bakers.otto, 40)
    for who in (bakers.ben, bakers.maud, bakers.ana):
        await bakers.node.circles.act(bakers.group, Act.LEAVE, who, who.no)
    assert await bakers.treasurers() == []
    await refused(
        Why.NOT_YOURS, bakers.accounts.name_treasurers(found.key, bakers.ana.acts("pin"), [bakers.ana.no])
    )
    await bakers.accounts.name_treasurers(found.key, bakers.rosa.acts("pin"), [bakers.maud.no])
    await bakers.pay(bakers.maud, bakers.otto, 40)
    await bakers.accounts.close(found.no, bakers.rosa.acts("pin"))


async def test_what_was_only_asked_for_goes_with_its_group_or_with_a_no(bakers: Bakers) -> None:
    await bakers.accounts.ask(bakers.group, bakers.ana, [bakers.ana.no])
    await bakers.accounts.decline((await bakers.now()).no, bakers.rosa.acts("pin"))
    assert await bakers.node.store.read(group_accounts) == []
    await bakers.accounts.ask(bakers.group, bakers.ana, [bakers.ana.no])
    for who in (bakers.ben, bakers.maud, bakers.ana):
        await bakers.node.circles.act(bakers.group, Act.LEAVE, who, who.no)
    assert await bakers.node.store.read(group_accounts) == []


async def test_it_is_called_as_its_group_and_read_by_those_in_it(bakers: Bakers) -> None:
    await bakers.opened()
    await bakers.node.circles.change(bakers.group, bakers.ana, "Loaves", "Baking.", Door.OPEN)
    found = await bakers.now()
    assert found.name == "Loaves"

    async def reads(by: Actor) -> bool:
        return await bakers.node.store.read(may_read_account, found, by)

    for who, may in ((bakers.maud, True), (bakers.otto, False), (bakers.rosa, True)):
        assert await reads(who.acts("pin")) is may


async def test_it_is_no_member_where_fees_are_reckoned_and_the_book_agrees(bakers: Bakers) -> None:
    await bakers.opened()
    await bakers.give(bakers.otto, 100)
    await bakers.pay(bakers.ana, bakers.maud, 30)
    now_ms = bakers.town.clock.now_ms()
    assert await bakers.node.store.read(traded, 0, now_ms + 1) == {}

    def of_group(tx: ReadTx) -> GroupAccount | None:
        known = circle_by_key(tx, bakers.group)
        assert known is not None
        return account_of_circle(tx, known.no)

    assert await bakers.node.store.read(of_group) == await bakers.now()
    checked = await bakers.node.store.read(check_books, bakers.node.scheme, bakers.node.directory.state)
    assert checked.right, checked.findings
