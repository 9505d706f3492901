"""An organiser acts for a member: what is open so and what is not, who is on the record, and that the member is told. Source: docs/pages.md 0.9, 7.3."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from node.services.acting import ACTING_MS
from node.services.acts import OPERATOR, Deed, Role, acts_for
from node.services.asks import NewAsk
from node.services.members import NewMember
from node.services.own_listings import listings_of
from node.services.paper_notes import to_tell
from node.store import ReadTx
from node.store.schema import books
from node.web.app import ROUTES
from node.web.context import MEMBER, Route
from protocol.entry import Words
from protocol.message import decode_message
from tests.node.web.oakvale import Oakvale, fields_of, text, words_of
from tests.node.web.test_doors_pages import name_of, path_of, shares
from tests.node.web.test_member_listing_pages import WHAT, publish
from tests.node.web.towns import Browser, form_token_of

# What an organiser may do for a member; whatever is new is not for others until somebody says so here and at its route.
FOR_OTHERS = {
    "GET /my/help", "GET /my/help/new", "GET /my/help/{no}", "POST /my/help/new",
    *(f"POST /my/help/{{no}}/{what}" for what in ("another", "back", "done", "no", "off", "yes")),
    "GET /asks", "GET /asks/{number}", "GET /find", "GET /home", "GET /my/listings", "GET /my/pictures/{number}/{size}", "GET /people", "GET /people/{number}",
    "GET /post", "GET /record", "GET /record/what", "GET /statement", "GET /statement.csv", "GET /statement.pdf",
    "GET /t/{reference}", "GET /t/{reference}/check", "GET /t/{reference}/receipt", "GET /t/{reference}/receipt/file",
    "GET /t/{reference}/receipt/pdf", "POST /asks/{number}/no", "POST /asks/{number}/yes", "POST /l/{id}/hide",
    "POST /l/{id}/keep", "POST /l/{id}/show", "POST /l/{id}/withdraw", "POST /logout", "POST /post", "POST /post/change",
    "POST /post/price", "POST /post/publish", "POST /record/do", "POST /record/what",
}  # fmt: skip
MEMBERS = [route for route in ROUTES if route.audience is MEMBER]


async def acting(oakvale: Oakvale, how: str = "phone", why: str = "call back") -> Browser:
    """Return Rosa's browser, acting for Maud."""
    browser = await oakvale.town.browser_of(oakvale.rosa)
    page = await text(browser, f"/desk/as/{oakvale.maud.no}")
    fields = {**fields_of(page), "how": how, "why": why}
    answer = await browser.post(f"/desk/as/{oakvale.maud.no}", data=fields, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/home?note=acting")
    return browser


async def token(browser: Browser) -> str:
    return form_token_of(await (await browser.get("/home")).text())


async def is_closed(browser: Browser, route: Route) -> bool:
    """Tell whether an organiser who acts for somebody is refused there as somebody who is not the member."""
    sent = {"form_token": await token(browser)} if route.method == "POST" else None
    answer = await browser.request(route.method, path_of(route), data=sent, allow_redirects=False)
    said = (await answer.read()).decode(errors="replace")
    return answer.status == 403 and "This is for the member alone" in said


@pytest.mark.parametrize("part", shares([each for each in MEMBERS if name_of(each) not in FOR_OTHERS]))
async def test_whatever_was_not_thought_of_is_closed_while_acting(
    oakvale: Oakvale, part: list[Route], subtests: pytest.Subtests
) -> None:
    """Messages, /my/data, ways to log in, helpers and complaints never; nor what is new."""
    browser = await acting(oakvale)
    before = await oakvale.town.everything()
    for route in part:
        with subtests.test(name_of(route)):
            assert await is_closed(browser, route)
            assert not route.for_others
            assert await oakvale.town.everything() == before


@pytest.mark.parametrize("route", [each for each in MEMBERS if name_of(each) in FOR_OTHERS], ids=name_of)
async def test_what_was_thought_of_is_open_while_acting(oakvale: Oakvale, route: Route) -> None:
    assert not await is_closed(await acting(oakvale), route)
    assert route.for_others


def test_what_nobody_does_for_another_is_closed() -> None:
    """docs/pages.md 0.9, said by address, so that no list of routes can be wrong about it."""
    private = re.compile(
        r"/messages|/my/(data|settings|pin|second-step|logins|passkeys|mail|profile|helpers|standing)|/wrong|/logout/|/login|/complaint"
    )
    opened = [name_of(route) for route in ROUTES if route.for_others]
    assert [name for name in opened if private.search(name)] == []
    assert set(opened) == FOR_OTHERS
    assert all(route.audience is MEMBER for route in ROUTES if route.for_others)


async def test_a_trade_is_the_members_by_the_organisers_hand(oakvale: Oakvale) -> None:
    """Rule 3.5: the entry says who did it, for whom, how that was proved, and why; the member is told."""
    browser = await acting(oakvale)
    home = await text(browser, "/home")
    assert "You are acting for Maud (0003)" in words_of(home)
    page = await text(browser, f"/record/what?who={oakvale.ben.number}")
    answer = await browser.post("/record/what", data={**fields_of(page), "what": "Ironing", "amount": "2"})
    check = await answer.text()
    assert "Maud" in words_of(check)
    assert await oakvale.balance(oakvale.maud) == 0
    fields = fields_of(check)
    for _ in range(2):  # pressed twice
        answer = await browser.post("/record/do", data=fields, allow_redirects=False)
        assert answer.status == 303
    assert await oakvale.balance(oakvale.maud) == -120
    assert await oakvale.balance(oakvale.rosa) == 0

    (trade,) = await oakvale.town.node.trades.newest(oakvale.maud.account_no)
    assert trade.entered_by == "Rosa"

    def said(tx: ReadTx) -> Words:
        entry = books.entry.c

        data = tx.scalar(select(entry.words).where(entry.seq == trade.entry_seq))
        return decode_message(Words, data)

    words = await oakvale.town.node.store.read(said)
    assert (words.done_by, words.on_behalf_of, words.proved_by) == ("Rosa", "Maud", "broker")
    assert words.reason == "phone: call back"
    mails = [mail for mail in await oakvale.town.mails() if mail.recipient == "maud@example.org"]
    (mail,) = [mail for mail in mails if "Ironing" in mail.subject]
    assert "You gave Ben 2 hours: Ironing." in mail.text
    assert "Rosa did this for you, as you said on the telephone." in mail.text
    acts = await oakvale.town.node.store.read(acts_for, oakvale.maud.no)
    assert [(act.deed, act.by_name, act.why) for act in acts][:2] == [
        (Deed.ACTED, "Rosa", "phone: call back"),
        (Deed.ACTING, "Rosa", "call back"),
    ]
    assert sum(act.deed is Deed.ACTED for act in acts) == 1


async def test_offers_are_written_and_looked_after_and_the_letters_list_tells(oakvale: Oakvale) -> None:
    """A member without mail; every step has its note, in the unit that does it."""
    node = oakvale.town.node
    george = await node.people.add(OPERATOR, NewMember(name="George", phone="01632 960 456"))
    oakvale.maud = george
    oakvale.browser = await acting(oakvale, "letter", "")
    browser = oakvale.browser
    listing = await publish(oakvale, {**WHAT, "title": "Jam"})
    (owned,) = await node.store.read(listings_of, george.no)
    for which in ("hide", "show", "withdraw"):
        sent = {"form_token": await token(browser)}
        answer = await browser.post(f"/l/{listing}/{which}", data=sent, allow_redirects=False)
        assert answer.headers["Location"] == "/my/listings?note=saved"
    (told,) = await node.store.read(to_tell)
    assert told.member.no == george.no
    assert [note.text for note in told.notes] == [
        f"“Jam” {what} Rosa did this for you, as you wrote in a letter."
        for what in ("is on the board now.", "is hidden for a while.", "is shown again.", "was taken down.")
    ]
    # Pressed on a page from before: nothing is done, and nothing noted.
    await browser.post(f"/l/{listing}/hide", data={"form_token": await token(browser)})
    (told,) = await node.store.read(to_tell)
    assert len(told.notes) == 4
    assert owned.member_no == george.no


async def test_requests_are_answered(oakvale: Oakvale) -> None:
    node = oakvale.town.node
    (first,) = await node.asks.ask(
        [NewAsk(payee=oakvale.ben, payer=oakvale.maud, amount=60, text="Lift")], b"a" * 16
    )
    (second,) = await node.asks.ask(
        [NewAsk(payee=oakvale.ben, payer=oakvale.maud, amount=30, text="Eggs")], b"b" * 16
    )
    browser = await acting(oakvale, "desk")
    for _ in range(2):
        sent = {"form_token": await token(browser)}
        answer = await browser.post(f"/asks/{first.no}/yes", data=sent, allow_redirects=False)
        assert answer.status == 303
        sent |= {"reason": "not-me", "said": ""}
        await browser.post(f"/asks/{second.no}/no", data=sent, allow_redirects=False)
    assert await oakvale.balance(oakvale.maud) == -60
    (trade,) = await node.trades.newest(oakvale.maud.account_no)
    assert trade.entered_by == "Rosa"
    acts = await node.store.read(acts_for, oakvale.maud.no)
    assert [act.detail for act in acts if act.deed is Deed.ACTED] == ["said-no: Eggs", "Lift"]


async def test_it_ends_by_the_button_and_by_itself(oakvale: Oakvale) -> None:
    """A page from before or after is nobody else's: its form is refused, and nothing is done in the wrong name."""
    browser = await acting(oakvale)
    page = await text(browser, f"/record/what?who={oakvale.ben.number}")
    answer = await browser.post("/record/what", data={**fields_of(page), "what": "Ironing", "amount": "2"})
    fields = fields_of(await answer.text())
    answer = await browser.post("/desk/stop-acting", data={"form_token": await token(browser)})
    assert "You are yourself again." in words_of(await answer.text())
    assert "You are acting for" not in words_of(await text(browser, "/home"))
    answer = await browser.post("/record/do", data=fields)
    assert answer.status == 403
    assert "Please send that once more" in await answer.text()
    assert [await oakvale.balance(each) for each in (oakvale.maud, oakvale.rosa)] == [0, 0]

    browser = await acting(oakvale)
    for _ in range(ACTING_MS // (20 * 60_000)):
        assert "You are acting for" in words_of(await text(browser, "/home"))
        oakvale.town.clock.now += 20 * 60_000
    sent = {"form_token": fields["form_token"]}
    assert "You are acting for" not in words_of(await text(browser, "/home"))
    assert (await browser.post("/record/do", data={**fields, **sent})).status == 403


async def test_it_ends_with_the_organisers_part_and_with_the_members(oakvale: Oakvale) -> None:
    people = oakvale.town.node.people
    browser = await acting(oakvale)
    await people.set_role(OPERATOR, oakvale.maud.no, Role.ORGANISER)
    assert "You are acting for" not in words_of(await text(browser, "/home"))
    await people.set_role(OPERATOR, oakvale.maud.no, Role.MEMBER)
    assert "You are acting for" in words_of(await text(browser, "/home"))
    await people.set_role(OPERATOR, oakvale.rosa.no, Role.MEMBER)
    assert "You are acting for" not in words_of(await text(browser, "/home"))


async def test_nobody_acts_for_themselves_or_for_another_organiser(oakvale: Oakvale) -> None:
    """Nobody becomes more than they are."""
    sam = await oakvale.town.member("Sam", Role.ORGANISER)
    browser = await oakvale.town.browser_of(oakvale.rosa)
    token_of_hers = form_token_of(await text(browser, "/admin/members/add"))
    for no, status in ((oakvale.rosa.no, 403), (sam.no, 403), (99, 404)):
        await text(browser, f"/desk/as/{no}", status)
        sent = {"form_token": token_of_hers, "how": "desk", "why": ""}
        answer = await browser.post(f"/desk/as/{no}", data=sent)
        assert answer.status == status
    assert f"/desk/as/{sam.no}" not in await text(browser, f"/admin/members/{sam.no}")
    assert f"/desk/as/{oakvale.ana.no}" in await text(browser, f"/admin/members/{oakvale.ana.no}")
    page = await text(browser, f"/desk/as/{oakvale.ana.no}")
    answer = await browser.post(f"/desk/as/{oakvale.ana.no}", data={**fields_of(page), "how": "whim"})
    assert answer.status == 422
    admin = await oakvale.town.member("Ada", Role.ADMIN)
    await text(await oakvale.town.browser_of(admin), f"/desk/as/{sam.no}")


async def test_the_desk_stays_the_organisers_own(oakvale: Oakvale) -> None:
    """What is done there while acting is done in the organiser's name, and other browsers act for nobody."""
    browser = await acting(oakvale)
    page = await text(browser, f"/admin/members/{oakvale.ana.no}")
    assert "You are acting for Maud" in words_of(page)
    sent = {"form_token": form_token_of(page), "reason": "asked for it"}
    await browser.post(f"/admin/members/{oakvale.ana.no}/pause", data=sent)
    acts = await oakvale.town.node.store.read(acts_for, oakvale.ana.no)
    assert acts[0].by_name == "Rosa"
    other = await oakvale.town.browser_of(oakvale.rosa)
    assert "You are acting for" not in words_of(await text(other, "/home"))
