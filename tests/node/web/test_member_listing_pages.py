"""Posting, finding and looking after listings through the door. docs/pages.md 7.2, 8.2, 8.3."""

from __future__ import annotations

import re

import pytest

from node.services import market
from node.services.own_listings import Owned, listings_of
from node.web.listing_names import listing_id
from protocol.limits import DAY_MS
from protocol.listing import State
from protocol.market import AskingPrice
from tests.node.web.oakvale import Oakvale, fields_of, text, words_of
from tests.node.web.test_pages import FORBIDDEN, Seen
from tests.node.web.towns import Browser, form_token_of

WHAT = {"kind": "offer", "title": "Sourdough bread", "text": "Baked on Fridays.\n\nOrder by Wednesday."}
PRICE = {
    "price_kind": "amount",
    "price": "0:20",
    "per": "item",
    "extra": "",
    "category": "food-baking",
    "share": "yes",
}


async def step(browser: Browser, page: str, path: str, **fields: str) -> str:
    """Send a page's form with what was typed; return the next page."""
    answer = await browser.post(path, data={**fields_of(page), **fields})
    return await answer.text()


async def preview(oakvale: Oakvale, what: dict[str, str] = WHAT, price: dict[str, str] = PRICE) -> str:
    first = await text(oakvale.browser, "/post")
    second = await step(oakvale.browser, first, "/post", **what)
    return await step(oakvale.browser, second, "/post/price", **price)


async def publish(oakvale: Oakvale, what: dict[str, str] = WHAT, price: dict[str, str] = PRICE) -> str:
    """Publish a listing of Ana's; return its name in addresses."""
    third = await preview(oakvale, what, price)
    answer = await oakvale.browser.post("/post/publish", data=fields_of(third), allow_redirects=False)
    assert answer.status == 303, await answer.text()
    return answer.headers["Location"].removeprefix("/l/").partition("?")[0]


async def anas(oakvale: Oakvale) -> list[Owned]:
    return await oakvale.town.node.store.read(listings_of, oakvale.ana.no)


async def test_a_listing_is_posted_in_three_steps(oakvale: Oakvale) -> None:
    """pages.md 8.2: exactly what others see, before it is published."""
    shown = words_of(await preview(oakvale))
    assert "This is how others see it" in shown
    assert "Sourdough bread" in shown
    assert "20 min" in shown
    assert "Order by Wednesday." in shown
    assert "Shown to: Oakvale." in shown
    assert await anas(oakvale) == []

    name = await publish(oakvale)

    (owned,) = await anas(oakvale)
    assert owned.listing.state is State.PUBLISHED
    assert owned.listing.content.price == AskingPrice(amount=20, per="item")
    assert owned.listing.content.owner == "Ana"
    mine = words_of(await text(oakvale.browser, f"/l/{name}"))
    assert "Listed until" in mine
    theirs = words_of(await text(oakvale.bens, f"/l/{name}"))
    assert "Pay for this" in theirs
    assert "Edit" not in theirs


async def test_publish_pressed_twice_posts_once(oakvale: Oakvale) -> None:
    fields = fields_of(await preview(oakvale))
    for _ in range(2):
        await oakvale.browser.post("/post/publish", data=fields)
    assert len(await anas(oakvale)) == 1


async def test_one_listing_too_many_is_told_and_nothing_is_lost(
    oakvale: Oakvale, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(market, "LISTINGS_OF_ONE_MAX", 1)
    await publish(oakvale)
    fields = fields_of(await preview(oakvale, what=WHAT | {"title": "Rye bread"}))

    answer = await oakvale.browser.post("/post/publish", data=fields)

    page = await answer.text()
    assert answer.status == 422
    assert "as many as one person may have" in words_of(page)
    assert "Rye bread" in page
    assert len(await anas(oakvale)) == 1


@pytest.mark.parametrize(
    "change, asking, words",
    [
        ({"price_kind": "free", "price": ""}, AskingPrice(amount=0, per="free"), "free"),
        ({"price_kind": "agree", "price": ""}, AskingPrice(amount=0, per="agree"), "to agree"),
        ({"price_kind": "agree", "price": "2"}, AskingPrice(amount=120, per="agree"), "about 2 h, to agree"),
        ({"price": "90 min", "per": "hour"}, AskingPrice(amount=90, per="hour"), "1 h 30 for an hour"),
        ({"price": "2", "per": "day"}, AskingPrice(amount=120, per="day"), "2 h a day"),
    ],
)
async def test_prices_of_every_kind(
    oakvale: Oakvale, change: dict[str, str], asking: AskingPrice, words: str
) -> None:
    """Rule 5.8."""
    name = await publish(oakvale, price=PRICE | change)
    assert (await anas(oakvale))[0].listing.content.price == asking
    assert words in words_of(await text(oakvale.bens, f"/l/{name}"))


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"price": ""}, "Please say how much."),
        ({"price": "1.30"}, "Do you mean 1 h 30 or 1 h 18?"),
        ({"category": ""}, "Please choose a category."),
        ({"category": "nonsense"}, "Please choose one of the answers."),
        ({"price_kind": ""}, "Please choose how it is priced."),
        ({"extra": "x" * 61}, "This is too long."),
    ],
)
async def test_slips_in_the_price_step_are_named(
    oakvale: Oakvale, change: dict[str, str], sentence: str
) -> None:
    page = await preview(oakvale, price=PRICE | change)
    assert sentence in words_of(page)
    assert 'value="Sourdough bread"' in page, "what was typed before is kept"


async def test_slips_in_the_first_step_are_named(oakvale: Oakvale) -> None:
    first = await text(oakvale.browser, "/post")
    page = await step(oakvale.browser, first, "/post", **(WHAT | {"title": " "}))
    assert "Please say in a few words what it is." in words_of(page)
    assert "Baked on Fridays." in page


async def test_a_title_of_many_bytes_is_refused_in_words(oakvale: Oakvale) -> None:
    """80 letters of some scripts take more bytes than a listing may have."""
    page = await preview(oakvale, what=WHAT | {"title": "\N{BREAD}" * 79})
    assert "This is too long." in words_of(page)


async def test_change_something_keeps_everything(oakvale: Oakvale) -> None:
    third = await preview(oakvale)
    first = await step(oakvale.browser, third, "/post/change")
    assert 'value="Sourdough bread"' in first
    second = await step(oakvale.browser, first, "/post", **(WHAT | {"title": "Rye bread"}))
    assert 'value="0:20"' in second
    shown = words_of(await step(oakvale.browser, second, "/post/price", **PRICE))
    assert "Rye bread" in shown


async def test_editing_changes_the_same_listing(oakvale: Oakvale) -> None:
    name = await publish(oakvale)
    first = await text(oakvale.browser, f"/post?listing={name}")
    assert 'value="Sourdough bread"' in first
    second = await step(oakvale.browser, first, "/post", **(WHAT | {"title": "Rye bread"}))
    third = await step(oakvale.browser, second, "/post/price", **(PRICE | {"price": "0:30", "share": ""}))
    await oakvale.browser.post("/post/publish", data=fields_of(third))
    (owned,) = await anas(oakvale)
    assert owned.listing.content.title == "Rye bread"
    assert owned.listing.content.price.amount == 30
    assert not owned.listing.shared
    await text(oakvale.town.browser(), f"/l/{name}", 404)


async def test_hiding_showing_keeping_and_withdrawing(oakvale: Oakvale) -> None:
    name = await publish(oakvale)

    async def act(what: str) -> None:
        page = await text(oakvale.browser, "/my/listings")
        answer = await oakvale.browser.post(
            f"/l/{name}/{what}", data={"form_token": form_token_of(page)}, allow_redirects=False
        )
        assert answer.status == 303

    await act("hide")
    await text(oakvale.bens, f"/l/{name}", 404)
    assert "Hidden" in words_of(await text(oakvale.browser, "/my/listings"))
    await act("hide")  # pressed on an old page
    await act("show")
    await text(oakvale.bens, f"/l/{name}")
    before = (await anas(oakvale))[0].listing.expires
    await oakvale.later(100 * DAY_MS)
    await act("keep")
    assert (await anas(oakvale))[0].listing.expires > before
    await act("withdraw")
    assert await anas(oakvale) == []
    await text(oakvale.browser, f"/l/{name}", 404)
    await text(oakvale.bens, f"/l/{name}", 404)


@pytest.mark.parametrize("what", ["hide", "show", "keep", "withdraw"])
async def test_nobody_touches_anothers_listing(oakvale: Oakvale, what: str) -> None:
    """Forced browsing: the same words as for a listing that does not exist, and nothing changes."""
    name = await publish(oakvale)
    before = await oakvale.town.everything()
    token = form_token_of(await text(oakvale.bens, "/my/settings"))
    answer = await oakvale.bens.post(f"/l/{name}/{what}", data={"form_token": token}, allow_redirects=False)
    assert answer.status == 404
    assert await oakvale.town.everything() == before


async def test_nobody_edits_anothers_listing_or_reads_a_hidden_one(oakvale: Oakvale) -> None:
    name = await publish(oakvale)
    await text(oakvale.bens, f"/post?listing={name}", 404)
    page = await text(oakvale.bens, "/post")
    fields = fields_of(page) | WHAT | PRICE | {"listing": name, "title": "Stolen", "once": "A" * 22}
    answer = await oakvale.bens.post("/post/publish", data=fields, allow_redirects=False)
    assert answer.status == 404
    assert (await anas(oakvale))[0].listing.content.title == "Sourdough bread"
    await oakvale.town.node.market.hide((await anas(oakvale))[0].listing.key)
    await text(oakvale.bens, f"/l/{name}", 404)
    await text(oakvale.bens, f"/record/what?listing={name}", 404)


@pytest.mark.parametrize("name", ["x", "AAAA", "A" * 22, "A" * 64, "%00", "é"])
async def test_names_of_no_listing_lead_nowhere(oakvale: Oakvale, name: str) -> None:
    await text(oakvale.browser, f"/l/{name}", 404)


# --- Finding ------------------------------------------------------------------------------------------------------


async def test_words_kind_and_category_narrow_what_is_found(oakvale: Oakvale) -> None:
    """pages.md 8.3."""
    await publish(oakvale)
    await publish(
        oakvale, WHAT | {"kind": "want", "title": "A ladder to borrow"}, PRICE | {"category": "borrow-tools"}
    )
    for query, bread, ladder in [
        ("", True, True), ("?q=bread", True, False), ("?q=LADD", False, True), ("?kind=want", False, True),
        ("?category=food", True, False), ("?q=bread&kind=want", False, False), ("?category=nonsense", True, True),
    ]:  # fmt: skip
        page = words_of(await text(oakvale.bens, f"/find{query}"))
        assert ("Sourdough bread" in page, "A ladder to borrow" in page) == (bread, ladder), query
    empty = words_of(await text(oakvale.bens, "/find?q=submarine"))
    assert "Nothing for “submarine”" in empty
    assert "Write a want" in empty


async def test_where_little_is_found_other_words_are_named(oakvale: Oakvale) -> None:
    """pages.md 7.2: somebody wrote the same slip, and others wrote it right; filters stay."""
    await publish(oakvale, WHAT | {"title": "Bicylce for hire"})
    for number in range(7):
        await publish(oakvale, WHAT | {"title": f"Bicycle number {number}"})
    page = await text(oakvale.bens, "/find?q=bicylce&kind=offer")
    assert "1 offer or want for “bicylce”" in words_of(page)
    assert "Or look for “bicycle”?" in words_of(page)
    assert "/find?q=bicycle&amp;kind=offer" in page
    assert "7 offers and wants" in words_of(await text(oakvale.bens, "/find?q=bicycle&kind=offer"))
    assert "Or look for" not in words_of(await text(oakvale.bens, "/find?q=bicycle"))
    assert "7 offers and wants come near it" in words_of(await text(oakvale.bens, "/find?q=bycicle"))


async def test_twenty_a_page(oakvale: Oakvale) -> None:
    await publish(oakvale)
    content = (await anas(oakvale))[0].listing.content
    for _ in range(24):
        await oakvale.town.node.market.post(oakvale.ana.no, content)
    first = await text(oakvale.bens, "/find?q=bread")
    assert "1 to 20 of 25" in words_of(first)
    assert "/find?q=bread&amp;page=2" in first
    assert "21 to 25 of 25" in words_of(await text(oakvale.bens, "/find?q=bread&page=2"))


async def test_a_listing_is_recorded_with_its_words_and_price(oakvale: Oakvale) -> None:
    """pages.md 10 (3.3.7): what was agreed is filled in."""
    name = await publish(oakvale)
    page = await text(oakvale.bens, f"/record/what?listing={name}")
    assert 'value="Sourdough bread"' in page
    assert 'value="0:20"' in page
    check = await step(oakvale.bens, page, "/record/what", what="Sourdough bread", amount="0:20")
    answer = await oakvale.bens.post("/record/do", data=fields_of(check), allow_redirects=False)
    assert answer.headers["Location"].endswith("/check")
    trade = (await oakvale.trades())[0]
    assert trade.listing == (await anas(oakvale))[0].listing.key
    assert (trade.payee_no, trade.amount) == (oakvale.ana.account_no, 20)


async def test_wants_are_not_paid_from_their_page(oakvale: Oakvale) -> None:
    """Who wants something pays for it."""
    name = await publish(oakvale, WHAT | {"kind": "want"})
    assert "Pay for this" not in words_of(await text(oakvale.bens, f"/l/{name}"))


async def test_visitors_see_no_names(oakvale: Oakvale) -> None:
    name = await publish(oakvale)
    page = words_of(await text(oakvale.town.browser(), f"/l/{name}"))
    assert "Sourdough bread" in page
    assert re.search(r"\bAna\b", page) is None


async def test_home_and_people_show_what_is_new(oakvale: Oakvale) -> None:
    await publish(oakvale)
    assert "Sourdough bread" in words_of(await text(oakvale.bens, "/home"))
    assert "Sourdough bread" not in words_of(await text(oakvale.browser, "/home")), "one's own is not new"
    assert "Sourdough bread" in words_of(await text(oakvale.bens, f"/people/{oakvale.ana.number}"))


async def test_home_reminds_before_a_listing_ends(oakvale: Oakvale) -> None:
    """pages.md 8.2: we remind you before."""
    name = await publish(oakvale)
    await oakvale.later(175 * DAY_MS)
    page = await text(oakvale.browser, "/home")
    assert "Expires in 8 days" in words_of(page)
    assert f'href="/l/{name}"' in page
    assert "Keep for 6 months" in words_of(await text(oakvale.browser, "/my/listings"))


async def test_a_listing_taken_down_says_why_to_its_owner_only(oakvale: Oakvale) -> None:
    """pages.md 4: removed by organiser (reason)."""
    name = await publish(oakvale)
    await oakvale.town.node.market.remove((await anas(oakvale))[0].listing.key, "It names a neighbour.")
    assert "It names a neighbour." in words_of(await text(oakvale.browser, f"/l/{name}"))
    await text(oakvale.bens, f"/l/{name}", 404)


async def test_no_listing_page_shows_a_word_of_machinery(oakvale: Oakvale) -> None:
    """pages.md 3, 13.8."""
    name = await publish(oakvale)
    for browser, path in [
        (oakvale.browser, f"/l/{name}"), (oakvale.bens, f"/l/{name}"), (oakvale.browser, "/my/listings"),
        (oakvale.browser, "/post"), (oakvale.browser, f"/post?listing={name}"), (oakvale.bens, "/find"),
        (oakvale.bens, "/find?q=zz"),
    ]:  # fmt: skip
        assert [line for line in Seen(await text(browser, path)).text if FORBIDDEN.search(line)] == []
    assert listing_id((await anas(oakvale))[0].listing.key) == name
