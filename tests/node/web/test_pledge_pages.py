"""A deposit across schemes, page by page on both sides: read, set aside, warned of, asked for, kept or let go. Rule 7.8; docs/pages.md 8.18."""

from __future__ import annotations

from sqlalchemy import text

from node.services.accounts import load
from node.services.acts import OPERATOR, Role
from node.services.members import NewMember
from protocol.booking import BookingTerms
from tests.node.web.test_bookings_abroad_pages import asks, day, rented, with_bike
from tests.node.web.test_member_pay_pages import Market
from tests.node.web.test_requests_abroad_pages import reads
from tests.node.web.virtual_browser import VirtualBrowser

BIKE = rented(BookingTerms(step="day", longest=7, deposit=2400))
LENT = "/my/bookings/1"


async def has(market: Market, name: str, **fields: str) -> str:
    """Let Karim press a button of his booking; return what his page says then."""
    page = await market.karims.get(LENT)
    done = await market.karims.post(f"{LENT}/{name}", **{**page.fields, **fields})
    assert done.status == 200, done.words
    return (await market.karims.get(LENT)).words


def test_a_deposit_is_set_aside_with_the_yes_and_some_of_it_is_kept() -> None:
    async def act(market: Market, there: str) -> None:
        said = await asks(market, there, 0, 1)
        assert "Deposit 24 Acorns (about 2 h)" in said
        assert "2 hours of yours are set aside with the yes, and free again when it is back." in said
        assert "Where that cannot be done by then, it is not yours, and you are told." in said
        await reads(market, market.karims, "/home", "Ana (Oakvale) asks for: Cargo bike")
        assert (
            "2 hours of yours are set aside as a deposit with the yes."
            in (await market.browser.get("/my/abroad")).words
        )
        assert "2 hours" not in (await market.browser.get("/statement")).words, "nothing before the yes"
        words = await has(market, "yes")
        warned = "The deposit of 24 Acorns is not set aside yet. Please wait until it says so here before you hand anything over."
        assert warned in words
        assert "Hand it over without a deposit" in words
        await reads(
            market,
            market.browser,
            "/my/abroad",
            "2 hours of yours are set aside as a deposit until it is back.",
        )
        assert (
            "Of this 2 hours are set aside as deposits now." in (await market.browser.get("/statement")).words
        )
        await reads(
            market, market.karims, LENT, "24 Acorns are set aside in the scheme of Ana (Oakvale) as a deposit"
        )
        words = await has(market, "handed-over")
        assert "Hand it over without a deposit" not in words
        too_much = await market.karims.get(LENT)
        stopped = await market.karims.post(
            f"{LENT}/back-broken", **too_much.fields, amount="25", words="Bent"
        )
        assert "That is more than the deposit." in stopped.words
        words = await has(market, "back-broken", amount="12", words="The mudguard is bent")
        assert "You ask to keep 12 Acorns of the deposit." in words

        await reads(market, market.browser, "/home", "Karim asks to keep some of the deposit")
        abroad = await market.browser.get("/my/abroad")
        assert (
            "Karim asks to keep 12 Acorns of the deposit. Until then all of it stays set aside: 2 hours."
            in abroad.words
        )
        assert "That is about 1 hour of yours." in abroad.words
        assert "Yes, 12 Acorns may be kept" in abroad.words
        his = await market.karims.get("/my/listings")
        assert (await market.karims.post("/my/abroad/1/keep", **his.fields)).status == 404, "not his to say"
        assert await market.balances() == (0, 0)
        for _ in range(2):
            done = await market.browser.post("/my/abroad/1/keep", **abroad.fields)
            assert done.status == 200, done.words
        await reads(
            market,
            market.browser,
            "/my/abroad",
            "12 Acorns of the deposit were kept; the rest is free again.",
        )
        assert await market.balances() == (-60, 1200), "paid once, however often it is pressed"
        await reads(market, market.karims, LENT, "12 Acorns of the deposit were kept")
        assert "Deposit: Cargo bike (" in (await market.karims.get("/statement")).words
        assert "asks to keep" not in (await market.browser.get("/home")).words

    with_bike(act, BIKE)


def test_a_deposit_is_let_go_or_kept_by_two_organisers_of_the_borrower() -> None:
    async def act(market: Market, there: str) -> None:
        node = market.town["Oakvale"].node
        await asks(market, there, 0, 1)
        await reads(market, market.karims, "/home", "Ana (Oakvale) asks for: Cargo bike")
        await has(market, "yes")
        await reads(market, market.karims, LENT, "are set aside in the scheme of Ana")
        await has(market, "handed-over")
        await has(market, "back-broken", amount="6", words="Bent")
        await reads(market, market.browser, "/my/abroad", "Karim asks to keep 6 Acorns of the deposit.")
        rosa, theo = [await organiser(market, name) for name in ("Rosa Hale", "Theo Lind")]
        await node.people.set_role(OPERATOR, market.ana.no, Role.ORGANISER)
        hers = await VirtualBrowser.of(node, market.ana)
        own = await hers.get("/admin/together")
        refused = await hers.post("/admin/together/pledge/1", **own.fields)
        assert refused.status == 422, "not her own"
        assert "You are one of the two it is about." in refused.words
        desk = await rosa.get("/admin/together")
        assert "Karim (Riverside) asks to keep 6 Acorns of Ana Silva’s deposit" in desk.words
        asked = await rosa.post("/admin/together/pledge/1", **desk.fields)
        assert asked.status == 200, asked.words
        alone = await rosa.get("/admin/together")
        assert "Confirm it" not in alone.words
        desk = await theo.get("/admin/together")
        assert "out of the 2 hours that are set aside" in desk.words
        await theo.post("/admin/together/1/confirm", **desk.fields)
        await node.pledges.pay_due()
        await reads(
            market, market.browser, "/my/abroad", "6 Acorns of the deposit were kept; the rest is free again."
        )
        assert await market.balances() == (-30, 600)

        stale = await theo.post("/admin/together/pledge/1", **desk.fields)
        assert stale.status == 422, "it was settled"

        await asks(market, there, 3, 4)
        await reads(market, market.karims, "/my/bookings/2", "Please say yes or no.")
        page = await market.karims.get("/my/bookings/2")
        await market.karims.post("/my/bookings/2/yes", **page.fields)
        await reads(market, market.karims, "/my/bookings/2", "are set aside in the scheme of Ana")
        page = await market.karims.get("/my/bookings/2")
        await market.karims.post("/my/bookings/2/call-off", **page.fields, words="It broke")
        await reads(market, market.browser, "/my/abroad", "The deposit is free again.")
        assert await held_here(market) == 0

    with_bike(act, BIKE)


async def held_here(market: Market) -> int:
    return (await market.town["Oakvale"].node.store.read(load, market.ana.account_no)).value.held


async def organiser(market: Market, name: str) -> VirtualBrowser:
    """Return the browser of somebody who has long been at Oakvale's desk."""
    node = market.town["Oakvale"].node
    new = NewMember(name=name, email=f"{name[:4]}@example.org", role=Role.ORGANISER)
    member = await node.people.add(OPERATOR, new)
    await node.store.write(lambda tx: tx.run(text("UPDATE act SET at_ms = 1")))
    return await VirtualBrowser.of(node, member)


def test_whoever_cannot_cover_it_does_not_ask_and_reads_why() -> None:
    """Rule 7.8: read in both units before, and refused before anything is asked; what the page did not show is not asked either."""
    dear = rented(BookingTerms(step="day", longest=7, deposit=5_000_00))

    async def act(market: Market, there: str) -> None:
        form = await market.browser.get(f"{there}/days")
        assert "Deposit 5,000 Acorns" in form.words
        fields = {**form.fields, "from": day(market, 1), "until": day(market, 1)}
        check = await market.browser.post(f"{there}/days", **fields)
        for aside in ("1", "x", ""):
            stopped = await market.browser.post(f"{there}/days/ask", **{**check.fields, "aside": aside})
            assert "The price or the terms have just changed." in stopped.words
        stopped = await market.browser.post(f"{there}/days/ask", **check.fields)
        assert "The deposit could not be set aside now: it would go beyond what you have." in stopped.words
        assert "You have asked for nothing" in (await market.browser.get("/my/abroad")).words

    with_bike(act, dear)
