"""Borrowing, renting and staying in another scheme, page by page on both sides, until it is paid. Rules 5.9, 7.8, 7.10; docs/pages.md 8.18."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from node.services.acts import OPERATOR
from node.services.booking_rows import bookings_of
from node.wall import day_of
from node.web.listing_names import listing_id
from node.web.pages.listings import parse_listing_id
from protocol.booking import BookingTerms
from protocol.market import AskingPrice, Listing
from tests.gossip_town import listing
from tests.node.web.test_member_pay_pages import Market, new_member, on_market_day
from tests.node.web.test_requests_abroad_pages import reads
from tests.node.web.virtual_browser import VirtualBrowser

Act = Callable[[Market, str], Awaitable[None]]
DAILY = BookingTerms(step="day", longest=7)


def rented(terms: BookingTerms = DAILY, title: str = "Cargo bike", kind: str = "rent") -> Listing:
    price = AskingPrice(amount=600, per=terms.step)
    return listing(title, kind=kind, category="home", owner="Karim", price=price, terms=terms)


def with_bike(act: Act, content: Listing | None = None, sign: str = "Ask for it") -> None:
    """Run `act` once Ana reads of what Karim rents out; with its address there."""

    async def scenario(market: Market) -> None:
        node = market.town["Riverside"].node
        key = (await node.market.post(market.karim.no, content or rented())).listing.key
        there = f"/l/{listing_id(key, node.scheme)}"
        await reads(market, market.browser, there, sign)
        await act(market, there)

    on_market_day(scenario)


def day(market: Market, number: int) -> str:
    """Return a day as a date field sends it; 0 is today."""
    node = market.town["Riverside"].node
    today = day_of(node.bookings.wall(node.clock.now_ms()))
    return today.fromordinal(today.toordinal() + number).isoformat()


async def asks(market: Market, there: str, first: int, last: int, **more: str) -> str:
    """Let Ana ask from the form on; return what the check page said."""
    form = await market.browser.get(f"{there}/days")
    fields = {**form.fields, "from": day(market, first), "until": day(market, last), **more}
    check = await market.browser.post(f"{there}/days", **fields)
    assert check.status == 200, check.words
    done = await market.browser.post(f"{there}/days/ask", **check.fields)
    assert done.status == 200, done.words
    return check.words


def test_a_bike_is_rented_across_schemes_from_the_question_to_the_payment() -> None:
    async def act(market: Market, there: str) -> None:
        said = await asks(market, there, 0, 1, text="For the market")
        assert "From Karim (Riverside)" in said
        assert "12 Acorns (about 1 h)" in said
        assert "Karim says yes or no." in said
        assert "You pay Karim when it is over." in said
        await reads(market, market.karims, "/home", "Ana (Oakvale) asks for: Cargo bike")
        booking = "/my/bookings/1"
        shown = await market.karims.get(booking)
        assert "Who Ana (Oakvale)" in shown.words
        assert "In their words For the market" in shown.words
        await reads(market, market.browser, "/my/abroad", "Karim was asked, and says yes or no.")
        for name, sees in (("yes", "It is for you then."), ("handed-over", "It was handed over.")):
            page = await market.karims.get(booking)
            await market.karims.post(f"{booking}/{name}", **page.fields)
            await reads(market, market.browser, "/my/abroad", sees)
        assert "Cargo bike, from Karim" in (await market.browser.get("/home")).words
        mine = await market.browser.get("/my/bookings")
        assert "What I borrow in other schemes Cargo bike, from Riverside Agreed" in mine.words
        await reads(market, market.browser, there, "It is for you then.")

        abroad = await market.browser.get("/my/abroad")
        assert "I brought it back" in abroad.words
        await market.browser.post("/my/abroad/1/received", **abroad.fields)
        await reads(market, market.karims, booking, "Ana (Oakvale) says that it is back. Do you have it?")
        assert "Ask to be paid" not in (await market.karims.get(booking)).words, (
            "where the scheme does not allow it"
        )
        await market.town["Riverside"].node.settings.change(OPERATOR, asks_abroad=True)
        page = await market.karims.get(booking)
        ask = await market.karims.get(next(link for link in page.links if link.startswith("/ask/abroad?")))
        assert 'value="12' in ask.page, "what it costs is filled in"
        await market.karims.post(f"{booking}/back", **page.fields)
        await reads(market, market.browser, "/my/abroad", "Over Scheme: Riverside Cargo bike")

        await reads(market, market.browser, "/home", "Not paid yet: Cargo bike")
        over = await market.browser.get("/my/abroad")
        pays = next(link for link in over.links if link.startswith("/record/what"))
        form, filled = await market.browser.get(pays), dict(parse_qsl(pays.partition("?")[2]))
        assert filled["amount"] == "12"
        check = await market.browser.post("/record/what", **{**form.fields, **filled})
        await market.pay(check)
        assert await market.balances() == (-60, 1200)
        paid = await market.browser.get("/my/abroad")
        assert "See the trade" in paid.words
        assert "Pay 12" not in paid.words, "it is not paid twice"
        assert "Not paid yet" not in (await market.browser.get("/home")).words

    with_bike(act)


def test_a_room_is_had_at_once_and_whoever_comes_later_waits_until_it_is_called_off() -> None:
    room = rented(BookingTerms(step="night", longest=5, approval=False, guests=2), "Room", "stay")

    async def act(market: Market, there: str) -> None:
        said = await asks(market, there, 3, 5, guests="2")
        assert "If it is free then, it is yours at once" in said
        await reads(market, market.browser, "/my/abroad", "It is for you then.")
        assert "Agreed" in (await market.karims.get("/my/bookings")).words
        await asks(market, there, 6, 7, guests="1")
        assert (await market.browser.get("/my/abroad")).page.count("/back") == 2, (
            "another time is another request"
        )
        await asks(market, there, 4, 6, guests="1")
        await reads(market, market.browser, "/my/abroad", "You have asked for this time already.")
        abroad = await market.browser.get("/my/abroad")
        assert "Call it off" in abroad.words
        await market.browser.post("/my/abroad/1/back", **abroad.fields)
        await reads(market, market.karims, "/my/bookings", "Called off")
        lent, _ = await market.town["Riverside"].node.store.read(bookings_of, market.karim.account_no)
        assert sorted(each.state.value for each in lent) == ["agreed", "cancelled"]
        his = await market.karims.get("/my/listings")
        assert (await market.karims.post("/my/abroad/1/back", **his.fields)).status == 404, "not his"
        assert (await market.browser.get("/my/bookings/1")).status == 404, "nor is his page hers"

    with_bike(act, room, "Ask to stay")


def test_what_is_typed_wrongly_or_has_changed_is_not_asked() -> None:
    async def act(market: Market, there: str) -> None:
        form = await market.browser.get(f"{there}/days")
        for wrong in ({"from": ""}, {"from": day(market, 3), "until": day(market, 1)}, {"from": day(market, -3), "until": day(market, -2)},
                      {"from": day(market, 1), "until": day(market, 20)}):  # fmt: skip
            shown = await market.browser.post(f"{there}/days", **{**form.fields, "until": "", **wrong})
            assert shown.status == 422, shown.words
        good = {**form.fields, "from": day(market, 1), "until": day(market, 1)}
        check = await market.browser.post(f"{there}/days", **good)
        stopped = await market.browser.post(f"{there}/days/ask", **{**check.fields, "price": "1"})
        assert "The price or the terms have just changed." in stopped.words
        stopped = await market.browser.post(f"{there}/days/ask", **{**check.fields, "terms": "day-9-0-1-0"})
        assert "The price or the terms have just changed." in stopped.words
        lost = await market.browser.post(f"{there}/days/ask", **{**check.fields, "start": "x"})
        assert lost.status == 404
        await market.town["Oakvale"].node.people.pause(OPERATOR, market.ana.no, why="for a while")
        assert "You are paused" in (await market.browser.get(f"{there}/days")).words
        assert "You have asked for nothing" in (await market.browser.get("/my/abroad")).words

    with_bike(act)


def test_whoever_owns_a_thing_too_writes_to_a_guest_from_abroad() -> None:
    async def act(market: Market, there: str) -> None:
        node = market.town["Riverside"].node
        maud = await new_member(market.town["Riverside"], "Maud Ellis")
        ben = await new_member(market.town["Riverside"], "Ben Carter")
        key, _ = parse_listing_id(there.removeprefix("/l/"))
        await node.things.name(key, market.karim.no, maud.no)
        await node.things.agree(key, maud.no)
        await asks(market, there, 0, 1)
        mauds, bens = await VirtualBrowser.of(node, maud), await VirtualBrowser.of(node, ben)
        await reads(market, mauds, "/home", "Ana (Oakvale) asks for: Cargo bike")
        page = await mauds.get("/my/bookings/1")
        assert "/my/guests/1" in page.links
        form = await mauds.get("/my/guests/1")
        assert "Oakvale" in form.words
        for text in ("", "x" * 5000):
            wrong = await mauds.post("/my/guests/1", **form.fields, text=text)
            assert wrong.status == 422
        for _ in range(2):
            sent = await mauds.post("/my/guests/1", **form.fields, text="Karim is away, ask me")
            assert sent.location.startswith("/messages/"), sent.words
        await reads(market, market.browser, "/messages", "Karim is away, ask me")
        talks = [
            link for link in (await market.browser.get("/messages")).links if link.startswith("/messages/")
        ]
        said = [(link, (await market.browser.get(link)).words) for link in talks]
        hers = next(link for link, words in said if "Karim is away" in words)
        shown = await market.browser.get(hers)
        assert shown.words.count("Karim is away, ask me") == 1, "pressed twice, sent once"
        await market.browser.post(hers, **shown.fields, text="Then at six")
        await reads(market, mauds, "/messages", "Then at six")
        assert "Then at six" in (await mauds.get("/my/guests/1")).words, "the conversation there is"
        assert "/my/guests/1" not in (await market.karims.get("/my/bookings/1")).links, "he was asked"
        his = await bens.get(f"/messages/new?to={market.karim.number}")
        assert (await bens.get("/my/guests/1")).status == 404
        assert (await bens.post("/my/guests/1", **his.fields, text="Hello")).status == 404
        assert (await market.browser.post("/my/guests/1", **shown.fields, text="x")).status == 404

    with_bike(act)
