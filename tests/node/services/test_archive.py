"""A whole archive, brought into an empty node: the same rows, checked, or nothing at all. docs/export.md; I19."""

from __future__ import annotations

import asyncio
import csv
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from node.cli.restore import make_tables
from node.services.archive import ArchiveUnusable, sum_after, write_archive
from node.services.archive_import import UNFINISHED, bring_in
from node.services.kept_copy import LEFT_OUT
from node.store import InlineStore
from node.store.schema import load_all
from scripts.auditor.__main__ import audit
from tests.book_town import NAMES, Book, books

KEPT = sorted(set(load_all().tables) - (LEFT_OUT - {"feed", "item", "identity_event"}))


class Broken(Exception):
    """The power went."""


def archived(book: Book, folder: Path) -> Path:
    async def do() -> None:
        store = InlineStore(book.disk())
        await store.read(write_archive, book.scheme, folder, 0)
        await store.close()

    folder.mkdir()
    asyncio.run(do())
    return folder


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("archives")
    return {name: archived(books()[name], folder / name) for name in NAMES}


def make(path: Path) -> None:
    asyncio.run(make_tables(path))


def brought_in(
    book: Book, archive: Path, database: Path, step: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    return bring_in(database, archive, book.scheme, book.log, book.safe, make_tables=make, step=step)


def rows(raw: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
    return {table: sorted(raw.execute(f"SELECT * FROM {table}").fetchall(), key=repr) for table in KEPT}


@pytest.mark.parametrize("name", NAMES)
def test_what_comes_back_is_what_was_there(name: str, archives: dict[str, Path], tmp_path: Path) -> None:
    """Every table that only this node knows, and the identities of its neighbours; the auditor reads the same folder."""
    book, database = books()[name], tmp_path / "node.db"
    made = brought_in(book, archives[name], database)
    assert made["entries"] > 10
    assert [path.name for path in tmp_path.iterdir()] == ["node.db"]
    before = rows(book.disk()._raw)
    with sqlite3.connect(database) as raw:
        after = rows(raw)
    # Of identities those of neighbours come along; the others are asked for again.
    known = {row[0] for row in after["identity_event"]}
    assert book.scheme in known
    before["identity_event"] = [row for row in before["identity_event"] if row[0] in known]
    assert after == before
    _, findings = audit([archives[name]], at_rest=False)
    assert findings.wrong == []
    with (archives[name] / "postings.csv").open(newline="") as file:
        moved = list(csv.DictReader(file))
    assert sum(int(row["amount"]) for row in moved if row["unit"] == "local") == 0
    assert len(moved) == len(before["leg"])


def test_breaking_off_at_any_step_leaves_nothing_or_all(archives: dict[str, Path], tmp_path: Path) -> None:
    """At each step: no database, or the whole one; and it can be done again."""
    book = books()["Oakvale"]
    steps: list[str] = []
    brought_in(book, archives["Oakvale"], tmp_path / "whole.db", steps.append)
    assert steps[-1] == "in place"
    for last in steps:
        database = tmp_path / "node.db"

        def break_off(step: str, last: str = last) -> None:
            if step == last:
                raise Broken

        with pytest.raises(Broken):
            brought_in(book, archives["Oakvale"], database, break_off)
        assert database.exists() == (last == "in place"), last
        assert not list(tmp_path.glob(f"*{UNFINISHED}*"))
        database.unlink(missing_ok=True)


def spoilt(archive: Path, to: Path, name: str, change: Callable[[list[str]], list[str]]) -> Path:
    shutil.copytree(archive, to)
    lines = (to / name).read_text("ascii").splitlines()
    (to / name).write_text("\n".join(change(lines)) + "\n", "ascii")
    return to


CHANGES: dict[str, Callable[[list[str]], list[str]]] = {
    "altered": lambda lines: [lines[0], lines[1].replace("1", "2", 1), *lines[2:]],
    "lost": lambda lines: [lines[0], *lines[2:]],
    "doubled": lambda lines: [*lines[:2], lines[1], *lines[2:]],
    "swapped": lambda lines: [lines[0], *reversed(lines[1:])],
}


@pytest.mark.parametrize("table", ["account", "entry", "leg", "trade", "op", "payment"])
@pytest.mark.parametrize("how", CHANGES)
def test_a_row_altered_lost_or_doubled_is_named(
    table: str, how: str, archives: dict[str, Path], tmp_path: Path
) -> None:
    """The sums beside the rows name the line; nothing is put in place."""
    archive = spoilt(archives["Oakvale"], tmp_path / "spoilt", f"tables/{table}.jsonl", CHANGES[how])
    with pytest.raises(ArchiveUnusable, match=rf"{table}\.jsonl, line \d"):
        brought_in(books()["Oakvale"], archive, tmp_path / "node.db")
    assert not (tmp_path / "node.db").exists()


def test_a_last_row_that_is_lost_is_missed(archives: dict[str, Path], tmp_path: Path) -> None:
    archive = spoilt(archives["Oakvale"], tmp_path / "spoilt", "tables/trade.jsonl", lambda lines: lines[:-1])
    with pytest.raises(ArchiveUnusable, match=r"trade\.jsonl: \d+ rows, tables\.json says"):
        brought_in(books()["Oakvale"], archive, tmp_path / "node.db")


def test_sums_reckoned_anew_do_not_help_whoever_changes_an_amount(
    archives: dict[str, Path], tmp_path: Path
) -> None:
    """I19: a forger makes all sums right; what was signed names the row."""

    def forge(lines: list[str]) -> list[str]:
        before, made = "", [lines[0]]
        at = json.loads(lines[0])["columns"].index("balance")
        for number, line in enumerate(lines[1:]):
            row = json.loads(line)["row"]
            row[at] += 60 if number == 1 else 0
            before = sum_after(before, row)
            made.append(json.dumps({"row": row, "sum": before}))
        return made

    archive = spoilt(archives["Oakvale"], tmp_path / "spoilt", "tables/account.jsonl", forge)
    with pytest.raises(ArchiveUnusable, match="account 2: balance is"):
        brought_in(books()["Oakvale"], archive, tmp_path / "node.db")
    assert not (tmp_path / "node.db").exists()


def test_another_schemes_archive_and_an_auditors_export_are_refused(
    archives: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(ArchiveUnusable, match="another scheme"):
        brought_in(books()["Oakvale"], archives["Hilltop"], tmp_path / "node.db")
    shutil.copytree(archives["Oakvale"], tmp_path / "lean")
    (tmp_path / "lean" / "tables.json").unlink()
    with pytest.raises(ArchiveUnusable, match="made for an auditor"):
        brought_in(books()["Oakvale"], tmp_path / "lean", tmp_path / "node.db")
    (tmp_path / "lean" / "manifest.json").unlink()
    with pytest.raises(ArchiveUnusable, match="no whole export"):
        brought_in(books()["Oakvale"], tmp_path / "lean", tmp_path / "node.db")


@pytest.mark.parametrize("seed", range(25))
def test_whatever_bytes_are_in_its_files_the_answer_is_a_plain_no(
    seed: int, archives: dict[str, Path], tmp_path: Path
) -> None:
    """Fuzzing from a good archive: bits turned, pieces cut out, doubled, made up; no other error, nothing in place."""
    random, book = Random(f"archive {seed}"), books()["Hilltop"]
    folder = tmp_path / "a"
    shutil.copytree(archives["Hilltop"], folder)
    read = sorted(path for path in folder.rglob("*.json*") if path.stat().st_size > 40)
    fed = [path for path in read if path.parent != folder or path.name in ("tables.json", "identities.jsonl")]
    path = random.choice(fed)
    data = bytearray(path.read_bytes())
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(data))
        match random.randrange(4):
            case 0:
                data[at] ^= 1 << random.randrange(8)
            case 1:
                del data[at : at + random.randint(1, 40)]
            case 2:
                data[at:at] = random.randbytes(random.randint(1, 40))
            case _:
                data[at:at] = random.choice(
                    (b"[" * 5_000, b'{"row":[1e400]}', b"null\n", b'"\\ud800"', b"9" * 50)
                )
    path.write_bytes(bytes(data))
    try:
        brought_in(book, folder, tmp_path / "node.db")
    except ArchiveUnusable:
        assert not (tmp_path / "node.db").exists()
    else:  # what no reader of these files looks at: a field beside a signed event, say
        assert path.parent == folder
