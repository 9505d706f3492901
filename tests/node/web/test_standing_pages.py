"""Amounts that go by themselves: begun on a check page, shown to their payer only, stopped by one press. Rule 3.6; docs/pages.md 0.10."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest

from node.services.acts import OPERATOR
from protocol.limits import DAY_MS, STANDING_TURNS_MAX
from tests.node.web.oakvale import Oakvale, fields_of, open_oakvale, text, words_of
from tests.node.web.towns import Browser, form_token_of

SCRIPT = "<script>alert(1)</script>"
TYPED = {
    "what": "Garden share",
    "amount": "1",
    "every": "month",
    "first": "2026-01-31",
    "times": "3",
    "last": "",
}


@pytest.fixture
async def oakvale() -> AsyncIterator[Oakvale]:
    async with open_oakvale() as made:
        yield made


async def sent(browser: Browser, path: str, **fields: str) -> tuple[int, str, str]:
    """Send a form; return status, where it leads, and the page."""
    answer = await browser.post(path, data=fields, allow_redirects=False)
    return answer.status, answer.headers.get("Location", "").partition("?")[0], await answer.text()


async def check(oakvale: Oakvale, **typed: str) -> tuple[int, str]:
    """Fill in what Ana lets go to Ben; return status and the page that follows."""
    page = await text(oakvale.browser, f"/my/standing/what?who={oakvale.ben.number}")
    status, _, checked = await sent(
        oakvale.browser, "/my/standing/what", **{**fields_of(page), **TYPED, **typed}
    )
    return status, checked


async def begun(oakvale: Oakvale, **typed: str) -> str:
    """Let Ana begin one; return its address."""
    _, page = await check(oakvale, **typed)
    status, where, _ = await sent(oakvale.browser, "/my/standing/do", **fields_of(page))
    assert status == 303
    return where


async def test_ana_lets_an_hour_go_to_ben_every_month(oakvale: Oakvale) -> None:
    assert "/my/standing" in await text(oakvale.browser, "/my")
    assert "You have none." in words_of(await text(oakvale.browser, "/my/standing"))
    found = await text(oakvale.browser, "/my/standing/new?q=ben")
    assert f"/my/standing/what?who={oakvale.ben.number}" in found
    status, page = await check(oakvale)
    shown = words_of(page)
    assert status == 200
    assert "Garden share For whom Ben Each time 1 hour How often Every month" in shown
    assert "Saturday 31 January 2026 Saturday 28 February 2026 Tuesday 31 March 2026 On each" in shown
    assert "All together 3 hours" in shown
    assert await oakvale.balance(oakvale.ben) == 0

    where = await begun(oakvale)

    mine = words_of(await text(oakvale.browser, where))
    assert "1 hour for Ben, every month" in mine
    assert "The next time is Saturday 31 January 2026." in mine
    await oakvale.later(30 * DAY_MS)
    await oakvale.town.node.standing.look()
    assert await oakvale.balance(oakvale.ben) == 60
    mine = await text(oakvale.browser, where)
    assert "Saturday 31 January 2026 Gone" in words_of(mine)
    (trade,) = re.findall(r'href="(/t/[^"]+)"', mine)
    assert "You gave 1 hour." in words_of(await text(oakvale.browser, trade))
    assert "next on Saturday 28 February 2026" in words_of(await text(oakvale.browser, "/my/standing"))

    status, leads, _ = await sent(oakvale.browser, f"{where}/stop", form_token=form_token_of(mine))

    assert (status, leads) == (303, where)
    stopped = words_of(await text(oakvale.browser, where))
    assert "You stopped it. Nothing more goes by it." in stopped
    assert "Stop it" not in stopped
    await oakvale.later(90 * DAY_MS)
    await oakvale.town.node.standing.look()
    assert await oakvale.balance(oakvale.ben) == 60


async def test_the_check_page_sent_twice_begins_one_also_a_day_later(oakvale: Oakvale) -> None:
    _, page = await check(oakvale, first="2026-01-01")
    fields = fields_of(page)
    answers = await asyncio.gather(*[sent(oakvale.browser, "/my/standing/do", **fields) for _ in range(3)])
    assert {answer[:2] for answer in answers} == {(303, "/my/standing/1")}
    assert await oakvale.balance(oakvale.ben) == 60, "its first day is today"
    await oakvale.later(DAY_MS)
    fields["form_token"] = form_token_of(await text(oakvale.browser, "/my"))
    assert (await sent(oakvale.browser, "/my/standing/do", **fields))[:2] == (303, "/my/standing/1")
    assert await oakvale.balance(oakvale.ben) == 60


async def test_a_check_page_that_lay_open_past_its_first_day_begins_nothing(oakvale: Oakvale) -> None:
    _, page = await check(oakvale, first="2026-01-01")
    await oakvale.later(DAY_MS)
    fields = {**fields_of(page), "form_token": form_token_of(await text(oakvale.browser, "/my"))}
    status, _, told = await sent(oakvale.browser, "/my/standing/do", **fields)
    assert status == 200
    assert "Its first day is over." in words_of(told)
    assert "You have none." in words_of(await text(oakvale.browser, "/my/standing"))


@pytest.mark.parametrize(
    "typed, sentence",
    [
        ({"what": ""}, "Please say what it was."),
        ({"amount": "1.30"}, "Do you mean"),
        ({"amount": "0"}, "Please write more than nothing."),
        ({"every": "year"}, "Please choose one of the answers."),
        ({"first": ""}, "This is not a day."),
        ({"first": "31.1.2026"}, "This is not a day."),
        ({"first": "2025-12-31"}, "This day is over."),
        ({"first": "2027-06-01"}, "Please choose a day within a year."),
        ({"times": ""}, "Please say when it ends"),
        ({"last": "2026-05-01"}, "Please say when it ends"),
        ({"times": "0"}, "Please write a number from 1 to 260."),
        ({"times": str(STANDING_TURNS_MAX + 1)}, "Please write a number from 1 to 260."),
        ({"times": "²"}, "Please write a number from 1 to 260."),
        ({"times": "", "last": "2026-01-30"}, "Please choose a day after the first, and not too far off."),
        ({"times": "", "last": "2999-12-31"}, "Please choose a day after the first, and not too far off."),
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


async def test_both_the_amount_and_the_days_are_told_at_once(oakvale: Oakvale) -> None:
    _, page = await check(oakvale, amount="x", first="x")
    assert "Please write a time" in words_of(page)
    assert "This is not a day." in words_of(page)


async def test_nobody_else_sees_or_stops_it(oakvale: Oakvale) -> None:
    """Missing, forged, misdirected: the page of somebody else's amount is no page."""
    where = await begun(oakvale, what=SCRIPT)
    assert SCRIPT not in await text(oakvale.browser, where)
    await text(oakvale.bens, where, status=404)
    token = form_token_of(await text(oakvale.bens, "/my"))
    assert (await sent(oakvale.bens, f"{where}/stop", form_token=token))[0] == 404
    assert (await sent(oakvale.browser, f"{where}/stop"))[0] == 403
    stranger = oakvale.town.browser()
    assert (await stranger.get(where, allow_redirects=False)).headers["Location"].startswith("/login")
    assert "Running" in words_of(await text(oakvale.browser, where))


async def test_a_forged_form_begins_nothing(oakvale: Oakvale) -> None:
    _, page = await check(oakvale)
    fields = fields_of(page)
    for wrong in (
        {"minor": "0"}, {"minor": "-60"}, {"minor": "1e3"}, {"every": "day"}, {"times": "9999"}, {"last": "2026-12-31"},
        {"once": "x"}, {"who": "9999"}, {"what": ""},
    ):  # fmt: skip
        status, _, _ = await sent(oakvale.browser, "/my/standing/do", **{**fields, **wrong})
        assert status == 404, wrong
    answer = await sent(oakvale.browser, "/my/standing/do", **{**fields, "who": oakvale.ana.number})
    assert "This was not begun" in words_of(answer[2])
    assert "You have none." in words_of(await text(oakvale.browser, "/my/standing"))


async def test_looking_begins_nothing(oakvale: Oakvale) -> None:
    """docs/pages.md 13.9: a scanner that opens every link moves nothing."""
    before = await oakvale.town.everything()
    asked = urlencode({"who": oakvale.ben.number, **TYPED})
    for path in ("/my/standing", "/my/standing/new", f"/my/standing/what?{asked}"):
        await text(oakvale.browser, path)
    after = await oakvale.town.everything()
    assert {name for name in before if before[name] != after[name]} <= {"session"}
    await text(oakvale.browser, "/my/standing/do", status=404)


async def test_what_waits_is_on_the_first_page_and_says_why(oakvale: Oakvale) -> None:
    where = await begun(oakvale, amount="11", first="2026-01-01")
    home = words_of(await text(oakvale.browser, "/home"))
    assert "11 hours for Ben could not go yet Garden share See why" in home
    page = words_of(await text(oakvale.browser, where))
    assert "What was to go on Thursday 1 January 2026 waits." in page
    assert "It would have taken you further behind than you may go." in page
    assert "We try again until Thursday 8 January 2026." in page
    await oakvale.later(7 * DAY_MS)
    await oakvale.town.node.standing.look()
    assert "could not go yet" not in words_of(await text(oakvale.browser, "/home"))
    page = words_of(await text(oakvale.browser, where))
    assert "Left out: it would have taken you too far behind" in page


async def test_whoever_is_paused_begins_none_and_none_is_begun_with_them(oakvale: Oakvale) -> None:
    await oakvale.town.node.people.pause(OPERATOR, oakvale.ben.no, why="test")
    page = words_of(await text(oakvale.browser, f"/my/standing/what?who={oakvale.ben.number}"))
    assert "Ben cannot trade now" in page
    assert "You are paused" in words_of(await text(oakvale.bens, "/my/standing/new"))
    page = words_of(await text(oakvale.browser, f"/my/standing/what?who={oakvale.ana.number}"))
    assert "This is you" in page
    assert (await oakvale.browser.get("/my/standing/what", allow_redirects=False)).status == 303


async def test_it_is_among_what_is_held_about_both(oakvale: Oakvale) -> None:
    await begun(oakvale)
    for browser in (oakvale.browser, oakvale.bens):
        assert "Regular amounts 1" in words_of(await text(browser, "/my/data"))
