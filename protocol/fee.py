"""Fees to the community chest: which day a time of a rule is due, and how much a share is.

A fixed amount is due on its days; a share of what was traded in the time between two of them is due on the later one. Amounts
come from what somebody traded, never from a balance. Source: docs/protocol.md 3.8.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from crypto.digest import tagged
from protocol.days import DAY_MAX, months_after
from protocol.errors import InvalidValue
from protocol.limits import AMOUNT_MAX, FEE_NOTICE_DAYS, FEE_SHARE_MAX
from protocol.names import AccountId

SHARE_OF: Final = 10_000  # a share is so many hundredths of a hundredth
ID_BYTES: Final = 16
KEY_BYTES: Final = 16
_TURN_BYTES: Final = 4


class Round(StrEnum):
    """How often a rule comes round."""

    MONTH = "month"
    YEAR = "year"

    @property
    def months(self) -> int:
        """How many months lie between two of its days."""
        return 1 if self is Round.MONTH else 12


class Side(StrEnum):
    """What a share is taken of."""

    GIVEN = "given"  # what the member gave others for theirs: the payer's side
    GOT = "got"  # what the member was given
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """What a rule asks for. Exactly one of `amount` (minor units) and `share` (1..FEE_SHARE_MAX) is not 0."""

    every: Round
    first: int  # a number of protocol/days.py
    amount: int = 0
    share: int = 0
    side: Side = Side.GOT  # of a share

    def __post_init__(self) -> None:
        if type(self.amount) is not int or not 0 <= self.amount <= AMOUNT_MAX:
            raise InvalidValue(f"amount {self.amount} not in 0..{AMOUNT_MAX}")
        if type(self.share) is not int or not 0 <= self.share <= FEE_SHARE_MAX:
            raise InvalidValue(f"share {self.share} not in 0..{FEE_SHARE_MAX}")
        if bool(self.amount) == bool(self.share):
            raise InvalidValue("a fee is an amount or a share")
        if type(self.first) is not int or not 1 <= self.first <= DAY_MAX:
            raise InvalidValue(f"day {self.first} not in 1..{DAY_MAX}")

    def begins(self, turn: int) -> int:
        """Return the day on which its time number `turn`, from 0 on, begins."""
        return months_after(self.first, turn * self.every.months)

    def due(self, turn: int) -> int:
        """Return the day on which `turn` is owed: a share when its time is over."""
        return self.begins(turn + 1 if self.share else turn)

    def asks(self, given: int, got: int) -> int:
        """Return what somebody owes who gave and got so much in a time; at least 0, a share rounded down."""
        if self.amount:
            return self.amount
        return self.base(given, got) * self.share // SHARE_OF

    def base(self, given: int, got: int) -> int:
        """Return what a share is taken of."""
        match self.side:
            case Side.GIVEN:
                return given
            case Side.GOT:
                return got
            case Side.BOTH:
                return given + got


def announced_in_time(fee: Fee, today: int) -> bool:
    """Tell whether members who learn of it today know it long enough before."""
    return fee.first >= today + FEE_NOTICE_DAYS


def key_of_charge(id_: bytes, turn: int, account: AccountId) -> bytes:
    """Return the key of the trade that pays one member's charge of one time."""
    return tagged("interlets/fee", id_ + turn.to_bytes(_TURN_BYTES, "big") + account)[:KEY_BYTES]
