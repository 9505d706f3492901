"""Hours and local units: the only place where one is turned into the other.

The hour is counted in 3 600 000ths on every line, so that connectors never convert. Each scheme states one
whole number: how many of its own minor units one hour of ordinary work is. Both divisions round up, always:
the payee's amount is exact, and what rounding leaves stays in the `exchange` account of the scheme that
rounded. Integers only. Source: docs/protocol.md 6.1, 7.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from protocol.errors import InvalidValue
from protocol.limits import AMOUNT_MAX, RATE_MINOR_PER_HOUR_MAX
from protocol.message import Int, Part

# One hour, in the unit of lines.
HOUR: Final = 3_600_000
MINUTE: Final = HOUR // 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate(Part):
    """What one hour of ordinary work is in a scheme: 60 where the minor unit is the minute, 1 200 where an hour
    is 12.00. A whole number, unlike the general rates of rule 1.5: neighbours can say it aloud, and no
    scheme needs a finer one, since the minor unit is already its smallest amount."""

    minor_per_hour: Annotated[int, Int(1, RATE_MINOR_PER_HOUR_MAX)]

    @property
    def divides_hour(self) -> bool:
        """Tell whether a minor unit is a whole number of 3 600 000ths.

        Only then does an amount come back unchanged between two schemes of the same rate; under any other
        rate the payer gives one minor unit more on most trades. Set-up pages advise such a rate.
        """
        return HOUR % self.minor_per_hour == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """One price in the three units of a cross-scheme trade."""

    payee_amount: int  # minor units of the payee's scheme, exact
    hours: int  # 3 600 000ths, on every line of the route
    payer_amount: int  # minor units of the payer's scheme


def hours_of(amount: int, rate: Rate) -> int:
    """Return ⌈amount · 3 600 000 / rate⌉: the 3 600 000ths for `amount` of the payee's minor units. Source: 7.1.

    Raises:
        InvalidValue: `amount` or the answer is not in 1..AMOUNT_MAX.
    """
    return _divided_up(amount, HOUR, rate.minor_per_hour)


def local_of(hours: int, rate: Rate) -> int:
    """Return ⌈hours · rate / 3 600 000⌉: the payer's minor units for `hours` 3 600 000ths. Source: 7.1.

    Raises:
        InvalidValue: `hours` or the answer is not in 1..AMOUNT_MAX.
    """
    return _divided_up(hours, rate.minor_per_hour, HOUR)


def price(amount: int, *, payee_rate: Rate, payer_rate: Rate) -> Price:
    """Return what the payee's `amount` is in hours and to the payer.

    Raises:
        InvalidValue: one of the three is not in 1..AMOUNT_MAX.
    """
    hours = hours_of(amount, payee_rate)
    return Price(payee_amount=amount, hours=hours, payer_amount=local_of(hours, payer_rate))


def most_paid_by(amount: int, *, payer_rate: Rate, payee_rate: Rate) -> int:
    """Return the most of the payee's minor units that `amount` of the payer's pays: never dearer than that. Source: 7.11.

    0 where not even one is paid by it, or it is more than an amount may be.

    Raises:
        InvalidValue: `amount` is not in 1..AMOUNT_MAX.
    """
    if type(amount) is not int or not 1 <= amount <= AMOUNT_MAX:
        raise InvalidValue(f"amount not in 1..{AMOUNT_MAX}")
    hours = amount * HOUR // payer_rate.minor_per_hour
    paid = hours * payee_rate.minor_per_hour // HOUR
    return paid if hours <= AMOUNT_MAX and paid <= AMOUNT_MAX else 0


def _divided_up(amount: int, by: int, divisor: int) -> int:
    # bool is an int in Python: True would be a second spelling of 1.
    if type(amount) is not int or not 1 <= amount <= AMOUNT_MAX:
        raise InvalidValue(f"amount not in 1..{AMOUNT_MAX}")
    answer = -(-amount * by // divisor)
    if answer > AMOUNT_MAX:
        raise InvalidValue(f"amount over {AMOUNT_MAX} in the other unit")
    return answer
