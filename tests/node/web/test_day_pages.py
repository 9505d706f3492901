"""Agreeing a day on the pages, here and across schemes, and paying for it once. Rule 7.7; docs/pages.md 8.5."""

from __future__ import annotations

import asyncio

import pytest
from babel.dates import LOCALTZ

from node.services.acts import OPERATOR
from node.web.dates import local
from protocol.limits import DAY_MS, DAYS_PROPOSED_MAX
from tests.node.web.oakvale import Oakvale, fields_of, text, words_of
from tests.node.web.test_member_message_pages import first
from tests.node.web.test_member_pay_pages import Market, on_market_day
from tests.node.web.towns import Browser, form_token_of

SCRIPT = "<script>alert(1)</script>"
DAY = {"what": "Bike repair", "day": "2026-01-03", "time": "14:30", "place": "Mill Lane 4"}


async def press(browser: Browser, path: str, **fields: str) -> tuple[int, str, str]:
    """Send a form; return its status, where it leads, and the page."""
    token = form_token_of(await text(browser, "/my"))
    answer = await browser.post(path, data={"form_token": token, **fields}, allow_redirects=False)
    return answer.status, answer.headers.get("Location", "").partition("?")[0], await answer.text()


async def talk(oakvale: Oakvale) -> tuple[str, str]:
    """Let Ana write to Ben; return the address of each side of the conversation."""
    mine = await first(oakvale)
    listed = await text(oakvale.bens, "/messages")
    theirs = next(
        part.partition('"')[0] for part in listed.split('href="')[1:] if part.startswith("/messages/")
    )
    return mine, theirs


async def proposed(oakvale: Oakvale, **fields: str) -> tuple[str, str, str]:
    """Let Ana propose that Ben repairs her bike for two hours; return both conversations, and the day's address."""
    mine, theirs = await talk(oakvale)
    page = await text(oakvale.browser, f"{mine}/day")
    sent = {**fields_of(page), **DAY, "amount": "2", "pays": "me", **fields}
    status, leads, _ = await press(oakvale.browser, f"{mine}/day", **sent)
    assert (status, leads) == (303, mine)
    return mine, theirs, address_in(await text(oakvale.browser, mine))


def address_in(page: str) -> str:
    """Return the address of the day on a page."""
    return "/days/" + page.partition('action="/days/')[2].partition("/")[0]


async def test_ana_proposes_ben_agrees_and_she_pays_once_it_happened(oakvale: Oakvale) -> None:
    mine, theirs, day = await proposed(oakvale)
    shown = words_of(await text(oakvale.browser, mine))
    assert (
        "Waiting for a yes Bike repair Saturday 3 January 2026, 14:30 Mill Lane 4 You pay Ben 2 hours."
        in shown
    )
    assert "Yes, I agree" not in shown, "nobody says yes to what they proposed themselves"
    home = words_of(await text(oakvale.bens, "/home"))
    assert "Ana proposes a day: Bike repair Saturday 3 January 2026, 14:30, Mill Lane 4 Say yes or no" in home
    his = words_of(await text(oakvale.bens, theirs))
    assert "Yes or no? Bike repair" in his
    assert "Ana pays you 2 hours." in his

    assert (await press(oakvale.bens, f"{day}/accept"))[:2] == (303, theirs)

    assert "Agreed Bike repair" in words_of(await text(oakvale.browser, mine))
    calendar = await text(oakvale.browser, f"{day}/calendar")
    assert "SUMMARY:Bike repair\r\nLOCATION:Mill Lane 4\r\n" in calendar
    assert await oakvale.balance(oakvale.ben) == 0
    await oakvale.later(DAY_MS)
    assert "Agreed with Ben: Bike repair" in words_of(await text(oakvale.browser, "/home"))
    await oakvale.later(2 * DAY_MS)
    assert "Did it happen? Bike repair" in words_of(await text(oakvale.browser, "/home"))
    assert "Did it happen?" not in words_of(await text(oakvale.bens, "/home")), "whoever pays is asked"
    status, _, check = await press(oakvale.browser, f"{day}/record")
    assert status == 200
    assert "You have 0 hours now and are 2 hours behind afterwards." in words_of(check)
    assert "Bike repair" in words_of(check)
    form = fields_of(check)
    answers = [await oakvale.browser.post("/record/do", data=form, allow_redirects=False) for _ in range(2)]
    assert [each.status for each in answers] == [303, 303]
    assert await oakvale.balance(oakvale.ben) == 120
    assert "Paid Bike repair" in words_of(await text(oakvale.bens, theirs))
    assert "Did it happen?" not in words_of(await text(oakvale.browser, "/home"))
    assert (await press(oakvale.browser, f"{day}/record"))[:2] == (303, mine), "it is paid"
    assert (await press(oakvale.browser, f"{day}/withdraw"))[:2] == (303, mine)
    assert "Paid Bike repair" in words_of(await text(oakvale.browser, mine))


async def test_two_check_pages_of_one_day_pay_once(oakvale: Oakvale) -> None:
    """docs/pages.md 8.5: two devices, two pages, one payment."""
    _, _, day = await proposed(oakvale)
    await press(oakvale.bens, f"{day}/accept")
    other = await oakvale.town.browser_of(oakvale.ana)
    checks = [(await press(browser, f"{day}/record"))[2] for browser in (oakvale.browser, other)]
    await asyncio.gather(
        *[
            browser.post("/record/do", data=fields_of(check), allow_redirects=False)
            for browser, check in zip((oakvale.browser, other), checks, strict=True)
        ]
    )
    assert await oakvale.balance(oakvale.ben) == 120


@pytest.mark.parametrize("event", ["decline", "withdraw"])
async def test_a_day_is_declined_or_taken_back(oakvale: Oakvale, event: str) -> None:
    mine, theirs, day = await proposed(oakvale)
    who = oakvale.bens if event == "decline" else oakvale.browser
    assert (await press(who, f"{day}/{event}"))[0] == 303
    state = "Declined" if event == "decline" else "Taken back"
    for browser, where in ((oakvale.browser, mine), (oakvale.bens, theirs)):
        assert f"{state} Bike repair" in words_of(await text(browser, where))
    await press(oakvale.bens, f"{day}/accept")
    assert f"{state} Bike repair" in words_of(await text(oakvale.bens, theirs))
    assert (await press(oakvale.browser, f"{day}/record"))[:2] == (303, mine)
    assert await oakvale.balance(oakvale.ben) == 0


async def test_only_the_two_see_answer_and_pay(oakvale: Oakvale) -> None:
    """Forced browsing; also for organisers, and each side for what is the other's."""
    mine, _, day = await proposed(oakvale)
    before = (await oakvale.town.everything())["appointment"]
    for who in (oakvale.maud, oakvale.rosa):
        browser = await oakvale.town.browser_of(who)
        for path in ("accept", "decline", "withdraw", "record"):
            assert (await press(browser, f"{day}/{path}"))[0] == 404
        await text(browser, f"{day}/calendar", 404)
        await text(browser, f"{mine}/day", 404)
        assert (await press(browser, f"{mine}/day", **DAY))[0] == 404
    assert (await press(oakvale.bens, f"{day}/record"))[0] == 404, "he is paid"
    await press(oakvale.browser, f"{day}/accept")
    await press(oakvale.bens, f"{day}/withdraw")
    assert (await oakvale.town.everything())["appointment"] == before


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"day": ""}, "Please choose a day."),
        ({"day": "2025-12-31"}, "Please choose a day from today on."),
        ({"time": ""}, "Please say at what time."),
        ({"time": "9 o'clock"}, "Please write a time of day, for example 10:30."),
        ({"what": ""}, "Please say what it was."),
        ({"amount": "much"}, "Please write a time, for example 2, 1:30 or 90 min."),
        ({"day": "2026-01-01", "time": "00:00"}, "That moment is over already."),
    ],
)
async def test_what_cannot_be_proposed_is_said(
    oakvale: Oakvale, fields: dict[str, str], sentence: str
) -> None:  # fmt: skip
    mine, _ = await talk(oakvale)
    page = fields_of(await text(oakvale.browser, f"{mine}/day"))
    status, _, shown = await press(oakvale.browser, f"{mine}/day", **{**page, **DAY, **fields})
    assert status == 422
    assert sentence in words_of(shown)
    assert (await oakvale.town.everything())["appointment"] == []


async def test_one_form_proposes_once_and_too_many_wait_in_words(oakvale: Oakvale) -> None:
    mine, theirs = await talk(oakvale)
    page = {**fields_of(await text(oakvale.browser, f"{mine}/day")), **DAY}
    await asyncio.gather(*[press(oakvale.browser, f"{mine}/day", **page) for _ in range(3)])
    assert words_of(await text(oakvale.bens, theirs)).count("Yes or no?") == 1
    for _ in range(DAYS_PROPOSED_MAX - 1):
        page = {**fields_of(await text(oakvale.browser, f"{mine}/day")), **DAY}
        assert (await press(oakvale.browser, f"{mine}/day", **page))[0] == 303
    page = {**fields_of(await text(oakvale.browser, f"{mine}/day")), **DAY}
    status, _, shown = await press(oakvale.browser, f"{mine}/day", **page)
    assert status == 422
    assert "Several days wait for an answer here already." in words_of(shown)


async def test_whoever_leaves_takes_it_back(oakvale: Oakvale) -> None:
    _, theirs, day = await proposed(oakvale, amount="")
    await press(oakvale.bens, f"{day}/accept")
    await oakvale.town.node.parting.part(OPERATOR, oakvale.ana.no, why="moved away")
    assert "Taken back Bike repair" in words_of(await text(oakvale.bens, theirs))


async def test_what_people_write_is_only_text(oakvale: Oakvale) -> None:
    mine, theirs, _ = await proposed(oakvale, what=SCRIPT, place=SCRIPT)
    for browser, path in ((oakvale.browser, mine), (oakvale.bens, theirs), (oakvale.bens, "/home")):
        assert SCRIPT not in await text(browser, path)


async def agree_across(market: Market, answer: str = "accept") -> tuple[str, str, str]:
    """Let Ana propose a day to Karim, who answers; return the conversations, and the day's address at Karim's."""
    shown = await market.listing()
    address = next(link for link in shown.links if link.startswith("/messages/new"))
    page = await market.browser.get(address)
    sent = await market.browser.post(address, **page.fields, text="When may I come?")
    mine = sent.location.partition("?")[0]
    form = await market.browser.get(f"{mine}/day")
    assert "You pay Karim." in form.words
    soon = local(market.town["Oakvale"].node.clock.now_ms() + 2 * DAY_MS, LOCALTZ).date().isoformat()
    day = {"what": "Plum jam, 4 jars", "day": soon, "time": "14:30", "amount": "6"}
    await market.browser.post(f"{mine}/day", **form.fields, **day)

    async def arrived() -> bool:
        return "Ana proposes a day: Plum jam, 4 jars" in (await market.karims.get("/home")).words

    await market.town.until(arrived, 600, "the proposal")
    listed = await market.karims.get("/messages")
    theirs = next(link for link in listed.links if link.startswith("/messages/"))
    read = await market.karims.get(theirs)
    assert "Yes or no? Plum jam, 4 jars" in read.words
    assert "14:30 Ana pays you 6 Acorns." in read.words
    at_karims = address_in(read.page)
    await market.karims.post(f"{at_karims}/{answer}", **read.fields)
    state = "Agreed" if answer == "accept" else "Declined"

    async def answered() -> bool:
        return f"{state} Plum jam, 4 jars" in (await market.browser.get(mine)).words

    await market.town.until(answered, 600, "the answer")
    return mine, theirs, at_karims


def test_a_day_is_agreed_across_schemes_and_paid_once() -> None:
    """Rule 7.7: a proposal and an agreement as letters; an ordinary payment ends it, once."""

    async def act(market: Market) -> None:
        mine, _, _ = await agree_across(market)
        shown = await market.browser.get(mine)
        assert "You pay Karim 6 Acorns." in shown.words
        check = await market.browser.post(f"{address_in(shown.page)}/record", **shown.fields)
        assert "Karim gets 6 Acorns. You give 30 minutes." in check.words
        done = await market.pay(check)
        assert "Recorded by both schemes." in done.words
        await market.pay(check)
        assert await market.balances() == (-30, 600)
        assert "Paid Plum jam, 4 jars" in (await market.browser.get(mine)).words

    on_market_day(act)


def test_a_day_is_declined_across_schemes() -> None:
    """Rule 7.7: request-declined names the proposal it ends."""

    async def act(market: Market) -> None:
        mine, theirs, _ = await agree_across(market, "decline")
        assert "Declined Plum jam, 4 jars" in (await market.karims.get(theirs)).words
        shown = await market.browser.get(mine)
        assert "It happened: pay" not in shown.words

    on_market_day(act)


def test_an_agreed_day_is_taken_back_across_schemes() -> None:
    """Rule 7.7: by either, also after a yes."""

    async def act(market: Market) -> None:
        mine, theirs, at_karims = await agree_across(market)
        read = await market.karims.get(theirs)
        await market.karims.post(f"{at_karims}/withdraw", **read.fields)

        async def told() -> bool:
            return "Taken back Plum jam, 4 jars" in (await market.browser.get(mine)).words

        await market.town.until(told, 600, "that it is taken back")

    on_market_day(act)
