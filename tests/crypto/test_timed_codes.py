"""Codes that change every half minute: the published values, the neighbours of the present step, each once. Source: RFC 6238."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs, urlsplit

import pytest

from crypto.timed_codes import (
    SECRET_BYTES,
    STEP_MS,
    STEPS_AROUND,
    code_at,
    secret_text,
    setup_address,
    step_of,
)

SECRET = b"12345678901234567890"
NOW = 1_111_111_109_000


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ],
)
def test_the_codes_of_the_rfc(second: int, code: str) -> None:
    """RFC 6238, appendix B, the last six of its eight digits."""
    assert code_at(SECRET, second * 1000 // STEP_MS) == code
    assert step_of(SECRET, code, second * 1000, 0) == second * 1000 // STEP_MS


def test_only_the_present_step_and_its_neighbours_fit() -> None:
    present = NOW // STEP_MS
    found = {away: step_of(SECRET, code_at(SECRET, present + away), NOW, 0) for away in range(-4, 5)}
    assert {away for away, step in found.items() if step is not None} == set(
        range(-STEPS_AROUND, STEPS_AROUND + 1)
    )
    assert all(step == present + away for away, step in found.items() if step is not None)


@pytest.mark.parametrize("used", [-1, 0, 1])
def test_a_step_that_was_used_and_those_before_it_fit_no_more(used: int) -> None:
    present = NOW // STEP_MS
    fits = [
        away
        for away in (-1, 0, 1)
        if step_of(SECRET, code_at(SECRET, present + away), NOW, present + used) is not None
    ]
    assert fits == [away for away in (-1, 0, 1) if away > used]


@pytest.mark.parametrize("code", ["", "0", "08180", "0818041", "\N{SNOWMAN}", "081 804", "０８１８０４"])
def test_what_is_no_code_fits_nothing(code: str) -> None:
    assert step_of(SECRET, code, NOW, 0) is None


@pytest.mark.parametrize("length", [0, SECRET_BYTES - 1, SECRET_BYTES + 1])
def test_a_secret_has_one_length(length: int) -> None:
    with pytest.raises(ValueError, match="20 bytes"):
        code_at(bytes(length), 1)


def test_an_app_reads_the_secret_and_whose_it_is() -> None:
    address = urlsplit(setup_address(SECRET, "0001", "Oak: vale & Söhne"))
    asked = parse_qs(address.query)
    assert (address.scheme, address.netloc) == ("otpauth", "totp")
    assert base64.b32decode(asked["secret"][0]) == SECRET
    assert asked["issuer"] == ["Oak  vale & Söhne"]
    assert (asked["digits"], asked["period"], asked["algorithm"]) == (["6"], ["30"], ["SHA1"])


def test_the_secret_is_typed_in_groups() -> None:
    text = secret_text(SECRET)
    assert [len(group) for group in text.split()] == [4] * 8
    assert base64.b32decode(text.replace(" ", "")) == SECRET
