"""Amounts as people type them and as pages show them.

Amounts are whole numbers of a unit's smallest part everywhere else; here alone they become text and text
becomes amounts. Nothing is guessed: "1.234" is a thousand and more in one country and little more than one
in the next, so it is asked back. Source: docs/pages.md 0.2, 0.11 and 12.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal

from babel import Locale
from babel.units import format_unit

MINUS: Final = "\N{MINUS SIGN}"
HARD_SPACE: Final = "\N{NO-BREAK SPACE}"
FROM_THE_LEFT: Final = "\N{LEFT-TO-RIGHT MARK}"
# Longer than any amount somebody would type, shorter than anything that could cost time to read.
TYPED_MAX: Final = 40
MINUTES_OF_AN_HOUR: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What a scheme counts in. Names are data: language → CLDR plural form → name."""

    code: str
    kind: Literal["hours", "decimal"]
    decimals: int = 0
    symbol: str
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        # Ours have at most three; a neighbour's profile may name six.
        if not 0 <= self.decimals <= 6:
            raise ValueError(f"{self.decimals} decimals, not 0 to 6")

    @property
    def minor_per_unit(self) -> int:
        """Return how many of the smallest part make one unit: minutes of an hour, or a power of ten."""
        return MINUTES_OF_AN_HOUR if self.kind == "hours" else int(10**self.decimals)


HOURS: Final = Unit(code="hours", kind="hours", symbol="h")


# --- Showing ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NumberMarks:
    """How a language writes numbers."""

    decimal: str
    group: str


@lru_cache(maxsize=64)
def _locale(language: str) -> Locale:
    return Locale.parse(language, sep="-")


@lru_cache(maxsize=64)
def _marks(language: str) -> NumberMarks:
    symbols = _locale(language).number_symbols["latn"]
    return NumberMarks(str(symbols["decimal"]), str(symbols["group"]))


def _number(minor: int, unit: Unit, language: str, *, trim: bool) -> str:
    """Write `minor` ≥ 0 of a decimal unit; `trim` drops the decimals where all of them are zero."""
    marks = _marks(language)
    whole, part = divmod(minor, unit.minor_per_unit)
    text = f"{whole:,}".replace(",", marks.group)
    if unit.decimals and not (trim and part == 0):
        text += f"{marks.decimal}{part:0{unit.decimals}d}"
    return text


def short(minor: int, unit: Unit, language: str = "en", *, signed: bool = False) -> str:
    """Return the amount for lists and tables: "1 h 30", "30 min", "6.00 Acorns"; never "0 h 30"."""
    sign = MINUS if minor < 0 else "+" if signed and minor > 0 else ""
    text = sign + _short(abs(minor), unit, language)
    # Among words from the right, "1 h 30" would be read as 30 h 1: marks hold it together.
    return f"{FROM_THE_LEFT}{text}{FROM_THE_LEFT}" if _locale(language).text_direction == "rtl" else text


def _short(size: int, unit: Unit, language: str) -> str:
    if unit.kind == "decimal":
        return f"{_number(size, unit, language, trim=False)}{HARD_SPACE}{unit.symbol}"
    hours, minutes = divmod(size, MINUTES_OF_AN_HOUR)
    if not hours and minutes:
        return f"{minutes}{HARD_SPACE}min"
    group = f"{hours:,}".replace(",", _marks(language).group)
    return f"{group}{HARD_SPACE}h" + (f"{HARD_SPACE}{minutes:02d}" if minutes else "")


@lru_cache(maxsize=4096)
def spoken(minor: int, unit: Unit, language: str = "en") -> str:
    """Return the amount for sentences: "1 hour 30 minutes", "6 Acorns". Its sign belongs to the sentence."""
    size = abs(minor)
    if unit.kind == "hours":
        hours, minutes = divmod(size, MINUTES_OF_AN_HOUR)
        parts = []
        if hours or not minutes:
            parts.append(format_unit(hours, "duration-hour", length="long", locale=_locale(language)))
        if minutes:
            parts.append(format_unit(minutes, "duration-minute", length="long", locale=_locale(language)))
        return " ".join(parts).replace(" ", HARD_SPACE) if len(parts) == 1 else " ".join(parts)
    number = _number(size, unit, language, trim=True)
    return f"{number}{HARD_SPACE}{unit_name(size, unit, language)}"


def unit_name(minor: int, unit: Unit, language: str) -> str:
    """Return the unit's name in the plural form that `minor` asks for; its symbol where nobody gave one."""
    names = unit.names.get(language) or unit.names.get(language.partition("-")[0])
    if not names:
        return unit.symbol
    whole, part = divmod(minor, unit.minor_per_unit)
    # The form depends on the digits shown: English says "1 Acorn" and "1.00 Acorns".
    shown = Decimal(whole) if part == 0 else Decimal(minor).scaleb(-unit.decimals)
    return names.get(_locale(language).plural_form(shown)) or names.get("other") or unit.symbol


def as_typed(minor: int, unit: Unit, language: str = "en") -> str:
    """Return text that `parse_amount` reads as exactly `minor`, for filling in a form field."""
    if unit.kind == "hours":
        hours, minutes = divmod(minor, MINUTES_OF_AN_HOUR)
        return f"{hours}:{minutes:02d}"
    whole, part = divmod(minor, unit.minor_per_unit)
    if not part:
        return str(whole)
    # Three digits after the mark could be thousands; a fourth says that they are not.
    surplus = "0" if unit.decimals == 3 else ""
    return f"{whole}{_marks(language).decimal}{part:0{unit.decimals}d}{surplus}"


# --- Reading ------------------------------------------------------------------------------------------------


class Unreadable(enum.Enum):
    """Why a typed amount was not understood; forms.py has the words for each."""

    EMPTY = "empty"
    NOT_AN_AMOUNT = "not an amount"
    AMBIGUOUS = "could be two amounts"
    MINUS = "has a minus"
    ZERO = "nothing"
    TOO_FINE = "finer than the unit's smallest part"
    TOO_MANY_MINUTES = "60 minutes or more after the hours"
    TOO_MUCH = "more than may be recorded"


_SPACES = re.compile(r"[\s\u00a0\u202f\u2009]+")
_CLOCK = re.compile(r"([0-9]{1,15}):([0-9]{2})")
_HOUR_WORDS = r"(?:h|hr|hrs|hour|hours|heure|heures|hora|horas|hores|ora|ore|uur|uren|std|stunde|stunden)\.?"
_MINUTE_WORDS = r"(?:m|min|mins|minute|minutes|minuten|minuto|minutos|minuti|minuut)\.?"
_THOUSANDS = r"[0-9]{1,3}(?:[., '’][0-9]{3})+"
_HOURS_MINUTES = re.compile(
    rf"([0-9]{{1,15}}|{_THOUSANDS}) ?{_HOUR_WORDS} ?(?:and |et |und |y |e )?([0-9]{{1,2}})(?: ?{_MINUTE_WORDS})?"
)
_MINUTES = re.compile(rf"([0-9]{{1,15}}) ?{_MINUTE_WORDS}")
_HOURS = re.compile(rf"([0-9., '’½¼¾/]+?) ?{_HOUR_WORDS}")
_FRACTION = re.compile(r"([0-9]{0,6}) ?(½|¼|¾|1/2|1/4|3/4)")
_QUARTERS: Final = {"½": 2, "1/2": 2, "¼": 1, "1/4": 1, "¾": 3, "3/4": 3}
# "1.30" is an hour and a half to one person and one hour and three tenths to the next.
_CLOCK_OR_DECIMAL = re.compile(r"([0-9]{1,6})[.,]([0-5][0-9])")
_GROUPED = re.compile(r"[0-9]{1,3}(?:([., '’])[0-9]{3})(?:\1[0-9]{3})*")


def parse_amount(typed: str, unit: Unit, *, most: int) -> int | Unreadable:
    """Return the amount that `typed` means beyond doubt, 1..`most` in the unit's smallest part, or why not."""
    if len(typed) > TYPED_MAX:
        return Unreadable.NOT_AN_AMOUNT
    text = _SPACES.sub(" ", typed).strip().casefold()
    if not text:
        return Unreadable.EMPTY
    if text[0] in f"-{MINUS}–":
        return Unreadable.MINUS
    minor = _parse_hours(text) if unit.kind == "hours" else _parse_decimal(_without_name(text, unit), unit)
    if isinstance(minor, Unreadable):
        return minor
    if minor == 0:
        return Unreadable.ZERO
    return minor if minor <= most else Unreadable.TOO_MUCH


def readings(typed: str, unit: Unit) -> tuple[int, ...]:
    """Return the amounts an ambiguous text could mean, so that the page can ask which."""
    text = _SPACES.sub(" ", typed).strip().casefold()
    text = text if unit.kind == "hours" else _without_name(text, unit)
    text = re.sub(rf" ?{_HOUR_WORDS}$", "", text)
    if unit.kind == "hours" and (match := _CLOCK_OR_DECIMAL.fullmatch(text)):
        decimal = Decimal(f"{match[1]}.{match[2]}") * unit.minor_per_unit
        clock = int(match[1]) * MINUTES_OF_AN_HOUR + int(match[2])
        return (clock, int(decimal)) if decimal == int(decimal) else (clock,)
    match = re.fullmatch(r"([1-9][0-9]{0,2})[.,]([0-9]{3})", text)
    if not match:
        return ()
    thousands = int(match[1] + match[2]) * unit.minor_per_unit
    small = Decimal(f"{match[1]}.{match[2]}") * unit.minor_per_unit
    return (int(small), thousands) if small == int(small) else (thousands,)


def _parse_hours(text: str) -> int | Unreadable:
    if match := _CLOCK.fullmatch(text) or _HOURS_MINUTES.fullmatch(text):
        hours, minutes = int(re.sub("[^0-9]", "", match[1])), int(match[2])
        if minutes >= MINUTES_OF_AN_HOUR:
            return Unreadable.TOO_MANY_MINUTES
        return hours * MINUTES_OF_AN_HOUR + minutes
    if match := _MINUTES.fullmatch(text):
        return int(match[1])
    if match := _HOURS.fullmatch(text):
        text = match[1].strip()
    if match := _FRACTION.fullmatch(text):
        return int(match[1] or 0) * MINUTES_OF_AN_HOUR + _QUARTERS[match[2]] * 15
    if (match := _CLOCK_OR_DECIMAL.fullmatch(text)) and int(match[2]) != 0:
        return Unreadable.AMBIGUOUS
    return _parse_decimal(text, HOURS)


def _parse_decimal(text: str, unit: Unit) -> int | Unreadable:
    """Read digits with at most one decimal mark and with thousands in threes."""
    if not re.fullmatch(r"[0-9., '’]*[0-9]", text):
        return Unreadable.NOT_AN_AMOUNT
    marks = [mark for mark in text if mark in ".,"]
    grouped = _GROUPED.fullmatch(text)
    if grouped and (grouped[1] in " '’" or len(marks) > 1):
        return int(re.sub("[^0-9]", "", text)) * unit.minor_per_unit
    if grouped and not text.startswith("0"):
        return Unreadable.AMBIGUOUS
    whole, _, part = text.rpartition(marks[-1]) if marks else (text, "", "")
    # What is left of the decimal mark: plain digits, or thousands with one other mark between them.
    if not (whole == "" and part) and not whole.isdigit():
        groups = _GROUPED.fullmatch(whole)
        if not groups or (marks and groups[1] == marks[-1]):
            return Unreadable.NOT_AN_AMOUNT
    if not re.fullmatch("[0-9]*", part):
        return Unreadable.NOT_AN_AMOUNT
    minor = Decimal(re.sub("[^0-9]", "", whole) + "." + (part or "0")) * unit.minor_per_unit
    return int(minor) if minor == int(minor) else Unreadable.TOO_FINE


def _without_name(text: str, unit: Unit) -> str:
    """Return `text` without the unit's own name or symbol before or behind the number."""
    names = {unit.symbol.casefold()}
    names.update(name.casefold() for forms in unit.names.values() for name in forms.values())
    for name in sorted(names, key=len, reverse=True):
        if text.endswith(name):
            return text[: -len(name)].rstrip()
        if text.startswith(name):
            return text[len(name) :].lstrip()
    return text
