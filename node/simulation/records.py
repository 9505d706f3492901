"""Trade records from a file: who paid whom how much, between which schemes, and how the schemes are connected.

The columns are those of `scripts/replay`: accounts (account, scheme), trades (seq, payer, payee, amount_centi,
payer_scheme, payee_scheme). Further columns are ignored, so files of one layout and different origin fit.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from random import Random
from typing import Final

from protocol.limits import AMOUNT_MAX

Edge = tuple[str, str]

TRIES_MAX: Final = 1_000  # draws of a random town before giving up on one that is close-knit enough


class BadRecords(ValueError):
    """A file that is not of the layout, with the line that shows it."""


@dataclass(frozen=True, slots=True)
class Record:
    """One trade of the file."""

    seq: str
    payer: str
    payee: str
    amount: int  # hundredths of the unit
    payer_scheme: str
    payee_scheme: str

    @property
    def crosses(self) -> bool:
        """Whether it is between two schemes."""
        return self.payer_scheme != self.payee_scheme


@dataclass(frozen=True, slots=True)
class Records:
    """The whole input: every account with its scheme, and the trades in order."""

    accounts: dict[str, str]
    trades: tuple[Record, ...]

    @property
    def schemes(self) -> list[str]:
        """The schemes, sorted."""
        return sorted(set(self.accounts.values()))


def read_records(accounts: Path, trades: Path, first: int | None = None) -> Records:
    """Return what two files say, of the trades only the `first` ones where given.

    Raises:
        BadRecords: not of the layout. OSError: not readable.
    """
    homes: dict[str, str] = {}
    for number, row in _rows(accounts, ("account", "scheme")):
        if homes.setdefault(row["account"], row["scheme"]) != row["scheme"]:
            raise BadRecords(f"{accounts.name}, line {number}: account {row['account']} is in two schemes")
    found: list[Record] = []
    for number, row in _rows(
        trades, ("seq", "payer", "payee", "amount_centi", "payer_scheme", "payee_scheme")
    ):
        if first is not None and len(found) >= first:
            break
        record = _record(row, f"{trades.name}, line {number}")
        for account, scheme in ((record.payer, record.payer_scheme), (record.payee, record.payee_scheme)):
            if homes.get(account) != scheme:
                raise BadRecords(f"{trades.name}, line {number}: account {account} is not in scheme {scheme}")
        found.append(record)
    return Records(homes, tuple(found))


def _rows(path: Path, columns: Sequence[str]) -> Iterable[tuple[int, dict[str, str]]]:
    try:
        yield from _read_rows(path, columns)
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadRecords(f"{path.name}: not a table in UTF-8: {error}") from None


def _read_rows(path: Path, columns: Sequence[str]) -> Iterable[tuple[int, dict[str, str]]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = [column for column in columns if column not in (reader.fieldnames or ())]
        if missing:
            raise BadRecords(f"{path.name}: columns {', '.join(missing)} are missing")
        for row in reader:
            if any(row[column] is None for column in columns):
                raise BadRecords(f"{path.name}, line {reader.line_num}: too few columns")
            yield reader.line_num, row


def _record(row: dict[str, str], where: str) -> Record:
    text = row["amount_centi"]
    if not (text.isascii() and text.isdigit() and len(text) < 20) or not 1 <= int(text) <= AMOUNT_MAX:
        raise BadRecords(f"{where}: the amount {text!r} is not a whole number above zero")
    if row["payer"] == row["payee"]:
        raise BadRecords(f"{where}: somebody pays themself")
    return Record(row["seq"], row["payer"], row["payee"], int(text), row["payer_scheme"], row["payee_scheme"])


# --- Topologies ------------------------------------------------------------------------------------------------


def topology(spec: str, schemes: Sequence[str], random: Random, horizon: int) -> list[Edge]:
    """Return which schemes are neighbours: `random:N`, `ring`, `star`, or a CSV file of two columns.

    A random town gives each scheme about N neighbours and is drawn again until nobody is further than
    `horizon` from anybody: beyond it schemes do not hear of each other.

    Raises:
        BadRecords: not a topology, or none of that kind is close-knit enough.
    """
    if len(schemes) < 2:
        return []
    if spec == "ring":
        edges = (
            [*pairwise(schemes), (schemes[-1], schemes[0])]
            if len(schemes) > 2
            else [(schemes[0], schemes[1])]
        )
        return [_ordered(*edge) for edge in edges]
    if spec == "star":
        return [_ordered(schemes[0], other) for other in schemes[1:]]
    if spec.startswith("random:") and spec[7:].isdigit() and int(spec[7:]) >= 1:
        for _ in range(TRIES_MAX):
            edges = _random_edges(schemes, int(spec[7:]), random)
            if diameter(schemes, edges) <= horizon:
                return edges
        raise BadRecords(f"no town of {spec} in which everybody is within {horizon} of everybody")
    return _edges_of_file(Path(spec), schemes)


def _random_edges(schemes: Sequence[str], degree: int, random: Random) -> list[Edge]:
    ring = list(schemes)
    random.shuffle(ring)
    edges = {_ordered(a, b) for a, b in zip(ring, [*ring[1:], ring[0]], strict=True) if a != b}
    wanted = min(len(schemes) * degree // 2, len(schemes) * (len(schemes) - 1) // 2)
    others = [_ordered(a, b) for a, b in combinations(schemes, 2)]
    random.shuffle(others)
    count = dict.fromkeys(schemes, 2)
    for a, b in others:
        if len(edges) >= wanted:
            break
        if (a, b) not in edges and max(count[a], count[b]) < degree + 1:
            edges.add((a, b))
            count[a] += 1
            count[b] += 1
    return sorted(edges)


def _edges_of_file(path: Path, schemes: Sequence[str]) -> list[Edge]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row]
    except OSError as error:
        raise BadRecords(f"{path}: not a topology (random:N, ring, star) and not a readable file") from error
    edges = set()
    for number, row in enumerate(rows, 1):
        names = tuple(cell.strip() for cell in row[:2])
        if number == 1 and not set(names) <= set(schemes):
            continue  # a heading
        if len(names) != 2 or not set(names) <= set(schemes) or names[0] == names[1]:
            raise BadRecords(f"{path.name}, line {number}: not two schemes of the records")
        edges.add(_ordered(*names))
    return sorted(edges)


def _ordered(a: str, b: str) -> Edge:
    return (a, b) if a < b else (b, a)


def distances(start: str, edges: Iterable[Edge]) -> dict[str, int]:
    """Return how many peerings away each scheme that can be reached is."""
    near: dict[str, set[str]] = {}
    for a, b in edges:
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    found, frontier = {start: 0}, [start]
    for distance in range(1, len(near) + 1):
        frontier = sorted({y for x in frontier for y in near.get(x, ()) if y not in found})
        found.update(dict.fromkeys(frontier, distance))
    return found


def diameter(schemes: Sequence[str], edges: Sequence[Edge]) -> int:
    """Return the largest distance between two schemes, or a number larger than any if some cannot be reached."""
    found = [distances(scheme, edges) for scheme in schemes]
    if any(len(each) < len(schemes) for each in found):
        return len(schemes) + 1
    return max(max(each.values()) for each in found)
