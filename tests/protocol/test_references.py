"""References of trades: written, read back, and every usual slip noticed. Source: docs/protocol.md 7.9."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import InvalidValue
from protocol.references import parse_reference, reference_bits, reference_of

DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SAMPLES = [hashlib.sha256(bytes([n])).digest() for n in range(24)] + [bytes(32), b"\xff" * 32]


@pytest.mark.parametrize(
    "start, reference",
    [
        ("0000000000", "000-000-000"),
        ("0000000001", "000-000-012"),
        ("ffffffffff", "ZZZ-ZZZ-ZZ3"),
        ("0123456789", "04H-MAS-W95"),
    ],
)
def test_forty_bits_become_eight_characters_and_a_check(start, reference):
    """Rule 7.9. The checks were reckoned apart, as a sum of products in GF(32)."""
    assert reference_of(bytes.fromhex(start) + bytes(27)) == reference


@given(st.binary(min_size=5, max_size=32))
def test_a_reference_is_read_back(some_id):
    """Rule 7.9: and only the first 40 bits count."""
    reference = reference_of(some_id)

    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{3}-){2}[0-9A-HJKMNP-TV-Z]{3}", reference)
    assert parse_reference(reference) == reference
    assert reference_bits(reference) == some_id[:5]


@pytest.mark.parametrize("some_id", SAMPLES, ids=lambda some_id: some_id.hex()[:10])
def test_every_wrong_character_is_noticed(some_id):
    """Rule 7.9, exhaustively: nine places, 31 wrong characters each."""
    digits = reference_of(some_id).replace("-", "")

    for at, right in enumerate(digits):
        for wrong in DIGITS.replace(right, ""):
            with pytest.raises(InvalidValue):
                parse_reference(digits[:at] + wrong + digits[at + 1 :])


@pytest.mark.parametrize("some_id", SAMPLES, ids=lambda some_id: some_id.hex()[:10])
def test_every_exchange_of_two_characters_is_noticed(some_id):
    """Rule 7.9, exhaustively: neighbours, and any other two."""
    digits = reference_of(some_id).replace("-", "")

    for first in range(9):
        for second in range(first + 1, 9):
            if digits[first] != digits[second]:
                swapped = list(digits)
                swapped[first], swapped[second] = swapped[second], swapped[first]
                with pytest.raises(InvalidValue):
                    parse_reference("".join(swapped))


@pytest.mark.parametrize(
    "typed",
    ["000-000-012", "000000012", "ooo ooo o12", " OOO–000–0I2 ", "000.000.0l2", "0 0 0 0 0 0 0 1 2"],
)
def test_what_people_type_is_understood(typed):
    """Rule 7.9: any case, O for 0, I and L for 1, spaces and dashes."""
    assert parse_reference(typed) == "000-000-012"


@pytest.mark.parametrize(
    "typed", ["", "000-000-01", "000-000-0122", "000-000-0U2", "000/000/012", "٠٠٠-000-012"]
)
def test_what_is_no_reference_is_refused(typed):
    """Rule 7.9: U is in no reference, and digits are the usual ten."""
    with pytest.raises(InvalidValue):
        parse_reference(typed)


def test_an_id_too_short_has_no_reference():
    """Rule 7.9: forty bits."""
    with pytest.raises(InvalidValue):
        reference_of(bytes(4))
