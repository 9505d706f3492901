"""Shapes: the questions written out say yes to nothing that the specs refuse. Source: docs/protocol.md 1.2, 1.5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.errors import InvalidValue
from protocol.message import Blob, Code, Fixed, Flag, Int, Many, Maybe, Nested, Part, Text, decode_message
from protocol.message import encode_message as encoded
from protocol.shapes import shape_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf(Part):
    """Nothing but its tag."""

    TAG: ClassVar[str] = "leaf"


@dataclass(frozen=True, slots=True)
class One:
    """A kind with one field, whose spec is the test's."""

    TAG: ClassVar[str] = ""
    field: object


SPECS = [
    Fixed(2),
    Blob(2),
    Int(-3, 300),
    Int(-(2**63), 2**63 - 1),
    Flag(),
    Text(4),
    Text(4, 1),
    Code(),
    Code(("red", "blue")),
    Maybe(Fixed(2)),
    Maybe(Many(Int(0, 1), 2)),
    Many(Text(4), 2),
    Many(Many(Code(), 2, 1), 2),
    Many(Nested((Leaf,)), 2),
    Nested((Leaf,)),
]
ATOMS = st.one_of(
    st.none(), st.booleans(), st.integers(-4, 301), st.integers(), st.floats(), st.binary(max_size=3),
    st.text("ab-\0ä\ud800", max_size=5), st.sampled_from(["red", "blue", "local", Leaf(), Leaf]),
    st.builds(bytearray, st.binary(min_size=2, max_size=2)),
)  # fmt: skip
VALUES = st.recursive(ATOMS, lambda each: st.lists(each, max_size=3).map(tuple) | st.lists(each, max_size=2))


@pytest.mark.parametrize("spec", SPECS, ids=repr)
@given(value=VALUES)
@example(value=True)
@example(value=1.0)
@example(value=2**63)
@example(value="\0")
@example(value=(("a",), ("b\n",)))
@example(value=((), ("b",)))
def test_what_the_quick_question_takes_the_spec_allows(spec, value):
    """Rule 1.5: only speed may depend on which of the two is asked."""
    if shape_of(One, ["field"], [spec]).accepts(One(value)):
        spec.check(value)


@pytest.mark.parametrize(
    "spec, value",
    [
        (Fixed(2), b"ab"), (Blob(2), b""), (Int(-3, 300), -3), (Int(-3, 300), 300), (Flag(), False), (Text(4), "abcd"),
        (Code(), "a-1"), (Code(("red", "blue")), "blue"), (Maybe(Fixed(2)), None), (Maybe(Fixed(2)), b"ab"),
        (Many(Text(4), 2), ()), (Many(Text(4), 2), ("a", "b")), (Nested((Leaf,)), Leaf()),
    ],
)  # fmt: skip
def test_what_is_usual_needs_no_second_question(spec, value):
    """Else all of this would be for nothing."""
    assert shape_of(One, ["field"], [spec]).accepts(One(value))


def test_letters_beyond_ascii_are_counted_in_bytes():
    """Rule 1.5."""
    spec = Text(4)

    assert not shape_of(One, ["field"], [spec]).accepts(One("ää"))
    spec.check("ää")
    with pytest.raises(InvalidValue):
        spec.check("äää")


def test_a_kind_that_could_never_be_spelled_is_our_bug():
    """Rule 1.1: six arrays inside one another."""
    deep = Many(Many(Many(Many(Many(Int(0, 1), 1), 1), 1), 1), 1)
    assert shape_of(One, ["field"], [deep]).depth == 6
    with pytest.raises(AssertionError, match="One"):
        shape_of(One, ["field"], [Many(deep, 1)])
    with pytest.raises(AssertionError, match="64"):
        Int(0, 2**63)


def test_a_part_without_fields_is_its_tag():
    """Rule 1.1."""
    assert decode_message(Leaf, encoded(Leaf())) == Leaf()
