"""What the desk reckons of large books is found by indices: no entry is read whole, and nothing is looked through once for each member.

`python -m scripts.bench desk_load` measures it; here the plan itself is looked at, on an empty database. Source: docs/benchmarks.md.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Select
from sqlalchemy.dialects import sqlite

from node.services import closing, member_lists
from node.services.member_lists import Which
from node.store import InlineStore, SqliteDatabase

STATEMENTS = {
    "where a period begins": closing._FROM,
    "what kinds of entries it has": closing._KINDS,
    "what moved in it": closing._TURNOVER,
    "what balances came to": closing._BALANCES,
    "who offers nothing": member_lists._COUNTS[Which.NO_OFFERS],
    "who did not trade": member_lists._COUNTS[Which.NO_TRADE],
    "who does neither": member_lists._COUNTS[Which.NEITHER],
}
# The only tables that are gone through row by row; of entries an index that holds two numbers and a word of each.
SHORT = {"account", "member"}
OF_TIMES = "USING COVERING INDEX ix_entry_time"


def plan(database: Path, statement: Select[tuple[object, ...]]) -> list[str]:
    """Return the steps in which SQLite does it."""
    compiled = statement.compile(dialect=sqlite.dialect(paramstyle="named"))  # type: ignore[no-untyped-call]
    with sqlite3.connect(database) as connection:
        asked = {name: compiled.params[name] or 0 for name in compiled.params}
        rows = connection.execute(f"EXPLAIN QUERY PLAN {compiled}", asked).fetchall()
    return [str(row[3]) for row in rows]


@pytest.mark.parametrize("what", STATEMENTS)
async def test_large_books_are_not_read_whole(what: str, tmp_path: Path) -> None:
    store = InlineStore(SqliteDatabase(tmp_path / "node.db"))
    await store.close()
    steps = plan(tmp_path / "node.db", STATEMENTS[what])
    gone_through = [step for step in steps if step.startswith("SCAN") and step.split()[1] not in SHORT]
    assert [step for step in gone_through if OF_TIMES not in step] == [], steps
    entries = [step for step in steps if step.split()[1:2] == ["entry"]]
    assert [step for step in entries if OF_TIMES not in step] == [], steps
    by_state = [step for step in steps if "ix_listing_state" in step]
    assert by_state == [], "once for each member, that is everything on the board"
