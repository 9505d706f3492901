"""Trade records and the towns they are replayed in (scripts/replay)."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from node.simulation.records import BadRecords, diameter, distances, read_records, topology

ACCOUNTS = "account,scheme,kind\n1,S01,x\n2,S01,x\n3,S02,x\n"
TRADES = "seq,payer,payee,amount_centi,payer_scheme,payee_scheme\n7,1,2,250,S01,S01\n8,1,3,1000,S01,S02\n"


def files(folder: Path, accounts: str = ACCOUNTS, trades: str = TRADES) -> tuple[Path, Path]:
    (folder / "accounts.csv").write_text(accounts)
    (folder / "trades.csv").write_text(trades)
    return folder / "accounts.csv", folder / "trades.csv"


def test_records_are_read_in_order_with_further_columns_ignored(tmp_path: Path) -> None:
    records = read_records(*files(tmp_path))

    assert records.schemes == ["S01", "S02"]
    assert [(each.seq, each.amount, each.crosses) for each in records.trades] == [
        ("7", 250, False),
        ("8", 1000, True),
    ]
    assert len(read_records(*files(tmp_path), first=1).trades) == 1


@pytest.mark.parametrize(
    "accounts, trades, says",
    [
        ("account\n1\n", TRADES, "columns scheme are missing"),
        (ACCOUNTS + "1,S02,x\n", TRADES, "line 5: account 1 is in two schemes"),
        (ACCOUNTS, TRADES + "9,1,4,5,S01,S02\n", "line 4: account 4 is not in scheme S02"),
        (ACCOUNTS, TRADES + "9,1,3,0,S01,S02\n", "line 4: the amount '0' is not a whole number above zero"),
        (ACCOUNTS, TRADES + "9,1,3,1.5,S01,S02\n", "'1.5' is not a whole number"),
        (ACCOUNTS, TRADES + "9,1,3,²,S01,S02\n", "is not a whole number"),
        (ACCOUNTS, TRADES + "9,1,1,5,S01,S01\n", "somebody pays themself"),
        (ACCOUNTS, TRADES + "9,1\n", "too few columns"),
    ],
)
def test_a_file_of_another_layout_is_refused_with_its_line(
    tmp_path: Path, accounts: str, trades: str, says: str
) -> None:
    with pytest.raises(BadRecords, match=says):
        read_records(*files(tmp_path, accounts, trades))


SCHEMES = [f"S{n:02}" for n in range(1, 21)]


def test_a_ring_a_star_and_a_random_town() -> None:
    ring = topology("ring", SCHEMES, Random(0), 4)
    star = topology("star", SCHEMES, Random(0), 4)

    assert (len(ring), diameter(SCHEMES, ring)) == (20, 10)
    assert (len(star), diameter(SCHEMES, star)) == (19, 2)
    for seed in range(10):
        edges = topology("random:4", SCHEMES, Random(seed), 4)
        assert diameter(SCHEMES, edges) <= 4
        assert len(edges) == len(set(edges)) == 40
        assert edges == topology("random:4", SCHEMES, Random(seed), 4), "one seed gives one town"


def test_distances_count_peerings() -> None:
    assert distances("a", [("a", "b"), ("b", "c"), ("x", "y")]) == {"a": 0, "b": 1, "c": 2}
    assert diameter(["a", "b", "c"], [("a", "b")]) > 3, "somebody cannot be reached"


def test_a_topology_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "edges.csv"
    path.write_text("one,other\nS02,S01\nS02,S03\nS01,S02\n")

    assert topology(str(path), SCHEMES, Random(0), 4) == [("S01", "S02"), ("S02", "S03")]

    path.write_text("S01,S02\nS01,S99\n")
    with pytest.raises(BadRecords, match="line 2"):
        topology(str(path), SCHEMES, Random(0), 4)
    with pytest.raises(BadRecords, match="not a topology"):
        topology("moebius", SCHEMES, Random(0), 4)
