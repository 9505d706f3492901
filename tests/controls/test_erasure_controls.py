"""Negative controls of erasure: each forbidden shortcut must be found by the very run that finds nothing otherwise. Rules 3.1, 11."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import bindparam, update

from node.services import erasure
from node.store import Tx
from node.store.schema import books
from node.store.sqlite import SqliteConnection
from tests.erasing import check_erased, open_scheme
from tests.invariants import Violated


async def erase_somebody(folder: Path) -> None:
    async with open_scheme(folder) as scheme:
        rosa, otto, ana, ben, *_ = scheme.members
        for amount in range(1, 40):  # enough that deleted rows lie on pages of their own
            await scheme.trade(ana, ben, amount)
            await scheme.write(ana, ben)
        await scheme.offer(ana)
        salts = await scheme.salts()
        await scheme.erase(ana, rosa, otto)
        await check_erased(scheme, [ana], salts)


async def test_without_a_shortcut_nothing_is_found(tmp_path: Path) -> None:
    await erase_somebody(tmp_path)


async def test_a_salt_left_in_the_entry_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule 3.1: with the salt, whoever guesses what was said can prove it."""
    seq = books.entry.c.seq
    monkeypatch.setattr(
        erasure,
        "_NO_WORDS",
        update(books.entry).where(seq == bindparam("which")).values(words=None),
    )
    with pytest.raises(Violated, match=r"^(I19 entry|3\.1 the salt)"):
        await erase_somebody(tmp_path)


async def test_a_database_not_written_anew_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule 3.1: the write-ahead log and freed pages still hold what no query finds."""
    monkeypatch.setattr(SqliteConnection, "scrub", lambda self: None)
    with pytest.raises(Violated, match=r"^3\.1 "):
        await erase_somebody(tmp_path)


async def test_words_left_beside_the_ledger_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 3.1: the same text stands in the row of the trade."""
    monkeypatch.setattr(erasure, "_BLANK_OF_ACCOUNT", ())
    with pytest.raises(Violated, match=r"^3\.1 "):
        await erase_somebody(tmp_path)


async def test_the_shortcuts_are_tried_where_erasing_calls_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is patched above is what runs: an erasure that erases no words at all is found too."""

    def nothing(_tx: Tx, _seqs: list[int]) -> None:
        return

    monkeypatch.setattr(erasure, "erase_words", nothing)
    with pytest.raises(Violated, match=r"^(I19|3\.1) "):
        await erase_somebody(tmp_path)
