"""Towns in which both ends of a line were restored from stale backups end well once people agree. Source: docs/protocol.md 6.8."""

from __future__ import annotations

import pytest

from tests.simulator.both_lost import both_lost

# Found by many: a number given anew before it was heard what became of the lost lock (137); what an old copy hears of a
# line that went on, in another order than the first time (102), and of an end that was lost, after its lock was let go (303).
FOUND = (102, 137, 303)
SEEDS = (*range(1, 9), *FOUND)
MANY = range(100, 300)


@pytest.mark.parametrize("seed", SEEDS)
def test_two_stale_backups_end_well(seed: int) -> None:
    """I1–I5, I8, I15, I17 at rest, whatever balance people agree on."""
    assert both_lost(seed).violated == ""


@pytest.mark.slow
def test_many_pairs_of_stale_backups_end_well() -> None:
    """And all of it happens: lines are frozen, locks go on."""
    all_told = [both_lost(seed) for seed in MANY]
    assert [told.violated for told in all_told if told.violated] == []
    assert sum(told.frozen for told in all_told) > 20
    assert sum(told.carried for told in all_told) > 5
