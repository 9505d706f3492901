"""What was brought in from other programs, in the store: as values, how it is found and written down.

Units and queries only; what they make of a file is in `imports.py`. Source: docs/pages.md 7.4.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import bindparam, func, insert, select, update

from node.importing.layouts import Layout
from node.importing.rows import Conversion, Fault, Wrong
from node.store import ReadTx, Tx
from node.store.schema import imports as schema
from node.store.schema import market as market_schema
from node.store.statements import Row
from node.web.amounts import HOURS, Unit
from protocol.listing import State as ListingState

SHOWN_MAX: Final = 20
HOURS_NAME: Final = "hours"
DIGITS: Final = ("0", "1", "2", "3")

_R: Final = schema.import_run.c
_COLUMNS: Final = (
    _R.no, _R.layout, _R.state, _R.file, _R.faults, _R.by_name, _R.people, _R.listings, _R.trades, _R.left_out, _R.total, _R.remainder,
    _R.remainder_seq, _R.unit, _R.theirs, _R.ours, _R.rounding, _R.rounding_seq, _R.looked_ms, _R.ended_ms,
)  # fmt: skip
_BY_NO: Final = select(*_COLUMNS).where(_R.no == bindparam("no"))
_NEWEST: Final = select(*_COLUMNS).order_by(_R.no.desc()).limit(SHOWN_MAX)
_NEW: Final = insert(schema.import_run)
_DONE: Final = (
    update(schema.import_run)
    .where(_R.no == bindparam("which"))
    .values(
        state="done", file=None, faults=bindparam("new_faults"), people=bindparam("new_people"),
        listings=bindparam("new_listings"), trades=bindparam("new_trades"), left_out=bindparam("new_left_out"), total=bindparam("new_total"),
        remainder=bindparam("new_remainder"), remainder_seq=bindparam("new_seq"), rounding=bindparam("new_rounding"),
        rounding_seq=bindparam("new_rounding_seq"), ended_ms=bindparam("now"),
    )
)  # fmt: skip
_ENDED: Final = (
    update(schema.import_run)
    .where(_R.no == bindparam("which"))
    .values(state=bindparam("new_state"), file=None, faults="[]", ended_ms=bindparam("now"))
)
_OLD: Final = select(_R.no).where(_R.state == "looked", _R.looked_ms <= bindparam("before"))
_FAULTS_OLD: Final = (
    update(schema.import_run)
    .where(_R.state == "done", _R.ended_ms <= bindparam("before"), _R.faults != "[]")
    .values(faults="[]")
)
_ROW: Final = schema.import_row.c
_NEW_ROW: Final = insert(schema.import_row)
_ROWS: Final = (
    select(_ROW.line, _ROW.old, _ROW.member_no, _ROW.item_key, _ROW.amount, _ROW.trade_no)
    .where(_ROW.import_no == bindparam("no"))
    .order_by(_ROW.line)
)
_KNOWN_AS: Final = (
    select(_ROW.member_no)
    .select_from(schema.import_row.join(schema.import_run, _ROW.import_no == _R.no))
    .where(_ROW.old == bindparam("old"), _ROW.item_key.is_(None), _R.state == "done")
    .order_by(_ROW.import_no.desc())
    .limit(1)
)
_SAME: Final = (
    select(_ROW.line)
    .select_from(schema.import_row.join(schema.import_run, _ROW.import_no == _R.no))
    .where(_R.digest == bindparam("digest"), _R.state == "done")
)
_OPENING_OF: Final = (
    select(func.coalesce(func.sum(_ROW.amount), 0))
    .select_from(schema.import_row.join(schema.import_run, _ROW.import_no == _R.no))
    .where(_ROW.member_no == bindparam("member_no"), _R.state == "done")
)
_LISTINGS_OF: Final = (
    select(func.count())
    .select_from(market_schema.listing)
    .where(
        market_schema.listing.c.member_no == bindparam("member_no"),
        market_schema.listing.c.state != ListingState.WITHDRAWN.value,
    )
)


class RunState(StrEnum):
    """Where a file stands."""

    LOOKED = "looked"  # at, and nothing brought in
    DONE = "done"
    UNDONE = "undone"
    DROPPED = "dropped"  # nobody brought it in within a day


class Remainder(StrEnum):
    """Where the balances of a file go that do not sum to zero."""

    REFUSE = "refuse"  # nowhere: nothing is brought in
    OPENING = "opening"
    CHEST = "chest"
    WRITE_OFF = "write-off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A file that was looked at or brought in."""

    no: int
    layout: Layout
    state: RunState
    file: bytes | None
    faults: tuple[Fault, ...]
    by_name: str
    people: int
    listings: int
    trades: int
    left_out: int
    total: int
    remainder: Remainder
    remainder_seq: int | None
    conversion: Conversion | None  # of a file in another unit
    rounding: int
    rounding_seq: int | None
    looked_ms: int
    ended_ms: int | None


@dataclass(frozen=True, slots=True)
class Brought:
    """What one line became."""

    line: int
    old: str
    member_no: int
    item_key: bytes | None
    amount: int
    trade_no: int | None


def unit_named(text: str) -> Unit | None:
    """Return what a file counts in by its name: hours, or how many digits stand behind the point; None for no such name."""
    if text == HOURS_NAME:
        return HOURS
    if text not in DIGITS:
        return None
    return Unit(code="theirs", kind="decimal", decimals=int(text), symbol="\N{CURRENCY SIGN}")


def unit_name(unit: Unit) -> str:
    """Return by which name `unit_named` finds it."""
    return HOURS_NAME if unit.kind == "hours" else str(unit.decimals)


def conversion_of(unit: str, theirs: int | None, ours: int | None) -> Conversion | None:
    """Return the rate a file was looked at with; None where it counts in our own unit."""
    found = unit_named(unit)
    return None if found is None or theirs is None or ours is None else Conversion(found, theirs, ours)


def _run(row: Row) -> Run:
    (
        no, layout, state, file, faults, by_name, people, listings, trades, left_out, total, remainder, remainder_seq,
        unit, theirs, ours, rounding, rounding_seq, looked_ms, ended_ms,
    ) = row  # fmt: skip
    return Run(
        no=no, layout=Layout(layout), state=RunState(state), file=file,
        faults=tuple(Fault(line, Wrong(wrong), detail) for line, wrong, detail in json.loads(faults)), by_name=by_name,
        people=people, listings=listings, trades=trades, left_out=left_out, total=total, remainder=Remainder(remainder),
        remainder_seq=remainder_seq, conversion=conversion_of(unit, theirs, ours), rounding=rounding,
        rounding_seq=rounding_seq, looked_ms=looked_ms, ended_ms=ended_ms,
    )  # fmt: skip


def _packed(faults: Sequence[Fault]) -> str:
    return json.dumps([(each.line, each.wrong.value, each.detail) for each in faults], ensure_ascii=False)


def run_by_no(tx: ReadTx, no: int) -> Run | None:
    """Return a file that was looked at."""
    row = tx.one(_BY_NO, no=no)
    return None if row is None else _run(row)


def newest_runs(tx: ReadTx) -> list[Run]:
    """Return the files that were looked at last, the newest first."""
    return [_run(row) for row in tx.all(_NEWEST)]


def brought_by(tx: ReadTx, no: int) -> list[Brought]:
    """Return what the lines of a file became, in their order."""
    return [Brought(*row) for row in tx.all(_ROWS, no=no)]


def known_as(tx: ReadTx, old: str) -> int | None:
    """Return the number of the member who had this number or name in a file brought in earlier."""
    found = tx.scalar(_KNOWN_AS, old=old) if old else None
    return None if found is None else int(found)


def lines_of_same(tx: ReadTx, digest: bytes) -> frozenset[int]:
    """Return which lines of this very file were brought in before, and are."""
    return frozenset(line for (line,) in tx.all(_SAME, digest=digest))


def opening_of(tx: ReadTx, member_no: int) -> int:
    """Return the opening balance that files brought in gave a member, in minor units."""
    return int(tx.scalar(_OPENING_OF, member_no=member_no))


def count_listings(tx: ReadTx, member_no: int) -> int:
    """Return how many listings a member has."""
    return int(tx.scalar(_LISTINGS_OF, member_no=member_no))


def put_run(
    tx: Tx, layout: Layout, file: bytes, digest: bytes, by_name: str, now_ms: int, conversion: Conversion | None
) -> int:  # fmt: skip
    """Unit: keep a file that was looked at; return its number."""
    rate: dict[str, str | int | None] = {"unit": "", "theirs": None, "ours": None}
    if conversion is not None:
        rate = {"unit": unit_name(conversion.unit), "theirs": conversion.theirs, "ours": conversion.ours}
    return tx.insert(
        _NEW, layout=layout.value, state=RunState.LOOKED.value, file=file, digest=digest, faults="[]", by_name=by_name,
        people=0, listings=0, trades=0, left_out=0, total=0, remainder=Remainder.REFUSE.value, remainder_seq=None,
        rounding=0, rounding_seq=None, looked_ms=now_ms, ended_ms=None, **rate,
    )  # fmt: skip


def note_done(
    tx: Tx, no: int, *, people: int, listings: int, trades: int, faults: Sequence[Fault], total: int, remainder: Remainder,
    remainder_seq: int | None, rounding: int, rounding_seq: int | None, now_ms: int,
) -> None:  # fmt: skip
    """Unit: write down that a file was brought in; the file itself is forgotten."""
    tx.run(
        _DONE, which=no, new_people=people, new_listings=listings, new_trades=trades, new_left_out=len(faults), new_total=total,
        new_remainder=remainder.value, new_seq=remainder_seq, new_rounding=rounding, new_rounding_seq=rounding_seq, new_faults=_packed(faults), now=now_ms,
    )  # fmt: skip


def note_ended(tx: Tx, no: int, state: RunState, now_ms: int) -> None:
    """Unit: write down that a file was undone or dropped."""
    tx.run(_ENDED, which=no, new_state=state.value, now=now_ms)


def put_brought(tx: Tx, no: int, brought: Brought) -> None:
    """Unit: write down what a line became."""
    tx.run(
        _NEW_ROW, import_no=no, line=brought.line, old=brought.old, member_no=brought.member_no,
        item_key=brought.item_key, amount=brought.amount, trade_no=brought.trade_no,
    )  # fmt: skip


def drop_old(tx: Tx, before_ms: int, now_ms: int) -> None:
    """Unit: forget files nobody brought in, and lines that were left out long ago."""
    for (no,) in tx.all(_OLD, before=before_ms):
        note_ended(tx, no, RunState.DROPPED, now_ms)
    tx.run(_FAULTS_OLD, before=before_ms)
