"""Tokens and the money for them: every act, and what never happens. Rule 3.9."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import InvalidValue, OutOfOrder
from protocol.ledger import SystemRole
from protocol.limits import AMOUNT_MAX, TOKENS_AT_ONCE_MAX
from protocol.tokens import AGAINST, IN, OUT, Box, Change, Terms, TokenAct, after, change_of

TERMS = Terms(worth=60, price=500)
BOX = Box(tokens=10, money=2_000)


@pytest.mark.parametrize(
    "act, count, money, tokens, amount, coins",
    [
        (TokenAct.SOLD, 3, 0, 3, 180, 1_500),
        (TokenAct.DRAWN, 3, 0, 3, 180, 0),
        (TokenAct.BACK, 3, 0, -3, -180, 0),
        (TokenAct.BOUGHT, 3, 0, -3, -180, -1_500),
        (TokenAct.PUT_IN, 0, 900, 0, 0, 900),
        (TokenAct.TAKEN_OUT, 0, 900, 0, 0, -900),
        (TokenAct.COUNTED, 0, 1_950, 0, 0, -50),
        (TokenAct.COUNTED, 0, 2_000, 0, 0, 0),
        (TokenAct.COUNTED, 0, 0, 0, 0, -2_000),
    ],
)
def test_what_each_act_does(
    act: TokenAct, count: int, money: int, tokens: int, amount: int, coins: int
) -> None:
    change = change_of(act, TERMS, count=count, money=money, box=BOX)
    assert change == Change(tokens=tokens, amount=amount, money=coins)
    assert after(BOX, change) == Box(tokens=10 + tokens, money=2_000 + coins)
    assert after(after(BOX, change), change.opposite()) == BOX


def test_every_act_is_thought_of() -> None:
    assert set(AGAINST) == OUT | IN
    assert {role for role in AGAINST.values() if role} == {SystemRole.SOLD}
    with pytest.raises(InvalidValue):
        change_of(TokenAct.CORRECTED, TERMS, count=1, money=1, box=BOX)


@pytest.mark.parametrize("act", [*OUT, *IN])
@pytest.mark.parametrize("count", [0, -1, TOKENS_AT_ONCE_MAX + 1, True])
def test_no_such_number_of_tokens(act: TokenAct, count: int) -> None:
    with pytest.raises(InvalidValue):
        change_of(act, TERMS, count=count, box=BOX)


@pytest.mark.parametrize(
    "act, money",
    [(TokenAct.PUT_IN, 0), (TokenAct.TAKEN_OUT, 0), (TokenAct.PUT_IN, -1), (TokenAct.COUNTED, -1), (TokenAct.PUT_IN, AMOUNT_MAX + 1)],
)  # fmt: skip
def test_no_such_sum(act: TokenAct, money: int) -> None:
    with pytest.raises(InvalidValue):
        change_of(act, TERMS, money=money, box=BOX)


@pytest.mark.parametrize(
    "worth, price", [(0, 5), (-1, 5), (60, -1), (AMOUNT_MAX, 5), (60, AMOUNT_MAX), (True, 1)]
)
def test_no_such_terms(worth: int, price: int) -> None:
    with pytest.raises(InvalidValue):
        Terms(worth=worth, price=price)


def test_never_more_back_than_out_and_never_more_money_than_there_is() -> None:
    for act, count, money in (
        (TokenAct.BACK, 11, 0),
        (TokenAct.BOUGHT, 5, 0),
        (TokenAct.TAKEN_OUT, 0, 2_001),
    ):
        with pytest.raises(OutOfOrder):
            after(BOX, change_of(act, TERMS, count=count, money=money, box=BOX))


ACTS = st.lists(st.tuples(st.sampled_from(TokenAct), st.integers(1, 50), st.integers(0, 9_000)), max_size=40)


@given(ACTS)
def test_tokens_and_their_account_agree_whatever_happens(acts: list[tuple[TokenAct, int, int]]) -> None:
    box, balance = Box(), 0
    for act, count, money in acts:
        try:
            change = change_of(act, TERMS, count=count, money=money, box=box)
            box = after(box, change)
        except (InvalidValue, OutOfOrder):
            continue
        balance += change.amount
        assert balance == box.tokens * TERMS.worth >= 0
        assert box.money >= 0
