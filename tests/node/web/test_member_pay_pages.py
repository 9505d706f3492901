"""Buying from another scheme through the pages, on three whole nodes in virtual time. docs/pages.md 0.2-0.6, 8.11."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from node.services.acts import OPERATOR
from node.services.members import Member, NewMember
from node.services.settings import SchemeSettings
from node.services.statement import read_statement
from node.simulation.network import SimulatedNetwork
from node.simulation.town import Resident, Town
from protocol.market import AskingPrice
from protocol.names import ItemKey
from tests.gossip_town import WIDE, listing
from tests.node.web.virtual_browser import Answer, VirtualBrowser
from tests.simulation import run_virtual

OAKVALE = SchemeSettings(name="Oakvale", help_name="Rosa", help_phone="01632 960 123")
HILLTOP = replace(
    OAKVALE, name="Hilltop", unit_kind="decimal", unit_name="Hills", decimals=1, minor_per_hour=100
)
RIVERSIDE = replace(
    OAKVALE, name="Riverside", unit_kind="decimal", unit_name="Acorns", unit_symbol="Acorns", decimals=2,
    minor_per_hour=1200, credit_limit=12_000,
)  # fmt: skip
CHAIN = [("Oakvale", "Hilltop"), ("Hilltop", "Riverside")]
JAM = listing("Plum jam, 4 jars", owner="Karim", price=AskingPrice(amount=600, per="item"))


@dataclass
class Market:
    """Ana of Oakvale in her browser, and Karim of Riverside with his jam."""

    town: Town
    ana: Member
    karim: Member
    browser: VirtualBrowser
    karims: VirtualBrowser
    jam: ItemKey

    async def listing(self) -> Answer:
        found = await self.browser.get("/find?q=jam")
        return await self.browser.get(next(link for link in found.links if link.startswith("/l/")))

    async def check(self, amount: str = "6", what: str = "Plum jam, 4 jars") -> Answer:
        """Go from the listing to the check page."""
        shown = await self.listing()
        form = await self.browser.get(next(link for link in shown.links if link.startswith("/record/what")))
        return await self.browser.post("/record/what", **form.fields, what=what, amount=amount)

    async def pay(self, check: Answer) -> Answer:
        return await self.browser.post("/record/do", **check.fields)

    async def balance(self, resident: Resident, member: Member) -> int:
        return (await resident.node.store.read(read_statement, member.account_no, 0, 2**53)).end

    async def balances(self) -> tuple[int, int]:
        oakvale, riverside = self.town["Oakvale"], self.town["Riverside"]
        return await self.balance(oakvale, self.ana), await self.balance(riverside, self.karim)

    async def found(self) -> bool:
        return JAM.title in (await self.browser.get("/find?q=jam")).words


async def new_member(resident: Resident, name: str) -> Member:
    return await resident.node.people.add(
        OPERATOR, NewMember(name=name, email=f"{name.split(maxsplit=1)[0].lower()}@example.org")
    )


def on_market_day(act: Callable[[Market], Awaitable[None]]) -> None:
    """Run `act` once Ana's node has heard of the jam and knows the way."""

    async def scenario(network: SimulatedNetwork) -> None:
        town = Town(network, seed=1)
        for settings in (OAKVALE, HILLTOP, RIVERSIDE):
            await town.add(settings)
        await town.connect(CHAIN, WIDE)
        oakvale, riverside = town["Oakvale"], town["Riverside"]
        ana, karim = await new_member(oakvale, "Ana Silva"), await new_member(riverside, "Karim Haddad")
        jam = (await riverside.node.market.post(karim.no, JAM)).listing.key
        market = Market(
            town, ana, karim, await VirtualBrowser.of(oakvale.node, ana), await VirtualBrowser.of(riverside.node, karim), jam
        )  # fmt: skip

        async def ready() -> bool:
            return await market.found() and "Pay for this" in (await market.listing()).words

        await town.until(ready, 600, "the jam")
        await act(market)
        await town.close()

    run_virtual(scenario)


def test_jam_is_bought_across_hilltop() -> None:
    """pages.md 8.11, 13.2: both amounts, one reference, both statements."""

    async def act(market: Market) -> None:
        found = (await market.browser.get("/find?q=jam")).words
        assert "about 30 min (6.00 Acorns)" in found
        assert "Riverside" in found
        assert "seen " in found
        shown = (await market.listing()).words
        assert "12 Acorns = 1 hour." in shown
        assert "The final amount is shown before you agree." in shown
        check = await market.check()
        assert "Karim gets 6 Acorns. You give 30 minutes." in check.words
        assert (
            "You have 0 hours now and are 30 minutes behind afterwards. Nothing has moved yet." in check.words
        )
        assert "Oakvale then owes Hilltop 30 minutes more." in check.words
        assert "Nothing to round." in check.words
        assert await market.balances() == (0, 0)

        done = await market.pay(check)

        assert "Done" in done.words
        assert "Recorded by both schemes." in done.words
        assert "You gave 30 minutes." in done.words
        assert "Karim got 6 Acorns." in done.words
        assert await market.balances() == (-30, 600)
        reference = done.location.split("/")[2]
        theirs = await market.karims.get(f"/t/{reference}")
        assert "You got 6 Acorns." in theirs.words
        assert "Plum jam, 4 jars, for Ana" in theirs.words
        assert "Oakvale" in theirs.words
        statement = await market.browser.get("/statement")
        assert "Plum jam, 4 jars, from Karim" in statement.words
        assert "6.00 Acorns in Riverside" in statement.words
        assert reference in "".join(statement.links)
        assert "Plum jam, 4 jars, for Ana" in (await market.karims.get("/statement")).words
        again = await market.pay(check)
        assert again.location == done.location, "the same form again is the same trade"
        assert await market.balances() == (-30, 600)
        repeat = await market.browser.get(f"/record/what?again={reference}")
        assert 'value="Plum jam, 4 jars"' in repeat.page
        assert 'value="6"' in repeat.page

    on_market_day(act)


@pytest.mark.parametrize(
    "amount, gives, rounding",
    [
        ("6.10", "31 minutes", "30 minutes 30 seconds, rounded up: you give 31 minutes."),
        ("12", "1 hour", "Nothing to round."),
        ("0.01", "1 minute", "3 seconds, rounded up: you give 1 minute."),
    ],
)
def test_what_is_rounded_is_said(amount: str, gives: str, rounding: str) -> None:
    """pages.md 0.2."""

    async def act(market: Market) -> None:
        check = await market.check(amount)
        assert f"You give {gives}." in check.words
        assert rounding in check.words

    on_market_day(act)


def test_a_silent_scheme_sets_aside_then_is_late_then_ends_by_itself() -> None:
    """pages.md 0.4, 0.5, 8.11.7."""

    async def act(market: Market) -> None:
        town, loop = market.town, asyncio.get_running_loop()
        check = await market.check()
        town.network.cut("Hilltop", "Riverside")
        begun = loop.time()
        aside = await market.pay(check)
        assert 7.5 < loop.time() - begun < 9, "eight seconds, then the page"
        assert "30 minutes set aside" in aside.words
        assert "Do not pay again." in aside.words
        assert "Check now" in aside.words
        home = (await market.browser.get("/home")).words
        assert "30 minutes set aside. Waiting for Riverside." in home
        assert "30 minutes of yours are set aside" in home
        assert "Set aside" in (await market.browser.get("/statement")).words
        second = await market.pay(check)
        assert second.location == aside.location
        stopped = await market.browser.post(
            "/record/what",
            **{**check.fields, "amount": "6"},
        )
        assert "You already have one waiting for the same thing" in stopped.words
        assert "It mostly takes a few seconds." in aside.words
        await asyncio.sleep(2 * 60)
        slow = await market.browser.get(aside.location)
        assert "We have been waiting for Riverside since" in slow.words
        assert "a few seconds" not in slow.words
        await asyncio.sleep(23 * 60)
        late = await market.browser.get(aside.location)
        assert "Riverside has not answered since" in late.words
        assert "You need do nothing. Do not pay again." in late.words
        assert "If this takes longer than 14 days, Rosa can free your 30 minutes." in late.words
        town.network.mend("Hilltop", "Riverside")
        await town.until(town.at_rest, 600, "the end")
        end = await market.browser.get(aside.location)
        assert "Nothing moved. You have your 30 minutes back." in end.words
        assert await market.balances() == (0, 0)

    on_market_day(act)


def test_a_refusal_does_not_say_whose_limit_it_was() -> None:
    """pages.md 0.6: Karim is at his ceiling by the time it arrives, or before it is asked."""

    async def act(market: Market) -> None:
        people = market.town["Riverside"].node.people
        check = await market.check()
        await people.set_limits(OPERATOR, market.karim.no, 12_000, 100, why="test")
        undone = await market.pay(check)
        assert "Riverside could not take it now" in undone.words
        assert "Nothing moved. You have your 30 minutes back." in undone.words
        refused = await market.check(what="Two jars", amount="3")
        assert "Riverside could not take it now" in refused.words
        assert "Nothing has moved." in refused.words
        for page in (undone, refused):
            assert "limit" not in page.words.lower()
            assert "ceiling" not in page.words.lower()
        assert await market.balances() == (0, 0)

    on_market_day(act)


def test_a_price_that_is_no_longer_firm_is_asked_again() -> None:
    """pages.md 0.3: the same price is simply paid."""

    async def act(market: Market) -> None:
        check = await market.check()
        await asyncio.sleep(11 * 60)
        done = await market.pay(check)
        assert "Recorded by both schemes." in done.words
        assert await market.balances() == (-30, 600)

    on_market_day(act)


def test_a_price_that_changed_brings_the_page_back() -> None:
    """pages.md 0.3: before gossip has told, the payee's word counts; what the page said is what is paid."""

    async def act(market: Market) -> None:
        riverside = market.town["Riverside"].node
        dearer = replace(JAM, price=AskingPrice(amount=660, per="item"))
        shown = await market.listing()
        form = await market.browser.get(next(link for link in shown.links if link.startswith("/record/what")))
        await riverside.market.edit(market.jam, dearer)
        check = await market.browser.post("/record/what", **form.fields, what="Plum jam, 4 jars", amount="6")
        assert "The price was 6 Acorns. It is 6.60 Acorns now." in check.words
        assert "Karim gets 6.60 Acorns. You give 33 minutes." in check.words
        other = {**check.fields, "gives": "30"}
        back = await market.browser.post("/record/do", **other)
        assert "You would have given 30 minutes. The price now is 33 minutes." in back.words
        assert await market.balances() == (0, 0)
        await market.pay(back)
        assert await market.balances() == (-33, 660)

    on_market_day(act)


def test_what_is_gone_is_said_to_be_gone() -> None:
    async def act(market: Market) -> None:
        shown = await market.listing()
        form = await market.browser.get(next(link for link in shown.links if link.startswith("/record/what")))
        await market.town["Riverside"].node.market.withdraw(market.jam)
        answer = await market.browser.post("/record/what", **form.fields, what="Plum jam", amount="6")
        assert "This is no longer listed in Riverside" in answer.words
        assert "Nothing has moved." in answer.words

    on_market_day(act)


def test_without_a_way_the_price_stays_and_the_button_goes() -> None:
    """pages.md 8.11.2."""

    async def act(market: Market) -> None:
        check = await market.check()
        await market.town["Hilltop"].stop()
        await asyncio.sleep(120)
        shown = await market.listing()
        assert "6.00 Acorns" in shown.words
        assert "Oakvale cannot reach Riverside just now." in shown.words
        assert "Pay for this" not in shown.words
        answer = await market.pay(check)
        assert "Nothing has moved." in answer.words
        assert await market.balances() == (0, 0)

    on_market_day(act)


def test_ones_own_limit_is_named_before_anything_moves() -> None:
    """pages.md 8.6."""

    async def act(market: Market) -> None:
        answer = await market.check("132")
        assert "You can go to 10 hours behind. This would be 11 hours." in answer.words
        assert await market.balances() == (0, 0)

    on_market_day(act)


def test_anothers_price_cannot_be_taken_over() -> None:
    """Forged: Ben's firm price in Ana's form buys nothing on Ben's word."""

    async def act(market: Market) -> None:
        oakvale = market.town["Oakvale"]
        ben = await new_member(oakvale, "Ben Carter")
        bens = await VirtualBrowser.of(oakvale.node, ben)
        his = await market.check()
        stolen = {**his.fields, "form_token": (await bens.get("/my/settings")).fields["form_token"]}
        await bens.post("/record/do", **stolen)
        trades = await oakvale.node.trades.newest(ben.account_no)
        assert [trade.payer_no for trade in trades] == [ben.account_no]
        assert await market.balance(oakvale, market.ana) == 0

    on_market_day(act)
