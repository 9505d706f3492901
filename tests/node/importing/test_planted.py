"""Every layout with faults of every kind planted in it: each line is taken or named, never half a file silently. docs/pages.md 7.4."""

from __future__ import annotations

import csv
import io
from random import Random

import pytest

from node.importing.layouts import COMMENTS, HEADED, HEADING, OPEN, PLACED, WITH_HEADING, Layout
from node.importing.reading import read_file
from node.importing.rows import Reading, Unusable, Wrong
from node.importing.table import read_table
from node.web.amounts import HOURS

# What stands in a good field, by what it is.
GOOD = {
    "old": "m{n}", "name": "Member {n}", "first": "Iu", "last": "Mas", "email": "m{n}@example.org", "balance": "-1:30",
    "number": "1.5", "lower": "2", "upper": "3", "lower-number": "2.5", "upper-number": "9", "clock": "-0:45", "owner": "m{n}",
    "kind": "offer", "title": "Thing {n}", "price": "0:30", "hide": "0", "shown": "active", "named": "Iu Mas ({n})", "row": "{n}",
    "day": "2015-04-02", "payer": "m{n}", "payee": "k{n}", "payer-kind": "member", "payee-kind": "member", "seconds": "5400",
    "amount": "1:30", "half": "debit", "state": "committed", "registry": "dalston", "other-registry": "dalston", "key": "{n}",
    "currency": "duck", "hash": "h{n}",
}  # fmt: skip
BY_LAYOUT = {
    Layout.CES_ADVERTS: {"kind": "o"},
    Layout.CCLITE_ADS: {"kind": "offered", "price": "3"},
    Layout.CCLITE_TRADES: {"state": "accepted"},
    Layout.TIMEOVERFLOW_TRANSFERS: {"clock": "0:45"},
}
# What somebody, or a program, may have left in a field instead.
BAD = (
    "", " ", "1.30", "1,234", "much", "-", "\u2014", "4/3/2015", "2015-02-30", "2015-13-01T00:00:00Z", "0000-00-00", "99:99", "1e9", "NaN",
    "-5", "9" * 30, "x" * 4_001, "a\u0007b", "\u202e", "\ufeff", "=1+1", "'=1", '"', 'a"b', "a\nb", "a;b,c\td", "deleted", "credit", "m1", "()",
    "(0)", "\U0001f600" * 50, "NULL", "\\N", "#",
)  # fmt: skip


def columns_of(layout: Layout) -> tuple[list[str], list[str] | None]:
    """Return what each column is, and the names above them, if any."""
    if layout in HEADED:
        return list(HEADED[layout].values()), list(HEADED[layout])
    columns = list(PLACED[layout])
    if layout in WITH_HEADING:
        return columns, [f"heading {n}" for n in range(len(columns))]
    return columns, None


def good_row(layout: Layout, columns: list[str], n: int) -> list[str]:
    said = {**GOOD, **BY_LAYOUT.get(layout, {})}
    return [said.get(each, "").format(n=n) for each in columns]


def written(rows: list[list[str]], separator: str, end: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue()


def lines_of(reading: Reading) -> list[int]:
    taken = [row.line for row in reading.people]
    taken += [row.line for row in reading.listings] + [row.line for row in reading.trades]
    halves = [row.other_line for row in reading.trades if row.other_line is not None]
    return sorted([*taken, *halves, *(fault.line for fault in reading.faults)])


def lines_there(layout: Layout, data: bytes) -> list[int]:
    """Return the lines that say something, found without what is tested: no headings, comments, names of categories."""
    rows = list(read_table(data))
    first = tuple(field.casefold() for field in rows[0].fields)
    if layout in HEADED or layout in WITH_HEADING or HEADING.get(layout) == first:
        rows = rows[1:]
    if layout in COMMENTS:
        rows = [row for row in rows if not row.fields[0].startswith("#")]
    if layout in (Layout.TIMEOVERFLOW_OFFERS, Layout.TIMEOVERFLOW_REQUESTS):
        rows = [
            row
            for row in rows
            if [at for at, field in enumerate(row.fields) if field] != [1] or len(row.fields) != 5
        ]
    return [row.line for row in rows]


@pytest.mark.parametrize("layout", Layout)
def test_good_lines_are_all_taken(layout: Layout) -> None:
    """Else the faults below would hide that nothing is read."""
    columns, names = columns_of(layout)
    rows = [*([names] if names else []), *[good_row(layout, columns, n) for n in range(1, 6)]]
    reading = read_file(layout, written(rows, ",", "\n").encode(), HOURS)
    assert reading.faults == ()
    assert len(reading.people) + len(reading.listings) + len(reading.trades) == 5


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("layout", Layout)
def test_each_line_is_taken_or_named_whatever_is_planted(layout: Layout, seed: int) -> None:
    chance = Random(f"{layout} {seed}")
    columns, names = columns_of(layout)
    rows: list[list[str]] = []
    for n in range(1, 40):
        row = good_row(layout, columns, n)
        match chance.randrange(8):
            case 0:
                row[chance.randrange(len(row))] = chance.choice(BAD)
            case 1:
                row = [field if chance.random() < 0.7 else chance.choice(BAD) for field in row]
            case 2:
                del row[chance.randrange(len(row))]
            case 3:
                row.insert(chance.randrange(len(row)), chance.choice(BAD))
            case 4:
                row = list(rows[-1]) if rows else row  # the line before once more
            case 5:
                row = [""] * len(row)
            case _:
                pass
        rows.append(row)
    text = written([*([names] if names else []), *rows], chance.choice(",;\t"), chance.choice(("\n", "\r\n")))
    data = text.encode(chance.choice(("utf-8", "utf-8-sig")))
    reading = read_file(layout, data, HOURS)
    assert lines_of(reading) == lines_there(layout, data)
    assert reading.people or reading.listings or reading.trades, "good lines are among them"


@pytest.mark.parametrize("layout", sorted(HEADED))
def test_a_column_that_is_missing_twice_or_unknown_is_named_and_nothing_is_taken(layout: Layout) -> None:
    columns, names = columns_of(layout)
    assert names is not None
    row = good_row(layout, columns, 1)

    def wrong_with(head: list[str], fields: list[str]) -> Wrong:
        with pytest.raises(Unusable) as caught:
            read_file(layout, written([head, fields], ",", "\n").encode(), HOURS)
        return caught.value.fault.wrong

    assert wrong_with([*names, names[0].upper()], [*row, "x"]) is Wrong.COLUMN_TWICE
    optional = next(at for at, each in enumerate(columns) if each == "") if "" in columns else None
    some = [
        name
        for at, name in enumerate(names)
        if at == optional or columns[at] in ("text", "phone", "about", "upper-number")
    ]
    if some:
        at = names.index(some[0])
        assert wrong_with([names[at]], [row[at]]) is Wrong.MISSING_COLUMN
    if layout in OPEN:
        reading = read_file(layout, written([[*names, "shoe size"], [*row, "40"]], ",", "\n").encode(), HOURS)
        assert reading.faults == ()
    else:
        assert wrong_with([*names, "shoe size"], [*row, "40"]) is Wrong.UNKNOWN_COLUMN


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_other_encodings_are_refused_in_words_and_not_read_as_something_else(
    layout: Layout, encoding: str
) -> None:
    columns, names = columns_of(layout)
    rows = [*([names] if names else []), good_row(layout, columns, 1)]
    with pytest.raises(Unusable) as caught:
        read_file(layout, written(rows, ",", "\n").encode(encoding), HOURS)
    assert caught.value.fault.wrong is Wrong.NOT_TEXT
