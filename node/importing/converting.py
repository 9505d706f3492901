"""A file that counts in another unit, turned into our own at a rate that somebody states, each amount rounded once.

Source: docs/moving.md (merging); docs/pages.md 7.4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final, TypeVar

from node.importing.rows import Conversion, Fault, ListingRow, PersonRow, Reading, TradeRow, Wrong
from protocol.limits import AMOUNT_MAX

AnyRow = TypeVar("AnyRow", PersonRow, ListingRow, TradeRow)


class _TooLarge(Exception):
    def __init__(self, wrong: Wrong, amount: int):
        super().__init__(amount)
        self.wrong: Final = wrong
        self.amount: Final = amount


def converted(reading: Reading, conversion: Conversion) -> Reading:
    """Return a file as if it counted in our unit; lines whose amounts become too large are named in place of taken."""

    def turned(wrong: Wrong, amount: int) -> int:
        found = conversion.turned(amount)
        if abs(found) > AMOUNT_MAX:
            raise _TooLarge(wrong, amount)
        return found

    def person(row: PersonRow) -> PersonRow:
        return replace(
            row,
            balance=turned(Wrong.BALANCE, row.balance),
            credit_limit=None if row.credit_limit is None else turned(Wrong.LIMIT, row.credit_limit),
            ceiling=None if row.ceiling is None else turned(Wrong.LIMIT, row.ceiling),
        )

    def listing(row: ListingRow) -> ListingRow:
        return replace(row, price=turned(Wrong.AMOUNT, row.price))

    def trade(row: TradeRow) -> TradeRow:
        # What is worth less than our smallest part is a trade all the same.
        return replace(row, amount=max(1, turned(Wrong.AMOUNT, row.amount)))

    faults = list(reading.faults)
    return replace(
        reading,
        people=_each(reading.people, person, faults),
        listings=_each(reading.listings, listing, faults),
        trades=_each(reading.trades, trade, faults),
        faults=tuple(faults),
        theirs={row.line: row.balance for row in reading.people},
        conversion=conversion,
    )


def _each(
    rows: Iterable[AnyRow], turn: Callable[[AnyRow], AnyRow], faults: list[Fault]
) -> tuple[AnyRow, ...]:
    made = []
    for row in rows:
        try:
            made.append(turn(row))
        except _TooLarge as large:
            faults.append(Fault(row.line, large.wrong, str(large.amount)))
    return tuple(made)
