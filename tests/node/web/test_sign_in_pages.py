"""Signing in and out through the pages. Source: docs/pages.md 0.8 and 8.13."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from node.services.acts import OPERATOR, Role
from node.web.pages.sign_in import Waiting
from tests.node.web.towns import Browser, Town, cookies_of, form_token_of, open_town, send

PIN = "739152"


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with open_town() as made:
        await made.member("Ana", Role.ORGANISER, pin=PIN)
        yield made


async def is_in(browser: Browser) -> bool:
    """Tell whether the browser is signed in, by a page for organisers."""
    return (await browser.get("/admin", allow_redirects=False)).status == 200


async def ask(town: Town, browser: Browser, email: str = "ana@example.org", **fields: str) -> None:
    answer = await send(browser, "/login/mail", "/login", email=email, **fields)
    assert (answer.status, answer.headers["Location"].partition("?")[0]) == (303, "/login/code")


async def mailed(town: Town) -> tuple[str, str]:
    """Return the code and the link of the newest mail."""
    text = (await town.mails())[-1].text
    code = re.search(r"your code is (\d{3} \d{3})", text)
    link = re.search(r"http://oakvale\.test(/login/link/\S+)", text)
    assert code
    assert link
    return code[1], link[1]


async def enter(browser: Browser, code: str, **fields: str) -> tuple[int, str]:
    answer = await send(browser, "/login/code", "/login/code", code=code, **fields)
    return answer.status, answer.headers.get("Location") or await answer.text()


# --- By code -----------------------------------------------------------------------------------------------------


async def test_the_code_signs_in_on_the_page_that_waits_for_it(town: Town) -> None:
    browser = town.browser()
    await ask(town, browser, after="/statement?from=2026-01-01")
    code, _ = await mailed(town)
    page = await (await browser.get("/login/code?after=/statement")).text()
    assert "If ana@example.org belongs to a member" in page
    assert (await enter(browser, code.replace(" ", ""), after="/statement")) == (303, "/statement")
    assert await is_in(browser)
    assert [name for name in cookies_of(browser) if name.endswith(("-code", "-form"))] == []


async def test_the_way_back_is_kept_through_every_step(town: Town) -> None:
    browser = town.browser()
    page = await (await browser.get("/login?after=/l/abc")).text()
    assert page.count('name="after" value="/l/abc"') == 2
    answer = await send(browser, "/login/mail", "/login", email="ana@example.org", after="/l/abc")
    assert answer.headers["Location"] == "/login/code?after=%2Fl%2Fabc"
    assert 'name="after" value="/l/abc"' in await (await browser.get("/login/code?after=%2Fl%2Fabc")).text()


async def test_strangers_get_the_same_answers_as_members(town: Town) -> None:
    """Nothing tells who is a member: not the pages, not the cookies, not the number of tries."""
    known, unknown = town.browser(), town.browser()
    await ask(town, known, "ana@example.org")
    await ask(town, unknown, "eva@example.org")
    assert len(await town.mails()) == 1
    pages = [
        (await (await browser.get("/login/code")).text()).replace("ana@", "eva@") for browser in (known, unknown)
    ]  # fmt: skip
    plain = [re.sub(r'form_token" value="[^"]+"', "", page) for page in pages]
    assert plain[0] == plain[1]
    names = [sorted(cookies_of(browser)) for browser in (known, unknown)]
    assert names[0] == names[1]
    for _ in range(4):
        tries = [await enter(browser, "000000") for browser in (known, unknown)]
        shown = [(status, re.findall(r"not the code.*?\.", page, re.DOTALL)) for status, page in tries]
        assert shown[0] == shown[1]
        assert shown[0][0] == 403


async def test_a_wrong_code_is_counted_and_the_right_one_is_then_too_late(town: Town) -> None:
    browser = town.browser()
    await ask(town, browser)
    code, _ = await mailed(town)
    wrong = "000000" if code != "000 000" else "111111"
    status, page = await enter(browser, wrong)
    assert status == 403
    assert "You can try 4 more times." in page
    assert f'value="{wrong}"' not in page
    for _ in range(4):
        status, page = await enter(browser, wrong)
    assert "This code does not work any more" in page
    assert (await enter(browser, code))[0] == 403
    assert not await is_in(browser)


async def test_a_code_works_only_in_the_browser_that_asked(town: Town) -> None:
    browser, thief = town.browser(), town.browser()
    await ask(town, browser)
    await ask(town, thief, "eva@example.org")
    code, _ = await mailed(town)
    assert (await enter(thief, code))[0] == 403
    stranger = town.browser()
    answer = await send(stranger, "/login/code", "/login", code=code)
    assert (answer.status, answer.headers["Location"]) == (303, "/login")
    assert not await is_in(thief)
    assert (await enter(browser, code))[0] == 303


async def test_a_code_works_once(town: Town) -> None:
    browser = town.browser()
    await ask(town, browser)
    code, _ = await mailed(town)
    held = cookies_of(browser)
    assert (await enter(browser, code))[0] == 303
    again = town.browser()
    again.session.cookie_jar.update_cookies(
        {name: value for name, value in held.items() if name.endswith(("-code", "-form"))},
        town.server.make_url("/"),
    )
    assert (await enter(again, code))[0] == 403


async def test_the_waiting_page_without_a_code_leads_back(town: Town) -> None:
    answer = await town.browser().get("/login/code", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/login")


@pytest.mark.parametrize(
    "cookie", ["", "e", "e30=", "bnVsbA==", "W10=", "W1tb" * 200, "\N{SNOWMAN}", "eyJ0b2tlbiI6IDF9"]
)
def test_a_cookie_that_is_not_ours_waits_for_nothing(cookie: str) -> None:
    assert Waiting.of(cookie) is None


def test_a_waiting_browser_comes_back_as_it_went() -> None:
    waiting = Waiting("token", "ana\N{LATIN SMALL LETTER E WITH ACUTE}@example.org", own=True)
    assert Waiting.of(waiting.cookie()) == waiting


async def test_without_mail_only_the_pin_is_offered() -> None:
    async with open_town(mail=False) as quiet:
        page = await (await quiet.browser().get("/login")).text()
        assert "/login/mail" not in page
        assert "/login/pin" in page


async def test_many_requests_for_codes_wait(town: Town) -> None:
    browser = town.browser()
    for _ in range(10):
        await ask(town, browser, "eva@example.org")
    answer = await send(browser, "/login/mail", "/login", email="eva@example.org")
    assert answer.status == 429
    assert "Please wait 30 seconds" in await answer.text()


@pytest.mark.parametrize("email", ["", "a" * 300, "ana@example.org\0"])
async def test_an_address_that_is_none_is_asked_for_again(town: Town, email: str) -> None:
    answer = await send(town.browser(), "/login/mail", "/login", email=email)
    assert answer.status == 422
    assert await town.mails() == []


# --- By number and PIN -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["1", "0001", " 1 "])
async def test_number_and_pin_sign_in(town: Town, number: str) -> None:
    browser = town.browser()
    answer = await send(browser, "/login/pin", "/login", number=number, pin=PIN)
    assert (answer.status, answer.headers["Location"]) == (303, "/home")
    assert await is_in(browser)


@pytest.mark.parametrize(
    ("number", "pin"), [("1", "739153"), ("2", PIN), ("x", PIN), ("1", "p\0in"), ("1", "é" * 40)]
)
async def test_a_wrong_number_and_a_wrong_pin_get_one_answer(town: Town, number: str, pin: str) -> None:
    browser = town.browser()
    answer = await send(browser, "/login/pin", "/login", number=number, pin=pin)
    page = await answer.text()
    assert answer.status == 403
    assert "This number and this PIN do not belong together." in page
    assert pin not in page
    assert f'value="{number}"' in page
    assert not await is_in(browser)


async def test_many_wrong_pins_wait(town: Town) -> None:
    browser = town.browser()
    for _ in range(5):
        assert (await send(browser, "/login/pin", "/login", number="1", pin="111222")).status == 403
    answer = await send(browser, "/login/pin", "/login", number="1", pin=PIN)
    assert answer.status == 429
    assert "Please wait 2 seconds" in await answer.text()
    town.clock.now += 2_000
    assert (await send(browser, "/login/pin", "/login", number="1", pin=PIN)).status == 303


@pytest.mark.parametrize(("own", "flag"), [("yes", "Max-Age=7776000"), ("", None), ("no", None)])
async def test_only_ones_own_computer_keeps_the_session(town: Town, own: str, flag: str | None) -> None:
    answer = await send(town.browser(), "/login/pin", "/login", number="1", pin=PIN, own_computer=own)
    session = next(value for value in answer.headers.getall("Set-Cookie") if "-form" not in value)
    assert ("Max-Age" in session) is (flag is not None)
    assert flag is None or flag in session
    assert "HttpOnly" in session
    assert "SameSite=Lax" in session
    assert "Path=/" in session


async def test_logging_in_again_ends_the_session_before(town: Town) -> None:
    """A session that somebody left in this browser is nobody's any more."""
    browser = town.browser()
    await send(browser, "/login/pin", "/login", number="1", pin=PIN)
    first = cookies_of(browser)
    answer = await send(browser, "/login/pin", "/join", number="1", pin=PIN)
    assert answer.status == 303
    other = town.browser()
    other.session.cookie_jar.update_cookies(first, town.server.make_url("/"))
    assert not await is_in(other)
    assert await is_in(browser)


# --- By link -----------------------------------------------------------------------------------------------------


async def test_a_link_signs_in_by_its_button_and_once(town: Town) -> None:
    """Opening it changes nothing, however often a mail scanner does."""
    browser = town.browser()
    await ask(town, browser)
    _, link = await mailed(town)
    elsewhere = town.browser()
    for _ in range(3):
        page = await elsewhere.get(link)
        assert page.status == 200
        assert "Press the button to log in here." in await page.text()
    assert not await is_in(elsewhere)
    answer = await send(elsewhere, link, link)
    assert (answer.status, answer.headers["Location"]) == (303, "/home")
    assert await is_in(elsewhere)
    for again in (await browser.get(link), await send(browser, link, "/login")):
        assert again.status == 410
        assert "This link was used already, or is too old." in await again.text()


async def test_a_link_keeps_ones_own_computer_logged_in(town: Town) -> None:
    link = (await town.node.sign_in.make_link(OPERATOR, 1)).removeprefix("http://oakvale.test")
    answer = await send(town.browser(), link, link, own_computer="yes")
    assert any("Max-Age=7776000" in value for value in answer.headers.getall("Set-Cookie"))


async def test_a_link_needs_the_button_of_its_own_page(town: Town) -> None:
    link = (await town.node.sign_in.make_link(OPERATOR, 1)).removeprefix("http://oakvale.test")
    browser = town.browser()
    assert (await browser.post(link, data={}, allow_redirects=False)).status == 403
    assert (await browser.get(link)).status == 200


async def test_an_old_link_and_an_invented_one_are_told_the_same(town: Town) -> None:
    link = (await town.node.sign_in.make_link(OPERATOR, 1)).removeprefix("http://oakvale.test")
    town.clock.now += 25 * 3600 * 1000
    pages = []
    for path in (link, "/login/link/" + "A" * 43, "/login/link/x"):
        answer = await town.browser().get(path)
        assert answer.status == 410
        pages.append(re.sub(r'form_token" value="[^"]+"|back=[^"]+"', "", await answer.text()))
    assert pages[0] == pages[1] == pages[2]


# --- Out ---------------------------------------------------------------------------------------------------------


async def test_logging_out_ends_this_browser_only(town: Town) -> None:
    here, there = town.browser(), town.browser()
    for browser in (here, there):
        await send(browser, "/login/pin", "/login", number="1", pin=PIN)
    answer = await send(here, "/logout", "/join")
    assert (answer.status, answer.headers["Location"]) == (303, "/?note=logged-out")
    assert "You are logged out." in await (await here.get("/?note=logged-out")).text()
    assert not await is_in(here)
    assert await is_in(there)


async def test_logging_out_everywhere_ends_every_browser(town: Town) -> None:
    here, there = town.browser(), town.browser()
    for browser in (here, there):
        await send(browser, "/login/pin", "/login", number="1", pin=PIN)
    assert (await send(here, "/logout/everywhere", "/join")).status == 303
    assert not await is_in(here)
    assert not await is_in(there)


async def test_whoever_is_in_needs_no_login_page(town: Town) -> None:
    browser = town.browser()
    await send(browser, "/login/pin", "/login", number="1", pin=PIN)
    for path, leads_to in (("/login", "/home"), ("/login?after=/statement", "/statement"), ("/login?after=//x.test", "/home"), ("/", "/home")):  # fmt: skip
        answer = await browser.get(path, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, leads_to)


async def test_a_session_used_daily_lasts_and_its_cookie_with_it(town: Town) -> None:
    browser = town.browser()
    await send(browser, "/login/pin", "/login", number="1", pin=PIN, own_computer="yes")
    assert "Set-Cookie" not in (await browser.get("/admin")).headers
    for _ in range(3):
        town.clock.now += 60 * 24 * 3600 * 1000
        answer = await browser.get("/admin", allow_redirects=False)
        assert answer.status == 200
        assert "Max-Age=7776000" in answer.headers["Set-Cookie"]


def test_the_helper_reads_the_token_of_a_form() -> None:
    with pytest.raises(AssertionError):
        form_token_of("<p>nothing</p>")
