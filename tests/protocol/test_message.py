"""Messages as values: checked at construction, one spelling in bytes. Source: docs/protocol.md 1.1–1.5, I11, I12."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.canonical import encode
from crypto.keys import SigningKey
from crypto.signing import sign
from protocol.errors import InvalidValue, MalformedMessage, NotAuthentic
from protocol.message import (
    Blob,
    Code,
    Fixed,
    Flag,
    Int,
    Many,
    Maybe,
    Message,
    Nested,
    Part,
    Text,
    decode_message,
    encode_message,
    open_message,
    sign_message,
    to_value,
    trusted_message,
)

KEY, OTHER_KEY = SigningKey(b"\x01" * 32), SigningKey(b"\x02" * 32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg(Part):
    """A part without a tag."""

    amount: Annotated[int, Int(-5, 5)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Yes(Part):
    TAG: ClassVar[str] = "yes"
    why: Annotated[str, Text(4)]


@dataclass(frozen=True, slots=True, kw_only=True)
class No(Part):
    TAG: ClassVar[str] = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything(Message):
    """One field of each kind."""

    TAG: ClassVar[str] = "interlets/1/test-everything"

    fixed: Annotated[bytes, Fixed(2)]
    blob: Annotated[bytes, Blob(3)]
    number: Annotated[int, Int(0, 300)]
    flag: Annotated[bool, Flag()]
    text: Annotated[str, Text(4, 1)]
    code: Annotated[str, Code()]
    word: Annotated[str, Code(("red", "blue"))]
    maybe: Annotated[bytes | None, Maybe(Fixed(1))]
    legs: Annotated[tuple[Leg, ...], Many(Nested((Leg,)), 2, 1)]
    answer: Annotated[Yes | No, Nested((Yes, No))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin(Everything):
    """The same fields under another tag."""

    TAG: ClassVar[str] = "interlets/1/test-twin"


GOOD = {
    "fixed": b"ab",
    "blob": b"",
    "number": 300,
    "flag": True,
    "text": "äö",
    "code": "a-1",
    "word": "red",
    "maybe": None,
    "legs": (Leg(amount=-5),),
    "answer": Yes(why=""),
}
EVERYTHING = Everything(**GOOD)


@pytest.mark.parametrize(
    "field, wrong",
    [
        ("fixed", b"a"),
        ("fixed", b"abc"),
        ("fixed", "ab"),
        ("fixed", bytearray(b"ab")),
        ("blob", b"abcd"),
        ("number", -1),
        ("number", 301),
        ("number", True),  # would be a second spelling of 1
        ("number", 1.0),
        ("flag", 1),
        ("flag", None),
        ("text", ""),
        ("text", "äöü"),  # six bytes
        ("text", "a\0"),
        ("text", "\ud800"),
        ("text", b"a"),
        ("code", ""),
        ("code", "A"),
        ("code", "a_b"),
        ("code", "a\n"),
        ("code", "a" * 33),
        ("word", "green"),
        ("maybe", b""),
        ("legs", ()),
        ("legs", (Leg(amount=0),) * 3),
        ("legs", [Leg(amount=0)]),
        ("legs", ((0,),)),
        ("answer", None),
        ("answer", Leg(amount=0)),
    ],
)
def test_a_message_that_exists_is_well_formed(field, wrong):
    """Rule 1.5, and 1.2 for the exact types."""
    with pytest.raises(InvalidValue, match=f"Everything.{field}"):
        Everything(**(GOOD | {field: wrong}))


def test_a_message_is_its_tag_and_its_fields_in_order():
    """Rule 1.1: an untagged part is an array, a tagged one begins with its tag."""
    assert to_value(EVERYTHING) == (
        "interlets/1/test-everything", b"ab", b"", 300, True, "äö", "a-1", "red", None, ((-5,),), ("yes", ""),
    )  # fmt: skip


@given(
    st.builds(
        Everything,
        fixed=st.binary(min_size=2, max_size=2),
        blob=st.binary(max_size=3),
        number=st.integers(0, 300),
        flag=st.booleans(),
        text=st.sampled_from(["a", "ß", "日", "a b"]),
        code=st.from_regex(r"[a-z0-9-]{1,32}", fullmatch=True),
        word=st.sampled_from(["red", "blue"]),
        maybe=st.none() | st.binary(min_size=1, max_size=1),
        legs=st.lists(st.builds(Leg, amount=st.integers(-5, 5)), min_size=1, max_size=2).map(tuple),
        answer=st.builds(No) | st.builds(Yes, why=st.sampled_from(["", "so"])),
    )
)
def test_every_message_is_read_back_from_its_bytes(message):
    """Rule 1.2."""
    assert decode_message(Everything, encode_message(message)) == message


@given(st.binary(max_size=80))
def test_arbitrary_bytes_are_a_message_or_malformed(data):
    """Rule 1.2: no other exception escapes."""
    with pytest.raises(MalformedMessage):
        decode_message(Everything, data)


@given(st.data())
def test_changed_bytes_are_another_message_or_malformed(data):
    """I11: accepted ⇒ canonical."""
    body = encode_message(EVERYTHING)
    at = data.draw(st.integers(0, len(body) - 1))
    changed = body[:at] + bytes([data.draw(st.integers(0, 255))]) + body[at + 1 :]

    try:
        message = decode_message(Everything, changed)
    except MalformedMessage:
        return
    assert encode_message(message) == changed


@pytest.mark.parametrize(
    "value",
    [
        None,
        (),
        "interlets/1/test-everything",
        (*to_value(EVERYTHING), None),
        to_value(EVERYTHING)[:-1],
        to_value(EVERYTHING)[1:],
        (Twin.TAG, *to_value(EVERYTHING)[1:]),
        (*to_value(EVERYTHING)[:-1], ("maybe",)),
        (*to_value(EVERYTHING)[:-1], ("no", 1)),
        (*to_value(EVERYTHING)[:-1], ()),
        (*to_value(EVERYTHING)[:-2], -5, ("no",)),
        (*to_value(EVERYTHING)[:-2], (-5,), ("no",)),
    ],
)
def test_another_shape_is_malformed(value):
    """Rule 9.5: a tag never gains fields."""
    with pytest.raises(MalformedMessage):
        decode_message(Everything, encode(value))


def test_a_message_longer_than_an_object_is_not_made():
    """Rule 1.1: 16 KiB."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Long(Part):
        blob: Annotated[bytes, Blob(20_000)]

    with pytest.raises(InvalidValue):
        encode_message(Long(blob=bytes(17_000)))


def test_a_signed_message_is_opened_by_the_key_it_names():
    """Rule 1.3: what is stored is what came, byte for byte."""
    signed = sign_message(EVERYTHING, KEY, 7)

    opened = open_message(Everything, signed.wire, lambda _, key_seq: KEY.public if key_seq == 7 else None)

    assert opened.body == EVERYTHING
    assert (opened.wire, opened.id, opened.key_seq) == (signed.wire, signed.id, 7)
    assert trusted_message(Everything, signed.wire) == opened


@pytest.mark.parametrize("key", [None, OTHER_KEY.public])
def test_without_its_key_a_message_is_not_opened(key):
    """Rule 1.3: no key, or another's."""
    with pytest.raises(NotAuthentic):
        open_message(Everything, sign_message(EVERYTHING, KEY, 7).wire, lambda _, __: key)


def test_a_signature_is_worth_nothing_under_another_tag():
    """I12: the same bytes signed for another purpose."""
    wire = sign(Twin.TAG, None, encode_message(EVERYTHING), KEY, 7).wire

    with pytest.raises(NotAuthentic):
        open_message(Everything, wire, lambda _, __: KEY.public)


@pytest.mark.parametrize(
    "wire", [b"", b"\xc0", encode((b"", 0)), encode((b"", 0, bytes(63))), encode(("", 0, bytes(64)))]
)
def test_what_is_no_wire_form_is_malformed(wire):
    """Rule 1.3: [body, key_seq, signature]."""
    with pytest.raises(MalformedMessage):
        open_message(Everything, wire, lambda _, __: KEY.public)
