"""A closed period is what the entries say it was, whenever it is asked for. Source: docs/protocol.md 4.5, I1."""

from __future__ import annotations

import asyncio
import itertools
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from node.services.closing import NotOver, read_sheet, spread_of
from node.simulation.town import Town
from node.store import InlineStore, Tx
from node.store.schema import books as schema
from protocol.audit_sheet import Sheet, SheetProven, verify_sheet
from protocol.ledger import HOURS, LOCAL
from tests.book_town import NAMES, Book, books
from tests.log_town import enter, in_town, minutes

LONG_AFTER = 4_000_000_000_000


async def sheet_of(book: Book, from_ms: int = 0, to_ms: int = LONG_AFTER - 1) -> Sheet:
    store = InlineStore(book.disk())
    try:
        return await store.read(read_sheet, book.scheme, from_ms, to_ms, LONG_AFTER)
    finally:
        await store.close()


def rows_of(book: Book, *columns: object) -> list[tuple[object, ...]]:
    async def read() -> list[tuple[object, ...]]:
        store = InlineStore(book.disk())
        try:
            return await store.read(lambda tx: tx.all(select(*columns)))  # type: ignore[call-overload]
        finally:
            await store.close()

    return asyncio.run(read())


@pytest.mark.parametrize("name", NAMES)
async def test_it_sums_to_zero_and_is_what_accounts_stand_at_now(name: str) -> None:
    """Payer, connector and payee, with corrections and trades across schemes under way."""
    book = books()[name]
    sheet = await sheet_of(book)

    assert sheet.sums() == {LOCAL: 0, HOURS: 0}
    checked = await book.check(book.disk())
    assert sheet.entries == checked.entries
    assert sheet.trades > 0
    assert sheet.corrections == 1


@pytest.mark.parametrize("name", NAMES)
def test_each_moment_of_the_past_is_what_it_was(name: str) -> None:
    """The balances after any entry are reckoned again here, from the movements alone."""
    book = books()[name]
    e, leg, a = schema.entry.c, schema.leg.c, schema.account.c
    times = sorted({int(row[0]) for row in rows_of(book, e.time)})  # type: ignore[call-overload]
    seqs = dict(rows_of(book, e.seq, e.time))
    kinds = dict(rows_of(book, a.no, a.kind))
    moved = rows_of(book, leg.account_no, leg.entry_seq, leg.amount)

    for at in times:
        sheet = asyncio.run(sheet_of(book, 0, at + 1))
        balances: dict[object, int] = {}
        for no, seq, amount in moved:
            if seqs[seq] <= at:  # type: ignore[operator]
                balances[no] = balances.get(no, 0) + amount  # type: ignore[operator]
        people = [balance for no, balance in balances.items() if kinds[no] == "member"]
        assert (sheet.people, sheet.ahead, sheet.behind) == (
            len(people), sum(each for each in people if each > 0), sum(each for each in people if each < 0),
        )  # fmt: skip
        assert sheet.entries == sum(time <= at for time in seqs.values())  # type: ignore[operator]


async def test_trades_are_those_of_the_time_asked_for() -> None:
    book = books()["Oakvale"]
    whole = await sheet_of(book)
    times = sorted({int(row[0]) for row in await asyncio.to_thread(rows_of, book, schema.entry.c.time)})  # type: ignore[call-overload]
    cuts = [0, *times[1::2], LONG_AFTER - 1]

    parts = [await sheet_of(book, first, end) for first, end in itertools.pairwise(cuts)]

    assert sum(each.trades for each in parts) == whole.trades
    assert sum(each.corrections for each in parts) == whole.corrections
    assert sum(each.turnover for each in parts) == whole.turnover
    assert parts[-1].ahead == whole.ahead


@pytest.mark.parametrize("from_ms, to_ms", [(0, LONG_AFTER + 1), (5, 5), (6, 5), (0, 1)])
async def test_what_is_not_over_or_holds_nothing_is_not_closed(from_ms: int, to_ms: int) -> None:
    with pytest.raises(NotOver):
        await sheet_of(books()["Oakvale"], from_ms, to_ms)


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=40))
def test_a_spread_parts_people_in_quarters(balances: list[int]) -> None:
    lowest, quarter, half, three, highest = spread_of(sorted(balances))

    assert (lowest, highest) == (min(balances), max(balances))
    for share, at in ((0.25, quarter), (0.5, half), (0.75, three)):
        assert sum(each <= at for each in balances) >= share * len(balances)
        assert sum(each < at for each in balances) <= share * len(balances)
    assert statistics.median_low(balances) == half


def test_a_spread_of_nobody_is_nothing() -> None:
    assert spread_of([]) == ()


def test_its_file_is_signed_and_neighbours_vouch_for_the_book() -> None:
    async def scenario(town: Town) -> None:
        oakvale = town["Oakvale"]
        await enter(oakvale, 5)
        node = oakvale.node

        def close(tx: Tx) -> bytes:
            return node.closing.read(tx, 0, node.clock.now_ms())

        early = verify_sheet(await node.store.read(close))
        await minutes(3)
        late = verify_sheet(await node.store.read(close))

        assert isinstance(early, SheetProven)
        assert isinstance(late, SheetProven)
        assert late.own.scheme == oakvale.scheme
        assert late.included is not None
        assert {each.by.scheme for each in late.included.witnesses} == {
            town[name].scheme for name in ("Hilltop", "Riverside", "Ferry")
        }

    in_town(scenario)
