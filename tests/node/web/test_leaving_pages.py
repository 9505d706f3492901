"""A member leaves and is erased, through the pages. Rules 3.1, 6.9; docs/pages.md 7.4, 8.10."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from node.services.acts import Role
from node.services.members import Member
from node.services.trades import NewTrade
from protocol.limits import DAY_MS
from tests.node.web.towns import Browser, Town, hidden_of, open_town, send
from tests.node.web.words_seen import main_words


@dataclass
class Leaving:
    """Two organisers of long standing, and two members who traded."""

    town: Town
    rosa: Browser
    otto: Browser
    ben: Browser
    ana: Member

    @property
    def here(self) -> str:
        return f"/admin/members/{self.ana.no}"

    async def trade(self, payer: Member, payee: Member) -> None:
        new = NewTrade(
            payer_no=payer.account_no, payee_no=payee.account_no, amount=60, text="Bike repaired", entered_by=payer.name,
            proved_by="pin", once=self.town.node.chance.bytes(16), payer_name=payer.name, payee_name=payee.name,
        )  # fmt: skip
        await self.town.node.trades.record(new)

    async def words(self, browser: Browser, path: str) -> str:
        answer = await browser.get(path)
        assert answer.status == 200, path
        return main_words(await answer.text())


@pytest.fixture
async def leaving() -> AsyncIterator[Leaving]:
    async with open_town() as town:
        rosa, otto = await town.member("Rosa", Role.ORGANISER), await town.member("Otto", Role.ORGANISER)
        ana, ben = await town.member("Anastasia"), await town.member("Ben")
        town.clock.now += 8 * DAY_MS
        browsers = [await town.browser_of(each) for each in (rosa, otto, ben)]
        made = Leaving(town, *browsers, ana)
        await made.trade(ana, ben)
        yield made


async def test_a_member_leaves_at_zero_and_two_organisers_erase_what_is_held(leaving: Leaving) -> None:
    """Each says what it does; others' statements keep the trade, with "Former member" and without words."""
    here, town = leaving.here, leaving.town
    answer = await send(leaving.rosa, f"{here}/part", here, reason="moved away")
    assert (answer.status, "not zero" in await answer.text()) == (422, True)
    ben = await town.node.people.member(4)
    assert ben is not None
    await leaving.trade(ben, leaving.ana)

    answer = await send(leaving.rosa, f"{here}/part", here, reason="moved away")
    assert answer.status == 303
    page = await leaving.words(leaving.rosa, here)
    assert "Left" in page
    assert "Pause this member" not in page
    assert "Anastasia" in await leaving.words(leaving.ben, "/statement")

    answer = await send(leaving.rosa, f"{here}/erase", here)
    assert answer.headers["Location"].startswith("/admin/together")
    assert "You asked for it" in await leaving.words(leaving.rosa, "/admin/together")
    waits = await leaving.words(leaving.otto, "/admin/together")
    assert "Erase what we hold about Anastasia" in waits
    assert "nobody can bring it back" in waits
    answer = await send(leaving.otto, "/admin/together/1/confirm", "/admin/together")
    assert answer.status == 303

    page = await leaving.words(leaving.otto, here)
    assert "Former member 0003" in page
    assert "Erased on" in page
    assert "Anastasia" not in page
    statement = await leaving.words(leaving.ben, "/statement")
    assert "Former member 0003" in statement
    assert "Anastasia" not in statement
    assert "Bike repaired" not in statement


async def test_nothing_is_changed_about_whoever_has_left(leaving: Leaving) -> None:
    """Rule 3.1: a form kept from before brings nothing back."""
    here, town = leaving.here, leaving.town
    ben = await town.node.people.member(4)
    assert ben is not None
    await leaving.trade(ben, leaving.ana)
    kept = hidden_of(await (await leaving.rosa.get(here)).text())
    await send(leaving.rosa, f"{here}/part", here, reason="moved away")
    for path, fields in (("pause", {"reason": "late"}), ("part", {"reason": "again"})):
        answer = await leaving.rosa.post(f"{here}/{path}", data={**kept, **fields}, allow_redirects=False)
        assert (answer.status, "decided already" in await answer.text()) == (422, True), path
    assert (await town.node.people.member(leaving.ana.no)).state.value == "left"  # type: ignore[union-attr]  # is there


async def test_only_organisers_find_these_doors(leaving: Leaving) -> None:
    """Missing and misdirected sessions: a member, and nobody at all."""
    form = hidden_of(await (await leaving.ben.get("/my/settings")).text())
    for path in ("part", "erase"):
        answer = await leaving.ben.post(
            f"{leaving.here}/{path}", data={**form, "reason": "x"}, allow_redirects=False
        )
        assert answer.status in (403, 404), path
        stranger = leaving.town.browser()
        answer = await stranger.post(f"{leaving.here}/{path}", data={"reason": "x"}, allow_redirects=False)
        assert answer.status in (303, 403, 404), path
        forged = await leaving.rosa.post(
            f"{leaving.here}/{path}", data={"reason": "x"}, allow_redirects=False
        )
        assert forged.status == 403, "without the form's own token"
    assert (await leaving.town.node.people.member(leaving.ana.no)).state.value == "active"  # type: ignore[union-attr]
