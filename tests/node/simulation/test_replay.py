"""Real and invented trade records through a town of whole nodes (scripts/replay). I1, I8, I9."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import structlog

from node.simulation.records import Record, Records, read_records
from node.simulation.replay import Plan
from node.simulation.replay import replay as run_replay

SCHEMES = ("North", "East", "South", "West")


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    yield
    structlog.configure(**before)


def invented(count: int, seed: int, schemes: tuple[str, ...] = SCHEMES) -> Records:
    """Return trades between three members each of some schemes."""
    random = Random(seed)
    accounts = {f"{scheme} {n}": scheme for scheme in schemes for n in range(3)}
    trades = []
    for seq in range(count):
        payer, payee = random.sample(sorted(accounts), 2)
        trades.append(
            Record(str(seq), payer, payee, random.randint(1, 5_000), accounts[payer], accounts[payee])
        )
    return Records(accounts, tuple(trades))


def positions(records: Records) -> dict[str, int]:
    """Return what each scheme earned less what it paid, reckoned from the records alone."""
    net: Counter[str] = Counter(dict.fromkeys(records.schemes, 0))
    for trade in records.trades:
        net[trade.payee_scheme] += trade.amount
        net[trade.payer_scheme] -= trade.amount
    return dict(net)


def sound(report: dict[str, object]) -> bool:
    return (report["sum_of_balances"], report["set_aside"], report["positions_agree"]) == (0, 0, True)


def test_with_one_rate_positions_come_out_to_the_cent() -> None:
    records = invented(60, seed=1)

    report = run_replay(Plan(records=records, topology="random:2", seed=1))

    assert sound(report)
    assert (report["done"], report["refused"]) == (60, {})
    assert report["net_positions"] == positions(records)


def test_loss_doubles_disorder_and_cuts_change_nothing_in_the_end() -> None:
    records = invented(40, seed=2)

    report = run_replay(
        Plan(records=records, topology="ring", loss=0.1, duplicate=0.1, reorder=True, partition=True, seed=2)
    )

    assert sound(report)
    assert report["done"] == 40
    assert report["net_positions"] == positions(records)


def test_mixed_rates_stay_within_one_minor_unit_a_trade() -> None:
    """I9. The coarsest unit of a mixed town is a minute: 60 hundredths of the common unit."""
    records = invented(60, seed=3)

    report = run_replay(Plan(records=records, topology="star", rates="mixed", seed=3))

    found, wanted = report["net_positions"], positions(records)
    assert isinstance(found, dict)
    assert sound(report)
    assert report["done"] == 60
    crossing = sum(trade.crosses for trade in records.trades)
    assert all(abs(found[scheme] - wanted[scheme]) <= 60 * crossing for scheme in wanted)
    assert sum(found.values()) == pytest.approx(0, abs=len(found))


def test_on_a_long_ring_exactly_those_beyond_the_horizon_are_refused() -> None:
    """Rule 5.6: schemes hear of each other within four peerings."""
    schemes = tuple(f"S{n:02}" for n in range(12))
    records = invented(60, seed=4, schemes=schemes)

    report = run_replay(Plan(records=records, topology="ring", seed=4))

    def apart(trade: Record) -> int:
        steps = abs(schemes.index(trade.payer_scheme) - schemes.index(trade.payee_scheme))
        return min(steps, len(schemes) - steps)

    beyond = Counter(f"{t.payer_scheme} > {t.payee_scheme}" for t in records.trades if apart(t) > 4)
    assert sound(report)
    assert beyond, "the seed has such pairs"
    assert report["refused"] == {"no_way": beyond.total()}
    assert report["refused_pairs"] == dict(sorted(beyond.items()))


def test_a_limit_that_bites_leaves_nothing_behind() -> None:
    records = invented(80, seed=5)

    report = run_replay(Plan(records=records, topology="random:2", limit=3_000, credit_limit=20_000, seed=5))

    assert sound(report)
    assert report["refused"]
    assert report["done"]


def test_one_seed_gives_one_report() -> None:
    plan = Plan(records=invented(25, seed=6), topology="ring", loss=0.05, reorder=True, seed=6)
    timed = ("trades_per_second", "real_seconds", "peak_memory_mib")

    first, second = (
        {key: value for key, value in run_replay(replace(plan)).items() if key not in timed} for _ in range(2)
    )

    assert first == second


@pytest.mark.shared
def test_a_sample_of_real_records(shared_data: Path) -> None:
    """Twenty villages' own trades, the first ones; the whole file is replayed by `scripts/test --all`."""
    folder = shared_data / "sarafu-derived-schemes"
    records = read_records(folder / "accounts.csv", folder / "trades.csv", first=600)

    report = run_replay(Plan(records=records, seed=7, loss=0.02, duplicate=0.02, reorder=True))

    assert sound(report)
    assert (report["done"], report["refused"]) == (600, {})
    assert report["net_positions"] == positions(records)


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.timeout(1_500)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"loss": 0.05, "duplicate": 0.05, "reorder": True},
        {"topology": "star"},
        {"partition": True, "loss": 0.02},
    ],
    ids=["calm", "weather", "star", "partition"],
)
def test_all_real_records_reach_the_known_positions(
    shared_data: Path, tmp_path: Path, changes: dict[str, object]
) -> None:
    folder = shared_data / "sarafu-derived-schemes"
    records = read_records(folder / "accounts.csv", folder / "trades.csv")
    with (folder / "scheme_net_positions.csv").open(newline="") as file:
        known = {row["scheme"]: int(row["net_centi"]) for row in csv.DictReader(file)}

    report = run_replay(Plan(records=records, seed=8, folder=tmp_path, **changes))  # type: ignore[arg-type]

    assert sound(report)
    assert report["done"] == len(records.trades)
    assert report["net_positions"] == known


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.timeout(1_500)
def test_all_real_records_at_mixed_rates(shared_data: Path) -> None:
    """I9: within one minor unit a trade, the coarsest being a minute."""
    folder = shared_data / "sarafu-derived-schemes"
    records = read_records(folder / "accounts.csv", folder / "trades.csv")
    trades = Counter(s for t in records.trades if t.crosses for s in (t.payer_scheme, t.payee_scheme))

    report = run_replay(Plan(records=records, rates="mixed", seed=9))

    found, wanted = report["net_positions"], positions(records)
    assert isinstance(found, dict)
    assert sound(report)
    assert report["done"] == len(records.trades)
    assert all(abs(found[scheme] - wanted[scheme]) <= 60 * trades[scheme] for scheme in wanted)
