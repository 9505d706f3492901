"""Organisers decline, stop, trade again, end and settle on their pages, and set a ceiling over all. Source: docs/pages.md 8.12."""

from __future__ import annotations

import pytest

from node.services.acts import Deed, newest_acts
from node.services.line_rows import CLOSED, OPEN, STOPPED
from node.services.neighbours import CHANGED
from node.web import context as context_module
from protocol.units import HOUR
from tests.node.web.test_neighbours_pages import Desks, at_the_desks
from tests.node.web.test_words import shouting
from tests.node.web.virtual_browser import Answer, VirtualBrowser


async def press(desks: Desks, browser: VirtualBrowser, name: str, what: str, **fields: str) -> Answer:
    """Press a button of a neighbour's page, as it is now."""
    page = await browser.get(desks.here(name))
    return await browser.post(desks.here(name, what), **{**page.fields, **fields})


async def until_words(desks: Desks, browser: VirtualBrowser, name: str, words: str) -> Answer:
    async def there() -> bool:
        return words in (await browser.get(desks.here(name))).words

    await desks.town.until(there, 120, words)
    return await browser.get(desks.here(name))


def test_a_question_is_declined_and_its_asker_reads_so() -> None:
    async def act(desks: Desks) -> None:
        await desks.ask()
        question = await desks.asked()
        assert "Decline: no trade with Oakvale" in question.words
        declined = await press(desks, desks.karim, "Oakvale", "/decline")
        assert "Declined. They are told; nothing was promised." in declined.words
        assert "Declined by us" in declined.words
        told = await until_words(desks, desks.rosa, "Riverside", "They declined")
        assert "Change the limits" not in told.words
        assert "They declined" in (await desks.rosa.get("/admin/neighbours")).words
        # Whoever was declined takes nobody's place, and may ask again.
        again = await desks.ask()
        assert "Asked. Trade begins when their organiser agrees." in again.words
        await until_words(desks, desks.karim, "Oakvale", "Oakvale asks to trade with us")
        await desks.agree()

    at_the_desks(act)


def test_a_question_is_taken_back() -> None:
    async def act(desks: Desks) -> None:
        await desks.ask()
        await desks.asked()
        back = await press(desks, desks.rosa, "Riverside", "/take-back")
        assert "Taken back." in back.words
        gone = await until_words(desks, desks.karim, "Oakvale", "Taken back")
        assert "Agree to trade" not in gone.words
        assert (await desks.karim.get("/admin")).words.count("asks to trade with us") == 0

    at_the_desks(act)


def test_stopping_says_zero_and_trading_again_needs_one_side_only() -> None:
    async def act(desks: Desks) -> None:
        await desks.ask()
        await desks.agree()
        page = await desks.rosa.get(desks.here("Riverside"))
        assert "Both limits count as zero, and they are told so." in page.words
        stopped = await press(desks, desks.rosa, "Riverside", "/stop")
        assert "Stopped. Nothing new begins; what is under way is finished." in stopped.words
        assert "Stopped by us" in stopped.words
        assert "You stopped trading with Riverside" in stopped.words
        (line,) = await desks.lines()
        assert line.status == STOPPED
        assert desks.town["Riverside"].scheme not in desks.town["Oakvale"].node.routes.neighbours
        told = await until_words(desks, desks.karim, "Oakvale", "One way only: they buy from us")
        assert "We may owe 0 Acorns" in told.words

        again = await press(desks, desks.rosa, "Riverside", "/start", they_may_owe="20", we_may_owe="10")
        assert "Agreed." in again.words
        (line,) = await desks.lines()
        assert (line.status, line.own_ceiling) == (OPEN, 10 * HOUR)
        await until_words(desks, desks.karim, "Oakvale", "We may owe 240 Acorns")
        acts = await desks.town["Oakvale"].node.store.read(newest_acts)
        assert [each.detail.rpartition(": ")[2] for each in acts if each.deed is Deed.NEIGHBOUR] == [
            "trading again", "stopped",
        ]  # fmt: skip

    at_the_desks(act)


def test_what_a_line_does_not_allow_is_said_in_the_readers_language(monkeypatch: pytest.MonkeyPatch) -> None:
    """pages.md 12: the sentences of services are translated where they are shown."""

    async def act(desks: Desks) -> None:
        await desks.ask()
        await desks.agree()
        await press(desks, desks.rosa, "Riverside", "/stop")
        monkeypatch.setattr(context_module, "words_for", lambda *_: shouting())
        again = await press(desks, desks.rosa, "Riverside", "/stop")
        assert CHANGED.upper() in again.words
        assert CHANGED not in again.words

    at_the_desks(act)


def test_the_page_says_when_both_books_last_agreed() -> None:
    """Rule 6.3 (MARK): on what, from our own side of it."""

    async def act(desks: Desks) -> None:
        await desks.ask()
        await desks.agree()
        assert "Both books last agreed" not in (await desks.rosa.get(desks.here("Riverside"))).words
        for name in ("Oakvale", "Riverside"):
            await desks.town[name].node.marks.write()
        for browser, name in ((desks.rosa, "Riverside"), (desks.karim, "Oakvale")):
            page = await until_words(desks, browser, name, "Both books last agreed")
            assert ": nobody owed anything" in page.words

    at_the_desks(act)


def test_trade_that_ended_is_over_on_both_sides() -> None:
    async def act(desks: Desks) -> None:
        await desks.ask()
        await desks.agree()
        ended = await press(desks, desks.karim, "Oakvale", "/end")
        assert "Ended. What is under way is finished; what is owed stays on the books." in ended.words
        for browser, name in ((desks.rosa, "Riverside"), (desks.karim, "Oakvale")):
            page = await until_words(desks, browser, name, "Either side may ask again.")
            for gone in ("Change the limits", "Stop trading", "End trade"):
                assert gone not in page.words, gone
        assert [line.status for line in await desks.lines()] == [CLOSED]
        await desks.ask()
        await until_words(desks, desks.karim, "Oakvale", "Oakvale asks to trade with us")
        await desks.agree()

    at_the_desks(act)


@pytest.mark.parametrize("what", ["/decline", "/take-back", "/start", "/settle"])
def test_a_button_of_yesterdays_page_does_nothing(what: str) -> None:
    """The page is shown as it stands now, with the reason above it."""

    async def act(desks: Desks) -> None:
        await desks.ask()
        await desks.agree()
        before = await desks.lines()
        answer = await press(
            desks, desks.rosa, "Riverside", what, they_may_owe="1", we_may_owe="1", settled="1", owed="0"
        )
        assert answer.status == 422
        assert "Please look at this again" in answer.words
        assert [(line.status, line.state.mine) for line in await desks.lines()] == [
            (line.status, line.state.mine) for line in before
        ]

    at_the_desks(act)


def test_nothing_can_be_ended_with_somebody_unknown() -> None:
    async def act(desks: Desks) -> None:
        form = await desks.rosa.get("/admin/neighbours/add")
        for what in ("/decline", "/take-back", "/stop", "/start", "/end", "/settle"):
            answer = await desks.rosa.post(
                desks.here("Riverside", what),
                **form.fields,
                they_may_owe="1",
                we_may_owe="1",
                settled="1",
                owed="0",
            )
            assert answer.status == 404, what

    at_the_desks(act)


def test_what_all_neighbours_together_may_be_owed() -> None:
    """Rule 6.4, in our own unit; left empty there is no ceiling."""

    async def act(desks: Desks) -> None:
        page = await desks.rosa.get("/admin/neighbours")
        assert "Now we owe 0 hours in all, with what is under way." in page.words
        settings = desks.town["Oakvale"].node.settings
        for typed, stored in (("80", 80 * HOUR), ("0", 0), ("", None)):
            saved = await desks.rosa.post("/admin/neighbours/ceiling", **page.fields, we_may_owe=typed)
            assert "Saved." in saved.words
            assert settings.now.owed_ceiling == stored
        wrong = await desks.rosa.post("/admin/neighbours/ceiling", **page.fields, we_may_owe="much")
        assert wrong.status == 422
        assert "Please write a time" in wrong.words
        assert 'value="much"' in wrong.page

    at_the_desks(act)
