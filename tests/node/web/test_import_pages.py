"""Bringing in a file on the desk: looked at line by line, brought in by a second press, taken back. Issue 6.8; docs/pages.md 7.4."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator

import pytest
from aiohttp import FormData

from node.services.accounts import load
from node.services.acts import Role
from tests.node.services.test_imports import EVEN, ODD
from tests.node.web.oakvale import fields_of, words_of
from tests.node.web.oakvale import text as text_of
from tests.node.web.towns import Browser, Town, form_token_of, open_town

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with open_town() as made:
        await made.member("Rosa", Role.ADMIN)
        await made.member("Otto", Role.ORGANISER)
        yield made


async def admin(town: Town) -> Browser:
    rosa = await town.node.people.member(1)
    assert rosa is not None
    return await town.browser_of(rosa)


async def send_file(
    browser: Browser, data: bytes, layout: str = "members", token: str | None = None, **more: str
) -> tuple[int, str, str]:
    """Send a file; return status, where it leads, and the page."""
    if token is None:
        token = form_token_of(await text_of(browser, "/admin/import"))
    form = FormData()
    form.add_field("form_token", token)
    form.add_field("layout", layout)
    for name, value in more.items():
        form.add_field(name, value)
    form.add_field("file", data, filename="members.csv", content_type="text/csv")
    answer = await browser.post("/admin/import", data=form, allow_redirects=False)
    return answer.status, answer.headers.get("Location", ""), await answer.text()


async def press(browser: Browser, path: str, **fields: str) -> tuple[int, str, str]:
    answer = await browser.post(path, data=fields, allow_redirects=False)
    return answer.status, answer.headers.get("Location", "").partition("?")[0], await answer.text()


async def test_a_file_is_looked_at_brought_in_and_taken_back(town: Town) -> None:
    browser = await admin(town)
    assert "/admin/import" in await text_of(browser, "/admin/members")
    status, where, _ = await send_file(browser, (EVEN + f"{SCRIPT},20,much,\n").encode())
    assert (status, where) == (303, "/admin/import/1")
    page = await text_of(browser, where)
    assert SCRIPT not in page
    shown = words_of(page)
    assert "Nothing is brought in yet." in shown
    assert "Line 5 The balance cannot be read. It says: “much”" in shown
    assert "Line 2 Cem, 1 hour 30 minutes behind" in shown
    assert "Members 3 Offers and wants 0 Lines left out 1 All balances together 0" in shown
    assert "Where does the rest go?" not in shown
    assert "Cem" not in words_of(await text_of(browser, "/admin/members"))

    fields = fields_of(page)
    assert (await press(browser, f"{where}/do", **fields))[:2] == (303, where)
    assert (await press(browser, f"{where}/do", **fields))[:2] == (303, where)

    done = words_of(await text_of(browser, where))
    assert "Brought in" in done
    assert "Cem: 17 there, 0003 here, 1 hour 30 minutes behind" in done
    assert "Line 5 The balance cannot be read." in done
    assert "Cem" in words_of(await text_of(browser, "/admin/members"))
    token = form_token_of(await text_of(browser, where))
    assert (await press(browser, f"{where}/undo", form_token=token))[:2] == (303, where)
    assert "Taken back" in words_of(await text_of(browser, where))
    assert "Cem" not in words_of(await text_of(browser, "/admin/members"))


async def test_the_rest_of_balances_is_asked_for(town: Town) -> None:
    browser = await admin(town)
    _, where, _ = await send_file(browser, ODD.encode())
    page = await text_of(browser, where)
    assert "The balances do not sum to zero. Where does the rest go?" in words_of(page)
    status, _, again = await press(browser, f"{where}/do", **fields_of(page), remainder="refuse")
    assert status == 422
    assert "Please say where the rest goes." in words_of(again)
    assert (await press(browser, f"{where}/do", **fields_of(page), remainder="chest"))[0] == 303
    assert "The rest The community chest takes it" in words_of(await text_of(browser, where))


async def test_what_has_changed_meanwhile_is_shown_again(town: Town) -> None:
    browser = await admin(town)
    _, where, _ = await send_file(browser, EVEN.encode())
    page = await text_of(browser, where)
    await town.member("Cem")
    status, _, again = await press(browser, f"{where}/do", **fields_of(page))
    assert status == 422
    assert "Something has changed meanwhile." in words_of(again)
    assert "A member has this e-mail address already." in words_of(again)


@pytest.mark.parametrize(
    "data, layout, sentence",
    [
        (b"", "members", "Please choose a file."),
        (b"name\nAna\n", "spreadsheet", "Please choose one of the answers."),
        (b"name,shoes\nAna,3\n", "members", "Line 1: Nobody here knows this column."),
        (b'name\n"Ana\n', "members", "Line 2: The quotation marks do not fit here"),
        (b"\x00\x01", "members", "This file is no table of text."),
        (b"name\n" + b"x" * 2 * 1024 * 1024, "members", "This file is too large."),
    ],
    ids=["none", "layout", "column", "quotes", "no text", "large"],
)
async def test_a_file_that_cannot_be_read_is_refused_in_words(
    town: Town, data: bytes, layout: str, sentence: str
) -> None:
    status, _, page = await send_file(await admin(town), data, layout)
    assert status == 422
    assert sentence in words_of(page)
    assert "import_run" not in {name for name, rows in (await town.everything()).items() if rows}


async def test_nobody_but_an_admin_gets_near_it(town: Town) -> None:
    """Missing, forged, misdirected."""
    browser = await admin(town)
    _, where, _ = await send_file(browser, EVEN.encode())
    fields = fields_of(await text_of(browser, where))
    otto = await town.node.people.member(2)
    assert otto is not None
    ottos, stranger = await town.browser_of(otto), town.browser()
    for other, refused in ((ottos, {403}), (stranger, {303, 403})):
        for path in ("/admin/import", where, "/admin/export.zip"):
            assert (await other.get(path, allow_redirects=False)).status in refused
        token = form_token_of(await text_of(other, "/my" if other is ottos else "/join"))
        for path in (f"{where}/do", f"{where}/undo"):
            assert (await press(other, path, **{**fields, "form_token": token}))[0] in refused
        assert (await send_file(other, EVEN.encode(), token=token))[0] in refused
    for path in (f"{where}/do", f"{where}/undo"):
        assert (await press(browser, path))[0] == 403, "without the form's token"
    assert (await press(browser, "/admin/import/9/do", **fields))[0] == 404
    assert (await press(browser, f"{where}/do", **{**fields, "remainder": "mine"}))[0] == 404
    status, _, page = await press(browser, f"{where}/do", **{**fields, "seen": "0" * 32})
    assert (status, "Something has changed" in words_of(page)) == (422, True)
    assert "Cem" not in words_of(await text_of(browser, "/admin/members"))


async def test_everything_is_taken_away_as_tables(town: Town) -> None:
    """In one file, whose tables come in as they are."""
    browser = await admin(town)
    _, where, _ = await send_file(browser, EVEN.encode())
    await press(browser, f"{where}/do", **fields_of(await text_of(browser, where)))
    assert "/admin/export.zip" in await text_of(browser, "/admin/import")
    answer = await browser.get("/admin/export.zip")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="tables-2')
    with zipfile.ZipFile(io.BytesIO(await answer.read())) as archive:
        assert archive.namelist() == ["members-1.csv", "listings-1.csv", "trades-1.csv"]
        assert "0003,Cem,cem@example.org" in archive.read("members-1.csv").decode()
        assert ",0003,opening,1:30,Opening balance" in archive.read("trades-1.csv").decode()
        status, _, page = await send_file(browser, archive.read("members-1.csv"))
    assert (status, page) == (303, ""), "and can be looked at again"


async def test_a_file_in_another_unit_is_taken_at_the_rate_that_is_stated(town: Town) -> None:
    """docs/moving.md: what is wrong with the rate is said beside it, and the page says rate and rounding before anything is done."""
    browser, data = await admin(town), b"number,name,balance\n11,Fay,3.33\n12,Gil,-3.34\n"
    for wrong, said in (
        ({"unit": "", "theirs": "7", "ours": "1"}, "Please say in what the file counts."),
        ({"unit": "hectares", "theirs": "7", "ours": "1"}, "Please choose one of the answers."),
        ({"unit": "2", "theirs": "", "ours": "1"}, "Please look at this again"),
        ({"unit": "2", "theirs": "7", "ours": "-1"}, "Please look at this again"),
        ({"unit": "2", "theirs": "0", "ours": "1"}, "Please look at this again"),
    ):
        status, _, page = await send_file(browser, data, **wrong)
        assert status == 422
        assert said in words_of(page)
    status, where, _ = await send_file(browser, data, unit="2", theirs="2", ours="1")
    assert status == 303
    page = await text_of(browser, where)
    shown = words_of(page)
    assert "The rate 2 of theirs are 1 hour here" in shown, shown
    assert "Fay, 1 hour 40 minutes ahead" in shown
    fields = fields_of(page)
    assert (await press(browser, f"{where}/do", **fields, remainder="opening"))[0] == 303
    assert "The rate 2 of theirs are 1 hour here" in words_of(await text_of(browser, where))
    fay = await town.node.people.member(3)
    assert fay is not None
    assert (await town.node.store.read(load, fay.account_no)).value.balance == 100
