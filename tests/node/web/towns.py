"""One scheme's node with its pages, for tests through HTTP. Time stands still unless moved."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final
from urllib.parse import urlsplit

from aiohttp import ClientResponse, CookieJar, web
from aiohttp.test_utils import TestClient, TestServer

from node.app import Node, Options
from node.clock import SeededChance
from node.federation.channel import Channel, ChannelClosed
from node.keyfiles import draw_keys
from node.mail.outbox import Mail
from node.services.acts import OPERATOR, Role
from node.services.members import Member, NewMember
from node.services.settings import SchemeSettings
from node.store import InlineStore, Memory, ReadTx
from node.store.schema import load_all
from node.web.app import make_app
from node.web.assets import Assets
from node.web.render import Renderer
from protocol.names import SchemeId
from tests.builders import NOW
from tests.fakes import MailServer, StoppedClock, mailed

PIN: Final = "739152"
SEED: Final = SchemeSettings(
    name="Oakvale", place="Oakvale", credit_limit=600, ceiling=2400, help_name="Rosa", help_phone="01632 960 123"
)  # fmt: skip
ACORNS: Final = replace(
    SEED, name="Riverside", unit_kind="decimal", unit_name="Acorns", unit_symbol="Acorns", decimals=2,
    minor_per_hour=1200, credit_limit=12_000, ceiling=None,
)  # fmt: skip

ALL_ROWS: Final = {table.name: table.select() for table in load_all().sorted_tables}

Browser = TestClient[web.Request, web.Application]


async def nobody(scheme: SchemeId) -> Channel:
    raise ChannelClosed()


@dataclass
class Town:
    """A node whose pages are served; nothing runs beside them."""

    node: Node
    clock: StoppedClock
    server: TestServer
    mail: MailServer
    browsers: list[Browser] = field(default_factory=list)

    async def member(self, name: str, role: Role = Role.MEMBER, *, pin: str = "") -> Member:
        """Return a new member with an address made of the name; hashing a PIN takes its time."""
        new = NewMember(name=name, email=f"{name.lower()}@example.org", role=role)
        member = await self.node.people.add(OPERATOR, new)
        if pin:
            await self.node.people.set_pin(OPERATOR, member.no, pin)
        return member

    def browser(self) -> Browser:
        """Return a browser in which nobody is signed in."""
        browser: Browser = TestClient(self.server, cookie_jar=CookieJar(unsafe=True))
        self.browsers.append(browser)
        return browser

    async def browser_of(self, member: Member) -> Browser:
        """Return a browser in which `member` is signed in, by a one-time link."""
        browser = self.browser()
        await self.sign_in(browser, member)
        return browser

    async def sign_in(self, browser: Browser, member: Member) -> None:
        """Sign `member` in by a one-time link."""
        link = urlsplit(await self.node.sign_in.make_link(OPERATOR, member.no)).path
        answer = await send(browser, link, link)
        assert (answer.status, answer.headers["Location"]) == (303, "/home")

    async def everything(self) -> dict[str, list[tuple[object, ...]]]:
        """Return all rows of all tables, to see that nothing changed."""

        def query(tx: ReadTx) -> dict[str, list[tuple[object, ...]]]:
            return {table.name: tx.all(ALL_ROWS[table.name]) for table in load_all().sorted_tables}

        return await self.node.store.read(query)

    async def mails(self) -> list[Mail]:
        """Return everything mailed so far, oldest first, also what waits for the morning."""
        return await mailed(self.node.outbox, self.clock, self.mail)


@cache
def renderer() -> Renderer:
    """Return what all towns draw their pages with: compiling the templates takes longer than most tests."""
    return Renderer(Assets())


@asynccontextmanager
async def open_town(
    seed: SchemeSettings = SEED,
    *,
    mail: bool = True,
    name: str = "town",
    origin: str = "http://oakvale.test",
    port: int | None = None,
) -> AsyncIterator[Town]:
    """Open a town; browsers are closed with it."""
    clock, chance, server = StoppedClock(), SeededChance(name), MailServer()
    store = InlineStore(Memory())
    node = Node(
        Options(seed=seed, origin=origin),
        store=store,
        clock=clock,
        chance=chance,
        keys=draw_keys(chance, NOW).keys,
        dial=nobody,
        mail=server if mail else None,
    )
    await node.load()
    test_server = TestServer(make_app(node, renderer=renderer()), port=port)
    await test_server.start_server()
    town = Town(node, clock, test_server, server)
    try:
        yield town
    finally:
        for browser in town.browsers:
            await browser.close()
        await test_server.close()
        await store.close()


def form_token_of(html: str) -> str:
    """Return the token in the first form of a page."""
    found = re.search(r'name="form_token" value="([^"]+)"', html)
    assert found, "a page without a form"
    return found[1]


def hidden_of(html: str) -> dict[str, str]:
    """Return all hidden fields of a page."""
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', html))


async def send(browser: Browser, path: str, page: str, **fields: str) -> ClientResponse:
    """Open `page` as a reader does, and send its form to `path`; redirects are not followed."""
    html = await (await browser.get(page)).text()
    return await browser.post(path, data={"form_token": form_token_of(html), **fields}, allow_redirects=False)


def cookies_of(browser: Browser) -> dict[str, str]:
    """Return the cookies a browser holds."""
    jar: Iterable[tuple[str, str]] = ((cookie.key, cookie.value) for cookie in browser.session.cookie_jar)
    return dict(jar)
