"""Fees: on which day a time is due, and how a share is rounded. Rule 3.8."""

from __future__ import annotations

import hashlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import InvalidValue
from protocol.fee import Fee, Round, Side, announced_in_time, key_of_charge
from protocol.limits import AMOUNT_MAX, FEE_NOTICE_DAYS, FEE_SHARE_MAX
from protocol.names import AccountId


def day(text: str) -> int:
    return date.fromisoformat(text).toordinal()


def test_a_fixed_amount_is_due_on_its_days_and_a_share_when_its_time_is_over() -> None:
    """Rule 3.8, with days as in 3.6: the 31st is a short month's last day, reckoned from the first."""
    monthly = Fee(every=Round.MONTH, first=day("2026-01-31"), amount=60)
    assert [monthly.due(turn) for turn in range(3)] == [
        day("2026-01-31"),
        day("2026-02-28"),
        day("2026-03-31"),
    ]
    yearly = Fee(every=Round.YEAR, first=day("2028-02-29"), amount=60)
    assert [yearly.due(turn) for turn in (1, 4)] == [day("2029-02-28"), day("2032-02-29")]
    share = Fee(every=Round.MONTH, first=day("2026-01-01"), share=200)
    assert (share.begins(0), share.due(0)) == (day("2026-01-01"), day("2026-02-01"))
    assert share.due(0) == share.begins(1)


@pytest.mark.parametrize(
    ("share", "given", "got", "asked"),
    [(200, 0, 2999, 59), (200, 0, 49, 0), (200, 0, 50, 1), (1, 0, 9999, 0), (1, 0, 10_000, 1), (1000, 7, 9, 0), (1000, 0, 0, 0)],
)  # fmt: skip
def test_a_share_is_rounded_down(share: int, given: int, got: int, asked: int) -> None:
    assert Fee(every=Round.MONTH, first=1, share=share).asks(given, got) == asked


def test_a_share_is_of_what_was_given_got_or_both() -> None:
    asked = {side: Fee(every=Round.MONTH, first=1, share=1000, side=side).asks(100, 30) for side in Side}
    assert asked == {Side.GIVEN: 10, Side.GOT: 3, Side.BOTH: 13}


@given(
    share=st.integers(1, FEE_SHARE_MAX), given_=st.integers(0, AMOUNT_MAX), got=st.integers(0, AMOUNT_MAX),
    side=st.sampled_from(Side),
)  # fmt: skip
def test_nobody_is_asked_for_more_than_the_share(share: int, given_: int, got: int, side: Side) -> None:
    """Rule 3.8: at most the share that was said, less than one minor unit below it."""
    fee = Fee(every=Round.YEAR, first=1, share=share, side=side)
    exact = fee.base(given_, got) * share
    assert exact - 10_000 < fee.asks(given_, got) * 10_000 <= exact


@pytest.mark.parametrize(
    "wrong",
    [{}, {"amount": 1, "share": 1}, {"amount": -1}, {"amount": True}, {"share": FEE_SHARE_MAX + 1}, {"amount": AMOUNT_MAX + 1}, {"amount": 1, "first": 0}],
)  # fmt: skip
def test_what_is_no_fee(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidValue):
        Fee(**({"every": Round.MONTH, "first": 1} | wrong))  # type: ignore[arg-type]


def test_members_know_two_weeks_before() -> None:
    fee = Fee(every=Round.YEAR, first=1000, amount=1)
    assert announced_in_time(fee, 1000 - FEE_NOTICE_DAYS)
    assert not announced_in_time(fee, 1001 - FEE_NOTICE_DAYS)


def test_each_charge_has_a_key_of_its_own() -> None:
    """Rule 3.8: of rule, time and account, so that a charge made again is known."""
    ana, ben = AccountId(b"a" * 16), AccountId(b"b" * 16)
    keys = {
        key_of_charge(id_, turn, who)
        for id_ in (b"1" * 16, b"2" * 16)
        for turn in (0, 1)
        for who in (ana, ben)
    }
    assert len(keys) == 8
    assert {len(key) for key in keys} == {16}
    said = hashlib.sha256(b"interlets/fee\0" + b"1" * 16 + b"\0\0\0\1" + b"a" * 16).digest()[:16]
    assert key_of_charge(b"1" * 16, 1, ana) == said
