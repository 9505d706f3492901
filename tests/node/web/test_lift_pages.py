"""Lifts through the door: offered once or on weekdays, asked for, seats given, settled in one press. docs/pages.md 8.16; rule 5.11."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest

from node.services.event_rows import upcoming
from protocol.limits import DAY_MS
from tests.node.web.oakvale import Oakvale, fields_of, open_oakvale, text, words_of
from tests.node.web.towns import Browser, form_token_of, send

TYPED = {
    "title": "Oakvale to Riverside station", "text": "Back at six.", "where": "Church", "start": "8:30", "end": "9:15",
    "until": "", "places": "1", "pays": "shared", "amount": "1:30", "approval": "yes",
}  # fmt: skip


@pytest.fixture
async def oakvale() -> AsyncIterator[Oakvale]:
    async with open_oakvale() as made:
        yield made


def day_of(oakvale: Oakvale, days: int) -> date:
    return datetime.fromtimestamp((oakvale.town.clock.now_ms() + days * DAY_MS) / 1000, UTC).date()


async def checked(oakvale: Oakvale, status: int = 200, **changes: str) -> str:
    """Fill in a lift as Ana; return the page that follows."""
    page = await text(oakvale.browser, "/lifts/new")
    typed = {**TYPED, "day": day_of(oakvale, 7).isoformat(), **changes}
    answer = await oakvale.browser.post("/lifts/check", data={"form_token": form_token_of(page), **typed})
    assert answer.status == status
    return await answer.text()


async def offered(oakvale: Oakvale, **changes: str) -> str:
    """Offer a lift as Ana; return its address."""
    page = await checked(oakvale, **changes)
    answer = await oakvale.browser.post("/lifts/post", data=fields_of(page), allow_redirects=False)
    assert answer.status == 303, await answer.text()
    return answer.headers["Location"].partition("?")[0]


async def asks(browser: Browser, path: str) -> str:
    assert (await send(browser, f"{path}/answer", path, comes="yes")).status == 303
    return words_of(await text(browser, path))


async def answered(oakvale: Oakvale, path: str, who: int, yes: str) -> str:
    """Let Ana say yes or no to somebody; return her page."""
    assert (await send(oakvale.browser, f"{path}/admit", path, who=str(who), yes=yes)).status == 303
    return words_of(await text(oakvale.browser, path))


async def test_ana_takes_ben_along_and_both_share_what_it_costs(oakvale: Oakvale) -> None:
    page = words_of(await checked(oakvale))
    assert "You say yes or no to each who asks. Only members see it." in page
    assert (
        "The whole way costs 1 hour 30 minutes. Ana and all who ride share it equally, so each gives 45 minutes at most."
        in page
    )
    path = await offered(oakvale)
    mauds = await oakvale.town.browser_of(oakvale.maud)
    assert "Oakvale to Riverside station" in words_of(await text(oakvale.bens, "/lifts"))
    assert "Ask for a seat" in words_of(await text(oakvale.bens, path))
    for browser in (oakvale.bens, mauds):
        assert "You asked for a seat. You are told when there is a yes or no." in await asks(browser, path)
    assert "2 people ask for a seat" in words_of(await text(oakvale.browser, "/home"))
    assert "Who asks for a seat Ben" in words_of(await text(oakvale.browser, path))
    assert "Who asks for a seat" not in words_of(await text(oakvale.bens, path)), (
        "it is the driver's to answer"
    )

    assert "Who comes Ben" in await answered(oakvale, path, oakvale.ben.no, "yes")
    assert "Waiting for a place Maud" in await answered(oakvale, path, oakvale.maud.no, "yes")
    assert "You have a place." in words_of(await text(oakvale.bens, path))

    await oakvale.later(8 * DAY_MS)
    page = await text(oakvale.browser, f"{path}/units")
    assert "You and all who were there share 1 hour 30 minutes equally." in words_of(page)
    there = {f"there-{oakvale.ben.no}": "yes", "form_token": form_token_of(page)}
    looked = await (await oakvale.browser.post(f"{path}/units", data=there)).text()
    assert "Ben gives 45 minutes" in words_of(looked)
    assert "You get 45 minutes together." in words_of(looked)
    answer = await oakvale.browser.post(f"{path}/units/do", data=fields_of(looked), allow_redirects=False)
    assert answer.headers["Location"] == f"{path}?note=event-recorded"
    assert (await oakvale.balance(oakvale.ana), await oakvale.balance(oakvale.ben)) == (45, -45)
    assert "gave 45 minutes" in words_of(await text(oakvale.bens, path))


async def test_without_a_question_whoever_comes_first_has_the_seat(oakvale: Oakvale) -> None:
    assert "Who comes first has a seat." in words_of(await checked(oakvale, approval=""))
    path = await offered(oakvale, approval="", pays="nobody", amount="")
    assert "You have a place." in await asks(oakvale.bens, path)
    assert "You wait for a place" in await asks(await oakvale.town.browser_of(oakvale.maud), path)


async def test_a_no_is_said_kindly_and_only_the_driver_says_it(oakvale: Oakvale) -> None:
    path = await offered(oakvale)
    await asks(oakvale.bens, path)
    answer = await send(oakvale.bens, f"{path}/admit", path, who=str(oakvale.ben.no), yes="yes")
    assert answer.status == 403
    await answered(oakvale, path, oakvale.ben.no, "no")
    shown = words_of(await text(oakvale.bens, path))
    assert "There is no seat for you this time." in shown
    assert "Ask for a seat" not in shown
    for who, yes in (("x", "yes"), (str(oakvale.ben.no), "perhaps")):
        assert (await send(oakvale.browser, f"{path}/admit", path, who=who, yes=yes)).status == 404
    answer = await send(oakvale.browser, f"{path}/admit", path, who=str(oakvale.maud.no), yes="yes")
    assert answer.headers["Location"] == f"{path}?note=event-changed", "she did not ask"


async def test_a_lift_on_weekdays_is_a_page_for_each_of_them(oakvale: Oakvale) -> None:
    first = day_of(oakvale, 7)
    monday = first + timedelta(days=-first.weekday() % 7)
    until = (monday + timedelta(days=7)).isoformat()
    page = words_of(await checked(oakvale, day=monday.isoformat(), until=until, mon="yes", fri="yes"))
    assert "It takes place 3 times" in page
    await offered(oakvale, day=monday.isoformat(), until=until, mon="yes", fri="yes")
    found, total = await oakvale.town.node.store.read(
        lambda tx: upcoming(tx, oakvale.town.clock.now_ms(), me=oakvale.ana.no)
    )
    days = [datetime.fromtimestamp(each.event.plan.starts / 1000, UTC).date() for each in found]
    assert (total, days) == (3, [monday, monday + timedelta(days=4), monday + timedelta(days=7)])


async def test_what_is_wrong_is_said_beside_it(oakvale: Oakvale) -> None:
    for changes, sentence in (
        ({"title": ""}, "Please say in a few words what it is."),
        ({"places": ""}, "Please say how many seats are free."),
        ({"places": "9"}, "Please write a number from 1 to 8."),
        ({"pays": "host"}, "Please choose one of the answers."),
        ({"amount": ""}, "Please say how much."),
        ({"amount": "1 min"}, "That is too little to share. Please write more."),
        ({"mon": "yes"}, "Please choose a last day, after the first one, within a year."),
        ({"day": "tomorrow"}, "Please write the day like 2026-03-07."),
    ):
        assert sentence in words_of(await checked(oakvale, 422, **changes)), changes


async def test_a_lift_is_changed_on_its_own_page_and_not_what_was_asked_for(oakvale: Oakvale) -> None:
    path = await offered(oakvale)
    key = path.rpartition("/")[2]
    answer = await oakvale.browser.get(f"{path}/edit", allow_redirects=False)
    assert answer.headers["Location"] == f"/lifts/{key}/edit"
    page = await text(oakvale.browser, f"/lifts/{key}/edit")
    assert 'value="Oakvale to Riverside station"' in page
    token, day = form_token_of(page), day_of(oakvale, 7).isoformat()
    typed = {"form_token": token, **TYPED, "day": day, "places": "3"}
    answer = await oakvale.browser.post(f"/lifts/{key}/edit", data=typed, allow_redirects=False)
    assert answer.headers["Location"] == f"{path}?note=saved"
    assert "3 places are free" in words_of(await text(oakvale.bens, path))
    await asks(oakvale.bens, path)
    answer = await oakvale.browser.post(f"/lifts/{key}/edit", data={**typed, "amount": "2"})
    assert (answer.status, "Somebody said yes to what it was before." in words_of(await answer.text())) == (
        422,
        True,
    )
    for browser, status in ((oakvale.bens, 403), (oakvale.browser, 404)):
        where = f"/lifts/{key}/edit" if status == 403 else f"/lifts/{'0' * 32}/edit"
        await text(browser, where, status)
    as_event = {
        "form_token": token,
        "kind": "talk",
        "repeats": "never",
        **TYPED,
        "day": day,
        "pays": "nobody",
    }
    assert (await oakvale.browser.post(f"{path}/edit", data=as_event)).status == 404
