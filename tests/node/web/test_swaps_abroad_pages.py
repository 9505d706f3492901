"""Swapping with a member of another scheme, page by page on both sides, until what is added is paid. Rules 5.14, 7.7, 7.10; docs/pages.md 8.18."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from node.services.acts import OPERATOR
from node.web.listing_names import listing_id
from tests.gossip_town import listing
from tests.node.web.test_member_pay_pages import Market, on_market_day
from tests.node.web.test_requests_abroad_pages import reads

Act = Callable[[Market, str], Awaitable[None]]
MINE = "/my/abroad/1"


def with_repair(act: Act) -> None:
    """Run `act` once Ana reads that Karim repairs bikes; with its address there. She offers jam herself."""

    async def scenario(market: Market) -> None:
        for name in ("Oakvale", "Riverside"):
            await market.town[name].node.settings.change(OPERATOR, asks_abroad=True)
        node = market.town["Riverside"].node
        key = (await node.market.post(market.karim.no, listing("Bike repair", owner="Karim"))).listing.key
        await market.town["Oakvale"].node.market.post(market.ana.no, listing("Plum jam", owner="Ana"))
        there = f"/l/{listing_id(key, node.scheme)}"
        await reads(market, market.browser, there, "Propose a swap")
        await act(market, there)

    on_market_day(scenario)


async def proposes(market: Market, there: str, **typed: str) -> None:
    form = await market.browser.get(f"{there}/swap")
    assert "How much, in Acorns if you give it, in hours if you get it" in form.words, form.words
    jam = form.page.partition('name="thing" value="')[2].partition('"')[0]
    fields = {**form.fields, "thing": jam, "pays": "nobody", "amount": "", "said": "Two jars", **typed}
    done = await market.browser.post(f"{there}/swap", **fields)
    assert done.status == 200, done.words


async def theirs(market: Market) -> str:
    """Wait until Karim reads of it on his first page; return its address."""
    await reads(market, market.karims, "/home", "Ana would like to swap Bike repair for Plum jam")
    links = (await market.karims.get("/home")).links
    return next(link for link in links if link.startswith("/my/swaps/abroad/"))


async def both_say_so(market: Market, here: str) -> None:
    shown = await market.karims.get(here)
    await market.karims.post(f"{here}/yes", **shown.fields)
    await reads(
        market, market.browser, "/my/abroad", "You agree. When you have swapped, both of you say so here."
    )
    mine = await market.browser.get("/my/abroad")
    await market.browser.post(f"{MINE}/received", **mine.fields)
    await reads(market, market.karims, "/home", "Did you swap with Ana? Bike repair for Plum jam")
    shown = await market.karims.get(here)
    assert "Ana says that it happened. Please say so too, or talk to each other." in shown.words
    await market.karims.post(f"{here}/happened", **shown.fields, gone="yes")
    assert "Both of you said that it happened." in (await market.karims.get(here)).words
    await reads(market, market.browser, "/my/abroad", "Both of you said that it happened.")


def test_a_swap_is_proposed_agreed_and_what_the_asker_adds_is_paid_across_schemes() -> None:
    async def act(market: Market, there: str) -> None:
        await proposes(market, there, pays="me", amount="6")
        here = await theirs(market)
        shown = await market.karims.get(here)
        assert (
            "You give Bike repair Ana (Oakvale) gives Plum jam Ana (Oakvale) also gives 6 Acorns"
            in shown.words
        )
        assert "Two jars" in shown.words
        assert "Propose something else" in shown.words
        assert (
            "Bike repair for Plum jam Your answer? with Ana (Oakvale)"
            in (await market.karims.get("/my/swaps")).words
        )
        await reads(market, market.browser, there, "Karim was asked, and says yes or no.")
        talk = next(
            link for link in (await market.browser.get("/my/abroad")).links if link.startswith("/messages/")
        )
        assert "I would like to swap: Bike repair for Plum jam" in (await market.browser.get(talk)).words
        assert (await market.browser.get(here)).status == 404, "it is Karim's page"

        assert "You also give: 6 Acorns" in (await market.browser.get("/my/abroad")).words
        await both_say_so(market, here)
        await reads(
            market, market.browser, "/home", "Karim asks you for 6 Acorns Swap: Bike repair for Plum jam"
        )
        ask = next(link for link in (await market.browser.get("/home")).links if link.startswith("/asks/"))
        check = await market.browser.post(f"{ask}/yes", **(await market.browser.get(ask)).fields)
        await market.browser.post("/record/do", **check.fields)
        await reads(market, market.karims, "/asks", "Paid")
        assert await market.balances() == (-30, 600)

    with_repair(act)


def test_what_the_owner_adds_is_asked_for_and_a_swap_is_called_off() -> None:
    async def act(market: Market, there: str) -> None:
        await proposes(market, there, pays="them", amount="1")
        here = await theirs(market)
        assert "You also give 1 hour" in (await market.karims.get(here)).words
        await reads(market, market.browser, "/my/abroad", "Karim also gives: 1 hour")
        await both_say_so(market, here)
        mine = await market.browser.get("/my/abroad")
        assert "Ask for 1 hour" in mine.words
        form = await market.browser.get(next(link for link in mine.links if link.startswith("/ask/abroad")))
        check = await market.browser.post(
            "/ask/abroad", **form.fields, what="Swap: Bike repair for Plum jam", amount="1"
        )  # fmt: skip
        await market.browser.post("/ask/abroad/do", **check.fields)
        assert "See the request" in (await market.browser.get("/my/abroad")).words
        await reads(market, market.karims, "/home", "Ana asks you for 1 hour Swap: Bike repair for Plum jam")
        ask = next(link for link in (await market.karims.get("/home")).links if link.startswith("/asks/"))
        check = await market.karims.post(f"{ask}/yes", **(await market.karims.get(ask)).fields)
        await market.karims.post("/record/do", **check.fields)
        await reads(market, market.browser, "/asks", "Paid")
        assert await market.balances() == (60, -1200)

    with_repair(act)


def test_no_and_off_are_said_on_both_sides() -> None:
    async def act(market: Market, there: str) -> None:
        await proposes(market, there)
        here = await theirs(market)
        shown = await market.karims.get(here)
        await market.karims.post(f"{here}/no", **shown.fields)
        assert "It was declined. Nothing moved." in (await market.karims.get(here)).words
        await reads(market, market.browser, "/my/abroad", "Riverside says: not this time.")
        late = await market.karims.post(f"{here}/yes", **shown.fields)
        assert "This has changed meanwhile." in late.words
        await proposes(market, there)
        here = await theirs(market)
        await market.karims.post(f"{here}/yes", **shown.fields)
        await reads(market, market.browser, "/my/abroad", "Call it off")
        mine = await market.browser.get("/my/abroad")
        await market.browser.post("/my/abroad/2/back", **mine.fields)
        await reads(market, market.karims, here, "Ana took it back. Nothing moved.")
        await reads(market, market.browser, "/my/abroad", "You took it back, and they know.")

    with_repair(act)


def test_each_proposes_something_else_until_one_is_agreed_page_by_page() -> None:
    """Rule 7.10: with the amounts in the units of whoever gets them, and wrong forms read again."""

    async def act(market: Market, there: str) -> None:
        await proposes(market, there)
        here = await theirs(market)
        shown = await market.karims.get(here)
        form = await market.karims.get(f"{here}/other")
        assert "Propose something else You give Ana: Bike repair" in form.words
        assert "How much, in hours if you give it, in Acorns if you get it" in form.words
        typed = {
            **form.fields,
            "thing": "words",
            "words": "Pears",
            "pays": "them",
            "amount": "12",
            "said": "Ripe ones",
        }
        for wrong in ({"words": ""}, {"pays": "nobody"}, {"amount": "much"}, {"amount": "-1"}):
            assert (await market.karims.post(f"{here}/other", **{**typed, **wrong})).status == 422
        for turn in ("x", "\N{SUPERSCRIPT TWO}"):
            assert (await market.karims.post(f"{here}/other", **{**typed, "turn": turn})).status == 404
        await market.karims.post(f"{here}/other", **typed)
        waits = await market.karims.get(here)
        assert "You proposed something else. Waiting for Ana to say yes or no." in waits.words
        assert "Ana (Oakvale) gives Pears Ana (Oakvale) also gives 12 Acorns" in waits.words
        late = await market.karims.post(f"{here}/yes", **shown.fields)
        assert "This has changed meanwhile." in late.words, "his own proposal stands now"

        await reads(market, market.browser, "/home", "Karim would like to swap Bike repair for Pears")
        answer = f"{MINE}/swap"
        page = await market.browser.get(answer)
        assert "You give Pears Karim gives Bike repair You also give 12 Acorns" in page.words, page.words
        assert (
            "Karim proposes something else. Please say yes or no. Nothing moves by it. Ripe ones"
            in page.words
        )
        for path in (answer, f"{answer}/other"):
            assert (await market.karims.get(path)).status == 404, "it is Ana's page"
        other = await market.browser.get(f"{answer}/other")
        assert 'value="Pears"' in other.page
        assert 'value="12"' in other.page
        less = {**other.fields, "thing": "words", "words": "Pears", "pays": "me", "amount": "6", "said": ""}
        await market.browser.post(f"{answer}/other", **less)
        assert "Riverside" in (await market.browser.get(answer)).words
        again = await market.browser.post(f"{answer}/yes", **page.fields)
        assert "This has changed meanwhile." in again.words
        await reads(market, market.karims, here, "Please say yes or no, or propose something else.")
        shown = await market.karims.get(here)
        assert "Ana (Oakvale) also gives 6 Acorns" in shown.words
        form = await market.karims.get(f"{here}/other")
        await market.karims.post(f"{here}/other", **{**form.fields, "thing": "words", "words": "Pears and figs", "pays": "nobody", "amount": "", "said": ""})  # fmt: skip
        await reads(market, market.browser, answer, "You give Pears and figs Karim gives Bike repair")
        page = await market.browser.get(answer)
        await market.browser.post(f"{answer}/yes", **page.fields)
        await reads(
            market, market.browser, "/my/abroad", "You agree. When you have swapped, both of you say so here."
        )
        assert "Bike repair for Pears and figs" in (await market.browser.get("/my/abroad")).words
        assert "You agree." in (await market.karims.get(here)).words

    with_repair(act)
