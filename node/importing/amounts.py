"""Amounts and days as files write them: read beyond doubt, or a fault. Source: docs/pages.md 7.4."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Final

from node.importing.rows import BadLine, Wrong
from node.web.amounts import Unit, Unreadable, parse_amount
from protocol.limits import AMOUNT_MAX

NOTHING: Final = frozenset({"", "-", "\u2013", "\u2014", "0"})
FIRST_YEAR: Final = 1980  # before the first scheme
SECONDS_OF_A_MINUTE: Final = 60

_CLOCK: Final = re.compile(r"([-\u2212]?)([0-9]{1,9}):([0-5][0-9])")
_PLAIN: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")
_SECONDS: Final = re.compile(r"[0-9]{1,15}")
# 2015-04-02, and a time behind it that is left out.
_ISO: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ][0-9:.]{4,20} ?(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_DAY_FIRST: Final = re.compile(r"([0-9]{2})[-./]([0-9]{2})[-./]([0-9]{4})")


def amount_of(text: str, unit: Unit, wrong: Wrong) -> int:
    """Return an amount with its sign, as people write them. Raises BadLine: it is not one, or could be two."""
    minus = text[:1] in ("-", "\u2212", "\u2013")
    amount = parse_amount(text.lstrip("+-\u2212\u2013 "), unit, most=AMOUNT_MAX)
    if amount is Unreadable.ZERO:
        return 0
    if isinstance(amount, Unreadable):
        raise BadLine(wrong, text[:40])
    return -amount if minus else amount


def number_of(text: str, unit: Unit, wrong: Wrong) -> int:
    """Return an amount with its sign, as programs write them: with a dot, in whole units. Raises BadLine.

    "1.50" is an hour and a half here, because a program wrote it and a program never means 1:50 by that.
    """
    if _PLAIN.fullmatch(text) is None:
        raise BadLine(wrong, text[:40])
    minor = Decimal(text) * unit.minor_per_unit
    if minor != int(minor) or abs(minor) > AMOUNT_MAX:
        raise BadLine(wrong, text[:40])
    return int(minor)


def clock_of(text: str, wrong: Wrong) -> int:
    """Return minutes written "-1:30", with a dash for nothing. Raises BadLine."""
    if text in NOTHING:
        return 0
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise BadLine(wrong, text[:40])
    minutes = int(found[2]) * 60 + int(found[3])
    return -minutes if found[1] else minutes


def minutes_of(text: str, wrong: Wrong) -> int:
    """Return minutes written as seconds. Raises BadLine: they are no whole minutes."""
    if _SECONDS.fullmatch(text) is None or int(text) % SECONDS_OF_A_MINUTE:
        raise BadLine(wrong, text[:40])
    return int(text) // SECONDS_OF_A_MINUTE


def day_of(text: str, *, day_first: bool = False) -> str:
    """Return a day like 2015-04-02. Raises BadLine: it is none, or could be two.

    "04/03/2015" is a day in March or in April: it is read only where a layout says that the day comes first.
    """
    found = _ISO.fullmatch(text)
    if found is not None:
        written = found[1]
    elif day_first and (found := _DAY_FIRST.fullmatch(text)) is not None:
        written = f"{found[3]}-{found[2]}-{found[1]}"
    else:
        raise BadLine(Wrong.DAY, text[:40])
    try:
        day = date.fromisoformat(written)
    except ValueError:
        raise BadLine(Wrong.DAY, text[:40]) from None
    if day.year < FIRST_YEAR:
        raise BadLine(Wrong.DAY, text[:40])
    return written
