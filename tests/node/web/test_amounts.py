"""Amounts as people type and read them. Source: pages.md 0.2, 0.11, 8.6 and 12."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.web.amounts import (
    HOURS,
    MINUS,
    Unit,
    Unreadable,
    as_typed,
    parse_amount,
    readings,
    short,
    spoken,
)

MOST = 2**53 - 1
ACORNS = Unit(
    code="acorns",
    kind="decimal",
    decimals=2,
    symbol="Acorns",
    names={
        "en": {"one": "Acorn", "other": "Acorns"},
        "pl": {"one": "żołądź", "few": "żołędzie", "many": "żołędzi", "other": "żołędzia"},
    },
)
UNITS = [HOURS, ACORNS, *(Unit(code="u", kind="decimal", decimals=n, symbol="Hills") for n in (0, 1, 6, 3))]


def plain(text: str) -> str:
    """Return `text` with ordinary spaces, as somebody would type it."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize(
    "typed, minutes",
    [
        ("2", 120),
        ("1:30", 90),
        ("01:05", 65),
        ("1h30", 90),
        ("1 h 30", 90),
        ("1\u00a0h\u00a030", 90),
        ("1 h 5 min", 65),
        ("1 hour 30 minutes", 90),
        ("1 hour and 30 minutes", 90),
        ("2 Stunden", 120),
        ("90 min", 90),
        ("90min", 90),
        ("1,5", 90),
        ("1.5", 90),
        ("1,5 h", 90),
        (".5", 30),
        ("1.75", 105),
        ("2.00", 120),
        ("½", 30),
        ("1 1/2", 90),
        ("1¾ h", 105),
        ("  2  ", 120),
        ("1 234", 1234 * 60),
    ],
)
def test_hours_are_read_as_people_write_them(typed: str, minutes: int) -> None:
    """pages.md 12."""
    assert parse_amount(typed, HOURS, most=MOST) == minutes


@pytest.mark.parametrize(
    "typed, why",
    [
        ("", Unreadable.EMPTY),
        ("   ", Unreadable.EMPTY),
        ("1.234", Unreadable.AMBIGUOUS),
        ("1,234", Unreadable.AMBIGUOUS),
        ("1.30", Unreadable.AMBIGUOUS),
        ("-2", Unreadable.MINUS),
        (f"{MINUS}2", Unreadable.MINUS),
        ("0", Unreadable.ZERO),
        ("0:00", Unreadable.ZERO),
        ("1:75", Unreadable.TOO_MANY_MINUTES),
        ("1h60", Unreadable.TOO_MANY_MINUTES),
        ("1.333", Unreadable.AMBIGUOUS),
        ("1.99", Unreadable.TOO_FINE),
        ("١", Unreadable.NOT_AN_AMOUNT),
        ("１", Unreadable.NOT_AN_AMOUNT),
        ("NaN", Unreadable.NOT_AN_AMOUNT),
        ("inf", Unreadable.NOT_AN_AMOUNT),
        ("1e5", Unreadable.NOT_AN_AMOUNT),
        ("1_000", Unreadable.NOT_AN_AMOUNT),
        ("0x10", Unreadable.NOT_AN_AMOUNT),
        ("two", Unreadable.NOT_AN_AMOUNT),
        ("1:3", Unreadable.NOT_AN_AMOUNT),
        ("2 2", Unreadable.NOT_AN_AMOUNT),
        ("1.2.3", Unreadable.NOT_AN_AMOUNT),
        ("2\x00", Unreadable.NOT_AN_AMOUNT),
        ("1" * 500, Unreadable.NOT_AN_AMOUNT),
        ("999999999999999999999", Unreadable.TOO_MUCH),
    ],
)
def test_what_is_not_beyond_doubt_is_not_read_as_hours(typed: str, why: Unreadable) -> None:
    """No guess, no other script's digits, no exponent."""
    assert parse_amount(typed, HOURS, most=MOST) is why


@pytest.mark.parametrize(
    "typed, cents",
    [
        ("6", 600),
        ("6.00", 600),
        ("6,1", 610),
        ("6.10", 610),
        ("1.30", 130),
        ("6 Acorns", 600),
        ("1 acorn", 100),
        ("6.00 ACORNS", 600),
        ("1,234.50", 123450),
        ("1.234,50", 123450),
        ("1 234,50", 123450),
        ("1’234.50", 123450),
        ("1,234,567", 123456700),
        ("0.50", 50),
        (",5", 50),
        ("6.100", Unreadable.AMBIGUOUS),
        ("1.234", Unreadable.AMBIGUOUS),
        ("12,345", Unreadable.AMBIGUOUS),
        ("0.125", Unreadable.TOO_FINE),
        ("1,23,456.00", Unreadable.NOT_AN_AMOUNT),
        ("1.234.56", Unreadable.NOT_AN_AMOUNT),
        ("5.", Unreadable.NOT_AN_AMOUNT),
        ("£6", Unreadable.NOT_AN_AMOUNT),
    ],
)
def test_decimal_units_are_read_with_either_mark(typed: str, cents: int | Unreadable) -> None:
    """pages.md 12."""
    assert parse_amount(typed, ACORNS, most=MOST) == cents


def test_an_ambiguous_amount_names_what_it_could_mean() -> None:
    """pages.md 12: asked back."""
    assert readings("1.30", HOURS) == (90, 78)
    assert readings("1.250", HOURS) == (75, 75_000)
    assert readings("1.234", UNITS[-1]) == (1234, 1_234_000)
    assert readings("2", HOURS) == ()


def test_the_largest_amount_is_inclusive() -> None:
    assert parse_amount("2", HOURS, most=120) == 120
    assert parse_amount("2:01", HOURS, most=120) is Unreadable.TOO_MUCH


@pytest.mark.parametrize(
    "minor, unit, language, short_text, spoken_text",
    [
        (0, HOURS, "en", "0 h", "0 hours"),
        (30, HOURS, "en", "30 min", "30 minutes"),
        (60, HOURS, "en", "1 h", "1 hour"),
        (90, HOURS, "en", "1 h 30", "1 hour 30 minutes"),
        (65, HOURS, "en", "1 h 05", "1 hour 5 minutes"),
        (-90, HOURS, "en", "−1 h 30", "1 hour 30 minutes"),
        (120, HOURS, "pl", "2 h", "2 godziny"),
        (300, HOURS, "sl", "5 h", "5 ur"),
        (100, ACORNS, "en", "1.00 Acorns", "1 Acorn"),
        (600, ACORNS, "en", "6.00 Acorns", "6 Acorns"),
        (610, ACORNS, "de", "6,10 Acorns", "6,10 Acorns"),
        (200, ACORNS, "pl", "2,00 Acorns", "2 żołędzie"),
        (500, ACORNS, "pl", "5,00 Acorns", "5 żołędzi"),
        (150, ACORNS, "pl", "1,50 Acorns", "1,50 żołędzia"),
        (0, ACORNS, "pl", "0,00 Acorns", "0 żołędzi"),
        (123456, ACORNS, "de-CH", "1’234.56 Acorns", "1’234.56 Acorns"),
    ],
)
def test_amounts_are_written_as_the_language_does(
    minor: int, unit: Unit, language: str, short_text: str, spoken_text: str
) -> None:
    """pages.md 0.11 and 12: never "0 h 30"; plural forms 0, 1, 2, 5, 1.5."""
    assert plain(short(minor, unit, language)) == short_text
    assert plain(spoken(minor, unit, language)) == spoken_text


def test_a_signed_amount_says_which_side() -> None:
    assert plain(short(90, HOURS, signed=True)) == "+1 h 30"
    assert short(0, HOURS, signed=True) == "0\u00a0h"


@given(
    minor=st.integers(1, 10**12), unit=st.sampled_from(UNITS), language=st.sampled_from(["en", "de", "fr"])
)
def test_what_a_form_is_filled_with_is_read_back_as_the_same_amount(
    minor: int, unit: Unit, language: str
) -> None:
    assert parse_amount(as_typed(minor, unit, language), unit, most=10**12) == minor


@given(
    minor=st.integers(1, 99_999),
    unit=st.sampled_from(UNITS[:-1]),
    language=st.sampled_from(["en", "de", "fr"]),
)
def test_a_shown_amount_typed_again_never_becomes_another_amount(
    minor: int, unit: Unit, language: str
) -> None:
    """Asked back at worst ("1,234 Hills"), never misread."""
    assert parse_amount(short(minor, unit, language), unit, most=10**12) in {minor, Unreadable.AMBIGUOUS}


@given(typed=st.text(max_size=50), unit=st.sampled_from(UNITS))
def test_any_text_is_an_amount_or_a_reason(typed: str, unit: Unit) -> None:
    answer = parse_amount(typed, unit, most=10**6)
    assert isinstance(answer, Unreadable) or 1 <= answer <= 10**6
    assert all(meant > 0 for meant in readings(typed, unit))


@given(typed=st.from_regex(r"[0-9 ,.:h½/'-]{1,12}(min|h)?", fullmatch=True), unit=st.sampled_from(UNITS))
def test_any_numeric_looking_text_is_an_amount_or_a_reason(typed: str, unit: Unit) -> None:
    answer = parse_amount(typed, unit, most=10**6)
    assert isinstance(answer, Unreadable) or 1 <= answer <= 10**6


def test_a_unit_has_at_most_six_decimals() -> None:
    with pytest.raises(ValueError, match="decimals"):
        Unit(code="u", kind="decimal", decimals=7, symbol="U")
