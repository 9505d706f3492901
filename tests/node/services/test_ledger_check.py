"""Checking the whole book: it finds nothing where nothing is wrong, and names any single row that is. Rules 3, 6, 7; I1, I19."""

from __future__ import annotations

import asyncio
import sqlite3
from random import Random
from typing import Any

import pytest

from node.services.ledger_check import Checked
from node.store import Memory
from node.store.schema import load_all
from tests.book_town import NAMES, Book, books

# What no signature speaks of: numbers of rows, moments, what was heard, words of pages. What refers to a row by its number is looked at.
FREE: dict[str, set[str]] = {
    "account": {"no", "warn_below", "warn_above"},
    "entry": set(),
    "leg": set(),
    "trade": {
        "no", "text", "other_name", "ended_ms", "created_ms", "reason", "late", "entered_by", "once", "other_amount", "other_unit",
    },
    "line": {
        "no", "state", "synced", "announced", "returned", "horizon", "seen", "own_ceiling", "marked", "marked_peer", "agreed_ms",
        "agreed_owed", "opened_ms", "heard_ms",
    },
    "op": set(),
    "payment": {"no", "deadline", "started_ms", "ended_ms"},
    "promise": {"text", "payer_name", "payer_handle", "via", "valid_until", "acceptance"},
    "forward": {"started_ms"},
    "decision": {"reason"},
}  # fmt: skip
KEYS = {
    "account": ("no",), "entry": ("seq",), "leg": ("account_no", "entry_seq"), "trade": ("no",), "line": ("no",),
    "op": ("line_no", "mine", "epoch", "seq"), "payment": ("no",), "promise": ("quote_id",), "forward": ("line_no", "lock_seq"),
    "decision": ("line_no", "lock_seq"),
}  # fmt: skip


def test_every_column_is_either_checked_or_free() -> None:
    """A column that is new in a table of money is looked at, or named here as none of money's."""
    for table, free in FREE.items():
        columns = {column.name for column in load_all().tables[table].columns}
        assert free <= columns, table


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_found_where_nothing_is_wrong(name: str) -> None:
    """Rules 3, 6, 7: payer, connector and payee, with trades done, corrected, refused and under way."""
    book = books()[name]
    checked = asyncio.run(book.check(book.disk()))

    assert checked.right, checked.findings
    assert checked.entries > 10
    assert checked.ops >= 9


def rows_of(raw: sqlite3.Connection, table: str) -> list[dict[str, Any]]:
    cursor = raw.execute(f"SELECT * FROM {table}")
    names = [each[0] for each in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def other_value(value: object, random: Random) -> object:
    """Return another value of the same kind."""
    match value:
        case None:
            return random.choice((0, 7))
        case int():
            return value + random.choice((1, -1, 60, 1000))
        case bytes():
            at = random.randrange(len(value)) if value else 0
            return (
                value[:at] + bytes([value[at] ^ (1 << random.randrange(8))]) + value[at + 1 :]
                if value
                else b"x"
            )
        case str():
            return f"{value}x"
    raise AssertionError(value)


def spoil(
    raw: sqlite3.Connection, table: str, row: dict[str, Any], column: str | None, random: Random
) -> str:
    """Alter a column of a row, lose the row (column None), or double it (column ""); return what was done."""
    keys = KEYS[table]
    where = " AND ".join(f"{key} = ?" for key in keys)
    values = [row[key] for key in keys]
    if column is None:
        raw.execute(f"DELETE FROM {table} WHERE {where}", values)
        return "lost"
    if column:
        new = other_value(row[column], random)
        raw.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", [new, *values])
        return f"{column} = {new!r}"
    copy = dict(row)
    unique = {"account": "id", "line": "id", "trade": "reference", "payment": "quote_id"}.get(table)
    copy[keys[-1]] = bytes(random.randbytes(32)) if table == "promise" else row[keys[-1]] + 1000
    if unique is not None:
        copy[unique] = other_value(row[unique], random)
    if table == "payment":
        copy["lock_seq"] += 1000
    if table == "trade":
        copy["once"] = None
    if table == "forward" and copy["out_seq"] is not None:
        copy["out_seq"] += 1000
    names = ", ".join(copy)
    raw.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(copy))})", list(copy.values()))
    return "doubled"


def is_named(checked: Checked, table: str, row: dict[str, Any], done: str) -> bool:
    """Tell whether a finding is about this row of this table: by its number, or by what it belongs to."""
    found = [each for each in checked.findings if each.table == table]
    match table:
        case "account":
            names = {str(row["no"]), row["id"].hex()}
        case "leg":
            names = {f"of entry {row['entry_seq']} on account {row['account_no']}"}
        case "op":
            sides = ("ours", "theirs") if row["mine"] else ("theirs", "ours")
            # One that was moved to the other chain is named where it stands now, or where it is missing.
            names = {
                f"{row['seq']} of {side} on line {row['line_no']}"
                for side in sides[: 2 if done.startswith("mine") else 1]
            }
        case "promise":
            names = {row["quote_id"].hex()[:16], "of lock"}
        case "payment":
            names = {str(row["no"]), f"of lock {row['lock_seq']} on line {row['line_no']}"}
        case "forward" | "decision":
            names = {f"lock {row['lock_seq']} "}
        case "entry":
            names = {str(row["seq"])}
        case "trade":
            names = {str(row["no"]), f"of entry {row['entry_seq']}"}
        case _:
            names = {str(row[KEYS[table][0]])}
    if done == "doubled" or (table == "promise" and done.startswith("quote_id")):
        return bool(found)
    if done.startswith("trade_no"):  # the trade that lost its payment says whose it was
        return any(f"{table} {name}" in str(each) for each in checked.findings for name in names)
    return any(name in each.row for each in found for name in names)


def harmless(table: str, row: dict[str, Any], column: str | None) -> bool:
    """Tell what says nothing about money: a price that was given and not paid, a lock that waits to be looked at again."""
    if table == "promise" and row["state"] == "given" and column in (None, "account_no", "quote_id"):
        return True
    return table == "forward" and row["state"] == "wait" and column is None


def cases(book: Book, disk: Memory) -> list[tuple[str, dict[str, Any], str | None]]:
    """Return every (table, row, column) there is to spoil."""
    made = []
    for table, free in FREE.items():
        for row in rows_of(disk._raw, table):
            columns: list[str | None] = [name for name in row if name not in free]
            made += [
                (table, row, column) for column in (*columns, None, "") if not harmless(table, row, column)
            ]
    return made


async def check_spoilt(
    book: Book, chosen: list[tuple[str, dict[str, Any], str | None]], random: Random
) -> None:
    store_disk = book.disk()
    for table, row, column in chosen:
        store_disk.restore(book.image)
        raw = store_disk._raw
        raw.execute("PRAGMA foreign_keys = OFF")
        try:
            done = spoil(raw, table, row, column, random)
        except sqlite3.IntegrityError:
            continue  # the database itself does not take it
        checked = await book.check(store_disk)
        assert not checked.right, f"{book.name}: {table} {row}: {done} is not found"
        assert is_named(checked, table, row, done), (
            f"{book.name}: {table} {row}: {done}: {[str(each) for each in checked.findings]}"
        )


@pytest.mark.parametrize("name", NAMES)
def test_any_single_row_spoilt_is_found_and_named(name: str) -> None:
    """I19: altered, lost or doubled, in any table that says how much is whose; a sample, all of them in the slow run."""
    random = Random(f"spoil {name}")
    book = books()[name]
    all_cases = cases(book, book.disk())
    chosen = [
        random.choice([case for case in all_cases if case[0] == table])
        for table in FREE
        if any(case[0] == table for case in all_cases)
    ]
    asyncio.run(check_spoilt(book, chosen + random.sample(all_cases, 20), random))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_single_row_spoilt_is_found_and_named(name: str) -> None:
    """I19: every column of every row, lost and doubled too."""
    random = Random(f"spoil all {name}")
    book = books()[name]
    asyncio.run(check_spoilt(book, cases(book, book.disk()), random))
