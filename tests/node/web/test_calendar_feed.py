"""Calendars by a secret address: what is in them, for whom, and what opens nothing. docs/pages.md 7.2 (`/my/calendar`)."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime

from babel.dates import LOCALTZ

from node.services.calendar_feeds import CalendarFeeds, Which
from node.services.event_rows import Hosted
from protocol.event import Kind, Pays, Plan
from protocol.limits import DAY_MS, HOUR_MS
from tests.node.web.oakvale import Oakvale, text, words_of
from tests.node.web.test_booking_pages import DRILL, LENT
from tests.node.web.test_booking_pages import asked as drill_asked
from tests.node.web.test_booking_pages import done as drill_done
from tests.node.web.test_booking_pages import posted as drill_posted
from tests.node.web.test_day_pages import press as press_day
from tests.node.web.test_day_pages import proposed
from tests.node.web.towns import Browser, form_token_of

SOUP = "Soup evening"


async def press(browser: Browser, what: str) -> dict[str, str]:
    """Press a button of the page; return the paths of the calendars, by what they show."""
    token = form_token_of(await text(browser, "/my/calendar"))
    answer = await browser.post(f"/my/calendar/{what}", data={"form_token": token}, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/my/calendar?note=saved")
    page = html.unescape(await text(browser, "/my/calendar"))
    return {
        name.split("-")[0]: f"/calendar/{name}"
        for name in re.findall(r"http://oakvale\.test/calendar/(\S+?)\"", page)
    }


async def posted(oakvale: Oakvale, title: str = SOUP) -> Hosted:
    """Let Ben post an event that visitors do not see."""
    starts = oakvale.town.clock.now + 3 * DAY_MS
    plan = Plan(
        kind=Kind.SOCIAL, title=title, text="Bring a bowl", where="Village hall", starts=starts, ends=starts + HOUR_MS,
        capacity=None, pays=Pays.NOBODY, amount=0, public=False,
    )  # fmt: skip
    return await oakvale.town.node.events.post(oakvale.ben, (plan,), title.encode().ljust(16)[:16])


async def read(oakvale: Oakvale, path: str) -> str:
    """Read a calendar as a program does: with no cookies."""
    answer = await oakvale.town.browser().get(path)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    return (await answer.text()).replace("\r\n ", "")


async def test_there_is_none_until_its_owner_wants_one(oakvale: Oakvale) -> None:
    page = await text(oakvale.browser, "/my/calendar")
    assert "So there is none until you want one." in words_of(page)
    assert "/my/calendar" in await text(oakvale.browser, "/calendar")
    name = CalendarFeeds.addresses
    assert (
        await oakvale.town.node.store.read(
            lambda tx: name(oakvale.town.node.calendar_feeds, tx, oakvale.ana.no)
        )
        == {}
    )
    assert set(await press(oakvale.browser, "renew")) == {"mine", "all"}


async def test_mine_holds_what_i_said_yes_to_and_all_holds_everything(oakvale: Oakvale) -> None:
    soup, _ = await posted(oakvale), await posted(oakvale, "Hedge cutting")
    paths = await press(oakvale.browser, "renew")
    everything = await read(oakvale, paths["all"])
    assert everything.count("BEGIN:VEVENT") == 2
    assert "SUMMARY:Hedge cutting" in everything
    assert "BEGIN:VEVENT" not in await read(oakvale, paths["mine"])
    await oakvale.town.node.events.answer(soup.key, oakvale.ana, True)
    mine = await read(oakvale, paths["mine"])
    assert f"UID:{soup.key.hex()}@interlets" in mine
    assert f"SUMMARY:{SOUP}" in mine
    assert "LOCATION:Village hall" in mine
    assert "Hedge cutting" not in mine
    await oakvale.town.node.events.answer(soup.key, oakvale.ana, False)
    assert SOUP not in await read(oakvale, paths["mine"])
    # A host has what they host.
    assert SOUP in await read(oakvale, (await press(oakvale.bens, "renew"))["mine"])


async def test_a_renewed_or_closed_address_opens_nothing(oakvale: Oakvale) -> None:
    """Replayed."""
    first = await press(oakvale.browser, "renew")
    second = await press(oakvale.browser, "renew")
    assert not set(first.values()) & set(second.values())
    for path in first.values():
        assert (await oakvale.town.browser().get(path)).status == 404
    await read(oakvale, second["mine"])
    assert await press(oakvale.browser, "close") == {}
    for path in second.values():
        assert (await oakvale.town.browser().get(path)).status == 404
    third = await press(oakvale.browser, "renew")
    assert not set(second.values()) & set(third.values()), "what was closed is not opened again"


async def test_a_wrong_address_opens_nothing_even_to_its_owner(oakvale: Oakvale) -> None:
    """Forged, misdirected and of another scheme."""
    paths = await press(oakvale.browser, "renew")
    await press(oakvale.bens, "renew")
    which, no, renewed, mac = paths["mine"].removeprefix("/calendar/").removesuffix(".ics").split("-")
    other = CalendarFeeds(oakvale.town.node.store, secret=bytes(32), origin="http://oakvale.test")
    foreign = await oakvale.town.node.store.read(other.addresses, oakvale.ana.no)
    wrong = [
        f"{which}-{no}-{renewed}-{'0' * len(mac)}.ics", f"{which}-{int(no) + 1}-{renewed}-{mac}.ics",
        f"all-{no}-{renewed}-{mac}.ics", f"{which}-{no}-{int(renewed) + 1}-{mac}.ics", f"{which}-0{no}-{renewed}-{mac}.ics",
        f"{which}-{no}-{renewed}-{mac}", f"{which}-{no}-{renewed}.ics", f"none-{no}-{renewed}-{mac}.ics", "1",
        foreign[Which.MINE].rpartition("/")[2],
    ]  # fmt: skip
    for name in wrong:
        for browser in (oakvale.browser, oakvale.town.browser()):
            assert (await browser.get(f"/calendar/{name}")).status == 404, name
    await read(oakvale, paths["mine"])


async def test_nothing_is_read_once_somebody_has_left(oakvale: Oakvale) -> None:
    path = (await press(oakvale.browser, "renew"))["all"]
    await oakvale.town.node.parting.part(oakvale.rosa.acts("pin"), oakvale.ana.no, why="moved")
    assert (await oakvale.town.browser().get(path)).status == 404


async def test_what_two_agreed_is_in_mine(oakvale: Oakvale) -> None:
    """docs/pages.md 8.5: only once both said yes."""
    path = (await press(oakvale.browser, "renew"))["mine"]
    *_, day = await proposed(oakvale)
    assert "Bike repair" not in await read(oakvale, path), "nobody said yes"
    await press_day(oakvale.bens, f"{day}/accept")
    mine = await read(oakvale, path)
    assert "SUMMARY:Bike repair" in mine
    assert "LOCATION:Mill Lane 4" in mine


async def test_what_is_lent_is_in_both_calendars_by_the_clock_on_the_wall(oakvale: Oakvale) -> None:
    """Rule 5.9."""
    mine, bens = [(await press(each, "renew"))["mine"] for each in (oakvale.browser, oakvale.bens)]
    where = await drill_posted(oakvale.browser, DRILL, LENT)
    booking = await drill_asked(oakvale, oakvale.bens, where, 1, 2)
    assert "Drill" not in await read(oakvale, mine), "it is asked for, and no more"
    await drill_done(oakvale.browser, booking, "yes")
    for path, title in ((mine, "Drill\\, for Ben"), (bens, "Drill\\, from Ana")):
        said = await read(oakvale, path)
        assert f"SUMMARY:{title}" in said
        starts, ends = (re.search(rf"{name}:(\S+)Z", said) for name in ("DTSTART", "DTEND"))
        assert starts is not None
        assert ends is not None
        walls = [
            datetime.strptime(each[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC).astimezone(LOCALTZ)
            for each in (starts, ends)
        ]
        assert [f"{each:%d %H:%M}" for each in walls] == ["02 00:00", "04 00:00"]
