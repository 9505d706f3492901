"""The statement through the door: the period, the running balance, totals, and the table. docs/pages.md 7.2."""

from __future__ import annotations

import csv
import io

import pytest
from pypdf import PdfReader

from node.pdf.maker import NoPdf, PdfMaker, Why
from node.web.amounts import HOURS, Unit
from node.web.downloads import harmless, plain_number
from node.web.pages.member_statement import CSV_COLUMNS
from tests.drawing import needs_pdf
from tests.node.web.oakvale import Oakvale, text, words_of
from tests.node.web.towns import Browser

DAY_MS = 24 * 3_600_000


async def table(browser: Browser, path: str = "/statement.csv") -> list[dict[str, str]]:
    answer = await browser.get(path)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="statement-')
    body = await answer.read()
    assert body.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))


async def test_the_balance_runs_from_the_start_to_the_end(oakvale: Oakvale) -> None:
    await oakvale.record("Bike repair", "1:30")
    await oakvale.later(DAY_MS)
    await oakvale.record("Bread", "0:20")
    page = words_of(await text(oakvale.browser, "/statement"))
    assert "At the start" in page
    assert "Bike repair, from Ben" in page
    assert page.index("\u22121 h 30") < page.index("Bread, from Ben")
    assert "At the end: 1 hour 50 minutes behind." in page
    theirs = words_of(await text(oakvale.bens, "/statement"))
    assert "Bread, for Ana" in theirs
    assert "At the end: 1 hour 50 minutes ahead." in theirs


async def test_a_period_shows_its_own_days_only(oakvale: Oakvale) -> None:
    await oakvale.record("Bike repair", "1:30")
    first = (await table(oakvale.browser))[0]["date"]
    await oakvale.later(40 * DAY_MS)
    await oakvale.record("Bread", "0:20")
    later = (await table(oakvale.browser))[1]["date"]
    page = words_of(await text(oakvale.browser, f"/statement?from={later}&to={later}"))
    assert "Bread" in page
    assert "Bike repair" not in page
    assert page.count("\u22121 h 30") == 1, "what came before is the balance at the start"
    rows = await table(oakvale.browser, f"/statement.csv?from={first}&to={first}")
    assert [row["what"] for row in rows] == ["Bike repair"]


@pytest.mark.parametrize(
    "query, sentence",
    [
        ("from=yesterday", "This is not a day."),
        ("from=2026-02-31", "This is not a day."),
        ("from=0001-01-01&to=9999-12-31", "This is not a day."),
        ("from=2026-05-02&to=2026-05-01", "The end is before the beginning."),
    ],
)
async def test_days_that_are_none_are_named(oakvale: Oakvale, query: str, sentence: str) -> None:
    assert sentence in words_of(await text(oakvale.browser, f"/statement?{query}"))
    await table(oakvale.browser, f"/statement.csv?{query}")


async def test_the_table_can_be_added_up(oakvale: Oakvale) -> None:
    await oakvale.record("Bike repair", "1:30")
    await oakvale.record("Bread", "0:20")
    rows = await table(oakvale.browser)
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [(row["what"], row["who"], row["given"], row["balance"], row["unit"]) for row in rows] == [
        ("Bike repair", "Ben", "90", "-90", "minutes"),
        ("Bread", "Ben", "20", "-110", "minutes"),
    ]
    assert sum(int(row["received"]) for row in await table(oakvale.bens)) == 110


@pytest.mark.parametrize("what", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x","y")'])
async def test_no_text_becomes_a_formula(oakvale: Oakvale, what: str) -> None:
    await oakvale.record(what, "1")
    assert [row["what"] for row in await table(oakvale.bens)] == ["'" + what]


def test_texts_that_are_no_formulas_stay_as_they_are() -> None:
    assert harmless("Bread, 2 = two") == "Bread, 2 = two"
    assert harmless("\t=1") == "'\t=1"


@pytest.mark.parametrize(
    "minor, unit, number",
    [
        (90, HOURS, "90"),
        (-90, HOURS, "-90"),
        (605, Unit(code="a", kind="decimal", decimals=2, symbol="A"), "6.05"),
        (-5, Unit(code="a", kind="decimal", decimals=2, symbol="A"), "-0.05"),
        (7, Unit(code="a", kind="decimal", decimals=0, symbol="A"), "7"),
    ],
)
def test_numbers_are_exact(minor: int, unit: Unit, number: str) -> None:
    assert plain_number(minor, unit) == number


async def test_it_says_under_which_signature_it_was_printed(oakvale: Oakvale) -> None:
    """Rule 4.2: the mark is the beginning of the root, so that the checkpoint is found again."""
    assert "Their mark" not in await text(oakvale.browser, "/statement")

    await oakvale.town.node.witness.turn()

    checked = await oakvale.town.node.witness.own_log.checked()
    mark = checked.root.hex()[:16]
    said = await text(oakvale.browser, "/statement")
    assert (
        f"with {checked.size} entries. Their mark is {mark[:4]} {mark[4:8]} {mark[8:12]} {mark[12:]}." in said
    )


@needs_pdf
async def test_it_can_be_had_as_pdf_and_only_ones_own(oakvale: Oakvale) -> None:
    await oakvale.record("Bike repair", "1:30")
    maud = await oakvale.town.browser_of(oakvale.maud)
    said = {}
    for name, browser in (("Ana", oakvale.browser), ("Maud", maud)):
        answer = await browser.get(f"/statement.pdf?account_no={oakvale.ana.account_no}")
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.headers["Content-Disposition"].startswith('attachment; filename="statement-')
        pdf = PdfReader(io.BytesIO(await answer.read()))
        said[name] = "\n".join(each.extract_text() for each in pdf.pages)

    assert "Bike repair" in said["Ana"]
    assert oakvale.ana.name in said["Ana"]
    assert "Bike repair" not in said["Maud"]
    assert oakvale.ana.name not in said["Maud"]
    assert "This is not a day" in await text(oakvale.browser, "/statement.pdf?from=yesterday")


async def test_where_none_is_made_none_is_offered(oakvale: Oakvale, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Save as PDF" in await text(oakvale.browser, "/statement")
    monkeypatch.setattr(PdfMaker, "installed", False)
    assert "Save as PDF" not in await text(oakvale.browser, "/statement")


async def test_a_pdf_that_cannot_be_made_is_a_page_that_says_so(
    oakvale: Oakvale, monkeypatch: pytest.MonkeyPatch
) -> None:
    for why, said in (
        (Why.BUSY, "try again in a minute"),
        (Why.TOO_LARGE, "a shorter time"),
        (Why.FAILED, "use “Print”"),
    ):

        async def make(*_: object, why: Why = why) -> bytes:
            raise NoPdf(why)

        monkeypatch.setattr(PdfMaker, "make", make)
        answer = await oakvale.browser.get("/statement.pdf")
        assert answer.status == 503
        assert said in await answer.text()


async def test_nobody_reads_anothers_statement(oakvale: Oakvale) -> None:
    """The address names a time only: whatever else it says is not looked at."""
    await oakvale.record("Bike repair", "1:30")
    maud = await oakvale.town.browser_of(oakvale.maud)
    for query in ("", f"?member={oakvale.ana.number}", f"?account_no={oakvale.ana.account_no}", "?n=1"):
        assert "Bike repair" not in await text(maud, f"/statement{query}")
        assert await table(maud, f"/statement.csv{query}") == []
