"""Token buckets. Source: docs/protocol.md 9.3."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from node.federation.budget import Allowance, Bucket, Budget


def test_a_burst_passes_and_then_the_rate_counts():
    bucket = Bucket(rate=10, burst=100, now=0.0)
    assert bucket.take(100, 0.0) == 0
    assert bucket.take(5, 0.0) == 0.5
    assert bucket.take(0, 0.5) == 0
    assert bucket.take(100, 1000.0) == 0  # no more than a burst is ever saved
    assert bucket.take(1, 1000.0) == 0.1


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0, 5)), max_size=60))
def test_who_waits_as_told_never_gets_more_than_burst_and_rate(takes):
    bucket, now, taken = Bucket(rate=10, burst=100, now=0.0), 0.0, 0
    for amount, pause in takes:
        taken += amount
        now += bucket.take(amount, now)
        assert taken <= 100 + 10 * now + 1e-6
        now += pause


def test_a_frame_costs_bytes_and_a_frame_and_checks_are_apart():
    allowance = Allowance(
        bytes_a_second=100,
        bytes_burst=1000,
        frames_a_second=1,
        frames_burst=2,
        checks_a_second=1,
        checks_burst=1,
    )
    budget = Budget(allowance, 0.0)
    assert budget.frame(2000, 0.0) == 10  # a thousand bytes too many
    assert budget.frame(0, 100.0) == 0
    assert budget.frame(0, 100.0) == 0
    assert budget.frame(0, 100.0) == 1
    assert budget.checks(1, 100.0) == 0
    assert budget.checks(2, 100.0) == 2
