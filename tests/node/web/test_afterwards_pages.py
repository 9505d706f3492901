"""Thanks, what is wrong with a trade, and putting it right: within the scheme and across. Rules 3.5, 7.7; docs/pages.md 8.8."""

from __future__ import annotations

import re

import pytest

from node.services.acts import OPERATOR, NotAllowed, Role
from node.services.afterwards import CannotSay, Why, open_complaints
from node.services.mail_wishes import Level
from protocol.limits import AFTERWARDS_MS, COMPLAINTS_OPEN_MAX
from tests.node.web.oakvale import Oakvale, fields_of, text, words_of
from tests.node.web.test_member_pay_pages import Market, on_market_day
from tests.node.web.towns import Browser, form_token_of

SCRIPT = "<script>alert(1)</script>"


async def sent(browser: Browser, path: str, **fields: str) -> tuple[int, str]:
    """Send a form with a token that fits; return status and page."""
    token = form_token_of(await text(browser, "/my"))
    answer = await browser.post(path, data={"form_token": token, **fields}, allow_redirects=False)
    return answer.status, await answer.text()


async def traded(oakvale: Oakvale) -> str:
    """Let Ana pay Ben; return the address of the trade."""
    return (await oakvale.record()).removesuffix("/check")


async def complained(oakvale: Oakvale, said: str = "It was one hour only.") -> tuple[str, str]:
    """Let Ana say what is wrong; return the trade's address and the complaint's."""
    here = await traded(oakvale)
    assert (await sent(oakvale.browser, f"{here}/wrong", text=said))[0] == 303
    (open_one,) = await oakvale.town.node.store.read(open_complaints)
    return here, f"/admin/complaints/{open_one.no}"


async def test_thanks_are_said_once_and_shown_to_the_two(oakvale: Oakvale) -> None:
    here = await traded(oakvale)
    await oakvale.town.node.wishes.choose(oakvale.ben, Level.AT_ONCE)
    assert "Say thank you" in words_of(await text(oakvale.browser, here))
    assert "They are shown to the two of you only." in words_of(await text(oakvale.browser, f"{here}/thank"))
    assert (await sent(oakvale.browser, f"{here}/thank", text=f"It runs again! {SCRIPT}"))[0] == 303
    mail = (await oakvale.town.mails())[-1]
    assert (mail.recipient, mail.subject) == ("ben@example.org", "Ana says thank you: Bike repair")
    for browser in (oakvale.browser, oakvale.bens):
        page = await text(browser, here)
        assert "It runs again!" in words_of(page)
        assert "<script>alert" not in page
    status, page = await sent(oakvale.browser, f"{here}/thank", text="More")
    assert status == 200
    assert "You said so already." in words_of(page)
    assert (await sent(oakvale.bens, f"{here}/thank", text=""))[0] == 303
    assert "Ben Thank you!" in words_of(await text(oakvale.browser, here))
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    assert "It runs again!" not in words_of(await text(rosas, here)), (
        "organisers see the trade, not the thanks"
    )


async def test_after_thirty_days_nothing_is_said_any_more(oakvale: Oakvale) -> None:
    here = await traded(oakvale)
    await oakvale.later(AFTERWARDS_MS + 1)
    assert "Say thank you" not in words_of(await text(oakvale.browser, here))
    for word in ("thank", "wrong"):
        assert "more than 30 days old" in words_of(
            (await sent(oakvale.browser, f"{here}/{word}", text="x"))[1]
        )
    assert await oakvale.town.node.store.read(open_complaints) == []


async def test_whoever_was_paid_is_offered_to_pay_it_back(oakvale: Oakvale) -> None:
    here = await traded(oakvale)
    assert "Ben can simply pay it back" in words_of(await text(oakvale.browser, f"{here}/wrong"))
    page = await text(oakvale.bens, f"{here}/wrong")
    href = re.search(r'href="(/record/what\?[^"]+)"', page)
    assert href
    form = await text(oakvale.bens, href[1].replace("&amp;", "&"))
    assert 'value="Back: Bike repair"' in form
    assert "1:30" in form


async def test_an_organiser_reads_both_sides_and_puts_it_right_once(oakvale: Oakvale) -> None:
    here, desk = await complained(oakvale, f"It was one hour only. {SCRIPT}")
    assert (await sent(oakvale.bens, f"{here}/wrong", text="She is right."))[0] == 303
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    assert "Something is wrong with 1 trade " in words_of(await text(rosas, "/admin"))
    assert "Ana Bike repair" in words_of(await text(rosas, "/admin/complaints"))
    page = await text(rosas, desk)
    assert "It was one hour only." in words_of(page)
    assert "She is right." in words_of(page)
    assert "<script>alert" not in page
    assert (await sent(rosas, f"{desk}/correct", **fields_of(page), reason=""))[0] == 422
    fields = fields_of(page)
    for _ in range(2):
        assert (await sent(rosas, f"{desk}/correct", once=fields["once"], reason="One hour too much"))[
            0
        ] == 303

    assert (await oakvale.balance(oakvale.ana), await oakvale.balance(oakvale.ben)) == (0, 0)
    trade = words_of(await text(oakvale.browser, here))
    assert "Corrected by Rosa: see trade" in trade
    assert "The reason: One hour too much" in trade
    other = re.search(r"see trade (\S+)\.", trade)
    assert other
    assert "This puts trade" in words_of(await text(oakvale.bens, f"/t/{other[1]}"))
    assert await oakvale.town.node.store.read(open_complaints) == []
    ended = await text(rosas, desk)
    assert "Corrected by Rosa: One hour too much" in words_of(ended)
    assert "/correct" not in ended
    assert (await sent(rosas, f"{desk}/correct", once="AAAAAAAAAAAAAAAAAAAAAA", reason="again"))[0] == 422
    assert await oakvale.balance(oakvale.ana) == 0


async def test_it_can_be_settled_in_words(oakvale: Oakvale) -> None:
    _, desk = await complained(oakvale)
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    assert (await sent(rosas, f"{desk}/close", words=""))[0] == 422
    assert (await sent(rosas, f"{desk}/close", words="They talked"))[0] == 303
    assert "Closed by Rosa: They talked" in words_of(await text(rosas, desk))
    assert await oakvale.balance(oakvale.ana) == -90


async def test_nobody_decides_about_a_trade_of_their_own(oakvale: Oakvale) -> None:
    """Rule 3.5; an organiser who is a party is a party."""
    node = oakvale.town.node
    sam = await oakvale.town.member("Sam", Role.ORGANISER)
    here = (await oakvale.record(to=sam.number)).removesuffix("/check")
    assert (await sent(oakvale.browser, f"{here}/wrong", text="No."))[0] == 303
    (one,) = await node.store.read(open_complaints)
    with pytest.raises(NotAllowed):
        await node.afterwards.correct(one.no, sam.acts("pin"), "mine", bytes(16))
    with pytest.raises(NotAllowed):
        await node.afterwards.close(one.no, sam.acts("pin"), "mine")
    sams = await oakvale.town.browser_of(sam)
    page = await text(sams, f"/admin/complaints/{one.no}")
    assert "This is a trade of your own." in words_of(page)
    assert "/correct" not in page


async def test_only_organisers_read_complaints_and_only_parties_write_them(oakvale: Oakvale) -> None:
    """Forced browsing and CSRF."""
    here, desk = await complained(oakvale)
    maud = await oakvale.town.browser_of(oakvale.maud)
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    before = await oakvale.town.everything()
    for browser in (maud, oakvale.browser, oakvale.bens):
        for path in (desk, "/admin/complaints"):
            assert (await browser.get(path, allow_redirects=False)).status in (403, 404)
        for word in ("correct", "close"):
            assert (await sent(browser, f"{desk}/{word}", reason="x", words="x"))[0] in (403, 404)
    for browser in (maud, rosas):
        for word in ("thank", "wrong"):
            assert (await browser.get(f"{here}/{word}")).status == 404
            assert (await sent(browser, f"{here}/{word}", text="x"))[0] == 404
    assert (await rosas.get("/admin/complaints/99")).status == 404
    assert "It was one hour only." not in words_of(await text(oakvale.bens, here))
    foreign = form_token_of(await text(oakvale.browser, "/my"))
    for token in ("", foreign):
        for browser, path in (
            (oakvale.bens, f"{here}/thank"),
            (oakvale.bens, f"{here}/wrong"),
            (rosas, f"{desk}/close"),
        ):
            answer = await browser.post(path, data={"form_token": token, "text": "x", "words": "x"})
            assert answer.status == 403
    after = await oakvale.town.everything()
    assert {name: after[name] for name in ("thanks", "complaint", "entry")} == {
        name: before[name] for name in ("thanks", "complaint", "entry")
    }


async def test_a_member_has_so_many_complaints_open(oakvale: Oakvale) -> None:
    """docs/limits.md."""
    for number in range(COMPLAINTS_OPEN_MAX + 1):
        here = (await oakvale.record(what=f"Thing {number}", amount="0:01")).removesuffix("/check")
        status, page = await sent(oakvale.browser, f"{here}/wrong", text="No.")
        assert status == (303 if number < COMPLAINTS_OPEN_MAX else 200)
    assert "Organisers look into other trades of yours." in words_of(page)
    status, page = await sent(oakvale.browser, f"/t/{(await oakvale.trades())[-1].no}/wrong", text="x")
    assert status == 404


# --- across -------------------------------------------------------------------------------------------------


async def bought(market: Market) -> str:
    """Let Ana buy the jam; return the address of the trade, the same at both schemes."""
    done = await market.pay(await market.check())
    assert "Done" in done.words
    return "/t/" + done.location.split("/")[2]


def test_thanks_cross_by_letter_both_ways() -> None:
    async def act(market: Market) -> None:
        here = await bought(market)
        for mine, theirs, said in (
            (market.browser, market.karims, "Lovely jam"),
            (market.karims, market.browser, "Come again"),
        ):
            page = await mine.get(f"{here}/thank")
            await mine.post(f"{here}/thank", **page.fields, text=said)

            async def there(theirs: object = theirs, said: str = said) -> bool:
                return said in (await theirs.get(here)).words  # type: ignore[attr-defined]  # one of two browsers

            await market.town.until(there, 600, said)

    on_market_day(act)


def test_a_complaint_reaches_the_organisers_of_both_schemes_and_no_entry_in_hours_is_corrected() -> None:
    async def act(market: Market) -> None:
        here = await bought(market)
        page = await market.browser.get(f"{here}/wrong")
        assert "Organisers of Oakvale and Riverside read it." in page.words
        await market.browser.post(f"{here}/wrong", **page.fields, text="The jars were empty.")
        oakvale, riverside = market.town["Oakvale"].node, market.town["Riverside"].node

        async def arrived() -> bool:
            return len(await riverside.store.read(open_complaints)) == 1

        await market.town.until(arrived, 600, "the complaint")
        (theirs,) = await riverside.store.read(open_complaints)
        assert (theirs.account_no, theirs.text) == (None, "The jars were empty.")
        (ours,) = await oakvale.store.read(open_complaints)
        assert ours.told == "yes"
        for node, each in ((oakvale, ours), (riverside, theirs)):
            with pytest.raises((CannotSay, NotAllowed)) as refused:
                await node.afterwards.correct(each.no, OPERATOR, "no", bytes(16))
            assert isinstance(refused.value, CannotSay)
            assert refused.value.why is Why.ACROSS
        assert await market.balances() == (-30, 600)

    on_market_day(act)
