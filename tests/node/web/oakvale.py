"""Three members and an organiser of Oakvale in their browsers, for the tests of members' pages."""

from __future__ import annotations

import html
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from node.services.accounts import load
from node.services.acts import Role
from node.services.members import Member
from node.services.trades import Trade
from tests.node.web.test_pages import Seen
from tests.node.web.towns import Browser, Town, hidden_of, open_town


@dataclass
class Oakvale:
    """A town with three members, two of them in their browsers."""

    town: Town
    ana: Member
    ben: Member
    maud: Member
    rosa: Member
    browser: Browser  # Ana's
    bens: Browser

    async def record(self, what: str = "Bike repair", amount: str = "1:30", to: str = "") -> str:
        """Let Ana record a trade with Ben; return the address of the page that ends it."""
        check = await self.check(what, amount, to)
        answer = await self.browser.post("/record/do", data=fields_of(check), allow_redirects=False)
        assert answer.status == 303, await answer.text()
        return answer.headers["Location"]

    async def check(self, what: str = "Bike repair", amount: str = "1:30", to: str = "") -> str:
        """Fill in what Ana received from Ben; return the page that follows."""
        page = await text(self.browser, f"/record/what?who={to or self.ben.number}")
        answer = await self.browser.post(
            "/record/what", data={**fields_of(page), "what": what, "amount": amount}
        )
        return await answer.text()

    async def later(self, ms: int) -> None:
        """Let time pass, and everybody sign in again: sessions on a shared computer end."""
        self.town.clock.now += ms
        self.browser = await self.town.browser_of(self.ana)
        self.bens = await self.town.browser_of(self.ben)

    async def trades(self) -> list[Trade]:
        return await self.town.node.trades.newest(self.ana.account_no)

    async def balance(self, member: Member) -> int:
        held = await self.town.node.store.read(load, member.account_no)
        return held.value.balance


@asynccontextmanager
async def open_oakvale() -> AsyncIterator[Oakvale]:
    """Open the town; everything is closed with it."""
    async with open_town() as town:
        ana, ben = await town.member("Ana"), await town.member("Ben")
        maud, rosa = await town.member("Maud"), await town.member("Rosa", Role.ORGANISER)
        yield Oakvale(town, ana, ben, maud, rosa, await town.browser_of(ana), await town.browser_of(ben))


async def text(browser: Browser, path: str, status: int = 200) -> str:
    answer = await browser.get(path, allow_redirects=False)
    body = await answer.text()
    assert answer.status == status, (path, answer.status, body)
    return body


def words_of(page: str) -> str:
    """Return what a reader sees, on one line."""
    return " ".join(html.unescape(" ".join(Seen(page).text)).replace("\u00a0", " ").split())


def fields_of(page: str) -> dict[str, str]:
    """Return the hidden fields of a page, as a browser would send them."""
    return {name: html.unescape(value) for name, value in hidden_of(page).items()}
