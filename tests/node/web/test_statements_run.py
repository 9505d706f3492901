"""The statements of all members on paper, one sheet for each. Source: docs/pages.md 7.3."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from node.services.acts import OPERATOR
from node.services.members import NewMember, Reach
from node.web.pages import desk_statements
from tests.drawing import needs_pdf
from tests.node.web.oakvale import Oakvale, open_oakvale, text, words_of
from tests.node.web.towns import Browser

HERE = "/admin/print/statements"


@pytest.fixture
async def oakvale() -> AsyncIterator[Oakvale]:
    """Ana paid Ben; Nan has no e-mail and lives in Mill Lane."""
    async with open_oakvale() as made:
        await made.record()
        await made.town.node.people.add(
            OPERATOR, NewMember(name="Nan", address="3 Mill Lane\nOakvale", reach=Reach.LETTER)
        )
        yield made


async def desk(oakvale: Oakvale) -> Browser:
    return await oakvale.town.browser_of(oakvale.rosa)


async def test_each_member_has_a_sheet_with_their_own_lines(oakvale: Oakvale) -> None:
    page = await text(await desk(oakvale), f"{HERE}?size=a4&from=2025-12-01&to=2026-12-31")
    sheets = [words_of("<section" + each.partition("</section>")[0] + "</section>") for each in page.split('<section class="statement-sheet"')[1:]]  # fmt: skip
    assert [sheet.split("Statement: ")[1].split(" (")[0] for sheet in sheets] == [
        "Ana",
        "Ben",
        "Maud",
        "Rosa",
        "Nan",
    ]
    assert "Bike repair, from Ben" in sheets[0]
    assert "At the end: 1 hour 30 minutes behind." in sheets[0]
    assert "Bike repair, for Ana" in sheets[1]
    assert "Bike repair" not in sheets[2]
    assert "Nan 3 Mill Lane Oakvale" in sheets[4]


async def test_only_those_whom_no_mail_reaches(oakvale: Oakvale) -> None:
    said = words_of(await text(await desk(oakvale), f"{HERE}?size=a4&post=yes"))
    assert "Nan (0005)" in said
    assert "Ana" not in said


async def test_more_than_fit_come_one_after_the_other(
    oakvale: Oakvale, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_statements, "STATEMENTS_MAX", 2)
    browser, seen = await desk(oakvale), []
    path = f"{HERE}?size=letter&from=2026-01-01&to=2026-01-31&large=yes"
    while path:
        page = await text(browser, path)
        seen.append(page.count("statement-sheet"))
        assert "paper-letter large" in page
        href = page.partition('<p class="no-print"><a href="')[2].partition('"')[0]
        path = href.replace("&amp;", "&") if "statements" in href else ""
    assert seen == [2, 2, 1]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("size=a3", "Please choose one of the answers."),
        ("size=a4&begin=x", "Please write a number, like 1."),
        ("size=a4&from=soon", "This is not a day."),
        ("size=a4&from=2026-02-01&to=2026-01-01", "The end is before the beginning."),
    ],
)
async def test_what_cannot_be_read_is_asked_for_again(oakvale: Oakvale, asked: str, said: str) -> None:
    assert said in words_of(await text(await desk(oakvale), f"{HERE}?{asked}", 422))


@needs_pdf
async def test_a_pdf_has_a_page_for_each(oakvale: Oakvale) -> None:
    answer = await (await desk(oakvale)).get(f"{HERE}?size=a4&post=yes&as=pdf&from=2026-01-01&to=2026-01-31")
    assert answer.status == 200
    assert answer.content_type == "application/pdf"
    assert (await answer.read()).startswith(b"%PDF-")
    assert "statements-2026-01-01-2026-01-31.pdf" in answer.headers["Content-Disposition"]
