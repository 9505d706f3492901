"""Every door for people, through HTTP: who is let in, and what becomes of everything else.

Missing, forged, replayed and misdirected sessions and form tokens, other roles, other schemes, other sites,
things that are no forms. Source: docs/pages.md 0.8 and 4; docs/architecture.md 6.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from itertools import product

import pytest
from aiohttp import FormData, web

from node.proxies import LOOPBACK, Proxies
from node.services.acts import Role
from node.store import StoreError
from node.store.errors import OutcomeUnknown, StoreFull
from node.web.app import ROUTES, SURROUNDINGS, make_app
from node.web.assets import Assets
from node.web.context import (
    ADMIN,
    MEMBER,
    ORGANISER,
    VISITOR,
    Context,
    Route,
    get,
    post,
)
from node.web.forms import FORM_BYTES_MAX
from node.web.plain import own_path, plain_line
from node.web.render import Renderer
from node.web.surroundings import Surroundings
from protocol.references import parse_reference
from tests.node.web.towns import ACORNS, Browser, Town, cookies_of, form_token_of, open_town, send

GETS = [route for route in ROUTES if route.method == "GET"]
POSTS = [route for route in ROUTES if route.method == "POST"]
WITH_FILES = {route.path for route in POSTS if route.file_bytes_max}  # only these come in parts
# A mail provider sends its own word there, no form of ours (RFC 8058; test_mail_pages.py).
PRESSED_BY_PROVIDERS = {"/m/{token}"}
GUARDED = [route for route in ROUTES if route.audience is not VISITOR]
DESK = [route for route in ROUTES if route.audience >= ORGANISER]


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


def shares(routes: list[Route], number: int = 6) -> list[list[Route]]:
    """Return the routes in parts, each of which one town stands for: what is refused leaves it as it was."""
    return [routes[part::number] for part in range(number)]


def path_of(route: Route) -> str:
    """Return an address of the route: member 1, application 1, whatever is called 1."""
    return re.sub(r"{\w+(:[^}]*)?}", "1", route.path)


def words_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html[html.index("<main") : html.index("<footer")]).split())


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with open_town() as made:
        await made.member("Rosa", Role.ADMIN)
        yield made


async def token(browser: Browser) -> str:
    return form_token_of(await (await browser.get("/join")).text())


async def refused(town: Town, browser: Browser, path: str, fields: dict[str, str], status: int = 403) -> str:
    """Send a form; see that it is refused in words, that nothing changed, and return the words."""
    before = await town.everything()
    sent = FormData(fields)
    if path in WITH_FILES:
        sent.add_field("file", b"of somebody", filename="any")
    answer = await browser.post(path, data=sent, allow_redirects=False)
    assert answer.status == status
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert await town.everything() == before
    said = words_of(await answer.text())
    assert "Nothing moved. Nothing was changed." in said
    assert "ring Rosa: 01632 960 123" in said
    reference = re.search(r"read this out (\S+)", said)
    assert reference
    assert parse_reference(reference[1]) == reference[1]
    return said


# --- Who is asking -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", shares([each for each in GUARDED if each.method == "GET"]))
async def test_without_a_session_a_page_leads_to_the_login_and_back(
    town: Town, part: list[Route], subtests: pytest.Subtests
) -> None:
    for route in part:
        with subtests.test(name_of(route)):
            answer = await town.browser().get(path_of(route) + "?x=1", allow_redirects=False)
            assert answer.status == 303
            assert answer.headers["Location"] == f"/login?after={path_of(route).replace('/', '%2F')}%3Fx%3D1"


@pytest.mark.parametrize("part", shares([each for each in GUARDED if each.method == "POST"]))
async def test_without_a_session_nothing_can_be_sent(
    town: Town, part: list[Route], subtests: pytest.Subtests
) -> None:
    for route in part:
        with subtests.test(name_of(route)):
            browser = town.browser()
            said = await refused(town, browser, path_of(route), {"form_token": await token(browser)})
            assert said.startswith("You are logged out")


@pytest.mark.parametrize("part", shares(DESK))
async def test_the_desk_is_for_organisers(town: Town, part: list[Route], subtests: pytest.Subtests) -> None:
    browser = await town.browser_of(await town.member("Ana"))
    before = await town.everything()
    for route in part:
        with subtests.test(name_of(route)):
            sent = FormData({"form_token": await token(browser)})
            if route.path in WITH_FILES:
                sent.add_field("file", b"of somebody", filename="any")
            answer = await browser.request(
                route.method, path_of(route), data=sent if route.method == "POST" else None
            )
            assert answer.status == 403
            assert words_of(await answer.text()).startswith("This is for organisers")
            assert await town.everything() == before


async def test_a_role_that_was_taken_away_opens_nothing(town: Town) -> None:
    """The role is read with every request, not kept in the browser."""
    rosa, ben = await town.node.people.member(1), await town.member("Ben", Role.ORGANISER)
    assert rosa is not None
    browser = await town.browser_of(ben)
    assert (await browser.get("/admin")).status == 200
    await town.node.people.set_role(rosa.acts("pin"), ben.no, Role.MEMBER)
    assert (await browser.get("/admin")).status == 403


def session_cookie(browser: Browser) -> tuple[str, str]:
    return next((name, value) for name, value in cookies_of(browser).items() if name.count("-") == 1)


async def test_a_session_opens_members_pages_and_no_other_spelling_of_it_does(town: Town) -> None:
    name, value = session_cookie(await town.browser_of(await town.member("Ana", Role.ORGANISER)))
    stranger = town.browser()
    for cookie, status in (
        (value, 200),
        (value[:-1] + ("A" if value[-1] != "A" else "E"), 303),
        (value[:-1], 303),
        (value + "A", 303),
        ("A" * 43, 303),
        ("x" * 4000, 303),
        ("\N{SNOWMAN}", 303),
    ):
        header = f"{name}={cookie}".encode().decode("latin-1")
        answer = await stranger.get("/admin", headers={"Cookie": header}, allow_redirects=False)
        assert answer.status == status, cookie


async def test_a_session_that_has_ended_cannot_be_used_again(town: Town) -> None:
    browser = await town.browser_of(await town.member("Ana", Role.ORGANISER))
    name, value = session_cookie(browser)
    assert (await send(browser, "/logout", "/join")).status == 303
    assert name not in cookies_of(browser)
    answer = await town.browser().get("/admin", headers={"Cookie": f"{name}={value}"}, allow_redirects=False)
    assert answer.status == 303


async def test_a_session_ends_by_itself(town: Town) -> None:
    """Half an hour after the last page, on a computer that is not one's own. Source: docs/pages.md 8.13."""
    browser = await town.browser_of(await town.member("Ana", Role.ORGANISER))
    for _ in range(3):
        town.clock.now += 29 * 60_000
        assert (await browser.get("/admin", allow_redirects=False)).status == 200
    town.clock.now += 31 * 60_000
    assert (await browser.get("/admin", allow_redirects=False)).status == 303


async def test_the_session_of_another_scheme_is_nobodys_here(town: Town) -> None:
    """Its cookie has another name; and under our name its value is nobody's either."""
    async with open_town(ACORNS, name="riverside") as riverside:
        karim = await riverside.member("Karim", Role.ADMIN)
        name, value = session_cookie(await riverside.browser_of(karim))
        own_name, _ = session_cookie(await town.browser_of(await town.member("Ana")))
        assert name != own_name
        for sent in (f"{name}={value}", f"{own_name}={value}"):
            answer = await town.browser().get("/admin", headers={"Cookie": sent}, allow_redirects=False)
            assert answer.status == 303


async def test_members_of_two_schemes_stay_logged_in_in_one_browser(town: Town) -> None:
    """Browsers share cookies between the ports of a computer."""
    async with open_town(ACORNS, name="riverside") as riverside:
        karim, rosa = await riverside.member("Karim", Role.ADMIN), await town.node.people.member(1)
        assert rosa is not None
        browser, other = town.browser(), riverside.browser()
        # One jar for both, as one browser has.
        other.session._cookie_jar = browser.session.cookie_jar
        await town.sign_in(browser, rosa)
        await riverside.sign_in(other, karim)
        assert (await browser.get("/admin")).status == 200
        assert (await other.get("/admin")).status == 200


# --- Forms -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", shares(POSTS))
async def test_a_form_without_the_token_of_this_browser_is_refused(
    town: Town, part: list[Route], subtests: pytest.Subtests
) -> None:
    """Missing, forged, empty, another browser's, and one's own from before logging in."""
    browser, other = town.browser(), town.browser()
    before_login = await token(browser)
    rosa = await town.node.people.member(1)
    assert rosa is not None
    await town.sign_in(browser, rosa)
    others = await token(other)
    wrong = ({}, *({"form_token": each} for each in ("", "A" * 24, others, before_login)))
    for route, fields in product(part, wrong):
        with subtests.test(name_of(route), **fields):
            said = await refused(town, browser, path_of(route), fields)
            assert said.startswith("Please send that once more")


async def test_a_form_from_a_browser_without_cookies_is_refused(town: Town) -> None:
    browser = town.browser()
    sent = await token(browser)
    browser.session.cookie_jar.clear()
    said = await refused(town, browser, "/join", {"form_token": sent, "place": "Mill Lane"})
    assert "Your browser must allow cookies" in said


@pytest.mark.parametrize("part", shares(POSTS))
@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://elsewhere.test"}, {"Origin": "null"}],
)  # fmt: skip
async def test_what_another_sites_page_sends_is_refused(
    town: Town, part: list[Route], headers: dict[str, str], subtests: pytest.Subtests
) -> None:
    """Even with the right token and session: the browser says where it comes from."""
    rosa = await town.node.people.member(1)
    assert rosa is not None
    browser = await town.browser_of(rosa)
    fields = {"form_token": await token(browser)}
    before = await town.everything()
    for route in part:
        with subtests.test(name_of(route)):
            answer = await browser.post(path_of(route), data=fields, headers=headers, allow_redirects=False)
            assert answer.status == 403
            assert await town.everything() == before


NOT_FORMS = [
    (b"place=%ED%A0%80", "application/x-www-form-urlencoded", 400),  # half a surrogate pair
    (b"place=\xff", "application/x-www-form-urlencoded", 400),
    (b"place=a&place=b", "application/x-www-form-urlencoded", 400),
    (b"place", "application/x-www-form-urlencoded", 400),
    (b"a=1&" * 61 + b"b=1", "application/x-www-form-urlencoded", 400),
    (b'{"place": "here"}', "application/json", 400),
    (b"place=here", "text/plain", 400),
    (b"--x\r\nContent-Disposition: form-data; name=place\r\n\r\nhere\r\n--x--", "multipart/form-data; boundary=x", 400),
    (b"place=" + b"a" * FORM_BYTES_MAX, "application/x-www-form-urlencoded", 413),
]  # fmt: skip


@pytest.mark.parametrize(("body", "kind", "status"), NOT_FORMS)
async def test_what_no_form_of_ours_sends_is_refused(town: Town, body: bytes, kind: str, status: int) -> None:
    browser = town.browser()
    await token(browser)
    before = await town.everything()
    answer = await browser.post("/join", data=body, headers={"Content-Type": kind})
    assert answer.status == status
    assert "Nothing was changed." in words_of(await answer.text())
    assert await town.everything() == before


async def test_a_body_without_a_length_is_cut_off_too(town: Town) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"a" * 4096

    browser = town.browser()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await browser.post("/join", data=pieces(), headers=kind)
    assert answer.status == 413


@pytest.mark.parametrize("typed", ["a\0b", "a\x1bb", "a\x7fb", "a\u0085b"])
async def test_what_no_keyboard_types_is_asked_for_again(town: Town, typed: str) -> None:
    browser = town.browser()
    before = await town.everything()
    answer = await send(browser, "/join", "/join", place=typed)
    assert answer.status == 422
    assert "This cannot be read" in await answer.text()
    assert await town.everything() == before


@pytest.mark.parametrize("path", ["/?note=%00%ff", "/login?after=%00", "/join/sent?application=%ED%A0%80", "/login/link/%00", "/%ff", "/admin/members/%D9%A1"])  # fmt: skip
async def test_strange_addresses_get_a_page(town: Town, path: str) -> None:
    from yarl import URL

    browser = town.browser()
    answer = await browser.session.get(
        URL(str(town.server.make_url("/")).rstrip("/") + path, encoded=True), allow_redirects=False
    )
    assert answer.status in {200, 303, 404, 410}
    assert b"\0" not in await answer.read()


# --- Reading changes nothing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", shares(GETS))
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_opening_a_page_changes_nothing(
    town: Town, part: list[Route], method: str, subtests: pytest.Subtests
) -> None:
    """Mail scanners and prefetching browsers open whatever they find."""
    rosa = await town.node.people.member(1)
    assert rosa is not None
    browser = await town.browser_of(rosa)
    before = await town.everything()
    for route in part:
        with subtests.test(name_of(route)):
            path = path_of(route) + "?q=a&page=2&show=quiet"
            answer = await browser.request(method, path, allow_redirects=False)
            assert answer.status < 500
            assert await town.everything() == before


@pytest.mark.parametrize("part", shares(GETS))
async def test_a_page_that_sends_is_not_opened_and_one_to_open_is_not_sent_to(
    town: Town, part: list[Route], subtests: pytest.Subtests
) -> None:
    for route in part:
        if "POST" in {each.method for each in ROUTES if path_of(each) == path_of(route)}:
            continue
        with subtests.test(name_of(route)):
            answer = await town.browser().post(path_of(route))
            if route.path in PRESSED_BY_PROVIDERS:
                assert answer.status == 400
                continue
            assert answer.status == 405
            assert words_of(await answer.text()).startswith("That cannot be done here")


# --- Where a login leads -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/statement?from=2026-01-01", True),
        ("/l/abc", True),
        ("", False),
        ("//elsewhere.test", False),
        ("/\\elsewhere.test", False),
        ("\\\\elsewhere.test", False),
        ("https://elsewhere.test/", False),
        ("javascript:alert(1)", False),
        ("elsewhere", False),
        ("/a\r\nSet-Cookie: x=y", False),
        ("/a\nb", False),
        ("/a b", False),
        ("/\N{SNOWMAN}", False),
        ("/" + "a" * 500, False),
    ],
)
async def test_a_login_leads_to_our_own_pages_only(town: Town, path: str, own: bool) -> None:
    assert bool(own_path(path)) is own
    await town.member("Ana", pin="739152")
    answer = await send(town.browser(), "/login/pin", "/login", number="2", pin="739152", after=path)
    assert answer.status == 303
    assert answer.headers["Location"] == (path if own else "/home")
    assert "Set-Cookie" not in answer.headers["Location"]
    sized = await town.browser().get("/text", params={"size": "3", "back": path}, allow_redirects=False)
    assert sized.headers["Location"] == (path if own else "/")


def test_text_from_an_address_is_one_plain_line() -> None:
    assert plain_line("  a\0b\n\tc\ud800 \u202fd" + "e" * 50, 10) == "ab c d" + "e" * 4


# --- What goes wrong ---------------------------------------------------------------------------------------------


async def test_nothing_there_is_said_in_words(town: Town) -> None:
    for method in ("GET", "POST"):
        answer = await town.browser().request(method, "/nowhere/<script>")
        assert answer.status == 404
        said = await answer.text()
        assert words_of(said).startswith("There is no such page")
        assert "<script>" not in said


TROUBLES = [
    (RuntimeError("secret-of-ana"), 500, "Our computer made a mistake"),
    (StoreError("disk of ana"), 503, "Our computer is busy"),
    (StoreFull("/var/secret"), 507, "Our computer is full"),
    (OutcomeUnknown("secret"), 503, "We cannot tell whether that was done"),
]


@pytest.mark.parametrize(
    ("trouble", "status", "title"), TROUBLES, ids=[type(each[0]).__name__ for each in TROUBLES]
)
async def test_our_own_trouble_is_said_without_its_secrets(
    town: Town, trouble: Exception, status: int, title: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page and the log share a reference; only the log knows more, and no address that signs in."""

    async def fail(context: Context) -> web.Response:
        raise trouble

    async with open_town(name="fails") as failing:
        app = make_app(failing.node, routes=(get("/f/{token}", fail), *ROUTES))
        answer, log = await ask(app, "/f/7Q2M", capsys)
        html = await answer.text()
    assert answer.status == status
    said = words_of(html)
    assert said.startswith(title)
    assert not re.search(r"secret|disk|\bana\b", html)
    reference = re.search(r"read this out (\S+)", said)
    assert reference
    assert reference[1] in log
    assert "path=/f/{token}" in re.sub(r"\x1b\[[0-9;]*m", "", log)


async def ask(app: web.Application, path: str, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]  # a pair of answer and log
    from aiohttp.test_utils import TestClient, TestServer

    async with TestClient(TestServer(app)) as browser:
        answer = await browser.get(path)
        await answer.read()
        return answer, capsys.readouterr().out


async def test_every_answer_carries_the_headers(town: Town) -> None:
    for path in ("/", "/nowhere", "/admin", "/login", "/static/nothing"):
        answer = await town.browser().get(path, allow_redirects=False)
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "private, no-cache"


async def test_only_pages_with_a_form_leave_a_cookie_with_visitors(town: Town) -> None:
    browser = town.browser()
    for path in ("/", "/how", "/help", "/privacy", "/nowhere"):
        await browser.get(path)
    assert cookies_of(browser) == {}
    answer = await browser.get("/login")
    flags = answer.headers["Set-Cookie"]
    assert "HttpOnly" in flags
    assert "SameSite=Lax" in flags
    assert "Max-Age" not in flags


@pytest.mark.parametrize(
    ("trusted", "header", "counted"),
    [
        ((), "203.0.113.9", "127.0.0.1"),
        (LOOPBACK, "203.0.113.9", "203.0.113.9"),
        (LOOPBACK, "1.2.3.4, 203.0.113.9", "203.0.113.9"),
        (("198.51.100.0/24",), "203.0.113.9", "127.0.0.1"),
    ],
)
async def test_the_proxys_word_counts_only_where_there_is_one(
    town: Town, trusted: tuple[str, ...], header: str, counted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def where(context: Context) -> web.Response:
        return web.Response(text=context.address)

    from aiohttp.test_utils import TestClient, TestServer

    app = make_app(town.node, routes=(get("/where", where),))
    app[SURROUNDINGS] = Surroundings(
        town.node.store, town.node.settings, Renderer(Assets()), Proxies(trusted)
    )
    async with TestClient(TestServer(app)) as browser:
        answer = await browser.get("/where", headers={"X-Forwarded-For": header})
        assert await answer.text() == counted


async def test_other_doors_keep_their_own_checks(town: Town) -> None:
    """What is no page sees neither cookies nor forms, and answers as it likes."""
    from aiohttp.test_utils import TestClient, TestServer

    async def take(request: web.Request) -> web.Response:
        return web.Response(body=await request.read(), status=418)

    app = make_app(town.node, [web.post("/other", take)])
    async with TestClient(TestServer(app)) as browser:
        answer = await browser.post("/other", data=b"\xff", headers={"Sec-Fetch-Site": "cross-site"})
        assert (answer.status, await answer.read()) == (418, b"\xff")


def test_audiences_include_each_other_and_no_address_is_given_twice() -> None:
    assert VISITOR < MEMBER < ORGANISER < ADMIN
    addresses = [(route.method, route.path) for route in ROUTES]
    assert len(addresses) == len(set(addresses))
    desk = [route for route in ROUTES if route.path.startswith("/admin")]
    assert {route.path for route in desk if route.audience is not ORGANISER} == {
        "/admin/evidence/{no}/settle",
        "/admin/export.zip",
        "/admin/import",
        "/admin/import/{number}",
        "/admin/import/{number}/do",
        "/admin/import/{number}/undo",
        "/admin/members/{no}/role",
        "/admin/log-out-everybody",
    }
    assert {route.audience for route in desk} == {ORGANISER, ADMIN}
    assert post("/x", ROUTES[0].handler).audience is VISITOR
