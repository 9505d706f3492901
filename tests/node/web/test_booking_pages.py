"""Lending and letting on the pages: posting, the month, asking, answering, handing over, back. Rule 5.9; docs/pages.md 7.2, 8.5."""

from __future__ import annotations

import asyncio
import re

import pytest

from node.services.accounts import load
from node.services.acts import OPERATOR, Role
from node.services.booking_rows import bookings_of
from node.services.bookings import Booking
from node.wall import day_of
from protocol.limits import DAY_MS
from tests.node.web.oakvale import Oakvale, fields_of, text, words_of
from tests.node.web.towns import Browser, form_token_of

DRILL = {"kind": "lend", "title": "Drill", "text": "18 V"}
LENT = {"price_kind": "free", "category": "borrow-tools", "step": "day", "longest": "7", "approval": "yes"}
CARGO = {"kind": "rent", "title": "Cargo bike", "text": ""}
RENTED = {**LENT, "price_kind": "amount", "price": "1:30", "step": "hour", "longest": "8", "deposit": "3"}
ROOM = {"kind": "stay", "title": "Room", "text": ""}
LET = {**LENT, "price_kind": "amount", "price": "1", "step": "", "guests": "2", "approval": "no"}


async def sent(browser: Browser, path: str, **fields: str) -> tuple[int, str, str]:
    """Send a form; return status, where it leads, and the page."""
    answer = await browser.post(path, data=fields, allow_redirects=False)
    return answer.status, answer.headers.get("Location", "").partition("?")[0], await answer.text()


async def posted(browser: Browser, what: dict[str, str], terms: dict[str, str]) -> str:
    """Post a listing through all three steps; return its address."""
    page = await text(browser, "/post?kind=" + what["kind"])
    _, _, page = await sent(browser, "/post", **{**fields_of(page), **what})
    status, _, page = await sent(browser, "/post/price", **{**fields_of(page), **terms})
    assert status == 200, words_of(page)
    status, where, _ = await sent(browser, "/post/publish", **fields_of(page))
    assert status == 303
    return where


def day(oakvale: Oakvale, number: int) -> str:
    """Return a day as a date field sends it; 0 is today."""
    today = day_of(oakvale.town.node.bookings.wall(oakvale.town.clock.now))
    return today.fromordinal(today.toordinal() + number).isoformat()


async def checked(oakvale: Oakvale, browser: Browser, where: str, first: int, last: int, **more: str) -> str:
    """Fill in the form under the month; return the check page."""
    page = await text(browser, f"{where}/when")
    fields = {**fields_of(page), "from": day(oakvale, first), "until": day(oakvale, last), **more}
    status, _, page = await sent(browser, f"{where}/when", **fields)
    assert status == 200, words_of(page)
    return page


async def asked(oakvale: Oakvale, browser: Browser, where: str, first: int, last: int, **more: str) -> str:
    """Ask for a thing; return the address of the booking."""
    page = await checked(oakvale, browser, where, first, last, **more)
    status, booking, page = await sent(browser, f"{where}/book", **fields_of(page))
    assert status == 303, words_of(page)
    return booking


def act_of(page: str, name: str) -> dict[str, str]:
    """Return what the form of an act sends."""
    form = next(each for each in page.split("<form ") if f'/{name}"' in each.partition(">")[0])
    return fields_of(form)


async def done(browser: Browser, booking: str, name: str, **fields: str) -> None:
    page = await text(browser, booking)
    status, where, _ = await sent(browser, f"{booking}/{name}", **act_of(page, name), **fields)
    assert (status, where) == (303, booking)


async def all_of(oakvale: Oakvale) -> list[Booking]:
    lent, _ = await oakvale.town.node.store.read(bookings_of, oakvale.ana.account_no)
    return lent


async def test_ana_lends_ben_her_drill(oakvale: Oakvale) -> None:
    """From posting to having it back; whoever waits for whom is on the first page."""
    where = await posted(oakvale.browser, DRILL, LENT)
    shown = words_of(await text(oakvale.bens, where))
    assert "To lend Drill free" in shown
    assert "Booked by the day, at most 7 days Answer the owner says yes or no" in shown
    assert "See when it is free" in shown
    month = words_of(await text(oakvale.bens, f"{where}/when"))
    assert "free" in month
    assert "taken" not in month
    check = words_of(await checked(oakvale, oakvale.bens, where, 1, 2, text="For a shelf"))
    assert "Friday 2 January 2026 to Saturday 3 January 2026" in check
    assert "Ana says yes or no. Nothing is fixed before that." in check
    assert await all_of(oakvale) == []
    booking = await asked(oakvale, oakvale.bens, where, 1, 2, text="For a shelf")
    assert "Waiting for Ana to say yes." in words_of(await text(oakvale.bens, booking))
    assert "Ben asks for: Drill" in words_of(await text(oakvale.browser, "/home"))

    await done(oakvale.browser, booking, "yes")

    assert "Ben asks for: Drill" not in words_of(await text(oakvale.browser, "/home"))
    ours = words_of(await text(oakvale.bens, booking))
    assert "You may have it from Friday 2 January 2026 until Saturday 3 January 2026." in ours
    assert "Friday 2 January 2026: yours" in words_of(await text(oakvale.bens, f"{where}/when"))
    assert "Friday 2 January 2026: taken" in words_of(await text(oakvale.browser, f"{where}/when"))
    await done(oakvale.browser, booking, "handed-over", words="One battery is weak")
    assert "Ben has it until Saturday 3 January 2026." in words_of(await text(oakvale.browser, booking))
    await oakvale.later(3 * DAY_MS)
    assert "Please bring it back: Drill" in words_of(await text(oakvale.bens, "/home"))
    assert "Ben still has: Drill" in words_of(await text(oakvale.browser, "/home"))
    await done(oakvale.bens, booking, "brought-back")
    assert "Ben says it is back: Drill" in words_of(await text(oakvale.browser, "/home"))
    await done(oakvale.browser, booking, "back", words="As it was")
    end = words_of(await text(oakvale.bens, booking))
    assert "It is back." in end
    assert "Ana noted that it was handed over: “One battery is weak”" in end
    assert "Drill" not in words_of(await text(oakvale.bens, "/home")).partition("New near you")[0]
    assert await oakvale.balance(oakvale.ben) == 0


async def test_a_rented_thing_is_paid_with_everything_filled_in(oakvale: Oakvale) -> None:
    """By the hour, with the hours of a day in words; price times time goes into the pages about paying."""
    where = await posted(oakvale.browser, CARGO, RENTED)
    page = words_of(await text(oakvale.bens, where))
    assert "1 h 30 for an hour" in page
    assert "Deposit 3 hours" in page
    booking = await asked(oakvale, oakvale.bens, where, 1, 1, from_hour="10", until_hour="12")
    await done(oakvale.browser, booking, "yes")
    hours = words_of(await text(oakvale.browser, f"{where}/when?from={day(oakvale, 1)}"))
    assert "00:00 to 10:00 free 10:00 to 12:00 taken 12:00 to 00:00 free" in hours
    assert "Friday 2 January 2026: partly" in hours
    await done(oakvale.bens, booking, "handed-over")
    page = await text(oakvale.bens, booking)
    pay = re.search(r'href="(/record/what[^"]+)"', page)
    ask = re.search(r'href="(/ask/what[^"]+)"', await text(oakvale.browser, booking))
    assert pay
    assert ask
    assert 'value="3:00"' in await text(oakvale.bens, pay[1].replace("&amp;", "&"))
    assert 'value="Cargo bike"' in await text(oakvale.browser, ask[1].replace("&amp;", "&"))


async def test_a_room_is_booked_by_the_night_at_once(oakvale: Oakvale) -> None:
    where = await posted(oakvale.browser, ROOM, LET)
    assert "1 h a night" in words_of(await text(oakvale.bens, where))
    check = words_of(await checked(oakvale, oakvale.bens, where, 1, 3, guests="2"))
    assert "Friday 2 January 2026 to Sunday 4 January 2026" in check
    assert "Price 2 hours" in check
    booking = await asked(oakvale, oakvale.bens, where, 1, 3, guests="2")
    assert "Ana expects you on Friday 2 January 2026, until Sunday 4 January 2026." in words_of(
        await text(oakvale.bens, booking)
    )
    month = words_of(await text(oakvale.browser, f"{where}/when"))
    assert "Saturday 3 January 2026: taken" in month
    assert "Sunday 4 January 2026: free" in month


@pytest.mark.parametrize(
    "first, last, more, said",
    [
        (1, 0, {}, "The end is before the beginning."),
        (-1, -1, {}, "This time is over."),
        (1, 8, {}, "It is lent for 7 days at most."),
        (500, 500, {}, "This is too far ahead."),
        (1, 1, {"from": "tomorrow"}, "Please choose a day."),
        (1, 1, {"until": ""}, "Please choose a day."),
        (1, 1, {"text": "x" * 281}, "This is too long."),
    ],
)
async def test_a_time_that_does_not_fit_is_said_so(
    oakvale: Oakvale, first: int, last: int, more: dict[str, str], said: str
) -> None:
    where = await posted(oakvale.browser, DRILL, LENT)
    page = await text(oakvale.bens, f"{where}/when")
    fields = {**fields_of(page), "from": day(oakvale, first), "until": day(oakvale, last), **more}
    status, _, page = await sent(oakvale.bens, f"{where}/when", **fields)
    assert status == 422
    assert said in words_of(page)


@pytest.mark.parametrize(
    "what, terms, said",
    [
        (DRILL, {"longest": "0"}, "Please write a whole number from 1 to 366."),
        (DRILL, {"longest": ""}, "Please write a whole number from 1 to 366."),
        (DRILL, {"deposit": "-1"}, "Please write the amount without a minus."),
        (ROOM, {"guests": ""}, "Please write a whole number from 1 to 50."),
        (CARGO, {"price": ""}, "Please say how much."),
    ],
)
async def test_terms_that_cannot_be_read_are_asked_again(
    oakvale: Oakvale, what: dict[str, str], terms: dict[str, str], said: str
) -> None:
    page = await text(oakvale.browser, "/post")
    _, _, page = await sent(oakvale.browser, "/post", **{**fields_of(page), **what})
    base = {"lend": LENT, "rent": RENTED, "stay": LET}[what["kind"]]
    status, _, page = await sent(oakvale.browser, "/post/price", **{**fields_of(page), **base, **terms})
    assert status == 422
    assert said in words_of(page)


async def test_terms_are_changed_where_they_were_made(oakvale: Oakvale) -> None:
    where = await posted(oakvale.browser, CARGO, RENTED)
    page = await text(oakvale.browser, f"/post?listing={where.removeprefix('/l/')}")
    _, _, page = await sent(oakvale.browser, "/post", **{**fields_of(page), **CARGO})
    assert 'name="longest" type="text" value="8"' in page
    assert 'name="deposit" type="text" value="3:00"' in page
    _, _, page = await sent(oakvale.browser, "/post/price", **{**fields_of(page), **RENTED, "longest": "4"})
    await sent(oakvale.browser, "/post/publish", **fields_of(page))
    assert "by the hour, at most 4 hours" in words_of(await text(oakvale.bens, where))


async def test_one_form_asks_once_and_one_button_acts_once(oakvale: Oakvale) -> None:
    where = await posted(oakvale.browser, DRILL, LENT)
    page = fields_of(await checked(oakvale, oakvale.bens, where, 1, 1))
    answers = await asyncio.gather(*[sent(oakvale.bens, f"{where}/book", **page) for _ in range(3)])
    (booking,) = {leads for _, leads, _ in answers}
    yes = act_of(await text(oakvale.browser, booking), "yes")
    answers = await asyncio.gather(*[sent(oakvale.browser, f"{booking}/yes", **yes) for _ in range(3)])
    assert {answer[:2] for answer in answers} == {(303, booking)}
    again = {**yes, "once": act_of(await text(oakvale.browser, booking), "call-off")["once"]}
    _, _, page = await sent(oakvale.browser, f"{booking}/yes", **again)
    assert "Something else was done with it meanwhile." in words_of(page)
    assert len(await all_of(oakvale)) == 1


async def test_who_comes_second_can_wait_in_line(oakvale: Oakvale) -> None:
    where = await posted(oakvale.browser, DRILL, LENT)
    bens = await asked(oakvale, oakvale.bens, where, 1, 2)
    maud = await oakvale.town.browser_of(oakvale.maud)
    early = fields_of(await checked(oakvale, maud, where, 2, 3))
    await done(oakvale.browser, bens, "yes")
    _, _, page = await sent(maud, f"{where}/book", **early)
    assert "Somebody else has it then. Please choose another time." in words_of(page)
    check = words_of(await checked(oakvale, maud, where, 2, 3))
    assert "You can wait in line: when it becomes free, we tell you. Wait in line" in check
    mauds = await asked(oakvale, maud, where, 2, 3)
    assert "Somebody else has it then, and you are in line." in words_of(await text(maud, mauds))
    await done(oakvale.bens, bens, "call-off", words="Rain")
    assert "Waiting for Ana to say yes." in words_of(await text(maud, mauds))
    assert "Maud asks for: Drill" in words_of(await text(oakvale.browser, "/home"))


async def test_ana_keeps_it_for_herself(oakvale: Oakvale) -> None:
    where = await posted(oakvale.browser, DRILL, LENT)
    mine = await asked(oakvale, oakvale.browser, where, 1, 1)
    assert "You keep it for yourself then." in words_of(await text(oakvale.browser, mine))
    assert "Friday 2 January 2026: taken" in words_of(await text(oakvale.bens, f"{where}/when"))
    await done(oakvale.browser, mine, "call-off")
    assert "Friday 2 January 2026: free" in words_of(await text(oakvale.bens, f"{where}/when"))


async def test_a_booking_opens_for_nobody_else(oakvale: Oakvale) -> None:
    where = await posted(oakvale.browser, DRILL, LENT)
    booking = await asked(oakvale, oakvale.bens, where, 1, 1)
    yes = act_of(await text(oakvale.browser, booking), "yes")
    for member in (oakvale.maud, oakvale.rosa):
        browser = await oakvale.town.browser_of(member)
        await text(browser, booking, 404)
        token = form_token_of(await text(browser, "/my"))
        status, _, _ = await sent(browser, f"{booking}/yes", **{**yes, "form_token": token})
        assert status == 404
    token = form_token_of(await text(oakvale.bens, booking))
    _, _, page = await sent(oakvale.bens, f"{booking}/yes", **{**yes, "form_token": token})
    assert "Something else was done with it meanwhile." in words_of(page)
    assert [each.state.value for each in await all_of(oakvale)] == ["asked"]


async def test_what_no_page_of_ours_sent_asks_for_nothing(oakvale: Oakvale) -> None:
    """A check page bent on its way: another price, another time, other terms, no key."""
    where = await posted(oakvale.browser, CARGO, RENTED)
    page = fields_of(await checked(oakvale, oakvale.bens, where, 1, 1, from_hour="10", until_hour="12"))
    for bent, status in (
        ({"price": "1"}, 200), ({"terms": "hour-8-0-0-0"}, 200), ({"start": page["end"]}, 404), ({"start": "x"}, 404),
        ({"end": "9" * 9}, 200), ({"guests": "7"}, 200), ({"once": "x"}, 404), ({"price": "x"}, 404),
    ):  # fmt: skip
        answer = await sent(oakvale.bens, f"{where}/book", **{**page, **bent})
        assert answer[0] == status, (bent, words_of(answer[2]))
    assert await all_of(oakvale) == []


async def test_what_is_not_lent_has_no_month(oakvale: Oakvale) -> None:
    jam = await posted(
        oakvale.browser, {"kind": "offer", "title": "Jam", "text": ""}, {**LENT, "price_kind": "free"}
    )
    await text(oakvale.bens, f"{jam}/when", 404)
    assert "See when it is free" not in words_of(await text(oakvale.bens, jam))
    drill = await posted(oakvale.browser, DRILL, LENT)
    token = form_token_of(await text(oakvale.browser, "/my"))
    await sent(oakvale.browser, f"{drill}/hide", form_token=token)
    await text(oakvale.bens, f"{drill}/when", 404)


async def test_months_go_on_for_a_year(oakvale: Oakvale) -> None:
    where = await posted(oakvale.browser, DRILL, LENT)
    first = await text(oakvale.bens, f"{where}/when")
    assert "January 2026" in words_of(first)
    assert "Month before" not in words_of(first)
    assert "February 2026" in words_of(await text(oakvale.bens, f"{where}/when?month=2026-02"))
    last = words_of(await text(oakvale.bens, f"{where}/when?month=2027-01"))
    assert "January 2027" in last
    assert "Month after" not in last
    for wrong in ("2025-12", "2027-02", "x", "2026-13", "9999-12"):
        assert "January 2026" in words_of(await text(oakvale.bens, f"{where}/when?month={wrong}"))


# --- Deposits ------------------------------------------------------------------------------------------------

PLEDGED = {**LENT, "deposit": "2"}


async def held(oakvale: Oakvale) -> int:
    return (await oakvale.town.node.store.read(load, oakvale.ben.account_no)).value.held


async def taken_back(oakvale: Oakvale) -> str:
    """Let Ana lend Ben her drill and ask for 30 minutes of the deposit; return the address of the booking."""
    where = await posted(oakvale.browser, DRILL, PLEDGED)
    check = words_of(await checked(oakvale, oakvale.bens, where, 0, 0))
    assert "2 hours are set aside with the yes, and free again when it is back." in check
    booking = await asked(oakvale, oakvale.bens, where, 0, 0)
    await done(oakvale.browser, booking, "yes")
    assert await held(oakvale) == 120
    ours = words_of(await text(oakvale.bens, booking))
    assert "2 hours of yours are set aside as a deposit until it is back." in ours
    await done(oakvale.browser, booking, "handed-over")
    page = await text(oakvale.browser, booking)
    wrong = {**act_of(page, "back-broken"), "amount": "2:01", "words": "The chuck is bent"}
    _, _, page = await sent(oakvale.browser, f"{booking}/back-broken", **wrong)
    assert "That is more than the deposit." in words_of(page)
    page = await text(oakvale.browser, booking)
    status, _, said = await sent(
        oakvale.browser, f"{booking}/back-broken", **{**act_of(page, "back-broken"), "amount": ""}
    )
    assert status == 422
    assert "Please say how much." in words_of(said)
    await done(oakvale.browser, booking, "back-broken", amount="30 min", words="The chuck is bent")
    return booking


async def test_ben_agrees_that_some_of_the_deposit_is_kept(oakvale: Oakvale) -> None:
    """Rule 7.8: by his yes, which is on his first page; once."""
    booking = await taken_back(oakvale)
    assert "Drill, from Ana" in words_of(await text(oakvale.bens, "/home"))
    page = await text(oakvale.bens, booking)
    assert "Ana asks to keep 30 minutes of the deposit of 2 hours." in words_of(page)
    assert "“The chuck is bent”" in words_of(page)
    yes = act_of(page, "keep")
    answers = await asyncio.gather(*[sent(oakvale.bens, f"{booking}/keep", **yes) for _ in range(3)])
    assert {answer[:2] for answer in answers} == {(303, booking)}
    assert (await held(oakvale), await oakvale.balance(oakvale.ben)) == (0, -30)
    assert await oakvale.balance(oakvale.ana) == 30
    assert "Drill" in words_of(await text(oakvale.bens, "/statement"))
    token = form_token_of(await text(oakvale.browser, "/my"))
    again = {"form_token": token, "once": "A" * 22}
    _, _, said = await sent(oakvale.browser, f"{booking}/let-go", **again)
    assert "Something else was done with it meanwhile." in words_of(said)


async def test_ana_lets_the_deposit_go(oakvale: Oakvale) -> None:
    booking = await taken_back(oakvale)
    await done(oakvale.browser, booking, "let-go")
    assert "The deposit is free again." in words_of(await text(oakvale.bens, booking))
    assert (await held(oakvale), await oakvale.balance(oakvale.ben)) == (0, 0)


async def test_two_organisers_let_an_owner_keep_it_and_one_does_not(oakvale: Oakvale) -> None:
    """Rules 6.9, 7.8."""
    otto = await oakvale.town.member("Otto", Role.ORGANISER)
    await oakvale.later(8 * DAY_MS)
    booking = await taken_back(oakvale)
    rosas, ottos = await oakvale.town.browser_of(oakvale.rosa), await oakvale.town.browser_of(otto)
    desk = await text(rosas, "/admin/together")
    assert "Ana asks to keep 30 minutes of Ben’s deposit" in words_of(desk)
    token = form_token_of(desk)
    number = booking.rpartition("/")[2]
    ask = f"/admin/together/deposit/{number}"
    assert (await sent(rosas, "/admin/together/deposit/99", form_token=token))[0] == 422
    assert (await sent(rosas, ask, form_token=token))[0] == 303
    desk = words_of(await text(rosas, "/admin/together"))
    assert "You asked for it. Another organiser must confirm it" in desk
    (confirm,) = re.findall(r'action="([^"]+/confirm)"', await text(ottos, "/admin/together"))
    assert (await sent(rosas, confirm, form_token=token))[0] == 422
    assert await held(oakvale) == 120
    token = form_token_of(await text(ottos, "/admin/together"))
    assert (await sent(ottos, confirm, form_token=token))[0] == 303
    assert (await held(oakvale), await oakvale.balance(oakvale.ben)) == (0, -30)
    assert "Two organisers said that some of the deposit is kept" in words_of(
        await text(oakvale.bens, booking)
    )
    assert (await sent(ottos, confirm, form_token=token))[0] == 422
    assert await oakvale.balance(oakvale.ana) == 30


async def test_whoever_it_is_about_is_none_of_the_two(oakvale: Oakvale) -> None:
    """Rule 7.8: an organiser neither asks that their own deposit is kept, nor that they keep another's, nor confirms it."""
    await oakvale.later(8 * DAY_MS)
    booking = await taken_back(oakvale)
    for member in (oakvale.ana, oakvale.ben):
        await oakvale.town.node.people.set_role(OPERATOR, member.no, Role.ORGANISER)
    number = booking.rpartition("/")[2]
    for member in (oakvale.ana, oakvale.ben):
        browser = await oakvale.town.browser_of(member)
        token = form_token_of(await text(browser, "/admin/together"))
        status, _, page = await sent(browser, f"/admin/together/deposit/{number}", form_token=token)
        assert status == 422
        assert "You are one of the two it is about. Two other organisers decide." in words_of(page)
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    token = form_token_of(await text(rosas, "/admin/together"))
    assert (await sent(rosas, f"/admin/together/deposit/{number}", form_token=token))[0] == 303
    desk = await text(await oakvale.town.browser_of(oakvale.ana), "/admin/together")
    assert "You are one of the two it is about." in words_of(desk)
    assert "/confirm" not in desk
    assert await held(oakvale) == 120
