"""The organisers' desk through the pages. Source: docs/pages.md 7.3 and 7.4."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from sqlalchemy import insert, update

from node.services.acts import Actor, Deed, Role, acts_for, newest_acts
from node.services.applications import applications_in
from node.services.books import load
from node.services.members import Member, NewMember, Reach, State, find_members
from node.services.trades import NewTrade
from node.store import Tx
from node.store.schema import books, restore
from protocol.ledger import Account
from protocol.limits import DAY_MS
from tests.node.web.towns import ACORNS, Browser, Town, hidden_of, open_town, send
from tests.node.web.words_seen import main_words


@dataclass
class Desk:
    """A town and Rosa's browser at its desk."""

    town: Town
    rosa: Member
    browser: Browser

    async def words(self, path: str) -> str:
        answer = await self.browser.get(path)
        assert answer.status == 200, path
        return main_words(await answer.text())

    async def send(self, path: str, page: str, **fields: str) -> tuple[int, str]:
        """Send a form of a page; return the status and where it leads, or the page."""
        answer = await send(self.browser, path, page, **fields)
        return answer.status, answer.headers.get("Location") or await answer.text()

    async def apply(self, name: str, *, email: str = "", phone: str = "", letter: str = "") -> int:
        reach = Reach.EMAIL if email else Reach.PHONE if phone else Reach.LETTER
        person = NewMember(
            name=name, place="Mill Lane", reach=reach, email=email or None, phone=phone, address=letter
        )
        no = await self.town.node.applications.apply(person, "Seedlings", "", "192.0.2.1")
        assert isinstance(no, int)
        return no

    async def account(self, no: int) -> Account:
        member = await self.member(no)
        return (await self.town.node.store.read(load, member.account_no)).value

    async def member(self, no: int) -> Member:
        found = await self.town.node.people.member(no)
        assert found is not None
        return found

    async def deeds(self, no: int) -> list[Deed]:
        return [act.deed for act in await self.town.node.store.read(acts_for, no)]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with open_town() as town:
        rosa = await town.member("Rosa", Role.ORGANISER)
        yield Desk(town, rosa, await town.browser_of(rosa))


@pytest.fixture
async def paper() -> AsyncIterator[Desk]:
    """A scheme that sends no mail."""
    async with open_town(mail=False, name="paper") as town:
        rosa = await town.member("Rosa", Role.ORGANISER)
        yield Desk(town, rosa, await town.browser_of(rosa))


# --- Today -------------------------------------------------------------------------------------------------------


async def test_today_says_what_waits_and_how_things_are(desk: Desk) -> None:
    said = await desk.words("/admin")
    assert said.startswith("Today Nothing waits for you.")
    assert "Good The books add up: all balances together are 0." in said
    assert "Members 1" in said
    await desk.apply("Ines", email="ines@example.org")
    desk.town.clock.now += 5 * 3600 * 1000
    browser = await desk.town.browser_of(desk.rosa)
    said = main_words(await (await browser.get("/admin")).text())
    assert "1 application The oldest came 5 hours ago" in said
    assert "1 mail not sent" in said


async def test_today_warns_where_no_mail_is_set_up(paper: Desk) -> None:
    assert "Look here No mail is set up" in await paper.words("/admin")


async def test_books_that_do_not_add_up_are_said_first(desk: Desk) -> None:
    """Never seen, so shown by writing into the database."""

    def spoil(tx: Tx) -> None:
        tx.run(update(books.account).where(books.account.c.no == 1).values(balance=5))

    await desk.town.node.store.write(spoil)
    assert "Wrong The books do not add up." in await desk.words("/admin")


async def test_figures_count_trades_and_the_furthest(desk: Desk) -> None:
    ana = await desk.town.member("Ana")
    await desk.town.node.trades.record(
        NewTrade(
            payer_no=ana.account_no, payee_no=desk.rosa.account_no, amount=90, text="Jam", entered_by="Ana",
            proved_by="pin", once=b"o" * 16, payer_name="Ana", payee_name="Rosa",
        )
    )  # fmt: skip
    said = await desk.words("/admin")
    for part in (
        "Trades this month 1",
        "Furthest behind 1 hour 30 minutes",
        "Furthest ahead 1 hour 30 minutes",
    ):
        assert part in said


# --- Applications ------------------------------------------------------------------------------------------------


async def test_applications_are_shown_oldest_first_with_how_to_reach_them(desk: Desk) -> None:
    assert "Nobody waits to be welcomed." in await desk.words("/admin/applications")
    await desk.apply("Ines", email="ines@example.org")
    await desk.apply("George", letter="3 Station Road")
    await desk.apply("Maud", phone="01632 960 456")
    said = await desk.words("/admin/applications")
    shown = ("Ines", "ines@example.org", "George", "by letter: 3 Station Road", "Maud", "01632 960 456")
    assert [said.index(part) for part in shown] == sorted(said.index(part) for part in shown)
    assert "Seedlings" in said


async def test_a_welcome_by_mail_says_that_a_link_is_on_its_way(desk: Desk) -> None:
    no = await desk.apply("Ines", email="ines@example.org")
    status, page = await desk.send(f"/admin/applications/{no}/welcome", "/admin/applications")
    assert status == 200
    said = main_words(page)
    assert "A mail with a link to log in goes to ines@example.org." in said
    assert "Your number is 0002" in said
    assert "PIN" not in said
    link = re.search(r"http://oakvale\.test(/login/link/\S+)", (await desk.town.mails())[-1].text)
    assert link
    new = desk.town.browser()
    assert (await send(new, link[1], link[1])).status == 303
    assert (await new.get("/admin", allow_redirects=False)).status == 403


async def test_a_welcome_on_paper_shows_number_pin_and_link_this_once(paper: Desk) -> None:
    """A scheme without mail works whole by letters. Source: docs/pages.md 0.8."""
    no = await paper.apply("George", letter="3 Station Road\nOakvale")
    answer = await send(paper.browser, f"/admin/applications/{no}/welcome", "/admin/applications")
    assert answer.headers["Cache-Control"] == "no-store"
    said = main_words(await answer.text())
    assert "3 Station Road Oakvale Welcome to Oakvale" in said
    pin = re.search(r"Your PIN is (\d{6}) Log in with both at http://oakvale\.test/login", said)
    link = re.search(r"http://oakvale\.test(/login/link/\S+)", said)
    assert pin
    assert link
    number = re.search(r"Your number is (\d+)", said)
    assert number
    assert (
        await send(paper.town.browser(), "/login/pin", "/login", number=number[1], pin=pin[1])
    ).status == 303
    assert (await send(paper.town.browser(), link[1], link[1])).status == 303
    assert pin[1] not in await (await paper.browser.get("/admin/members/2")).text()


async def test_a_welcome_sent_twice_makes_one_member(desk: Desk) -> None:
    no = await desk.apply("Ines", email="ines@example.org")
    page = await (await desk.browser.get("/admin/applications")).text()
    fields = hidden_of(page)
    here = f"/admin/applications/{no}/welcome"
    assert (await desk.browser.post(here, data=fields)).status == 200
    again = await desk.browser.post(here, data=fields, allow_redirects=False)
    assert (again.status, again.headers["Location"]) == (303, "/admin/members/2?note=welcomed-before")
    assert "This person was welcomed already." in await desk.words("/admin/members/2?note=welcomed-before")
    _, members = await desk.town.node.store.read(find_members)
    assert members == 2


async def test_an_address_of_another_member_is_said_and_nobody_is_added(desk: Desk) -> None:
    await desk.town.member("Ana")
    no = await desk.apply("Anna", email="ana@example.org")
    status, page = await desk.send(f"/admin/applications/{no}/welcome", "/admin/applications")
    assert status == 409
    assert "A member has this e-mail address already." in page
    assert "Welcome Anna" in main_words(page)


async def test_declining_tells_the_reason_and_is_done_once(desk: Desk) -> None:
    no = await desk.apply("Ines", email="ines@example.org")
    here = f"/admin/applications/{no}/decline"
    page = await (await desk.browser.get("/admin/applications")).text()
    fields = hidden_of(page) | {"reason": "You live nearer to Riverside."}
    for note in ("declined", "decided-before"):
        answer = await desk.browser.post(here, data=fields, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, f"/admin/applications?note={note}")
    assert "You live nearer to Riverside." in (await desk.town.mails())[-1].text
    assert (await desk.town.node.store.read(applications_in))[1] == 0
    assert [act.deed for act in await desk.town.node.store.read(newest_acts, 1)] == [Deed.DECLINED]


async def test_a_reason_longer_than_its_field_is_refused(desk: Desk) -> None:
    no = await desk.apply("Ines", email="ines@example.org")
    assert (await desk.send(f"/admin/applications/{no}/decline", "/admin/applications", reason="x" * 501))[
        0
    ] == 400


@pytest.mark.parametrize("no", ["7", "0", "x", "99999999999999999999", "-1", "%D9%A1"])
async def test_an_application_that_is_none_is_not_found(desk: Desk, no: str) -> None:
    await desk.apply("Ines", email="ines@example.org")
    for what in ("welcome", "decline"):
        status, _ = await desk.send(f"/admin/applications/{no}/{what}", "/admin/applications")
        assert status == 404


# --- Members -----------------------------------------------------------------------------------------------------


async def test_members_are_found_by_name_and_number_and_by_what_they_lack(desk: Desk) -> None:
    ana, ben = await desk.town.member("Ána"), await desk.town.member("Ben")
    await desk.town.node.people.add(desk.rosa.acts("pin"), NewMember(name="Maud", phone="1"))
    await desk.town.node.people.pause(desk.rosa.acts("pin"), ben.no, why="Moved")
    for question, names in (
        ("", ["Ána", "Ben", "Maud", "Rosa"]),
        ("?q=ana", ["Ána"]),
        (f"?q={ana.number}", ["Ána"]),
        ("?show=no-mail", ["Maud"]),
        ("?show=paused", ["Ben"]),
        ("?show=quiet", ["Ána", "Ben", "Maud"]),
        ("?show=quiet&q=an", ["Ána"]),
        ("?show=nonsense", ["Ána", "Ben", "Maud", "Rosa"]),
        ("?q=%25", []),
    ):
        page = await (await desk.browser.get("/admin/members" + question)).text()
        assert re.findall(r'<a href="/admin/members/\d+">([^<]+)</a>', page) == names, question


async def test_a_long_list_of_members_goes_on(desk: Desk) -> None:
    for number in range(20):
        await desk.town.member(f"Ana{number:02}")
    assert "1 to 20 of 21" in await desk.words("/admin/members?q=")
    assert "21 to 21 of 21" in await desk.words("/admin/members?page=2")
    assert "Rosa" in await desk.words("/admin/members?page=2")


async def test_limits_are_changed_with_a_reason_on_the_record(desk: Desk) -> None:
    ana = await desk.town.member("Ana")
    here = f"/admin/members/{ana.no}"
    page = html.unescape(await (await desk.browser.get(here)).text())
    assert 'value="10:00"' in page
    assert 'value="40:00"' in page
    status, place = await desk.send(f"{here}/limits", here, lower="12:30", upper="", reason="She asked")
    assert (status, place) == (303, f"{here}?note=saved")
    account = await desk.account(ana.no)
    assert (account.credit_limit, account.ceiling) == (750, None)
    assert await desk.deeds(ana.no) == [Deed.LIMITS, Deed.ADDED]
    status, _ = await desk.send(f"{here}/limits", here, lower="0", upper="0", reason="Pause")
    account = await desk.account(ana.no)
    assert (status, account.credit_limit, account.ceiling) == (303, 0, 0)


@pytest.mark.parametrize(
    ("lower", "upper", "reason", "said"),
    [
        ("", "40", "x", "Please say how far behind."),
        ("-10", "40", "x", "Please write the amount without a minus."),
        ("10", "1.30", "x", "Do you mean 1 h 30 or 1 h 18?"),
        ("ten", "40", "x", "Please write a time"),
        ("10", "9" * 16, "x", "Please write"),
        ("10", "40", "", "Please say why."),
    ],
)
async def test_limits_that_cannot_be_read_change_nothing(
    desk: Desk, lower: str, upper: str, reason: str, said: str
) -> None:
    ana = await desk.town.member("Ana")
    before = await desk.town.everything()
    here = f"/admin/members/{ana.no}"
    status, page = await desk.send(f"{here}/limits", here, lower=lower, upper=upper, reason=reason)
    assert status == 422
    assert said in page.replace("\N{NO-BREAK SPACE}", " ")
    assert f'value="{lower}"' in page
    assert await desk.town.everything() == before


async def test_limits_in_a_unit_of_its_own() -> None:
    async with open_town(ACORNS, name="riverside") as town:
        rosa, ana = await town.member("Rosa", Role.ORGANISER), await town.member("Ana")
        desk = Desk(town, rosa, await town.browser_of(rosa))
        here = f"/admin/members/{ana.no}"
        assert "in Acorns" in await desk.words(here)
        assert (await desk.send(f"{here}/limits", here, lower="60.5", upper="240", reason="x"))[0] == 303
        account = await desk.account(ana.no)
        assert (account.credit_limit, account.ceiling) == (6050, 24_000)


async def test_a_new_pin_is_shown_once_and_works(desk: Desk) -> None:
    ana = await desk.town.member("Ana")
    here = f"/admin/members/{ana.no}"
    answer = await send(desk.browser, f"{here}/pin", here)
    assert answer.headers["Cache-Control"] == "no-store"
    said = main_words(await answer.text())
    pin = re.search(r"The new PIN, shown this once: (\d{6})", said)
    assert pin
    assert "by Rosa" in said
    assert pin[1] not in await desk.words(here)
    assert (
        await send(desk.town.browser(), "/login/pin", "/login", number=ana.number, pin=pin[1])
    ).status == 303
    assert await desk.deeds(ana.no) == [Deed.PIN, Deed.ADDED]


async def test_a_one_time_link_is_shown_once_and_works(desk: Desk) -> None:
    ana = await desk.town.member("Ana")
    here = f"/admin/members/{ana.no}"
    answer = await send(desk.browser, f"{here}/link", here)
    assert answer.headers["Cache-Control"] == "no-store"
    link = re.search(r"http://oakvale\.test(/login/link/[\w-]+)", await answer.text())
    assert link
    assert (await send(desk.town.browser(), link[1], link[1])).status == 303
    assert await desk.deeds(ana.no) == [Deed.LINK, Deed.ADDED]


@pytest.mark.parametrize("what", ["pin", "link"])
async def test_an_organiser_cannot_become_an_admin(desk: Desk, what: str) -> None:
    """A PIN or a link lets its reader in as that member: for those who organise, only admins make them."""
    admin = await desk.town.member("Ada", Role.ADMIN)
    before = await desk.town.everything()
    status, page = await desk.send(f"/admin/members/{admin.no}/{what}", "/admin/members/add")
    assert status == 403
    assert "This is for organisers" in page
    assert await desk.town.everything() == before


async def test_a_pause_has_a_reason_and_an_end(desk: Desk) -> None:
    ana = await desk.town.member("Ana")
    here = f"/admin/members/{ana.no}"
    status, page = await desk.send(f"{here}/pause", here, reason=" ")
    assert status == 422
    assert "Please say why." in page
    assert await desk.send(f"{here}/pause", here, reason="Moved away") == (303, f"{here}?note=paused")
    member = await desk.member(ana.no)
    assert (member.state, member.state_reason) == (State.PAUSED, "Moved away")
    said = await desk.words(here)
    assert "Why paused Moved away" in said
    assert "End the pause" in said
    assert await desk.send(f"{here}/pause", here) == (303, f"{here}?note=resumed")
    assert (await desk.member(ana.no)).state is State.ACTIVE


async def test_the_last_admin_cannot_be_paused(desk: Desk) -> None:
    admin = await desk.town.member("Ada", Role.ADMIN)
    here = f"/admin/members/{admin.no}"
    assert (await desk.send(f"{here}/pause", here, reason="x"))[
        0
    ] == 403  # Rosa organises; this is not hers to do
    browser = await desk.town.browser_of(admin)
    answer = await browser.post(
        f"{here}/pause", data=hidden_of(await (await browser.get(here)).text()) | {"reason": "x"}
    )
    page = await answer.text()
    assert answer.status == 422
    assert "This is the last one who looks after the computer." in page


async def test_a_member_from_a_paper_form_is_added_once(desk: Desk) -> None:
    page = await (await desk.browser.get("/admin/members/add")).text()
    fields = hidden_of(page) | {
        "name": "Maud Ellis",
        "address": "1 Church End",
        "offer": "Knitting",
        "phone": "",
        "email": "",
    }
    for _ in range(2):
        answer = await desk.browser.post("/admin/members/add", data=fields, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, "/admin/members/2?note=added")
    member = await desk.member(2)
    assert (member.name, member.reach, member.address) == ("Maud Ellis", "letter", "1 Church End")
    _, members = await desk.town.node.store.read(find_members)
    assert members == 2
    assert await desk.deeds(2) == [Deed.ADDED]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": ""}, "Please fill in the name."),
        ({"email": "maud"}, "This is not an e-mail address."),
        ({"email": "rosa@example.org"}, "A member has this e-mail address already."),
        ({"name": "x" * 81}, "There is room for 80 characters."),
        ({"once": "x"}, "This cannot be read."),
    ],
)
async def test_a_paper_form_with_a_slip_is_shown_again(desk: Desk, fields: dict[str, str], said: str) -> None:
    page = await (await desk.browser.get("/admin/members/add")).text()
    before = await desk.town.everything()
    sent = hidden_of(page) | {"name": "Maud", "place": "Church End"} | fields
    answer = await desk.browser.post("/admin/members/add", data=sent)
    assert answer.status == 422
    shown = await answer.text()
    assert said in shown
    assert 'value="Church End"' in shown
    assert await desk.town.everything() == before


@pytest.mark.parametrize("no", ["7", "0", "x", "999999999999999"])
async def test_a_member_who_is_none_is_not_found(desk: Desk, no: str) -> None:
    assert (await desk.browser.get(f"/admin/members/{no}")).status == 404
    for what in ("limits", "pin", "link", "pause"):
        assert (await desk.send(f"/admin/members/{no}/{what}", "/admin/members/add"))[0] == 404


# --- The scheme --------------------------------------------------------------------------------------------------


async def test_what_visitors_read_follows_at_once(desk: Desk) -> None:
    fields = {
        "headline": "We share",
        "about": "One.\nTwo.",
        "meeting": "",
        "help_name": "Ada",
        "help_phone": "01632 960 999",
        "help_hours": "",
    }
    assert await desk.send("/admin/scheme/about", "/admin/scheme", **fields) == (
        303,
        "/admin/scheme?note=saved",
    )
    front = await (await desk.town.browser().get("/")).text()
    assert "We share" in front
    assert "Ring Ada" in front
    assert "Saved." in await desk.words("/admin/scheme?note=saved")


async def test_a_help_line_needs_a_name(desk: Desk) -> None:
    before = await desk.town.everything()
    status, page = await desk.send(
        "/admin/scheme/about", "/admin/scheme", headline="Kept as typed", help_name=""
    )
    assert status == 422
    assert "Kept as typed" in page
    assert await desk.town.everything() == before


async def test_limits_of_new_members_count_for_new_members(desk: Desk) -> None:
    ana = await desk.town.member("Ana")
    assert (await desk.send("/admin/scheme/limits", "/admin/scheme", lower="5", upper="8:30"))[0] == 303
    ben = await desk.town.member("Ben")
    assert (await desk.account(ben.no)).credit_limit == 300
    assert (await desk.account(ben.no)).ceiling == 510
    assert (await desk.account(ana.no)).credit_limit == 600
    status, page = await desk.send("/admin/scheme/limits", "/admin/scheme", lower="much", upper="")
    assert status == 422
    assert 'value="much"' in page


async def test_a_rate_is_announced_seven_days_ahead() -> None:
    """Source: docs/pages.md 0.1."""
    async with open_town(ACORNS, name="riverside") as town:
        rosa = await town.member("Rosa", Role.ORGANISER)
        desk = Desk(town, rosa, await town.browser_of(rosa))
        assert "1 hour is 12 Acorns." in await desk.words("/admin/scheme")
        status, place = await desk.send("/admin/scheme/rate", "/admin/scheme", hour_amount="13.50")
        assert (status, place) == (303, "/admin/scheme?note=announced")
        said = await desk.words("/admin/scheme")
        assert "1 hour is 12 Acorns. From 8 Jan 2026 it will be 13.50 Acorns." in said
        assert town.node.settings.rate().minor_per_hour == 1200
        town.clock.now += 7 * DAY_MS + 60_000
        assert town.node.settings.rate().minor_per_hour == 1350
        desk = Desk(town, rosa, await town.browser_of(rosa))
        assert "1 hour is 13.50 Acorns." in await desk.words("/admin/scheme")
        for wrong in ("", "0", "much", "1.234"):
            assert (await desk.send("/admin/scheme/rate", "/admin/scheme", hour_amount=wrong))[0] == 422


async def test_where_hours_are_counted_an_hour_is_an_hour(desk: Desk) -> None:
    assert "What an hour is here" not in await desk.words("/admin/scheme")
    assert (await desk.send("/admin/scheme/rate", "/admin/scheme", hour_amount="2"))[0] == 404


# --- Mail that was not sent --------------------------------------------------------------------------------------


async def test_unsent_mail_can_be_read_out_but_nothing_that_signs_in(paper: Desk) -> None:
    assert "No mail waits here." in await paper.words("/admin/outbox")
    await paper.apply("Ines", email="ines@example.org")
    await paper.town.node.sign_in.ask_code("rosa@example.org", "192.0.2.1")
    said = await paper.words("/admin/outbox")
    assert "This computer cannot send mail yet." in said
    assert "ines@example.org" in said
    assert "thank you. Somebody from Oakvale will be in touch." in said
    assert "Your code for Oakvale" in said
    assert "This mail lets its reader log in, so only its reader may see it." in said
    assert not re.search(r"\d{3} \d{3}\b(?! 123)", said.replace("01632 960 123", ""))
    assert "/login/link/" not in said


def test_an_organiser_is_named_in_what_is_done() -> None:
    assert Actor(no=1, name="Rosa", role=Role.ORGANISER).words("x", on_behalf_of="Ana").proved_by == "broker"


# --- What came back after a restore ------------------------------------------------------------------------------


async def test_what_came_back_is_said_in_plain_words(desk: Desk) -> None:
    """Rule 6.7 (b): trade by trade, whose account is unknown, and what only passed through."""
    assert "Nothing was ever lost here" in await desk.words("/admin/recovered")
    ana = await desk.town.member("Ana")
    account = (await desk.member(ana.no)).account_no
    now = desk.town.clock.now

    def restored(tx: Tx) -> None:
        no = tx.insert(
            insert(books.trade), reference=7, kind="out", state="set-aside", payer_no=account, payee_no=None, amount=120,
            text="", listing=None, other_scheme=bytes(32), other_name="", other_amount=3, other_unit="x", hours=1,
            entry_seq=None, created_ms=now, ended_ms=None, reason=None, late=False, entered_by="", once=None,
            corrects_no=None, corrected_by_no=None,
        )  # fmt: skip
        row = {"at_ms": now, "peer": bytes(32), "made_ms": now, "hours": 1, "amount": 120, "beyond": False}
        new = insert(restore.recovered)
        tx.insert(new, **row, kind="lock", trade_no=no, known=True)
        tx.insert(new, **{**row, "beyond": True}, kind="claim", trade_no=no, known=True)
        tx.insert(new, **row, kind="claim", trade_no=no, known=False)
        tx.insert(new, **row, kind="limit", trade_no=None, known=True)
        tx.insert(new, **row, kind="copy", trade_no=None, known=True)
        tx.insert(new, **row, kind="identity", trade_no=None, known=True)
        tx.insert(new, **row, kind="both-lost", trade_no=None, known=True)
        tx.insert(new, **row, kind="newer-copy", trade_no=None, known=True)
        tx.insert(new, **row, kind="books", trade_no=None, known=True)
        tx.insert(new, **row, kind="parted", trade_no=None, known=True)
        lacking = {"at_ms": now, "made_ms": now, "who": "Zoe", "amount": 0, "reference": None}
        tx.insert(insert(restore.missing), **lacking, kind="member", other="", text="")
        tx.insert(insert(restore.missing), **lacking, kind="listing", other="", text="Plum jam")
        gave = {**lacking, "amount": 120, "reference": 9}
        tx.insert(insert(restore.missing), **gave, kind="trade", other="Ben", text="bread")

    await desk.town.node.store.write(restored)
    assert "neighbours gave it back" in await desk.words("/admin")
    said = await desk.words("/admin/recovered")
    assert "Ana gives 2 hours to somebody at" in said
    assert "Ana received 2 hours from somebody at" in said
    assert "As it was" in said
    assert "Beyond the limit" in said
    assert "Member not known here" in said
    assert "1 other step on lines with neighbours came back" in said
    assert "A second computer works with our keys." in said
    assert "Neighbours know newer keys of ours" in said
    assert "both lost the same part of our books" in said
    assert "A neighbour keeps a sealed copy of our books that is newer" in said
    assert "Some accounts are not known here any more." in said
    assert "That copy has taken their place before anything was written" in said
    assert "what only the copy has is listed below" in said
    assert "Zoe became a member" in said
    assert "Zoe placed the listing “Plum jam”" in said
    assert "Zoe gave 2 hours to Ben: bread" in said
    assert "interlets keys rotate --all" in said
    assert await desk.send("/admin/recovered/entered", "/admin/recovered") == (
        303,
        "/admin/recovered?note=saved",
    )
    after = await desk.words("/admin/recovered")
    assert "Zoe" not in after
    assert "Ana gives 2 hours" in after
    desk.town.clock.now += 15 * 24 * 3600 * 1000
    desk.browser = await desk.town.browser_of(desk.rosa)
    assert "neighbours gave it back" not in await desk.words("/admin")
