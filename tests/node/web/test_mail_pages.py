"""How often a member is written to, and getting less of it by a link in a mail. docs/pages.md 7.1, 7.2, 9; RFC 8058."""

from __future__ import annotations

import re

import pytest

from node.cli.commands import COMMANDS
from node.services.alert_rows import Tell, Wanted, searches_of
from node.services.asks import NewAsk
from node.services.mail_wishes import Level, MailWishes, Purpose, level_of
from node.services.people import Member
from node.store import ReadTx
from tests.node.web.oakvale import Oakvale, fields_of, text, words_of
from tests.node.web.towns import Browser

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def link(oakvale: Oakvale, purpose: Purpose = Purpose.NEWS, member: Member | None = None) -> str:
    """Return the path of the page behind a link in a mail to Ana."""
    made = oakvale.town.node.wishes.link((member or oakvale.ana).no, purpose)
    assert made.startswith("http://oakvale.test/m/")
    return made.removeprefix("http://oakvale.test")


async def level(oakvale: Oakvale, member: Member | None = None) -> Level:
    return await oakvale.town.node.store.read(level_of, (member or oakvale.ana).no)


async def press(browser: Browser, path: str) -> str:
    """Open the page and press its button; return the words of what follows."""
    page = await text(browser, path)
    action = re.search(rf'action="({path}/stop)"', page)
    assert action is not None, words_of(page)
    answer = await browser.post(action[1], data=fields_of(page))
    assert answer.status == 200
    return words_of(await answer.text())


# --- The member's own page ----------------------------------------------------------------------------------


async def test_a_member_chooses_how_often_and_weekly_is_usual(oakvale: Oakvale) -> None:
    page = await text(oakvale.browser, "/my/mail")
    assert "/my/mail" in await text(oakvale.browser, "/my/settings")
    assert re.search(r'value="weekly"[^>]* checked', page)
    assert "Mail goes to ana@example.org." in words_of(page)
    assert "From 10 at night until 8 in the morning no mail comes" in words_of(page)
    for wanted in Level:
        fields = {**fields_of(page), "level": wanted.value}
        answer = await oakvale.browser.post("/my/mail/level", data=fields, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, "/my/mail?note=saved")
        assert await level(oakvale) is wanted
    assert await level(oakvale, oakvale.ben) is Level.WEEKLY
    answer = await oakvale.browser.post("/my/mail/level", data={**fields_of(page), "level": "hourly"})
    assert answer.status == 422
    assert await level(oakvale) is Level.MUST_ACT


@pytest.mark.parametrize(
    ("wanted", "at_once"), [(Level.AT_ONCE, True), (Level.WEEKLY, False), (Level.MUST_ACT, False)]
)
async def test_what_needs_no_answer_comes_as_often_as_was_chosen(
    oakvale: Oakvale, wanted: Level, at_once: bool
) -> None:
    """docs/pages.md 9: what waits for somebody comes at once whatever they chose."""
    node = oakvale.town.node
    await node.wishes.choose(oakvale.ana, wanted)

    def tell(tx: ReadTx) -> None:
        node.telling.answered(tx, 1, payer="Ben", text="Bread", paid=True, payee=oakvale.ana)  # type: ignore[arg-type]  # a unit's

    await node.store.write(tell)
    await node.asks.ask([NewAsk(payee=oakvale.ben, payer=oakvale.ana, amount=60, text="Bread")], b"b" * 16)
    mails = await oakvale.town.mails()
    subjects = ["Ben said yes: Bread", "Ben asks you for 1 hour: yes or no?"]
    assert [mail.subject for mail in mails] == (subjects if at_once else subjects[1:])
    assert [bool(mail.stop_link) for mail in mails] == ([True, False] if at_once else [False])


# --- Behind a link ------------------------------------------------------------------------------------------


async def test_opening_a_link_changes_nothing_and_the_button_does_without_logging_in(
    oakvale: Oakvale,
) -> None:
    """docs/pages.md 13.9: mail scanners follow links."""
    where, stranger = link(oakvale), oakvale.town.browser()
    before = await oakvale.town.everything()
    page = words_of(await text(stranger, where))
    assert "Fewer mails from us?" in page
    assert "Nothing has changed yet." in page
    assert not any(secret in page for secret in ("Ana", "ana@example.org"))
    assert await oakvale.town.everything() == before
    assert "From now on we write only when something waits for you." in await press(stranger, where)
    assert await level(oakvale) is Level.MUST_ACT
    assert await level(oakvale, oakvale.ben) is Level.WEEKLY


async def test_a_link_about_searches_stops_those_and_nothing_else(oakvale: Oakvale) -> None:
    """A link is bound to its purpose."""
    node = oakvale.town.node
    for member in (oakvale.ana, oakvale.ben):
        await node.alerts.keep(member, Wanted(words="jam"), Tell.AT_ONCE)
    said = await press(oakvale.town.browser(), link(oakvale, Purpose.SEARCHES))
    assert "We write nothing more about what your searches find." in said
    assert await level(oakvale) is Level.WEEKLY
    assert [each.tell for each in await node.store.read(searches_of, oakvale.ana.no)] == [Tell.NOT_NOW]
    assert [each.tell for each in await node.store.read(searches_of, oakvale.ben.no)] == [Tell.AT_ONCE]


def tampered(path: str, oakvale: Oakvale) -> dict[str, str]:
    """Return what somebody could make of a link."""
    start, (purpose, no, at, mac) = "/m/", path.removeprefix("/m/").split("-")
    foreign = MailWishes(
        oakvale.town.node.store, oakvale.town.clock, secret=bytes(32), origin="http://oakvale.test"
    )
    return {
        "forged": f"{start}{purpose}-{no}-{at}-{'0' * len(mac)}",
        "cut": path[:-1],
        "longer": f"{path}0",
        "to another": f"{start}{purpose}-{int(no) + 1}-{at}-{mac}",
        "for another purpose": f"{start}searches-{no}-{at}-{mac}",
        "of another moment": f"{start}{purpose}-{no}-{int(at) + 1}-{mac}",
        "spelt in another way": f"{start}{purpose}-0{no}-{at}-{mac}",
        "of another scheme": foreign.link(oakvale.ana.no, Purpose.NEWS).removeprefix("http://oakvale.test"),
        "not signed": f"{start}{purpose}-{no}-{at}",
        "nothing": f"{start}1",
    }


async def test_a_link_that_we_did_not_make_opens_nothing_and_does_nothing(oakvale: Oakvale) -> None:
    """Forged, misdirected and foreign, at all three doors."""
    where, browser = link(oakvale), oakvale.town.browser()
    fields = fields_of(await text(browser, where))
    before = await oakvale.town.everything()
    for what, path in tampered(where, oakvale).items():
        assert (await browser.get(path)).status == 404, what
        assert (await browser.post(f"{path}/stop", data=fields)).status == 404, what
        assert (await browser.post(path, data=ONE_CLICK)).status == 404, what
    assert await oakvale.town.everything() == before


async def test_an_older_link_stops_nothing_once_its_owner_asked_for_more_again(oakvale: Oakvale) -> None:
    """Replayed: by whoever has an old mail."""
    node, stranger = oakvale.town.node, oakvale.town.browser()
    await node.alerts.keep(oakvale.ana, Wanted(words="jam"), Tell.AT_ONCE)
    (saved,) = await node.store.read(searches_of, oakvale.ana.no)
    old = {purpose: link(oakvale, purpose) for purpose in Purpose}
    for path in old.values():
        await press(stranger, path)
        await press(stranger, path)  # pressed twice is once
    oakvale.town.clock.now += 1
    await node.wishes.choose(oakvale.ana, Level.WEEKLY)
    await node.alerts.change(saved.no, oakvale.ana, Tell.AT_ONCE)
    fields = fields_of(await text(stranger, "/join"))
    for path in old.values():
        assert "This link is from an older mail." in words_of(await text(stranger, path))
        answer = await stranger.post(f"{path}/stop", data=fields)
        assert "Nothing was changed." in words_of(await answer.text())
        assert (await stranger.post(path, data=ONE_CLICK)).status == 200
    assert await level(oakvale) is Level.WEEKLY
    assert [each.tell for each in await node.store.read(searches_of, oakvale.ana.no)] == [Tell.AT_ONCE]
    await press(stranger, link(oakvale))
    assert await level(oakvale) is Level.MUST_ACT


async def test_choosing_less_leaves_older_links_alive(oakvale: Oakvale) -> None:
    node = oakvale.town.node
    await node.wishes.choose(oakvale.ana, Level.AT_ONCE)
    where = link(oakvale)
    oakvale.town.clock.now += 1
    await node.wishes.choose(oakvale.ana, Level.WEEKLY)
    await press(oakvale.town.browser(), where)
    assert await level(oakvale) is Level.MUST_ACT


# --- The door for mail providers ----------------------------------------------------------------------------


async def test_a_provider_presses_the_button_with_no_cookie_and_no_form_of_ours(oakvale: Oakvale) -> None:
    """RFC 8058, 3.2: fields of a form, or in parts."""
    node = oakvale.town.node
    for data in (ONE_CLICK, {"List-Unsubscribe": "No"}, {}):
        await node.wishes.choose(oakvale.ana, Level.WEEKLY)
        oakvale.town.clock.now += 1
        answer = await oakvale.town.browser().post(link(oakvale), data=data)
        assert answer.status == (200 if data is ONE_CLICK else 400)
        assert await level(oakvale) is (Level.MUST_ACT if data is ONE_CLICK else Level.WEEKLY)
        assert "Set-Cookie" not in answer.headers
    parts = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
    answer = await oakvale.town.browser().post(
        link(oakvale), data=parts, headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert answer.status == 200
    assert await level(oakvale) is Level.MUST_ACT


async def test_the_page_itself_wants_its_form(oakvale: Oakvale) -> None:
    """The button's own address has the check that every page has."""
    answer = await oakvale.town.browser().post(f"{link(oakvale)}/stop", data=ONE_CLICK)
    assert answer.status == 403
    assert await level(oakvale) is Level.WEEKLY


async def test_what_a_provider_sends_is_bounded_and_waits_for_maintenance_to_end(oakvale: Oakvale) -> None:
    browser, where = oakvale.town.browser(), link(oakvale)
    assert (await browser.post(where, data=b"List-Unsubscribe=One-Click" + bytes(10**6))).status == 413
    await COMMANDS["maintenance"](oakvale.town.node, on=True, note="")
    assert (await browser.post(where, data=ONE_CLICK)).status == 503
    assert await level(oakvale) is Level.WEEKLY


async def test_a_link_of_somebody_who_has_left_opens_nothing(oakvale: Oakvale) -> None:
    where = link(oakvale)
    await oakvale.town.node.parting.part(oakvale.rosa.acts("pin"), oakvale.ana.no, why="moved")
    assert (await oakvale.town.browser().get(where)).status == 404
