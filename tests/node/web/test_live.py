"""Open pages are told of what changed, and nobody else is: every way in and every end of a stream. Source: docs/pages.md 0.4; decision 50."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import pytest
from aiohttp import ClientResponse, CookieJar, web
from aiohttp.test_utils import TestClient, TestServer

from node.services.acting import How
from node.services.acts import OPERATOR
from node.services.letters import Writing
from node.services.sessions import SHARED_COMPUTER_MS, end_sessions
from node.store.schema import books
from node.web import live
from node.web.app import make_app
from node.web.live_marks import Kind, marks_text, parse_marks
from protocol.references import reference_of
from tests.node.web.oakvale import Oakvale, fields_of, text
from tests.node.web.towns import Browser, cookies_of, renderer

# Longer than anything here takes; what never comes fails the test instead of stopping it for ever.
PATIENCE_S = 20.0
NEVER = marks_text(dict.fromkeys(Kind, "0" * 16))


@dataclass(frozen=True)
class Told:
    """One event."""

    event: str
    id: str
    data: str


@dataclass
class Stream:
    """What a page in view hears."""

    answer: ClientResponse

    async def next(self) -> Told | None:
        """Return the next event; None at the end of the stream. Signs of life are passed over."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE_S):
            while line := (await self.answer.content.readline()).decode():
                name, _, value = line.rstrip("\n").partition(": ")
                if name:
                    fields[name] = value
                elif "event" in fields:
                    return Told(fields["event"], fields.get("id", ""), fields.get("data", ""))
        return None

    async def life(self) -> None:
        """Return at the next sign of life."""
        async with asyncio.timeout(PATIENCE_S):
            while not (await self.answer.content.readline()).startswith(b": "):
                pass


@asynccontextmanager
async def stream(
    browser: Browser, since: str, headers: Mapping[str, str] | None = None
) -> AsyncIterator[Stream]:
    async with browser.get("/live", params={"since": since}, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        yield Stream(answer)


async def marks(browser: Browser, path: str = "/home") -> str:
    """Return the marks a page carries."""
    found: list[str] = []

    class Body(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag == "body":
                found.append(dict(attrs).get("data-live") or "")

    Body().feed(await text(browser, path))
    return found[0]


async def write(oakvale: Oakvale, words: str) -> int:
    """Let Ben write to Ana; return the number of his conversation."""
    writing = Writing(
        account_no=oakvale.ben.account_no, name="Ben", scheme=oakvale.town.node.scheme,
        to_account=oakvale.ana.account_no, to_name="Ana", listing=None, text=words,
    )  # fmt: skip
    return await oakvale.town.node.letters.write(writing)


class Server(TestServer):
    """As nodes serve: whoever goes away does not end what is done for them, as servers for tests do."""

    async def _make_runner(self, **options: Any) -> web.BaseRunner:
        del options["handler_cancellation"]
        return await super()._make_runner(**options)


@asynccontextmanager
async def beating(
    oakvale: Oakvale, browser: Browser, *, beat_s: float = 0.02, shutdown_s: float = 60.0
) -> AsyncIterator[Browser]:
    """Serve the same node at another door, which looks all the time, to the same browser."""
    server = Server(make_app(oakvale.town.node, renderer=renderer(), live_beat_s=beat_s))
    await server.start_server(shutdown_timeout=shutdown_s)
    other = TestClient(server, cookie_jar=CookieJar(unsafe=True))
    other.session.cookie_jar.update_cookies(cookies_of(browser), server.make_url("/"))
    try:
        yield other
    finally:
        await other.close()
        await server.close()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(2000):
        if await holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to hold")


async def _is(true: bool) -> bool:
    return true


# --- What is told ---------------------------------------------------------------------------------------------


async def test_a_message_is_told_to_whom_it_is_for_and_to_nobody_else(oakvale: Oakvale) -> None:
    """Maud, in view of the same pages, hears of what is hers alone; no event carries a word of what was written."""
    mauds = await oakvale.town.browser_of(oakvale.maud)
    before, hers = await marks(oakvale.browser), await marks(mauds)
    async with stream(oakvale.browser, before) as anas, stream(mauds, hers) as others:
        await write(oakvale, "About the plum jam")
        told = await anas.next()
        assert told == Told("changed", await marks(oakvale.browser), "messages")
        assert told.id != before

        await oakvale.record(to=oakvale.maud.number)
        assert await others.next() == Told("changed", await marks(mauds), "home")


async def test_a_trade_is_told_to_both_sides_and_their_pages_show_it(oakvale: Oakvale) -> None:
    first = await oakvale.record("Bike repair")
    page = first.replace("/check", "")
    seen = await marks(oakvale.bens, page)
    assert seen.partition(".trades-")[1]
    async with (
        stream(oakvale.bens, seen) as bens,
        stream(oakvale.browser, await marks(oakvale.browser)) as anas,
    ):
        await oakvale.record("Cake")
        assert (await bens.next()) == Told("changed", await marks(oakvale.bens, page), "trades")
        assert (await anas.next()) == Told("changed", await marks(oakvale.browser), "home")


@pytest.mark.parametrize(
    "change", [{"late": True}, {"state": "set-aside"}, {"state": "undone", "reason": "limit"}], ids=str
)
async def test_whatever_becomes_of_a_trade_is_told(oakvale: Oakvale, change: dict[str, object]) -> None:
    """Also where nothing else of either side changes with it."""
    page = await oakvale.record()
    async with stream(oakvale.browser, await marks(oakvale.browser, page)) as anas:
        await oakvale.town.node.store.write(lambda tx: tx.run(books.trade.update().values(**change)))
        told = await anas.next()
    assert told == Told("changed", await marks(oakvale.browser, page), "trades")


async def test_a_pay_code_in_view_is_told_that_it_was_paid(oakvale: Oakvale) -> None:
    """pages.md 7.2: the screen says *Paid* by itself."""
    node = oakvale.town.node
    code = await node.pay_codes.make(oakvale.ben, 30, "Jam", b"c" * 16)
    shown = f"/qr/{reference_of(code.code)}"
    async with stream(oakvale.bens, await marks(oakvale.bens, shown)) as bens:
        asked = f"/pay/{reference_of(code.code)}"
        check = fields_of(await text(oakvale.browser, asked))
        answer = await oakvale.browser.post(f"{asked}/do", data=check, allow_redirects=False)
        assert answer.status == 303, await answer.text()
        told = await bens.next()
    assert told is not None
    assert told.data == "trades"
    assert "Paid" in await text(oakvale.bens, shown)


async def test_what_came_between_two_streams_is_told_at_once(oakvale: Oakvale) -> None:
    """By the marks of the page, and by what the browser says it heard last, which is newer."""
    before = await marks(oakvale.browser)
    await write(oakvale, "Are you there?")
    async with stream(oakvale.browser, before) as anas:
        told = await anas.next()
    assert told is not None
    async with stream(oakvale.browser, before, {"Last-Event-ID": told.id}) as anas:
        await oakvale.record()
        assert (await anas.next()) == Told("changed", await marks(oakvale.browser), "home")


async def test_opening_a_conversation_is_told_to_the_other_window(oakvale: Oakvale) -> None:
    """The number beside *Messages* goes down there too."""
    await write(oakvale, "Hello")
    async with stream(oakvale.browser, await marks(oakvale.browser)) as anas:
        page = await text(oakvale.browser, "/messages")
        await text(oakvale.browser, page.split('class="row-link" href="')[1].partition('"')[0])
        told = await anas.next()
    assert told is not None
    assert told.data == "messages"


async def test_a_commit_that_concerns_nobody_in_view_tells_nothing(oakvale: Oakvale) -> None:
    async with beating(oakvale, oakvale.browser) as browser, stream(browser, await marks(browser)) as anas:
        await oakvale.town.node.settings.change(OPERATOR, help_hours="Tuesday 10 to 12")
        await anas.life()
        await write(oakvale, "Hello")
        told = await anas.next()
    assert told is not None
    assert told.data == "messages"


async def test_nobody_is_asked_for_anything_while_no_page_is_in_view(oakvale: Oakvale) -> None:
    changes = oakvale.town.node.store.changes
    assert changes.watchers == ()
    async with beating(oakvale, oakvale.browser) as browser:
        async with stream(browser, await marks(browser)) as anas:
            await anas.life()
            assert len(changes.watchers) == 1
        # Its handler finds out at the next sign of life.
        await until(lambda: _is(not changes.watchers))


# --- Who hears it ---------------------------------------------------------------------------------------------


async def refused(browser: Browser, status: int, since: str = NEVER, **headers: str) -> ClientResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await browser.get("/live", params={"since": since}, headers=named)
    said = await answer.text()
    assert answer.status == status, said
    assert said.endswith((".\n", "?\n")), "a sentence"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    return answer


async def test_nobody_and_forged_cookies_hear_nothing(oakvale: Oakvale) -> None:
    await refused(oakvale.town.browser(), 401)
    (name,) = [name for name in cookies_of(oakvale.browser) if name.startswith("lets-")][:1]
    forged = oakvale.town.browser()
    forged.session.cookie_jar.update_cookies({name: "A" * 43}, oakvale.town.server.make_url("/"))
    await refused(forged, 401)


async def test_another_sites_page_hears_nothing(oakvale: Oakvale) -> None:
    """Nor may it hold a place; somebody who types the address has no page that listens."""
    for site in ("cross-site", "same-site", "none"):
        await refused(oakvale.browser, 403, Sec_Fetch_Site=site)
    await refused(oakvale.browser, 403, Origin="https://elsewhere.example")


async def test_ones_own_page_is_let_in(oakvale: Oakvale) -> None:
    async with stream(oakvale.browser, NEVER, {"Sec-Fetch-Site": "same-origin"}) as anas:
        headers = anas.answer.headers
        assert headers["Content-Type"] == "text/event-stream"
        assert headers["X-Accel-Buffering"] == "no"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "Set-Cookie" not in headers
        assert "Content-Encoding" not in headers


async def test_anothers_marks_open_ones_own_stream(oakvale: Oakvale) -> None:
    """What a page says it knows chooses nothing but what is compared: the session says whose changes are told."""
    anas = await marks(oakvale.browser)
    await write(oakvale, "Only for Ana")
    async with stream(oakvale.bens, anas) as bens:
        told = await bens.next()
    assert told is not None
    assert told.id == await marks(oakvale.bens)


async def test_marks_that_are_none(oakvale: Oakvale) -> None:
    mark = "0123456789abcdef"
    for since in (
        "",
        "home",
        "home-1",
        f"purse-{mark}",
        f"home-{mark[:-1]}g",
        f"home-{mark}.",
        NEVER * 9,
        NEVER + "\n",
    ):
        assert parse_marks(since) is None, since
        await refused(oakvale.browser, 400, since)


async def test_head_and_post_are_no_streams(oakvale: Oakvale) -> None:
    assert (await oakvale.browser.head("/live", params={"since": NEVER})).status == 405
    assert (await oakvale.browser.post("/live", data={"since": NEVER})).status == 405


async def test_pages_of_somebody_one_acts_for_are_told_of_nothing(oakvale: Oakvale) -> None:
    """Whoever begins to act ends the streams of that browser; pages.md 0.9."""
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    cookie = next(value for name, value in cookies_of(rosas).items() if "-" in name)
    assert await marks(rosas) != ""
    async with stream(rosas, await marks(rosas)) as hers:
        await oakvale.town.node.acting.begin(
            oakvale.rosa.acts("pin"), cookie, oakvale.maud.no, How.PHONE, "asked to"
        )
        assert await hers.next() == Told("over", "", "")
        assert await hers.next() is None
    assert await marks(rosas) == ""
    await refused(rosas, 403)


# --- How many -------------------------------------------------------------------------------------------------


async def test_a_member_has_so_many_streams_and_a_closed_one_frees_its_place(oakvale: Oakvale) -> None:
    known = await marks(oakvale.browser)
    async with AsyncExitStack() as held:
        browser = await held.enter_async_context(beating(oakvale, oakvale.browser, beat_s=1000.0))
        for _ in range(live.STREAMS_OF_MEMBER_MAX - 1):
            await held.enter_async_context(stream(browser, known))
        async with stream(browser, known):
            answer = await refused(browser, 429, known)
            assert answer.headers["Retry-After"] == "60"
        # The other end hears of it in a moment.
        await until(lambda: _opens(browser, known))


async def _opens(browser: Browser, since: str) -> bool:
    async with browser.get("/live", params={"since": since}) as answer:
        return answer.status == 200


async def test_a_node_has_so_many_streams(oakvale: Oakvale, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "STREAMS_MAX", 1)
    """One member's many streams leave others theirs; all together have an end too."""
    async with stream(oakvale.browser, NEVER):
        answer = await refused(oakvale.bens, 503)
        assert answer.headers["Retry-After"] == "60"


# --- How it ends ----------------------------------------------------------------------------------------------


async def test_logging_out_ends_the_streams_of_that_browser_only(oakvale: Oakvale) -> None:
    other = await oakvale.town.browser_of(oakvale.ana)
    known = await marks(oakvale.browser)
    async with stream(oakvale.browser, known) as here, stream(other, known) as there:
        page = await text(oakvale.browser, "/my")
        form = page.split('action="/logout"')[1].split('value="')[1].partition('"')[0]
        await oakvale.browser.post("/logout", data={"form_token": form}, allow_redirects=False)
        assert await here.next() == Told("over", "", "")
        assert await here.next() is None
        await write(oakvale, "Still there?")
        told = await there.next()
        assert told is not None
        assert told.event == "changed"
        await oakvale.town.node.store.write(end_sessions, oakvale.ana.no)  # everywhere
        assert await there.next() == Told("over", "", "")
    await refused(oakvale.browser, 401)


async def test_a_session_that_ends_by_time_ends_the_stream(oakvale: Oakvale) -> None:
    """Nothing is written then: it is found at the next sign of life. An open page lets no session last."""
    shared = oakvale.town.browser()
    async with beating(oakvale, shared) as browser:
        link = await oakvale.town.node.sign_in.make_link(OPERATOR, oakvale.ana.no)
        outcome = await oakvale.town.node.sign_in.use_link(
            link.rpartition("/")[2], "192.0.2.1", own_computer=False
        )
        name = next(iter(cookies_of(oakvale.browser)))
        browser.session.cookie_jar.update_cookies({name: outcome.token})  # type: ignore[union-attr]  # it let her in
        rows = (await oakvale.town.everything())["session"]
        async with stream(browser, await marks(browser)) as anas:
            oakvale.town.clock.now += SHARED_COMPUTER_MS - 1
            await anas.life()
            answer = await browser.get("/home", headers={live.ASKED_BY_SCRIPT: "1"})
            assert answer.status == 200
            assert (await oakvale.town.everything())["session"] == rows
            oakvale.town.clock.now += 1
            assert await anas.next() == Told("over", "", "")


async def test_while_the_node_is_looked_after_nobody_is_told_anything(oakvale: Oakvale) -> None:
    settings = oakvale.town.node.settings
    async with stream(oakvale.browser, await marks(oakvale.browser)) as anas:
        await settings.change(OPERATOR, maintenance=True)
        assert await anas.next() == Told("over", "", "")
    assert await marks(oakvale.browser) == ""
    assert (await refused(oakvale.browser, 503)).headers["Retry-After"] == "60"
    await settings.change(OPERATOR, maintenance=False)
    async with stream(oakvale.browser, await marks(oakvale.browser)):
        pass


async def test_the_end_of_the_process_waits_for_no_stream(oakvale: Oakvale) -> None:
    """Without being told, a server waits its whole time-out for them, twice."""
    async with (
        asyncio.timeout(PATIENCE_S),
        beating(oakvale, oakvale.browser, shutdown_s=1000) as browser,
        stream(browser, await marks(browser)) as anas,
    ):
        await browser.server.close()
        assert await anas.next() is None
