"""Members' own pages through the door: home, recording a trade here, the trade, people, settings. docs/pages.md 7.2, 8.6."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest

from node.services.acts import OPERATOR
from node.services.sign_in import SignedIn
from node.web.present import reference
from tests.node.web.oakvale import Oakvale, fields_of, text, words_of
from tests.node.web.test_pages import FORBIDDEN, Seen
from tests.node.web.towns import PIN, form_token_of, send

# --- Recording ----------------------------------------------------------------------------------------------------


async def test_a_trade_is_recorded_in_four_pages(oakvale: Oakvale) -> None:
    """pages.md 0.11, 8.6, 13.1."""
    assert "Who helped you?" in words_of(await text(oakvale.browser, "/record"))
    found = await text(oakvale.browser, "/record?q=be")
    assert f"/record/what?who={oakvale.ben.number}" in found
    check = words_of(await oakvale.check("Bike repair", "90 min"))
    assert "Ben gets 1 hour 30 minutes." in check
    assert "You give 1 hour 30 minutes." in check
    assert "You have 0 hours now and are 1 hour 30 minutes behind afterwards. Nothing has moved yet." in check
    assert await oakvale.trades() == []

    done = await oakvale.record("Bike repair", "1,5")

    page = words_of(await text(oakvale.browser, done))
    assert "Done" in page
    assert "You gave 1 hour 30 minutes." in page
    assert "You are 1 hour 30 minutes behind now." in page
    assert (await oakvale.balance(oakvale.ana), await oakvale.balance(oakvale.ben)) == (-90, 90)


async def test_the_same_form_sent_twice_records_once(oakvale: Oakvale) -> None:
    """pages.md 6.5: pressed twice, or sent again by Reload."""
    fields = fields_of(await oakvale.check())
    places = {
        (await oakvale.browser.post("/record/do", data=fields, allow_redirects=False)).headers["Location"]
        for _ in range(3)
    }
    assert len(places) == 1
    assert len(await oakvale.trades()) == 1


async def test_the_same_within_ten_minutes_is_asked_about(oakvale: Oakvale) -> None:
    """pages.md 8.6."""
    await oakvale.record()
    assert "Again?" in words_of(await oakvale.check())
    assert "Again?" not in words_of(await oakvale.check("Bike repair", "1:00"))
    oakvale.town.clock.now += 11 * 60_000
    assert "Again?" not in words_of(await oakvale.check())


@pytest.mark.parametrize(
    "what, amount, sentence",
    [
        ("", "1:30", "Please say what it was."),
        ("Bread", "", "Please say how much."),
        ("Bread", "1.30", "Do you mean 1 h 30 or 1 h 18?"),
        ("Bread", "-1", "Please write the amount without a minus."),
        ("Bread", "lots", "Please write a time, for example 2, 1:30 or 90 min."),
    ],
)
async def test_a_slip_of_the_pen_is_named_and_nothing_has_to_be_typed_twice(
    oakvale: Oakvale, what: str, amount: str, sentence: str
) -> None:
    page = await oakvale.check(what, amount)
    assert sentence in words_of(page)
    assert f'value="{what}"' in page
    assert f'value="{amount}"' in page


async def test_limits_are_named_before_the_check_page(oakvale: Oakvale) -> None:
    """pages.md 8.6: credit limit 10 hours."""
    page = words_of(await oakvale.check("House painting", "11"))
    assert "This would take you too far behind" in page
    assert "You can go to 10 hours behind. This would be 11 hours." in page
    assert "You could make it 1 hour less." in page
    assert "Ring Rosa on 01632 960 123." in page
    assert "Nothing has moved." in page
    fields = fields_of(await oakvale.check("House painting", "10"))
    answer = await oakvale.browser.post("/record/do", data={**fields, "minor": "660"})
    assert "too far behind" in words_of(await answer.text())
    assert await oakvale.trades() == []


async def test_whom_a_trade_would_take_too_far_up_cannot_take_it(oakvale: Oakvale) -> None:
    """Rule 3.4: Ben may have 40 hours."""
    await oakvale.town.node.people.set_limits(OPERATOR, oakvale.ben.no, 600, 60, why="test")
    page = words_of(await oakvale.check("Bread", "2"))
    assert "Ben cannot take that much now" in page
    assert await oakvale.trades() == []


async def test_one_does_not_pay_oneself(oakvale: Oakvale) -> None:
    assert "This is you" in words_of(await oakvale.check(to=oakvale.ana.number))


async def test_a_paused_member_reads_why_and_records_nothing(oakvale: Oakvale) -> None:
    """pages.md 4: paused, by an organiser, reason shown."""
    fields = fields_of(await oakvale.check())
    await oakvale.town.node.people.pause(OPERATOR, oakvale.ana.no, why="Please ring us first.")
    assert "Your membership is paused Please ring us first." in words_of(await text(oakvale.browser, "/home"))
    for page in ("/record", f"/record/what?who={oakvale.ben.number}"):
        assert "The reason: Please ring us first." in words_of(await text(oakvale.browser, page))
    answer = await oakvale.browser.post("/record/do", data=fields)
    assert "paused" in words_of(await answer.text())
    assert await oakvale.trades() == []


@pytest.mark.parametrize(
    "change", [{"minor": "0"}, {"minor": "-5"}, {"minor": "1e3"}, {"who": "9999"}, {"once": "x"}]
)
async def test_forged_fields_record_nothing(oakvale: Oakvale, change: dict[str, str]) -> None:
    fields = {**fields_of(await oakvale.check()), **change}
    answer = await oakvale.browser.post("/record/do", data=fields)
    assert answer.status == 404
    assert await oakvale.trades() == []


async def test_the_same_again_begins_with_everything_filled_in(oakvale: Oakvale) -> None:
    """pages.md 9: copy the last trade."""
    await oakvale.record("Garden help", "2")
    first = await text(oakvale.browser, "/record")
    assert "Ben, Garden help, 2 hours" in words_of(first)
    again = re.search(r'href="(/record/what\?again=[^"]+)"', first)
    assert again is not None
    answer = await oakvale.browser.get(html.unescape(again[1]))
    page = await answer.text()
    assert 'value="Garden help"' in page
    assert 'value="2:00"' in page


async def test_both_sides_find_the_last_trade_on_their_first_page(oakvale: Oakvale) -> None:
    """pages.md 7.2: whoever was paid sees it without looking for it."""
    await oakvale.record("Garden help", "2")
    await oakvale.record("Bike repair", "1:30")
    here = f'href="/t/{reference((await oakvale.trades())[0])}"'
    for browser, line in (
        (oakvale.browser, "Last: Bike repair, from Ben: −1 h 30"),
        (oakvale.bens, "Last: Bike repair, for Ana: +1 h 30"),
    ):
        home = await text(browser, "/home")
        assert line in words_of(home)
        assert here in home


# --- The trade ----------------------------------------------------------------------------------------------------


async def test_a_trade_opens_for_its_parties_and_organisers_only(oakvale: Oakvale) -> None:
    """pages.md 0.7: others get the words for a page that does not exist."""
    await oakvale.record()
    page = f"/t/{reference((await oakvale.trades())[0])}"
    assert "You gave 1 hour 30 minutes." in words_of(await text(oakvale.browser, page))
    assert "You got 1 hour 30 minutes." in words_of(await text(oakvale.bens, page))
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    assert "Ana gave 1 hour 30 minutes." in words_of(await text(rosas, page))
    mauds = await oakvale.town.browser_of(oakvale.maud)
    for path in (page, f"{page}/check", f"{page}/wrong", f"/record/what?again={page[3:]}"):
        hidden = words_of(await text(mauds, path, 404))
        nothing = words_of(await text(mauds, "/t/000-000-000", 404))
        assert strip_reference(hidden) == strip_reference(nothing)
    assert (await oakvale.town.browser().get(page, allow_redirects=False)).status == 303


def strip_reference(page: str) -> str:
    return re.sub(r"\b[0-9A-Z]{3}-[0-9A-Z]{3}-[0-9A-Z]{3}\b", "REF", page)


@pytest.mark.parametrize(
    "write", [str.lower, lambda text: text.replace("-", " "), lambda text: text.replace("0", "O")]
)
async def test_a_reference_may_be_typed_in_any_way(oakvale: Oakvale, write: Callable[[str], str]) -> None:
    """pages.md 0.7."""
    await oakvale.record()
    typed = write(str(reference((await oakvale.trades())[0])))
    assert "Bike repair" in words_of(await text(oakvale.browser, f"/t/{typed}"))


async def test_something_wrong_says_whom_to_ring(oakvale: Oakvale) -> None:
    """pages.md 8.8."""
    await oakvale.record()
    name = reference((await oakvale.trades())[0])
    page = words_of(await text(oakvale.bens, f"/t/{name}/wrong"))
    assert "Ring Rosa on 01632 960 123." in page
    assert name in page


async def test_a_corrected_trade_names_the_one_that_put_it_right(oakvale: Oakvale) -> None:
    """Rule 3.5; pages.md 4."""
    await oakvale.record()
    trade = (await oakvale.trades())[0]
    fixed = await oakvale.town.node.trades.correct(
        trade.no, organiser="Rosa", on_behalf_of="Ana", reason="wrong Ben", once=bytes(16)
    )
    page = words_of(await text(oakvale.browser, f"/t/{reference(trade)}"))
    assert f"Corrected by Rosa: see trade {reference(fixed)}." in page
    page = words_of(await text(oakvale.browser, f"/t/{reference(fixed)}"))
    assert f"This puts trade {reference(trade)} right." in page


# --- People, home, me -------------------------------------------------------------------------------------------------


async def test_home_says_where_one_stands(oakvale: Oakvale) -> None:
    assert "You have given as much as you received." in words_of(await text(oakvale.browser, "/home"))
    await oakvale.record()
    assert "You have received 1 hour 30 minutes more than you gave." in words_of(
        await text(oakvale.browser, "/home")
    )
    assert "You have given 1 hour 30 minutes more than you received." in words_of(
        await text(oakvale.bens, "/home")
    )


async def test_others_see_no_contact_and_no_balance(oakvale: Oakvale) -> None:
    """pages.md 0.7: everybody's e-mail and balance are not shown."""
    await oakvale.record()
    page = words_of(await text(await oakvale.town.browser_of(oakvale.maud), f"/people/{oakvale.ben.number}"))
    assert "Ben" in page
    assert "ben@example.org" not in page
    assert "hour" not in page.replace("hours", "").replace("Tuesday", "")
    assert "Bike repair" not in page
    assert "Bike repair" in words_of(await text(oakvale.browser, f"/people/{oakvale.ben.number}"))


async def test_people_are_found_by_a_part_of_the_name(oakvale: Oakvale) -> None:
    page = words_of(await text(oakvale.browser, "/people?q=ma"))
    assert "1 person for “ma”" in page
    assert "Maud" in page
    assert "Nobody found." in words_of(await text(oakvale.browser, "/people?q=zz"))
    await text(oakvale.browser, "/people/9999", 404)


async def test_long_lists_have_pages_of_twenty(oakvale: Oakvale) -> None:
    for number in range(25):
        await oakvale.town.member(f"Person{number:02}")
    assert "1 to 20 of 29" in words_of(await text(oakvale.browser, "/people"))
    assert "21 to 29 of 29" in words_of(await text(oakvale.browser, "/people?page=2"))


async def test_a_profile_is_changed_by_its_member(oakvale: Oakvale) -> None:
    page = await text(oakvale.browser, "/my/settings")
    fields = {
        "form_token": form_token_of(page),
        "name": "Ana Silva",
        "place": "Mill Lane",
        "phone": "",
        "about": "Baker.",
    }
    answer = await oakvale.browser.post("/my/profile", data=fields, allow_redirects=False)
    assert answer.status == 303
    shown = words_of(await text(oakvale.bens, f"/people/{oakvale.ana.number}"))
    assert "Ana Silva" in shown
    assert "Baker." in shown
    wrong = await oakvale.browser.post("/my/profile", data={**fields, "name": " "})
    assert wrong.status == 422
    assert "Please fill in the name." in words_of(await wrong.text())


async def test_a_pin_is_changed_by_whoever_knows_the_old_one(oakvale: Oakvale) -> None:
    """pages.md 0.8."""
    await oakvale.town.node.people.set_pin(OPERATOR, oakvale.ana.no, PIN)
    wrong = await send(
        oakvale.browser, "/my/pin", "/my/settings", old_pin="000001", pin="846301", pin_again="846301"
    )
    assert wrong.status == 422
    assert "This is not the PIN you have now." in words_of(await wrong.text())
    differ = await send(
        oakvale.browser, "/my/pin", "/my/settings", old_pin=PIN, pin="846301", pin_again="846302"
    )
    assert "The two new PINs differ." in words_of(await differ.text())
    answer = await send(
        oakvale.browser, "/my/pin", "/my/settings", old_pin=PIN, pin="846301", pin_again="846301"
    )
    assert answer.status == 303, await answer.text()
    proof = await oakvale.town.node.sign_in.with_pin(
        oakvale.ana.number, "846301", "192.0.2.1", own_computer=False
    )
    assert isinstance(proof, SignedIn)


async def test_only_languages_of_the_scheme_can_be_chosen(oakvale: Oakvale) -> None:
    answer = await send(oakvale.browser, "/my/mail", "/my/settings", language="xx")
    assert answer.status == 422
    answer = await send(oakvale.browser, "/my/mail", "/my/settings", language="en")
    assert answer.status == 303


async def test_no_page_shows_a_word_of_machinery(oakvale: Oakvale) -> None:
    """pages.md 3, 13.8, on pages with real matter."""
    done = await oakvale.record()
    name = reference((await oakvale.trades())[0])
    paths = [
        "/home", "/record", "/record?q=b", f"/record/what?who={oakvale.ben.number}", done,
        f"/t/{name}", f"/t/{name}/wrong", "/people", f"/people/{oakvale.ben.number}", "/my", "/my/settings",
        "/statement",
    ]  # fmt: skip
    pages = [await text(oakvale.browser, path) for path in paths] + [await oakvale.check("Bread", "11")]
    for page in pages:
        assert [line for line in Seen(page).text if FORBIDDEN.search(line)] == []


@pytest.mark.parametrize(
    "path",
    [
        "/home",
        "/record",
        "/people",
        "/people/1",
        "/my",
        "/my/settings",
        "/statement",
        "/statement.csv",
        "/statement.pdf",
    ],
)
async def test_nobody_reads_members_pages_without_signing_in(oakvale: Oakvale, path: str) -> None:
    answer = await oakvale.town.browser().get(path, allow_redirects=False)
    assert answer.status == 303
    assert answer.headers["Location"].startswith("/login")


async def test_a_form_without_its_token_changes_nothing(oakvale: Oakvale) -> None:
    fields = {**fields_of(await oakvale.check()), "form_token": "forged"}
    answer = await oakvale.browser.post("/record/do", data=fields)
    assert answer.status == 403
    assert await oakvale.trades() == []
