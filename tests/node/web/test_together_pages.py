"""What two organisers must want, on their pages; and what the member reads. Source: docs/protocol.md 6.6, 6.9, 7.2; docs/pages.md 0.5."""

from __future__ import annotations

import asyncio
from typing import Final

from node.services.acts import OPERATOR, Role
from node.services.members import Member, NewMember
from protocol.limits import DAY_MS
from protocol.names import scheme_text
from tests.node.web.test_member_pay_pages import Market, on_market_day
from tests.node.web.virtual_browser import Answer, VirtualBrowser

HERE: Final = "/admin/together"


async def organiser(market: Market, name: str, role: Role = Role.ORGANISER) -> Member:
    new = NewMember(name=name, email=f"{name.lower()}@example.org", role=role)
    return await market.town["Oakvale"].node.people.add(OPERATOR, new)


async def browser(market: Market, member: Member) -> VirtualBrowser:
    return await VirtualBrowser.of(market.town["Oakvale"].node, member)


async def days(market: Market, days: float) -> None:
    """Let days pass with all power off, and open Ana's browser again."""
    residents = [each for each in market.town.residents if each.is_up]
    for each in residents:
        await each.crash()
    await asyncio.sleep(days * DAY_MS / 1000)
    for each in residents:
        await each.boot()
    await asyncio.sleep(61)
    market.browser = await browser(market, market.ana)


async def stuck(market: Market) -> str:
    """Let Ana's purchase be claimed where nobody hears of it; return the address of its result."""
    check = await market.check()
    riverside = market.town["Riverside"]

    async def credited() -> bool:
        return await market.balance(riverside, market.karim) > 0

    paying = asyncio.ensure_future(market.pay(check))
    for _ in range(10_000):
        if await credited():
            break
        await asyncio.sleep(0.001)
    market.town.network.cut("Hilltop", "Riverside")
    aside = await paying
    assert "30 minutes set aside" in aside.words
    return aside.location


def action(answer: Answer, what: str) -> str:
    """Return where the form of a page goes whose address ends so."""
    return next(
        part.partition('"')[0] for part in answer.page.split('action="')[1:] if what in part.partition('"')[0]
    )


def test_a_stuck_trade_is_freed_by_two_and_its_late_answer_is_paid_by_the_chest() -> None:
    """Rule 7.2 through the pages: one person, however many browsers, is one; books on all sides agree afterwards."""

    async def act(market: Market) -> None:
        town = market.town
        rosa, sam = await organiser(market, "Rosa", Role.ADMIN), await organiser(market, "Sam")
        result = await stuck(market)
        await days(market, 13)
        desk = await browser(market, rosa)
        assert "stuck" not in (await desk.get("/admin")).words
        late = await market.browser.get(result)
        assert "You need do nothing. Do not pay again." in late.words

        await days(market, 2)
        desk = await browser(market, rosa)
        assert "1 trade has been stuck for 14 days" in (await desk.get("/admin")).words
        page = await desk.get(HERE)
        assert "Ana Silva: 30 minutes set aside" in page.words
        assert "Plum jam, 4 jars, from Karim" in page.words
        asked = await desk.post(action(page, "/free/"), **page.fields)
        assert "Asked. It is done when a second organiser confirms it." in asked.words
        assert "Free Ana Silva’s 30 minutes" in asked.words
        assert "You asked for it. Another organiser must confirm it, logged in as themselves." in asked.words
        assert "Confirm it" not in asked.words

        # Another browser of the same person is the same person; neither does a form made up for it help.
        number = action(asked, "/drop").split("/")[-2]
        elsewhere = await browser(market, rosa)
        tried = await elsewhere.post(f"{HERE}/{number}/confirm", **(await elsewhere.get(HERE)).fields)
        assert tried.status == 422
        assert "Another organiser must confirm it" in tried.words
        assert "30 minutes of yours are set aside" in (await market.browser.get("/home")).words

        sams = await browser(market, sam)
        waits = await sams.get(HERE)
        assert "Asked by Rosa" in waits.words
        done = await sams.post(action(waits, "/confirm"), **waits.fields)
        assert "Done. Both of you are on the record." in done.words
        again = await sams.post(f"{HERE}/{number}/confirm", **done.fields or waits.fields)
        assert (again.status, "Something changed meanwhile" in again.words) == (422, True)

        home = (await market.browser.get("/home")).words
        assert "set aside" not in home
        freed = await market.browser.get(result)
        assert "Riverside did not answer. Two organisers freed it" in freed.words
        assert "You have your 30 minutes back." in freed.words
        assert "Try again" not in freed.words

        town.network.mend("Hilltop", "Riverside")
        await town.until(town.at_rest, 900, "the answer")
        trade = await market.browser.get(result.removesuffix("/check"))
        assert "Riverside answered after it was freed. The community chest paid it." in trade.words
        assert await market.balances() == (0, 600)
        assert await town["Oakvale"].imbalance() == {}
        assert "30 min" not in (await market.browser.get("/statement")).words

    on_market_day(act)


def test_while_one_is_late_no_second_attempt_begins() -> None:
    """pages.md 4: other words or another amount do not make it another thing, on the form or on an old check page."""

    async def act(market: Market) -> None:
        old_check = await market.check("7", "Two jars")
        await stuck(market)
        await asyncio.sleep(25 * 60)
        for amount, what in (("6", "Plum jam, 4 jars"), ("6", "jam, please"), ("3", "Plum jam, 2 jars")):
            second = await market.check(amount, what)
            assert "You already have one waiting for the same thing" in second.words, what
        pressed = await market.pay(old_check)
        assert "You already have one waiting for the same thing" in pressed.words
        node = market.town["Oakvale"].node
        assert len(await node.trades.waiting(market.ana.account_no)) == 1
        market.town.network.mend("Hilltop", "Riverside")
        await market.town.until(market.town.at_rest, 900, "the end")
        assert await market.balances() == (-30, 600), "one charge"

    on_market_day(act)


def test_a_single_organiser_reads_that_it_must_wait() -> None:
    async def act(market: Market) -> None:
        rosa = await organiser(market, "Rosa", Role.ADMIN)
        await stuck(market)
        await days(market, 15)
        desk = await browser(market, rosa)
        page = await desk.get(HERE)
        asked = await desk.post(action(page, "/free/"), **page.fields)
        assert (
            "There is no second organiser. So it must wait 7 days, in which anybody can object" in asked.words
        )
        assert "Confirm it" not in asked.words
        await days(market, 7)
        desk = await browser(market, rosa)
        page = await desk.get(HERE)
        done = await desk.post(action(page, "/confirm"), **page.fields)
        assert "Done." in done.words
        market.town.network.mend("Hilltop", "Riverside")

    on_market_day(act)


def test_what_a_neighbour_owes_is_written_off_by_two() -> None:
    async def act(market: Market) -> None:
        town = market.town
        oakvale, hilltop = town["Oakvale"].node, town["Hilltop"].node
        assert "Done" in (await market.pay(await market.check())).words
        await town.until(town.at_rest, 60, "rest")
        # Oakvale owes Hilltop half an hour: so it is Hilltop's organisers who may lose it.
        karla = await hilltop.people.add(
            OPERATOR, NewMember(name="Karla", email="k@example.org", role=Role.ADMIN)
        )
        lena = await hilltop.people.add(
            OPERATOR, NewMember(name="Lena", email="l@example.org", role=Role.ORGANISER)
        )
        await days(market, 8)
        hilltop = town["Hilltop"].node
        desk = await VirtualBrowser.of(hilltop, karla)
        here = f"/admin/neighbours/{scheme_text(oakvale.scheme)}"
        page = await desk.get(here)
        assert "They owe us 5 Hills." in page.words
        assert "Write off" not in page.words
        forced = await desk.post(here + "/write-off", **page.fields, lost="5")
        assert (forced.status, "Stop trading with them first." in forced.words) == (422, True)
        page = await desk.post(here + "/stop", **page.fields)
        assert "Write off what they owe" in page.words
        for lost, why in (("5.1", "They do not owe us that much."), ("much", "Please write a number")):
            wrong = await desk.post(here + "/write-off", **page.fields, lost=lost)
            assert (wrong.status, why in wrong.words) == (422, True), lost
        asked = await desk.post(here + "/write-off", **page.fields, lost="5")
        assert "Write off 5 Hills that Oakvale owes us" in asked.words
        assert "That is 2.5 Hills a member." in asked.words
        lenas = await VirtualBrowser.of(hilltop, lena)
        waits = await lenas.get(HERE)
        done = await lenas.post(action(waits, "/confirm"), **waits.fields)
        assert "Done." in done.words
        page = await desk.get(here)
        assert "Of what they owe, 5 Hills are written off." in page.words
        assert "They owe us 5 Hills" in page.words
        assert "Write off" not in page.words

    on_market_day(act)


def test_whoever_is_no_organiser_finds_nothing_there() -> None:
    async def act(market: Market) -> None:
        form = (await market.browser.get("/my/settings")).fields
        for path in (f"{HERE}/1/confirm", f"{HERE}/1/drop", f"{HERE}/free/1"):
            assert (await market.browser.post(path, **form)).status in (403, 404)
        assert (await market.browser.get(HERE)).status in (403, 404)

    on_market_day(act)
