"""Loans on their pages: offered on a check page, answered by the other, paid back early, forgiven. Rule 3.7; docs/pages.md 0.10, 6.5."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from node.services.acts import OPERATOR
from protocol.limits import DAY_MS, LOAN_OFFER_VALID_MS
from tests.node.web.oakvale import Oakvale, fields_of, open_oakvale, text, words_of
from tests.node.web.test_standing_pages import sent
from tests.node.web.towns import Browser, form_token_of

SCRIPT = "<script>alert(1)</script>"
TYPED = {"what": "Until the harvest", "amount": "4", "part": "1:30", "every": "month", "first": "2026-02-01"}


@pytest.fixture
async def oakvale() -> AsyncIterator[Oakvale]:
    async with open_oakvale() as made:
        yield made


async def check(oakvale: Oakvale, **typed: str) -> tuple[int, str]:
    """Fill in what Ana lends Ben; return status and the page that follows."""
    page = await text(oakvale.browser, f"/my/loans/what?who={oakvale.ben.number}")
    status, _, checked = await sent(
        oakvale.browser, "/my/loans/what", **{**fields_of(page), **TYPED, **typed}
    )
    return status, checked


async def offered(oakvale: Oakvale, **typed: str) -> str:
    """Let Ana offer a loan; return its address."""
    _, page = await check(oakvale, **typed)
    status, where, _ = await sent(oakvale.browser, "/my/loans/do", **fields_of(page))
    assert status == 303, words_of(page)
    return where


async def press(browser: Browser, where: str, word: str, **fields: str) -> tuple[int, str, str]:
    """Press a button of a loan's page, also one it has no more."""
    token = form_token_of(await text(browser, "/my"))
    return await sent(browser, f"{where}/{word}", form_token=token, **fields)


async def lent(oakvale: Oakvale) -> str:
    where = await offered(oakvale)
    assert (await press(oakvale.bens, where, "yes"))[:2] == (303, where)
    return where


async def test_ana_lends_ben_four_hours_and_gets_them_back(oakvale: Oakvale) -> None:
    assert "/my/loans" in await text(oakvale.browser, "/my")
    assert "You have lent nothing." in words_of(await text(oakvale.browser, "/my/loans"))
    assert f"/my/loans/what?who={oakvale.ben.number}" in await text(oakvale.browser, "/my/loans/new?q=ben")
    status, page = await check(oakvale)
    shown = words_of(page)
    assert status == 200
    assert "To Ben You lend 4 hours Comes back 1 hour 30 minutes, every month The last time 1 hour" in shown
    assert (
        "You have 0 hours now and are 4 hours behind afterwards. Nothing moves before Ben says yes too."
        in shown
    )
    where = await offered(oakvale)
    assert "Waiting for Ben to say yes. Nothing has moved." in words_of(await text(oakvale.browser, where))
    assert "Ana offers to lend you 4 hours Until the harvest Say yes or no" in words_of(
        await text(oakvale.bens, "/home")
    )
    theirs = words_of(await text(oakvale.bens, where))
    assert "Ana lends you 4 hours Please say yes or no." in theirs
    assert "You have 0 hours now, 4 hours afterwards. Nothing has moved yet." in theirs

    assert (await press(oakvale.bens, where, "yes"))[:2] == (303, where)

    assert (await oakvale.balance(oakvale.ana), await oakvale.balance(oakvale.ben)) == (-240, 240)
    assert "Say yes or no" not in words_of(await text(oakvale.bens, "/home"))
    assert "Left: 4 hours. The next part goes back on Sunday 1 February 2026." in words_of(
        await text(oakvale.bens, where)
    )
    await oakvale.later(31 * DAY_MS)
    await oakvale.town.node.standing.look()
    for browser, word in ((oakvale.browser, "comes"), (oakvale.bens, "goes")):
        page = words_of(await text(browser, where))
        assert "Paid back 1 hour 30 minutes Left 2 hours 30 minutes" in page
        assert f"The next part {word} back on Sunday 1 March 2026." in page
    order = words_of(await text(oakvale.bens, "/my/standing/1"))
    assert "This pays back a loan." in order
    assert "All together" not in order
    assert where in await text(oakvale.bens, "/my/standing/1")


async def test_ben_pays_some_back_early_on_a_check_page(oakvale: Oakvale) -> None:
    where = await lent(oakvale)
    status, _, page = await press(oakvale.bens, where, "repay", amount="2:30")
    assert status == 200
    assert "You have 4 hours now, 1 hour 30 minutes afterwards." in words_of(page)
    assert await oakvale.balance(oakvale.ben) == 240
    fields = fields_of(page)
    answers = await asyncio.gather(*[sent(oakvale.bens, f"{where}/repay/do", **fields) for _ in range(3)])
    assert {answer[0] for answer in answers} == {303}
    assert await oakvale.balance(oakvale.ben) == 90
    page = await text(oakvale.bens, where)
    assert "Left: 1 hour 30 minutes." in words_of(page)
    (trade,) = re.findall(r'href="(/t/[^"]+)"', page)
    assert "You got 2 hours 30 minutes." in words_of(await text(oakvale.browser, trade))
    for typed, sentence in (
        ("", "Please say how much."),
        ("2", "That is more than is left: 1 hour 30 minutes."),
        ("x", "Please write a time"),
    ):
        status, _, page = await press(oakvale.bens, where, "repay", amount=typed)
        assert (status, sentence in words_of(page)) == (422, True), typed


async def test_ana_forgives_the_rest(oakvale: Oakvale) -> None:
    where = await lent(oakvale)
    assert "Yes, forgive 4 hours" in words_of(await text(oakvale.browser, where))
    assert "forgive" not in words_of(await text(oakvale.bens, where))
    assert (await press(oakvale.browser, where, "forgive"))[:2] == (303, where)
    assert "Ana forgave the rest." in words_of(await text(oakvale.bens, where))
    assert "It has ended: nothing is left to pay back." in words_of(
        await text(oakvale.bens, "/my/standing/1")
    )
    page = (await press(oakvale.bens, where, "repay", amount="1"))[2]
    assert "This was answered, taken back, or ran out." in words_of(page)
    assert await oakvale.balance(oakvale.ben) == 240


async def test_ben_says_no_and_ana_takes_back(oakvale: Oakvale) -> None:
    where = await offered(oakvale)
    assert (await press(oakvale.bens, where, "no"))[:2] == (303, where)
    assert "Ben said no. Nothing moved." in words_of(await text(oakvale.browser, where))
    where = await offered(oakvale)
    assert (await press(oakvale.browser, where, "withdraw"))[:2] == (303, where)
    assert "Ana took it back. Nothing moved." in words_of(await text(oakvale.bens, where))
    page = (await press(oakvale.bens, where, "yes"))[2]
    assert "This was answered, taken back, or ran out." in words_of(page)
    assert await oakvale.balance(oakvale.ben) == 0


async def test_silence_lends_nothing(oakvale: Oakvale) -> None:
    where = await offered(oakvale)
    await oakvale.later(LOAN_OFFER_VALID_MS)
    assert "offers to lend" not in words_of(await text(oakvale.bens, "/home"))
    assert "Nobody answered in time. Nothing moved." in words_of(await text(oakvale.browser, where))
    await press(oakvale.bens, where, "yes")
    assert await oakvale.balance(oakvale.ben) == 0


@pytest.mark.parametrize(
    "typed, sentence",
    [
        ({"what": ""}, "Please say what it was."),
        ({"amount": "0"}, "Please write more than nothing."),
        ({"part": "1.30"}, "Do you mean"),
        ({"part": "5"}, "That is more than you lend."),
        ({"part": "0:01", "amount": "9"}, "That would take too many times."),
        ({"every": "day"}, "Please choose one of the answers."),
        ({"first": "2026-01-01"}, "Please choose a day after today."),
        ({"first": "never"}, "This is not a day."),
        ({"first": "2028-01-01"}, "Please choose a day within a year."),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said_and_nothing_typed_is_lost(
    oakvale: Oakvale, typed: dict[str, str], sentence: str
) -> None:
    status, page = await check(oakvale, **typed)
    assert status == 422
    assert sentence in words_of(page)
    for name, value in {**TYPED, **typed}.items():
        if name != "every":
            assert re.search(rf'name="{name}"[^>]* value="{re.escape(value)}"', page), name


async def test_more_than_she_may_is_stopped_before_it_is_offered(oakvale: Oakvale) -> None:
    _, page = await check(oakvale, amount="11")
    assert "This would take you too far behind" in words_of(page)


async def test_a_yes_that_cannot_be_done_says_why(oakvale: Oakvale) -> None:
    where = await offered(oakvale)
    await oakvale.town.node.people.set_limits(OPERATOR, oakvale.ana.no, 100, None, why="test")
    assert "Ana cannot lend that much just now." in words_of((await press(oakvale.bens, where, "yes"))[2])
    await oakvale.town.node.people.set_limits(OPERATOR, oakvale.ana.no, 600, None, why="test")
    await oakvale.town.node.people.set_limits(OPERATOR, oakvale.ben.no, 0, 100, why="test")
    page = words_of((await press(oakvale.bens, where, "yes"))[2])
    assert "It would take you further above zero than a member may go." in page
    assert await oakvale.balance(oakvale.ben) == 0


async def test_nobody_else_sees_or_answers_it(oakvale: Oakvale) -> None:
    """Missing, forged, misdirected: a third member's loan is no page, and each button is one side's only."""
    where = await offered(oakvale, what=SCRIPT)
    assert SCRIPT not in await text(oakvale.bens, where)
    mauds = await oakvale.town.browser_of(oakvale.maud)
    await text(mauds, where, status=404)
    for word in ("yes", "no", "withdraw", "repay", "repay/do", "forgive"):
        assert (await press(mauds, where, word, amount="1", minor="60"))[0] == 404
        assert (await sent(oakvale.bens, f"{where}/{word}"))[0] == 403, "without the form's token"
    for word in ("yes", "no", "repay", "repay/do"):
        assert (await press(oakvale.browser, where, word, amount="1", minor="60"))[0] == 404, word
    for word in ("withdraw", "forgive"):
        assert (await press(oakvale.bens, where, word))[0] == 404, word
    assert "Waiting for Ben" in words_of(await text(oakvale.browser, where))


async def test_a_forged_form_offers_nothing(oakvale: Oakvale) -> None:
    _, page = await check(oakvale)
    fields = fields_of(page)
    for wrong in (
        {"minor": "0"}, {"part_minor": "241"}, {"part_minor": "0"}, {"every": "day"}, {"once": "x"}, {"who": "99"}, {"what": ""},
        {"first": "2099-01-01", "every": "x"},
    ):  # fmt: skip
        assert (await sent(oakvale.browser, "/my/loans/do", **{**fields, **wrong}))[0] == 404, wrong
    for wrong in ({"who": oakvale.ana.number}, {"first": "2025-01-01"}):
        assert "This was not done" in words_of(
            (await sent(oakvale.browser, "/my/loans/do", **{**fields, **wrong}))[2]
        )
    assert "You have lent nothing." in words_of(await text(oakvale.browser, "/my/loans"))


async def test_it_is_among_what_is_held_about_both(oakvale: Oakvale) -> None:
    await offered(oakvale)
    for browser in (oakvale.browser, oakvale.bens):
        assert "Loans 1" in words_of(await text(browser, "/my/data"))
