"""Giving things away on the pages: asked for, promised, collected. Rule 5.10; docs/pages.md 8.14."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from node.services.acts import OPERATOR
from node.services.gift_rows import given_and_received
from node.services.members import Member
from node.web.listing_names import listing_id
from node.web.pages.listings import parse_listing_id
from protocol.limits import DAY_MS, GIFT_WISHES_MAX
from protocol.market import AskingPrice, Listing
from tests.node.web.oakvale import Oakvale, fields_of, text, words_of
from tests.node.web.test_member_pay_pages import Market, on_market_day
from tests.node.web.towns import Browser, form_token_of

SOFA = Listing(
    kind="gift", title="Green sofa", text="Two seats, one scratch.", category="home", language="en",
    price=AskingPrice(amount=0, per="free"), owner="Ben",
)  # fmt: skip
SCRIPT = "<script>alert(1)</script>"


async def sofa(oakvale: Oakvale, content: Listing = SOFA, owner: Member | None = None) -> str:
    """Let Ben give a sofa away; return its address."""
    owned = await oakvale.town.node.market.post((owner or oakvale.ben).no, content)
    return f"/l/{listing_id(owned.listing.key)}"


async def press(browser: Browser, path: str, **fields: str) -> tuple[int, str]:
    """Send a form; return its status and where it leads."""
    token = form_token_of(await text(browser, "/my"))
    answer = await browser.post(path, data={"form_token": token, **fields}, allow_redirects=False)
    return answer.status, answer.headers.get("Location", "")


async def wish(browser: Browser, where: str, said: str = "") -> None:
    assert await press(browser, f"{where}/wish", text=said) == (303, f"{where}?note=wished")


def number_in(page: str, before: str) -> str:
    """Return the number that follows a piece of an address."""
    return page.partition(before)[2].partition('"')[0].partition("/")[0]


async def promise(oakvale: Oakvale, where: str, wish_no: str, **fields: str) -> None:
    page = await text(oakvale.bens, f"{where}/promise?wish={wish_no}")
    status, leads = await press(oakvale.bens, f"{where}/promise", **{**fields_of(page), **fields})
    assert (status, leads) == (303, f"{where}/wishes?note=promised")


async def counts(oakvale: Oakvale, member: Member) -> tuple[int, int]:
    return await oakvale.town.node.store.read(given_and_received, member.account_no)


async def test_ana_asks_ben_promises_and_she_collects(oakvale: Oakvale) -> None:
    where = await sofa(oakvale)
    mauds = await oakvale.town.browser_of(oakvale.maud)
    shown = words_of(await text(oakvale.browser, where))
    assert "I would like it" in shown
    assert "Pay for this" not in shown
    await wish(oakvale.browser, where, "I could come on Saturday.")
    await wish(mauds, where)
    assert "You are on the list. Ben chooses, and you are told." in words_of(
        await text(oakvale.browser, where)
    )

    home = words_of(await text(oakvale.bens, "/home"))
    assert "2 people would like it Green sofa Choose who gets it" in home
    listed = await text(oakvale.bens, f"{where}/wishes")
    said = words_of(listed)
    assert said.index("Ana") < said.index("Maud"), "in the order in which they asked"
    assert "I could come on Saturday." in said
    await promise(
        oakvale, where, number_in(listed, "promise?wish="), day="2026-03-07", time="10:30", said="By the gate"
    )

    promised = words_of(await text(oakvale.bens, f"{where}/wishes"))
    assert "Promised to Ana Saturday 7 March 2026, 10:30 By the gate" in promised
    assert "Promise it" not in promised, "it is promised to one at a time"
    hers = await text(oakvale.browser, "/home")
    assert "Promised to you: Green sofa" in words_of(hers)
    assert "Ben promised it to you. Collect it: Saturday 7 March 2026, 10:30. By the gate" in words_of(hers)
    assert "It is promised to somebody." not in words_of(await text(oakvale.browser, where))
    assert "You are on the list." in words_of(await text(mauds, where))

    gifts = await text(oakvale.browser, "/my/gifts")
    status, leads = await press(oakvale.browser, f"/my/gifts/{number_in(gifts, '/my/gifts/')}/received")
    assert (status, leads) == (303, "/my/gifts?note=gift-received")
    assert "You have it Green sofa From Ben" in words_of(await text(oakvale.browser, "/my/gifts"))
    assert (await counts(oakvale, oakvale.ana), await counts(oakvale, oakvale.ben)) == ((0, 1), (1, 0))
    assert "Given away: 0. Received: 1." in words_of(await text(oakvale.browser, "/home"))
    assert "Given away: 1. Received: 0." in words_of(await text(oakvale.bens, "/my"))
    await text(mauds, where, 404)
    assert "Gone Green sofa" in words_of(await text(mauds, "/my/gifts"))
    told = await text(mauds, "/messages")
    assert "This went to somebody else: Green sofa" in words_of(told)
    assert await oakvale.balance(oakvale.ben) == 0, "nothing was paid"


async def test_the_giver_says_that_it_was_collected_once_the_day_has_come(oakvale: Oakvale) -> None:
    where = await sofa(oakvale)
    await wish(oakvale.browser, where)
    page = await text(oakvale.bens, f"{where}/wishes")
    await promise(oakvale, where, number_in(page, "promise?wish="), day="2026-03-07")
    assert "Did Ana collect it?" not in words_of(await text(oakvale.bens, "/home"))
    await oakvale.later(70 * DAY_MS)
    assert "Did Ana collect it? Green sofa" in words_of(await text(oakvale.bens, "/home"))
    assert await press(oakvale.bens, f"{where}/collected") == (303, "/my/gifts?note=gift-given")
    assert await counts(oakvale, oakvale.ben) == (1, 0)
    assert "You have it now: Green sofa" in words_of(await text(oakvale.browser, "/messages"))
    for again in ("collected", "unpromise"):
        assert (await press(oakvale.bens, f"{where}/{again}"))[0] == 404, "it is off the lists"
    assert await counts(oakvale, oakvale.ben) == (1, 0)


async def test_a_promise_taken_back_frees_it_and_those_who_wait_are_told(oakvale: Oakvale) -> None:
    where = await sofa(oakvale)
    mauds = await oakvale.town.browser_of(oakvale.maud)
    await wish(oakvale.browser, where)
    await wish(mauds, where)
    page = await text(oakvale.bens, f"{where}/wishes")
    await promise(oakvale, where, number_in(page, "promise?wish="))
    assert await press(oakvale.bens, f"{where}/unpromise") == (303, f"{where}/wishes?note=unpromised")
    assert "I had to take my promise back: Green sofa" in words_of(await text(oakvale.browser, "/messages"))
    assert "This is free again: Green sofa" in words_of(await text(mauds, "/messages"))
    said = words_of(await text(oakvale.bens, f"{where}/wishes"))
    assert said.index("Ana") < said.index("Maud"), "whoever asked first stands first"
    assert (await press(oakvale.bens, f"{where}/unpromise"))[1] == f"{where}/wishes?note=changed"


async def test_whoever_has_the_promise_may_let_it_go(oakvale: Oakvale) -> None:
    where = await sofa(oakvale)
    await wish(oakvale.browser, where)
    page = await text(oakvale.bens, f"{where}/wishes")
    await promise(oakvale, where, number_in(page, "promise?wish="))
    gifts = await text(oakvale.browser, "/my/gifts")
    number = number_in(gifts, "/my/gifts/")
    assert (await press(oakvale.browser, f"/my/gifts/{number}/back"))[0] == 303
    assert "Nobody has asked yet." in words_of(await text(oakvale.bens, f"{where}/wishes"))
    assert "I do not need this any more: Green sofa" in words_of(await text(oakvale.bens, "/messages"))
    status, leads = await press(oakvale.browser, f"/my/gifts/{number}/received")
    assert (status, leads) == (303, "/my/gifts?note=changed")
    assert await counts(oakvale, oakvale.ana) == (0, 0)
    await wish(oakvale.browser, where, "After all")
    assert "After all" in words_of(await text(oakvale.bens, f"{where}/wishes"))


async def test_two_promises_at_one_moment_are_one(oakvale: Oakvale) -> None:
    """Rule 5.10: pressed on two devices for two people; one of them has it."""
    where = await sofa(oakvale)
    mauds = await oakvale.town.browser_of(oakvale.maud)
    await wish(oakvale.browser, where)
    await wish(mauds, where)
    other = await oakvale.town.browser_of(oakvale.ben)
    listed = await text(oakvale.bens, f"{where}/wishes")
    numbers = [part.partition('"')[0] for part in listed.split("promise?wish=")[1:]]
    answers = await asyncio.gather(
        press(oakvale.bens, f"{where}/promise", wish=numbers[0]),
        press(other, f"{where}/promise", wish=numbers[1]),
    )
    assert sorted(status for status, _ in answers) == [303, 422]
    assert words_of(await text(oakvale.bens, f"{where}/wishes")).count("Promised to") == 1


async def test_asked_twice_is_asked_once(oakvale: Oakvale) -> None:
    where = await sofa(oakvale)
    await asyncio.gather(*[wish(oakvale.browser, where, "Please") for _ in range(3)])
    assert words_of(await text(oakvale.bens, f"{where}/wishes")).count("Please") == 1


async def test_withdrawing_the_listing_tells_those_who_wait(oakvale: Oakvale) -> None:
    where = await sofa(oakvale)
    await wish(oakvale.browser, where)
    assert (await press(oakvale.bens, f"{where}/withdraw"))[0] == 303
    assert "This is not given away any more: Green sofa" in words_of(await text(oakvale.browser, "/messages"))
    assert "Gone Green sofa" in words_of(await text(oakvale.browser, "/my/gifts"))
    assert await counts(oakvale, oakvale.ben) == (0, 0)


async def test_whoever_leaves_is_off_the_list(oakvale: Oakvale) -> None:
    where = await sofa(oakvale)
    await wish(oakvale.browser, where)
    page = await text(oakvale.bens, f"{where}/wishes")
    await promise(oakvale, where, number_in(page, "promise?wish="))
    await oakvale.town.node.parting.part(OPERATOR, oakvale.ana.no, why="moved away")
    assert "Nobody has asked yet." in words_of(await text(oakvale.bens, f"{where}/wishes"))


async def test_only_the_giver_sees_who_asked_and_promises(oakvale: Oakvale) -> None:
    """Forced browsing, for reading and for writing; also for organisers, and for the one who asked."""
    where = await sofa(oakvale)
    await wish(oakvale.browser, where, "For my mother")
    number = number_in(await text(oakvale.bens, f"{where}/wishes"), "promise?wish=")
    before = (await oakvale.town.everything())["wish"]
    for who in (oakvale.ana, oakvale.maud, oakvale.rosa):
        browser = await oakvale.town.browser_of(who)
        for path in ("wishes", f"promise?wish={number}"):
            await text(browser, f"{where}/{path}", 404)
        for path in ("promise", "unpromise", "collected"):
            assert (await press(browser, f"{where}/{path}", wish=number))[0] == 404
    for browser in (oakvale.bens, await oakvale.town.browser_of(oakvale.maud)):
        for path in ("received", "back"):
            assert (await press(browser, f"/my/gifts/{number}/{path}"))[0] == 404
    assert (await oakvale.town.everything())["wish"] == before


async def test_a_wish_for_another_thing_is_not_promised_with_this_one(oakvale: Oakvale) -> None:
    first, second = await sofa(oakvale), await sofa(oakvale)
    await wish(oakvale.browser, first)
    number = number_in(await text(oakvale.bens, f"{first}/wishes"), "promise?wish=")
    for named in ({"wish": number}, {"wish": "x"}, {"thread": "1"}, {"thread": "x"}, {}):
        assert (await press(oakvale.bens, f"{second}/promise", **named))[0] == 404


async def test_only_what_is_given_away_can_be_asked_for(oakvale: Oakvale) -> None:
    bread = Listing(
        kind="offer", title="Bread", text="", category="food", language="en",
        price=AskingPrice(amount=60, per="item"),
    )  # fmt: skip
    where = await sofa(oakvale, bread)
    for browser, path in ((oakvale.browser, "wish"), (oakvale.bens, "promise"), (oakvale.bens, "collected")):
        status, leads = await press(browser, f"{where}/{path}")
        assert status == 404 or leads.endswith("note=changed")
    await text(oakvale.bens, f"{where}/wishes", 404)
    assert "I would like it" not in words_of(await text(oakvale.browser, where))
    assert (await oakvale.town.everything())["wish"] == []


async def test_ones_own_thing_and_a_crowd_are_refused_in_words(oakvale: Oakvale) -> None:
    where = await sofa(oakvale)
    status, _ = await press(oakvale.bens, f"{where}/wish")
    assert status == 422
    assert (await oakvale.town.everything())["wish"] == []
    key = (await oakvale.town.node.market.post(oakvale.ben.no, SOFA)).listing.key
    for number in range(GIFT_WISHES_MAX):
        await oakvale.town.node.gifts.wish(await oakvale.town.member(f"M{number}"), key, "")
    token = form_token_of(await text(oakvale.browser, "/my"))
    answer = await oakvale.browser.post(f"/l/{listing_id(key)}/wish", data={"form_token": token})
    assert answer.status == 422
    assert "Many people have asked already." in words_of(await answer.text())


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"day": "2020-01-01"}, "Please choose a day from today on."),
        ({"day": "tomorrow"}, "Please choose a day from today on."),
        ({"time": "25:00"}, "Please write a time of day, for example 10:30."),
        ({"said": "x" * 281}, "This is too long."),
    ],
)
async def test_a_day_that_cannot_be_is_said(oakvale: Oakvale, fields: dict[str, str], sentence: str) -> None:
    where = await sofa(oakvale)
    await wish(oakvale.browser, where)
    number = number_in(await text(oakvale.bens, f"{where}/wishes"), "promise?wish=")
    token = form_token_of(await text(oakvale.bens, "/my"))
    answer = await oakvale.bens.post(f"{where}/promise", data={"form_token": token, "wish": number, **fields})
    assert answer.status == 422
    assert sentence in words_of(await answer.text())
    assert "Promised to" not in words_of(await text(oakvale.bens, f"{where}/wishes"))


async def test_what_people_write_is_only_text(oakvale: Oakvale) -> None:
    where = await sofa(oakvale)
    await wish(oakvale.browser, where, SCRIPT)
    page = await text(oakvale.bens, f"{where}/wishes")
    assert SCRIPT not in page
    await promise(oakvale, where, number_in(page, "promise?wish="), said=SCRIPT)
    for browser, path in (
        (oakvale.bens, f"{where}/wishes"),
        (oakvale.browser, "/my/gifts"),
        (oakvale.browser, "/home"),
    ):
        assert SCRIPT not in await text(browser, path)


async def test_everybody_concerned_is_told_by_mail(oakvale: Oakvale) -> None:
    where = await sofa(oakvale)
    await wish(oakvale.browser, where)
    number = number_in(await text(oakvale.bens, f"{where}/wishes"), "promise?wish=")
    await promise(oakvale, where, number)
    mails = [(each.recipient, each.subject) for each in await oakvale.town.mails()]
    assert mails == [
        ("ben@example.org", "I would like this: Green sofa"),
        ("ana@example.org", "I promise you this: Green sofa"),
    ]


def test_somebody_of_another_scheme_asks_by_letter_and_is_promised_it_by_name() -> None:
    """Rule 5.10, 7.7: Ana writes about Karim's ladder; he promises it to her, and it is noted as given."""

    async def act(market: Market) -> None:
        karims_node = market.town["Riverside"].node
        key = (await karims_node.market.post(market.karim.no, SOFA)).listing.key
        there, here = f"/l/{listing_id(key, karims_node.scheme)}", f"/l/{listing_id(key)}"

        async def heard() -> bool:
            return (await market.browser.get(there)).status == 200

        await market.town.until(heard, 600, "the sofa")
        shown = await market.browser.get(there)
        assert "I would like it" in shown.words
        page = await market.browser.get(
            next(link for link in shown.links if link.startswith("/messages/new"))
        )
        assert "I would like it, please." in page.page
        sent = await market.browser.post(
            page.location.partition("&")[0], **page.fields, text="I would like it, please."
        )
        mine = sent.location.partition("?")[0]

        async def asked() -> bool:
            return "I would like it, please." in (await market.karims.get(f"{here}/wishes")).words

        await market.town.until(asked, 600, "the letter")
        listed = await market.karims.get(f"{here}/wishes")
        assert "Ana Scheme: Oakvale" in listed.words
        form = await market.karims.get(next(link for link in listed.links if "promise?thread=" in link))
        done = await market.karims.post(f"{here}/promise", **form.fields, said="Ring twice")
        assert "Promised to Ana Scheme: Oakvale Ring twice" in done.words

        async def told() -> bool:
            return "I promise you this: Green sofa Ring twice" in (await market.browser.get(mine)).words

        await market.town.until(told, 600, "the promise")
        given = await market.karims.post(f"{here}/collected", **done.fields)
        assert "Given away: 1. Received: 0." in given.words

        async def gone() -> bool:
            return (await market.browser.get(there)).status == 404

        await market.town.until(gone, 600, "that it is gone")

    on_market_day(act)


@pytest.mark.parametrize(
    ("kind", "typed", "price"),
    [
        ("gift", {"price_kind": "free"}, "To give away Green sofa free"),
        ("gift", {"price_kind": "amount", "price": "3"}, "To give away Green sofa free"),
        ("lift", {"price_kind": "amount", "price": "0:30", "per": "seat"}, "Lift Green sofa 30 min a seat"),
        ("lift", {"price_kind": "amount", "price": "0:01", "per": "km"}, "Lift Green sofa 1 min a kilometre"),
    ],
)
async def test_gifts_and_lifts_are_posted_in_three_steps(
    oakvale: Oakvale, kind: str, typed: dict[str, str], price: str
) -> None:
    """docs/pages.md 8.2, 8.14: what is given away has no price, whatever is sent."""
    what = {"kind": kind, "title": "Green sofa", "text": "Two seats"}
    page = await text(oakvale.bens, "/post")
    answer = await oakvale.bens.post("/post", data={**fields_of(page), **what})
    asked = await answer.text()
    assert ("If it is fixed: how much" in words_of(asked)) is (kind == "lift")
    sent = {**fields_of(asked), **what, **typed, "category": "home"}
    answer = await oakvale.bens.post("/post/price", data=sent)
    preview = await answer.text()
    assert answer.status == 200, words_of(preview)
    assert price in words_of(preview)
    answer = await oakvale.bens.post("/post/publish", data=fields_of(preview), allow_redirects=False)
    assert answer.status == 303
    shown = words_of(await text(oakvale.browser, answer.headers["Location"].partition("?")[0]))
    assert price in shown
    assert ("I would like it" in shown) is (kind == "gift")


async def test_a_thing_that_is_offered_for_units_after_all_lets_its_list_go(oakvale: Oakvale) -> None:
    """Whoever is on the list of something that is no gift any more can still leave it, and the scheme."""
    where = await sofa(oakvale)
    await wish(oakvale.browser, where)
    key = parse_listing_id(where.removeprefix("/l/"))[0]
    await oakvale.town.node.market.edit(
        key, replace(SOFA, kind="offer", price=AskingPrice(amount=60, per="item"))
    )
    number = number_in(await text(oakvale.browser, "/my/gifts"), "/my/gifts/")
    assert await press(oakvale.browser, f"/my/gifts/{number}/back") == (303, "/my/gifts?note=saved")
    await oakvale.town.node.parting.part(OPERATOR, oakvale.ana.no, why="moved away")
