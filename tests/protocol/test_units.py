"""Hours and local units. Source: docs/protocol.md 6.1, 7.1, I9."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import InvalidValue
from protocol.limits import AMOUNT_MAX, RATE_MINOR_PER_HOUR_MAX
from protocol.units import HOUR, MINUTE, Rate, hours_of, local_of, most_paid_by, price

RATES = st.builds(lambda n: Rate(minor_per_hour=n), st.integers(1, RATE_MINOR_PER_HOUR_MAX))
# Small enough that the hours of any rate stay in range.
AMOUNTS = st.integers(1, AMOUNT_MAX // HOUR)
MINUTES = Rate(minor_per_hour=60)
ACORNS = Rate(minor_per_hour=1_200)  # 12.00 an hour


@pytest.mark.parametrize(
    "amount, payee_rate, hours, payer_rate, payer_amount",
    [
        (60, MINUTES, HOUR, MINUTES, 60),
        (1, MINUTES, MINUTE, MINUTES, 1),
        (600, ACORNS, HOUR // 2, MINUTES, 30),
        (610, ACORNS, 1_830_000, MINUTES, 31),  # 30 minutes and 30 seconds: the payer gives 31 minutes
        (610, ACORNS, 1_830_000, ACORNS, 610),
        (1, Rate(minor_per_hour=7), 514_286, Rate(minor_per_hour=7), 2),  # 7 does not divide the hour
        (1, Rate(minor_per_hour=RATE_MINOR_PER_HOUR_MAX), 1, MINUTES, 1),
        (RATE_MINOR_PER_HOUR_MAX, Rate(minor_per_hour=RATE_MINOR_PER_HOUR_MAX), HOUR, MINUTES, 60),
    ],
)
def test_both_divisions_round_up(amount, payee_rate, hours, payer_rate, payer_amount):
    """Rule 7.1."""
    answer = price(amount, payee_rate=payee_rate, payer_rate=payer_rate)

    assert (answer.payee_amount, answer.hours, answer.payer_amount) == (amount, hours, payer_amount)


@given(amount=AMOUNTS, payee=RATES, payer=RATES)
def test_amounts_are_the_ceilings_of_the_exact_fractions(amount, payee, payer):
    """Rule 7.1, against exact fractions."""
    answer = price(amount, payee_rate=payee, payer_rate=payer)

    exact_hours = Fraction(amount * HOUR, payee.minor_per_hour)
    assert exact_hours <= answer.hours < exact_hours + 1
    exact_local = Fraction(answer.hours * payer.minor_per_hour, HOUR)
    assert exact_local <= answer.payer_amount < exact_local + 1


@given(trades=st.lists(AMOUNTS, min_size=1, max_size=30), payee=RATES, payer=RATES)
def test_i9_each_exchange_keeps_less_than_one_minor_unit_a_trade_and_never_loses(trades, payee, payer):
    """I9: what rounding leaves is in the two `exchange` accounts, never less than nothing."""
    payer_exchange = payee_exchange = Fraction(0)  # in 3 600 000ths: local units in, hours out, and back
    for amount in trades:
        answer = price(amount, payee_rate=payee, payer_rate=payer)
        payer_exchange += Fraction(answer.payer_amount * HOUR, payer.minor_per_hour) - answer.hours
        payee_exchange += answer.hours - Fraction(amount * HOUR, payee.minor_per_hour)

    assert 0 <= payer_exchange < len(trades) * Fraction(HOUR, payer.minor_per_hour)
    # Not even a whole 3 600 000th a trade, the smallest that a minor unit can be.
    assert 0 <= payee_exchange < len(trades)


@given(amount=AMOUNTS, rate=RATES)
def test_one_rate_gives_the_amount_back_exactly_when_it_divides_the_hour(amount, rate):
    """I9: at most one minor unit more, none under a rate that divides the hour."""
    back = price(amount, payee_rate=rate, payer_rate=rate).payer_amount

    assert back in ((amount,) if rate.divides_hour else (amount, amount + 1))


@given(smaller=AMOUNTS, larger=AMOUNTS, payee=RATES, payer=RATES)
def test_a_higher_price_never_costs_less(smaller, larger, payee, payer):
    smaller, larger = sorted((smaller, larger))

    assert (
        price(smaller, payee_rate=payee, payer_rate=payer).payer_amount
        <= price(larger, payee_rate=payee, payer_rate=payer).payer_amount
    )


@given(amount=AMOUNTS, payee=RATES, payer=RATES)
def test_a_cheque_pays_the_most_that_is_not_dearer_than_what_is_written(amount, payee, payer):
    """Rule 7.11."""
    gets = most_paid_by(amount, payer_rate=payer, payee_rate=payee)

    if gets:
        assert price(gets, payee_rate=payee, payer_rate=payer).payer_amount <= amount
    if amount * HOUR // payer.minor_per_hour <= AMOUNT_MAX and gets < AMOUNT_MAX // HOUR:
        assert price(gets + 1, payee_rate=payee, payer_rate=payer).payer_amount > amount


def test_what_is_too_little_or_too_much_to_be_paid_is_nothing():
    """Rule 7.11."""
    assert most_paid_by(1, payer_rate=ACORNS, payee_rate=Rate(minor_per_hour=1)) == 0
    assert most_paid_by(AMOUNT_MAX, payer_rate=Rate(minor_per_hour=1), payee_rate=MINUTES) == 0


@pytest.mark.parametrize("amount", [0, -1, AMOUNT_MAX + 1, True, 1.0, "1", None])
def test_what_is_not_an_amount_is_refused(amount):
    """Rule 1.5."""
    with pytest.raises(InvalidValue):
        hours_of(amount, MINUTES)
    with pytest.raises(InvalidValue):
        local_of(amount, MINUTES)
    with pytest.raises(InvalidValue):
        most_paid_by(amount, payer_rate=MINUTES, payee_rate=ACORNS)


def test_an_answer_out_of_range_is_refused():
    """Rule 1.5: checked, never wrapped."""
    slow = Rate(minor_per_hour=1)
    assert hours_of(AMOUNT_MAX // HOUR, slow) <= AMOUNT_MAX
    with pytest.raises(InvalidValue):
        hours_of(AMOUNT_MAX // HOUR + 1, slow)
    assert local_of(AMOUNT_MAX, Rate(minor_per_hour=RATE_MINOR_PER_HOUR_MAX)) == AMOUNT_MAX


@pytest.mark.parametrize("rate", [0, -1, RATE_MINOR_PER_HOUR_MAX + 1, True, 60.0])
def test_a_rate_outside_the_range_is_refused(rate):
    """Rule 7.1: at most 3 600 000 minor units an hour."""
    with pytest.raises(InvalidValue):
        Rate(minor_per_hour=rate)
