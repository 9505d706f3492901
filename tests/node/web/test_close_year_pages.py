"""The books of a year through the door: for organisers, as page, PDF, table and signed file. Rule 4.5; docs/pages.md 7.4."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import datetime

import pytest
from aiohttp import FormData
from pypdf import PdfReader

from node.services.acts import Role
from protocol.audit_sheet import SheetProven, verify_sheet
from tests.drawing import needs_pdf
from tests.node.web.oakvale import Oakvale, text, words_of
from tests.node.web.towns import Browser, hidden_of

PATHS = ("/admin/close-year", "/admin/close-year/file", "/admin/close-year.csv", "/admin/close-year.pdf")


def year_of(oakvale: Oakvale) -> int:
    return datetime.fromtimestamp(oakvale.town.clock.now_ms() / 1000).astimezone().year


async def organiser(oakvale: Oakvale) -> Browser:
    return await oakvale.town.browser_of(oakvale.rosa)


async def body(browser: Browser, path: str) -> bytes:
    answer = await browser.get(path)
    assert answer.status == 200
    return await answer.read()


async def test_the_page_says_what_the_books_came_to(oakvale: Oakvale) -> None:
    await oakvale.record("Bike repair", "1:30")
    await oakvale.record("Bread", "0:30")
    await oakvale.later(60_000)
    said = words_of(await text(await organiser(oakvale), "/admin/close-year"))

    assert f"The books of {year_of(oakvale)}, so far" in said
    assert "All balances together are zero, as they must be." in said
    assert "People who had traded by then 2" in said
    assert "Trades in that time 2" in said
    assert "Moved in all 2 hours" in said
    assert "Furthest ahead +2 h" in said
    assert "not published that far yet" in said


async def test_the_file_holds_what_the_page_says_and_anybody_checks_it(oakvale: Oakvale) -> None:
    await oakvale.record("Bike repair", "1:30")
    await oakvale.later(60_000)
    rosa = await organiser(oakvale)
    file = await body(rosa, "/admin/close-year/file")

    found = verify_sheet(file)
    assert isinstance(found, SheetProven)
    assert (found.sheet.turnover, found.sheet.ahead, found.sheet.behind) == (90, 90, -90)
    shown = await looked_at(oakvale, file)
    assert "This sheet is whole" in shown
    assert "This is us." in shown
    assert "People above zero 1 hour 30 minutes" in shown
    spoilt = bytearray(file)
    spoilt[len(file) // 2] ^= 4
    assert "does not hold" in await looked_at(oakvale, bytes(spoilt))


async def looked_at(oakvale: Oakvale, file: bytes) -> str:
    visitor = oakvale.town.browser()
    form = FormData()
    for name, value in hidden_of(await text(visitor, "/verify")).items():
        form.add_field(name, value)
    form.add_field("file", file, filename="books.sheet", content_type="application/octet-stream")
    answer = await visitor.post("/verify", data=form)
    assert answer.status == 200
    return words_of(await answer.text())


async def test_the_table_can_be_added_up(oakvale: Oakvale) -> None:
    await oakvale.record("Bike repair", "1:30")
    await oakvale.later(60_000)
    table = (await body(await organiser(oakvale), "/admin/close-year.csv")).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(table, newline="")))

    balances = [
        float(row["amount"]) for row in rows if row["what"] == "balance" and not row["unit"].startswith("h/")
    ]
    assert balances
    assert sum(balances) == 0
    assert [row["amount"] for row in rows if row["what"] == "sum"] == ["0", "0"]
    assert {row["what"]: row["amount"] for row in rows}["trades"] == "1"


@needs_pdf
async def test_it_can_be_had_as_pdf(oakvale: Oakvale) -> None:
    await oakvale.record("Bike repair", "1:30")
    await oakvale.later(60_000)
    pdf = PdfReader(io.BytesIO(await body(await organiser(oakvale), "/admin/close-year.pdf")))

    assert "All balances together are zero" in pdf.pages[0].extract_text()


@pytest.mark.parametrize("asked", ["1979", "20261", "today", "-1", "\u0662\u0660\u0662\u0666"])
async def test_what_is_no_year_is_named(oakvale: Oakvale, asked: str) -> None:
    said = await text(await organiser(oakvale), f"/admin/close-year?year={asked}")
    assert "This is not a year." in said


async def test_a_year_without_books_is_said_to_be_one(oakvale: Oakvale) -> None:
    rosa = await organiser(oakvale)
    for year in (1990, year_of(oakvale) + 1):
        assert "There was nothing in the books" in await text(rosa, f"/admin/close-year?year={year}")
        for path in PATHS[1:3]:
            assert (await rosa.get(f"{path}?year={year}")).status == 404


@pytest.mark.parametrize("path", PATHS)
async def test_only_organisers_get_it(oakvale: Oakvale, path: str) -> None:
    visitor = await oakvale.town.browser().get(path, allow_redirects=False)
    member = await oakvale.browser.get(path)
    assert (visitor.status, member.status) == (303, 403)
    assert Role.ORGANISER is oakvale.rosa.role


async def test_a_key_that_is_known_to_be_ended_is_said_whatever_the_file_leaves_out(
    oakvale: Oakvale, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 4.5: a thief of an ended key does not show the event that ended it; who knows of it says so."""
    await oakvale.record("Bike repair", "1:30")
    await oakvale.later(60_000)
    file = await body(await organiser(oakvale), "/admin/close-year/file")
    assert "has since ended the key" not in await looked_at(oakvale, file)

    known = oakvale.town.node.directory.state(oakvale.town.node.scheme)
    assert known is not None
    ended = tuple(replace(each, revoked_seq=99) for each in known.delegations)
    state = replace(known, delegations=ended)
    monkeypatch.setattr(oakvale.town.node.directory, "state", lambda _scheme: state)
    assert "has since ended the key" in await looked_at(oakvale, file)
