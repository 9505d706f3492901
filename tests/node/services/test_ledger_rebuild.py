"""Derived tables written anew from signed bytes alone: the same as before, wherever they came from. Rules 3.1, 6.2; I19."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import pytest

from node.services.ledger_rebuild import CannotRebuild, rebuild
from node.store import InlineStore, Memory
from tests.book_town import NAMES, Book, books

DERIVED_OF_LINES = "no, epoch, own_length, own_id, peer_length, peer_id, peer_ack, mine, theirs, written_off"


def derived(raw: sqlite3.Connection) -> list[list[tuple[Any, ...]]]:
    """Return everything that signed bytes decide."""
    return [
        raw.execute(f"SELECT {what}").fetchall()
        for what in (
            "* FROM account ORDER BY no", "* FROM leg ORDER BY account_no, entry_seq",
            "seq, id, time, kind FROM entry ORDER BY seq", f"{DERIVED_OF_LINES} FROM line ORDER BY no",
        )
    ]  # fmt: skip


def wipe(raw: sqlite3.Connection) -> None:
    """Make an end of everything derived."""
    raw.execute("PRAGMA foreign_keys = OFF")
    raw.execute("DELETE FROM leg")
    raw.execute("DELETE FROM account")
    raw.execute("UPDATE entry SET id = x'00', time = 0, kind = ''")
    raw.execute(
        "UPDATE line SET epoch = 3, own_length = 0, own_id = x'', peer_length = 0, peer_id = x'', peer_ack = 0, mine = x'',"
        " theirs = x'', written_off = 7"
    )
    raw.execute("PRAGMA foreign_keys = ON")


def rebuilt(book: Book, disk: Memory) -> dict[str, int]:
    async def do() -> dict[str, int]:
        store = InlineStore(disk)
        try:
            return await store.write(rebuild, book.scheme, book.identities.get, safe=book.safe)
        finally:
            await store.close()

    return asyncio.run(do())


@pytest.mark.parametrize("name", NAMES)
def test_what_was_wiped_comes_back_the_same(name: str) -> None:
    """Rule 3.1: accounts with their numbers, limits and holds, every leg, and where each line stands."""
    book = books()[name]
    disk = book.disk()
    before = derived(disk._raw)
    wipe(disk._raw)
    assert derived(disk._raw) != before

    rebuilt(book, disk)

    assert derived(disk._raw) == before
    assert asyncio.run(book.check(disk)).right


def test_one_wrong_number_is_put_right_and_nothing_else_changes() -> None:
    """Rule 3.2: members keep the account they have, also where a row between was lost."""
    book = books()["Oakvale"]
    disk = book.disk()
    before = derived(disk._raw)
    disk._raw.execute("PRAGMA foreign_keys = OFF")
    disk._raw.execute("UPDATE account SET balance = balance + 7 WHERE no = 1")
    disk._raw.execute("DELETE FROM account WHERE no = 3")
    disk._raw.execute("INSERT INTO leg VALUES (2, 9999, 5, 5)")

    rebuilt(book, disk)

    assert derived(disk._raw) == before


def test_a_line_of_which_only_ops_are_left_comes_back_stopped() -> None:
    """Rule 6.2: where it stands follows from its ops; whether to go on trading is for organisers."""
    book = books()["Hilltop"]
    disk = book.disk()
    before = derived(disk._raw)
    disk._raw.execute("PRAGMA foreign_keys = OFF")
    disk._raw.execute("DELETE FROM line WHERE no = 1")
    assert not asyncio.run(book.check(disk)).right

    rebuilt(book, disk)

    assert derived(disk._raw) == before
    assert disk._raw.execute("SELECT state, synced FROM line WHERE no = 1").fetchone() == ("stopped", 0)


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE entry SET wire = CAST(wire || x'00' AS BLOB) WHERE seq = 5",
        "UPDATE entry SET book_salt = zeroblob(16) WHERE seq = 5",
        "DELETE FROM entry WHERE seq = 5",
        "UPDATE op SET wire = (SELECT wire FROM op WHERE seq = 1) WHERE seq = 2 AND mine = 1",
        "DELETE FROM op WHERE seq = 2 AND mine = 0",
    ],
)
def test_nothing_is_made_of_what_is_wrong_itself(spoil: str) -> None:
    """Rule 3.1: a signed row that was altered or lost stops it, before anything is written."""
    book = books()["Oakvale"]
    disk = book.disk()
    disk._raw.execute("PRAGMA foreign_keys = OFF")
    disk._raw.execute(spoil)
    before = disk.snapshot()

    with pytest.raises(CannotRebuild) as caught:
        rebuilt(book, disk)

    assert not any(finding.derived for finding in caught.value.findings)
    assert disk.snapshot() == before
