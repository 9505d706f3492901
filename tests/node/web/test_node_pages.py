"""The pages about the node itself: what needs mending, a backup tried once, a test mail, the sheet for a successor. Source: docs/pages.md 7.5."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.backup.regular import Standing
from node.services.acts import Deed, NotAllowed, Role, newest_acts
from node.services.backing_up import BackupFailed
from node.services.rehearsals import Rehearsals, Tried, newest_rehearsal
from node.services.settings import read_settings
from tests.node.web.oakvale import fields_of, text, words_of
from tests.node.web.towns import Browser, Town, open_town

RIGHT = Tried(made_ms=1_767_225_700_000, entries=42, right=True, said="")
WRONG = Tried(made_ms=1_767_225_700_000, entries=42, right=False, said="entry 7: its legs do not sum to zero")
UNREADABLE = Tried(made_ms=None, entries=0, right=False, said="it ends too early")


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with open_town() as made:
        await made.member("Rosa", Role.ADMIN)
        yield made


@pytest.fixture
async def rosa(town: Town) -> Browser:
    member = await town.node.people.member(1)
    assert member is not None
    return await town.browser_of(member)


def tries(town: Town, *answers: Tried) -> list[int]:
    """Let the town's node have backups that give these answers; return what is filled with how often it was asked."""
    asked: list[int] = []

    async def run() -> Tried:
        asked.append(1)
        return answers[len(asked) - 1]

    town.node.rehearsals = Rehearsals(store=town.node.store, clock=town.node.clock, run=run)
    return asked


async def pressed(browser: Browser, action: str, page: str = "/node") -> str:
    answer = await browser.post(action, data=fields_of(await text(browser, page)))
    return words_of(await answer.text())


async def test_it_says_what_could_be_better_and_how(rosa: Browser) -> None:
    said = words_of(await text(rosa, "/node"))
    assert "Nothing needs mending." in said
    assert "Backups Could be better None are made by themselves Name a folder on another disk" in said
    assert "Balances Good All balances sum to zero" in said


async def test_problems_come_first(town: Town, rosa: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Standing(folder=Path("/media/stick"), there=False)
    object.__setattr__(town.node.options, "backups", lambda _now_ms: gone)
    said = words_of(await text(rosa, "/node"))
    assert (
        "Something needs mending. Backups Needs mending /media/stick cannot be read Plug in the disk" in said
    )


async def test_without_backups_there_is_nothing_to_try(town: Town, rosa: Browser) -> None:
    assert "so there is none to try" in words_of(await text(rosa, "/node"))
    await pressed(rosa, "/node/rehearse")
    assert await town.node.store.read(newest_rehearsal) is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (RIGHT, ["It can be put back", "entries in its book: 42"]),
        (WRONG, ["Its book is not right", "entry 7: its legs do not sum to zero"]),
        (UNREADABLE, ["Could not be opened", "it ends too early"]),
    ],
)
async def test_a_backup_is_tried_and_what_came_of_it_stays(
    town: Town, rosa: Browser, answer: Tried, words: list[str]
) -> None:
    asked = tries(town, answer)
    assert "Nobody has tried a backup yet" in words_of(await text(rosa, "/node"))
    said = await pressed(rosa, "/node/rehearse")
    assert "The backup was tried." in said
    again = words_of(await text(rosa, "/node"))
    for each in [*words, "Tried by Rosa"]:
        assert each in said
        assert each in again
    assert asked == [1]
    acts = await town.node.store.read(newest_acts, 5)
    assert [(act.by_name, act.deed) for act in acts if act.deed is Deed.REHEARSAL] == [
        ("Rosa", Deed.REHEARSAL)
    ]


async def test_one_is_tried_at_a_time(town: Town, rosa: Browser) -> None:
    """Pressed twice, or by two admins: the second press does nothing, and the page says why."""
    begun, go_on, asked = asyncio.Event(), asyncio.Event(), []

    async def run() -> Tried:
        asked.append(1)
        begun.set()
        await go_on.wait()
        return RIGHT

    rehearsals = town.node.rehearsals = Rehearsals(store=town.node.store, clock=town.node.clock, run=run)
    member = await town.node.people.member(1)
    assert member is not None
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(rehearsals.try_newest(member.acts("pin")))
        await begun.wait()
        assert "is being tried just now" in await pressed(rosa, "/node/rehearse")
        assert 'action="/node/rehearse"' not in await text(rosa, "/node")
        go_on.set()
    assert first.result() == RIGHT
    assert asked == [1]


async def test_an_admin_has_a_backup_made_now(town: Town, rosa: Browser) -> None:
    """Docs/pages.md 7.5. Where no folder is named there is no button; what hinders it is said, and nothing is noted then."""
    assert 'action="/node/backup"' not in await text(rosa, "/node")
    hindered = [False, True]

    async def make() -> None:
        if hindered.pop(0):
            raise BackupFailed("is its disk plugged in?")

    town.node.backing_up.made_by(make)
    assert "The backup is made." in await pressed(rosa, "/node/backup")
    answer = await rosa.post("/node/backup", data=fields_of(await text(rosa, "/node")))
    assert answer.status == 503
    assert "No backup could be made. is its disk plugged in?" in words_of(await answer.text())
    acts = await town.node.store.read(newest_acts, 5)
    assert [act.by_name for act in acts if act.deed is Deed.BACKUP] == ["Rosa"]


async def test_one_backup_is_made_at_a_time(town: Town, rosa: Browser) -> None:
    begun, go_on, asked = asyncio.Event(), asyncio.Event(), []

    async def make() -> None:
        asked.append(1)
        begun.set()
        await go_on.wait()

    town.node.backing_up.made_by(make)
    member = await town.node.people.member(1)
    assert member is not None
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(town.node.backing_up.make_now(member.acts("pin")))
        await begun.wait()
        assert "The backup is made." not in await pressed(rosa, "/node/backup")
        assert 'action="/node/backup"' not in await text(rosa, "/node")
        go_on.set()
    assert first.result()
    assert asked == [1]


async def test_only_admins_try(town: Town) -> None:
    """The service says so itself, whatever page asks."""
    asked = tries(town, RIGHT)
    ben = await town.member("Ben", Role.ORGANISER)
    with pytest.raises(NotAllowed):
        await town.node.rehearsals.try_newest(ben.acts("pin"))
    with pytest.raises(NotAllowed):
        await town.node.backing_up.make_now(ben.acts("pin"))
    assert asked == []


async def test_a_test_mail_goes_to_whoever_asks(town: Town, rosa: Browser) -> None:
    assert "It goes out within a minute" in await pressed(rosa, "/node/mail")
    (mail,) = [mail for mail in await town.mails() if mail.subject == "A test mail of Oakvale"]
    assert mail.recipient == "rosa@example.org"


async def test_without_a_mail_server_there_is_no_test_mail() -> None:
    async with open_town(mail=False) as town:
        browser = await town.browser_of(await town.member("Rosa", Role.ADMIN))
        page = await text(browser, "/node")
        assert "works whole without one" in words_of(page)
        assert 'action="/node/mail"' not in page
        before = await town.everything()
        await pressed(browser, "/node/mail", "/node/handover")
        assert await town.everything() == before


async def test_the_sheet_for_a_successor(town: Town, rosa: Browser) -> None:
    page = await text(rosa, "/node/handover")
    said = words_of(page)
    assert "Where members find it http://oakvale.test" in said
    typed = {"handover_passphrase": "In the grey box", "handover_sheet": "Credit union, box 12"}
    answer = await rosa.post("/node/handover", data={**fields_of(page), **typed})
    assert "Saved." in words_of(await answer.text())
    again = await rosa.get("/node/handover")
    assert again.headers["Cache-Control"] == "no-store"
    shown = await again.text()
    assert "In the grey box" in shown
    assert "Credit union, box 12" in shown
    settings = await town.node.store.read(read_settings)
    assert settings is not None
    assert settings.handover_passphrase == "In the grey box"


async def test_too_long_a_note_is_shown_again(rosa: Browser) -> None:
    page = await text(rosa, "/node/handover")
    answer = await rosa.post("/node/handover", data={**fields_of(page), "handover_sheet": "x" * 301})
    assert answer.status == 422
    assert "x" * 301 in await answer.text()


async def test_the_desk_leads_there_only_whoever_may_go(town: Town, rosa: Browser) -> None:
    assert 'href="/node"' in await text(rosa, "/admin")
    ben = await town.browser_of(await town.member("Ben", Role.ORGANISER))
    assert 'href="/node"' not in await text(ben, "/admin")
    assert (await ben.get("/node")).status == 403
