"""The pages of the token desk: what is typed, receipts, the cash book, and who is kept out. Source: docs/pages.md 7.6; rule 3.9."""

from __future__ import annotations

import csv
import io

import pytest

from node.services.token_rows import all_done, box_now
from protocol.tokens import Box
from tests.node.web.oakvale import Oakvale, fields_of, text, words_of
from tests.node.web.test_afterwards_pages import sent
from tests.node.web.towns import Browser, form_token_of

ACTS = ("sell", "back", "buy", "draw", "put-in", "take-out", "close")


async def rosas(oakvale: Oakvale) -> Browser:
    """Return Rosa's browser, with tokens set up: an hour each, sold for five."""
    browser = await oakvale.town.browser_of(oakvale.rosa)
    assert "First say" not in await text(browser, "/desk/tokens")
    assert (await sent(browser, "/desk/tokens/terms", worth="1", price="5", currency="€"))[0] == 303
    return browser


async def act(browser: Browser, which: str, status: int = 303, **fields: str) -> str:
    """Do one thing at the desk with a fresh form; return the address of the receipt, or the page."""
    page = await text(browser, "/desk/tokens")
    once = page.split(f'action="/desk/tokens/{which}"')[1].split('name="once" value="')[1].split('"')[0]
    data = {"form_token": form_token_of(page), "once": once, **fields}
    answer = await browser.post(f"/desk/tokens/{which}", data=data, allow_redirects=False)
    body = await answer.text()
    assert answer.status == status, body
    if status != 303:
        return words_of(body)
    again = await browser.post(f"/desk/tokens/{which}", data=data, allow_redirects=False)
    assert again.headers["Location"] == answer.headers["Location"], "sent twice, done once"
    return answer.headers["Location"].split("?")[0]


async def box(oakvale: Oakvale) -> Box:
    return await oakvale.town.node.store.read(box_now)


async def test_a_day_at_the_desk(oakvale: Oakvale) -> None:
    browser = await rosas(oakvale)
    await act(browser, "put-in", money="20", text="Change")
    receipt = await act(browser, "sell", count="4", who="Mrs Ellis")
    page = words_of(await text(browser, receipt))
    for said in (
        "Receipt 00002",
        "4 tokens sold",
        "Mrs Ellis",
        "+20.00 €",
        "4 hours",
        "Money in the box afterwards 40.00 €",
    ):
        assert said in page
    receipt = await act(browser, "back", count="3", number=oakvale.ben.number)
    page = words_of(await text(browser, receipt))
    assert "3 tokens handed in, to an account" in page
    assert "Ben (0002)" in page
    assert await oakvale.balance(oakvale.ben) == 180
    assert "Handed in at the desk: 3 tokens" in await text(oakvale.bens, "/statement")
    await act(browser, "draw", count="1", number=oakvale.ana.number)
    await act(browser, "buy", count="1", who="")
    await act(browser, "take-out", money="15", text="Bank")
    assert await box(oakvale) == Box(tokens=1, money=2_000)
    assert "please say what you know" in (await act(browser, "close", 422, money="19.50")).lower()
    await act(browser, "close", money="19.50", text="A coin fell down")
    page = words_of(await text(browser, "/desk/tokens"))
    assert "1 token, worth 1 hour" in page
    assert "19.50 €" in page
    assert "−0.50 €" in page
    book = words_of(await text(browser, "/desk/tokens/book"))
    assert "A coin fell down" in book
    answer = await browser.get("/desk/tokens/book.csv")
    rows = list(csv.DictReader(io.StringIO((await answer.text()).removeprefix("\ufeff"))))
    assert [row["receipt"] for row in rows] == [f"{no:05}" for no in range(1, 8)]
    assert sum(float(row["money"]) for row in rows) == 19.5
    assert [row["tokens"] for row in rows] == ["0", "4", "-3", "1", "-1", "0", "0"]
    assert rows[-1]["money_after"] == "19.50"


async def test_a_mistake_is_put_right_by_its_opposite(oakvale: Oakvale) -> None:
    browser = await rosas(oakvale)
    await act(browser, "sell", count="2", who="")
    receipt = await act(browser, "back", count="2", number=oakvale.ben.number)
    assert (await sent(browser, f"{receipt}/correct", reason=""))[0] == 422
    assert (await sent(browser, f"{receipt}/correct", reason="Another Ben"))[0] == 303
    assert await oakvale.balance(oakvale.ben) == 0
    page = await text(browser, receipt)
    assert "Put right by receipt 00003" in words_of(page)
    assert "/correct" not in page
    status, page = await sent(browser, f"{receipt}/correct", reason="Again")
    assert (status, "This was put right already." in page) == (422, True)
    assert "Opposite of receipt 00002" in words_of(await text(browser, "/desk/tokens/3"))
    assert await box(oakvale) == Box(tokens=2, money=1_000)


@pytest.mark.parametrize(
    "which, fields, said",
    [
        ("sell", {"count": ""}, "Please fill this in."),
        ("sell", {"count": "many"}, "This cannot be read. Please write it again."),
        ("sell", {"count": "0"}, "At most 500 at a time."),
        ("back", {"count": "1", "number": "0002"}, "That is more than were ever handed out."),
        ("draw", {"count": "1", "number": "0099"}, "There is no member with this number."),
        ("draw", {"count": "1", "number": "0004"}, "Another organiser does it."),
        ("put-in", {"money": "a lot", "text": "x"}, "Please write a number, for example 6 or 2.50."),
        ("take-out", {"money": "1", "text": "x"}, "There is not so much money in the box."),
    ],
)
async def test_what_cannot_be_is_said(
    oakvale: Oakvale, which: str, fields: dict[str, str], said: str
) -> None:
    browser = await rosas(oakvale)
    assert said in await act(browser, which, 422, **fields)
    assert await oakvale.town.node.store.read(all_done) == []


async def test_what_a_token_is_has_to_be_readable(oakvale: Oakvale) -> None:
    browser = await oakvale.town.browser_of(oakvale.rosa)
    right = {"worth": "1", "price": "5", "currency": "€"}
    for wrong in (
        {"worth": "0"},
        {"worth": "x"},
        {"price": "-5"},
        {"currency": ""},
        {"currency": "Pounds sterling"},
    ):
        assert (await sent(browser, "/desk/tokens/terms", **{**right, **wrong}))[0] == 422
    assert (await sent(browser, "/desk/tokens/terms", **{**right, "price": "0"}))[0] == 303
    await act(browser, "sell", count="1", who="")
    status, page = await sent(browser, "/desk/tokens/terms", **{**right, "worth": "2"})
    assert (status, "what they are worth stays as it is" in page) == (422, True)


async def test_the_desk_is_for_organisers(oakvale: Oakvale) -> None:
    browser = await rosas(oakvale)
    receipt = await act(browser, "sell", count="4", who="Mrs Ellis")
    before = await oakvale.town.everything()
    for path in ("/desk/tokens", "/desk/tokens/book", "/desk/tokens/book.csv", receipt, f"{receipt}/pdf"):
        assert "Mrs Ellis" not in await text(oakvale.browser, path, 403)
    once = fields_of(await text(browser, "/desk/tokens"))["once"]
    for which in ACTS:
        status, _ = await sent(
            oakvale.browser, f"/desk/tokens/{which}", once=once, count="1", number="0002", money="1", text="x"
        )
        assert status == 403
    assert (await sent(oakvale.browser, f"{receipt}/correct", reason="x"))[0] == 403
    assert (await sent(oakvale.browser, "/desk/tokens/terms", worth="2", price="5", currency="€"))[0] == 403
    after = await oakvale.town.everything()
    assert (before["token_act"], before["entry"]) == (after["token_act"], after["entry"])
    for path in (
        "/desk/tokens/99",
        "/desk/tokens/x",
        "/desk/tokens/book?month=x",
        "/desk/tokens/book?month=0001-01",
    ):
        await text(browser, path, 404)


async def test_the_book_of_another_month(oakvale: Oakvale) -> None:
    browser = await rosas(oakvale)
    await act(browser, "sell", count="1", who="Old friend")
    assert "Nothing was done in this month." in words_of(
        await text(browser, "/desk/tokens/book?month=2020-02")
    )
    page = await text(browser, "/desk/tokens/book")
    assert "Old friend" in page
    assert "/desk/tokens/book.csv?month=" in page
