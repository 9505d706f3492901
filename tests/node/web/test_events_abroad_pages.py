"""Lifts, and events that cost or give units, with members of other schemes: pages on both sides. Rules 5.11, 7.7; docs/pages.md 8.18."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from node.clock import LoopClock
from node.services.acts import OPERATOR
from protocol.event import Kind, Pays, Plan
from protocol.limits import DAY_MS, HOUR_MS
from tests.node.web.test_member_pay_pages import Market, on_market_day
from tests.node.web.test_requests_abroad_pages import reads
from tests.node.web.virtual_browser import VirtualBrowser


async def allow(market: Market, *, asks: bool = True) -> None:
    for name in ("Oakvale", "Riverside"):
        await market.town[name].node.settings.change(OPERATOR, asks_abroad=asks)


async def days_later(market: Market) -> None:
    """Two days later on every node; both log in anew."""
    for resident in market.town.residents:
        resident.skew_ms += 2 * DAY_MS
        assert isinstance(resident.node.clock, LoopClock)
        resident.node.clock.skew_ms += 2 * DAY_MS
    market.browser = await VirtualBrowser.of(market.town["Oakvale"].node, market.ana)
    market.karims = await VirtualBrowser.of(market.town["Riverside"].node, market.karim)


async def found_near(market: Market, path: str, words: str) -> str:
    """Wait until Ana reads of it; return the address of its page."""
    await reads(market, market.browser, path, words)
    links = (await market.browser.get(path)).links
    return next(link for link in links if link.startswith("/near/"))


async def confirms(market: Market, here: str, *, says: str) -> None:
    """Let Karim say that all who had a place were there."""
    form = await market.karims.get(f"{here}/units")
    ticked = dict.fromkeys(re.findall(r'name="(there--?\d+)"', form.page), "yes")
    check = await market.karims.post(f"{here}/units", **{**form.fields, **ticked})
    assert says in check.words, check.words
    await market.karims.post(f"{here}/units/do", **check.fields)
    assert (await market.karims.post(f"{here}/units/do", **check.fields)).status == 200, "it is done once"


def test_a_seat_in_a_neighbours_lift_is_asked_for_given_ridden_and_paid() -> None:
    async def scenario(market: Market) -> None:
        await allow(market)
        day = datetime.fromtimestamp(market.town["Riverside"].node.clock.now_ms() / 1000 + 86_400, UTC)
        form = await market.karims.get("/lifts/new")
        assert "Members of neighbouring schemes may see it and ask too" in form.words
        typed = {
            "title": "To the sea", "where": "Old mill", "text": "No dogs", "day": f"{day:%Y-%m-%d}", "start": "10:00",
            "end": "11:00", "places": "1", "approval": "yes", "near": "yes", "pays": "shared", "amount": "12",
        }  # fmt: skip
        check = await market.karims.post("/lifts/check", **{**form.fields, **typed})
        assert "Members here and in neighbouring schemes see it." in check.words
        posted = await market.karims.post("/lifts/post", **check.fields)
        here = posted.location.partition("?")[0]

        there = await found_near(market, "/lifts", "At neighbouring schemes To the sea")
        assert "To the sea" not in (await market.browser.get("/calendar")).words
        shown = await market.browser.get(there)
        assert "All who ride and the driver share it equally, so each gives 6 Acorns at most." in shown.words
        assert "6 Acorns there is about 30 minutes here." in shown.words
        assert "Ask for a seat" in shown.words
        await market.browser.post(f"{there}/come", **shown.fields)
        await reads(market, market.karims, "/home", "1 person asks for a seat")
        asked = await market.karims.get(here)
        assert "Who asks for a seat Ana (Oakvale)" in asked.words
        await reads(market, market.browser, there, "Karim was asked, and says yes or no.")
        who = re.search(r'name="who" value="(-\d+)"', asked.page)
        assert who
        await market.karims.post(f"{here}/admit", **{**asked.fields, "who": who[1], "yes": "yes"})
        await reads(market, market.browser, there, "You said that you come. You have a place.")
        assert "You have a place: To the sea" in (await market.karims.get("/messages")).words
        assert "Who comes Ana (Oakvale)" in (await market.karims.get(here)).words

        await days_later(market)
        assert "Who was there? To the sea" in (await market.karims.get("/home")).words
        await confirms(market, here, says="Ana (Oakvale) is asked for 6 Acorns")
        assert "Ana (Oakvale) was asked for 6 Acorns" in (await market.karims.get(here)).words
        await reads(market, market.browser, "/my/abroad", "You were there, and are asked for 6 Acorns.")
        await reads(market, market.browser, "/home", "Karim asks you for 6 Acorns To the sea,")
        ask = next(link for link in (await market.browser.get("/home")).links if link.startswith("/asks/"))
        check = await market.browser.post(f"{ask}/yes", **(await market.browser.get(ask)).fields)
        await market.browser.post("/record/do", **check.fields)
        await reads(market, market.karims, "/asks", "Paid")
        assert await market.balances() == (-30, 600)

    on_market_day(scenario)


def test_who_helped_at_a_neighbours_work_party_asks_for_what_it_gives() -> None:
    async def scenario(market: Market) -> None:
        await allow(market)
        node = market.town["Riverside"].node
        starts = node.clock.now_ms() + DAY_MS
        plan = Plan(
            kind=Kind.WORK, title="Dig the garden", text="", where="Allotment", starts=starts, ends=starts + HOUR_MS,
            public=True, pays=Pays.HOST, amount=1200,
        )  # fmt: skip
        hosted = await node.events.post(market.karim, [plan], b"o" * 16)
        here = f"/events/{hosted.key.hex()}"
        there = await found_near(market, "/calendar", "At neighbouring schemes Dig the garden")
        shown = await market.browser.get(there)
        await allow(market, asks=False)
        stop = "Your scheme does not let people of other schemes ask each other to be paid"
        assert stop in (await market.browser.get(there)).words
        assert (await market.browser.post(f"{there}/come", **shown.fields)).status == 422
        await allow(market)
        shown = await market.browser.get(there)
        assert "Each who was there gets 12 Acorns. You ask for that afterwards." in shown.words
        await market.browser.post(f"{there}/come", **shown.fields)
        await reads(market, market.browser, there, "You said that you come. You have a place.")

        await days_later(market)
        await confirms(market, here, says="Ana (Oakvale) asks you for 12 Acorns")
        await reads(market, market.browser, "/my/abroad", "You were there, and get 12 Acorns.")
        assert "You get something: Dig the garden" in (await market.browser.get("/home")).words
        mine = await market.browser.get("/my/abroad")
        form = await market.browser.get(next(link for link in mine.links if link.startswith("/ask/abroad")))
        typed = dict(re.findall(r'name="(what|amount)"[^>]*value="([^"]*)"', form.page))
        assert typed == {"what": "Dig the garden", "amount": "1:00"}
        check = await market.browser.post("/ask/abroad", **form.fields, **typed)
        assert "You ask for: Dig the garden" in check.words, check.words
        await market.browser.post("/ask/abroad/do", **check.fields)
        assert "See the request" in (await market.browser.get("/my/abroad")).words
        assert "You get something" not in (await market.browser.get("/home")).words
        await reads(market, market.karims, "/home", "Ana asks you for 1 hour Dig the garden")
        ask = next(link for link in (await market.karims.get("/home")).links if link.startswith("/asks/"))
        check = await market.karims.post(f"{ask}/yes", **(await market.karims.get(ask)).fields)
        await market.karims.post("/record/do", **check.fields)
        await reads(market, market.browser, "/asks", "Paid")
        assert await market.balances() == (60, -1200)

    on_market_day(scenario)
