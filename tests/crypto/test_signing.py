"""`Signed` values: what opens, what does not, and that none exists unverified. Rules 1.2, 1.3."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.canonical import OBJECT_BYTES_MAX, NotCanonical, Value, decode, encode
from crypto.digest import object_id
from crypto.keys import SigningKey, VerifyingKey
from crypto.signing import (
    WIRE_BYTES_MAX,
    BadSignature,
    Signed,
    open_signed,
    sign,
    signed_bytes,
    split,
    trusted,
)
from tests.crypto import respell

TAG = "interlets/1/test"
KEY, OTHER = SigningKey(b"\x01" * 32), SigningKey(b"\x02" * 32)
BODY: Value = (TAG, b"\x11" * 32, 7)


def signed(body: Value = BODY, key: SigningKey = KEY, key_seq: int = 3) -> Signed[Value]:
    return sign(TAG, body, encode(body), key, key_seq)


def opened(wire: bytes, tag: str = TAG, key: VerifyingKey | None = KEY.public) -> Signed[Value]:
    return open_signed(tag, wire, decode, lambda _body, key_seq: key if key_seq == 3 else None)


def test_what_was_signed_opens_as_the_same_value() -> None:
    """Rules 1.2, 1.3."""
    made, read = signed(), opened(signed().wire)

    assert read == made
    assert hash(read) == hash(made)
    assert (read.body, read.body_bytes, read.key_seq) == (BODY, encode(BODY), 3)
    assert read.id == object_id(encode(BODY))
    assert read.wire == encode((encode(BODY), 3, read.signature))
    assert KEY.public.verifies(read.signature, TAG.encode() + b"\0" + encode(BODY))
    assert trusted(TAG, made.wire, decode) == made


def test_the_signature_is_not_part_of_the_id() -> None:
    """Rule 1.3."""
    assert signed(key=OTHER).id == signed().id
    assert signed(key=OTHER) != signed()


@pytest.mark.parametrize(
    "wire, options",
    [
        (signed().wire, {"tag": "interlets/1/other"}),
        (signed().wire, {"key": OTHER.public}),
        (signed().wire, {"key": None}),
        (signed(key=OTHER).wire, {}),
        (signed(key_seq=4).wire, {}),
        (encode((encode(BODY), 3, b"\0" * 64)), {}),
        (encode((encode((TAG, b"\x11" * 32, 8)), 3, signed().signature)), {}),
    ],
    ids=[
        "other tag",
        "other key",
        "no key",
        "signed by another",
        "other key_seq",
        "no signature",
        "other body",
    ],
)
def test_a_missing_forged_or_misdirected_signature_is_refused(
    wire: bytes, options: dict[str, object]
) -> None:
    """Rule 1.3."""
    with pytest.raises(BadSignature):
        opened(wire, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value",
    [None, (), (b"", 0), (b"", 0, b"\0" * 64, None), (b"", 0, b"\0" * 63), (b"", 0, b"\0" * 65), (b"", -1, b"\0" * 64),
     (b"", True, b"\0" * 64), ("", 0, b"\0" * 64), (b"", 0, "a" * 64), (b"", None, b"\0" * 64), ((), 0, b"\0" * 64),
     (b"a" * (OBJECT_BYTES_MAX + 1), 0, b"\0" * 64)],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_only_body_key_and_signature_are_split(value: Value) -> None:
    """Rule 1.3."""
    with pytest.raises(NotCanonical):
        split(encode(value, bytes_max=WIRE_BYTES_MAX))


def test_a_key_number_beyond_63_bits_is_no_wire_form() -> None:
    """Rule 1.1: msgpack reads it, LC1 does not know it."""
    head, tail = b"\x93" + encode(b""), encode(b"\0" * 64)
    assert split(head + b"\xcf" + (2**63 - 1).to_bytes(8, "big") + tail) == (b"", 2**63 - 1, b"\0" * 64)
    with pytest.raises(NotCanonical):
        split(head + b"\xcf" + (2**63).to_bytes(8, "big") + tail)


def test_a_body_of_full_size_fits_its_wire_form() -> None:
    """Rule 1.1: the 16 KiB are the body's."""
    body = b"a" * (OBJECT_BYTES_MAX - 3)
    made = sign(TAG, body, encode(body), KEY, 2**63 - 1)

    assert open_signed(TAG, made.wire, decode, lambda *_: KEY.public).body == body


def test_no_other_spelling_of_a_wire_form_opens() -> None:
    """Rule 1.2: neither a longer form, nor another type in any place."""
    wire_value = decode(signed().wire)
    for name, data in [*respell.longer(wire_value), *respell.mixed(wire_value)]:
        with pytest.raises((NotCanonical, BadSignature)):
            pytest.fail(f"{name} opened as {opened(data)!r}")
    for name, data in respell.longer(BODY):
        resigned = encode((data, 3, KEY.sign(signed_bytes(TAG, data))))
        with pytest.raises(NotCanonical):
            pytest.fail(f"{name} in the body opened as {opened(resigned)!r}")


@given(place=st.integers(0, 8 * len(signed().wire) - 1))
def test_every_flipped_bit_is_refused(place: int) -> None:
    """Rule 1.3."""
    altered = bytearray(signed().wire)
    altered[place // 8] ^= 1 << place % 8

    with pytest.raises((NotCanonical, BadSignature)):
        opened(bytes(altered))


@given(data=st.binary(max_size=150))
def test_any_bytes_are_refused(data: bytes) -> None:
    """Rule 1.2."""
    with pytest.raises((NotCanonical, BadSignature)):
        opened(data)


def test_what_parsing_refuses_is_raised_as_it_is() -> None:
    """The room above has its own errors."""

    class Refused(Exception):
        pass

    def parse(_data: bytes) -> None:
        raise Refused

    with pytest.raises(Refused):
        open_signed(TAG, signed().wire, parse, lambda *_: KEY.public)


def test_a_signed_value_cannot_be_made_changed_or_copied_unverified() -> None:
    """Style 6: unverified data has no type the rest of the code accepts."""
    made = signed()

    with pytest.raises(TypeError):
        Signed(object(), BODY, encode(BODY), 3, b"\0" * 64, b"")
    for name in ("body", "id", "signature"):
        with pytest.raises(AttributeError):
            setattr(made, name, None)
        with pytest.raises(AttributeError):
            delattr(made, name)
    with pytest.raises(TypeError):
        copy.copy(made)
    with pytest.raises(TypeError):
        pickle.dumps(made)
    with pytest.raises(TypeError):
        type("Loose", (Signed,), {})
