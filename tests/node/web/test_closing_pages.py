"""A scheme closes, through the doors: asked for by one organiser, announced by another, taken back by either, and what stays open. Rule 2.4."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from node.services.acts import Role
from node.services.joint_acts import asked_now
from node.web.app import ROUTES
from node.web.closed import AFTERWARDS
from node.web.dates import local
from protocol.audit_sheet import SheetProven, verify_sheet
from protocol.limits import CLOSED_READABLE_DAYS_MIN, CLOSING_NOTICE_DAYS, DAY_MS
from tests.node.web.oakvale import Oakvale, open_oakvale, text, words_of
from tests.node.web.test_doors_pages import POSTS, path_of, refused, shares, token
from tests.node.web.towns import Browser, send

HERE = "/admin/closing"
WHY = "We have become few."


class Closing:
    """Oakvale with two organisers, who have been at the desk for more than a week."""

    def __init__(self, oakvale: Oakvale):
        self.oakvale = oakvale

    async def begin(self) -> Closing:
        town = self.oakvale.town
        self.sam = await town.member("Sam", Role.ORGANISER)
        await self.oakvale.later(8 * DAY_MS)
        return self

    async def rosas(self) -> Browser:
        return await self.oakvale.town.browser_of(self.oakvale.rosa)

    async def sams(self) -> Browser:
        return await self.oakvale.town.browser_of(self.sam)

    def days(self, ahead: int = 20, readable: int = 60) -> dict[str, str]:
        today = local(self.oakvale.town.clock.now_ms(), None).date()
        last = today + timedelta(days=ahead)
        return {"last": str(last), "until": str(last + timedelta(days=readable)), "why": WHY}

    async def ask(self) -> None:
        assert (await send(await self.rosas(), f"{HERE}/ask", HERE, **self.days())).status == 303

    async def confirm(self, browser: Browser) -> int:
        """Press the button of what waits; return the status."""
        town = self.oakvale.town
        (asked,) = await town.node.store.read(asked_now, town.clock.now_ms())
        answer = await send(browser, f"/admin/together/{asked.no}/confirm", "/admin/together")
        return answer.status

    async def announce(self) -> None:
        await self.ask()
        assert await self.confirm(await self.sams()) == 303

    async def close(self) -> None:
        await self.announce()
        await self.oakvale.later(21 * DAY_MS)

    async def told(self) -> list[str]:
        return [
            mail.subject
            for mail in await self.oakvale.town.mails()
            if "clos" in mail.subject or "goes on" in mail.subject
        ]


@pytest.fixture
async def closing() -> AsyncIterator[Closing]:
    async with open_oakvale() as oakvale:
        yield await Closing(oakvale).begin()


async def test_two_organisers_announce_it_and_every_member_is_told(closing: Closing) -> None:
    """One alone announces nothing; until the last day everything goes on."""
    oakvale = closing.oakvale
    await closing.ask()
    assert "It waits for a second organiser" in words_of(await text(await closing.rosas(), HERE))
    assert "You asked for it" in words_of(await text(await closing.rosas(), "/admin/together"))
    assert await closing.confirm(await closing.rosas()) == 422
    assert oakvale.town.node.settings.now.closing_ms is None
    assert await closing.told() == []

    assert await closing.confirm(await closing.sams()) == 303

    told = await closing.told()
    assert len(told) == 5
    assert set(told) == {told[0]}
    assert "closes: the last day is" in told[0]
    body = next(each.text for each in await oakvale.town.mails() if each.subject == told[0])
    assert WHY in body
    assert "/my/data" in body
    for browser, path in ((oakvale.browser, "/home"), (oakvale.town.browser(), "/")):
        assert "Oakvale closes. The last day is" in words_of(await text(browser, path))
    await oakvale.record()


async def test_members_have_time_before_and_after_and_are_told_why(closing: Closing) -> None:
    rosas, town = await closing.rosas(), closing.oakvale.town
    for wrong, where in (
        (closing.days(ahead=CLOSING_NOTICE_DAYS - 1), "last"),
        (closing.days(ahead=370), "last"),
        (closing.days() | {"last": "soon"}, "last"),
        (closing.days(readable=CLOSED_READABLE_DAYS_MIN), "until"),
        (closing.days(readable=800), "until"),
        (closing.days() | {"until": ""}, "until"),
        (closing.days() | {"why": " "}, "why"),
    ):
        answer = await send(rosas, f"{HERE}/ask", HERE, **wrong)
        page = await answer.text()
        assert answer.status == 422
        assert f'href="#{where}"' in page, (where, wrong)
    assert await town.node.store.read(asked_now, town.clock.now_ms()) == []


async def test_who_waits_too_long_to_confirm_asks_anew(closing: Closing) -> None:
    """Members have two weeks, counted from the second yes."""
    await closing.ask()
    await closing.oakvale.later(8 * DAY_MS)
    assert await closing.confirm(await closing.sams()) == 422
    assert await closing.told() == []


async def test_one_organiser_takes_it_back_until_the_last_day_is_over(closing: Closing) -> None:
    oakvale = closing.oakvale
    await closing.announce()
    assert (await send(await closing.sams(), f"{HERE}/take-back", HERE)).status == 303
    assert "Oakvale goes on" in await closing.told()
    assert "closes" not in words_of(await text(oakvale.browser, "/home"))
    assert (await send(await closing.sams(), f"{HERE}/take-back", HERE)).status == 409

    await closing.close()
    rosas = await closing.rosas()
    answer = await rosas.post(
        f"{HERE}/take-back", data={"form_token": await token(rosas)}, allow_redirects=False
    )
    assert answer.status == 403
    assert oakvale.town.node.settings.now.is_closed(oakvale.town.clock.now_ms())


async def test_members_who_are_no_organisers_neither_see_nor_do_it(closing: Closing) -> None:
    browser = closing.oakvale.browser
    assert (await browser.get(HERE)).status == 403
    for what in ("ask", "take-back"):
        answer = await browser.post(
            f"{HERE}/{what}", data={"form_token": await token(browser), **closing.days()}
        )
        assert answer.status == 403
    assert (await browser.get(f"{HERE}/sheet")).status == 403


async def test_after_the_last_day_nothing_is_recorded_and_everything_is_read(closing: Closing) -> None:
    oakvale = closing.oakvale
    await oakvale.record()
    page = await oakvale.check("Bread", "0:30")
    assert "Bread" in page
    await closing.close()
    node = oakvale.town.node
    sent = {"form_token": await token(oakvale.browser)}
    refused_page = await oakvale.browser.post("/record/do", data=sent, allow_redirects=False)
    assert refused_page.status == 403
    assert "This scheme has closed" in words_of(await refused_page.text())
    for path in ("/home", "/statement", "/my/data"):
        said = words_of(await text(oakvale.browser, path))
        assert "Oakvale has closed. Until" in said
    assert "Bike repair" in await text(oakvale.browser, "/statement")
    assert (await oakvale.browser.get("/my/data/download")).status == 200
    assert node.settings.now.is_paused(node.clock.now_ms())

    rosas = await closing.rosas()
    assert "Nothing. All lines have ended" in words_of(await text(rosas, HERE))
    found = verify_sheet(await (await rosas.get(f"{HERE}/sheet")).read())
    assert isinstance(found, SheetProven)
    assert (found.sheet.from_ms, found.sheet.trades) == (0, 1)


async def test_the_last_books_are_not_to_be_had_before(closing: Closing) -> None:
    await closing.announce()
    assert (await (await closing.rosas()).get(f"{HERE}/sheet")).status == 404


async def test_of_all_forms_only_what_winds_up_is_taken_afterwards(
    closing: Closing, subtests: pytest.Subtests
) -> None:
    """A sample; which ones are taken is listed, and each is there."""
    assert {route.path for route in ROUTES if route.method == "POST"} >= AFTERWARDS
    await closing.close()
    rosas = await closing.rosas()
    form = {"form_token": await token(rosas)}
    closed = [
        route for route in POSTS if not route.always and route.path not in AFTERWARDS and route.audience <= 2
    ]
    for route in shares(closed, 9)[0]:
        with subtests.test(route.path):
            said = await refused(closing.oakvale.town, rosas, path_of(route), form)
            assert "Nothing is recorded or changed here any more." in said
    link = await send(
        rosas, f"/admin/members/{closing.oakvale.ana.no}/link", f"/admin/members/{closing.oakvale.ana.no}"
    )
    assert link.status < 400
