"""Asking to be paid, and answering, within the scheme. docs/pages.md 0.8, 0.10, 4, 8.6."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urlencode

import pytest

from node.services.acts import OPERATOR, Role
from node.services.asks import CannotAsk, NewAsk, Why
from node.services.mail_wishes import Level
from node.services.members import Member
from node.web.forms import once_key
from node.web.pages.choosing import shares
from protocol.limits import ASK_VALID_MS, ASKS_A_DAY_MAX, ASKS_OPEN_MAX, ASKS_OPEN_OF_TWO_MAX, DAY_MS
from tests.node.web.oakvale import Oakvale, fields_of, text, words_of
from tests.node.web.towns import Browser, form_token_of

SCRIPT = "<script>alert(1)</script>"


async def sent(browser: Browser, path: str, **fields: str) -> tuple[int, str, str]:
    """Send a form; return status, where it leads, and the page."""
    answer = await browser.post(path, data=fields, allow_redirects=False)
    return answer.status, answer.headers.get("Location", "").partition("?")[0], await answer.text()


async def check(
    oakvale: Oakvale, who: str, what: str = "Bike repair", amount: str = "2", share: str = "each"
) -> str:
    """Fill in what Ana gave; return the check page."""
    page = await text(oakvale.browser, "/ask/what?" + urlencode({"who": who}))
    _, _, checked = await sent(
        oakvale.browser, "/ask/what", **{**fields_of(page), "what": what, "amount": amount, "share": share}
    )
    return checked


async def asked(oakvale: Oakvale, who: Member | None = None, what: str = "Bike repair") -> str:
    """Let Ana ask for two hours; return the address of the request."""
    page = await check(oakvale, (who or oakvale.ben).number, what)
    status, where, _ = await sent(oakvale.browser, "/ask/do", **fields_of(page))
    assert status == 303
    return where


async def answer(browser: Browser, where: str, word: str, **fields: str) -> tuple[int, str, str]:
    """Press a button of a request's page, also one it has no more."""
    token = form_token_of(await text(browser, "/my"))
    return await sent(browser, f"{where}/{word}", form_token=token, **fields)


async def test_ana_asks_and_ben_says_yes(oakvale: Oakvale) -> None:
    page = words_of(await check(oakvale, oakvale.ben.number))
    assert "You ask for: Bike repair Ben 2 hours" in page
    assert "Nothing moves before a yes." in page
    where = await asked(oakvale)
    mine = words_of(await text(oakvale.browser, where))
    assert "You ask Ben for 2 hours" in mine
    assert "Waiting for Ben to say yes. Nothing has moved." in mine
    assert await oakvale.balance(oakvale.ben) == 0
    home = words_of(await text(oakvale.bens, "/home"))
    assert "Ana asks you for 2 hours Bike repair Say yes or no" in home
    shown = words_of(await text(oakvale.bens, where))
    assert "You have 0 hours now and are 2 hours behind afterwards. Nothing has moved yet." in shown

    status, done, _ = await answer(oakvale.bens, where, "yes")

    assert status == 303
    assert "You gave 2 hours." in words_of(await text(oakvale.bens, done))
    assert (await oakvale.balance(oakvale.ana), await oakvale.balance(oakvale.ben)) == (120, -120)
    assert "Say yes or no" not in words_of(await text(oakvale.bens, "/home"))
    for browser in (oakvale.browser, oakvale.bens):
        ended = await text(browser, where)
        assert "It is paid." in words_of(ended)
        assert done.removesuffix("/check") in ended
        assert "Yes, pay" not in words_of(ended)


async def test_a_yes_said_twice_and_on_two_devices_pays_once(oakvale: Oakvale) -> None:
    """pages.md 8.6; double clicks, two devices, and the form sent again next week."""
    where = await asked(oakvale)
    other = await oakvale.town.browser_of(oakvale.ben)
    pages = [await text(browser, where) for browser in (oakvale.bens, other)]
    first, second, third = await asyncio.gather(
        *[
            sent(browser, f"{where}/yes", form_token=form_token_of(page))
            for browser, page in ((oakvale.bens, pages[0]), (other, pages[1]), (oakvale.bens, pages[0]))
        ]
    )
    assert first[:2] == second[:2] == third[:2]
    assert first[0] == 303
    assert await oakvale.balance(oakvale.ben) == -120
    status, leads, _ = await answer(other, where, "no", reason="not-me")
    assert (status, leads) == (303, where)
    assert "It is paid." in words_of(await text(other, where))


async def test_one_form_asks_once(oakvale: Oakvale) -> None:
    page = fields_of(await check(oakvale, oakvale.ben.number))
    answers = await asyncio.gather(*[sent(oakvale.browser, "/ask/do", **page) for _ in range(3)])
    assert len({where for _, where, _ in answers}) == 1
    assert words_of(await text(oakvale.bens, "/asks")).count("Ana asks you for 2 hours") == 1
    # The key is the member's own: somebody else's form with it asks for them, and shows nothing of this.
    asks, maud = oakvale.town.node.asks, NewAsk(payee=oakvale.maud, payer=oakvale.ben, amount=60, text="Eggs")
    (other,) = await asks.ask([maud], once_key(page["once"]))
    assert (other.payee_no, other.text) == (oakvale.maud.account_no, "Eggs")


async def test_ben_says_no_with_a_reason(oakvale: Oakvale) -> None:
    where = await asked(oakvale)
    status, _, page = await answer(oakvale.bens, where, "no")
    assert status == 422
    assert "Please say why." in words_of(page)
    status, _, page = await answer(oakvale.bens, where, "no", reason="other")
    assert status == 422
    status, leads, _ = await answer(oakvale.bens, where, "no", reason="not-me", said="wrong Ana")
    assert (status, leads) == (303, where)
    told = words_of(await text(oakvale.browser, where))
    assert "Ben said no. “It was not me: wrong Ana” Nothing moved." in told
    assert "Declined" in words_of(await text(oakvale.browser, "/asks"))
    status, leads, _ = await answer(oakvale.bens, where, "yes")
    assert (status, leads) == (303, where)
    assert await oakvale.balance(oakvale.ben) == 0


async def test_ana_takes_it_back(oakvale: Oakvale) -> None:
    where = await asked(oakvale)
    token = form_token_of(await text(oakvale.bens, where))
    assert (await answer(oakvale.browser, where, "withdraw"))[0] == 303
    assert (await sent(oakvale.bens, f"{where}/yes", form_token=token))[1] == where
    assert await oakvale.balance(oakvale.ben) == 0
    assert "Ana took it back. Nothing moved." in words_of(await text(oakvale.bens, where))
    assert (await answer(oakvale.browser, where, "withdraw"))[1] == where


async def test_silence_never_spends(oakvale: Oakvale) -> None:
    """pages.md 0.10: after 14 days it has run out, on every page, and a yes is no yes any more."""
    where = await asked(oakvale)
    await oakvale.later(ASK_VALID_MS - 1)
    assert "Say yes or no" in words_of(await text(oakvale.bens, "/home"))
    await oakvale.later(1)
    assert "Say yes or no" not in words_of(await text(oakvale.bens, "/home"))
    assert "Nobody answered in time. Nothing moved." in words_of(await text(oakvale.browser, where))
    status, leads, _ = await answer(oakvale.bens, where, "yes")
    assert (status, leads) == (303, where)
    assert await oakvale.balance(oakvale.ben) == 0
    again = next(
        href
        for href in re.findall(r'href="([^"]+)"', await text(oakvale.browser, where))
        if "/ask/what" in href
    )
    assert "Bike repair" in await text(oakvale.browser, again.replace("&amp;", "&"))


async def test_limits_count_when_it_is_answered(oakvale: Oakvale) -> None:
    """The request may ask for more than Ben has; only his yes is looked at, and it stays open."""
    page = await check(oakvale, oakvale.ben.number, amount="11")
    _, where, _ = await sent(oakvale.browser, "/ask/do", **fields_of(page))
    status, _, stopped = await answer(oakvale.bens, where, "yes")
    assert status == 200
    assert "This would take you too far behind" in words_of(stopped)
    assert await oakvale.balance(oakvale.ben) == 0
    await oakvale.town.node.people.set_limits(OPERATOR, oakvale.ben.no, 700, None, why="more")
    assert (await answer(oakvale.bens, where, "yes"))[0] == 303
    assert await oakvale.balance(oakvale.ben) == -660


async def test_a_paused_member_answers_nothing_and_asks_nobody(oakvale: Oakvale) -> None:
    where = await asked(oakvale)
    assert (await act(oakvale.bens, "/my/away", "/my/away", until="2026-01-01"))[0] == 303
    for later, state in ((0, "away"), (DAY_MS, "active")):
        oakvale.town.clock.now += later
        await oakvale.town.node.people.bring_back()
        found = await oakvale.town.node.people.member(oakvale.ben.no)
        assert found is not None
        assert found.state.value == state
    await oakvale.later(0)
    await oakvale.town.node.people.pause(OPERATOR, oakvale.ben.no, why="a talk first")
    token = form_token_of(await text(oakvale.bens, "/my"))
    status, _, page = await sent(oakvale.bens, f"{where}/yes", form_token=token)
    assert status == 200
    assert "You are paused" in words_of(page)
    assert "You are paused" in words_of(await text(oakvale.bens, "/ask"))
    await oakvale.town.node.people.resume(OPERATOR, oakvale.ben.no)
    await oakvale.town.node.people.pause(OPERATOR, oakvale.ana.no, why="a talk first")
    status, _, page = await sent(oakvale.bens, f"{where}/yes", form_token=token)
    assert "Ana cannot trade now" in words_of(page)
    assert await oakvale.balance(oakvale.ben) == 0


# --- several ------------------------------------------------------------------------------------------------


def test_shares_differ_by_the_smallest_part_and_lose_nothing() -> None:
    for total in range(1, 60):
        for people in range(1, total + 1):
            parts = shares(total, people)
            assert sum(parts) == total
            assert max(parts) - min(parts) <= 1


async def test_a_lunch_is_asked_of_several_and_each_answers_alone(oakvale: Oakvale) -> None:
    who = f"{oakvale.ben.number},{oakvale.maud.number}"
    page = await check(oakvale, who, "Lunch", "1:31", "all")
    assert "Ben 46 minutes Maud 45 minutes Together: 1 hour 31 minutes" in words_of(page)
    status, where, _ = await sent(oakvale.browser, "/ask/do", **fields_of(page))
    assert (status, where) == (303, "/asks")
    href = re.search(r'href="(/asks/\d+)"', await text(oakvale.bens, "/asks"))
    assert href
    assert (await answer(oakvale.bens, href[1], "yes"))[0] == 303
    assert await oakvale.balance(oakvale.ben) == -46
    assert await oakvale.balance(oakvale.maud) == 0


async def test_several_are_chosen_by_links_and_paid_at_once(oakvale: Oakvale) -> None:
    """All or nobody; the same form again pays nobody twice."""
    page = await text(oakvale.browser, "/record?several=1&q=ben")
    assert f"/record?with={oakvale.ben.number}" in page
    page = await text(oakvale.browser, f"/record?with={oakvale.ben.number}&q=maud")
    assert f"/record?with={oakvale.ben.number},{oakvale.maud.number}" in page
    who = f"{oakvale.ben.number},{oakvale.maud.number}"
    form = await text(oakvale.browser, f"/record/several?who={who}")
    assert "What do you pay Ben and Maud for?" in words_of(form)
    _, _, checked = await sent(
        oakvale.browser, "/record/several", **fields_of(form), what="Help", amount="1", share="each"
    )
    assert "You give 2 hours together." in words_of(checked)
    fields = fields_of(checked)
    first = await oakvale.browser.post("/record/several/do", data=fields)
    again = await oakvale.browser.post("/record/several/do", data=fields)
    assert first.url == again.url
    assert "All of them are paid for: Help" in words_of(await again.text())
    assert (await oakvale.balance(oakvale.ana), await oakvale.balance(oakvale.ben)) == (-120, 60)
    bens = await oakvale.bens.get(str(first.url.path_qs))
    assert bens.status == 404, "only whoever paid sees the list"


async def test_several_are_paid_together_or_not_at_all(oakvale: Oakvale) -> None:
    await oakvale.town.node.people.set_limits(OPERATOR, oakvale.maud.no, 0, 30, why="little")
    who = f"{oakvale.ben.number},{oakvale.maud.number}"
    form = await text(oakvale.browser, f"/record/several?who={who}")
    _, _, checked = await sent(
        oakvale.browser, "/record/several", **fields_of(form), what="Help", amount="1", share="each"
    )
    status, _, page = await sent(oakvale.browser, "/record/several/do", **fields_of(checked))
    assert status == 200
    assert "so nobody was paid" in words_of(page)
    assert [await oakvale.balance(each) for each in (oakvale.ana, oakvale.ben, oakvale.maud)] == [0, 0, 0]


@pytest.mark.parametrize("who", ["0002,0002", "0002,9999", "x", ",".join(f"{n:04}" for n in range(1, 40))])
async def test_a_list_of_people_no_page_wrote_is_no_page(oakvale: Oakvale, who: str) -> None:
    for path in ("/record/several?who=", "/ask/what?who=", "/ask?with="):
        assert (await oakvale.browser.get(path + who)).status == 404


# --- being told ---------------------------------------------------------------------------------------------


async def test_mail_tells_who_is_asked_and_opening_its_link_changes_nothing(oakvale: Oakvale) -> None:
    """pages.md 0.8, 13.9: the link needs a signed-in reader, and a button."""
    where = await asked(oakvale)
    mail = (await oakvale.town.mails())[-1]
    assert mail.recipient == "ben@example.org"
    assert mail.subject == "Ana asks you for 2 hours: yes or no?"
    assert f"http://oakvale.test{where}" in mail.text
    stranger = await oakvale.town.browser().get(where, allow_redirects=False)
    assert stranger.status == 303
    assert stranger.headers["Location"].startswith("/login")
    before = await oakvale.town.everything()
    await text(oakvale.bens, where)
    after = await oakvale.town.everything()
    assert {name: rows for name, rows in after.items() if name != "session"} == {
        name: rows for name, rows in before.items() if name != "session"
    }
    await oakvale.town.node.wishes.choose(oakvale.ana, Level.AT_ONCE)
    await answer(oakvale.bens, where, "yes")
    mail = (await oakvale.town.mails())[-1]
    assert (mail.recipient, mail.subject) == ("ana@example.org", "Ben said yes: Bike repair")


async def test_a_reminder_goes_once_a_day(oakvale: Oakvale) -> None:
    where = await asked(oakvale)
    assert "Remind" not in words_of(await text(oakvale.browser, where))
    assert (await answer(oakvale.browser, where, "remind"))[0] == 303
    assert len(await oakvale.town.mails()) == 1
    await oakvale.later(DAY_MS)
    assert "Remind them" in words_of(await text(oakvale.browser, where))
    await answer(oakvale.browser, where, "remind")
    await answer(oakvale.browser, where, "remind")
    assert len(await oakvale.town.mails()) == 2


# --- what nobody may do -------------------------------------------------------------------------------------


async def test_a_request_opens_for_its_parties_only(oakvale: Oakvale) -> None:
    """Forced browsing: for Maud, and for Rosa who organises, it is as if it did not exist."""
    where = await asked(oakvale)
    before = await oakvale.town.everything()
    for member in (oakvale.maud, oakvale.rosa):
        browser = await oakvale.town.browser_of(member)
        missing = await browser.get("/asks/999999")
        foreign = await browser.get(where)
        assert (foreign.status, missing.status) == (404, 404)
        token = form_token_of(await text(browser, "/my"))
        for word in ("yes", "no", "withdraw", "remind"):
            assert (await sent(browser, f"{where}/{word}", form_token=token, reason="not-me"))[0] == 404
    # Nor may one party do what is the other's.
    token = form_token_of(await text(oakvale.browser, where))
    for word in ("yes", "no"):
        assert (await sent(oakvale.browser, f"{where}/{word}", form_token=token, reason="not-me"))[0] == 404
    token = form_token_of(await text(oakvale.bens, where))
    for word in ("withdraw", "remind"):
        assert (await sent(oakvale.bens, f"{where}/{word}", form_token=token))[0] == 404
    assert (await oakvale.town.everything())["ask"] == before["ask"]
    assert (await oakvale.town.everything())["entry"] == before["entry"]


async def test_no_form_counts_without_its_token(oakvale: Oakvale) -> None:
    """CSRF, and a token of another browser."""
    where = await asked(oakvale)
    foreign = form_token_of(await text(oakvale.browser, where))
    before = await oakvale.town.everything()
    for token in ("", "x", foreign):
        for path in (
            f"{where}/yes",
            f"{where}/no",
            "/ask/do",
            "/ask/what",
            "/record/several",
            "/record/several/do",
        ):
            status, _, _ = await sent(
                oakvale.bens, path, form_token=token, reason="not-me", who="0001", what="x"
            )
            assert status == 403, path
    assert (await oakvale.town.everything())["ask"] == before["ask"]


async def test_a_script_in_any_field_is_text(oakvale: Oakvale) -> None:
    where = await asked(oakvale, what=SCRIPT)
    await answer(oakvale.bens, where, "no", reason="other", said=SCRIPT)
    other = await asked(oakvale, what=SCRIPT + "2")
    for browser in (oakvale.browser, oakvale.bens):
        for path in (where, other, "/asks", "/home", "/record?q=" + SCRIPT, "/ask?q=" + SCRIPT):
            page = await text(browser, path)
            assert "<script>alert" not in page, path
    assert SCRIPT in words_of(await text(oakvale.browser, where))


async def test_nobody_is_pestered(oakvale: Oakvale) -> None:
    """docs/limits.md: to one person, open in all, and within a day."""
    for number in range(ASKS_OPEN_OF_TWO_MAX):
        await asked(oakvale, what=f"Thing {number}")
    page = await check(oakvale, oakvale.ben.number, "One more")
    _, _, stopped = await sent(oakvale.browser, "/ask/do", **fields_of(page))
    assert "Some of your requests wait with this person already." in words_of(stopped)
    page = await check(oakvale, oakvale.maud.number, "Thing 0")
    assert (await sent(oakvale.browser, "/ask/do", **fields_of(page)))[0] == 303
    page = await check(oakvale, oakvale.maud.number, "Thing 0")
    _, _, stopped = await sent(oakvale.browser, "/ask/do", **fields_of(page))
    assert "You asked for exactly this already" in words_of(stopped)


@pytest.mark.parametrize("taken_back, why", [(False, Why.OPEN), (True, Why.TODAY)])
async def test_a_member_has_so_many_open_and_sends_so_many_a_day(
    oakvale: Oakvale, taken_back: bool, why: Why
) -> None:
    asks, people = oakvale.town.node.asks, [await oakvale.town.member(f"P{n}") for n in range(20)]
    most = ASKS_A_DAY_MAX if taken_back else ASKS_OPEN_MAX
    for number in range(most):
        new = NewAsk(payee=oakvale.ana, payer=people[number % 20], amount=1, text=f"Thing {number}")
        (made,) = await asks.ask([new], number.to_bytes(16, "big"))
        if taken_back:
            await asks.withdraw(made.no, oakvale.ana.account_no)
    with pytest.raises(CannotAsk) as refused:
        await asks.ask(
            [NewAsk(payee=oakvale.ana, payer=oakvale.maud, amount=1, text="One more")], bytes(15) + b"\xff"
        )
    assert refused.value.why is why
    # The limit of a day is over the next day; what waits, waits.
    oakvale.town.clock.now += DAY_MS
    one = [NewAsk(payee=oakvale.ana, payer=oakvale.maud, amount=1, text="One more")]
    if taken_back:
        await asks.ask(one, bytes(15) + b"\xfe")
    else:
        with pytest.raises(CannotAsk):
            await asks.ask(one, bytes(15) + b"\xfe")


# --- where silence counts: rule 3.11 -----------------------------------------------------------------------------


async def act(browser: Browser, path: str, page: str, **fields: str) -> tuple[int, str, str]:
    """Send a form that stands on a page."""
    return await sent(browser, path, form_token=form_token_of(await text(browser, page)), **fields)


async def test_the_rule_is_made_by_two_shown_where_one_is_asked_and_can_be_ended(oakvale: Oakvale) -> None:
    """Rules 3.11, 6.9; pages.md 0.10, 7.4: on the page of the rule, of the request, and on the first page."""
    town, node = oakvale.town, oakvale.town.node
    otto = await town.member("Otto", Role.ORGANISER)
    await oakvale.later(8 * DAY_MS)
    rosas, ottos = await town.browser_of(oakvale.rosa), await town.browser_of(otto)
    rules = "/admin/rules"
    assert rules in await text(rosas, "/admin/scheme")
    assert "Here silence is no yes" in words_of(await text(rosas, rules))
    for name, path in (("ask_days", f"{rules}/days"), ("silence_days", f"{rules}/silence")):
        for wrong in ("", "2", "61", "x", "1e1", "-7", "\N{SUPERSCRIPT TWO}"):
            status, _, page = await act(rosas, path, rules, **{name: wrong})
            assert status == 422
            assert "Please write a number of days from" in words_of(page) or not wrong
    assert (await act(rosas, f"{rules}/days", rules, ask_days="20"))[:2] == (303, rules)
    assert node.settings.now.ask_days == 20
    assert "They have until Thursday 29 January 2026; then it runs out." in words_of(
        await check(oakvale, oakvale.ben.number)
    )
    assert (await act(rosas, f"{rules}/silence", rules, silence_days="14"))[:2] == (303, "/admin/together")
    assert "It is asked for, and waits for another organiser." in words_of(await text(ottos, rules))
    assert "Let silence count as a yes after 14 days" in words_of(await text(ottos, "/admin/together"))
    assert (await act(ottos, "/admin/together/1/confirm", "/admin/together"))[0] == 303
    assert "Who does not answer for 14 days has said yes." in words_of(await text(rosas, rules))

    checked = words_of(await check(oakvale, oakvale.ben.number))
    assert "says neither until Friday 23 January 2026 has said yes, by the rule of our scheme" in checked
    where = await asked(oakvale)
    day = "it counts as your yes on Friday 23 January 2026."
    assert day in words_of(await text(oakvale.bens, "/home"))
    assert day in words_of(await text(oakvale.bens, where))
    assert "it counts as a yes on Friday 23 January 2026." in words_of(await text(oakvale.browser, where))
    for _ in range(60):
        town.clock.now += DAY_MS // 4
        await node.ask_silence.look()
        await node.outbox.send_due()
    await oakvale.later(0)
    shown = await text(oakvale.bens, where)
    assert "You did not answer, and by the rule of our scheme that counted as your yes." in words_of(shown)
    assert "Ben did not answer" in words_of(await text(oakvale.browser, where))
    (trade,) = set(re.findall(r'href="(/t/[^"]+)"', shown))
    assert f"{trade}/wrong" in await text(oakvale.bens, trade)
    assert await oakvale.balance(oakvale.ben) == -120
    rosas = await town.browser_of(oakvale.rosa)
    assert (await act(rosas, f"{rules}/silence/end", rules))[:2] == (303, rules)
    assert node.settings.now.silence_days == 0


async def test_who_is_away_says_so_and_what_they_are_asked_waits(oakvale: Oakvale) -> None:
    """pages.md 7.2, 8.10."""
    where = await asked(oakvale)
    assert "/my/away" in await text(oakvale.bens, "/my/settings")
    for wrong in ("", "soon", "2025-12-31", "2027-02-01"):
        assert (await act(oakvale.bens, "/my/away", "/my/away", until=wrong))[0] == 422
    assert (await act(oakvale.bens, "/my/away", "/my/away", until="2026-01-10"))[0] == 303
    assert "You are away until Saturday 10 January 2026" in words_of(await text(oakvale.bens, "/my/away"))
    assert "Away until 10 Jan 2026" in words_of(await text(oakvale.browser, f"/people/{oakvale.ben.number}"))
    assert "it runs out on Sunday 25 January 2026" in words_of(await text(oakvale.bens, where))
    assert (await act(oakvale.bens, "/my/away/back", "/my/away"))[0] == 303
    assert "it runs out on Thursday 15 January 2026" in words_of(await text(oakvale.bens, where))
    await oakvale.town.node.people.pause(oakvale.rosa.acts("pin"), oakvale.ben.no, why="asked to")
    assert (await act(oakvale.bens, "/my/away", "/my/away", until="2026-01-10"))[0] == 422
