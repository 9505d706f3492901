"""Searches that are kept: by a button, told of each new thing once, and of one's own never. docs/pages.md 7.2 (`/my/searches`)."""

from __future__ import annotations

import re

import pytest

from node.services.alert_rows import Tell, Wanted, searches_of, untold
from node.services.alerts import MAILS_A_DAY_MAX, SEARCHES_MAX
from node.services.mail_wishes import Level
from node.services.members import Member
from node.services.own_listings import Owned
from protocol.limits import DAY_MS, HOUR_MS
from tests.gossip_town import listing
from tests.node.web.oakvale import Oakvale, fields_of, text, words_of
from tests.node.web.test_member_pay_pages import Market, on_market_day
from tests.node.web.towns import Browser, form_token_of

MORNING = 10 * HOUR_MS  # after the midnight at which these towns begin


async def pressed(browser: Browser, path: str) -> tuple[int, str]:
    """Press the button under a page of found things; return where that leads."""
    page = await text(browser, path)
    assert "Tell me about new ones" in page
    form = page[page.index('action="/my/searches"') :]
    answer = await browser.post("/my/searches", data=fields_of(form), allow_redirects=False)
    return answer.status, answer.headers.get("Location", "")


async def post(browser: Browser, path: str, **fields: str) -> int:
    token = form_token_of(await text(browser, "/my/mail"))
    answer = await browser.post(path, data={"form_token": token, **fields}, allow_redirects=False)
    return answer.status


async def keeps(oakvale: Oakvale, wanted: Wanted, tell: Tell = Tell.AT_ONCE) -> int:
    """Let Ana keep a search; return its number."""
    await oakvale.town.node.alerts.keep(oakvale.ana, wanted, tell)
    return (await oakvale.town.node.store.read(searches_of, oakvale.ana.no))[-1].no


async def posted(oakvale: Oakvale, title: str, who: Member | None = None, **given: object) -> Owned:
    return await oakvale.town.node.market.post((who or oakvale.ben).no, listing(title, **given))


async def told(oakvale: Oakvale) -> list[str]:
    """Look once, in the morning; return the subjects of what was mailed to Ana since the last look."""
    await oakvale.town.node.alerts.look()
    mails = [mail.subject for mail in await oakvale.town.mails() if mail.recipient == "ana@example.org"]
    oakvale.town.mail.taken.clear()
    return mails


@pytest.fixture
async def awake(oakvale: Oakvale) -> Oakvale:
    await oakvale.later(MORNING)
    return oakvale


async def test_a_search_is_kept_by_a_button_once_and_removed_by_another(oakvale: Oakvale) -> None:
    browser = oakvale.browser
    assert "Tell me about new ones" not in await text(browser, "/find"), "nothing was looked for"
    for _ in range(2):
        assert await pressed(browser, "/find?q=plum+jam&kind=offer&category=food") == (
            303, "/my/searches?note=search-kept",
        )  # fmt: skip
    page = await text(browser, "/my/searches?note=search-kept")
    assert "Kept. We tell you when something new fits." in words_of(page)
    assert words_of(page).count("“plum jam”, Offers, Food and cooking Nothing new yet.") == 1
    assert "/find?q=plum+jam&amp;kind=offer&amp;category=food" in page
    (saved,) = await oakvale.town.node.store.read(searches_of, oakvale.ana.no)
    assert saved.tell is Tell.WEEKLY, "as often as she is written to"
    assert await post(browser, f"/my/searches/{saved.no}", tell="at-once") == 303
    assert re.search(r'value="at-once" selected', await text(browser, "/my/searches"))
    assert await post(browser, f"/my/searches/{saved.no}/remove") == 303
    assert "You keep no searches." in words_of(await text(browser, "/my/searches"))


async def test_ten_searches_are_enough_and_the_page_says_so(oakvale: Oakvale) -> None:
    for number in range(SEARCHES_MAX):
        await keeps(oakvale, Wanted(words=f"jam {number}"))
    page = await text(oakvale.browser, "/find?q=honey")
    form = fields_of(page[page.index('action="/my/searches"') :])
    answer = await oakvale.browser.post("/my/searches", data=form, allow_redirects=False)
    assert answer.status == 422
    assert "You can keep 10 searches. Remove one to keep another." in words_of(await answer.text())
    assert len(await oakvale.town.node.store.read(searches_of, oakvale.ana.no)) == SEARCHES_MAX


async def test_what_is_new_is_told_once_whatever_becomes_of_it(awake: Oakvale) -> None:
    """Of a listing that two searches find, that is hidden and shown again, and that is looked at twice: one mail."""
    await posted(awake, "Old plum jam")
    await keeps(awake, Wanted(words="plum"))
    await keeps(awake, Wanted(category="food"))
    assert await told(awake) == [], "it was there before she asked"
    jam = await posted(awake, "Plum jam, 4 jars")
    await posted(awake, "Bicycle repair", category="repair-bicycles")
    await awake.town.node.alerts.look()
    (mail,) = await awake.town.mails()
    assert (mail.recipient, mail.subject) == ("ana@example.org", "Offer: Plum jam, 4 jars")
    link = re.search(r"http://oakvale\.test(/l/\S+)", mail.text)
    assert link is not None
    assert "Plum jam, 4 jars" in await text(awake.browser, link[1])
    assert "Plum jam, 4 jars" in words_of(await text(awake.browser, "/my/searches"))
    assert "Old plum jam" not in words_of(await text(awake.browser, "/my/searches"))
    awake.town.mail.taken.clear()
    await awake.town.node.market.hide(jam.listing.key)
    await awake.town.node.market.show(jam.listing.key)
    assert await told(awake) == []


async def test_nobody_is_told_of_their_own(awake: Oakvale) -> None:
    await keeps(awake, Wanted(words="jam"))
    await posted(awake, "Jam", awake.ana)
    assert await told(awake) == []
    assert "Nothing new yet." in words_of(await text(awake.browser, "/my/searches"))


async def test_what_comes_at_night_is_one_mail_in_the_morning(oakvale: Oakvale) -> None:
    """docs/pages.md 9: quiet from 22 to 8."""
    await keeps(oakvale, Wanted(words="jam"))
    for title in ("Plum jam", "Quince jam"):
        await posted(oakvale, title)
        assert await told(oakvale) == []
    oakvale.town.clock.now += MORNING
    assert await told(oakvale) == ["2 new offers and wants you look for"]


async def test_a_flood_is_a_few_mails_a_day(awake: Oakvale) -> None:
    await keeps(awake, Wanted(words="jam"))
    mails = []
    for number in range(MAILS_A_DAY_MAX + 3):
        await posted(awake, f"Jam {number}")
        mails += await told(awake)
        awake.town.clock.now += 60_000
    assert len(mails) == MAILS_A_DAY_MAX
    awake.town.clock.now += DAY_MS
    assert await told(awake) == ["3 new offers and wants you look for"]


@pytest.mark.parametrize("tell", [Tell.WEEKLY, Tell.NOT_NOW])
async def test_what_is_not_wanted_at_once_waits_or_is_only_on_the_page(awake: Oakvale, tell: Tell) -> None:
    no = await keeps(awake, Wanted(words="jam"), tell)
    await posted(awake, "Plum jam")
    assert await told(awake) == []
    assert "Offer: Plum jam" in words_of(await text(awake.browser, "/my/searches"))
    waiting = await awake.town.node.store.read(untold, awake.ana.no, tell)
    assert len(waiting) == (tell is Tell.WEEKLY)
    await awake.town.node.alerts.change(no, awake.ana, Tell.AT_ONCE)
    # What was found while she wanted to hear nothing is not told afterwards.
    assert await told(awake) == (["Offer: Plum jam"] if tell is Tell.WEEKLY else [])


async def test_another_members_search_is_nobody_elses(awake: Oakvale) -> None:
    no = await keeps(awake, Wanted(words="jam"))
    before = await awake.town.node.store.read(searches_of, awake.ana.no)
    assert await post(awake.bens, f"/my/searches/{no}", tell="not-now") == 404
    assert await post(awake.bens, f"/my/searches/{no}/remove") == 303
    assert await post(awake.browser, f"/my/searches/{no}", tell="shout") == 404
    assert await awake.town.node.store.read(searches_of, awake.ana.no) == before
    assert "jam" not in words_of(await text(awake.bens, "/my/searches"))


async def test_the_page_says_why_no_mail_comes(oakvale: Oakvale) -> None:
    await oakvale.town.node.wishes.choose(oakvale.ana, Level.MUST_ACT)
    assert "You get no weekly mail." in words_of(await text(oakvale.browser, "/my/searches"))


def test_a_neighbours_listing_is_found_when_it_arrives() -> None:
    """Rules 5.5, 5.8: it came by gossip through Hilltop."""

    async def act(market: Market) -> None:
        node, karims = market.town["Oakvale"].node, market.town["Riverside"].node
        await node.alerts.keep(market.ana, Wanted(words="quince jelly"), Tell.AT_ONCE)
        await karims.market.post(market.karim.no, listing("Quince jelly", owner="Karim"))

        async def found() -> bool:
            await node.alerts.look()
            page = (await market.browser.get("/my/searches")).words
            return "Offer: Quince jelly (Riverside)" in page

        await market.town.until(found, 600, "that it is found")

    on_market_day(act)
