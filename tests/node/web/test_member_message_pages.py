"""Writing to people here and in other schemes, through the pages. docs/pages.md 7.2, 8.4."""

from __future__ import annotations

import pytest

from tests.node.web.oakvale import Oakvale, fields_of, text, words_of
from tests.node.web.test_member_pay_pages import Market, on_market_day
from tests.node.web.test_pages import FORBIDDEN, Seen
from tests.node.web.towns import Browser, form_token_of


async def write(browser: Browser, path: str, words: str) -> str:
    """Send a message from a page; return the page that follows."""
    page = await text(browser, path)
    answer = await browser.post(path, data={**fields_of(page), "text": words})
    return await answer.text()


async def first(oakvale: Oakvale, words: str = "Is the ladder free?") -> str:
    """Let Ana write to Ben; return her conversation's address."""
    page = await text(oakvale.browser, f"/messages/new?to={oakvale.ben.number}")
    answer = await oakvale.browser.post(
        f"/messages/new?to={oakvale.ben.number}",
        data={**fields_of(page), "text": words},
        allow_redirects=False,
    )
    assert answer.status == 303, await answer.text()
    return answer.headers["Location"].partition("?")[0]


async def test_a_message_arrives_and_is_answered(oakvale: Oakvale) -> None:
    mine = await first(oakvale)
    assert "Is the ladder free?" in words_of(await text(oakvale.browser, mine))
    home = words_of(await text(oakvale.bens, "/home"))
    assert "1 new" in home
    listed = await text(oakvale.bens, "/messages")
    assert "Ana" in words_of(listed)
    theirs = next(
        part.partition('"')[0] for part in listed.split('href="')[1:] if part.startswith("/messages/")
    )
    read = words_of(await text(oakvale.bens, theirs))
    assert "Is the ladder free?" in read
    assert "1 new" not in read, "what is being read is not new any more"
    assert "1 new" not in words_of(await text(oakvale.bens, "/home")), "read"
    assert "It is!" in words_of(await write(oakvale.bens, theirs, "It is!"))
    assert "It is!" in words_of(await text(oakvale.browser, mine))


async def test_a_first_message_has_sentences_to_begin_with(oakvale: Oakvale) -> None:
    """docs/pages.md 8.4."""
    page = words_of(await text(oakvale.browser, f"/messages/new?to={oakvale.ben.number}"))
    assert "A sentence to begin with" in page
    chosen = await text(oakvale.browser, f"/messages/new?to={oakvale.ben.number}&s=2")
    assert "When would suit you?</textarea>" in chosen


async def test_pressed_twice_is_sent_once(oakvale: Oakvale) -> None:
    mine = await first(oakvale)
    assert await first(oakvale) == mine
    await write(oakvale.browser, mine, "And on Sunday?")
    shown = words_of(await write(oakvale.browser, mine, "And on Sunday?"))
    assert shown.count("And on Sunday?") == 1


@pytest.mark.parametrize(
    "words, sentence", [(" ", "Please write your message."), ("x" * 2001, "This is too long.")]
)
async def test_nothing_empty_and_nothing_endless_is_sent(oakvale: Oakvale, words: str, sentence: str) -> None:
    page = await write(oakvale.browser, f"/messages/new?to={oakvale.ben.number}", words)
    assert sentence in words_of(page)
    assert "Nobody has written yet." in words_of(await text(oakvale.bens, "/messages"))


async def test_nobody_reads_anothers_conversation(oakvale: Oakvale) -> None:
    """Forced browsing, for reading and for writing; also for organisers."""
    mine = await first(oakvale)
    for who in (oakvale.maud, oakvale.rosa):
        browser = await oakvale.town.browser_of(who)
        await text(browser, mine, 404)
        token = form_token_of(await text(browser, "/my/settings"))
        answer = await browser.post(mine, data={"form_token": token, "text": "I read this"})
        assert answer.status == 404
    await text(oakvale.bens, mine, 404)  # his side has its own number


@pytest.mark.parametrize("query", ["", "?to=9999", "?to=x", "?to=1", "?listing=x", "?listing=" + "A" * 22])
async def test_there_must_be_somebody_else_to_write_to(oakvale: Oakvale, query: str) -> None:
    await text(oakvale.browser, f"/messages/new{query}", 404)


async def test_what_people_write_is_only_text(oakvale: Oakvale) -> None:
    await first(oakvale, "<script>alert(1)</script>")
    page = await text(oakvale.bens, "/messages")
    assert "<script>alert" not in page


async def test_no_message_page_shows_a_word_of_machinery(oakvale: Oakvale) -> None:
    """docs/pages.md 3, 13.8."""
    mine = await first(oakvale)
    for path in ("/messages", mine, f"/messages/new?to={oakvale.ben.number}"):
        assert [line for line in Seen(await text(oakvale.browser, path)).text if FORBIDDEN.search(line)] == []


def test_a_letter_about_the_jam_reaches_karim_and_his_answer_ana() -> None:
    """docs/pages.md 8.11.3: carried between the schemes."""

    async def act(market: Market) -> None:
        shown = await market.listing()
        assert "Message Karim" in shown.words
        address = next(link for link in shown.links if link.startswith("/messages/new"))
        page = await market.browser.get(address)
        sent = await market.browser.post(address, **page.fields, text="Is the jam still there?")
        assert "on its way" in sent.words

        async def arrived() -> bool:
            return "1 new" in (await market.karims.get("/messages")).words

        await market.town.until(arrived, 600, "the letter")
        listed = await market.karims.get("/messages")
        theirs = next(link for link in listed.links if link.startswith("/messages/"))
        read = await market.karims.get(theirs)
        assert "Is the jam still there?" in read.words
        assert "Ana" in read.words
        assert "Silva" not in read.words, "neighbours see the public name"
        assert "Oakvale" in read.words
        assert "Plum jam, 4 jars" in read.words
        await market.karims.post(theirs, **read.fields, text="It is!")
        mine = sent.location.partition("?")[0]

        async def answered() -> bool:
            return "It is!" in (await market.browser.get(mine)).words

        await market.town.until(answered, 600, "the answer")
        assert "delivered" in (await market.browser.get(mine)).words

    on_market_day(act)
