"""Tokens of paper or plastic, worth so much of the local unit: what each act at the desk does to books, tokens and money.

All that the tokens outside the desk are worth stands in the system account `tokens`; money is counted beside the ledger and
never in it. Source: docs/protocol.md 3.9.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from protocol.errors import InvalidValue, OutOfOrder
from protocol.ledger import SystemRole
from protocol.limits import AMOUNT_MAX, TOKENS_AT_ONCE_MAX


class TokenAct(StrEnum):
    """What is done at the desk."""

    SOLD = "sold"  # tokens, against money
    DRAWN = "drawn"  # tokens, out of a member's own account
    BACK = "back"  # tokens come back, and a member's account gains what they are worth
    BOUGHT = "bought"  # tokens come back, against money
    PUT_IN = "put-in"  # money, into the box
    TAKEN_OUT = "taken-out"  # money, to the bank, say
    COUNTED = "counted"  # the day is closed: the box is counted, and the book follows it
    CORRECTED = "corrected"  # the opposite of an earlier act


T = TokenAct
# By one of these, tokens leave the desk or come back to it.
OUT: Final = frozenset({T.SOLD, T.DRAWN})
IN: Final = frozenset({T.BACK, T.BOUGHT})
# Who stands against `tokens` in the posting. None: a member.
AGAINST: Final[Mapping[TokenAct, SystemRole | None]] = {
    T.SOLD: SystemRole.SOLD,
    T.DRAWN: None,
    T.BACK: None,
    T.BOUGHT: SystemRole.SOLD,
}
_MONEY_SIGN: Final[Mapping[TokenAct, int]] = {T.SOLD: 1, T.BOUGHT: -1, T.PUT_IN: 1, T.TAKEN_OUT: -1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What one token is worth, in minor units of the scheme, and what it costs, in the smallest part of the money."""

    worth: int
    price: int

    def __post_init__(self) -> None:
        if type(self.worth) is not int or not 1 <= self.worth <= AMOUNT_MAX // TOKENS_AT_ONCE_MAX:
            raise InvalidValue("a token is worth something, and not too much")
        if type(self.price) is not int or not 0 <= self.price <= AMOUNT_MAX // TOKENS_AT_ONCE_MAX:
            raise InvalidValue("a price is not below zero, and not too high")


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """What is outside and inside: tokens in people's hands, and money in the box."""

    tokens: int = 0
    money: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an act does: to the tokens outside, to the account `tokens`, and to the money."""

    tokens: int
    amount: int
    money: int

    def opposite(self) -> Change:
        """Return what undoes it."""
        return Change(tokens=-self.tokens, amount=-self.amount, money=-self.money)


def change_of(act: TokenAct, terms: Terms, *, count: int = 0, money: int = 0, box: Box) -> Change:
    """Return what an act does. `count` is how many tokens it is about, `money` what is put in, taken out or counted.

    Raises:
        InvalidValue: no such number of tokens, or sum of money.
    """
    if act in OUT or act in IN:
        if type(count) is not int or not 1 <= count <= TOKENS_AT_ONCE_MAX:
            raise InvalidValue(f"tokens not in 1..{TOKENS_AT_ONCE_MAX}")
        way = 1 if act in OUT else -1
        return Change(
            tokens=way * count,
            amount=way * count * terms.worth,
            money=_MONEY_SIGN.get(act, 0) * count * terms.price,
        )
    if type(money) is not int or not 0 <= money <= AMOUNT_MAX or (money == 0 and act is not T.COUNTED):
        raise InvalidValue("a sum of money is more than nothing")
    match act:
        case T.PUT_IN | T.TAKEN_OUT:
            return Change(tokens=0, amount=0, money=_MONEY_SIGN[act] * money)
        case T.COUNTED:
            return Change(tokens=0, amount=0, money=money - box.money)
        case _:
            raise InvalidValue("a correction is the opposite of what it corrects")


def after(box: Box, change: Change) -> Box:
    """Return the box after a change.

    Raises:
        OutOfOrder: more tokens would come back than were given out, or more money go than there is; nothing changed.
    """
    tokens, money = box.tokens + change.tokens, box.money + change.money
    if tokens < 0:
        raise OutOfOrder("more tokens than were ever given out")
    if money < 0:
        raise OutOfOrder("more money than is in the box")
    return Box(tokens=tokens, money=money)
