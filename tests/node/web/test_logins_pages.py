"""Where one is logged in, and being logged out there: by oneself, by an organiser, all at once. Source: docs/pages.md 8.13."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from node.services.acts import Role
from node.web.devices import device_of, device_words
from node.web.words import words_for
from tests.node.web.oakvale import words_of
from tests.node.web.towns import PIN, Browser, Town, cookies_of, form_token_of, open_town, send

HERE = "/my/logins"
LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
ANDROID = "Mozilla/5.0 (Linux; Android 13; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with open_town() as made:
        await made.member("Rosa", Role.ADMIN)
        await made.member("Ana", pin=PIN)
        yield made


async def log_in(town: Town, agent: str = LINUX, **fields: str) -> Browser:
    """Return a browser in which Ana logged in."""
    browser = town.browser()
    token = form_token_of(await (await browser.get("/login")).text())
    sent = {"form_token": token, "number": "2", "pin": PIN, **fields}
    answer = await browser.post("/login/pin", data=sent, headers={"User-Agent": agent}, allow_redirects=False)
    assert answer.status == 303
    return browser


async def is_in(browser: Browser) -> bool:
    return (await browser.get("/home", allow_redirects=False)).status == 200


async def ends_of(browser: Browser) -> list[str]:
    return re.findall(r'action="(/my/logins/[0-9a-f]+/end)"', await (await browser.get(HERE)).text())


async def test_each_browser_is_named_and_one_is_logged_out(town: Town) -> None:
    here, there, third = (
        await log_in(town, own_computer="yes"),
        await log_in(town, ANDROID),
        await log_in(town, ""),
    )
    said = words_of(await (await here.get(HERE)).text())
    assert "Firefox on Linux This browser" in said
    assert "Log out there: Chrome on Android" in said
    assert "Log out there: A browser" in said
    assert said.count("Not your own computer: logged out by itself after half an hour.") == 2
    assert "In 3 browsers, this one among them." in words_of(await (await here.get("/my/settings")).text())
    ends = await ends_of(here)
    assert len(ends) == 2
    (chrome,) = set(ends) - set(await ends_of(there))
    assert (await send(here, chrome, HERE)).status == 303
    assert [await is_in(each) for each in (here, there, third)] == [True, False, True]
    assert (await send(here, chrome, HERE)).status == 404, "once"


async def test_all_others_are_logged_out_and_this_one_stays(town: Town) -> None:
    here, there, third = [await log_in(town) for _ in range(3)]
    assert (await send(here, HERE + "/others", HERE)).status == 303
    assert [await is_in(each) for each in (here, there, third)] == [True, False, False]
    page = await (await here.get(HERE)).text()
    assert HERE + "/others" not in page


async def test_nobody_elses_browser_is_named_or_logged_out(town: Town) -> None:
    """What a page calls a session opens nothing, and works for its own member only."""
    anas, other = await log_in(town), await log_in(town)
    ben = await town.browser_of(await town.member("Ben"))
    end = (await ends_of(anas))[0]
    assert (await send(ben, end, HERE)).status == 404
    assert (await send(ben, HERE + "/others", HERE)).status == 303
    for wrong in ("0" * 16, "x", end.split("/")[3][:-1]):
        assert (await send(anas, f"{HERE}/{wrong}/end", HERE)).status == 404
    assert await is_in(anas)
    assert await is_in(other)
    mark = end.split("/")[3]
    assert not any(mark in value for value in cookies_of(other).values())


async def test_after_logging_out_nothing_can_be_ended(town: Town) -> None:
    here, there = await log_in(town), await log_in(town)
    end = (await ends_of(here))[0]
    await send(here, "/logout", HERE)
    answer = await send(here, end, "/join")
    assert answer.status == 403
    assert await is_in(there)


async def test_an_organiser_logs_a_member_out_everywhere_and_it_is_on_the_record(town: Town) -> None:
    rosa = await town.node.people.member(1)
    assert rosa is not None
    roses, anas = await town.browser_of(rosa), await log_in(town)
    assert (await send(roses, "/admin/members/2/log-out", "/admin/members/2")).status == 303
    assert not await is_in(anas)
    assert "Logged out everywhere, by Rosa" in words_of(
        await (await (await log_in(town)).get("/my/data")).text()
    )
    otto = await town.browser_of(await town.member("Otto", Role.ORGANISER))
    assert (await send(otto, "/admin/members/1/log-out", "/admin/members/1")).status == 403
    assert await is_in(roses)


async def test_an_admin_logs_everybody_out(town: Town) -> None:
    rosa = await town.node.people.member(1)
    assert rosa is not None
    roses, anas = await town.browser_of(rosa), await log_in(town)
    ottos = await town.browser_of(await town.member("Otto", Role.ORGANISER))
    assert "/admin/log-out-everybody" not in await (await ottos.get("/admin/scheme")).text()
    assert (await send(ottos, "/admin/log-out-everybody", "/admin/scheme")).status == 403
    answer = await send(roses, "/admin/log-out-everybody", "/admin/scheme")
    assert (answer.status, answer.headers["Location"]) == (303, "/?note=everybody-out")
    assert [await is_in(each) for each in (roses, anas, ottos)] == [False, False, False]


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (LINUX, "Firefox on Linux"),
        (ANDROID, "Chrome on Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile/15E148 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5)", "Mac"),
        ("curl/8.5.0", "A browser"),
        ("", "A browser"),
        ("<script>" * 500 + "firefox", "A browser"),
    ],
)  # fmt: skip
def test_what_a_browser_is_called(agent: str, words: str) -> None:
    assert device_words(device_of(agent), words_for()) == words
