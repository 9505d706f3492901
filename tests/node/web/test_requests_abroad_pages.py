"""Asking for what another scheme's members list, on whole nodes in virtual time. Rule 7.10; docs/pages.md 8.18."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy import update

from node.services.acts import OPERATOR
from node.store import Tx
from node.store.schema import letters, requests
from node.web.listing_names import listing_id
from protocol.event import Kind, Plan
from protocol.letter import EXPIRED
from protocol.limits import DAY_MS, HOUR_MS
from protocol.market import AskingPrice
from tests.gossip_town import listing
from tests.node.web.test_member_pay_pages import Market, on_market_day
from tests.node.web.virtual_browser import VirtualBrowser

SOFA = listing(
    "Green sofa, two seats", kind="gift", category="home", owner="Karim", price=AskingPrice(amount=0, per="free")
)  # fmt: skip
Act = Callable[[Market, str, str], Awaitable[None]]


def _two_weeks_later(tx: Tx) -> None:
    """Unit: the letter ran out, as after two weeks in which nobody took it."""
    tx.run(update(letters.message).values(state=EXPIRED))
    tx.run(update(requests.request).values(changed_ms=0))


def with_sofa(act: Act) -> None:
    """Run `act` once Ana reads of Karim's sofa; with its address there and here."""

    async def scenario(market: Market) -> None:
        node = market.town["Riverside"].node
        key = (await node.market.post(market.karim.no, SOFA)).listing.key
        there = f"/l/{listing_id(key, node.scheme)}"
        await reads(market, market.browser, there, "I would like it")
        await act(market, there, f"/l/{listing_id(key)}")

    on_market_day(scenario)


async def reads(market: Market, browser: VirtualBrowser, path: str, words: str) -> None:
    async def so() -> bool:
        page = await browser.get(path)
        assert page.status < 500, page.words
        return words in page.words

    await market.town.until(so, 900, words)


async def asks(market: Market, there: str, text: str = "I can come on Saturday") -> str:
    """Let Ana ask; return where what she asked for is acted on."""
    shown = await market.browser.get(there)
    done = await market.browser.post(f"{there}/wish", **shown.fields, text=text)
    assert done.status == 200, done.words
    return "/my/abroad/1"


def test_a_gift_is_asked_for_promised_and_received_across_schemes() -> None:
    async def act(market: Market, there: str, here: str) -> None:
        mine = await asks(market, there)
        assert "Your question is on its way to Riverside." in (await market.browser.get(there)).words
        await reads(market, market.karims, f"{here}/wishes", "I can come on Saturday")
        listed = await market.karims.get(f"{here}/wishes")
        assert "Ana Scheme: Oakvale Asked" in listed.words
        assert "People of other schemes who wrote about it" not in listed.words
        await reads(market, market.browser, there, "You are on the list. Karim chooses, and you are told.")
        assert "Ana would like it" in (await market.karims.get("/home")).words

        form = await market.karims.get(next(link for link in listed.links if "promise?wish=" in link))
        await market.karims.post(f"{here}/promise", **form.fields, said="Ring twice")

        await reads(market, market.browser, "/home", "Promised to you: Green sofa, two seats")
        shown = await market.browser.get(there)
        assert "Karim promised it to you." in shown.words
        assert "Ring twice" in shown.words
        await market.browser.post(f"{mine}/received", **shown.fields)

        await reads(market, market.karims, "/my/gifts", "Given away: 1. Received: 0.")
        await reads(market, market.browser, "/my/abroad", "You have it Scheme: Riverside Green sofa")
        assert "Promised to you" not in (await market.browser.get("/home")).words
        again = await market.browser.post(f"{mine}/back", **shown.fields)
        assert "This has changed meanwhile." in again.words

    with_sofa(act)


def test_who_takes_a_wish_back_leaves_the_gift_to_others() -> None:
    async def act(market: Market, there: str, here: str) -> None:
        mine = await asks(market, there)
        await asks(market, there)
        await reads(market, market.karims, f"{here}/wishes", "Ana Scheme: Oakvale Asked")
        await reads(market, market.browser, there, "You are on the list.")
        shown = await market.browser.get(there)
        await market.browser.post(f"{mine}/back", **shown.fields)
        assert "Riverside has not heard of that yet." in (await market.browser.get("/my/abroad")).words
        await reads(market, market.karims, f"{here}/wishes", "Nobody has asked yet.")
        await reads(market, market.browser, "/my/abroad", "You do not need it any more, and they know.")
        assert (await market.browser.get(there)).page.count(f"{there}/wish") == 1, "she may ask anew"
        his = (await market.karims.get(here)).fields
        assert (await market.karims.post(f"{mine}/back", **his)).status == 404, "not his to take back"

    with_sofa(act)


def test_a_silent_neighbour_is_said_in_words_and_asked_once_more() -> None:
    async def act(market: Market, there: str, here: str) -> None:
        await market.town["Riverside"].stop()
        mine = await asks(market, there)
        shown = await market.browser.get("/my/abroad")
        assert "Ask once more" not in shown.words
        await market.town["Oakvale"].node.store.write(_two_weeks_later)
        assert "did not take your question within two weeks" in (await market.browser.get("/my/abroad")).words
        assert "No answer: Green sofa" in (await market.browser.get("/home")).words
        await market.browser.post(f"{mine}/again", **shown.fields)
        await market.town["Riverside"].boot()
        karims = await VirtualBrowser.of(market.town["Riverside"].node, market.karim)
        await reads(market, karims, f"{here}/wishes", "I can come on Saturday")
        # What she takes back and did not get there can be said once more, too.
        await reads(market, market.browser, there, "You are on the list.")
        await market.town["Riverside"].stop()
        shown = await market.browser.get("/my/abroad")
        await market.browser.post(f"{mine}/back", **shown.fields)
        assert f'action="{mine}/back"' not in (await market.browser.get("/my/abroad")).page
        await market.town["Oakvale"].node.store.write(_two_weeks_later)
        assert f'action="{mine}/back"' in (await market.browser.get("/my/abroad")).page
        await market.browser.post(f"{mine}/back", **shown.fields)
        await market.town["Riverside"].boot()
        await reads(market, market.browser, "/my/abroad", "You do not need it any more, and they know.")

    with_sofa(act)


def test_a_neighbours_event_is_in_the_calendar_and_its_host_reads_who_comes_from_where() -> None:
    async def scenario(market: Market) -> None:
        node = market.town["Riverside"].node
        await node.settings.change(OPERATOR, public_events=True)
        starts = node.clock.now_ms() + DAY_MS
        plan = Plan(
            kind=Kind.SOCIAL, title="Soup for all", text="Bring a bowl", where="Old school", starts=starts,
            ends=starts + HOUR_MS, public=True,
        )  # fmt: skip
        hosted = await node.events.post(market.karim, [plan], b"o" * 16)
        await reads(market, market.browser, "/calendar", "At neighbouring schemes Soup for all")
        links = (await market.browser.get("/calendar")).links
        there = next(link for link in links if link.startswith("/near/"))
        shown = await market.browser.get(there)
        assert "Bring a bowl Where Old school" in shown.words
        await market.browser.post(f"{there}/come", **shown.fields)
        await reads(market, market.karims, f"/events/{hosted.key.hex()}", "Who comes Ana (Oakvale)")
        await reads(market, market.browser, there, "You said that you come. You have a place.")
        mine = await market.browser.get("/my/abroad")
        assert "You come Scheme: Riverside Soup for all" in mine.words
        assert "I have it now" not in mine.words
        talk = next(link for link in mine.links if link.startswith("/messages/"))
        assert "I am coming: Soup for all" in (await market.browser.get(talk)).words
        assert "You have a place: Soup for all" in (await market.karims.get("/messages")).words
        await market.browser.post("/my/abroad/1/back", **mine.fields)
        await reads(market, market.browser, there, "You said that you cannot come, and they know.")
        assert "Ana" not in (await market.karims.get(f"/events/{hosted.key.hex()}")).words
        wrong = f"/near/{listing_id(hosted.key)}"
        for lost in (wrong, "/near/x", f"/near/{listing_id(hosted.key, market.town['Oakvale'].scheme)}"):
            assert (await market.browser.get(lost)).status == 404

    on_market_day(scenario)
