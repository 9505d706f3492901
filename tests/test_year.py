"""A year of one scheme, `scripts/year`: its first steps in a real browser, and the guide that is made of all of them. Source: docs/a-year.md."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from gettext import NullTranslations
from pathlib import Path

import pytest

from node.importing.layouts import Layout
from node.web.amounts import HOURS
from node.web.pages.import_words import fault_words
from node.web.words import Pack, Words
from tests.node.web.towns import open_town
from tests.sources import ROOT
from tests.year.members_file import MEMBERS, PLANTED, REST, good_rows, written
from tests.year.steps import STEPS
from tests.year.walking import Stumbled
from tests.year.year import ROSA, Step, Year, a_year, bold, run_step

PICTURES = ROOT / "docs" / "a-year"
PICTURES_BYTES_MAX = 600_000


def test_steps_follow_each_other() -> None:
    assert [step.day for step in STEPS] == sorted({step.day for step in STEPS})
    assert len({step.name for step in STEPS}) == len(STEPS)


def msgids() -> Iterator[re.Pattern[str]]:
    """Yield what pages may say, with room for names and numbers."""
    text = (ROOT / "node" / "web" / "locale" / "messages.pot").read_text("utf-8")
    for found in re.findall(r'^msgid(?:_plural)? ((?:".*"\n)+)', text, re.MULTILINE):
        said = "".join(re.findall(r'"(.*)"\n', found)).replace('\\"', '"')
        if said:
            yield re.compile(r"\S.*".join(map(re.escape, re.split(r"%\(\w+\)[sd]", said))))


def test_what_the_guide_says_is_pressed_is_what_pages_say() -> None:
    """Found without the browser, so that whoever renames a button hears of it at once."""
    said = list(msgids())
    names = {each for step in STEPS for each in bold(step.guide)}
    assert len(names) > 30
    assert [each for each in names if not any(one.fullmatch(each) for one in said)] == []


def test_the_guide_has_the_pictures_it_names_and_they_are_small() -> None:
    named = {f"{name}.webp" for step in STEPS for name in step.pictures}
    assert {path.name for path in PICTURES.iterdir()} == named
    assert sum(path.stat().st_size for path in PICTURES.iterdir()) <= PICTURES_BYTES_MAX


async def test_each_planted_mistake_is_named_at_its_line_and_every_other_line_is_taken() -> None:
    """docs/pages.md 7.4; the whole year looks at the pages about it."""
    rows, words = good_rows(), Words("en", Pack.LETS, NullTranslations())
    async with open_town() as town:
        imports, store = town.node.imports, town.node.store
        plan = await store.read(imports.plan_in, imports.read(Layout.OWN_MEMBERS, written(rows, PLANTED)))
        mended = await store.read(imports.plan_in, imports.read(Layout.OWN_MEMBERS, written(rows, {})))
    named = {each.line: fault_words(each, words).partition(" It says:")[0] for each in plan.faults}
    assert named == {line: wrong for line, (_, _, wrong) in PLANTED.items()}
    assert len(plan.people) == MEMBERS - len(PLANTED)
    assert (len(mended.people), mended.faults) == (MEMBERS, ())
    assert sum(each.balance for each in mended.people) == mended.total == REST * HOURS.minor_per_unit


@pytest.mark.e2e
def test_the_first_step_of_the_year(chromium: str, tmp_path: Path) -> None:
    """Set-up, from the empty folder; then what has to be found when something is wrong."""

    async def act() -> None:
        async with a_year(tmp_path / "year", chromium) as year:
            for step in STEPS:
                if step.short:
                    await run_step(year, step, look=False)
            await year.look_round(3)
            assert len(year.visited) > 10
            await _stumbles(year)
            await _spoilt(year)

    asyncio.run(act())


async def _stumbles(year: Year) -> None:
    """A step that goes wrong names itself, the page, and a picture of it."""

    async def lost(year: Year) -> None:
        """Press **Nothing**."""
        async with year.person(ROSA) as rosa:
            await rosa.open("/admin/members")
            await rosa.says("what no page says")

    with pytest.raises(
        Stumbled, match=r"(?s)step “lost”.*/admin/members, see .*failed\.png.*what no page says"
    ):
        await run_step(year, Step("lost", "Nobody knows where", date(2026, 1, 6), lost, {}), look=False)
    assert (year.folder / "failed.png").stat().st_size > 1_000


async def _spoilt(year: Year) -> None:
    """A balance changed behind the ledger's back is found."""
    with closing(sqlite3.connect(year.ours.folder / "data" / "node.db")) as book, book:
        book.execute("UPDATE account SET balance = balance + 1 WHERE no = (SELECT max(no) FROM account)")
    with pytest.raises(Stumbled, match="is not right"):
        await year.check_books()
