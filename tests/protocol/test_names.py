"""Names of things, and the written id of a scheme. Source: docs/protocol.md 2.1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import InvalidValue
from protocol.names import SchemeId, make_handle, parse_scheme_text, scheme_text

ZERO = "lets1" + "a" * 52
ONES = "lets1" + "7" * 51 + "q"


@pytest.mark.parametrize("scheme, text", [(bytes(32), ZERO), (b"\xff" * 32, ONES)])
def test_a_scheme_id_is_written_as_lets1_and_base32_in_lower_case(scheme, text):
    """Rule 2.1."""
    assert scheme_text(SchemeId(scheme)) == text
    assert parse_scheme_text(text) == scheme


@given(st.binary(min_size=32, max_size=32))
def test_what_is_written_is_read_back(scheme):
    """Rule 2.1; in capitals too, as QR codes prefer them."""
    text = scheme_text(SchemeId(scheme))

    assert parse_scheme_text(text) == scheme
    assert parse_scheme_text(f" {text.upper()}\n") == scheme


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lets1",
        ZERO[:-1],
        ZERO + "a",
        "lots1" + "a" * 52,
        "lets2" + "a" * 52,
        "lets1" + "a" * 51 + "1",  # 1 is no base32 letter
        "lets1" + "a" * 51 + "b",  # spare bits set: a second spelling of zero
        "lets1" + "a" * 51 + "=",
        "lets1" + "a" * 51 + "ſ",  # becomes an s in capitals
        "lets1" + "a" * 25 + " " + "a" * 26,
    ],
)
def test_other_texts_are_refused(text):
    """Rule 2.1: one id, one text."""
    with pytest.raises(InvalidValue):
        parse_scheme_text(text)


def test_an_id_of_another_length_is_not_written():
    """Rule 2.1."""
    with pytest.raises(InvalidValue):
        scheme_text(SchemeId(bytes(31)))


def test_a_handle_has_16_bytes():
    """Rule 7.7."""
    assert make_handle(bytes(range(16))) == bytes(range(16))
    with pytest.raises(InvalidValue):
        make_handle(bytes(15))
